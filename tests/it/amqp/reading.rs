//! What fedora-messaging publishes, as we read it; what we publish, as it reads it; and who keeps what meanwhile.

use super::broker::broker;
use super::python::FedoraMessaging;
use super::{Reading, consumed, settings, toml, until};
use crate::harness::TestHouse;
use hubs::bus::{PublishError, Publisher};
use hubs::message::{Message, Topic, Wire, parse_line};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Publishes each line of its input, `{topic, body, headers, severity}`, as a service of Fedora does.
const PUBLISH: &str = r#"
import json, sys
from fedora_messaging import api, message
for line in sys.stdin:
    print(line, end="", file=sys.stderr)
    api.publish(message.Message(**json.loads(line)))
"#;

/// The same as a service does that has a schema, here bodhi's.
const PUBLISH_WITH_SCHEMA: &str = r#"
import json, sys
from fedora_messaging import api, message
class Comment(message.Message):
    @property
    def usernames(self): return self.body["users"]
    @property
    def packages(self): return self.body["packages"]
message._registry_loaded = True
message._class_to_schema_name[Comment] = "bodhi.update.comment"
message._schema_name_to_class["bodhi.update.comment"] = Comment
for line in sys.stdin:
    api.publish(Comment(**json.loads(line)))
"#;

/// And what no library would send: a body that is no JSON, one that is no object, none of the properties.
const RAW: &str = r#"
import json, sys, pika, os, tomllib
url = tomllib.load(open(os.environ["FEDORA_MESSAGING_CONF"], "rb"))["amqp_url"]
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
for line in sys.stdin:
    topic, body, properties = json.loads(line)
    channel.basic_publish("amq.topic", topic, body.encode("latin-1"), pika.BasicProperties(**properties))
channel.connection.close()
"#;

/// And what nobody should: headers within headers, five thousand deep, and a body of three mebibytes.
const HOSTILE: &str = r#"
import os, pika, sys, threading, tomllib
sys.setrecursionlimit(1000000)
threading.stack_size(512 * 1024 * 1024)
def publish():
    url = tomllib.load(open(os.environ["FEDORA_MESSAGING_CONF"], "rb"))["amqp_url"]
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    deep = {"fedora_messaging_user_ralph": True}
    for _ in range(5000):
        deep = {"": deep}
    topic = "org.fedoraproject.prod.copr.build.end"
    channel.basic_publish("amq.topic", topic, b"{}", pika.BasicProperties(headers=deep))
    channel.basic_publish("amq.topic", topic, b" " * (3 << 20), pika.BasicProperties())
    channel.connection.close()
thread = threading.Thread(target=publish)
thread.start()
thread.join()
"#;

/// Reads one message by fedora-messaging's own API and prints all that it knows of it.
pub(super) const CONSUME: &str = r##"
import json, sys
from fedora_messaging import api, exceptions
def callback(message):
    print(json.dumps({"topic": message.topic, "id": message.id, "body": message.body, "headers": message._headers,
        "severity": message.severity, "priority": message.priority, "class": type(message).__name__}), flush=True)
    raise exceptions.HaltConsumer()
queue = {"durable": True, "auto_delete": False, "exclusive": False, "arguments": {}}
try:
    api.consume(callback, bindings=[{"exchange": "amq.topic", "queue": "theirs", "routing_keys": ["#"]}], queues={"theirs": queue})
except exceptions.HaltConsumer:
    pass
"##;

const TOPIC: &str = "org.fedoraproject.prod.copr.build.end";

#[tokio::test(flavor = "multi_thread")]
async fn what_fedora_messaging_publishes_redraws_and_nonsense_is_refused() {
    let Some(broker) = broker() else { return };
    let (vhost, folder) = (broker.vhost("redraws"), TempDir::new().unwrap());
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), "") else { return };
    let hubs = "[[hub]]\nname = \"infra\"\n[[hub.widget]]\nwidget = \"feed\"\nconfig = { users = [\"ralph\"] }\n";
    let toml = toml(vhost.url(), "queue = \"hubs\"\ntopics = [\"org.fedoraproject.prod.#\"]\n");
    let mut house = TestHouse::with(&[("hubs.toml", &format!("{toml}{hubs}"))]).await;
    consumed(&vhost, "hubs").await;
    house.instance("infra", "feed").await;
    let mut ear = house.listen("infra").await;
    let raw = [
        json!([TOPIC, "no json", {}]),
        json!([TOPIC, "[1]", {}]),
        json!([TOPIC, "{\"a\": \"\u{ff}\"}", {}]),
        json!([TOPIC, "{}", { "content_encoding": "gzip" }]),
        json!([TOPIC, "{}", { "headers": { "deep": [[[[{}]]]], "sent-at": 5 } }]),
    ];
    let lines: Vec<String> = raw.iter().map(ToString::to_string).collect();
    python.run(RAW, &lines.join("\n"));
    python.run(HOSTILE, "");
    let award = json!({
        "topic": "org.fedoraproject.prod.fedbadges.badge.award",
        "headers": { "fedora_messaging_user_ralph": true },
        "body": {
            "user": { "username": "ralph", "badges_user_id": 1 },
            "badge": { "name": "Something on your mind", "badge_id": "x", "description": "…", "image_url": "https://example.org/x.png" }
        },
    });
    python.run(PUBLISH, &format!("{award}\n"));
    let event = ear.next().await;
    assert_eq!(event.data["invalidated_by"]["topic"], award["topic"]);
    let html = event.data["html"].as_str().unwrap();
    assert!(html.contains("Something on your mind"), "{html}");
    let (_, metrics) = house.get("/metrics").await;
    for reason in ["no JSON", "no object", "encoding", "too long"] {
        let counted = format!("hubs_messages_skipped_total{{source=\"amqp\",reason=\"{reason}\"}}");
        assert!(metrics.contains(&counted), "{reason}: {metrics}");
    }
    house.stop().await;
    // Each was acknowledged or refused: the queue, which outlives its reader, is empty.
    assert_eq!(vhost.messages("hubs"), "[{messages_ready,0},{messages_unacknowledged,0}]");
    // What is published meanwhile is kept for it.
    let mut later = award.clone();
    later["body"]["badge"]["name"] = "While you were out".into();
    python.run(PUBLISH, &format!("{later}\n"));
    house.start().await;
    let mut ear = house.listen("infra").await;
    let is_there = |data: &Value| {
        data["html"].as_str().is_some_and(|html| html.contains("While you were out"))
    };
    let id = house.instance("infra", "feed").await;
    if !is_there(&house.json(&format!("/infra/{id}/json")).await) {
        ear.next_where(is_there).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_a_schema_become_people_and_packages() {
    let Some(broker) = broker() else { return };
    let (vhost, folder) = (broker.vhost("headers"), TempDir::new().unwrap());
    let prefix = "topic_prefix = \"org.fedoraproject.stg\"\n";
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), prefix) else { return };
    // What fedora-messaging has in its file is enough.
    let file = python.configuration().display();
    let toml = format!("[bus.amqp]\nconfig = \"{file}\"\nqueue = \"hubs\"\n");
    let mut reading = Reading::start(&settings(&toml));
    consumed(&vhost, "hubs").await;
    let body = json!({ "n": 1, "users": ["lmacken"], "packages": ["kernel"] });
    let sent = json!({ "topic": "bodhi.update.comment", "body": body, "severity": 30 });
    python.run(PUBLISH_WITH_SCHEMA, &format!("{sent}\n"));
    let delivery = reading.next().await;
    assert_eq!(vhost.messages("hubs"), "[{messages_ready,0},{messages_unacknowledged,1}]");
    let message = delivery.message;
    assert_eq!(message.topic.as_str(), "org.fedoraproject.stg.bodhi.update.comment");
    assert_eq!((message.wire, &message.body["n"]), (Wire::FedoraMessaging, &json!(1)));
    assert_eq!((message.id.len(), delivery.source.0), (36, "amqp"));
    assert_eq!(message.description.usernames, ["lmacken"]);
    assert_eq!(message.description.packages, ["kernel"]);
    assert_eq!(message.headers["fedora_messaging_severity"], 30);
    assert_eq!(message.headers["fedora_messaging_schema"], "bodhi.update.comment");
    delivery.done.unwrap().send(()).unwrap();
    until("the message is acknowledged", || vhost.messages("hubs").ends_with("unacknowledged,0}]"))
        .await;
    reading.amqp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_disk_is_sent_again() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("again");
    let settings = settings(&toml(vhost.url(), "queue = { name = \"hubs\" }\nprefetch = 3"));
    let mut reading = Reading::start(&settings);
    consumed(&vhost, "hubs").await;
    let publisher = Publisher::new(&settings);
    for n in 0..5 {
        publisher.publish(&message(n)).await.unwrap();
    }
    let first = reading.next().await;
    let (second, _third) = (reading.next().await, reading.next().await);
    // Three are on their way: the broker keeps the others back.
    assert_eq!(vhost.messages("hubs"), "[{messages_ready,2},{messages_unacknowledged,3}]");
    // Out of order: nothing is acknowledged before its turn.
    second.done.unwrap().send(()).unwrap();
    first.done.unwrap().send(()).unwrap();
    let (fourth, _fifth) = (reading.next().await, reading.next().await);
    assert_eq!(
        (fourth.message.id.as_str(), vhost.messages("hubs").contains("unacknowledged,3")),
        ("hubs-test-3", true)
    );
    drop(reading);
    until("its reader is gone", || vhost.consumers("hubs") == 0).await;
    let mut reading = Reading::start(&settings);
    for n in 2..5 {
        let delivery = reading.next().await;
        assert_eq!(delivery.message.id, format!("hubs-test-{n}"));
        delivery.done.unwrap().send(()).unwrap();
    }
    // What is under way when it stops is waited for.
    publisher.publish(&message(5)).await.unwrap();
    let last = reading.next().await;
    tokio::join!(reading.amqp.stop(), async { last.done.unwrap().send(()).unwrap() });
    assert_eq!(vhost.messages("hubs"), "[{messages_ready,0},{messages_unacknowledged,0}]");
}

fn message(n: usize) -> Message {
    let line = json!({ "topic": TOPIC, "id": format!("hubs-test-{n}"), "headers": {}, "body": { "n": n } });
    parse_line(line.to_string().as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_publish_is_what_fedora_messaging_would_have_sent() {
    let Some(broker) = broker() else { return };
    let (vhost, folder) = (broker.vhost("publish"), TempDir::new().unwrap());
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), "") else { return };
    // Makes the queue, so that what is published before its reader comes is kept.
    let queue = "queue = \"theirs\"\ntopic_prefix = \"org.fedoraproject.dev.\"";
    let reading = Reading::start(&settings(&toml(vhost.url(), queue)));
    consumed(&vhost, "theirs").await;
    reading.amqp.stop().await;
    let publisher = Publisher::new(&settings(&toml(vhost.url(), queue)));
    let mut own = Message::own(
        Topic::new("hubs.widget.updated"),
        json!({ "widget": "über" }),
        "2026-01-01T12:00:00.5Z".parse().unwrap(),
    );
    own.description.usernames = vec!["ralph".into()];
    own.description.packages = vec!["python-requests".into()];
    publisher.publish(&own).await.unwrap();
    let read: Value = serde_json::from_str(&python.run(CONSUME, "")).unwrap();
    let wanted = json!({
        "topic": "org.fedoraproject.dev.hubs.widget.updated", "id": own.id, "body": { "widget": "über" },
        "severity": 20, "priority": 0, "class": "Message",
        "headers": {
            "fedora_messaging_schema": "base.message", "fedora_messaging_severity": 20, "sent-at": "2026-01-01T12:00:00+00:00",
            "priority": 0, "fedora_messaging_user_ralph": true, "fedora_messaging_rpm_python-requests": true,
        },
    });
    assert_eq!(read, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_can_not_be_published_is_refused_with_the_reason() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("forbidden");
    let publisher = Publisher::new(&settings(&toml(vhost.url(), "exchange = \"amq.topic\"")));
    let list =
        Message::own(Topic::new("hubs.x"), json!([1]), "2026-01-01T12:00:00Z".parse().unwrap());
    let said = publisher.publish(&list).await.unwrap_err().to_string();
    assert_eq!(said, "the body of `hubs.x` is no JSON object: Fedora Messaging takes nothing else");
    let long = Message::own(
        Topic::new(&"x".repeat(256)),
        json!({}),
        "2026-01-01T12:00:00Z".parse().unwrap(),
    );
    assert!(matches!(publisher.publish(&long).await, Err(PublishError::LongTopic(_))));
    let none = "<<\"^$\">>";
    broker.eval(&format!(
        "rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, <<\"forbidden\">>, {none}, {none}, {none}, <<\"test\">>)"
    ));
    let said = publisher.publish(&message(0)).await.unwrap_err().to_string();
    assert!(
        said.starts_with("the user may not publish on the exchange `amq.topic`: ACCESS_REFUSED"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_the_login() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("external");
    let tls = |ca: &str, client: &str| {
        let file = |name: String| broker.file(&name);
        format!(
            "[bus.amqp.tls]\nca_cert = \"{}\"\ncertfile = \"{}\"\nkeyfile = \"{}\"",
            file(format!("{ca}.pem")),
            file(format!("{client}.pem")),
            file(format!("{client}.key"))
        )
    };
    // The user in the address is only a name; the certificate says `hubs`.
    let with_certificate = settings(&toml(
        vhost.tls_url("fedora:"),
        &format!("queue = \"hubs\"\n{}", tls("ca", "client")),
    ));
    let mut reading = Reading::start(&with_certificate);
    consumed(&vhost, "hubs").await;
    Publisher::new(&with_certificate).publish(&message(1)).await.unwrap();
    let delivery = reading.next().await;
    assert_eq!(delivery.message.id, "hubs-test-1");
    let said = broker.eval("[begin [{user, U}, {ssl, S}] = rabbit_networking:connection_info(P, [user, ssl]), {U, S} end || P <- rabbit_networking:connections(), rabbit_networking:connection_info(P, [vhost]) =:= [{vhost, <<\"external\">>}]]");
    assert!(said.contains("{<<\"hubs\">>,true}") && !said.contains("fedora"), "{said}");
    reading.amqp.stop().await;
    // With the CA alone a password counts.
    let ca = format!("[bus.amqp.tls]\nca_cert = \"{}\"", broker.file("ca.pem"));
    let by_password = settings(&toml(vhost.tls_url("guest:guest"), &ca));
    Publisher::new(&by_password).publish(&message(2)).await.unwrap();
}
