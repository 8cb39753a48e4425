//! The queue and its workers: run `data()`, render, keep, announce; and what a widget is at this moment.
//!
//! An invalidation carries the journal's sequence number, an entry the number at which its run began: an entry is
//! fresh only while its number is not below the last invalidation's, whatever crashed in between. At most one run an
//! instance at a time, the watched first, and a result that equals the old one is announced to nobody. What goes out
//! goes through [`Audience`]: this room knows no browser and no bus.

mod current;
mod keeping;
mod lately;
mod paging;
mod problems;
mod queue;
mod worker;

pub use current::{Current, Place};
pub use lately::{Change, Redraw};
pub use paging::PagingError;

use crate::cache::Cache;
use crate::hub::{Cause, HubName, InstanceId};
use crate::render::Renderer;
use crate::script::Pool;
use crate::store::{Journal, Store};
use crate::telemetry;
use crate::widget::Shelf;
use jiff::Timestamp;
use keeping::Known;
use lately::Lately;
use parking_lot::Mutex;
use queue::Queue;
use std::sync::Arc;
use tokio::sync::Notify;

/// Whoever looks: where results go, and who is to be served first.
pub trait Audience: Send + Sync + 'static {
    fn is_watched(&self, hub: &HubName) -> bool;
    /// A widget is another one than it was. Returns how many are told.
    fn announce(&self, current: &Current) -> usize;
    /// What is wrong with an instance is another thing than it was, or nothing any more.
    fn problem(&self, hub: &HubName, id: InstanceId);
}

/// What the room is built from.
pub struct Parts {
    pub store: Store,
    pub journal: Arc<Journal>,
    pub cache: Cache,
    pub shelf: Arc<Shelf>,
    pub renderer: Arc<Renderer>,
    /// Data-tier threads; as many runs at a time as there are.
    pub pool: Pool,
    pub workers: usize,
    /// How long a run may take before its thread counts as lost.
    pub patience: std::time::Duration,
    pub audience: Arc<dyn Audience>,
    pub clock: fn() -> Timestamp,
}

/// An instance that a message invalidated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub id: InstanceId,
    pub hub: HubName,
    pub cause: Cause,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Rebuild(Arc<Inner>);

struct Inner {
    parts: Parts,
    queue: Mutex<Queue>,
    wake: Notify,
    /// A run has ended.
    ended: Notify,
    known: Mutex<Known>,
    lately: Lately,
    /// Composed widgets, bounded by their size: what is not here is composed anew from the cache's entry.
    currents: moka::sync::Cache<InstanceId, Arc<Current>>,
    pages: paging::Pages,
}

/// Memory for composed widgets.
const CURRENTS_BYTES: u64 = 16 << 20;

impl Rebuild {
    /// Takes up what the journal says is invalid. Nothing runs before [`Rebuild::run`].
    pub async fn open(parts: Parts) -> Result<Self, crate::store::StoreError> {
        let known = Known::load(&parts.journal, (parts.clock)()).await?;
        let currents = moka::sync::Cache::builder()
            .max_capacity(CURRENTS_BYTES)
            .weigher(|_, current: &Arc<Current>| {
                u32::try_from(current.json.len() * 3 + 512).unwrap_or(u32::MAX)
            })
            .build();
        Ok(Self(Arc::new(Inner {
            parts,
            queue: Mutex::default(),
            wake: Notify::new(),
            ended: Notify::new(),
            known: Mutex::new(known),
            lately: Lately::default(),
            currents,
            pages: paging::Pages::default(),
        })))
    }

    /// Instances that a message invalidated, already on disk under `sequence`.
    pub fn invalidate(&self, due: &[Due], sequence: u64) {
        let inner = &*self.0;
        let now = (inner.parts.clock)();
        inner.known.lock().invalidate(due, sequence, now);
        for one in due {
            inner.currents.invalidate(&one.id);
            self.push(one.id, inner.parts.audience.is_watched(&one.hub));
        }
    }

    /// Something other than a message made an instance old: its configuration, its script.
    pub fn renew(&self, id: InstanceId, hub: &HubName) {
        self.forget_current(id);
        self.push(id, self.0.parts.audience.is_watched(hub));
    }

    /// Scripts or templates changed: nothing that was composed before counts any more.
    pub fn forget_currents(&self) {
        self.0.known.lock().change();
        self.0.currents.invalidate_all();
    }

    /// Something around instances changed, such as their places: they are composed anew, of the data that is there.
    pub fn forget_shown(&self, ids: impl Iterator<Item = InstanceId>) {
        self.0.known.lock().change();
        ids.for_each(|id| self.0.currents.invalidate(&id));
    }

    fn forget_current(&self, id: InstanceId) {
        self.0.known.lock().change();
        self.0.currents.invalidate(&id);
    }

    fn push(&self, id: InstanceId, urgent: bool) {
        let waiting = {
            let mut queue = self.0.queue.lock();
            queue.push(id, urgent);
            queue.len()
        };
        count_waiting(waiting);
        self.0.wake.notify_one();
    }

    /// Waits until nothing is in line and nothing runs.
    pub async fn idle(&self) {
        loop {
            let ended = self.0.ended.notified();
            if self.0.queue.lock().is_idle() {
                return;
            }
            ended.await;
        }
    }

    /// The rebuilds of an instance within the last hour, the newest first.
    pub fn lately(&self, id: InstanceId) -> Vec<Arc<Redraw>> {
        self.0.lately.of(id)
    }

    /// Instances that are invalid and not rebuilt yet.
    pub fn pending(&self) -> usize {
        self.0.known.lock().pending()
    }
}

fn count_waiting(waiting: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge of some thousands")]
    metrics::gauge!(telemetry::REBUILD_QUEUE).set(waiting as f64);
}
