//! What a house tells of itself on fedmsg, and signed messages that it catches up with.

use super::peer::Peer;
use crate::catch_up::{Bus, award, count};
use crate::harness::TestHouse;
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hub_is_told_of_on_fedmsg_and_signed() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let relay = python.ask(&json!(["listen", null, true]));
    let at = folder.display();
    let settings = format!(
        "[server]\npublic_url = \"https://hubs.example.org\"\n\
         [bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:1\"]\nca = \"{at}/ca.crt\"\n\
         [bus.fedmsg.publish]\nendpoint = {relay}\nactive = true\n\
         certificate = \"{at}/good.example.org.crt\"\nkey = {{ file = \"{at}/good.example.org.key\" }}\n\
         [[hub]]\nname = \"one\"\n"
    );
    let house = TestHouse::with(&[("hubs.toml", &settings)]).await;
    house.write("hubs.toml", &format!("{settings}[[hub]]\nname = \"two\"\n"));
    let frames: [String; 2] = serde_json::from_value(python.ask(&json!(["hear"]))).unwrap();
    assert_eq!(frames[0], "org.fedoraproject.prod.hubs.hub.created");
    let none = json!({});
    let valid = python.ask(&json!(["validate", folder, frames[1], false, "crl.pem", none, false]));
    assert_eq!(valid, true, "{}", frames[1]);
    let envelope: Value = serde_json::from_str(&frames[1]).unwrap();
    assert_eq!(
        envelope["msg"],
        json!({
            "hub_id": "two", "hub_name": "two", "hub_type": "group",
            "hub_url": "https://hubs.example.org/two"
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_caught_up_with() {
    let Some(mut python) = Peer::start() else { return };
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path();
    python.make_certificates(folder);
    let mut signed = |id: &str, ago: i64| -> Value {
        let text = python.sign(folder, "good.example.org", &award(id, ago));
        serde_json::from_str(&text).unwrap()
    };
    let more = format!("datagrepper_url = \"{{archive}}\"\nca = \"{}/ca.crt\"", folder.display());
    let mut bus = Bus::start(&more).await;
    bus.publish(&signed("first", 50));
    bus.until_feed_by("first").await;
    let mut forged = signed("forged", 40);
    forged["msg"]["user"]["badges_user_id"] = json!(2);
    bus.archive.keep(&forged);
    bus.archive.keep(&award("unsigned", 35));
    bus.archive.keep(&signed("last", 30));
    bus.house.restart().await;
    let feed = bus.until_feed_by("last").await;
    let counts = ["last", "forged", "unsigned"].map(|id| count(&feed, id) > 0);
    assert_eq!(counts, [true, false, false], "{feed:#}");
}
