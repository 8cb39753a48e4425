//! From a message to the open event streams, and what comes back to a reader who was away.

use crate::harness::{Ear, TestHouse};
use hubs::bus::Recording;
use hubs::config::{Limits, Settings, Site};
use hubs::script::{Interpreter, Pool, Tier};
use hubs::store::Store;
use hubs::triage::Triage;
use hubs::widget::Shelf;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// Counts the messages about a user, so that every message about them makes it another one.
const COUNTER: &str = r#"
//! How many messages there are about somebody.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };
fn should_invalidate(message, widget) { message.usernames.contains(widget.config.username) }
fn hints(widget) { #{ usernames: [widget.config.username] } }
fn data(widget) { #{ count: datanommer::count(#{ users: [widget.config.username] }) } }
"#;

const HUBS: &str = r#"
[[hub]]
name = "ralph"
owners = ["ralph"]
[[hub.widget]]
widget = "counter"
config = { username = "ralph" }

[[hub]]
name = "mizmo"
[[hub.widget]]
widget = "counter"
config = { username = "mizmo" }
"#;

const TEMPLATE: &str = "<p>{{ count }} messages</p>";

async fn house() -> TestHouse {
    TestHouse::with(&[
        ("hubs.toml", HUBS),
        ("widgets/counter.rhai", COUNTER),
        ("templates/widgets/counter.html", TEMPLATE),
    ])
    .await
}

/// A message of Fedora Messaging about somebody.
fn about(user: &str, id: &str) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.copr.build.end",
        "id": id,
        "headers": { format!("fedora_messaging_user_{user}"): true, "sent-at": "2026-11-01T12:00:00+00:00" },
        "body": { "user": user },
    });
    format!("{message}\n")
}

async fn nothing_heard(house: &TestHouse, ear: &mut Ear, hub: &str, user: &str) {
    // What is announced later is heard later: the next event is that of the marker.
    house.replay(about(user, &format!("marker-{hub}"))).await;
    assert_eq!(ear.next().await.data["invalidated_by"]["id"], format!("marker-{hub}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_redraws_only_the_pages_that_it_concerns() {
    let house = house().await;
    house.instance("ralph", "counter").await;
    house.instance("mizmo", "counter").await;
    let (mut ralph, mut mizmo) = (house.listen("ralph").await, house.listen("mizmo").await);
    house.replay(about("ralph", "m1")).await;
    let event = ralph.next().await;
    insta::assert_json_snapshot!(event.data, {
        ".version" => "[version]", ".built_at" => "[time]", ".html" => "[html]", ".id" => "[id]"
    });
    assert_eq!(event.kind, "widget");
    assert!(event.data["html"].as_str().unwrap().contains("<p>1 messages</p>"));
    nothing_heard(&house, &mut mizmo, "mizmo", "mizmo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_equals_the_old_one_sends_nothing() {
    let house = house().await;
    house.instance("ralph", "counter").await;
    let mut ralph = house.listen("ralph").await;
    house.replay(about("ralph", "m1")).await;
    assert_eq!(ralph.next().await.data["data"]["count"], 1);
    // The same message again: it is in the history already, so the count stays.
    house.replay(about("ralph", "m1")).await;
    nothing_heard(&house, &mut ralph, "ralph", "ralph").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_back_hears_what_was_missed() {
    let house = house().await;
    house.instance("ralph", "counter").await;
    let mut ralph = house.listen("ralph").await;
    house.replay(about("ralph", "m1")).await;
    let last = ralph.next().await.id;
    drop(ralph);
    house.replay(about("ralph", "m2")).await;
    let mut back = house.listen_since("ralph", Some(&last)).await;
    assert_eq!(back.next().await.data["data"]["count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_a_reader_gets_a_fresh_copy_of_each_widget() {
    let mut house = house().await;
    house.instance("ralph", "counter").await;
    let mut ralph = house.listen("ralph").await;
    house.replay(about("ralph", "m1")).await;
    let last = ralph.next().await.id;
    house.restart().await;
    let mut back = house.listen_since("ralph", Some(&last)).await;
    assert_eq!(back.next().await.data["data"]["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_between_a_page_and_its_stream() {
    let house = house().await;
    house.instance("ralph", "counter").await;
    let (_, page) = house.get("/ralph").await;
    let cursor = page.split("data-cursor=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    house.replay(about("ralph", "m1")).await;
    let mut late = house.listen_since("ralph", Some(&cursor)).await;
    assert_eq!(late.next().await.data["data"]["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_a_thousand_open_streams() {
    let mut house = house().await;
    let opening = (0..1000).map(|_| house.listen("ralph"));
    let mut ears: Vec<Ear> = futures_util::future::join_all(opening).await;
    house.stop().await;
    for ear in &mut ears {
        ear.until_the_end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_restart_and_so_does_what_is_invalid() {
    let mut house = house().await;
    let id = house.instance("ralph", "counter").await;
    house.replay(about("ralph", "m1")).await;
    let before = house.json(&format!("/ralph/{id}/json")).await;
    house.restart().await;
    let after = house.json(&format!("/ralph/{id}/json")).await;
    assert_eq!(before["version"], after["version"]);
    assert_eq!(before["built_at"], after["built_at"], "it was not built again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_for_what_was_never_built_call_data_once() {
    let script = r#"
        const REFRESH = "1h";
        fn data(widget) { let runs = cache::get("runs"); if runs == () { runs = 0; } cache::set("runs", runs + 1, "1h"); #{ runs: runs + 1 } }
    "#;
    let house = TestHouse::with(&[
        ("hubs.toml", "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"runs\"\n"),
        ("widgets/runs.rhai", script),
        ("templates/widgets/runs.html", "{{ runs }}"),
    ])
    .await;
    let id = house.json("/x/json").await["widgets"][0].as_u64().unwrap();
    let path = format!("/x/{id}/json");
    let answers: Vec<Value> =
        futures_util::future::join_all((0..1000).map(|_| house.json(&path))).await;
    assert!(answers.iter().all(|answer| answer["data"]["runs"] == 1), "{}", answers[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_asks_only_those_whom_a_message_may_concern() {
    let (limits, install) = (Limits::pure(), hubs::bindings::pure());
    let mut reader = Interpreter::new(Tier::Pure, limits.clone(), Some(install.clone()));
    let shelf = Arc::new(Shelf::new(Site::built_in(), &mut reader));
    let pool = Pool::start(Tier::Pure, limits, 1, Some(install));
    let triage = Triage::new(shelf, pool, 1, Timestamp::now);
    let store = Store::open("sqlite::memory:").await.unwrap();
    hubs::server::seed(&store, &Settings::default(), Timestamp::now()).await.unwrap();
    triage.fill(&store).await.unwrap();
    let messages = Recording::open(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/awards.jsonl").as_ref(),
    )
    .unwrap()
    .map(|line| line.unwrap().message.unwrap());
    for judged in triage.judge(messages.collect()).await {
        assert_eq!(judged.candidates, judged.invalidated.len(), "{}", judged.message.topic);
    }
}
