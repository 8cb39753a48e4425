//! Where messages come in: fedmsg over ZeroMQ, Fedora Messaging over AMQP, bodies and recordings of one message a line.
//!
//! Each becomes a [`Delivery`] in one bounded channel, whatever it came by. What is no message is counted, logged
//! and skipped; it stops nothing. Knows nothing of what a message invalidates.

mod amqp;
mod fedmsg;
mod gap;
mod ndjson;
mod recording;
mod skipped;

pub use amqp::{Amqp, BrokerError, PublishError, Publisher, QueueSeen, QueueState, TlsError};
pub use fedmsg::{
    BusError, Fedmsg, FedmsgPublishError, FedmsgPublisher, Fetch, ReachError, Refused, Signatures,
    TrustError,
};
pub use gap::Gap;
pub use ndjson::{Line, Lines};
pub use recording::{Recording, RecordingError};

use crate::{message::Message, telemetry};
use metrics::counter;
use tokio::sync::{mpsc, oneshot};

/// So many deliveries wait for triage. When it is full, sources wait: HTTP answers later, a recording is read more
/// slowly, an AMQP broker keeps what it has. Of fedmsg as many more wait as `high_water_mark` says; what exceeds that is
/// counted, left out, and caught up with.
const WAITING: usize = 1024;

/// A message on its way to triage.
#[derive(Debug)]
pub struct Delivery {
    pub message: Message,
    pub source: Source,
    /// Told when the message's invalidations are on disk: only then may its source call it done.
    pub done: Option<oneshot::Sender<()>>,
    /// Whether it is left alone when it was taken before. Buses give some messages twice; who posts a recording once
    /// more wants it taken once more.
    pub once: bool,
}

impl Delivery {
    /// Of a source that waits for nothing.
    pub fn new(message: Message, source: Source) -> Self {
        counter!(telemetry::MESSAGES, "source" => source.0).increment(1);
        Self { message, source, done: None, once: true }
    }

    /// And what to wait for before its source may forget the message.
    pub fn acknowledged(message: Message, source: Source) -> (Self, oneshot::Receiver<()>) {
        let (done, when_done) = oneshot::channel();
        (Self { done: Some(done), ..Self::new(message, source) }, when_done)
    }

    /// Taken although it was taken before.
    #[must_use]
    pub fn again(self) -> Self {
        Self { once: false, ..self }
    }
}

/// What a message came by, as counters and logs name it: `fedmsg`, `amqp`, `http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(pub &'static str);

pub const FEDMSG: Source = Source("fedmsg");

pub fn channel() -> (mpsc::Sender<Delivery>, mpsc::Receiver<Delivery>) {
    mpsc::channel(WAITING)
}
