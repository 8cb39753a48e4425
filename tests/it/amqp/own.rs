//! What a house tells of itself over AMQP: others hear it, and it comes back without being taken twice.

use super::broker::broker;
use super::python::FedoraMessaging;
use super::reading::CONSUME;
use super::{Reading, consumed, settings, toml, until};
use crate::harness::TestHouse;
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hub_is_told_of_over_amqp_and_taken_once() {
    let Some(broker) = broker() else { return };
    let (vhost, folder) = (broker.vhost("own"), TempDir::new().unwrap());
    let Some(python) = FedoraMessaging::at(&vhost, folder.path(), "") else { return };
    // Makes the queue of another reader, so that it has what is published before that one comes.
    let reading = Reading::start(&settings(&toml(vhost.url(), "queue = \"theirs\"")));
    consumed(&vhost, "theirs").await;
    reading.amqp.stop().await;
    let text = format!(
        "[server]\npublic_url = \"https://hubs.example.org\"\n{}[[hub]]\nname = \"one\"\n\
         [[hub.widget]]\nwidget = \"feed\"\nconfig = {{ categories = [\"hubs\"] }}\n",
        toml(vhost.url(), "queue = \"ours\"\npublish = true\n")
    );
    let house = TestHouse::with(&[("hubs.toml", &text)]).await;
    consumed(&vhost, "ours").await;
    let mut ear = house.listen("one").await;
    house.write("hubs.toml", &format!("{text}[[hub]]\nname = \"two\"\n"));
    let is_told = |data: &Value| data["data"].to_string().contains("two");
    let event = ear.next_where(is_told).await;
    assert_eq!(
        event.data["invalidated_by"]["topic"], "org.fedoraproject.prod.hubs.hub.created",
        "{:#}",
        event.data
    );
    let read: Value = serde_json::from_str(&python.run(CONSUME, "")).unwrap();
    assert_eq!(
        (&read["topic"], &read["body"]),
        (
            &json!("org.fedoraproject.prod.hubs.hub.created"),
            &json!({
                "hub_id": "two", "hub_name": "two", "hub_type": "group",
                "hub_url": "https://hubs.example.org/two"
            })
        )
    );
    // It is back once it is acknowledged.
    until("our own message is back", || {
        vhost.messages("ours") == "[{messages_ready,0},{messages_unacknowledged,0}]"
    })
    .await;
    let id = house.instance("one", "feed").await;
    let feed = house.json(&format!("/one/{id}/json")).await["data"].to_string();
    assert_eq!(feed.matches("/two").count(), 1, "{feed}");
}
