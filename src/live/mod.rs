//! Fan-out to browsers: who listens to which hub, and what is sent to them.
//!
//! Each hub that somebody looks at has a ring with the newest event of each of its widgets, encoded once, and each
//! listener a cursor into it. So a slow listener costs no memory of its own, misses versions but never the latest, and
//! slows nobody; a returning one gets what it missed, or is told that the ring has moved on. A cursor that is taken
//! before a page is rendered loses nothing until its stream starts. Knows no HTTP, and not how a widget is rendered.

mod frame;
mod listener;
mod ring;
mod rings;

pub use frame::{Announcement, Kind};
pub use listener::{Heard, Listener};

use crate::hub::HubName;
use crate::telemetry;
use frame::EventId;
use parking_lot::{Mutex, RwLock};
use ring::Ring;
use rings::Rings;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Announcements are collected this long before they are sent: one write a listener for a burst of them.
const COLLECT: Duration = Duration::from_millis(25);

/// A silent connection gets a comment this often, so that no proxy takes it for dead.
const HEARTBEAT_SECONDS: usize = 15;

/// A handle; all clones are one.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
    /// Ends the task when the last handle is gone.
    _task: Arc<DropGuard>,
}

struct Shared {
    /// Which run of the server: ids of an earlier run mean nothing in this one.
    epoch: u64,
    /// The last number that was given to an event or a new ring. One sequence for all hubs, so that a ring that went and
    /// came back repeats none.
    sequence: AtomicU64,
    rings: RwLock<Rings>,
    /// Rings with announcements that are not sent yet, each once.
    due: Mutex<Vec<Arc<Ring>>>,
    wake: Notify,
    stop: CancellationToken,
}

impl Live {
    /// `epoch` must differ from those of earlier runs. Needs a Tokio runtime for its task, which ends with `close` or
    /// the last handle.
    pub fn new(epoch: u64) -> Self {
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            epoch,
            sequence: AtomicU64::new(0),
            rings: RwLock::default(),
            due: Mutex::default(),
            wake: Notify::new(),
            stop: stop.clone(),
        });
        tokio::spawn(run(Arc::clone(&shared)));
        Self { shared, _task: Arc::new(stop.drop_guard()) }
    }

    /// Tells the listeners of a hub. Costs a look-up when nobody listens; the newest of a widget replaces those before.
    pub fn announce(&self, hub: &HubName, announcement: Announcement) {
        let Some(ring) = self.shared.rings.read().get(hub) else { return };
        if ring.collect(announcement) {
            self.shared.due.lock().push(ring);
            self.shared.wake.notify_one();
        }
    }

    /// Where the hub's events stand now, for `listen`: taken before a page is rendered, it covers the time until the
    /// page's stream starts.
    pub fn cursor(&self, hub: &HubName) -> String {
        let ring = self.shared.rings.write().visit(hub, &self.shared.sequence);
        EventId { epoch: self.shared.epoch, sequence: ring.newest() }.to_string()
    }

    /// Without `since`, from now on. With it (a cursor, or the `Last-Event-ID` of a returning client) after that point.
    pub fn listen(&self, hub: &HubName, since: Option<&str>) -> Listener {
        let ring = self.shared.rings.write().join(hub, &self.shared.sequence);
        Listener::new(Arc::clone(&self.shared), ring, since)
    }

    /// Has each listener of a hub asked for once more whether they may listen ([`Heard::Recheck`]).
    pub fn recheck(&self, hub: &HubName) {
        if let Some(ring) = self.shared.rings.read().get(hub) {
            ring.recheck();
        }
    }

    pub fn viewers(&self, hub: &HubName) -> usize {
        self.shared.rings.read().get(hub).map_or(0, |ring| ring.viewers())
    }

    /// Ends every listener at once, and those that come later.
    pub fn close(&self) {
        self.shared.rings.write().close();
        self.shared.stop.cancel();
    }
}

impl Shared {
    fn publish(&self) {
        let due = std::mem::take(&mut *self.due.lock());
        let mut events = 0;
        for ring in due {
            events +=
                ring.publish(|| EventId { epoch: self.epoch, sequence: next(&self.sequence) });
        }
        metrics::counter!(telemetry::EVENTS).increment(events);
    }
}

fn next(sequence: &AtomicU64) -> u64 {
    sequence.fetch_add(1, Ordering::AcqRel) + 1
}

async fn run(shared: Arc<Shared>) {
    const SECOND: Duration = Duration::from_secs(1);
    let mut seconds = tokio::time::interval_at(Instant::now() + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = 0;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.wake.notified() => {
                tokio::time::sleep(COLLECT).await;
                shared.publish();
            }
            _ = seconds.tick() => {
                // Each hub has a second of its own, so that not all connections are written to at once.
                turn = (turn + 1) % HEARTBEAT_SECONDS;
                shared.rings.read().beat(turn);
            }
        }
    }
}

#[cfg(test)]
mod tests;
