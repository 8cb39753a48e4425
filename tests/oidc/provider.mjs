// The certified provider of the tests: Fedora's paths and scopes, a few people, and a door to change its mind by.
//
// `node provider.mjs MODULES` prints its port on one line. `POST /control` takes JSON: `{"hubs": URL}` says where people
// are sent back to, `{"rotate": true}` replaces its keys, `{"down": true}` has it answer 503.

import http from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Provider } = await load("oidc-provider");
const { generateKeyPair, exportJWK } = await load("jose");

const scope = "https://id.fedoraproject.org/scope/";
const people = {
  ralph: { name: "Ralph B.", groups: ["infra"] },
  duffy: { name: "Máirín", groups: ["designteam"] },
  smooge: { name: "Smooge", groups: ["sysadmin-main"] },
  "Mallory X": { name: "Mallory", groups: [] },
};
const state = { hubs: null, down: false, keys: 0, handle: null, jwks: null };

async function newKeys() {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  state.keys += 1;
  state.jwks = { keys: [{ ...(await exportJWK(privateKey)), kid: `key-${state.keys}`, alg: "RS256", use: "sig" }] };
}

function serve() {
  const back = state.hubs ? [`${state.hubs}/login/callback`] : ["http://127.0.0.1/none"];
  const away = state.hubs ? [`${state.hubs}/`] : [];
  const provider = new Provider(issuer, {
    clients: [
      { client_id: "hubs", client_secret: "hubs-test-secret", redirect_uris: back, post_logout_redirect_uris: away },
      { client_id: "hubs-public", redirect_uris: back, application_type: "native", token_endpoint_auth_method: "none" },
    ],
    jwks: state.jwks,
    scopes: ["openid", "profile", `${scope}groups`],
    claims: { openid: ["sub"], profile: ["name", "nickname", "preferred_username"], [`${scope}groups`]: ["groups"] },
    routes: { authorization: "/Authorization", token: "/Token", userinfo: "/UserInfo", jwks: "/Jwks" },
    cookies: { keys: ["test-only"] },
    findAccount: async (_, id) =>
      people[id] && { accountId: id, claims: async () => ({ sub: `sub-of-${id}`, nickname: id, ...people[id] }) },
  });
  state.handle = provider.callback();
}

async function control(request) {
  let text = "";
  for await (const piece of request) text += piece;
  const wish = JSON.parse(text);
  if ("hubs" in wish) state.hubs = wish.hubs;
  if ("down" in wish) state.down = wish.down;
  if (wish.rotate) await newKeys();
  serve();
}

let issuer = "";
console.warn = console.info = () => {};
const server = http.createServer(async (request, response) => {
  if (request.url === "/control") {
    await control(request);
    return response.end();
  }
  if (state.down || !request.url.startsWith("/openidc")) {
    response.statusCode = state.down ? 503 : 404;
    return response.end();
  }
  request.originalUrl = request.url;
  request.url = request.url.slice("/openidc".length) || "/";
  state.handle(request, response);
});
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address();
  issuer = `http://127.0.0.1:${port}/openidc`;
  await newKeys();
  serve();
  process.stdout.write(`${port}\n`);
});
