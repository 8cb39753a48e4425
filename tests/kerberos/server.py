"""FASJSON's answers behind a real SPNEGO: `server.py PORT ANSWERS.json [unproven]`, its key in KRB5_KTNAME.

A session's header stands for a negotiation, once; what is asked is written to stdout, one line each."""

import base64
import http.server
import json
import sys

import gssapi

PORT, ANSWERS = int(sys.argv[1]), json.load(open(sys.argv[2]))
UNPROVEN = sys.argv[3:] == ["unproven"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        headers = {}
        if self.headers.get("ipasession") == "MagBearerToken=one":
            how = "session"
        elif scheme == "Negotiate":
            how = "negotiate"
            context = gssapi.SecurityContext(usage="accept")
            try:
                proof = context.step(base64.b64decode(token))
            except gssapi.exceptions.GSSError as error:
                return self.answer(401, {"message": str(error)}, {"WWW-Authenticate": "Negotiate"})
            who = str(context.initiator_name)
            if not UNPROVEN and proof:
                headers["WWW-Authenticate"] = "Negotiate " + base64.b64encode(proof).decode()
            if who.startswith("stranger"):
                return self.answer(403, {"message": f"Invalid credentials ({who})"}, headers)
            headers["IPASESSION"] = "MagBearerToken=one"
        else:
            return self.answer(401, {"message": "Negotiate"}, {"WWW-Authenticate": "Negotiate"})
        print(how, self.path, flush=True)
        body = ANSWERS.get(self.path.partition("?")[0])
        if body is None:
            return self.answer(404, {"name": "x", "message": "User not found"}, headers)
        self.answer(200, body, headers)

    def answer(self, status, body, headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


print("ready", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
