//! Against publishers of ZeroMQ's own.

use super::*;
use crate::{bus, message::MAX_LINE_BYTES};

const PREFIX: &str = "org.fedoraproject.dev";

fn settings(endpoint: &str, topics: &[&str]) -> config::Fedmsg {
    config::Fedmsg {
        endpoints: vec![endpoint.into()],
        topics: topics.iter().map(ToString::to_string).collect(),
        ..config::Fedmsg::default()
    }
}

/// An XPUB socket is told of each subscription: from then on nothing that is sent is missed.
async fn subscribed(publisher: zmq::Socket, subscriptions: usize) -> zmq::Socket {
    let wait = move || {
        (0..subscriptions).for_each(|_| drop(publisher.recv_bytes(0).unwrap()));
        publisher
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}

/// A publisher as fedmsg has them, and a subscriber that it is known to reach.
struct Bus {
    publisher: zmq::Socket,
    fedmsg: Fedmsg,
    deliveries: mpsc::Receiver<Delivery>,
}

impl Bus {
    async fn start(topics: &[&str]) -> Self {
        let (sender, mut deliveries) = bus::channel();
        let publisher = zmq::Context::new().socket(zmq::XPUB).unwrap();
        publisher.set_linger(0).unwrap();
        publisher.bind("tcp://127.0.0.1:*").unwrap();
        let endpoint = publisher.get_last_endpoint().unwrap().unwrap();
        let fedmsg =
            Fedmsg::start(&settings(&endpoint, topics), None, sender, Gap::default()).unwrap();
        let publisher = subscribed(publisher, topics.len().max(1)).await;
        assert!(deliveries.try_recv().is_err());
        Self { publisher, fedmsg, deliveries }
    }

    fn send(&self, frames: &[&[u8]]) {
        self.publisher.send_multipart(frames, 0).unwrap();
    }

    fn publish(&self, topic: &str, id: &str) {
        let topic = format!("{PREFIX}.{topic}");
        let envelope = format!(r#"{{"topic": "{topic}", "msg": {{}}, "msg_id": "{id}"}}"#);
        self.send(&[topic.as_bytes(), envelope.as_bytes()]);
    }

    async fn next(&mut self) -> String {
        self.deliveries.recv().await.unwrap().message.id
    }
}

#[tokio::test]
async fn a_published_message_is_delivered_and_nonsense_stops_nothing() {
    let mut bus = Bus::start(&[]).await;
    let topic = format!("{PREFIX}.x.y");
    let topic = topic.as_bytes();
    bus.publish("x.y", "first");
    bus.send(&[topic]);
    bus.send(&[topic, b"{", b"three"]);
    bus.send(&vec![topic; 1000]);
    bus.send(&[topic, b"{"]);
    bus.send(&[b"\xff\xfe", b"\xff\xfe"]);
    bus.send(&[topic, &vec![b' '; MAX_LINE_BYTES + 1]]);
    bus.send(&[
        topic,
        br#"{"topic": "org.fedoraproject.prod.x.y", "msg": {}, "msg_id": "forged"}"#,
    ]);
    bus.publish("x.y", "last");
    let first = bus.deliveries.recv().await.unwrap();
    assert_eq!((first.message.id.as_str(), first.source), ("first", FEDMSG));
    assert_eq!(bus.next().await, "last");
}

#[tokio::test]
async fn topics_are_subscribed_to_by_prefix() {
    let mut bus =
        Bus::start(&["org.fedoraproject.dev.git.*", "org.fedoraproject.dev.bodhi.#"]).await;
    bus.publish("fas.user.create", "other");
    bus.publish("git.receive", "one");
    bus.publish("bodhi.update.comment", "two");
    assert_eq!(bus.next().await, "one");
    assert_eq!(bus.next().await, "two");
}

#[tokio::test]
async fn a_publisher_that_comes_back_is_heard_again() {
    let mut bus = Bus::start(&[]).await;
    let endpoint = bus.publisher.get_last_endpoint().unwrap().unwrap();
    bus.publish("x.y", "before");
    assert_eq!(bus.next().await, "before");
    let context = zmq::Context::new();
    bus.publisher = context.socket(zmq::XPUB).unwrap();
    // The old socket lets go of its port in a thread of its own.
    while bus.publisher.bind(&endpoint).is_err() {
        tokio::task::yield_now().await;
    }
    bus.publisher = subscribed(bus.publisher, 1).await;
    bus.publish("x.y", "after");
    assert_eq!(bus.next().await, "after");
}

#[tokio::test]
async fn it_stops_while_it_waits_for_messages_and_while_it_waits_for_room() {
    let mut bus = Bus::start(&[]).await;
    bus.fedmsg.stop().await;
    assert!(bus.deliveries.recv().await.is_none());

    let mut bus = Bus::start(&[]).await;
    let room = bus.deliveries.max_capacity();
    for n in 0..=room {
        bus.publish("x.y", &n.to_string());
        // As fast as it is taken, so that ZeroMQ has nothing to drop; the last one finds no room.
        while bus.deliveries.len() < (n + 1).min(room) {
            tokio::task::yield_now().await;
        }
    }
    bus.fedmsg.stop().await;
    let mut taken = 0;
    while bus.deliveries.recv().await.is_some() {
        taken += 1;
    }
    assert_eq!(taken, room);
}

#[test]
fn a_flood_is_kept_as_far_as_there_is_room_and_then_a_gap_that_is_caught_up_with() {
    let (sender, mut deliveries) = bus::channel();
    let gap = Gap::default();
    gap.close(gap.opening());
    let mut backlog = Backlog::new(sender, gap.clone(), 10);
    let room = deliveries.max_capacity() + 10;
    let mut deliver = |n: usize| {
        let line = format!(r#"{{"topic": "{PREFIX}.x.y", "msg": {{}}, "msg_id": "{n}"}}"#);
        let message = crate::message::parse_line(line.as_bytes()).unwrap();
        assert!(backlog.deliver(Delivery::new(message, FEDMSG)).is_ok());
        !gap.is_open()
    };
    assert!((0..room).all(&mut deliver), "all found room");
    assert!(!deliver(room) && !deliver(room + 1), "two did not, and the gap is open");
    assert!(backlog.hand_on().is_ok() && !backlog.is_empty(), "nobody has taken any");
    let mut taken = Vec::new();
    while let Ok(delivery) = deliveries.try_recv() {
        taken.push(delivery.message.id);
        assert!(backlog.hand_on().is_ok());
    }
    let wanted: Vec<String> = (0..room).map(|n| n.to_string()).collect();
    assert_eq!(taken, wanted, "each once, in their order");
    let caught_up_with = futures_util::FutureExt::now_or_never(gap.reconnected());
    assert_eq!((caught_up_with, backlog.is_empty(), gap.is_open()), (Some(()), true, true));
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_named() {
    let said = |settings: config::Fedmsg| {
        let (sender, _deliveries) = bus::channel();
        Fedmsg::start(&settings, None, sender, Gap::default()).err().unwrap().to_string()
    };
    assert_eq!(
        said(settings("hub.example.org:9940", &[])),
        "`[bus.fedmsg] endpoints` has `hub.example.org:9940` (Invalid argument): write `tcp://host:port`"
    );
}
