//! Time and chance, handed in: tests wait for nothing and know what comes.

use futures_util::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

pub(super) trait Clock: Send + Sync {
    /// What the wall shows: for people, and for what servers say about dates.
    fn wall(&self) -> Timestamp;
    /// Since some beginning, never backwards: for all that waits.
    fn elapsed(&self) -> Duration;
    fn pause(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// From 0 to 1, another each time: those who failed together must not come back together.
    fn chance(&self) -> f64;
}

/// The machine's own.
pub(super) struct System(pub(super) Instant);

impl Clock for System {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }

    fn chance(&self) -> f64 {
        // The standard library's only source of chance; its keys are drawn anew for each.
        let drawn = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(u32::MAX);
        f64::from(drawn) / f64::from(u32::MAX)
    }
}

/// Stands, until somebody waits: then it goes on by as much, at once.
#[cfg(test)]
pub(super) struct Standing {
    pub(super) elapsed: parking_lot::Mutex<Duration>,
    pub(super) waited: parking_lot::Mutex<Vec<Duration>>,
    pub(super) chance: f64,
}

#[cfg(test)]
impl Standing {
    pub(super) fn new() -> std::sync::Arc<Self> {
        let (elapsed, waited) = (Duration::from_secs(100).into(), Vec::new().into());
        std::sync::Arc::new(Self { elapsed, waited, chance: 1.0 })
    }

    pub(super) fn go_on(&self, time: Duration) {
        *self.elapsed.lock() += time;
    }

    /// What was waited for since the last question.
    pub(super) fn waited(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.waited.lock())
    }
}

#[cfg(test)]
impl Clock for Standing {
    fn wall(&self) -> Timestamp {
        Timestamp::constant(1_767_268_800, 0) + *self.elapsed.lock()
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock()
    }

    fn pause(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waited.lock().push(time);
        self.go_on(time);
        tokio::task::yield_now().boxed()
    }

    fn chance(&self) -> f64 {
        self.chance
    }
}
