//! `hubs record`: what it keeps is read by others, and what others keep is read by hubs.

use super::broker::{Vhost, broker};
use super::python::FedoraMessaging;
use super::{settings, toml, until};
use crate::command::{check, hubs, site};
use crate::fedmsg::{Publisher as Publisher0mq, have_publisher};
use crate::harness::TestHouse;
use hubs::bus::Publisher;
use hubs::message::{Message, parse_line};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TOPIC: &str = "org.fedoraproject.prod.copr.build.end";

/// A copy on the server's side, so that a test can see whether somebody reads.
fn readers(vhost: &Vhost) -> usize {
    let said = vhost.broker.eval(&format!(
        "length([1 || P <- rabbit_networking:connections(), rabbit_networking:connection_info(P, [vhost]) =:= [{{vhost, <<\"{}\">>}}]])",
        vhost.name
    ));
    said.parse().unwrap_or_default()
}

fn queues(vhost: &Vhost) -> String {
    vhost.broker.eval(&format!(
        "[{{Q, B}} || {{resource, _, queue, Q}} <- rabbit_amqqueue:list_names(<<\"{0}\">>), B <- [length(rabbit_binding:list_for_destination(rabbit_misc:r(<<\"{0}\">>, queue, Q)))]]",
        vhost.name
    ))
}

async fn publish(vhost: &Vhost, count: usize) {
    let publisher = Publisher::new(&settings(&toml(vhost.url(), "")));
    for n in 0..count {
        publisher.publish(&message(n)).await.unwrap();
    }
}

fn message(n: usize) -> Message {
    let headers =
        json!({ "fedora_messaging_user_ralph": true, "sent-at": "2026-01-01T12:00:00+00:00" });
    let line = json!({ "topic": TOPIC, "id": format!("recorded-{n}"), "headers": headers, "body": { "user": "ralph", "n": n } });
    parse_line(line.to_string().as_bytes()).unwrap()
}

fn record(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command.current_dir(folder).arg("record").args(arguments).env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// It has a queue and all its bindings: what is published from now on is kept.
async fn listens(vhost: &Vhost) {
    until("it listens", || queues(vhost).contains(">>,2}")).await;
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_published_by_fedora_messaging_and_replayed_by_hubs() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("record");
    let folder = site(&[("hubs.toml", &toml(vhost.url(), "queue = \"server\""))]);
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), "") else { return };
    let recording = record(folder.path(), &["-o", "a.jsonl", "--count", "3"]);
    listens(&vhost).await;
    assert!(!queues(&vhost).contains("server"), "it makes no queue of a server's name");
    publish(&vhost, 3).await;
    let output = recording.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).trim_end().ends_with("3 messages kept"));
    until("its queue is gone", || queues(&vhost) == "[]").await;
    let kept = std::fs::read_to_string(folder.path().join("a.jsonl")).unwrap();
    let first = &lines(&kept)[0];
    let keys: Vec<_> = first.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["body", "headers", "id", "priority", "queue", "topic"]);
    assert_eq!(
        (&first["id"], &first["body"]),
        (&json!("recorded-0"), &json!({ "n": 0, "user": "ralph" }))
    );

    // Fedora's own program reads it; what it publishes we hear again, under the same ids.
    let second = record(folder.path(), &["-o", "-", "--count", "3", "--topic", "copr.#"]);
    listens(&vhost).await;
    python.call(
        &["publish", "a.jsonl"]
            .map(|file| {
                if file == "publish" {
                    file.to_owned()
                } else {
                    folder.path().join(file).display().to_string()
                }
            })
            .each_ref()
            .map(String::as_str),
    );
    let output = second.wait_with_output().unwrap();
    let again = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        lines(&again).iter().map(|line| line["id"].clone()).collect::<Vec<_>>(),
        ["recorded-0", "recorded-1", "recorded-2"]
    );

    let house = TestHouse::demo().await;
    let replayed = check(folder.path(), &["replay", "a.jsonl", "--to", &house.url("")]);
    assert_eq!(replayed, "exit 0\n--- stdout\n3 messages accepted, 0 lines refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fedora_messaging_records_is_replayed() {
    let Some(broker) = broker() else { return };
    let (vhost, folder) = (broker.vhost("theirs"), site(&[]));
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), "") else { return };
    let file = folder.path().join("theirs.jsonl").display().to_string();
    let mut recording = python.program(&["record", "--limit", "2", &file]).spawn().unwrap();
    until("it listens", || queues(&vhost).contains(">>,2}")).await;
    publish(&vhost, 2).await;
    assert!(recording.wait().unwrap().success());
    let house = TestHouse::demo().await;
    let replayed = check(folder.path(), &["replay", &file, "--to", &house.url("")]);
    assert_eq!(replayed, "exit 0\n--- stdout\n2 messages accepted, 0 lines refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_without_people_is_whole_when_it_is_interrupted() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("redact");
    let folder = site(&[("hubs.toml", &toml(vhost.url(), ""))]);
    let recording = record(folder.path(), &["-o", "b.jsonl", "--redact"]);
    listens(&vhost).await;
    publish(&vhost, 2).await;
    let file = folder.path().join("b.jsonl");
    until("two are kept", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.lines().count() == 2)
    })
    .await;
    let interrupted =
        Command::new("kill").args(["-INT", &recording.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = recording.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.ends_with('\n') && !kept.contains("ralph"), "{kept}");
    let [first, second] = &lines(&kept)[..] else { panic!("{kept}") };
    assert_eq!(first["body"]["user"], second["body"]["user"]);
    let said = String::from_utf8(hubs(folder.path(), &["record", "-o", "b.jsonl"]).stderr).unwrap();
    assert_eq!(
        said,
        "error: b.jsonl is there already: `--append` goes on at its end, `--force` writes over it\n"
    );
    assert_eq!(readers(&vhost), 0);
}

#[test]
fn fedmsg_is_recorded_in_its_own_envelope() {
    if !have_publisher() {
        return;
    }
    let mut publisher = Publisher0mq::start();
    let toml = format!(
        "[bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:{}\"]\nvalidate_signatures = false\n",
        publisher.says()
    );
    let folder = site(&[("hubs.toml", &toml)]);
    let recording = record(folder.path(), &["-o", "c.jsonl", "--count", "1", "--topic", "fas.#"]);
    assert_eq!(publisher.says(), "subscribed");
    for topic in ["org.fedoraproject.dev.git.receive", "org.fedoraproject.dev.fas.user.create"] {
        let envelope = json!({ "topic": topic, "msg": { "n": 1 }, "msg_id": "2023-1", "timestamp": 1_700_000_000, "i": 1, "username": "apache" });
        publisher.publish(&[topic, &envelope.to_string()]);
    }
    assert!(recording.wait_with_output().unwrap().status.success());
    let kept = std::fs::read_to_string(folder.path().join("c.jsonl")).unwrap();
    let wanted = json!({ "topic": "org.fedoraproject.dev.fas.user.create", "msg": { "n": 1 }, "msg_id": "2023-1", "timestamp": 1_700_000_000, "username": "apache", "headers": {} });
    assert_eq!(lines(&kept), [wanted]);
}

#[test]
fn without_a_bus_there_is_nothing_to_record() {
    let folder = site(&[]);
    insta::assert_snapshot!(check(folder.path(), &["record", "-o", "a.jsonl"]), @r"
    exit 2
    --- stderr
    error: no bus is configured: hubs.toml needs [bus.amqp] or [bus.fedmsg]
    ");
    assert!(!folder.path().join("a.jsonl").exists());
}
