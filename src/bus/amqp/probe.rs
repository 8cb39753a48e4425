//! Whether a broker lets us in, and whether the queues are there: asked once, and nothing is made or read.

use super::connection::connect;
use super::trouble::{Doing, Trouble, code};
use crate::config;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};

/// Why the broker is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BrokerError(Box<Trouble>);

/// A queue that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSeen {
    pub name: String,
    pub state: QueueState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    There {
        messages: u32,
        consumers: u32,
    },
    /// It is made when it is first read.
    NotYet,
    /// Another connection has it for itself: most likely a hubs that runs.
    Held,
}

impl super::Amqp {
    /// Logs in and looks at the queues that have a name.
    pub async fn probe(settings: &config::Amqp) -> Result<Vec<QueueSeen>, BrokerError> {
        probe(settings).await.map_err(|trouble| BrokerError(Box::new(trouble)))
    }
}

async fn probe(settings: &config::Amqp) -> Result<Vec<QueueSeen>, Trouble> {
    let connection = connect(settings).await?;
    let mut seen = Vec::new();
    for queue in settings.queues.iter().filter(|queue| !queue.name.is_empty()) {
        let doing = || Doing::Declaring { queue: queue.name.clone(), is_passive: true };
        // A refusal ends the channel.
        let channel = connection.create_channel().await.map_err(doing().failed())?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = ShortString::try_new(queue.name.as_str()).unwrap_or_default();
        let state = match channel.queue_declare(name, options, FieldTable::default()).await {
            Ok(found) => QueueState::There {
                messages: found.message_count(),
                consumers: found.consumer_count(),
            },
            Err(error) => match code(&error) {
                Some(404) if !settings.passive_declares => QueueState::NotYet,
                Some(405) => QueueState::Held,
                _ => return Err(doing().failed()(error)),
            },
        };
        seen.push(QueueSeen { name: queue.name.clone(), state });
    }
    // Whatever it has to say now changes nothing.
    let _ = connection.close(200, "OK".into()).await;
    Ok(seen)
}
