//! Why a widget was redrawn, or was not: in the page, as JSON, and on the command line.

use crate::harness::TestHouse;
use serde_json::json;
use std::process::Command;

const COUNTER: &str = r#"
//! How many builds of one person succeeded.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };
fn should_invalidate(message, widget) {
    message.topic.ends_with("copr.build.end")
        && message.msg.user == widget.config.username
        && message.msg.chroot.len() > 3
}
fn data(widget) { #{ count: datanommer::count(#{ categories: ["copr"] }) } }
"#;

const HUBS: &str = r#"
[[hub]]
name = "ralph"
[[hub.widget]]
widget = "counter"
config = { username = "ralph" }
"#;

async fn house() -> TestHouse {
    TestHouse::with(&[
        ("hubs.toml", HUBS),
        ("widgets/counter.rhai", COUNTER),
        ("templates/widgets/counter.html", "<p>{{ count }} builds</p>"),
    ])
    .await
}

fn build(id: &str, user: &str, chroot: &str) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.copr.build.end",
        "id": id,
        "headers": { "sent-at": "2026-11-01T12:00:00+00:00" },
        "body": { "user": user, "chroot": chroot },
    });
    format!("{message}\n")
}

/// What `hubs why` says, with ages and the address made alike.
async fn said(house: &TestHouse, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command
        .arg("why")
        .args(arguments)
        .args(["--to", &house.url("")])
        .env_remove("HUBS_INGEST_TOKEN");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap().replace(&house.url(""), "[server]");
    format!("exit {}\n{text}", output.status.code().unwrap())
}

#[tokio::test]
async fn each_step_from_a_message_to_the_page_is_told() {
    let house = house().await;
    let id = house.instance("ralph", "counter").await;
    house.get(&format!("/ralph/{id}")).await;
    let ear = house.listen("ralph").await;
    let messages =
        [("m-1", "ralph", "fedora-44"), ("m-2", "mizmo", "fedora-44"), ("m-3", "ralph", "el9")];
    for (message, user, chroot) in messages {
        house.replay(build(message, user, chroot)).await;
    }
    let id = id.to_string();
    insta::assert_snapshot!(
        "a message that redrew it",
        said(&house, &[&id, "--message", "m-1"]).await
    );
    insta::assert_snapshot!(
        "a message that the index leaves out",
        said(&house, &[&format!("ralph/{id}"), "--message", "m-2"]).await
    );
    insta::assert_snapshot!(
        "a message that it said no to",
        said(&house, &[&id, "--message", "m-3"]).await
    );
    insta::assert_snapshot!("an hour of messages", said(&house, &[&id]).await);
    drop(ear);

    let (status, page) = house.get(&format!("/ralph/{id}/why?message=m-2")).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("The index left it out.") && page.contains("there is &quot;mizmo&quot;"),
        "{page}"
    );
    let (status, page) = house.get(&format!("/ralph/{id}/why")).await;
    assert_eq!(status, 200);
    assert!(page.contains("1 open page told") && page.contains("why?message=m-1"), "{page}");
}

#[tokio::test]
async fn what_is_not_known_is_said() {
    let house = house().await;
    let id = house.instance("ralph", "counter").await.to_string();
    insta::assert_snapshot!("no such instance", said(&house, &["99"]).await);
    insta::assert_snapshot!(
        "a forgotten message",
        said(&house, &[&id, "--message", "never"]).await
    );
    insta::assert_snapshot!("no instance at all", said(&house, &["ralph"]).await);
    let answer = house
        .client()
        .get(house.url(&format!("/api/why/{id}")))
        .header("x-forwarded-for", "192.0.2.1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
}
