//! Deliveries that were taken: a copy that comes again is none.

use parking_lot::Mutex;
use std::collections::{HashSet, VecDeque};

/// So many are remembered, a megabyte at most. What is older than all of them finds its message in the history.
const REMEMBERED: usize = 10_000;

/// Bounded: the oldest is forgotten for the newest.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    known: HashSet<String>,
    in_order: VecDeque<String>,
}

impl Seen {
    /// Whether this is the first time; from now on it is not.
    pub(super) fn is_new(&self, delivery: &str) -> bool {
        let mut ids = self.0.lock();
        if !ids.known.insert(delivery.into()) {
            return false;
        }
        ids.in_order.push_back(delivery.into());
        if ids.in_order.len() > REMEMBERED
            && let Some(oldest) = ids.in_order.pop_front()
        {
            ids.known.remove(&oldest);
        }
        true
    }

    /// It was not kept after all, so that it may come again.
    pub(super) fn forget(&self, delivery: &str) {
        let mut ids = self.0.lock();
        ids.known.remove(delivery);
        ids.in_order.retain(|id| id != delivery);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_new_once_unless_it_is_forgotten() {
        let seen = Seen::default();
        assert!(seen.is_new("a") && seen.is_new("b") && !seen.is_new("a"));
        seen.forget("a");
        assert!(seen.is_new("a") && !seen.is_new("a"));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let seen = Seen::default();
        for n in 0..=REMEMBERED {
            assert!(seen.is_new(&n.to_string()));
        }
        assert!(!seen.is_new(&REMEMBERED.to_string()) && !seen.is_new("1"));
        assert!(seen.is_new("0"), "the oldest was forgotten");
        let ids = seen.0.lock();
        assert_eq!((ids.known.len(), ids.in_order.len()), (REMEMBERED, REMEMBERED));
    }
}
