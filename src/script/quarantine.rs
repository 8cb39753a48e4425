//! Scripts that leave memory behind: Rhai can't free a value that holds itself, so who keeps leaking is refused.

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Less than this after a call is no leak: tables that grow once, caches of the host.
const NOTICED_BYTES: isize = 64 << 10;

/// A version of a script that has left so much behind runs no more.
const REFUSED_BYTES: usize = 8 << 20;

/// Versions that are watched; when more leak than that, the one that leaked least is forgotten.
const WATCHED: usize = 1_024;

/// Shared by the threads of a pool.
#[derive(Clone, Default)]
pub(super) struct Quarantine {
    left_behind: Arc<Mutex<FxHashMap<u64, usize>>>,
    /// How many versions are refused: while none is, a call takes no lock.
    refused: Arc<AtomicUsize>,
}

impl Quarantine {
    /// What a call of this version grew the thread by, after all that it made was dropped.
    pub(super) fn note(&self, version: u64, grown: isize) {
        let Ok(grown) = usize::try_from(grown.saturating_sub(NOTICED_BYTES)) else { return };
        if grown == 0 {
            return;
        }
        let grown = grown.saturating_add(NOTICED_BYTES.unsigned_abs());
        let mut left_behind = self.left_behind.lock();
        if left_behind.len() >= WATCHED && !left_behind.contains_key(&version) {
            let least = left_behind.iter().min_by_key(|(_, bytes)| **bytes).map(|(v, _)| *v);
            least.and_then(|least| left_behind.remove(&least));
        }
        let bytes = left_behind.entry(version).or_default();
        *bytes = bytes.saturating_add(grown);
        let refused = left_behind.values().filter(|bytes| **bytes > REFUSED_BYTES).count();
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// The bytes that this version left behind, if it is refused.
    pub(super) fn refuses(&self, version: u64) -> Option<usize> {
        if self.refused.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.left_behind.lock().get(&version).copied().filter(|bytes| *bytes > REFUSED_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_growth_is_no_leak_and_large_growth_adds_up() {
        let quarantine = Quarantine::default();
        for _ in 0..1_000 {
            quarantine.note(1, NOTICED_BYTES);
        }
        assert_eq!(quarantine.refuses(1), None);
        for _ in 0..9 {
            quarantine.note(2, 1 << 20);
        }
        assert_eq!(quarantine.refuses(2), Some(9 << 20));
        assert_eq!(quarantine.refuses(1), None);
    }
}
