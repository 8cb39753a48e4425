//! Cassettes as files, and played or recorded instead of the network.

use super::*;
use crate::{
    config::Sandbox,
    outbound::{Get, Outbound, OutboundError},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

const TWO: &str = r#"{
  "exchanges": [
    {
      "request": { "method": "GET", "url": "https://a.example/user?name=ralph&token=s3cret" },
      "response": { "status": 200, "headers": { "ETag": "x" }, "json": { "name": "ralph" } }
    },
    {
      "request": { "method": "GET", "url": "https://a.example/user?name=ralph&token=other" },
      "response": { "status": 404, "text": "gone" }
    }
  ]
}"#;

fn sandbox() -> Sandbox {
    Sandbox {
        allow_private_addresses: true,
        max_response_bytes: 4096,
        http_timeout: Duration::from_secs(5),
        ..Sandbox::default()
    }
}

async fn get_with(
    outbound: &Outbound,
    url: &str,
    hosts: &[&str],
    headers: &[(&str, &str)],
) -> Result<Answer, OutboundError> {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let headers: Vec<(String, String)> =
        headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    outbound.get(&Get { url, headers: &headers, query: &[], hosts: &hosts, deadline }).await
}

async fn get(outbound: &Outbound, url: &str, hosts: &[&str]) -> Result<Answer, OutboundError> {
    get_with(outbound, url, hosts, &[]).await
}

async fn refusal(outbound: &Outbound, url: &str, hosts: &[&str]) -> String {
    get(outbound, url, hosts).await.unwrap_err().to_string()
}

fn playing(text: &str) -> Outbound {
    Outbound::replaying(&sandbox(), Cassette::parse("c.json", text).unwrap())
}

#[tokio::test]
async fn answers_to_one_url_are_played_in_order_and_the_last_again() {
    let outbound = playing(TWO);
    let url = "https://a.example/user?name=ralph&token=mine";
    assert_eq!(outbound.cassette().unwrap().unused().len(), 2);
    let first = get(&outbound, url, &["a.example"]).await.unwrap();
    assert_eq!((first.status, &first.body[..]), (200, &b"{\"name\":\"ralph\"}"[..]));
    assert_eq!(first.headers, [("etag".to_string(), "x".to_string())]);
    let unused = outbound.cassette().unwrap().unused();
    assert_eq!(unused, ["https://a.example/user?name=ralph&token=redacted"]);
    for _ in 0..2 {
        let next = get(&outbound, url, &["a.example"]).await.unwrap();
        assert_eq!((next.status, &next.body[..]), (404, &b"gone"[..]));
    }
    assert!(outbound.cassette().unwrap().unused().is_empty());
    assert!(outbound.refused().is_empty());
    assert!(Outbound::new(&sandbox()).unwrap().cassette().is_none());
}

#[tokio::test]
async fn what_is_not_on_the_cassette_is_refused_by_its_whole_url() {
    let outbound = playing(TWO);
    let url = "https://a.example/user?name=mizmo&token=s3cret";
    for _ in 0..2 {
        assert_eq!(
            refusal(&outbound, url, &["a.example"]).await,
            "`https://a.example/user?name=mizmo&token=redacted` is not on the cassette (the nearest there is \
             `https://a.example/user?name=ralph&token=redacted`): `--record` writes it"
        );
    }
    assert_eq!(outbound.refused(), ["https://a.example/user?name=mizmo&token=redacted"]);
    let blank = Outbound::replaying(&sandbox(), Cassette::empty());
    assert_eq!(
        refusal(&blank, "https://a.example/", &["a.example"]).await,
        "`https://a.example/` is not on the cassette: `--record` writes it"
    );
}

#[tokio::test]
async fn a_cassette_opens_no_door_that_is_shut() {
    let outbound = playing(TWO);
    let url = "https://a.example/user?name=ralph&token=1";
    for (url, hosts, said) in [
        (url, &["b.example"][..], "`a.example` is not in the script's HOSTS (\"b.example\")"),
        ("ftp://a.example/", &["a.example"], "has the scheme `ftp`"),
        ("https://a:b@a.example/", &["a.example"], "has a user name or password"),
        ("nonsense", &["a.example"], "`nonsense` is no URL"),
    ] {
        let refused = refusal(&outbound, url, hosts).await;
        assert!(refused.contains(said), "{refused}");
    }
    let smuggled = get_with(&outbound, url, &["a.example"], &[("Host", "evil")]).await;
    assert!(smuggled.unwrap_err().to_string().starts_with("header `Host` can't be sent"));
    assert!(outbound.refused().is_empty() && outbound.cassette().unwrap().unused().len() == 2);

    let private = Sandbox { allow_private_addresses: false, ..sandbox() };
    let inside = Outbound::replaying(&private, Cassette::empty());
    let refused = refusal(&inside, "http://127.0.0.1/", &["127.0.0.1"]).await;
    assert!(refused.contains("not on the public internet"), "{refused}");
    let narrow = Sandbox { max_response_bytes: 4, ..sandbox() };
    let outbound = Outbound::replaying(&narrow, Cassette::parse("c.json", TWO).unwrap());
    let refused = refusal(&outbound, url, &["a.example"]).await;
    assert_eq!(
        refused,
        "`https://a.example/user` answers with more than 4 bytes (`[sandbox] max_response_bytes`)"
    );
}

/// Tells secrets, sends a picture, and moves.
async fn server() -> MockServer {
    let mock = MockServer::start().await;
    let person = json!({ "name": "ralph", "mail": "ralph@fedora.example", "token": "s3cret" });
    Mock::given(matchers::path("/user"))
        .and(matchers::query_param("token", "s3cret"))
        .and(matchers::header("authorization", "Bearer abcdefgh12345"))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("Set-Cookie", "session=1")
                .insert_header("ETag", "\"7\"")
                .set_body_json(&person),
        )
        .mount(&mock)
        .await;
    Mock::given(matchers::path("/icon"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(&b"\xff\xd8\x00"[..]))
        .mount(&mock)
        .await;
    Mock::given(matchers::path("/moved"))
        .respond_with(ResponseTemplate::new(302).insert_header("Location", "/text"))
        .mount(&mock)
        .await;
    Mock::given(matchers::path("/text"))
        .respond_with(ResponseTemplate::new(404).set_body_string("write to a@b.example"))
        .mount(&mock)
        .await;
    mock
}

#[tokio::test]
async fn what_is_recorded_is_clean_and_plays_as_the_script_got_it() {
    let mock = server().await;
    let outbound = Outbound::recording(&sandbox(), Cassette::empty());
    let place = mock.address().to_string();
    let user = format!("{}/user?token=s3cret", mock.uri());
    let icon = format!("{}/icon", mock.uri());
    let moved = format!("{}/moved", mock.uri());
    let bearer = [("Authorization", "Bearer abcdefgh12345")];
    let mut live = Vec::new();
    for url in [&user, &user, &moved, &icon] {
        live.push(get_with(&outbound, url, &[&place], &bearer).await.unwrap());
    }
    let value: Value = serde_json::from_slice(&live[0].body).unwrap();
    assert_eq!(
        value,
        json!({ "name": "ralph", "mail": "redacted@example.org", "token": "redacted" })
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassettes/ralph.json");
    let recorded = outbound.cassette().unwrap();
    assert_eq!((recorded.len(), recorded.unused().len()), (3, 0));
    recorded.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap().replace(&mock.uri(), "http://mock");
    for secret in ["s3cret", "abcdefgh12345", "fedora.example", "b.example", "session"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    insta::assert_snapshot!(text, @r#"
    {
      "exchanges": [
        {
          "request": {
            "method": "GET",
            "url": "http://mock/icon"
          },
          "response": {
            "status": 200,
            "headers": {},
            "base64": "/9gA"
          }
        },
        {
          "request": {
            "method": "GET",
            "url": "http://mock/moved"
          },
          "response": {
            "status": 404,
            "headers": {
              "content-type": "text/plain"
            },
            "text": "write to redacted@example.org"
          }
        },
        {
          "request": {
            "method": "GET",
            "url": "http://mock/user?token=redacted"
          },
          "response": {
            "status": 200,
            "headers": {
              "content-type": "application/json",
              "etag": "\"7\""
            },
            "json": {
              "mail": "redacted@example.org",
              "name": "ralph",
              "token": "redacted"
            }
          }
        }
      ]
    }
    "#);

    drop(mock);
    let played = Outbound::replaying(&sandbox(), Cassette::load(&path).unwrap());
    for (url, live) in [&user, &user, &moved, &icon].into_iter().zip(live) {
        assert_eq!(get(&played, url, &[&place]).await.unwrap(), live, "{url}");
    }
    assert!(played.cassette().unwrap().unused().is_empty());
}

#[tokio::test]
async fn what_gave_no_answer_is_not_recorded() {
    let outbound = Outbound::recording(&sandbox(), Cassette::parse("c.json", TWO).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    drop(listener);
    let refused = refusal(&outbound, &format!("http://{place}/"), &[&place]).await;
    assert!(refused.contains("is not reachable"), "{refused}");
    assert_eq!(outbound.cassette().unwrap().len(), 2);
}

#[test]
fn a_cassette_that_does_not_fit_says_where_and_what() {
    let said =
        |text: &str| Cassette::parse("tests/cassettes/x.json", text).unwrap_err().to_string();
    let one = |request: &str, response: &str| {
        said(&format!(
            "{{ \"exchanges\": [\n{{ \"request\": {request},\n\"response\": {response} }} ] }}"
        ))
    };
    let (request, response) = (
        "{ \"method\": \"GET\", \"url\": \"https://a.b/\" }",
        "{ \"status\": 200, \"text\": \"\" }",
    );
    for (said, expected) in [
        (said("{}"), "1: missing field `exchanges`"),
        (said("{\n\"exchanges\": [,] }"), "2: expected value"),
        (one("{ \"method\": \"GET\" }", response), "2: missing field `url`"),
        (
            one("{ \"method\": \"POST\", \"url\": \"https://a.b/\" }", response),
            "2: the method `POST` is not played: only `GET` is",
        ),
        (
            one("{ \"method\": \"GET\", \"url\": \"/x\" }", response),
            "2: `/x` is no URL (relative URL without a base)",
        ),
        (
            one(request, "{ \"status\": 200 }"),
            "3: a response has one body: `json`, `text` or `base64`",
        ),
        (
            one(request, "{ \"status\": 200, \"text\": \"\", \"json\": null }"),
            "3: a response has one body: `json`, `text` or `base64`",
        ),
        (
            one(request, "{ \"status\": 20, \"text\": \"\" }"),
            "3: 20 is no status: it is 100 to 599",
        ),
        (one(request, "{ \"status\": 200, \"base64\": \"?\" }"), "3: `base64` is no base64"),
        (
            one(request, "{ \"status\": 200, \"body\": \"\" }"),
            "3: unknown field `body`, expected one of `status`, `headers`, `json`, `text`, `base64`",
        ),
    ] {
        assert_eq!(said, format!("tests/cassettes/x.json:{expected}"));
    }
    let missing = Cassette::load(Path::new("/nonexistent/x.json")).unwrap_err().to_string();
    assert!(missing.starts_with("the cassette `/nonexistent/x.json` can't be read"), "{missing}");
    assert!(missing.ends_with("`--record` writes it"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let unwritten = Cassette::empty().save(folder.path()).unwrap_err().to_string();
    assert!(unwritten.contains("can't be written"), "{unwritten}");
}
