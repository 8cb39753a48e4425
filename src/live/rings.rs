//! The rings of the hubs that somebody looks at, or did a moment ago.

use super::ring::Ring;
use super::{HEARTBEAT_SECONDS, next};
use crate::hub::HubName;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Rings without listeners. When full, the one that was longest without goes: who comes back to it fetches afresh.
const MAX_IDLE: usize = 1024;

#[derive(Default)]
pub(super) struct Rings {
    by_hub: FxHashMap<HubName, Kept>,
    /// By the age at which they were left.
    idle: BTreeMap<u64, HubName>,
    age: u64,
    closed: bool,
}

struct Kept {
    ring: Arc<Ring>,
    idle_since: Option<u64>,
}

impl Rings {
    pub(super) fn get(&self, hub: &HubName) -> Option<Arc<Ring>> {
        self.by_hub.get(hub).map(|kept| Arc::clone(&kept.ring))
    }

    /// The ring of a hub whose page is being rendered: its listener is expected.
    pub(super) fn visit(&mut self, hub: &HubName, sequence: &AtomicU64) -> Arc<Ring> {
        let ring = self.open(hub, sequence);
        if ring.viewers() == 0 {
            self.rest(hub);
        }
        ring
    }

    /// The ring of a hub, with one viewer more.
    pub(super) fn join(&mut self, hub: &HubName, sequence: &AtomicU64) -> Arc<Ring> {
        let ring = self.open(hub, sequence);
        ring.enter();
        if let Some(kept) = self.by_hub.get_mut(hub)
            && let Some(since) = kept.idle_since.take()
        {
            self.idle.remove(&since);
        }
        ring
    }

    pub(super) fn leave(&mut self, ring: &Ring) {
        if ring.leave() {
            self.rest(&ring.hub);
        }
    }

    pub(super) fn beat(&self, turn: usize) {
        self.by_hub
            .values()
            .filter(|kept| kept.ring.turn == turn && kept.ring.viewers() > 0)
            .for_each(|kept| kept.ring.beat());
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.by_hub.values().for_each(|kept| kept.ring.close());
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_hub.len()
    }

    fn open(&mut self, hub: &HubName, sequence: &AtomicU64) -> Arc<Ring> {
        let turn = self.by_hub.len() % HEARTBEAT_SECONDS;
        let closed = self.closed;
        let kept = self.by_hub.entry(hub.clone()).or_insert_with(|| Kept {
            // Its own number leaves cursors behind that come from a ring which was here before.
            ring: Arc::new(Ring::new(hub.clone(), turn, next(sequence), closed)),
            idle_since: None,
        });
        Arc::clone(&kept.ring)
    }

    /// Nobody listens: from now on the ring is the youngest of the idle ones.
    fn rest(&mut self, hub: &HubName) {
        let Some(kept) = self.by_hub.get_mut(hub) else { return };
        self.age += 1;
        if let Some(before) = kept.idle_since.replace(self.age) {
            self.idle.remove(&before);
        }
        self.idle.insert(self.age, hub.clone());
        if self.idle.len() > MAX_IDLE
            && let Some((_, oldest)) = self.idle.pop_first()
        {
            self.by_hub.remove(&oldest);
        }
    }
}
