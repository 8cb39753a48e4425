//! What a provider that others certify never does: a stub that signs whatever it is told to.

use super::*;
use crate::config::{Secret, Settings as AllSettings};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

struct Key {
    pair: RsaKeyPair,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        Self { pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), kid }
    }

    /// The public part as JSON. Its DER is a sequence of a modulus of 256 bytes, behind nine others, and 65,537.
    fn public(&self) -> Value {
        let der = self.pair.public_key().as_ref();
        let modulus = encoded(&der[9..265]);
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": modulus, "e": "AQAB" })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "kid": self.kid });
        let signed =
            [header, claims.clone()].map(|part| encoded(part.to_string().as_bytes())).join(".");
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", encoded(&signature))
    }
}

/// A provider at `/id` of a server.
struct Stub {
    server: MockServer,
    issuer: String,
}

impl Stub {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let issuer = format!("{}/id", server.uri());
        Self { server, issuer }
    }

    async fn says(&self, at: &str, status: u16, body: &Value) {
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(path(at)).respond_with(answer).mount(&self.server).await;
    }

    async fn describes(&self, change: impl FnOnce(&mut Value)) {
        let mut about = json!({
            "issuer": self.issuer,
            "authorization_endpoint": format!("{}/Authorization", self.issuer),
            "token_endpoint": format!("{}/Token", self.issuer),
            "userinfo_endpoint": format!("{}/UserInfo", self.issuer),
            "end_session_endpoint": format!("{}/End", self.issuer),
            "jwks_uri": format!("{}/Jwks", self.issuer),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        });
        change(&mut about);
        self.says("/id/.well-known/openid-configuration", 200, &about).await;
    }

    async fn has_keys(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        self.says("/id/Jwks", 200, &json!({ "keys": keys })).await;
    }

    async fn gives(&self, id_token: &str) {
        let tokens =
            json!({ "access_token": "access", "token_type": "Bearer", "id_token": id_token });
        self.says("/id/Token", 200, &tokens).await;
    }

    async fn tells(&self, person: &Value) {
        self.says("/id/UserInfo", 200, person).await;
    }

    fn claims(&self) -> Value {
        json!({ "iss": self.issuer, "sub": "1", "aud": "hubs", "exp": NOW + 300, "iat": NOW, "nonce": "n" })
    }

    fn client(&self) -> Oidc {
        self.client_with("")
    }

    fn client_with(&self, more: &str) -> Oidc {
        let text = format!(
            "[auth]\nkind = \"oidc\"\nissuer = \"{}\"\nclient_id = \"hubs\"\nclient_secret = \"hunter2\"\n{more}",
            self.issuer
        );
        let settings = AllSettings::parse(&text, "hubs.toml").unwrap();
        let crate::config::AuthKind::Oidc(oidc) = settings.auth.kind else { panic!("no provider") };
        assert_eq!(oidc.client_secret, Some(Secret::new("hunter2")));
        Oidc::new(&oidc, "http://127.0.0.1:5000/login/callback", now).unwrap()
    }

    /// Comes back with a code.
    async fn finish(&self) -> Result<Identity, OidcError> {
        self.client().finish(&ANSWER).await
    }
}

/// A claim, what it is instead, and a word of why that is refused.
type Change = (&'static str, Value, Option<&'static str>);
/// A token that the provider did not sign, from a stub, another's key, and what makes the part that is signed.
type Forge = fn(&Stub, &Key, &dyn Fn(Value, &Stub) -> String) -> String;

const ANSWER: Answer<'_> = Answer { code: "code", iss: None, nonce: "n", verifier: "v" };

fn ralph() -> Value {
    json!({ "sub": "1", "nickname": "ralph", "name": "Ralph\u{7} Bean", "groups": ["infra", 7, "qa"] })
}

#[tokio::test]
async fn a_login_leaves_with_all_that_binds_its_answer_to_it() {
    let stub = Stub::new().await;
    stub.describes(|_| {}).await;
    stub.has_keys(&[]).await;
    let begun =
        stub.client_with("scopes = [\"profile\", \"groups\"]\n").begin("the-state").await.unwrap();
    let query: std::collections::HashMap<_, _> = begun.url.query_pairs().into_owned().collect();
    assert!(begun.url.as_str().starts_with(&format!("{}/Authorization?", stub.issuer)));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "hubs"),
        ("state", "the-state"),
        ("nonce", &begun.nonce),
        ("code_challenge_method", "S256"),
        ("scope", "openid profile groups"),
        ("redirect_uri", "http://127.0.0.1:5000/login/callback"),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    assert!(begun.verifier.len() >= 43 && begun.nonce.len() >= 22);
    assert!(!begun.url.as_str().contains(&begun.verifier));
}

#[tokio::test]
async fn who_comes_back_is_who_the_provider_says() {
    let (stub, key) = (Stub::new().await, Key::new("a"));
    // As Fedora's: with a slash that hubs.toml does not have.
    let slashed = format!("{}/", stub.issuer);
    stub.describes(|about| about["issuer"] = slashed.clone().into()).await;
    stub.has_keys(&[&key]).await;
    let mut claims = stub.claims();
    claims["iss"] = slashed.into();
    let token = key.sign(&claims);
    stub.gives(&token).await;
    stub.tells(&ralph()).await;
    let found = stub.finish().await.unwrap();
    let groups = vec!["infra".to_owned(), "qa".into()];
    let full_name = "Ralph Bean".to_owned();
    let identity = Identity {
        subject: "1".into(),
        username: "ralph".into(),
        full_name,
        groups,
        id_token: token,
    };
    assert_eq!(found, identity);
    let token_requests = stub.server.received_requests().await.unwrap();
    let request = token_requests.iter().find(|request| request.url.path() == "/id/Token").unwrap();
    let form = String::from_utf8(request.body.clone()).unwrap();
    assert!(form.contains("code_verifier=v") && form.contains("grant_type=authorization_code"));
    assert!(
        request.headers["authorization"].to_str().unwrap().starts_with("Basic "),
        "as it says nothing else"
    );
}

#[tokio::test]
async fn the_secret_goes_where_it_is_taken() {
    for (takes, setting) in
        [(json!(["client_secret_post", "none"]), ""), (json!(null), "client_auth = \"post\"\n")]
    {
        let (stub, key) = (Stub::new().await, Key::new("a"));
        stub.describes(|about| about["token_endpoint_auth_methods_supported"] = takes).await;
        stub.has_keys(&[&key]).await;
        let tokens = json!({ "access_token": "access", "token_type": "Bearer", "id_token": key.sign(&stub.claims()) });
        Mock::given(method("POST"))
            .and(path("/id/Token"))
            .and(body_string_contains("client_secret=hunter2"))
            .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
            .mount(&stub.server)
            .await;
        let known = ResponseTemplate::new(200).set_body_json(ralph());
        let bearer = header("authorization", "Bearer access");
        Mock::given(path("/id/UserInfo")).and(bearer).respond_with(known).mount(&stub.server).await;
        assert_eq!(stub.client_with(setting).finish(&ANSWER).await.unwrap().username, "ralph");
    }
}

#[tokio::test]
async fn what_is_not_signed_for_this_login_is_not_believed() {
    let key = Key::new("a");
    let changes: [Change; 10] = [
        ("nonce", json!("another"), Some("nonce")),
        ("nonce", json!(null), Some("nonce")),
        ("aud", json!("another"), Some("audience")),
        ("aud", json!(["hubs", "another"]), Some("audience")),
        ("iss", json!("https://evil.example"), Some("issuer")),
        ("exp", json!(NOW - 61), Some("xpired")),
        ("exp", json!(NOW - 30), None),
        ("iat", json!(NOW + 61), Some("from the future")),
        ("iat", json!(NOW + 30), None),
        ("at_hash", json!("bm90IGl0cyBoYXNo"), Some("another access token")),
    ];
    for (claim, value, refused) in changes {
        let stub = Stub::new().await;
        stub.describes(|_| {}).await;
        stub.has_keys(&[&key]).await;
        let mut claims = stub.claims();
        claims[claim] = value.clone();
        stub.gives(&key.sign(&claims)).await;
        stub.tells(&ralph()).await;
        match (stub.finish().await, refused) {
            (Ok(_), None) => {}
            (Err(error @ OidcError::Untrue { .. }), Some(why)) => {
                let said = error.to_string();
                assert!(
                    said.contains(why) && said.contains("is not to be believed"),
                    "{claim}: {said}"
                );
            }
            (found, _) => panic!("{claim} = {value}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_the_provider_did_not_sign_is_not_believed() {
    let (key, thief) = (Key::new("a"), Key::new("a"));
    let claims = |stub: &Stub| encoded(stub.claims().to_string().as_bytes());
    let bare = |header: Value, stub: &Stub| {
        format!("{}.{}", encoded(header.to_string().as_bytes()), claims(stub))
    };
    let forge: [Forge; 3] = [
        |stub, thief, _| thief.sign(&stub.claims()),
        |stub, _, bare| format!("{}.", bare(json!({ "alg": "none" }), stub)),
        |stub, _, bare| {
            let signed = bare(json!({ "alg": "HS256" }), stub);
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"hunter2");
            format!(
                "{signed}.{}",
                encoded(aws_lc_rs::hmac::sign(&secret, signed.as_bytes()).as_ref())
            )
        },
    ];
    for forge in forge {
        let stub = Stub::new().await;
        stub.describes(|_| {}).await;
        stub.has_keys(&[&key]).await;
        stub.gives(&forge(&stub, &thief, &bare)).await;
        stub.tells(&ralph()).await;
        let said = stub.finish().await.unwrap_err().to_string();
        assert!(said.contains("not to be believed") || said.contains("what is no token"), "{said}");
        assert!(!said.contains("hunter2"));
    }
}

#[tokio::test]
async fn new_keys_are_asked_for_once_when_a_token_needs_them() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let stub = Stub::new().await;
    stub.describes(|_| {}).await;
    let first = ResponseTemplate::new(200).set_body_json(json!({ "keys": [old.public()] }));
    Mock::given(path("/id/Jwks")).respond_with(first).up_to_n_times(1).mount(&stub.server).await;
    stub.has_keys(&[&new]).await;
    stub.gives(&new.sign(&stub.claims())).await;
    stub.tells(&ralph()).await;
    let client = stub.client();
    for _ in 0..3 {
        assert_eq!(client.finish(&ANSWER).await.unwrap().username, "ralph");
    }
    let asked = stub.server.received_requests().await.unwrap();
    assert_eq!(asked.iter().filter(|request| request.url.path() == "/id/Jwks").count(), 2);
}

#[tokio::test]
async fn claims_of_another_person_are_not_taken_for_this_one_s() {
    let (stub, key) = (Stub::new().await, Key::new("a"));
    stub.describes(|_| {}).await;
    stub.has_keys(&[&key]).await;
    stub.gives(&key.sign(&stub.claims())).await;
    stub.tells(&json!({ "sub": "2", "nickname": "mallory" })).await;
    let said = stub.finish().await.unwrap_err().to_string();
    assert!(said.contains("what is told of a person is of another one"), "{said}");
}

#[tokio::test]
async fn the_name_is_the_claim_that_is_asked_for() {
    let key = Key::new("a");
    for (setting, person, name) in [
        ("", json!({ "sub": "1", "preferred_username": "rbean" }), Some("rbean")),
        ("", json!({ "sub": "1", "nickname": "" }), Some("1")),
        ("username_claim = \"uid\"\n", json!({ "sub": "1", "uid": "ralph" }), Some("ralph")),
        ("username_claim = \"uid\"\n", ralph(), None),
    ] {
        let stub = Stub::new().await;
        stub.describes(|_| {}).await;
        stub.has_keys(&[&key]).await;
        stub.gives(&key.sign(&stub.claims())).await;
        stub.tells(&person).await;
        let found = stub.client_with(setting).finish(&ANSWER).await;
        match name {
            Some(name) => assert_eq!(found.unwrap().username, name),
            None => assert_eq!(
                found.unwrap_err().to_string(),
                "127.0.0.1 does not say what you are called: there is no `uid`. Whoever runs this server: `scopes` and \
                 `username_claim` of [auth] in hubs.toml decide what it tells."
            ),
        }
    }
}

#[tokio::test]
async fn what_the_token_endpoint_refuses_is_told_with_what_to_do() {
    let refusals = [
        (400, json!({ "error": "invalid_grant" }), "used before, or is too old. Begin again."),
        (200, json!({ "error": "invalid_grant" }), "used before, or is too old. Begin again."),
        (
            401,
            json!({ "error": "invalid_client" }),
            "`client_id`, `client_secret` and `client_auth` of [auth]",
        ),
        (
            400,
            json!({ "error": "invalid_scope", "error_description": "no\nsuch" }),
            "invalid_scope (nosuch)",
        ),
        (503, json!({}), "does not answer just now (it answers 503 Service Unavailable)"),
        (200, json!({ "access_token": 7 }), "its token endpoint answers what is no token"),
        (200, json!({ "access_token": "a", "token_type": "Bearer" }), "it has no ID token"),
    ];
    for (status, body, says) in refusals {
        let stub = Stub::new().await;
        stub.describes(|_| {}).await;
        stub.has_keys(&[]).await;
        stub.says("/id/Token", status, &body).await;
        let said = stub.finish().await.unwrap_err().to_string();
        assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_itself_or_not_there_is_told() {
    let begin = async |stub: &Stub| stub.client().begin("s").await.unwrap_err();
    let stub = Stub::new().await;
    stub.describes(|about| about["issuer"] = "https://evil.example/id".into()).await;
    let said = begin(&stub).await.to_string();
    assert!(
        said.contains("calls itself https://evil.example/id, so nobody is logged in"),
        "{said}"
    );

    let stub = Stub::new().await;
    stub.says("/id/.well-known/openid-configuration", 200, &json!({ "issuer": 7 })).await;
    let said = begin(&stub).await.to_string();
    assert!(
        said.contains("says of itself makes no sense") && said.contains("`[auth] issuer`"),
        "{said}"
    );

    let stub = Stub::new().await;
    let said = begin(&stub).await.to_string();
    assert!(said.contains("/id/.well-known/openid-configuration: it answers 404"), "{said}");

    let stub = Stub::new().await;
    stub.says("/id/.well-known/openid-configuration", 502, &json!({})).await;
    assert!(begin(&stub).await.is_outage());

    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = Stub { issuer: format!("http://127.0.0.1:{port}/id"), ..Stub::new().await };
    let error = begin(&nobody).await;
    assert!(error.is_outage() && error.to_string().contains("try again in a minute"), "{error}");

    let stub = Stub::new().await;
    stub.describes(|_| {}).await;
    stub.has_keys(&[]).await;
    let other = Answer { iss: Some("https://evil.example"), ..ANSWER };
    let said = stub.client().finish(&other).await.unwrap_err().to_string();
    assert!(said.contains("calls itself https://evil.example"), "{said}");
}

#[tokio::test]
async fn one_logs_out_where_the_provider_has_a_place_for_it() {
    let (stub, key) = (Stub::new().await, Key::new("a"));
    stub.describes(|_| {}).await;
    stub.has_keys(&[&key]).await;
    let token = key.sign(&stub.claims());
    let url = stub.client().logout(&token, "http://127.0.0.1:5000/").await.unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/id/End");
    assert_eq!((&query["id_token_hint"], &*query["client_id"]), (&token, "hubs"));
    assert_eq!(query["post_logout_redirect_uri"], "http://127.0.0.1:5000/");

    let stub = Stub::new().await;
    stub.describes(|about| drop(about.as_object_mut().unwrap().remove("end_session_endpoint")))
        .await;
    stub.has_keys(&[]).await;
    assert_eq!(stub.client().logout("", "http://127.0.0.1:5000/").await, None);
}
