//! Single flight: who asks for what is already being fetched waits for that answer.

use super::{Answer, OutboundError};
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};

type Landing = Result<Answer, OutboundError>;
type Journey = Shared<BoxFuture<'static, Landing>>;

/// What makes two requests the same: a hash of the URL and of all headers. HOSTS do not belong to it: they are looked
/// at before, hop by hop.
pub(super) type Route = [u8; 32];

/// Until when somebody waits for a flight, on the clock that never goes back. Who comes later may move it on.
#[derive(Clone)]
pub(super) struct Horizon(Arc<Mutex<Duration>>);

impl Horizon {
    pub(super) fn at(time: Duration) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self::at(Duration::MAX)
    }

    pub(super) fn left(&self, now: Duration) -> Duration {
        self.0.lock().saturating_sub(now)
    }

    fn move_on(&self, time: Duration) {
        let mut until = self.0.lock();
        *until = time.max(*until);
    }
}

/// The flights in the air. As many as there are requests under way, which the script threads bound.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Route, Flight>>>);

/// When somebody comes, and what they want.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) now: Timestamp,
    /// A flight that began before may bring what is old.
    pub(super) since: Option<Timestamp>,
    /// On the clock that never goes back.
    pub(super) until: Duration,
}

struct Flight {
    begun: Timestamp,
    journey: WeakShared<BoxFuture<'static, Landing>>,
    horizon: Horizon,
}

impl Flights {
    /// Joins the flight on this route (`true`), or starts one. It is called off when its last passenger leaves.
    pub(super) fn join<F>(
        &self,
        route: Route,
        times: Times,
        start: impl FnOnce(Horizon) -> F,
    ) -> (Journey, bool)
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut air = self.0.lock();
        if let Some(flight) = air.get(&route)
            && times.since.is_none_or(|since| flight.begun >= since)
            && let Some(journey) = flight.journey.upgrade()
        {
            flight.horizon.move_on(times.until);
            return (journey, true);
        }
        let horizon = Horizon::at(times.until);
        let off_the_board = Listed(self.clone(), route, horizon.clone());
        let flight = start(horizon.clone());
        let journey = async move {
            let landed = flight.await;
            drop(off_the_board);
            landed
        };
        let journey = journey.boxed().shared();
        let listed = journey.downgrade().expect("a flight that was not polled has not landed");
        air.insert(route, Flight { begun: times.now, journey: listed, horizon });
        (journey, false)
    }
}

/// Takes a route off the board when its flight has landed or was called off.
struct Listed(Flights, Route, Horizon);

impl Drop for Listed {
    fn drop(&mut self) {
        let mut air = self.0.0.lock();
        // The next one on its route may be listed already.
        if air.get(&self.1).is_some_and(|flight| Arc::ptr_eq(&flight.horizon.0, &self.2.0)) {
            air.remove(&self.1);
        }
    }
}
