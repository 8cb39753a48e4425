//! What hubs tells of itself: `hubs.hub.created` and the like, as messages.
//!
//! This server takes them at once, as if a bus had brought them; and they go out on the buses on which hubs.toml lets
//! hubs publish. From there they come back, are known, and are left alone. A bus that can't take one holds nobody up.

use crate::bus::{Delivery, FedmsgPublisher, Publisher, Source};
use crate::config;
use crate::hub::Hub;
use crate::message::{Message, Topic};
use crate::telemetry;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Messages that wait for a broker; further ones are not published, counted and logged.
const WAITING: usize = 256;

pub(super) struct Own {
    sender: mpsc::Sender<Delivery>,
    outgoing: Vec<mpsc::Sender<Message>>,
    environment: String,
    /// Where hubs are for readers, if hubs.toml says.
    public_url: Option<String>,
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
        let public_url = settings.server.public_url.as_ref().map(ToString::to_string);
        Ok(Self { sender, outgoing, environment, public_url, clock })
    }

    pub(super) async fn hub_created(&self, hub: &Hub) {
        let mut body = json!({ "hub_id": hub.name, "hub_name": hub.name, "hub_type": hub.kind });
        if let Some(url) = &self.public_url {
            body["hub_url"] = format!("{}/{}", url.trim_end_matches('/'), hub.name).into();
        }
        self.tell("hub.created", body).await;
    }

    async fn tell(&self, what: &str, body: Value) {
        let topic = Topic::new(&format!("org.fedoraproject.{}.hubs.{what}", self.environment));
        let message = Message::own(topic, body, (self.clock)());
        for bus in &self.outgoing {
            if bus.try_send(message.clone()).is_err() {
                unpublished(&message, &"too many messages wait for the bus already");
            }
        }
        // The server stops: then nobody is there to be told.
        let _ = self.sender.send(Delivery::new(message, Source("hubs"))).await;
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
