//! Leaves a host alone that fails again and again, and lets one request try when its pause is over.

use super::clock::Clock;
use jiff::Timestamp;
use std::time::Duration;

/// A pause is doubled at most so often.
const MOST_DOUBLINGS: u32 = 4;
/// A host that names a later time than this is tried sooner: its clock, or its operator, may be wrong.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// In a row.
    failures: u32,
    open: Option<Open>,
    /// One request is out to see whether the host is well again.
    trying: bool,
}

/// For people, and for the next request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) failures: u32,
    pub(super) since: Timestamp,
    pub(super) next: Timestamp,
    pub(super) why: String,
    ends: Duration,
    doublings: u32,
}

impl Breaker {
    /// Whether a request may go: `Err` says since when none may, and when the next one may.
    pub(super) fn check(&self, clock: &dyn Clock) -> Result<(), Open> {
        match &self.open {
            Some(open) if self.trying || clock.elapsed() < open.ends => Err(open.clone()),
            _ => Ok(()),
        }
    }

    /// As [`Breaker::check`], and takes the turn of the one that tries. Each that is let through must be told of by
    /// one of the next three.
    pub(super) fn admit(&mut self, clock: &dyn Clock) -> Result<(), Open> {
        self.check(clock)?;
        self.trying = self.open.is_some();
        Ok(())
    }

    pub(super) fn worked(&mut self) {
        *self = Self::default();
    }

    /// Nobody waits for it any more, or it says nothing of the host.
    pub(super) fn abandoned(&mut self) {
        self.trying = false;
    }

    /// `after`: when the host itself wants to be asked again.
    pub(super) fn failed(
        &mut self,
        why: &str,
        after: Option<Duration>,
        limits: (u32, Duration),
        clock: &dyn Clock,
    ) {
        let (threshold, pause) = limits;
        self.failures = self.failures.saturating_add(1);
        let before = self.open.as_ref();
        // Those that were under way when it opened change nothing: only the one that tried does.
        if before.is_some() && !self.trying || self.failures < threshold {
            return;
        }
        let doublings = before.map_or(0, |open| (open.doublings + 1).min(MOST_DOUBLINGS));
        let pause = pause * 2_u32.pow(doublings);
        let pause = pause.max(after.unwrap_or_default()).min(LONGEST_PAUSE.max(pause));
        let wall = clock.wall();
        self.open = Some(Open {
            failures: self.failures,
            since: before.map_or(wall, |open| open.since),
            next: wall.checked_add(pause).unwrap_or(Timestamp::MAX),
            why: why.into(),
            ends: clock.elapsed() + pause,
            doublings,
        });
        self.trying = false;
    }

    pub(super) fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Standing;
    use super::*;

    const LIMITS: (u32, Duration) = (3, Duration::from_secs(30));

    fn opened(clock: &Standing) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            breaker.admit(clock).unwrap();
            breaker.failed("status 503", None, LIMITS, clock);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let clock = Standing::new();
        let mut breaker = opened(&clock);
        let open = breaker.admit(&*clock).unwrap_err();
        assert_eq!((open.failures, open.why.as_str()), (3, "status 503"));
        assert_eq!(open.next.duration_since(open.since).as_secs(), 30);
        clock.go_on(Duration::from_millis(29_999));
        assert!(breaker.check(&*clock).is_err());
        clock.go_on(Duration::from_millis(1));
        breaker.admit(&*clock).unwrap();
        assert!(breaker.admit(&*clock).is_err(), "one tries, the others do not");
        breaker.worked();
        assert!(breaker.admit(&*clock).is_ok());
        assert!(breaker.admit(&*clock).is_ok());
    }

    #[test]
    fn a_success_between_starts_the_count_anew() {
        let (clock, mut breaker) = (Standing::new(), Breaker::default());
        for _ in 0..10 {
            breaker.failed("", None, LIMITS, &*clock);
            breaker.failed("", None, LIMITS, &*clock);
            breaker.worked();
        }
        assert!(breaker.check(&*clock).is_ok());
    }

    #[test]
    fn each_failed_try_doubles_the_pause_up_to_a_limit() {
        let clock = Standing::new();
        let mut breaker = opened(&clock);
        let since = breaker.open().unwrap().since;
        for seconds in [60, 120, 240, 480, 480] {
            clock.go_on(Duration::from_mins(8));
            breaker.admit(&*clock).unwrap();
            breaker.failed("", None, LIMITS, &*clock);
            let open = breaker.open().unwrap();
            assert_eq!(open.next.duration_since(clock.wall()).as_secs(), seconds);
            assert_eq!(open.since, since, "it is open since the first");
        }
    }

    #[test]
    fn the_host_itself_may_ask_for_a_longer_pause() {
        let (clock, mut breaker) = (Standing::new(), Breaker::default());
        for after in [1, 5_000] {
            breaker.open = None;
            breaker.failures = 2;
            breaker.failed("", Some(Duration::from_secs(after)), LIMITS, &*clock);
            let pause = breaker.open().unwrap().next.duration_since(clock.wall()).as_secs();
            assert_eq!(pause, if after == 1 { 30 } else { 3_600 });
        }
    }

    #[test]
    fn a_try_that_nobody_waits_for_leaves_the_turn_to_the_next() {
        let clock = Standing::new();
        let mut breaker = opened(&clock);
        clock.go_on(Duration::from_secs(30));
        breaker.admit(&*clock).unwrap();
        breaker.abandoned();
        breaker.admit(&*clock).unwrap();
    }

    #[test]
    fn requests_that_were_under_way_do_not_lengthen_the_pause() {
        let clock = Standing::new();
        let mut breaker = opened(&clock);
        let next = breaker.open().unwrap().next;
        clock.go_on(Duration::from_secs(5));
        breaker.failed("", None, LIMITS, &*clock);
        assert_eq!(breaker.open().unwrap().next, next);
    }
}
