//! Fedora Messaging over AMQP: a connection for each queue, kept up for ever.
//!
//! A message is acknowledged only when its invalidations are on disk; until then the broker keeps it, and sends it again
//! to whoever comes back. Knows no message's meaning, and nothing of what comes after the channel.

mod backoff;
mod connection;
mod guard;
mod probe;
mod properties;
mod publisher;
mod reader;
mod stream;
mod tls;
mod trouble;
mod unacknowledged;

pub use probe::{BrokerError, QueueSeen, QueueState};
pub use publisher::{PublishError, Publisher};
pub use tls::TlsError;

use super::{Delivery, Source, skipped::Skipped};
use crate::config;
use reader::Reader;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const SOURCE: Source = Source("amqp");

/// What a stop may take where a broker does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The readers of all queues.
pub struct Amqp {
    stop: CancellationToken,
    readers: TaskTracker,
}

impl Amqp {
    /// Begins to read and hands on what comes. Must be called within a Tokio runtime. A broker that does not answer is
    /// no error: it is tried again until it does. Files of `[bus.amqp.tls]` that can't be used are one.
    pub fn start(
        settings: &config::Amqp,
        deliveries: &mpsc::Sender<Delivery>,
    ) -> Result<Self, TlsError> {
        if settings.url.tls {
            tls::client(&settings.tls)?;
        }
        let (stop, readers) = (CancellationToken::new(), TaskTracker::new());
        let shared = Arc::new(settings.clone());
        for queue in &settings.queues {
            let reader = Reader {
                settings: shared.clone(),
                queue: queue.clone(),
                deliveries: deliveries.clone(),
                stop: stop.clone(),
                skipped: Skipped::new(SOURCE),
            };
            readers.spawn(reader.read());
        }
        readers.close();
        Ok(Self { stop, readers })
    }

    /// Takes no more messages, and waits a moment for those that are under way to be on disk and acknowledged. What is
    /// not done then is sent again.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(PATIENCE, self.readers.wait()).await.is_err() {
            tracing::warn!(
                "the AMQP broker does not take what it is told: its connection is cut off"
            );
        }
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
