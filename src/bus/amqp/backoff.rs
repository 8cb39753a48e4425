//! How long to wait before the next try, as fedora-messaging waits.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A broker that is away for a day must not wait for an hour once it is back.
const LONGEST: Duration = Duration::from_mins(5);
/// Each wait is so many times the one before.
const FACTOR: f64 = std::f64::consts::E;
/// Clients that lost the same broker shall not all come back in the same moment.
const SPREAD: f64 = 0.12;

#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration) -> Self {
        Self { first, next: first }
    }

    /// It went well: the next wait is the first again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(super) fn wait(&mut self) -> Duration {
        // A hasher is seeded at random: that is dice enough.
        let dice =
            f64::from(u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default());
        let spread = 1.0 + SPREAD * (2.0 * dice / f64::from(u32::MAX) - 1.0);
        let wait = self.next.mul_f64(spread);
        self.next = self.next.mul_f64(FACTOR).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_few_minutes_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let mut check = |seconds: f64| {
            let wait = backoff.wait().as_secs_f64();
            assert!((wait / seconds - 1.0).abs() <= SPREAD + 1e-9, "{wait} is not about {seconds}");
        };
        for seconds in [
            1.0,
            FACTOR,
            FACTOR.powi(2),
            FACTOR.powi(3),
            FACTOR.powi(4),
            FACTOR.powi(5),
            300.0,
            300.0,
        ] {
            check(seconds);
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(1120));
    }
}
