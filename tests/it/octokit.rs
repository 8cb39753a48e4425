//! GitHub as it was recorded: the answers of the npm package `@octokit/fixtures`, played to the real bindings.
//!
//! `npm install --prefix target/octokit @octokit/fixtures@23.1.2` brings it; `HUBS_TEST_OCTOKIT` names another folder.

use crate::command::{hubs, site};
use crate::harness::have;
use serde_json::{Value, json};
use std::path::PathBuf;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

/// These belong to the connection.
const NOT_OURS: [&str; 5] =
    ["connection", "content-encoding", "content-length", "content-type", "transfer-encoding"];

const GITHUB: &str = "https://api.github.com";
const TOKEN: &str = "0000000000000000000000000000000000000001";

fn scenarios() -> Option<PathBuf> {
    let folder = std::env::var_os("HUBS_TEST_OCTOKIT").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/octokit"),
        PathBuf::from,
    );
    let at = folder.join("node_modules/@octokit/fixtures/scenarios/api.github.com");
    have("octokit-fixtures", at.is_dir()).then_some(at)
}

/// What GitHub was asked and said, in this order; read from the file of one scenario.
struct Recording {
    exchanges: Vec<Value>,
    home: String,
}

impl Recording {
    /// The answer to a request, its addresses led here. Of pages ours may be larger than those that were recorded.
    fn answer(&self, request: &Request) -> Option<ResponseTemplate> {
        let asked = |name: &str| query(&request.url, name);
        let found = self.exchanges.iter().find(|exchange| {
            let recorded = format!("{GITHUB}{}", exchange["path"].as_str().unwrap());
            let recorded = recorded.parse().unwrap();
            exchange["scope"] == format!("{GITHUB}:443")
                && path(&recorded) == path(&request.url)
                && ["page", "q"].iter().all(|name| query(&recorded, name) == asked(name))
        })?;
        let status = u16::try_from(found["status"].as_u64().unwrap()).unwrap();
        let here = |text: &str| text.replace(GITHUB, &self.home);
        let mut answer = ResponseTemplate::new(status);
        let headers = found["headers"].as_object().unwrap().iter();
        for (name, value) in headers.filter(|(name, _)| !NOT_OURS.contains(&name.as_str())) {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values.iter().filter_map(Value::as_str) {
                answer = answer.append_header(name.as_str(), here(value));
            }
        }
        let kind = found["headers"]["content-type"].as_str().unwrap_or("application/json");
        Some(match &found["response"] {
            Value::String(text) => answer.set_body_raw(here(text), kind),
            body => answer.set_body_raw(here(&body.to_string()), kind),
        })
    }
}

fn path(url: &url::Url) -> &str {
    url.path().trim_end_matches('/')
}

fn query(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

impl Respond for Recording {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header =
            |name: &str| request.headers.get(name).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(header("authorization"), Some(format!("Bearer {TOKEN}")));
        assert_eq!(header("accept").as_deref(), Some("application/vnd.github+json"));
        let unheard =
            || ResponseTemplate::new(404).set_body_json(json!({ "message": "Not Found" }));
        self.answer(request).unwrap_or_else(unheard)
    }
}

/// What a script has of a scenario; what it throws is the text that a reader gets.
async fn played(scenario: &str, script: &str) -> Option<Value> {
    let text = std::fs::read_to_string(scenarios()?.join(scenario).join("normalized-fixture.json"));
    let exchanges: Vec<Value> = serde_json::from_str(&text.unwrap()).unwrap();
    let server = MockServer::start().await;
    let home = server.uri();
    let recording = Recording { exchanges, home: home.clone() };
    Mock::given(matchers::any()).respond_with(recording).mount(&server).await;
    let settings = format!(
        "[sandbox]\nallow_private_addresses = true\n[github]\nurl = \"{home}\"\ntoken = \"{TOKEN}\"\n"
    );
    let widget = format!(
        "const REFRESH = \"1h\";\nfn data(widget) {{\n  try {{ return #{{ it: {{ {script} }} }}; }}\n  \
         catch (error) {{ return #{{ it: [error.service, error.status, error.message] }}; }}\n}}\n"
    );
    let folder = site(&[
        ("hubs.toml", &settings),
        ("widgets/recorded.rhai", &widget),
        ("templates/widgets/recorded.html", "<p>{{ it }}</p>\n"),
    ]);
    let run = move || hubs(folder.path(), &["widget", "run", "recorded", "--format", "json"]);
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let data: Value =
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{scenario}: {out}{err}"));
    // Of the server's own port nothing depends.
    Some(serde_json::from_str(&data["it"].to_string().replace(&home, GITHUB)).unwrap())
}

async fn check(scenario: &str, script: &str, expected: Value) {
    if let Some(found) = played(scenario, script).await {
        assert_eq!(found, expected, "{scenario}: {script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_is_asked_for_comes_as_the_reference_says() {
    check(
        "get-repository",
        "let r = github::repo(\"octokit-fixture-org/hello-world\"); \
         [r.full_name, r.html_url, r.default_branch, r.owner.login, r.license, r.topics, r.archived, r.created_at]",
        json!([
            "octokit-fixture-org/hello-world",
            "https://github.com/octokit-fixture-org/hello-world",
            "master",
            "octokit-fixture-org",
            null,
            ["fixtures", "hello", "hello-world"],
            false,
            "2017-10-10T16:00:00Z",
        ]),
    )
    .await;
    check(
        "get-organization",
        "let o = github::get(\"/orgs/octokit-fixture-org\"); [o.login, o.type, o.public_repos, o.description]",
        json!(["octokit-fixture-org", "Organization", 42, null]),
    )
    .await;
    check(
        "release-assets",
        "let r = github::get(\"/repos/octokit-fixture-org/release-assets/releases/tags/v1.0.0\"); \
         let a = github::get(\"/repos/octokit-fixture-org/release-assets/releases/1000/assets\"); \
         [r.tag_name, r.name, r.body, r.author.login, r.assets, a.map(|it| [it.name, it.label])]",
        json!([
            "v1.0.0",
            "Version 1.0.0",
            "Initial release",
            "octokit-fixture-user-a",
            [],
            [["test-upload.txt", "test"]],
        ]),
    )
    .await;
    check(
        "create-status",
        "let s = github::get(\"/repos/octokit-fixture-org/create-status/commits/0000000000000000000000000000000000000001/status\"); \
         [s.state, s.total_count, s.statuses.map(|it| it.state)]",
        json!(["failure", 2, ["failure", "success"]]),
    )
    .await;
    check(
        "labels",
        "github::get(\"/repos/octokit-fixture-org/labels/labels\").map(|it| it.name).first(3)",
        json!(["bug", "documentation", "duplicate"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_followed_as_github_names_them_and_no_further_than_asked() {
    let issues = |options: &str| {
        format!(
            "github::issues(\"octokit-fixture-org/paginate-issues\"{options}).map(|it| it.number)"
        )
    };
    let all: Vec<u32> = (1..=13).rev().collect();
    check("paginate-issues", &issues(""), json!(all)).await;
    check("paginate-issues", &issues(", #{ limit: 4 }"), json!(all[..4])).await;
    check(
        "search-issues",
        "let s = github::search_issues(\"sesame repo:octokit-fixture-org/search-issues\"); \
         [s.total_count, s.incomplete_results, s.items.map(|it| [it.number, it.title, it.user.login, it.pull_request])]",
        json!([2, false, [
            [2, "Sesame seeds split without a pop!", "octokit-fixture-user-b", null],
            [1, "The doors don’t open", "octokit-fixture-user-a", null],
        ]]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_found_under_the_name_that_it_had() {
    check(
        "rename-repository",
        "let r = github::repo(\"octokit-fixture-org/rename-repository\"); [r.name, r.full_name]",
        json!(["rename-repository-newname", "octokit-fixture-org/rename-repository-newname"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_refuses_is_nothing_or_an_error_in_its_words() {
    check(
        "branch-protection",
        "github::get(\"/repos/octokit-fixture-org/branch-protection/branches/main/protection\")",
        json!(null),
    )
    .await;
    check("get-repository", "github::repo(\"octokit-fixture-org/nothing\")", json!(null)).await;
    let labels = "`/repos/octokit-fixture-org/errors/labels`";
    let said = format!("GitHub does not answer for {labels}: Validation Failed: `color` invalid");
    check(
        "errors",
        "github::get(\"/repos/octokit-fixture-org/errors/labels\")",
        json!(["github", 422, said]),
    )
    .await;
    // A script reaches GitHub's interface, and no other server by way of it.
    let archive = played(
        "get-archive",
        "github::get(\"/repos/octokit-fixture-org/get-archive/tarball/main\")",
    );
    if let Some(found) = archive.await {
        assert_eq!((&found[0], &found[1]), (&json!("github"), &json!(0)), "{found}");
        let said = found[2].as_str().unwrap();
        assert!(said.contains("there it ends: `codeload.github.com` is not in"), "{said}");
    }
    let readme = played(
        "get-content",
        "github::get(\"/repos/octokit-fixture-org/hello-world/contents/README.md\")",
    );
    if let Some(found) = readme.await {
        let said = found[2].as_str().unwrap();
        assert!(said.contains("is not what it should be: it is no JSON"), "{said}");
    }
}
