//! One open stream: a cursor into the ring of its hub.

use super::Shared;
use super::frame::{Announcement, EventId, HEARTBEAT, OPENING};
use super::ring::{After, Pulse, Ring};
use crate::telemetry;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::watch;

/// What a stream does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Write these bytes: an event, the same bytes for every listener, or what keeps the stream alive.
    Frame(Bytes),
    /// What the client missed is no longer known: send a fresh copy of each widget (`Listener::encode`), then go on.
    Moved,
    /// The server shuts down. Nothing follows.
    Closed,
}

/// Counts as a viewer of its hub until dropped.
pub struct Listener {
    shared: Arc<Shared>,
    ring: Arc<Ring>,
    pulse: watch::Receiver<Pulse>,
    cursor: u64,
    beat: u32,
    opened: bool,
    moved: bool,
}

impl Listener {
    pub(super) fn new(shared: Arc<Shared>, ring: Arc<Ring>, since: Option<&str>) -> Self {
        metrics::gauge!(telemetry::SSE_CLIENTS).increment(1.0);
        let pulse = ring.subscribe();
        let Pulse { sequence: newest, beat, .. } = *pulse.borrow();
        let since = match since.map(str::parse::<EventId>) {
            None => Some(newest),
            // A number that was not handed out yet is a made-up one.
            Some(Ok(id)) if id.epoch == shared.epoch && id.sequence <= newest => Some(id.sequence),
            Some(_) => None,
        };
        let cursor = since.unwrap_or(newest);
        Self { shared, ring, pulse, cursor, beat, opened: false, moved: since.is_none() }
    }

    /// The oldest event that this client has not seen, asked for only when it can be written: what was replaced by
    /// then is never sent. Safe to cancel.
    pub async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.ready() {
                return heard;
            }
            if self.pulse.changed().await.is_err() {
                return Heard::Closed;
            }
        }
    }

    /// An event for this client alone, with an id from which it can resume: a fresh copy after `Heard::Moved`.
    pub fn encode(&self, announcement: &Announcement) -> Bytes {
        announcement.encode(EventId { epoch: self.shared.epoch, sequence: self.cursor })
    }

    fn ready(&mut self) -> Option<Heard> {
        let pulse = *self.pulse.borrow_and_update();
        if pulse.closed {
            return Some(Heard::Closed);
        }
        if !self.opened {
            self.opened = true;
            return Some(Heard::Frame(Bytes::from_static(OPENING)));
        }
        if std::mem::take(&mut self.moved) {
            return Some(self.jump(pulse));
        }
        if pulse.sequence > self.cursor {
            match self.ring.after(self.cursor) {
                After::Event(sequence, frame) => {
                    self.cursor = sequence;
                    self.beat = pulse.beat;
                    return Some(Heard::Frame(frame));
                }
                After::Moved => return Some(self.jump(pulse)),
                After::Nothing => {}
            }
        }
        if pulse.beat != self.beat {
            self.beat = pulse.beat;
            return Some(Heard::Frame(Bytes::from_static(HEARTBEAT)));
        }
        None
    }

    /// To the newest event: the copies that are fetched from now on hold all before it.
    fn jump(&mut self, pulse: Pulse) -> Heard {
        self.cursor = self.cursor.max(pulse.sequence);
        Heard::Moved
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.rings.write().leave(&self.ring);
        metrics::gauge!(telemetry::SSE_CLIENTS).decrement(1.0);
    }
}
