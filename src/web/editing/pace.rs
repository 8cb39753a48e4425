//! How often somebody may change something: many times at once, then evenly.

use jiff::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// At once: somebody who drags widgets about.
const BURST: i64 = 300;
const EVERY: Duration = Duration::from_millis(500);
/// People who are remembered; the ones that were silent longest are forgotten.
const PEOPLE: u64 = 4_096;

/// When each person would be back to having changed nothing lately, in microseconds.
pub struct Pace(moka::sync::Cache<String, Arc<Mutex<i64>>>);

impl Default for Pace {
    fn default() -> Self {
        Self(moka::sync::Cache::new(PEOPLE))
    }
}

impl Pace {
    /// Counts a change; or says how long to wait.
    pub(super) fn take(&self, who: &str, now: Timestamp) -> Result<(), Duration> {
        let every = i64::try_from(EVERY.as_micros()).unwrap_or(i64::MAX);
        let now = now.as_microsecond();
        let rested = self.0.get_with_by_ref(who, Arc::default);
        let mut rested = rested.lock();
        let then = (*rested).max(now) + every;
        let early = then - now - BURST * every;
        if early > 0 {
            return Err(Duration::from_micros(early.unsigned_abs()));
        }
        *rested = then;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn after_many_changes_at_once_they_are_spread() {
        let pace = Pace::default();
        let start = Timestamp::constant(1_700_000_000, 0);
        for _ in 0..BURST {
            assert_eq!(pace.take("duffy", start), Ok(()));
        }
        assert_eq!(pace.take("duffy", start), Err(EVERY));
        assert_eq!(pace.take("gnokii", start), Ok(()), "others may");
        let later = start + SignedDuration::from_millis(500);
        assert_eq!((pace.take("duffy", later), pace.take("duffy", later)), (Ok(()), Err(EVERY)));
    }
}
