//! The newest event of each widget of one hub, in the order in which they were sent.

use super::frame::{Announcement, EventId, Kind};
use crate::hub::HubName;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// When full, the oldest event goes: who had not seen it is told to fetch afresh.
const MAX_EVENTS: usize = 1024;
const MAX_BYTES: usize = 1024 * 1024;
/// While nobody listens: enough for the reload of an ordinary page.
const MAX_IDLE_BYTES: usize = 64 * 1024;

pub(super) struct Ring {
    pub(super) hub: HubName,
    /// In which second of the heartbeat's turn it is this hub's.
    pub(super) turn: usize,
    held: Mutex<Held>,
    pulse: watch::Sender<Pulse>,
    viewers: AtomicUsize,
}

/// What wakes listeners.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    /// Of the newest event.
    pub(super) sequence: u64,
    pub(super) beat: u32,
    /// Goes on when who may listen is another question than before.
    pub(super) rights: u32,
    pub(super) closed: bool,
}

struct Held {
    /// Not sent yet. Two a widget at most, so it grows no longer than the page.
    collected: Vec<Announcement>,
    events: VecDeque<Event>,
    bytes: usize,
    /// All that was sent after this is in `events`, or replaced by something newer that is.
    floor: u64,
}

struct Event {
    sequence: u64,
    kind: Kind,
    frame: Bytes,
}

/// What follows a cursor.
pub(super) enum After {
    Event(u64, Bytes),
    Nothing,
    /// The ring no longer reaches back so far.
    Moved,
}

impl Ring {
    /// Empty, for events after `floor`.
    pub(super) fn new(hub: HubName, turn: usize, floor: u64, closed: bool) -> Self {
        let held = Held { collected: Vec::new(), events: VecDeque::new(), bytes: 0, floor };
        let pulse = watch::Sender::new(Pulse { sequence: floor, beat: 0, rights: 0, closed });
        Self { hub, turn, held: Mutex::new(held), pulse, viewers: AtomicUsize::new(0) }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Pulse> {
        self.pulse.subscribe()
    }

    /// The sequence of the newest event.
    pub(super) fn newest(&self) -> u64 {
        self.pulse.borrow().sequence
    }

    pub(super) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self) {
        self.viewers.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether that was the last viewer.
    pub(super) fn leave(&self) -> bool {
        let last = self.viewers.fetch_sub(1, Ordering::Relaxed) == 1;
        if last {
            self.held.lock().trim(MAX_IDLE_BYTES);
        }
        last
    }

    /// Keeps an announcement for the next `publish`; `true` when it is the first one, so that somebody must see to that.
    pub(super) fn collect(&self, announcement: Announcement) -> bool {
        let collected = &mut self.held.lock().collected;
        let first = collected.is_empty();
        collected.retain(|older| !announcement.kind.replaces(older.kind));
        collected.push(announcement);
        first
    }

    /// Encodes what was collected and wakes the listeners; says how many events that were.
    pub(super) fn publish(&self, mut next_id: impl FnMut() -> EventId) -> u64 {
        let mut held = self.held.lock();
        let mut newest = None;
        let mut count = 0;
        for announcement in std::mem::take(&mut held.collected) {
            let id = next_id();
            held.push(id.sequence, announcement.kind, announcement.encode(id));
            newest = Some(id.sequence);
            count += 1;
        }
        held.trim(if self.viewers() > 0 { MAX_BYTES } else { MAX_IDLE_BYTES });
        drop(held);
        if let Some(sequence) = newest {
            self.pulse.send_modify(|pulse| pulse.sequence = sequence);
        }
        count
    }

    pub(super) fn beat(&self) {
        self.pulse.send_modify(|pulse| pulse.beat = pulse.beat.wrapping_add(1));
    }

    pub(super) fn recheck(&self) {
        self.pulse.send_modify(|pulse| pulse.rights = pulse.rights.wrapping_add(1));
    }

    pub(super) fn close(&self) {
        self.pulse.send_modify(|pulse| pulse.closed = true);
    }

    pub(super) fn after(&self, cursor: u64) -> After {
        let held = self.held.lock();
        if cursor < held.floor {
            return After::Moved;
        }
        let next = held.events.partition_point(|event| event.sequence <= cursor);
        match held.events.get(next) {
            Some(event) => After::Event(event.sequence, event.frame.clone()),
            None => After::Nothing,
        }
    }
}

impl Held {
    fn push(&mut self, sequence: u64, kind: Kind, frame: Bytes) {
        if let Some(older) = self.events.iter().position(|event| kind.replaces(event.kind))
            && let Some(event) = self.events.remove(older)
        {
            self.bytes -= event.frame.len();
        }
        self.bytes += frame.len();
        self.events.push_back(Event { sequence, kind, frame });
    }

    /// The newest event stays, whatever its size.
    fn trim(&mut self, max_bytes: usize) {
        while self.events.len() > MAX_EVENTS || (self.bytes > max_bytes && self.events.len() > 1) {
            let Some(event) = self.events.pop_front() else { return };
            self.bytes -= event.frame.len();
            self.floor = event.sequence;
        }
    }
}
