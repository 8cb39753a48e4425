//! `GET /openapi.json`: what programs may ask of this server, for programs that read such things.
//!
//! Shapes are made from the types that are answered, and a test holds the paths against the router's own list: a route that
//! speaks JSON can't be forgotten here.

mod shapes;

pub(super) use shapes::{
    EditedJson, ErrorJson, HubJson, LineJson, ProblemJson, RolesJson, SettingsJson, TakenJson,
    ViewerJson,
};

use crate::hub::WidgetView;
use crate::outbound::Kindness;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// `GET /openapi.json`: `OpenAPI` 3.1.
pub(super) async fn show() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(|| document().to_string());
    let mut response = text.as_str().into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut writing = Writing { shapes: settings.into_generator(), paths: Map::new() };
    writing.reading();
    writing.roles();
    writing.editing();
    writing.operations();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hubs",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Live pages for people and teams. Programs log in as people do, and send the token of their session as `X-CSRF-Token` with whatever changes something.",
            "license": { "name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later" },
        },
        "paths": writing.paths,
        "components": {
            "schemas": writing.shapes.take_definitions(true),
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "hubs",
                    "description": "`__Host-hubs` behind https." },
                "token": { "type": "http", "scheme": "bearer",
                    "description": "`[server] ingest_token`; not needed from the machine itself." },
            },
        },
    })
}

struct Writing {
    shapes: SchemaGenerator,
    paths: Map<String, Value>,
}

/// One operation, while it is written down.
struct Operation {
    method: &'static str,
    path: &'static str,
    about: Value,
    /// By status, with why.
    refusals: Vec<(u16, &'static str)>,
}

impl Writing {
    /// What can be read.
    fn reading(&mut self) {
        let hub = self.json::<HubJson<'_>>(
            "The hub; of one that the viewer may not read, the name and the summary",
        );
        self.put(Operation::get("/{hub}/json", "A hub").answers(200, hub).missing());
        let widget = self.json::<WidgetView>("The widget, as events carry it");
        let known = json!({ "description": "The one with the ETag that `If-None-Match` names is still the latest" });
        self.put(
            Operation::get("/{hub}/{id}/json", "A widget")
                .answers(200, widget)
                .answers(304, known)
                .missing(),
        );
        let stream = json!({
            "description": "Events `widget` (with a widget), `removed` and `problem` (with its id), and `hub` when the layout changed; each has an `id`",
            "content": { "text/event-stream": { "schema": { "type": "string" } } },
        });
        let seen = query(
            "since",
            "The id of the last event that was seen, as in the header `Last-Event-ID`",
        );
        self.put(
            Operation::get("/{hub}/events", "What changes on a hub, as it changes")
                .with(seen)
                .answers(200, stream)
                .missing(),
        );
    }

    fn roles(&mut self) {
        let deeds = json!({
            "name": "deed", "in": "path", "required": true,
            "schema": { "enum": ["subscribe", "unsubscribe", "star", "unstar", "join", "leave"] },
        });
        let roles = self.json::<RolesJson<'_>>("What the viewer is to the hub now");
        let open = Operation::post(
            "/api/hub/{hub}/{deed}",
            "Become a subscriber, stargazer or member, or cease to be one",
        )
        .with(deeds)
        .answers(200, roles)
        .missing()
        .refusing(409, "The last owner can't leave");
        self.put(open.logged_in());
    }

    fn editing(&mut self) {
        let settings = self.json::<SettingsJson<'_>>("The settings, and what fits");
        let open = Operation::get("/{hub}/{id}/edit", "The settings of a widget")
            .answers(200, settings)
            .missing();
        self.put(open.logged_in());
        let sheet = json!({
            "description": "`hub`, `version`, `details`, `owners`, `members` and `columns`",
            "content": { "application/json": { "schema": { "type": "object" } } },
        });
        let open = Operation::get("/{hub}/edit", "What can be edited on a hub")
            .answers(200, sheet)
            .missing();
        self.put(open.logged_in());
        self.edit::<shapes::Configure>("/{hub}/{id}/edit", "Change the settings of a widget");
        self.edit::<shapes::Add>("/{hub}/widgets", "Add a widget");
        self.edit::<shapes::Layout>("/{hub}/layout", "Move widgets");
        self.edit::<shapes::Describe>("/{hub}/details", "Change a hub's details");
        self.edit::<shapes::Appoint>("/{hub}/people", "Make people owners or members, or end that");
        self.edit::<shapes::Revert>("/{hub}/revert", "Take a change back");
        self.edit::<Map<String, Value>>("/{hub}/{id}/delete", "Remove a widget");
    }

    fn edit<Body: JsonSchema>(&mut self, path: &'static str, summary: &str) {
        let done = self.json::<EditedJson<'_>>("Done, and told to everybody who looks at the hub");
        let open = Operation::post(path, summary)
            .takes(self.shapes.subschema_for::<Body>().as_value())
            .answers(200, done)
            .missing()
            .refusing(409, "Somebody else changed the same since `version`")
            .refusing(415, "The body is neither JSON nor a form")
            .refusing(422, "It does not fit: by field what was given and what fits")
            .refusing(429, "Too many changes at once");
        self.put(open.logged_in());
    }

    fn operations(&mut self) {
        let messages = json!({
            "required": true,
            "content": { "application/x-ndjson": { "schema": { "type": "string" } } },
            "description": "One message a line, as fedmsg, datagrepper or fedora-messaging writes it",
        });
        let taken = self.json::<TakenJson>("What became of them; what was accepted is on disk");
        let none = self.json::<TakenJson>("No line was a message");
        let mut open = Operation::post("/api/messages", "Send messages in")
            .answers(200, taken)
            .answers(400, none);
        open.about["requestBody"] = messages;
        let open = open.refusing(415, "The content type is another one");
        self.put(open.admitted());
        let kind = self.json::<Kindness>("Per host what it was asked and spared since the start");
        let open =
            Operation::get("/api/kindness", "How other servers are treated").answers(200, kind);
        self.put(open.admitted());
        let why = json!({
            "description": "What the widget waits for, what it was asked within the last hour, what came of it",
            "content": { "application/json": { "schema": { "type": "object" } } },
        });
        let open = Operation::get("/api/why/{id}", "Why a widget was redrawn, or was not")
            .with(query("message", "The id of a message"))
            .answers(200, why)
            .refusing(404, "There is no such widget, or the message is forgotten");
        self.put(open.admitted());
        let plain = |what: &str| json!({ "description": what, "content": { "application/json": { "schema": { "type": "object" } } } });
        let hook = Operation::post(
            "/hooks/github",
            "A webhook of GitHub, signed by `X-Hub-Signature-256`",
        )
        .answers(200, plain("Taken, or of no use here; `reason` says which"))
        .refusing(400, "The body is no JSON, or a header is missing")
        .refusing(401, "The signature is missing or another one");
        self.put(hook);
        let well = Operation::get("/healthz", "Whether the service is well")
            .answers(200, plain("It is"))
            .answers(503, plain("It is not; `reasons` say why"));
        self.put(well);
        let text = json!({ "description": "Counters", "content": { "text/plain": { "schema": { "type": "string" } } } });
        self.put(
            Operation::get("/metrics", "Counters, in the text format of Prometheus")
                .answers(200, text),
        );
        self.put(
            Operation::get("/openapi.json", "This document").answers(200, plain("OpenAPI 3.1")),
        );
    }

    fn json<T: JsonSchema>(&mut self, what: &str) -> Value {
        let shape = self.shapes.subschema_for::<T>();
        json!({ "description": what, "content": { "application/json": { "schema": shape } } })
    }

    fn put(&mut self, operation: Operation) {
        let Operation { method, path, mut about, refusals } = operation;
        for (status, why) in refusals {
            about["responses"][status.to_string()] = self.json::<ErrorJson>(why);
        }
        self.paths.entry(path).or_insert_with(|| json!({}))[method] = about;
    }
}

fn query(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } })
}

impl Operation {
    fn get(path: &'static str, summary: &str) -> Self {
        Self::new("get", path, summary)
    }

    fn post(path: &'static str, summary: &str) -> Self {
        Self::new("post", path, summary)
    }

    fn new(method: &'static str, path: &'static str, summary: &str) -> Self {
        let words: String = path.replace(['{', '}'], "").replace(['/', '.'], "_");
        let about = json!({
            "operationId": format!("{method}{words}"), "summary": summary, "parameters": [], "responses": {},
        });
        let operation = Self { method, path, about, refusals: Vec::new() };
        let operation = if path.contains("{hub}") { operation.with(hub()) } else { operation };
        if path.contains("{id}") { operation.with(id()) } else { operation }
    }

    fn with(mut self, parameter: Value) -> Self {
        if let Some(all) = self.about["parameters"].as_array_mut() {
            all.push(parameter);
        }
        self
    }

    fn takes(mut self, shape: &Value) -> Self {
        self.about["requestBody"] = json!({
            "required": true, "content": { "application/json": { "schema": shape } },
        });
        self
    }

    fn answers(mut self, status: u16, answer: Value) -> Self {
        self.about["responses"][status.to_string()] = answer;
        self
    }

    fn refusing(mut self, status: u16, why: &'static str) -> Self {
        self.refusals.push((status, why));
        self
    }

    /// Most things can be missing, or not be for everybody.
    fn missing(self) -> Self {
        self.refusing(404, "There is none, or it is not for the viewer")
    }

    fn logged_in(mut self) -> Self {
        self.about["security"] = json!([{ "session": [] }]);
        self.refusing(401, "Nobody is logged in")
            .refusing(403, "Not theirs to do, or sent by a page of another site")
    }

    fn admitted(mut self) -> Self {
        self.about["security"] = json!([{}, { "token": [] }]);
        self.refusing(401, "From elsewhere without the right token")
    }
}

fn hub() -> Value {
    json!({
        "name": "hub", "in": "path", "required": true, "description": "The name of a hub",
        "schema": { "type": "string", "pattern": "^[a-z0-9._-]{1,50}$" },
    })
}

fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": "A widget on a hub",
        "schema": { "type": "integer", "minimum": 1 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Routes that answer with pages, pictures, feeds or redirects only.
    const PAGES: [&str; 18] = [
        "GET /",
        "GET /favicon.ico",
        "GET /login",
        "GET /login/callback",
        "GET /source/{widget}",
        "GET /static/{*path}",
        "GET /widgets",
        "GET /widgets/script-reference",
        "GET /widgets/{name}",
        "GET /{hub}",
        "GET /{hub}/feed.atom",
        "GET /{hub}/{id}",
        "GET /{hub}/{id}/atom",
        "GET /{hub}/{id}/badge.svg",
        "GET /{hub}/{id}/problem",
        "GET /{hub}/{id}/why",
        "POST /login",
        "POST /logout",
    ];

    #[test]
    fn every_route_that_speaks_json_is_described_and_no_other() {
        let document = document();
        let mut described: Vec<String> = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        let listed = super::super::listed();
        let mut there: Vec<String> = listed
            .iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .filter(|route| !PAGES.contains(&&**route))
            .collect();
        described.sort();
        there.sort();
        assert_eq!(described, there);
    }

    #[test]
    fn every_shape_that_is_pointed_to_is_there() {
        let document = document();
        let text = document.to_string();
        let mut found = 0;
        for name in text.split("\"#/components/schemas/").skip(1) {
            let name = name.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
            found += 1;
        }
        assert!(found > 30, "{found}");
        assert!(!text.contains("$defs"));
    }
}
