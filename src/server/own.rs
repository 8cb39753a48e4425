//! What hubs tells of itself: `hubs.hub.created` and the like, as messages.
//!
//! This server takes them at once, as if a bus had brought them; and they go out on the buses on which hubs.toml lets
//! hubs publish. From there they come back, are known, and are left alone. A bus that can't take one holds nobody up.

use crate::bus::{Delivery, FedmsgPublisher, Publisher, Source};
use crate::config;
use crate::message::{Message, Topic};
use crate::telemetry;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Messages that wait for a broker; further ones are not published, counted and logged.
const WAITING: usize = 256;

pub(super) struct Own {
    sender: mpsc::Sender<Delivery>,
    outgoing: Vec<mpsc::Sender<Message>>,
    environment: String,
    clock: fn() -> Timestamp,
}

impl Own {
    /// `sender` is the way into this server.
    pub(super) fn new(
        settings: &config::Settings,
        sender: mpsc::Sender<Delivery>,
        clock: fn() -> Timestamp,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut outgoing = Vec::new();
        if let Some(amqp) = settings.bus.amqp.as_ref().filter(|amqp| amqp.publish) {
            let (to_amqp, messages) = mpsc::channel(WAITING);
            tasks.spawn(publish_by_amqp(Publisher::new(amqp), messages, stop.clone()));
            outgoing.push(to_amqp);
        }
        if let Some(fedmsg) = &settings.bus.fedmsg
            && let Some(publish) = &fedmsg.publish
        {
            let (to_fedmsg, messages) = mpsc::channel(WAITING);
            let publisher = FedmsgPublisher::start(publish, &fedmsg.connection)?;
            tasks.spawn(publish_by_fedmsg(publisher, messages, stop.clone()));
            outgoing.push(to_fedmsg);
        }
        let environment = settings.server.environment.clone();
        Ok(Self { sender, outgoing, environment, clock })
    }

    /// Tells `hubs.<what>`. Returns once what it invalidates is on disk, or the server stops.
    pub(super) async fn tell(&self, what: &str, body: Value) {
        let topic = Topic::new(&format!("org.fedoraproject.{}.hubs.{what}", self.environment));
        let message = Message::own(topic, body, (self.clock)());
        for bus in &self.outgoing {
            if bus.try_send(message.clone()).is_err() {
                unpublished(&message, &"too many messages wait for the bus already");
            }
        }
        let (delivery, done) = Delivery::acknowledged(message, Source("hubs"));
        // If either fails the server stops: then nobody is there to be told.
        if self.sender.send(delivery).await.is_ok() {
            let _ = done.await;
        }
    }
}

async fn publish_by_amqp(
    publisher: Publisher,
    mut messages: mpsc::Receiver<Message>,
    stop: CancellationToken,
) {
    while let Some(message) = next(&mut messages, &stop).await {
        if let Err(error) = publisher.publish(&message).await {
            unpublished(&message, &error);
        }
    }
}

async fn publish_by_fedmsg(
    publisher: FedmsgPublisher,
    mut messages: mpsc::Receiver<Message>,
    stop: CancellationToken,
) {
    while let Some(message) = next(&mut messages, &stop).await {
        if let Err(error) = publisher.publish(&message) {
            unpublished(&message, &error);
        }
    }
    publisher.stop().await;
}

async fn next(messages: &mut mpsc::Receiver<Message>, stop: &CancellationToken) -> Option<Message> {
    tokio::select! {
        message = messages.recv() => message,
        () = stop.cancelled() => None,
    }
}

fn unpublished(message: &Message, why: &dyn std::fmt::Display) {
    metrics::counter!(telemetry::UNPUBLISHED).increment(1);
    tracing::warn!(id = message.id, topic = %message.topic, %why, "a message of our own could not be published");
}
