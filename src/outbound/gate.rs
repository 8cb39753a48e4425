//! What one host is asked at most: so many requests at once, so many a minute, none while its breaker is open.

use super::OutboundError;
use super::breaker::{Breaker, Open};
use super::clock::Clock;
use super::flight::Horizon;
use super::retry::Verdict;
use crate::config::OutboundSettings;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hosts that are remembered. Beyond it those go that nobody asks just now and that are well.
const MOST_HOSTS: usize = 1_024;

/// The gates of all hosts, by `host:port`.
pub(super) struct Gates {
    hosts: Mutex<HashMap<String, Arc<Gate>>>,
    settings: OutboundSettings,
    clock: Arc<dyn Clock>,
}

struct Gate {
    seats: Arc<Semaphore>,
    pace: Mutex<Pace>,
    breaker: Mutex<Breaker>,
}

/// When the next request is due, were they all made evenly.
#[derive(Default)]
struct Pace(Duration);

/// A request that may be made. Dropped untold, it was nobody's any more.
pub(super) struct Pass {
    gate: Arc<Gate>,
    _seat: OwnedSemaphorePermit,
    limits: (u32, Duration),
    clock: Arc<dyn Clock>,
    told: bool,
    /// It had to wait for its turn.
    pub(super) waited: bool,
}

impl Gates {
    pub(super) fn new(settings: OutboundSettings, clock: Arc<dyn Clock>) -> Self {
        Self { hosts: Mutex::default(), settings, clock }
    }

    /// Waits for a turn, no longer than until the horizon.
    pub(super) async fn enter(&self, host: &str, horizon: &Horizon) -> Result<Pass, OutboundError> {
        let (gate, clock) = (self.gate(host), &*self.clock);
        let refused = |open| refused(host, open);
        // Before the wait, so that nobody waits in vain, and after it, since much may have happened.
        gate.breaker.lock().check(clock).map_err(refused)?;
        let now = clock.elapsed();
        let turn = gate.pace.lock().take(&self.settings, now, horizon.left(now));
        let wait = turn.map_err(|wait| OutboundError::TooOften {
            host: host.into(),
            limit: self.settings.requests_per_minute,
            wait,
        })?;
        let mut waited = !wait.is_zero();
        if waited {
            clock.pause(wait).await;
        }
        let seat = if let Ok(seat) = Arc::clone(&gate.seats).try_acquire_owned() {
            seat
        } else {
            waited = true;
            let seats = Arc::clone(&gate.seats).acquire_owned();
            seats.await.map_err(|_| OutboundError::Setup("it is closed".into()))?
        };
        gate.breaker.lock().admit(clock).map_err(refused)?;
        let limits = (self.settings.breaker_failures, self.settings.breaker_pause);
        let clock = Arc::clone(&self.clock);
        Ok(Pass { gate, _seat: seat, limits, clock, told: false, waited })
    }

    /// Since when a host is left alone, and until when; for those where it is so.
    pub(super) fn open(&self) -> Vec<(String, Open)> {
        let hosts = self.hosts.lock();
        let open = hosts.iter().filter_map(|(host, gate)| {
            gate.breaker.lock().open().map(|open| (host.clone(), open.clone()))
        });
        let mut open: Vec<_> = open.collect();
        open.sort_by(|a, b| a.0.cmp(&b.0));
        open
    }

    fn gate(&self, host: &str) -> Arc<Gate> {
        let mut hosts = self.hosts.lock();
        if let Some(gate) = hosts.get(host) {
            return Arc::clone(gate);
        }
        if hosts.len() >= MOST_HOSTS {
            hosts.retain(|_, gate| {
                Arc::strong_count(gate) > 1 || gate.breaker.lock().open().is_some()
            });
        }
        // All of them failing, or in use: then it is the failing ones that are asked once more.
        if hosts.len() >= MOST_HOSTS {
            hosts.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let gate = Arc::new(Gate {
            seats: Arc::new(Semaphore::new(self.settings.requests_at_once)),
            pace: Mutex::default(),
            breaker: Mutex::default(),
        });
        hosts.insert(host.into(), Arc::clone(&gate));
        gate
    }
}

fn refused(host: &str, open: Open) -> OutboundError {
    let Open { failures, since, next, why, .. } = open;
    OutboundError::LeftAlone { host: host.into(), failures, since, next, why }
}

impl Pass {
    /// How the request ended. Says whether the host may be asked again.
    pub(super) fn tell(mut self, verdict: &Verdict) -> bool {
        self.told = true;
        let mut breaker = self.gate.breaker.lock();
        match verdict {
            Verdict::Well => breaker.worked(),
            Verdict::Ours => breaker.abandoned(),
            Verdict::Passing { why, after } => {
                breaker.failed(why, *after, self.limits, &*self.clock);
            }
            Verdict::Ill { why } => breaker.failed(why, None, self.limits, &*self.clock),
        }
        breaker.open().is_none()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.told {
            self.gate.breaker.lock().abandoned();
        }
    }
}

impl Pace {
    /// How long to wait for the next turn, which is taken; or, where that is longer than there is time, how long it
    /// would be, and nothing is taken.
    fn take(
        &mut self,
        settings: &OutboundSettings,
        now: Duration,
        time: Duration,
    ) -> Result<Duration, Duration> {
        let between = Duration::from_mins(1) / settings.requests_per_minute;
        let in_a_burst = (settings.requests_per_minute / 4).max(1);
        let due = self.0.max(now);
        let wait = due.saturating_sub(now + between * (in_a_burst - 1));
        if wait > time {
            return Err(wait);
        }
        self.0 = due + between;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Standing;
    use super::*;

    fn settings() -> OutboundSettings {
        OutboundSettings { requests_per_minute: 12, ..OutboundSettings::default() }
    }

    #[test]
    fn a_quarter_of_a_minute_goes_at_once_and_the_rest_evenly() {
        let (mut pace, all_time) = (Pace::default(), Duration::MAX);
        let start = Duration::from_secs(100);
        let mut take = |seconds: u64, time| {
            pace.take(&settings(), start + Duration::from_secs(seconds), time)
                .map(|wait| wait.as_secs())
                .map_err(|wait| wait.as_secs())
        };
        assert_eq!([0; 5].map(|at| take(at, all_time).unwrap()), [0, 0, 0, 5, 10]);
        assert_eq!(take(0, Duration::from_secs(14)), Err(15));
        assert_eq!(take(0, Duration::from_secs(15)), Ok(15), "who was refused took nothing");
        assert_eq!([100, 100, 100, 100].map(|at| take(at, all_time).unwrap()), [0, 0, 0, 5]);
    }

    #[tokio::test]
    async fn each_host_has_its_own_gate_and_their_number_is_bounded() {
        let gates = Gates::new(settings(), Standing::new());
        let held = gates.enter("held.example:443", &Horizon::never()).await.unwrap();
        for n in 0..3 * MOST_HOSTS {
            let pass = gates.enter(&format!("{n}.example:443"), &Horizon::never()).await.unwrap();
            assert!(!pass.waited);
        }
        let hosts = gates.hosts.lock();
        assert!(hosts.len() <= MOST_HOSTS);
        assert!(hosts.contains_key("held.example:443"), "who is asked is not forgotten");
        drop(held);
    }
}
