//! What is known of instances beside the cache's entries: which are invalid, which fail, which are safely rebuilt.

use super::Due;
use crate::diagnostic::Diagnostic;
use crate::hub::{Cause, InstanceId};
use crate::store::{Journal, StoreError};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The first retry after a failure; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// The last run of an instance failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failing {
    pub(super) runs: u32,
    /// A sentence for readers.
    pub(super) error: String,
    pub(super) diagnostic: Option<Diagnostic>,
}

impl Failing {
    pub(super) fn retry_in(&self) -> Duration {
        (FIRST_RETRY * 2_u32.saturating_pow(self.runs.saturating_sub(1).min(8))).min(LONGEST_RETRY)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Invalid {
    pub(super) sequence: u64,
    pub(super) cause: Cause,
    /// What other servers said before may be from before the change.
    pub(super) at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    invalid: HashMap<InstanceId, Invalid>,
    failing: HashMap<InstanceId, Failing>,
    /// Shown by a configuration that does not fit, or by a template that could not draw their data. Some may be mended
    /// since: whoever looks again takes them out.
    marred: HashSet<InstanceId>,
    /// Rebuilt at a sequence number, but perhaps not on disk yet.
    rebuilt: HashMap<InstanceId, u64>,
    /// The last sequence number that the journal gave.
    latest: u64,
    /// Counts every change, so that what was composed from older knowledge is not kept.
    changes: u64,
}

impl Known {
    pub(super) async fn load(journal: &Journal, now: Timestamp) -> Result<Self, StoreError> {
        let pending = journal.pending().await?;
        let latest = journal.sequence();
        let invalid = pending
            .into_iter()
            .map(|p| (p.instance, Invalid { sequence: p.sequence, cause: p.cause, at: now }))
            .collect();
        Ok(Self { invalid, latest, ..Self::default() })
    }

    pub(super) fn invalidate(&mut self, due: &[Due], sequence: u64, now: Timestamp) {
        self.changes += 1;
        self.latest = self.latest.max(sequence);
        for one in due {
            let cause = one.cause.clone();
            self.invalid.insert(one.id, Invalid { sequence, cause, at: now });
        }
    }

    pub(super) fn change(&mut self) {
        self.changes += 1;
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    pub(super) fn pending(&self) -> usize {
        self.invalid.len()
    }

    pub(super) fn invalid(&self, id: InstanceId) -> Option<&Invalid> {
        self.invalid.get(&id)
    }

    pub(super) fn failing(&self, id: InstanceId) -> Option<&Failing> {
        self.failing.get(&id)
    }

    /// A run that began at `sequence` succeeded.
    pub(super) fn succeeded(&mut self, id: InstanceId, sequence: u64) {
        self.changes += 1;
        self.failing.remove(&id);
        if self.invalid.get(&id).is_some_and(|invalid| invalid.sequence <= sequence) {
            self.invalid.remove(&id);
            self.rebuilt.insert(id, sequence);
        }
    }

    /// A run failed; how often in a row it did.
    pub(super) fn failed(
        &mut self,
        id: InstanceId,
        error: String,
        diagnostic: Option<Diagnostic>,
    ) -> Failing {
        self.changes += 1;
        let runs = self.failing.get(&id).map_or(0, |failing| failing.runs) + 1;
        let failing = Failing { runs, error, diagnostic };
        self.failing.insert(id, failing.clone());
        failing
    }

    /// Nobody looks at a failing instance: its retry is up to the next one who does.
    pub(super) fn pause(&mut self, id: InstanceId) {
        self.changes += 1;
        self.failing.remove(&id);
    }

    pub(super) fn mar(&mut self, id: InstanceId) {
        self.marred.insert(id);
    }

    /// Whether an instance was marred; from now on it is not.
    pub(super) fn unmar(&mut self, id: InstanceId) -> bool {
        self.marred.remove(&id)
    }

    pub(super) fn is_marred(&self, id: InstanceId) -> bool {
        self.marred.contains(&id)
    }

    pub(super) fn recovered(&mut self, id: InstanceId) {
        self.failing.remove(&id);
    }

    pub(super) fn invalid_ids(&self) -> Vec<InstanceId> {
        self.invalid.keys().copied().collect()
    }

    pub(super) fn forget(&mut self, id: InstanceId) {
        self.changes += 1;
        self.failing.remove(&id);
        self.marred.remove(&id);
        if let Some(invalid) = self.invalid.remove(&id) {
            self.rebuilt.insert(id, invalid.sequence);
        }
    }

    /// What may be struck from the journal once the cache is on disk.
    pub(super) fn take_rebuilt(&mut self) -> Vec<(InstanceId, u64)> {
        self.rebuilt.drain().collect()
    }
}
