//! What a lost connection may have cost: a bus that nobody repeats has gaps, and somebody else closes them.
//!
//! From the moment a connection is lost until what was missed is caught up with the gap is open, and how far the bus was
//! read is not noted: a crash in between must not make the rest of the gap forgotten.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// Clones share it. A new one is open: what was sent while nothing ran may be missing.
#[derive(Debug, Clone)]
pub struct Gap(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How often it was opened, and the count at which it was closed last.
    opened: AtomicU64,
    closed: AtomicU64,
    connected: Notify,
}

impl Default for Gap {
    fn default() -> Self {
        let (opened, closed) = (AtomicU64::new(1), AtomicU64::new(0));
        Self(Arc::new(Inner { opened, closed, connected: Notify::new() }))
    }
}

/// How often the gap had been opened when somebody began to close it.
#[derive(Debug, Clone, Copy)]
pub struct Opening(u64);

impl Gap {
    /// A connection is lost.
    pub fn open(&self) {
        self.0.opened.fetch_add(1, Ordering::AcqRel);
    }

    /// A connection is there, again or for the first time: what was sent before that may be missing.
    pub fn connected(&self) {
        self.open();
        self.0.connected.notify_one();
    }

    /// Returns when a connection is there that was not when this returned last.
    pub async fn reconnected(&self) {
        self.0.connected.notified().await;
    }

    pub fn is_open(&self) -> bool {
        self.0.opened.load(Ordering::Acquire) != self.0.closed.load(Ordering::Acquire)
    }

    /// Before what is missing is asked for.
    pub fn opening(&self) -> Opening {
        Opening(self.0.opened.load(Ordering::Acquire))
    }

    /// What was missing at that time is here. A connection that was lost meanwhile keeps the gap open.
    pub fn close(&self, opening: Opening) {
        self.0.closed.store(opening.0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_lost_while_catching_up_keeps_the_gap_open() {
        let gap = Gap::default();
        assert!(gap.is_open());
        let first = gap.opening();
        gap.open();
        gap.close(first);
        assert!(gap.is_open());
        gap.close(gap.opening());
        assert!(!gap.is_open());
        gap.connected();
        assert!(gap.is_open());
    }
}
