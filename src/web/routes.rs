//! The list of routes: what answers is put in by the same call that writes it down.
//!
//! A test walks the list with every kind of visitor, so that a new route can't be forgotten there.

use super::Services;
use axum::Router;
use axum::handler::Handler;
use axum::routing;
use std::sync::Arc;

/// One way to ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `{hub}` and the like stand for any word.
    pub path: &'static str,
    /// `GET` is for `HEAD` too.
    pub method: &'static str,
}

#[derive(Default)]
pub(super) struct Routes {
    pub(super) router: Router<Arc<Services>>,
    pub(super) listed: Vec<Route>,
}

impl Routes {
    #[must_use]
    pub(super) fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Services>>,
        T: 'static,
    {
        self.add(Route { path, method: "GET" }, routing::get(handler))
    }

    #[must_use]
    pub(super) fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Services>>,
        T: 'static,
    {
        self.add(Route { path, method: "POST" }, routing::post(handler))
    }

    fn add(mut self, route: Route, answering: routing::MethodRouter<Arc<Services>>) -> Self {
        self.listed.push(route);
        Self { router: self.router.route(route.path, answering), ..self }
    }
}
