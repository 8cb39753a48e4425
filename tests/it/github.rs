//! What happens at GitHub, the moment that it happens: a webhook in, a widget redrawn.

use crate::harness::TestHouse;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const SITE: [(&str, &str); 3] = [
    (
        "widgets/repository.rhai",
        r#"
            const PARAMETERS = #{ repository: #{ kind: "repository" } };
            fn should_invalidate(message, widget) {
                message.topic.contains(".github.")
                    && message.msg.repository.full_name == widget.config.repository
            }
            fn data(widget) {
                let found = datanommer::grep(#{ categories: ["github"], order: "desc" });
                #{ lines: found.messages.map(|message| message.summary) }
            }
        "#,
    ),
    ("templates/widgets/repository.html", "{% for line in lines %}<p>{{ line }}</p>{% endfor %}"),
    (
        "hubs.toml",
        r#"
            [github]
            webhook_secret = "It's a Secret to Everybody"
            [[hub]]
            name = "infra"
            [[hub.widget]]
            widget = "repository"
            config = { repository = "fedora-infra/hubs" }
            [[hub.widget]]
            widget = "repository"
            config = { repository = "fedora-infra/other" }
        "#,
    ),
];

/// Of the body below, with that secret; made with another program.
const SIGNATURE: &str = "sha256=677fdb998d31ae0b4e5dfd38bfb2d06ece3935645fa3c2c8d404b9a438203e9c";
const BODY: &str = r#"{"action":"closed","issue":{"number":7,"title":"Feed is empty","html_url":"https://github.com/fedora-infra/hubs/issues/7"},"repository":{"name":"hubs","full_name":"fedora-infra/hubs","private":false},"sender":{"login":"ralphbean"}}"#;

async fn deliver(house: &TestHouse, id: &str, signature: &str) -> (u16, Value) {
    let request = house.client().post(house.url("/hooks/github"));
    let request = request
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/044aadd")
        .header("x-github-event", "issues")
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature);
    let answer = request.body(BODY).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_redraws_the_widgets_of_its_repository_and_no_other() {
    let house = TestHouse::with(&SITE).await;
    house.idle().await;
    let ids = house.json("/infra/json").await["widgets"].clone();
    let mut ear = house.listen("infra").await;
    let id = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
    let (status, answer) = deliver(&house, id, SIGNATURE).await;
    let topic = "org.fedoraproject.prod.github.issues.closed";
    let message = answer["id"].clone();
    assert_eq!((status, &answer["accepted"], &answer["topic"]), (202, &json!(true), &json!(topic)));
    assert!(message.as_str().unwrap().ends_with(id), "{message}");
    house.idle().await;
    let event = ear.next_where(|data| data["invalidated_by"]["topic"] == topic).await;
    assert_eq!(event.data["id"], ids[0]);
    assert_eq!(event.data["invalidated_by"]["id"], message);
    assert_eq!(
        event.data["data"],
        json!({ "lines": ["ralphbean closed issue #7 on fedora-infra/hubs"] })
    );
    let other = house.json(&format!("/infra/{}/json", ids[1])).await;
    assert_ne!(other["invalidated_by"]["topic"], topic, "{other}");

    let (status, again) = deliver(&house, id, SIGNATURE).await;
    assert_eq!((status, &again["accepted"]), (202, &json!(false)));
    assert_eq!(again["reason"], format!("delivery `{id}` was taken before"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_that_asks_github_is_told_by_it_when_to_ask_again() {
    let github = MockServer::start().await;
    let issues = |titles: &[&str]| {
        let issue =
            |title: &&str| json!({ "number": 7, "title": title, "user": { "login": "ralphbean" } });
        let answer =
            ResponseTemplate::new(200).set_body_json(titles.iter().map(issue).collect::<Value>());
        Mock::given(path("/repos/fedora-infra/hubs/issues")).respond_with(answer)
    };
    let first = issues(&["Feed is empty"]).mount_as_scoped(&github).await;
    let script = r#"
        const PARAMETERS = #{ repository: #{ kind: "repository" } };
        fn should_invalidate(message, widget) {
            message.topic.contains(".github.issues.")
                && message.msg.repository.full_name == widget.config.repository
        }
        fn data(widget) {
            #{ lines: github::issues(widget.config.repository).map(|issue| issue.title) }
        }
    "#;
    let settings = format!(
        "sandbox.allow_private_addresses = true\n[github]\nurl = \"{}\"\nwebhook_secret = \"It's a Secret to Everybody\"\n\
         [[hub]]\nname = \"infra\"\n[[hub.widget]]\nwidget = \"repository\"\nconfig = {{ repository = \"fedora-infra/hubs\" }}\n",
        github.uri()
    );
    let site = [(SITE[0].0, script), SITE[1], ("hubs.toml", &*settings)];
    let house = TestHouse::with(&site).await;
    let id = house.instance("infra", "repository").await;
    let mut ear = house.listen("infra").await;
    let place = format!("/infra/{id}/json");
    house.get(&format!("/infra/{id}")).await;
    house.idle().await;
    assert_eq!(house.json(&place).await["data"], json!({ "lines": ["Feed is empty"] }));
    drop(first);
    issues(&[]).mount(&github).await;
    let (status, answer) = deliver(&house, "1", SIGNATURE).await;
    assert_eq!(status, 202, "{answer}");
    let event = ear.next_where(|data| data["data"] == json!({ "lines": [] })).await;
    assert_eq!(event.data["invalidated_by"]["id"], answer["id"]);
    house.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_not_signed_right_changes_nothing_and_is_told_why() {
    let house = TestHouse::with(&SITE).await;
    let wrong = SIGNATURE.replace('0', "1");
    let (status, answer) = deliver(&house, "1", &wrong).await;
    assert_eq!(status, 401);
    let said = answer["error"].as_str().unwrap();
    assert!(said.starts_with("the signature is not made of this body and the secret"), "{said}");
    let (_, metrics) = house.get("/metrics").await;
    assert!(
        metrics.contains(r#"hubs_messages_skipped_total{source="github",reason="forged"}"#),
        "{metrics}"
    );
    // A server without a secret takes none at all.
    let bare = TestHouse::demo().await;
    let (status, answer) = deliver(&bare, "1", SIGNATURE).await;
    assert_eq!(status, 401);
    assert!(answer["error"].as_str().unwrap().contains("no [github] webhook_secret"), "{answer}");
}

/// As Fedora's bridge sent them: it knew the accounts of people.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_github_are_found_by_the_accounts_of_who_did_it() {
    let script = r#"
        const PARAMETERS = #{ username: #{ kind: "username" } };
        fn should_invalidate(message, widget) { widget.config.username in message.usernames }
        fn data(widget) {
            let found = datanommer::grep(#{ users: [widget.config.username], categories: ["github"] });
            #{ lines: found.messages.map(|message| message.summary) }
        }
    "#;
    let widget = |name: &str| {
        format!("[[hub.widget]]\nwidget = \"repository\"\nconfig = {{ username = \"{name}\" }}\n")
    };
    let settings = format!("[[hub]]\nname = \"infra\"\n{}{}", widget("ralph"), widget("ralphbean"));
    let site = [(SITE[0].0, script), SITE[1], ("hubs.toml", &*settings)];
    let house = TestHouse::with(&site).await;
    let mut body: Value = serde_json::from_str(BODY).unwrap();
    body["fas_usernames"] =
        json!({ "ralphbean": "ralph", "fedora-infra": "github_org_fedora-infra" });
    let message = json!({
        "topic": "org.fedoraproject.prod.github.issues.closed", "msg_id": "2026-1",
        "timestamp": 1_777_982_400, "i": 1, "msg": body,
    });
    house.replay(format!("{message}\n")).await;
    let ids = house.json("/infra/json").await["widgets"].clone();
    let mut found = Vec::new();
    for id in ids.as_array().unwrap() {
        house.json(&format!("/infra/{id}/json")).await;
        house.idle().await;
        found.push(house.json(&format!("/infra/{id}/json")).await["data"]["lines"].clone());
    }
    // The login at GitHub is nobody's name here.
    assert_eq!(found, [json!(["ralph closed issue #7 on fedora-infra/hubs"]), json!([])]);
}
