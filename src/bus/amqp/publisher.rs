//! Messages of our own onto the bus, as fedora-messaging would send them.

use super::{
    backoff::Backoff,
    connection::connect,
    properties,
    trouble::{self, Doing},
};
use crate::config;
use crate::message::Message;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// As fedora-messaging's `publish`.
const PATIENCE: Duration = Duration::from_secs(30);
const INFO: u8 = 20;
const PERSISTENT: u8 = 2;

/// One connection, made when it is first needed and again when it is lost. Its clones share it.
#[derive(Clone)]
pub struct Publisher {
    settings: Arc<config::Amqp>,
    open: Arc<Mutex<Option<Open>>>,
}

/// The connection ends with its last channel, so both are kept.
struct Open {
    _connection: Connection,
    channel: Channel,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("`{topic}` could not be published within {PATIENCE:?}: {why}")]
    TimedOut { topic: String, why: String },
    #[error("the broker did not take `{0}`: is a disk or a queue of its full?")]
    Refused(String),
    #[error("the user may not publish on the exchange `{exchange}`: {why}")]
    Forbidden { exchange: String, why: String },
    #[error("the topic `{0}` is longer than 255 bytes with its prefix")]
    LongTopic(String),
    #[error("the body of `{0}` is no JSON object: Fedora Messaging takes nothing else")]
    NoObject(String),
}

impl Publisher {
    pub fn new(settings: &config::Amqp) -> Self {
        Self { settings: Arc::new(settings.clone()), open: Arc::default() }
    }

    /// Returns when the broker has the message; waits for a connection. When one is lost in between the message is
    /// sent again under the same id, so that it may arrive twice.
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        let topic = message.topic.to_string();
        let sending = Sending::of(message, &self.settings)?;
        let mut why = "the broker did not answer".to_string();
        match tokio::time::timeout(PATIENCE, self.try_on_and_on(&sending, &mut why)).await {
            Ok(published) => published,
            Err(_) => Err(PublishError::TimedOut { topic, why }),
        }
    }

    async fn try_on_and_on(&self, sending: &Sending, why: &mut String) -> Result<(), PublishError> {
        let mut backoff = Backoff::new(self.settings.reconnect);
        loop {
            match self.try_once(sending).await {
                Ok(Confirmation::Nack(_)) => {
                    return Err(PublishError::Refused(sending.topic.to_string()));
                }
                Ok(_) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(said)) => *why = said,
            }
            tokio::time::sleep(backoff.wait()).await;
        }
    }

    async fn try_once(&self, sending: &Sending) -> Result<Confirmation, Failure> {
        let channel = self.channel().await?;
        let exchange = &self.settings.publish_exchange;
        let sent = channel.basic_publish(
            ShortString::try_new(exchange.as_str()).unwrap_or_default(),
            sending.topic.clone(),
            BasicPublishOptions::default(),
            &sending.body,
            sending.properties.clone(),
        );
        let confirmed = match sent.await {
            Ok(confirm) => confirm.await,
            Err(error) => Err(error),
        };
        confirmed.map_err(|error| {
            let is_forbidden = trouble::code(&error) == Some(403);
            let doing = Doing::Publishing { exchange: exchange.clone() };
            let why = doing.failed()(error).to_string();
            if is_forbidden {
                let exchange = exchange.clone();
                return Failure::Final(PublishError::Forbidden { exchange, why });
            }
            Failure::Passing(why)
        })
    }

    /// The one that is open, or a new one. Whoever comes meanwhile waits for it too.
    async fn channel(&self) -> Result<Channel, Failure> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.channel.status().connected()) {
            return Ok(open.channel.clone());
        }
        *open = None;
        let passing = |error: &dyn std::fmt::Display| Failure::Passing(error.to_string());
        let connection = connect(&self.settings).await.map_err(|why| passing(&why))?;
        let channel = connection.create_channel().await.map_err(|why| passing(&why))?;
        let confirms = channel.confirm_select(ConfirmSelectOptions::default());
        confirms.await.map_err(|why| passing(&why))?;
        tracing::info!(broker = %self.settings.url, "publishing by the broker at {}", self.settings.url);
        *open = Some(Open { _connection: connection, channel: channel.clone() });
        Ok(channel)
    }
}

enum Failure {
    Passing(String),
    Final(PublishError),
}

/// A message as it goes over the wire.
struct Sending {
    topic: ShortString,
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Sending {
    fn of(message: &Message, settings: &config::Amqp) -> Result<Self, PublishError> {
        let topic = message.topic.as_str();
        if !message.body.is_object() {
            return Err(PublishError::NoObject(topic.into()));
        }
        let topic = prefixed(&settings.topic_prefix, topic);
        let too_long = || PublishError::LongTopic(topic.clone());
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(properties::to_table(&headers(message, settings.publish_priority)));
        if let Ok(id) = ShortString::try_new(message.id.as_str()) {
            properties = properties.with_message_id(id);
        }
        if let Some(priority) = settings.publish_priority {
            properties = properties.with_priority(priority);
        }
        Ok(Self {
            topic: ShortString::try_new(topic.as_str()).map_err(|_| too_long())?,
            properties,
            body: message.body.to_string().into_bytes(),
        })
    }
}

/// A topic that has the prefix already, as those have that came from a bus, gets no second one.
fn prefixed(prefix: &str, topic: &str) -> String {
    let has_it = topic.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    if prefix.is_empty() || has_it { topic.into() } else { format!("{prefix}.{topic}") }
}

/// What the message has itself stands; the others are what a message without a schema has.
fn headers(message: &Message, priority: Option<u8>) -> Map<String, Value> {
    let mut headers = (*message.headers).clone();
    let seconds =
        jiff::Timestamp::from_second(message.sent_at.as_second()).unwrap_or(message.sent_at);
    let mut default = |key: String, value: Value| {
        headers.entry(key).or_insert(value);
    };
    default("fedora_messaging_schema".into(), "base.message".into());
    default("fedora_messaging_severity".into(), INFO.into());
    default("sent-at".into(), seconds.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string().into());
    for name in &message.description.usernames {
        default(format!("fedora_messaging_user_{name}"), true.into());
    }
    for name in &message.description.packages {
        default(format!("fedora_messaging_rpm_{name}"), true.into());
    }
    headers.insert("priority".into(), json!(priority.unwrap_or(0)));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_gets_its_prefix_once() {
        assert_eq!(prefixed("", "hubs.hub.updated"), "hubs.hub.updated");
        let prefix = "org.fedoraproject.prod";
        let whole = "org.fedoraproject.prod.hubs.hub.updated";
        assert_eq!(prefixed(prefix, "hubs.hub.updated"), whole);
        assert_eq!(prefixed(prefix, whole), whole);
    }
}
