//! GitHub as it answers, and as it refuses, on loopback.

use super::*;
use crate::config::Sandbox;
use crate::outbound::Cassette;
use std::time::Duration;
use wiremock::matchers::{body_json, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "ghp_0123456789abcdefghij";

/// Long before the clocks of `Limits` reach it.
const FAR: i64 = 4_000_000_000;

fn outbound() -> Outbound {
    Outbound::new(&Sandbox { allow_private_addresses: true, ..Sandbox::default() }).unwrap()
}

fn github(server: &MockServer, below: &str, token: Option<&str>) -> Github {
    let url = format!("{}{below}", server.uri()).parse().unwrap();
    let token = token.map(Secret::new);
    Github::new(&outbound(), &Settings { url, token, webhook_secret: None })
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn here() -> Repository {
    "octo-org/hello".parse().unwrap()
}

fn listing(kind: Kind, options: &Value) -> Listing {
    Listing::of(kind, &here(), options.as_object().unwrap()).unwrap()
}

fn counted(status: u16, remaining: i64, resource: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-ratelimit-limit", "60")
        .insert_header("x-ratelimit-remaining", remaining.to_string())
        .insert_header("x-ratelimit-reset", FAR.to_string())
        .insert_header("x-ratelimit-resource", resource)
}

fn issue(number: u64) -> Value {
    json!({
        "id": number, "number": number, "title": format!("Issue {number}"), "state": "open",
        "html_url": format!("https://github.com/octo-org/hello/issues/{number}"),
        "user": { "login": "octocat", "id": 1, "avatar_url": "https://avatars.example/u/1?v=4" },
        "labels": [{ "id": 1, "name": "bug", "color": "f29513", "default": true }],
        "comments": 0, "created_at": "2017-10-10T16:00:00Z",
    })
}

async fn says(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(path(at)).respond_with(answer).mount(server).await;
}

#[tokio::test]
async fn a_thing_is_asked_for_as_github_wants_it_and_its_useful_fields_come_back() {
    let server = MockServer::start().await;
    let whole = json!({
        "id": 1, "full_name": "octo-org/hello", "private": false, "stargazers_count": 80,
        "owner": { "login": "octo-org", "id": 2, "avatar_url": "https://avatars.example/u/2" },
        "license": { "key": "mit", "name": "MIT License", "spdx_id": "MIT" },
        "hooks_url": "https://api.github.com/repos/octo-org/hello/hooks",
    });
    Mock::given(path("/repos/octo-org/hello"))
        .and(header("accept", "application/vnd.github+json"))
        .and(header("x-github-api-version", "2022-11-28"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(whole))
        .mount(&server)
        .await;
    let github = github(&server, "", Some(TOKEN));
    let told = github.one(&Ask::repository(&here()), soon()).await.unwrap().unwrap();
    assert_eq!(
        told.value["owner"],
        json!({ "login": "octo-org", "avatar_url": "https://avatars.example/u/2" })
    );
    assert_eq!(
        (&told.value["license"]["spdx_id"], &told.value["topics"]),
        (&json!("MIT"), &Value::Null)
    );
    assert_eq!((&told.value["id"], &told.value["hooks_url"]), (&Value::Null, &Value::Null));
    assert!(told.bytes > 100);
    // What is not there is nothing, and no failure.
    let nobody = Ask::user(&"nobody".parse().unwrap());
    assert_eq!(github.one(&nobody, soon()).await.unwrap(), None);
}

#[tokio::test]
async fn pages_are_followed_as_link_names_them_and_pull_requests_are_no_issues() {
    let server = MockServer::start().await;
    let mut pull = issue(2);
    pull["pull_request"] = json!({ "url": "https://api.github.com/x" });
    let link = format!(
        r#"<{0}/x?labels=a,b&page=9>; rel="prev", <{0}/repositories/1000/issues?labels=a,b&page=2>; rel="next", <{0}/y>; rel="last""#,
        server.uri()
    );
    let first =
        ResponseTemplate::new(200).set_body_json([issue(3), pull]).insert_header("link", &*link);
    Mock::given(path("/repos/octo-org/hello/issues"))
        .and(query_param("state", "all"))
        .and(query_param("per_page", "100"))
        .respond_with(first)
        .mount(&server)
        .await;
    let second = ResponseTemplate::new(200).set_body_json([issue(1)]);
    Mock::given(path("/repositories/1000/issues"))
        .and(query_param("page", "2"))
        .and(query_param_is_missing("state"))
        .respond_with(second)
        .mount(&server)
        .await;
    let (github, listing) =
        (github(&server, "", None), listing(Kind::Issues, &json!({ "state": "all" })));
    let numbers =
        |page: &Page| page.items.iter().map(|it| it["number"].clone()).collect::<Vec<_>>();
    let first = github.page(&listing, None, soon()).await.unwrap();
    assert_eq!(numbers(&first), [3]);
    assert_eq!(first.items[0]["labels"], json!([{ "name": "bug", "color": "f29513" }]));
    let second = github.page(&listing, first.next.as_deref(), soon()).await.unwrap();
    assert_eq!((numbers(&second), second.next), (vec![json!(1)], None));
}

#[tokio::test]
async fn the_token_goes_nowhere_else() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let link = format!("<{}/repos/x>; rel=\"next\"", elsewhere.uri());
    let answer = ResponseTemplate::new(200).set_body_json([issue(1)]).insert_header("link", &*link);
    says(&server, "/repos/octo-org/hello/issues", answer).await;
    let away =
        ResponseTemplate::new(301).insert_header("location", format!("{}/y", elsewhere.uri()));
    says(&server, "/repos/octo-org/hello", away).await;
    let github = github(&server, "", Some(TOKEN));
    let refused = github.page(&listing(Kind::Issues, &json!({})), None, soon()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the next page of repository `octo-org/hello` is on another server than `[github] url`, and is not asked for"
    );
    let refused = github.one(&Ask::repository(&here()), soon()).await.unwrap_err().to_string();
    assert!(refused.contains("redirects on, and there it ends"), "{refused}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_refusal_is_told_in_words_and_none_shows_the_token() {
    let message = |text: &str| json!({ "message": text });
    let invalid = json!({
        "message": "Validation Failed",
        "errors": [{ "resource": "Search", "field": "q", "code": "missing" }, "or so"],
    });
    for (status, body, token, code, said) in [
        (
            401,
            message("Bad credentials"),
            Some(TOKEN),
            401,
            "GitHub does not take the token of `[github]` in hubs.toml (Bad credentials): make a new one at GitHub's settings",
        ),
        (
            401,
            message("Requires authentication"),
            None,
            401,
            "GitHub does not answer for repository `octo-org/hello`: Requires authentication",
        ),
        (
            403,
            message(&format!("Resource not accessible by {TOKEN}")),
            Some(TOKEN),
            403,
            "GitHub does not answer for repository `octo-org/hello`: Resource not accessible by ***",
        ),
        (
            404,
            message("Not Found"),
            None,
            404,
            "GitHub has no repository `octo-org/hello`, or shows it only to those who may see it",
        ),
        (
            422,
            invalid,
            None,
            422,
            "GitHub does not answer for repository `octo-org/hello`: Validation Failed: `q` missing: or so",
        ),
        (
            500,
            json!("oops"),
            None,
            500,
            "GitHub does not answer for repository `octo-org/hello`: it answers 500 without a reason",
        ),
        (
            202,
            json!({}),
            None,
            202,
            "GitHub does not know yet: it still computes repository `octo-org/hello`; ask again in a minute",
        ),
        (
            200,
            json!({ "a": 1 }),
            None,
            200,
            "what GitHub answers for repository `octo-org/hello` is not what it should be: there is no list in it",
        ),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_json(&body);
        says(&server, "/repos/octo-org/hello/pulls", answer).await;
        let github = github(&server, "", token);
        let refused =
            github.page(&listing(Kind::Pulls, &json!({})), None, soon()).await.unwrap_err();
        assert_eq!((refused.to_string().as_str(), refused.status()), (said, code));
        assert!(!format!("{refused:?}").contains(TOKEN), "{refused:?}");
    }
}

#[tokio::test]
async fn a_repository_without_commits_has_none() {
    let server = MockServer::start().await;
    let empty =
        ResponseTemplate::new(409).set_body_json(json!({ "message": "Git Repository is empty." }));
    says(&server, "/repos/octo-org/hello/commits", empty).await;
    let page =
        github(&server, "", None).page(&listing(Kind::Commits, &json!({})), None, soon()).await;
    assert_eq!(page.unwrap().items, Vec::<Value>::new());
}

#[tokio::test]
async fn the_request_beyond_the_limit_is_not_made_and_says_until_when() {
    let server = MockServer::start().await;
    let last = counted(200, 0, "core").set_body_json(json!({}));
    Mock::given(path("/repos/octo-org/hello")).respond_with(last).expect(1).mount(&server).await;
    says(
        &server,
        "/search/issues",
        counted(200, 9, "search").set_body_json(json!({ "items": [] })),
    )
    .await;
    let ask = Ask::repository(&here());
    for (token, advice) in [
        (None, "; with a `token` in `[github]` of hubs.toml it would take more"),
        (Some(TOKEN), ""),
    ] {
        let github = github(&server, "", token);
        if token.is_none() {
            github.one(&ask, soon()).await.unwrap();
        } else {
            let answer = Answer { status: 200, headers: vec![], body: "{}".into() };
            let headers = [("limit", 60), ("remaining", 0), ("reset", FAR)];
            let headers = headers.map(|(n, v)| (format!("x-ratelimit-{n}"), v.to_string()));
            let answer = Answer { headers: headers.into(), ..answer };
            github.limits.learn(Resource::Core, &answer, Timestamp::now());
        }
        let refused = github.one(&ask, soon()).await.unwrap_err();
        let said =
            format!("GitHub takes no more requests until 07:06:40 UTC (all 60 are used){advice}");
        assert_eq!((refused.to_string(), refused.status()), (said, 429));
        // Searches are counted apart.
        let search = Listing::found_issues("is:open", &serde_json::Map::new()).unwrap();
        assert!(github.page(&search, None, soon()).await.is_ok());
    }
}

#[tokio::test]
async fn when_a_limit_was_passed_everybody_hears_until_when() {
    let server = MockServer::start().await;
    let exceeded = json!({ "message": "API rate limit exceeded for 192.0.2.1." });
    says(&server, "/repos/octo-org/hello", counted(403, 0, "core").set_body_json(exceeded)).await;
    let ask = Ask::repository(&here());
    let refused = github(&server, "", None).one(&ask, soon()).await.unwrap_err();
    assert!(
        refused.to_string().starts_with("GitHub takes no more requests until 07:06:40 UTC"),
        "{refused}"
    );

    let server = MockServer::start().await;
    let secondary = json!({ "message": "You have exceeded a secondary rate limit." });
    let secondary =
        ResponseTemplate::new(403).set_body_json(secondary).insert_header("retry-after", "120");
    Mock::given(method("GET")).respond_with(secondary).expect(1).mount(&server).await;
    let github = github(&server, "", None);
    for ask in [ask, Ask::user(&"octocat".parse().unwrap())] {
        let refused = github.one(&ask, soon()).await.unwrap_err();
        assert!(
            refused.to_string().starts_with("GitHub asks everybody here to pause until "),
            "{refused}"
        );
        assert_eq!(refused.status(), 429);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_limit_that_ends_before_its_deadline() {
    let begun = Instant::now();
    let epoch: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
    let mut github = Github::anonymous(&outbound());
    github.clock = Arc::new(move || epoch + begun.elapsed());
    let pause = |seconds: &str| {
        let headers = vec![("retry-after".to_owned(), seconds.to_owned())];
        let answer = Answer { status: 429, headers, body: "{}".into() };
        github.limits.learn(Resource::Core, &answer, (github.clock)());
    };
    pause("5");
    github.admit(Resource::Core, begun + Duration::from_secs(10)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 5);
    pause("5");
    let refused = github.admit(Resource::Core, begun + Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 5, "it does not wait in vain");
    assert_eq!(
        refused.to_string(),
        "GitHub asks everybody here to pause until 12:00:10 UTC (its secondary rate limit): too much was asked at once"
    );
}

#[tokio::test]
async fn graphql_is_posted_beside_the_interface_of_an_enterprise_server() {
    let server = MockServer::start().await;
    for (below, at) in [("", "/graphql"), ("/api/v3", "/api/graphql")] {
        Mock::given(method("POST"))
            .and(path(at))
            .and(header("content-type", "application/json"))
            .and(header("authorization", format!("Bearer {TOKEN}")))
            .and(body_json(
                json!({ "query": "query($n: Int) { a(n: $n) }", "variables": { "n": 1 } }),
            ))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "a": [2] } })))
            .expect(1)
            .mount(&server)
            .await;
        let github = github(&server, below, Some(TOKEN));
        let told = github.graphql("query($n: Int) { a(n: $n) }", &json!({ "n": 1 }), soon()).await;
        assert_eq!(told.unwrap().value, json!({ "a": [2] }));
    }
}

#[tokio::test]
async fn what_graphql_complains_of_is_told_with_its_place() {
    let not_found = json!({
        "data": { "repository": null },
        "errors": [{
            "type": "NOT_FOUND", "path": ["repository", 0], "locations": [{ "line": 1, "column": 9 }],
            "message": "Could not resolve to a Repository with the name 'a/b'.",
        }],
    });
    let limited =
        json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] });
    for (status, body, code, said) in [
        (
            200,
            not_found,
            200,
            "GitHub's GraphQL says: Could not resolve to a Repository with the name 'a/b'. (NOT_FOUND, at `repository.0`, line 1, column 9)",
        ),
        (200, limited, 429, "GitHub takes no more GraphQL until 07:06:40 UTC (all 60 are used)"),
        (
            401,
            json!({ "message": "Bad credentials" }),
            401,
            "GitHub does not take the token of `[github]` in hubs.toml (Bad credentials): make a new one at GitHub's settings",
        ),
    ] {
        let server = MockServer::start().await;
        says(&server, "/graphql", counted(status, 10, "graphql").set_body_json(body)).await;
        let github = github(&server, "", Some(TOKEN));
        let refused = github.graphql("{ a }", &json!({}), soon()).await.unwrap_err();
        assert_eq!((refused.to_string().as_str(), refused.status()), (said, code));
    }
}

#[tokio::test]
async fn graphql_only_reads_and_only_with_a_token() {
    let server = MockServer::start().await;
    for (query, token, said) in [
        (
            "mutation { addStar }",
            Some(TOKEN),
            "a question to GitHub's GraphQL may only read: it must not hold the word `mutation`",
        ),
        (
            "query a { b }\n,subscription{c}",
            Some(TOKEN),
            "a question to GitHub's GraphQL may only read: it must not hold the word `subscription`",
        ),
        (
            "{ mutations }",
            None,
            "GitHub's GraphQL answers nobody without a token: set `token` in `[github]` of hubs.toml",
        ),
    ] {
        let refused =
            github(&server, "", token).graphql(query, &json!({}), soon()).await.unwrap_err();
        assert_eq!((refused.to_string().as_str(), refused.status()), (said, 0));
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cassette_plays_questions_of_graphql_by_their_body() {
    let mut url: Url = "https://api.github.com/graphql".parse().unwrap();
    let body = json!({ "query": "{ a }", "variables": {} }).to_string();
    url.query_pairs_mut().append_pair("body", &body);
    let tape = json!({ "exchanges": [{
        "request": { "method": "GET", "url": url.as_str() },
        "response": { "status": 200, "headers": {}, "json": { "data": { "a": 1 } } },
    }] });
    let cassette = Cassette::parse("x.json", &tape.to_string()).unwrap();
    let github = Github::anonymous(&Outbound::replaying(&Sandbox::default(), cassette));
    assert_eq!(github.graphql("{ a }", &json!({}), soon()).await.unwrap().value, json!({ "a": 1 }));
    let refused = github.graphql("{ b }", &json!({}), soon()).await.unwrap_err().to_string();
    assert!(refused.contains("is not on the cassette"), "{refused}");
}

#[tokio::test]
async fn at_the_limit_what_was_kept_is_given_but_not_from_before_a_change() {
    let server = MockServer::start().await;
    let kept =
        |body: Value| counted(200, 1, "core").insert_header("etag", "\"1\"").set_body_json(body);
    let settled = json!({ "full_name": "octo-org/hello" });
    Mock::given(path("/repos/octo-org/hello"))
        .respond_with(kept(settled).insert_header("cache-control", "private, max-age=0"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let exceeded = json!({ "message": "API rate limit exceeded for 192.0.2.1." });
    says(&server, "/repos/octo-org/hello", counted(403, 0, "core").set_body_json(exceeded)).await;
    let strict = kept(json!({ "login": "octocat" }));
    let strict = strict.insert_header("cache-control", "private, max-age=0, must-revalidate");
    says(&server, "/users/octocat", strict).await;
    let outbound = outbound().keeping(crate::cache::Cache::memory().answers(1 << 20));
    let url = server.uri().parse().unwrap();
    let github = Github::new(&outbound, &Settings { url, token: None, webhook_secret: None });
    let (repository, person) = (Ask::repository(&here()), Ask::user(&"octocat".parse().unwrap()));
    github.one(&person, soon()).await.unwrap();
    // Asked, then refused by GitHub, then not even asked: the answer is the same.
    for _ in 0..3 {
        let told = github.one(&repository, soon()).await.unwrap().unwrap();
        assert_eq!(told.value["full_name"], "octo-org/hello");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
    let now = Timestamp::now();
    let refused = github.since(now).one(&repository, soon()).await.unwrap_err();
    assert_eq!(refused.status(), 429, "it is from before the change");
    let refused = github.one(&person, soon()).await.unwrap_err();
    assert_eq!(refused.status(), 429, "GitHub wants to be asked each time");
}
