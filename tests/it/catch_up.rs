//! fedmsg repeats nothing: what it sent while nobody listened comes from an archive, or makes widgets stale.

use crate::harness::TestHouse;
use hubs::datanommer::{Datanommer, Query};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const TOPIC: &str = "org.fedoraproject.prod.fedbadges.badge.award";
/// Of a page, as datagrepper has it.
const ROWS: usize = 100;

/// An award to ralph, so many seconds ago.
pub(crate) fn award(id: &str, ago: i64) -> Value {
    json!({
        "topic": TOPIC, "msg_id": id, "timestamp": Timestamp::now().as_second() - ago, "i": 1, "username": "apache",
        "msg": {
            "user": { "username": "ralph", "badges_user_id": 1 },
            "badge": { "name": id, "badge_id": id, "description": "…", "image_url": "https://example.org/x.png" }
        }
    })
}

/// A datagrepper that has kept these, as it hands them out: a float time, its own name and version.
#[derive(Clone, Default)]
pub(crate) struct Archive(Arc<Mutex<Vec<Value>>>);

impl Archive {
    pub(crate) fn keep(&self, message: &Value) {
        let mut kept = message.clone();
        kept["timestamp"] = json!(message["timestamp"].as_f64());
        kept["source_name"] = "datanommer".into();
        kept["source_version"] = "1.5.0".into();
        self.0.lock().push(kept);
    }
}

impl wiremock::Respond for Archive {
    fn respond(&self, request: &wiremock::Request) -> wiremock::ResponseTemplate {
        let asked = |name: &str| {
            let mut pairs = request.url.query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.parse::<f64>().unwrap()
        };
        let (start, end) = (asked("start"), asked("end"));
        let kept = self.0.lock();
        let at = |message: &Value| message["timestamp"].as_f64().unwrap();
        let mut found: Vec<&Value> =
            kept.iter().filter(|m| at(m) >= start && at(m) <= end).collect();
        found.sort_by(|a, b| at(a).total_cmp(&at(b)));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a page's number"
        )]
        let before = (asked("page") as usize - 1) * ROWS;
        let found: Vec<_> = found.into_iter().skip(before).take(ROWS).collect();
        wiremock::ResponseTemplate::new(200).set_body_json(json!({ "raw_messages": found }))
    }
}

pub(crate) struct Bus {
    publisher: zmq::Socket,
    endpoint: String,
    pub(crate) archive: Archive,
    server: wiremock::MockServer,
    pub(crate) house: TestHouse,
}

impl Bus {
    /// `more` is of [bus.fedmsg]; `{archive}` in it is the archive's address. Unless it names an authority, nothing must be
    /// signed.
    pub(crate) async fn start(more: &str) -> Self {
        let (archive, server) = (Archive::default(), wiremock::MockServer::start().await);
        wiremock::Mock::given(wiremock::matchers::path("/grep/raw"))
            .respond_with(archive.clone())
            .mount(&server)
            .await;
        let publisher = bind("tcp://127.0.0.1:*");
        let endpoint = publisher.get_last_endpoint().unwrap().unwrap();
        let unsigned = if more.contains("ca = ") { "" } else { "validate_signatures = false" };
        let configuration = format!(
            "[bus.fedmsg]\nendpoints = [\"{endpoint}\"]\n{unsigned}\n{more}\n\
             [[hub]]\nname = \"infra\"\n\
             [[hub.widget]]\nwidget = \"feed\"\nconfig = {{ users = [\"ralph\"] }}\n\
             [[hub.widget]]\nwidget = \"subscriptions\"\nconfig = {{ username = \"ralph\" }}\n"
        );
        let configuration = configuration.replace("{archive}", &format!("{}/grep", server.uri()));
        let house = TestHouse::with(&[("hubs.toml", &configuration)]).await;
        let bus = Self { publisher, endpoint, archive, server, house };
        bus.subscribed().await
    }

    /// An XPUB socket is told of each subscription: from then on nothing that is sent is missed.
    async fn subscribed(mut self) -> Self {
        let wait = move || {
            let _ = self.publisher.recv_bytes(0).unwrap();
            self
        };
        self = tokio::task::spawn_blocking(wait).await.unwrap();
        self
    }

    pub(crate) fn publish(&self, message: &Value) {
        self.publisher.send_multipart([TOPIC, &message.to_string()], 0).unwrap();
        self.archive.keep(message);
    }

    async fn widget(&self, widget: &str) -> Value {
        let id = self.house.instance("infra", widget).await;
        self.house.json(&format!("/infra/{id}/json")).await
    }

    /// Waits until the feed was built for this message.
    pub(crate) async fn until_feed_by(&self, id: &str) -> Value {
        loop {
            let feed = self.widget("feed").await;
            if feed["invalidated_by"]["id"] == id && feed["state"] == "fresh" {
                return feed;
            }
        }
    }
}

fn bind(endpoint: &str) -> zmq::Socket {
    let publisher = zmq::Context::new().socket(zmq::XPUB).unwrap();
    publisher.set_linger(0).unwrap();
    // The port's last socket lets go of it in a thread of its own.
    while publisher.bind(endpoint).is_err() {
        std::thread::yield_now();
    }
    publisher
}

pub(crate) fn count(feed: &Value, id: &str) -> usize {
    feed["data"].to_string().matches(&format!("\"{id}\"")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_while_the_server_was_away_is_caught_up_with() {
    let mut bus = Bus::start("datagrepper_url = \"{archive}\"").await;
    bus.publish(&award("first", 50));
    let before = bus.until_feed_by("first").await;
    for (id, ago) in [("second", 40), ("third", 30)] {
        bus.archive.keep(&award(id, ago));
    }
    bus.house.restart().await;
    let after = bus.until_feed_by("third").await;
    for id in ["second", "third"] {
        assert_eq!((count(&before, id), count(&after, id) > 0), (0, true), "{after:#}");
    }
    assert_eq!(count(&before, "first"), count(&after, "first"), "the first is there once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_while_the_connection_was_lost_is_caught_up_with() {
    let mut bus = Bus::start("datagrepper_url = \"{archive}\"").await;
    bus.publish(&award("first", 50));
    bus.until_feed_by("first").await;
    bus.archive.keep(&award("second", 40));
    drop(std::mem::replace(&mut bus.publisher, zmq::Context::new().socket(zmq::PUB).unwrap()));
    bus.publisher = bind(&bus.endpoint);
    let bus = bus.subscribed().await;
    bus.until_feed_by("second").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_archive_all_that_may_be_concerned_is_built_anew() {
    let mut bus = Bus::start("").await;
    bus.publish(&award("first", 50));
    bus.until_feed_by("first").await;
    let subscriptions = bus.widget("subscriptions").await;
    bus.house.restart().await;
    loop {
        let feed = bus.widget("feed").await;
        if feed["invalidated_by"]["topic"] == "hubs.gap" {
            break;
        }
    }
    // Only this server's own messages concern it.
    assert_eq!(bus.widget("subscriptions").await["built_at"], subscriptions["built_at"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_to_catch_up_with_makes_stale_instead() {
    let mut bus = Bus::start("datagrepper_url = \"{archive}\"\ncatch_up_limit = 2").await;
    bus.publish(&award("first", 50));
    bus.until_feed_by("first").await;
    for (id, ago) in [("second", 40), ("third", 30), ("fourth", 20)] {
        bus.archive.keep(&award(id, ago));
    }
    bus.house.restart().await;
    let feed = loop {
        let feed = bus.widget("feed").await;
        if feed["invalidated_by"]["topic"] == "hubs.gap" && feed["state"] == "fresh" {
            break feed;
        }
    };
    // The first, which is asked for again, and one more.
    assert_eq!((count(&feed, "second") > 0, count(&feed, "third")), (true, 0), "{feed:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_are_caught_up_with_in_order() {
    let mut bus = Bus::start("datagrepper_url = \"{archive}\"").await;
    bus.publish(&award("first", 110));
    bus.until_feed_by("first").await;
    // Among them a page and a half of one moment.
    for n in 0..350 {
        bus.archive.keep(&award(&format!("missed-{n}"), 100 - i64::from(n.min(200)) / 3));
    }
    bus.archive.keep(&award("last", 20));
    bus.house.restart().await;
    bus.until_feed_by("last").await;
    bus.house.stop().await;
    let url = format!("sqlite:{}", bus.house.path("var/datanommer.db").display());
    let history = Datanommer::open(&url).await.unwrap();
    let all = Query { topics: vec![TOPIC.into()], rows_per_page: 1_000, ..Query::default() };
    let page = history.grep(&all).await.unwrap();
    assert_eq!(page.total, 352);
    let ids: Vec<&str> = page.messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!((ids[0], ids[1], ids[200], ids[351]), ("first", "missed-0", "missed-199", "last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_archive_is_away_no_page_passes_for_true() {
    let mut bus = Bus::start("datagrepper_url = \"{archive}\"").await;
    bus.publish(&award("first", 50));
    bus.until_feed_by("first").await;
    bus.server.reset().await;
    bus.house.restart().await;
    loop {
        let feed = bus.widget("feed").await;
        if feed["invalidated_by"]["topic"] == "hubs.gap" {
            return;
        }
    }
}
