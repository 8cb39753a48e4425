//! `hubs check --online`: each service asked once, and what is said of it.

use crate::command::{check, site};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use wiremock::matchers::{body_string_contains, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

/// Somebody who says something to whoever connects; of ZeroMQ it is this.
async fn publisher(greeting: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting).await;
        }
    });
    format!("tcp://{place}")
}

/// Nobody is there.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn says(server: &MockServer, asked: MockBuilder, status: u16, body: Value) {
    asked
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .expect(1)
        .mount(server)
        .await;
}

/// With the places in it by their names.
async fn online(hubs: &str, places: &[(&str, &str)], more: &[&'static str]) -> String {
    let folder =
        site(&[("hubs.toml", &format!("[sandbox]\nallow_private_addresses = true\n{hubs}"))]);
    let arguments = [&["check", "--online"], more].concat();
    let run = tokio::task::spawn_blocking(move || check(folder.path(), &arguments));
    let mut said = run.await.unwrap();
    for (name, place) in places {
        said = said.replace(place, name);
    }
    assert!(!said.contains("hunter2") && !said.contains("ghp_"), "{said}");
    said
}

/// What one service is found to be.
async fn one(service: &str, hubs: &str, places: &[(&str, &str)]) -> Value {
    let said = online(hubs, places, &["--format", "json"]).await;
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found: Vec<Value> = lines.filter(|finding| finding["service"] == service).collect();
    let fails = found.iter().any(|finding| finding["works"] == false);
    // GitHub is there in each; the test of it says when it fails.
    assert!(said.starts_with(if fails { "exit 1" } else { "exit" }), "{said}");
    found.into_iter().next().unwrap_or_else(|| panic!("{service}: {said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_is_told_with_what_hubs_may_do_there() {
    let server = MockServer::start().await;
    let home = server.uri();
    let basic = header("authorization", "Basic aHViczpodW50ZXIy");
    says(
        &server,
        Mock::given(path("/v1/me/")).and(basic),
        200,
        json!({ "result": { "dn": "x", "username": "hubs" } }),
    )
    .await;
    let user = ResponseTemplate::new(200)
        .set_body_json(json!({ "login": "hubs-bot" }))
        .insert_header("x-oauth-scopes", "repo, read:org")
        .insert_header("x-ratelimit-limit", "5000")
        .insert_header("x-ratelimit-remaining", "4990")
        .insert_header("x-ratelimit-reset", "1777982400");
    let asked = Mock::given(path("/user")).and(header("authorization", "Bearer ghp_secret"));
    asked.respond_with(user).expect(1).mount(&server).await;
    let asked = Mock::given(path("/raw")).and(query_param("rows_per_page", "1"));
    says(&server, asked, 200, json!({ "raw_messages": [] })).await;
    let (endpoint, relay) =
        (publisher(b"\xff\0\0\0\0\0\0\0\x01\x7f").await, publisher(b"\xff").await);
    let certificate = site(&[("hubs.crt", "x"), ("hubs.key", "x")]);
    let at = certificate.path().display();
    let hubs = format!(
        "[fas]\nurl = \"{home}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n[github]\nurl = \"{home}\"\ntoken = \"ghp_secret\"\nwebhook_secret = \"hunter2\"\n\
         [bus.fedmsg]\nendpoints = [\"{endpoint}\"]\nvalidate_signatures = false\ndatagrepper_url = \"{}\"\n\
         publish = {{ endpoint = \"{relay}\", active = true, certificate = \"{at}/hubs.crt\", key = {{ file = \"{at}/hubs.key\" }} }}\n",
        home.replace("://", "://me:hunter2@")
    );
    let places = [("[home]", &*home), ("[endpoint]", &endpoint), ("[relay]", &relay)];
    insta::assert_snapshot!(online(&hubs, &places, &[]).await, @r"
    exit 0
    --- stdout
    hubs.toml is fine
    datanommer  not set
                hubs keeps the messages itself, from when it began to listen
                  help: set `url` of a datanommer's database in [datanommer] of hubs.toml, or `hubs datanommer import` what was before
    fedmsg      works  [endpoint]
                may listen
    fedmsg      works  [relay]
                may publish
    datagrepper works  [home]/raw
                may be told what hubs missed
    amqp        not set
                no message comes by AMQP
                  help: set `url` in [bus.amqp] of hubs.toml
    fas         works  [home]/ as hubs
                may ask about people, groups and their members
    github      works  [home]/ as hubs-bot
                may ask 5,000 times an hour, 4,990 of them are left until 12:00:00 UTC
                may do more than it needs to (repo, read:org): a token without any scope is enough for all that widgets ask
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_set_is_told_with_where_to_set_it() {
    let server = MockServer::start().await;
    let home = server.uri();
    let core = json!({ "resources": { "core": { "limit": 60, "remaining": 58, "reset": 1_777_982_400 } } });
    says(&server, Mock::given(path("/rate_limit")), 200, core).await;
    let hubs = format!("[github]\nurl = \"{home}\"\n");
    insta::assert_snapshot!(online(&hubs, &[("[home]", &home)], &[]).await, @r"
    exit 0
    --- stdout
    hubs.toml is fine
    datanommer  not set
                hubs keeps the messages itself, from when it began to listen
                  help: set `url` of a datanommer's database in [datanommer] of hubs.toml, or `hubs datanommer import` what was before
    fedmsg      not set
                no message comes by fedmsg
                  help: set `endpoints` in [bus.fedmsg] of hubs.toml
    amqp        not set
                no message comes by AMQP
                  help: set `url` in [bus.amqp] of hubs.toml
    fas         not set
                nobody is asked about accounts: widgets that want to know of people and groups say so
                  help: set `url` and a login in [fas] of hubs.toml
    github      works  [home]/
                may ask 60 times an hour, 58 of them are left until 12:00:00 UTC
                lacks a token, with which GitHub takes 5,000 requests an hour, and `github::graphql` works
                  help: set `token` in [github] of hubs.toml; it needs no scopes
                lacks webhooks: what happens at GitHub is seen when a widget is next refreshed
                  help: set `webhook_secret` in [github] of hubs.toml, and send webhooks to /hooks/github
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_with_why_and_the_command_fails() {
    let (server, none) = (MockServer::start().await, nowhere().await);
    let home = server.uri();
    says(&server, Mock::given(path("/v1/me/")), 401, json!({ "message": "Bad hunter2" })).await;
    says(&server, Mock::given(path("/user")), 401, json!({ "message": "Bad credentials" })).await;
    says(&server, Mock::given(path("/raw")), 503, json!({})).await;
    let other = publisher(b"220 mail.example.org ESMTP\r\n").await;
    let hubs = format!(
        "[fas]\nurl = \"{home}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n[github]\nurl = \"{home}\"\ntoken = \"ghp_secret\"\n\
         [datanommer]\nurl = \"postgres://hubs:hunter2@{none}/datanommer\"\ntimeout = \"200ms\"\n\
         [bus.amqp]\nurl = \"amqp://hubs:hunter2@{none}/fedora\"\n\
         [bus.fedmsg]\nendpoints = [\"tcp://{none}\", \"{other}\"]\nvalidate_signatures = false\ndatagrepper_url = \"{}\"\n",
        home.replace("://", "://me:hunter2@")
    );
    let places = [("[home]", &*home), ("[nowhere]", &none), ("[other]", &other)];
    insta::assert_snapshot!("for people", online(&hubs, &places, &[]).await);
    server.reset().await;
    let json = online(&hubs, &places, &["--format", "json"]).await;
    assert!(json.starts_with("exit 1\n--- stdout\n{\"service\":\"datanommer\",\"at\":\"postgres://[nowhere]/datanommer\",\"works\":false,\"who\":null,\"may\":[],\"missing\":[{\"what\":\""), "{json}");
    assert_eq!(json.lines().count(), 2 + 7, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_known_by_whichever_fas_it_is() {
    for (status, body, said) in [
        (
            200,
            json!({ "result": { "service": "hubs/hubs.example.org@EXAMPLE.ORG" } }),
            "hubs/hubs.example.org@EXAMPLE.ORG",
        ),
        (
            200,
            json!({ "result": {} }),
            "what FAS answers for hubs itself is not what it should be: it names neither a person nor a service",
        ),
        (
            404,
            json!({}),
            "there is no FAS at `[home]/v1`, which answers 404: look at `url` and `kind` in `[fas]` of hubs.toml",
        ),
        (404, json!({ "name": "me" }), "there is no FAS at `[home]/v1`, which answers 404"),
        (
            500,
            json!({ "message": "LDAP server is down" }),
            "FAS does not answer for hubs itself: LDAP server is down",
        ),
    ] {
        let server = MockServer::start().await;
        let home = server.uri();
        says(&server, Mock::given(path("/v1/me/")), status, body.clone()).await;
        let hubs = format!(
            "[fas]\nurl = \"{home}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n[github]\nurl = \"{home}\"\n"
        );
        let found = one("fas", &hubs, &[("[home]", &home)]).await;
        let told = found["who"].as_str().or(found["missing"][0]["what"].as_str()).unwrap();
        assert!(told.starts_with(said), "{status} {body}: {found}");
        assert_eq!(found["works"], found["who"].is_string(), "{found}");
    }
    for (status, body, said) in [
        (200, json!({ "success": true, "person": { "username": "hubs" } }), "hubs"),
        (
            403,
            json!({ "message": "no" }),
            "FAS does not let hubs in as `hubs` (no): look at `username`",
        ),
        (
            200,
            json!({ "exc": "IdentityFailure", "tg_flash": "down" }),
            "FAS does not answer for `hubs`: down",
        ),
    ] {
        let server = MockServer::start().await;
        let home = server.uri();
        let asked = Mock::given(method("POST"))
            .and(path("/json/person_by_username"))
            .and(body_string_contains("username=hubs"));
        says(&server, asked, status, body.clone()).await;
        let hubs = format!(
            "[fas]\nkind = \"fas2\"\nurl = \"{home}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n[github]\nurl = \"{home}\"\n"
        );
        let found = one("fas", &hubs, &[("[home]", &home)]).await;
        let told = found["who"].as_str().or(found["missing"][0]["what"].as_str()).unwrap();
        assert!(told.starts_with(said), "{status} {body}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_apps_and_servers_without_limits_are_known() {
    let core = json!({ "resources": { "core": { "limit": 15_000, "remaining": 15_000, "reset": 1_777_982_400 } } });
    let forbidden = json!({ "message": "Resource not accessible by integration" });
    for (token, user, limits, works, said) in [
        (
            "token = \"ghp_app\"\n",
            Some(forbidden),
            (200, core),
            true,
            "ask 15,000 times an hour, 15,000 of them are left until 12:00:00 UTC",
        ),
        (
            "",
            None,
            (404, json!({ "message": "Rate limiting is not enabled." })),
            true,
            "ask as often as it likes",
        ),
        (
            "",
            None,
            (200, json!({})),
            false,
            "what GitHub answers for its limits is not what it should be: it names none",
        ),
        (
            "",
            None,
            (500, json!({ "message": "oops" })),
            false,
            "GitHub does not answer for its limits: oops",
        ),
    ] {
        let server = MockServer::start().await;
        let home = server.uri();
        if let Some(body) = user {
            let asked = Mock::given(path("/user")).and(header_exists("authorization"));
            says(&server, asked, 403, body).await;
        }
        says(&server, Mock::given(path("/rate_limit")), limits.0, limits.1).await;
        let found = one("github", &format!("[github]\nurl = \"{home}\"\n{token}"), &[]).await;
        assert_eq!(found["works"], works, "{found}");
        let told = found["may"][0].as_str().or(found["missing"][0]["what"].as_str()).unwrap();
        assert_eq!(told, said);
        assert_eq!(found["who"], if token.is_empty() { json!(null) } else { json!("an app") });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_not_waited_for_any_longer() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_mins(5));
    Mock::given(path("/rate_limit")).respond_with(slow).mount(&server).await;
    let home = server.uri();
    let hubs = format!("http_timeout = \"200ms\"\n[github]\nurl = \"{home}\"\n");
    let found = one("github", &hubs, &[("[home]", &home)]).await;
    assert_eq!(found["works"], false);
    let told = found["missing"][0]["what"].as_str().unwrap();
    assert_eq!(
        told,
        "`[home]/rate_limit` did not answer in time: `[sandbox] http_timeout` is over"
    );
}
