//! fedmsg over ZeroMQ: one thread that waits on a SUB socket per endpoint.
//!
//! ZeroMQ's sockets are synchronous, so they have a thread to themselves. It reconnects by itself, for ever. A publisher
//! never waits for us and nothing tells us what was dropped: what an outage costs is caught up with from history.

use super::{
    Delivery, FEDMSG, Gap,
    skipped::{Skipped, Voice},
};
use crate::{
    config,
    message::{MAX_LINE_BYTES, Message, WireError, parse_frames},
};
use std::{thread, time::Instant};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// Messages that ZeroMQ keeps for an endpoint while we are busy; further ones it drops, unseen and uncounted.
const HIGH_WATER_MARK: i32 = 1000;

/// ZeroMQ hangs up on a sender of more, to protect our memory. What lies between our own limit and this one is
/// received, counted and skipped, and costs no connection.
const HANG_UP_BYTES: usize = 4 * MAX_LINE_BYTES;

/// Messages that one endpoint may have before the others get their turn.
const AT_A_TURN: usize = 64;

/// The subscriber. Dropped, it ends soon; [`Fedmsg::stop`] waits for that.
pub struct Fedmsg {
    stop: CancellationToken,
    wake: zmq::Socket,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("`[bus.fedmsg] endpoints` has `{endpoint}` ({why}): write `tcp://host:port`")]
    Endpoint { endpoint: String, why: zmq::Error },
    #[error(
        "`[bus.fedmsg] validate_signatures` is true, but this version of hubs cannot check them: \
         set it to false to take messages as they come"
    )]
    Signatures,
    #[error("ZeroMQ does not start: {0}")]
    ZeroMq(#[from] zmq::Error),
    #[error("no thread for fedmsg: {0}")]
    Thread(std::io::Error),
}

impl Fedmsg {
    /// Connects to the endpoints and hands on what comes. Must be called within a Tokio runtime. An endpoint that does
    /// not answer is no error: it is tried again until it does.
    pub fn start(
        settings: &config::Fedmsg,
        deliveries: mpsc::Sender<Delivery>,
        gap: Gap,
    ) -> Result<Self, BusError> {
        if settings.validate_signatures == Some(true) {
            return Err(BusError::Signatures);
        }
        tracing::warn!(
            "fedmsg: this version takes messages as they come, without checking their signatures"
        );
        let context = zmq::Context::new();
        let mut endpoints = Vec::new();
        for (n, name) in settings.endpoints.iter().enumerate() {
            endpoints.push(Endpoint::connect(&context, n, name, &settings.topics)?);
        }
        let (wake, woken) = (context.socket(zmq::PAIR)?, context.socket(zmq::PAIR)?);
        woken.bind("inproc://stop")?;
        wake.connect("inproc://stop")?;
        let stop = CancellationToken::new();
        let listener = Listener {
            endpoints,
            woken,
            stop: stop.clone(),
            deliveries,
            gap,
            runtime: Handle::current(),
            skipped: Skipped::new(FEDMSG),
        };
        let thread = thread::Builder::new()
            .name("fedmsg".into())
            .spawn(|| listener.listen())
            .map_err(BusError::Thread)?;
        tracing::info!(endpoints = ?settings.endpoints, "subscribed to fedmsg");
        Ok(Self { stop, wake, thread: Some(thread) })
    }

    /// Takes no more messages. Returns when the last one taken has been handed on.
    pub async fn stop(mut self) {
        let thread = self.thread.take();
        drop(self);
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(|| thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the fedmsg thread ended by a panic");
            }
        }
    }
}

impl Drop for Fedmsg {
    fn drop(&mut self) {
        // Two signals: the thread waits either for room in the channel or for a socket.
        self.stop.cancel();
        let _ = self.wake.send("stop", zmq::DONTWAIT);
    }
}

/// A publisher, and what ZeroMQ says of the connection to it.
struct Endpoint {
    name: String,
    messages: zmq::Socket,
    events: zmq::Socket,
    voice: Voice,
}

impl Endpoint {
    fn connect(
        context: &zmq::Context,
        n: usize,
        name: &str,
        topics: &[String],
    ) -> Result<Self, BusError> {
        let messages = subscriber(context, topics)?;
        let monitor = format!("inproc://events-{n}");
        let watched = zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw()
            | zmq::SocketEvent::DISCONNECTED.to_raw();
        messages.monitor(&monitor, watched.into())?;
        let events = context.socket(zmq::PAIR)?;
        events.connect(&monitor)?;
        messages.connect(name).map_err(|why| BusError::Endpoint { endpoint: name.into(), why })?;
        Ok(Self { name: name.into(), messages, events, voice: Voice::default() })
    }

    /// Tells the log of what happened to the connection, and whoever catches up with what it cost. To the log one that
    /// comes and goes all the time is not told each time.
    fn report(&mut self, gap: &Gap) {
        while let Ok(event) = self.events.recv_multipart(zmq::DONTWAIT) {
            let Some(&[low, high, ..]) = event.first().map(Vec::as_slice) else { continue };
            let event = zmq::SocketEvent::from_raw(u16::from_le_bytes([low, high]));
            let is_connected = event == zmq::SocketEvent::HANDSHAKE_SUCCEEDED;
            if is_connected {
                gap.connected();
            } else {
                gap.open();
            }
            let Some(unsaid) = self.voice.turn(Instant::now()) else { continue };
            let endpoint = &self.name;
            match event {
                zmq::SocketEvent::HANDSHAKE_SUCCEEDED => {
                    tracing::info!(endpoint, unsaid, "connected to fedmsg at {endpoint}");
                }
                _ => {
                    tracing::warn!(endpoint, unsaid, "lost fedmsg at {endpoint}: connecting again");
                }
            }
        }
    }
}

fn subscriber(context: &zmq::Context, topics: &[String]) -> zmq::Result<zmq::Socket> {
    let socket = context.socket(zmq::SUB)?;
    socket.set_rcvhwm(HIGH_WATER_MARK)?;
    socket.set_maxmsgsize(i64::try_from(HANG_UP_BYTES).expect("a few mebibytes fit"))?;
    socket.set_linger(0)?;
    // As fedmsg's own consumers: a dead peer is noticed within a minute and a half, and tried again soon.
    socket.set_tcp_keepalive(1)?;
    socket.set_tcp_keepalive_cnt(3)?;
    socket.set_tcp_keepalive_idle(60)?;
    socket.set_tcp_keepalive_intvl(5)?;
    socket.set_reconnect_ivl(100)?;
    socket.set_reconnect_ivl_max(1000)?;
    socket.set_ipv6(true)?;
    if topics.is_empty() {
        socket.set_subscribe(b"")?;
    }
    for topic in topics {
        socket.set_subscribe(config::Fedmsg::prefix(topic).as_bytes())?;
    }
    Ok(socket)
}

struct Listener {
    endpoints: Vec<Endpoint>,
    woken: zmq::Socket,
    stop: CancellationToken,
    deliveries: mpsc::Sender<Delivery>,
    gap: Gap,
    runtime: Handle,
    skipped: Skipped,
}

impl Listener {
    fn listen(mut self) {
        while !self.stop.is_cancelled() {
            for n in self.readable() {
                self.endpoints[n].report(&self.gap);
                for _ in 0..AT_A_TURN {
                    let Some(frames) = receive(&self.endpoints[n].messages) else { break };
                    if !self.hand_on(&frames) {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until an endpoint has something, and says which; also returns, with nothing, when it is time to stop.
    fn readable(&self) -> Vec<usize> {
        let sockets = self.endpoints.iter().flat_map(|e| [&e.messages, &e.events]);
        let mut waiting: Vec<zmq::PollItem<'_>> =
            sockets.chain([&self.woken]).map(|s| s.as_poll_item(zmq::POLLIN)).collect();
        match zmq::poll(&mut waiting, -1) {
            Ok(_) => {
                let pairs = waiting.chunks_exact(2).enumerate();
                let readable =
                    pairs.filter(|(_, pair)| pair.iter().any(zmq::PollItem::is_readable));
                readable.map(|(n, _)| n).collect()
            }
            Err(zmq::Error::EINTR) => Vec::new(),
            Err(why) => {
                tracing::error!("fedmsg can't wait for its sockets and stops: {why}");
                self.stop.cancel();
                Vec::new()
            }
        }
    }

    /// False when nobody takes messages any more.
    fn hand_on(&mut self, frames: &Frames) -> bool {
        match frames.message() {
            Ok(message) => self.deliver(Delivery::new(message, FEDMSG)),
            Err(why) => {
                let topic = String::from_utf8_lossy(&frames.kept[0]);
                self.skipped.add(&topic, &why, Instant::now());
                true
            }
        }
    }

    /// Waits for room: the messages that come meanwhile are ZeroMQ's to keep.
    fn deliver(&self, delivery: Delivery) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                sent = self.deliveries.send(delivery) => sent.is_ok(),
                () = self.stop.cancelled() => false,
            }
        })
    }
}

/// The frames of one message: two of them kept, all of them counted, so that a sender of thousands costs nothing.
struct Frames {
    kept: Vec<Vec<u8>>,
    count: usize,
}

impl Frames {
    fn message(&self) -> Result<Message, WireError> {
        if self.count > self.kept.len() {
            return Err(WireError::Frames(self.count));
        }
        parse_frames(&self.kept)
    }
}

/// The next message of a socket, if there is one. ZeroMQ hands out a message's frames together or not at all.
fn receive(socket: &zmq::Socket) -> Option<Frames> {
    let first = socket.recv_bytes(zmq::DONTWAIT).ok()?;
    let mut frames = Frames { kept: vec![first], count: 1 };
    while socket.get_rcvmore().ok()? {
        let frame = socket.recv_msg(0).ok()?;
        frames.count += 1;
        if frames.kept.len() < 2 {
            frames.kept.push(frame.to_vec());
        }
    }
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus;

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
                Fedmsg::start(&settings(&endpoint, topics), sender, Gap::default()).unwrap();
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
        tracing::warn!(
            "fedmsg: this version takes messages as they come, without checking their signatures"
        );
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

    #[tokio::test]
    async fn what_cannot_be_subscribed_to_is_named() {
        let said = |settings: config::Fedmsg| {
            let (sender, _deliveries) = bus::channel();
            Fedmsg::start(&settings, sender, Gap::default()).err().unwrap().to_string()
        };
        assert_eq!(
            said(settings("hub.example.org:9940", &[])),
            "`[bus.fedmsg] endpoints` has `hub.example.org:9940` (Invalid argument): write `tcp://host:port`"
        );
        let signed = settings("tcp://127.0.0.1:9940", &[]);
        let signed = config::Fedmsg { validate_signatures: Some(true), ..signed };
        assert!(said(signed).contains("set it to false"));
    }
}
