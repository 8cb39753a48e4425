//! Messages that find no room: kept for a while, and counted when there are too many.
//!
//! ZeroMQ would drop them without a word, so its sockets are always read, and what is too much is dropped here: then it is
//! known that something is missing, and whoever closes gaps asks an archive for it.

use crate::bus::{Delivery, FEDMSG, Gap};
use crate::telemetry;
use metrics::counter;
use std::collections::VecDeque;
use tokio::sync::mpsc::{self, error::TrySendError};

pub(super) struct Backlog {
    deliveries: mpsc::Sender<Delivery>,
    gap: Gap,
    waiting: VecDeque<Delivery>,
    /// So many may wait.
    room: usize,
    /// Since there was room last.
    dropped: u64,
}

/// Nobody takes messages any more.
pub(super) struct Closed;

impl Backlog {
    pub(super) fn new(deliveries: mpsc::Sender<Delivery>, gap: Gap, room: usize) -> Self {
        Self { deliveries, gap, waiting: VecDeque::new(), room, dropped: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// In the order in which they came; the newest is what is too much.
    pub(super) fn deliver(&mut self, delivery: Delivery) -> Result<(), Closed> {
        self.hand_on()?;
        if self.waiting.len() < self.room {
            self.waiting.push_back(delivery);
            return self.hand_on();
        }
        counter!(telemetry::MESSAGES_SKIPPED, "source" => FEDMSG.0, "reason" => "overload")
            .increment(1);
        if self.dropped == 0 {
            // How far the bus was read is not noted from here on.
            self.gap.open();
            tracing::warn!(
                waiting = self.room,
                "more comes from fedmsg than can be taken in: what exceeds [bus.fedmsg] high_water_mark is left out, and caught up with later"
            );
        }
        self.dropped += 1;
        Ok(())
    }

    /// As many as there is room for.
    pub(super) fn hand_on(&mut self) -> Result<(), Closed> {
        while let Some(next) = self.waiting.pop_front() {
            match self.deliveries.try_send(next) {
                Ok(()) => {}
                Err(TrySendError::Full(next)) => {
                    self.waiting.push_front(next);
                    return Ok(());
                }
                Err(TrySendError::Closed(_)) => return Err(Closed),
            }
        }
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            tracing::warn!(
                dropped,
                "messages of fedmsg were left out; they are caught up with now"
            );
            self.gap.connected();
        }
        Ok(())
    }
}
