//! One open stream: a cursor into the ring of its hub.

use super::Shared;
use super::frame::{Announcement, EventId, HEARTBEAT, caught_up, opening};
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
    /// What the client missed is no longer known: send a fresh copy of each widget (`Listener::copy`), then go on.
    Moved,
    /// Who may listen is another question than before: ask it again before anything else is written.
    Recheck,
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
    rights: u32,
    stage: Stage,
}

/// How far a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is written yet; whether the client is behind.
    Opening {
        behind: bool,
    },
    /// It is to be told that it is behind.
    Behind,
    /// It was told, and gets its copies.
    Copying,
    Following,
}

impl Listener {
    pub(super) fn new(shared: Arc<Shared>, ring: Arc<Ring>, since: Option<&str>) -> Self {
        metrics::gauge!(telemetry::SSE_CLIENTS).increment(1.0);
        let pulse = ring.subscribe();
        let Pulse { sequence: newest, beat, rights, .. } = *pulse.borrow();
        let since = match since.map(str::parse::<EventId>) {
            None => Some(newest),
            // A number that was not handed out yet is a made-up one.
            Some(Ok(id)) if id.epoch == shared.epoch && id.sequence <= newest => Some(id.sequence),
            Some(_) => None,
        };
        let stage = Stage::Opening { behind: since.is_none() };
        Self { shared, ring, pulse, cursor: since.unwrap_or(newest), beat, rights, stage }
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

    /// An event for this client alone, after `Heard::Moved`. Its id is one that no ring reaches back to: a client that
    /// is lost between two copies gets all of them again. The next frame then says how far the copies have brought it.
    pub fn copy(&self, announcement: &Announcement) -> Bytes {
        announcement.encode(format_args!("{:x}-moved", self.shared.epoch))
    }

    fn id(&self) -> EventId {
        EventId { epoch: self.shared.epoch, sequence: self.cursor }
    }

    fn ready(&mut self) -> Option<Heard> {
        let pulse = *self.pulse.borrow_and_update();
        if pulse.closed {
            return Some(Heard::Closed);
        }
        if pulse.rights != self.rights {
            self.rights = pulse.rights;
            return Some(Heard::Recheck);
        }
        match self.stage {
            Stage::Opening { behind } => {
                self.stage = if behind { Stage::Behind } else { Stage::Following };
                return Some(Heard::Frame(opening((!behind).then(|| self.id()))));
            }
            Stage::Behind => return Some(self.jump(pulse)),
            Stage::Copying => {
                self.stage = Stage::Following;
                return Some(Heard::Frame(caught_up(self.id())));
            }
            Stage::Following => {}
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
        self.stage = Stage::Copying;
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
