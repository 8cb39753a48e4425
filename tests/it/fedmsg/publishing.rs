//! What hubs publishes, heard by a subscriber in Python and judged by Python's fedmsg.

use super::peer::Peer;
use hubs::bus::{FedmsgPublishError, FedmsgPublisher};
use hubs::config::{Connection, Publish, Secret};
use hubs::message::{Message, parse_line};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const TOPIC: &str = "org.fedoraproject.dev.hubs.widget.updated";

fn message(id: &str) -> Message {
    let line = json!({
        "topic": TOPIC, "msg_id": id, "timestamp": 1_700_000_000.25,
        "msg": { "widget": { "idx": 7, "title": "Köln ✓ 😀" }, "list": [1.0, 1e22, -0.0, null, 18_446_744_073_709_551_615_u64] }
    });
    parse_line(line.to_string().as_bytes()).unwrap()
}

fn settings(folder: &Path, name: &str, key: &str, endpoint: &str) -> Publish {
    Publish {
        endpoint: endpoint.into(),
        active: false,
        certificate: folder.join(format!("{name}.crt")),
        key: Secret::new(std::fs::read_to_string(folder.join(format!("{key}.key"))).unwrap()),
        username: "hubs".into(),
    }
}

fn start(settings: &Publish) -> Result<FedmsgPublisher, FedmsgPublishError> {
    FedmsgPublisher::start(settings, &Connection::default())
}

/// Hears one message, and has Python judge it.
fn heard(python: &mut Peer, folder: &Path) -> Value {
    let frames: [String; 2] = serde_json::from_value(python.ask(&json!(["hear"]))).unwrap();
    assert_eq!(frames[0], TOPIC);
    let none = json!({});
    assert_eq!(
        python.ask(&json!(["validate", folder, frames[1], false, "crl.pem", none, false])),
        true,
        "{}",
        frames[1]
    );
    serde_json::from_str(&frames[1]).unwrap()
}

#[tokio::test]
async fn a_relay_gets_signed_envelopes_in_order() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let relay = python.ask(&json!(["listen", null, true]));
    for (name, text) in [("good", "PKCS#8"), ("small", "PKCS#1")] {
        let name = format!("{name}.example.org");
        let settings =
            Publish { active: true, ..settings(folder, &name, &name, relay.as_str().unwrap()) };
        let publisher = start(&settings).unwrap();
        // Before the relay is connected to: they wait.
        publisher.publish(&message("2023-1")).unwrap();
        publisher.publish(&message("2023-2")).unwrap();
        let first = heard(&mut python, folder);
        assert_eq!((&first["msg_id"], &first["i"]), (&json!("2023-1"), &json!(1)), "{text}");
        assert_eq!(
            (&first["username"], &first["timestamp"]),
            (&json!("hubs"), &json!(1_700_000_000))
        );
        assert_eq!(first["msg"], *message("").body);
        let second = heard(&mut python, folder);
        assert_eq!((&second["msg_id"], &second["i"]), (&json!("2023-2"), &json!(2)));
        publisher.stop().await;
    }
}

#[tokio::test]
async fn subscribers_connect_to_hubs() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let settings = settings(folder, "good.example.org", "good.example.org", "tcp://127.0.0.1:0");
    let publisher = start(&settings).unwrap();
    python.ask(&json!(["listen", publisher.endpoint(), false]));
    // A subscription takes a moment to arrive, and what is sent before is for nobody: until one is heard.
    let mut last = 0;
    let first = loop {
        publisher.publish(&message(&format!("2023-{last}"))).unwrap();
        last += 1;
        let frames = python.ask(&json!(["hear", 50]));
        if let Ok(frames) = serde_json::from_value::<[String; 2]>(frames) {
            break frames;
        }
    };
    assert_eq!(first[0], TOPIC);
    publisher.stop().await;
}

#[tokio::test]
async fn what_cannot_publish_says_why() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let said = |settings: &Publish| {
        let error = start(settings).err().unwrap().to_string();
        error.replace(&folder.display().to_string(), "")
    };
    let good = settings(folder, "good.example.org", "good.example.org", "tcp://127.0.0.1:0");
    let taken = start(&good).unwrap();
    insta::assert_snapshot!(
        [
            said(&settings(folder, "good.example.org", "small.example.org", "tcp://127.0.0.1:0")),
            said(&Publish { key: Secret::new("secret"), ..good.clone() }),
            said(&Publish { certificate: folder.join("crl.pem"), ..good.clone() }),
            said(&Publish { certificate: folder.join("none.crt"), ..good.clone() }),
            said(&Publish { endpoint: taken.endpoint().into(), ..good.clone() })
                .replace(taken.endpoint(), "[taken]"),
        ]
        .join("\n"),
        @"
    `[bus.fedmsg.publish] key` is not the key of `certificate`: messages could not be verified
    `[bus.fedmsg.publish] key` is no RSA key in PEM without a passphrase (PKCS#1 or PKCS#8)
    `[bus.fedmsg.publish] certificate` is `/crl.pem`, which holds no certificate in PEM
    `[bus.fedmsg.publish] certificate` is `/none.crt`, which can't be read: No such file or directory (os error 2)
    `[bus.fedmsg.publish] endpoint` is `[taken]` (Address already in use): give one that is free, or set `active = true` for a relay that listens there
    "
    );
}

/// With nobody to connect to, messages wait; when there is no room, who publishes is told.
#[tokio::test]
async fn a_relay_that_is_away_costs_nobody_any_time() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    // A port that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let name = "good.example.org";
    let settings = settings(folder, name, name, &format!("tcp://127.0.0.1:{port}"));
    let publisher = start(&Publish { active: true, ..settings }).unwrap();
    let refused = (0..2000).find_map(|_| publisher.publish(&message("2023-1")).err()).unwrap();
    assert_eq!(
        refused.to_string(),
        "1024 messages wait to be published on fedmsg already: this one is not"
    );
    publisher.stop().await;
}
