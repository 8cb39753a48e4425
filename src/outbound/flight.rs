//! Single flight: who asks for what is already being fetched waits for that answer.

use super::{Answer, OutboundError};
use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

type Landing = Result<Answer, OutboundError>;
type Journey = Shared<BoxFuture<'static, Landing>>;

/// What makes two requests the same. HOSTS belong to it: a redirect may be allowed to one script and not to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub(super) url: String,
    pub(super) hosts: String,
}

/// The flights in the air. As many as there are requests under way, which the script threads bound.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Route, WeakShared<BoxFuture<'static, Landing>>>>>);

impl Flights {
    /// Joins the flight on this route, or starts one. It is called off when its last passenger leaves.
    pub(super) fn join<F>(&self, route: Route, start: impl FnOnce() -> F) -> Journey
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut air = self.0.lock();
        if let Some(journey) = air.get(&route).and_then(WeakShared::upgrade) {
            return journey;
        }
        let (flight, off_the_board) = (start(), Listed(self.clone(), route.clone()));
        let journey = async move {
            let landed = flight.await;
            drop(off_the_board);
            landed
        };
        let journey = journey.boxed().shared();
        air.insert(
            route,
            journey.downgrade().expect("a flight that was not polled has not landed"),
        );
        journey
    }
}

/// Takes a route off the board when its flight has landed or was called off.
struct Listed(Flights, Route);

impl Drop for Listed {
    fn drop(&mut self) {
        self.0.0.lock().remove(&self.1);
    }
}
