//! Routes, pages and the event stream.
//!
//! A handler reads as its HTTP contract (docs: DESIGN's table of routes in docs/ARCHITECTURE.md). It asks the service
//! rooms, `rebuild` for widgets and `live` for streams, and answers; it keeps nothing. Tests call [`routes()`] without a
//! socket. Knows no script and no bus: messages that come in over HTTP go into the same channel as all others.

mod accounts;
mod assets;
mod attempts;
mod badge;
mod editing;
mod errors;
mod events;
mod feed;
mod form;
mod gallery;
mod guard;
mod hooks;
mod ingest;
mod kindness;
mod listen;
mod login;
mod look;
mod openapi;
mod operations;
mod pages;
mod problem;
mod roles;
mod routes;
mod security;
mod session;
mod source;
mod text;
mod viewer;
mod why;
mod widgets;

pub use accounts::{Accounts, Changing, Tell};
pub use assets::Assets;
pub use editing::Pace;
pub use gallery::{CaseOutcome, CaseRuns, Previews, RunCases};
pub use hooks::Webhooks;
pub use ingest::Ingest;
pub use listen::{bind, serve};
pub use routes::Route;
pub use security::Framing;

use crate::live::Live;
use crate::outbound::Outbound;
use crate::rebuild::Rebuild;
use crate::render::Renderer;
use crate::store::Store;
use crate::triage::Triage;
use crate::widget::Shelf;
use axum::{Router, middleware};
use errors::PageError;
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use routes::Routes;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// What handlers ask: a bundle of handles.
pub struct Services {
    pub store: Store,
    pub rebuild: Rebuild,
    pub triage: Triage,
    pub live: Live,
    pub outbound: Outbound,
    pub shelf: Arc<Shelf>,
    pub renderer: Arc<Renderer>,
    pub assets: Arc<Assets>,
    pub ingest: Ingest,
    pub webhooks: Webhooks,
    pub previews: Previews,
    pub cases: CaseRuns,
    pub metrics: PrometheusHandle,
    pub accounts: Accounts,
    pub pace: Pace,
    pub framing: Framing,
    /// How others reach the service, if that is said: else as each of them does.
    pub public_url: Option<url::Url>,
    /// Why the service is not well; empty when it is.
    pub health: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    pub clock: fn() -> Timestamp,
}

impl Services {
    /// Runs to its end, also when whoever asked for it goes away: what is stored must be told, too.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, PageError> {
        tokio::spawn(work).await.map_err(PageError::internal)
    }
}

/// The routes that answer with pages, and those beside them that no layer may hold up.
fn pages() -> Routes {
    Routes::default()
        .get("/", pages::index)
        .get("/{hub}", pages::hub)
        .get("/{hub}/json", pages::hub_json)
        .get("/{hub}/feed.atom", feed::of_hub)
        .get("/{hub}/{id}", widgets::fragment)
        .get("/{hub}/{id}/atom", feed::of_widget)
        .get("/{hub}/{id}/badge.svg", badge::svg)
        .get("/{hub}/{id}/why", why::page)
        .get("/{hub}/{id}/problem", problem::show)
        .post("/api/hub/{hub}/{deed}", roles::act)
        .get("/{hub}/edit", editing::show)
        .get("/{hub}/{id}/edit", editing::settings)
        .post("/{hub}/{id}/edit", editing::configure)
        .post("/{hub}/{id}/delete", editing::delete)
        .post("/{hub}/widgets", editing::add)
        .post("/{hub}/layout", editing::layout)
        .post("/{hub}/details", editing::describe)
        .post("/{hub}/people", editing::people)
        .post("/{hub}/revert", editing::revert)
        .get("/api/why/{id}", why::json)
        .get("/api/kindness", kindness::json)
        .get("/source/{widget}", source::show)
        .get("/widgets", gallery::list)
        .get("/widgets/{name}", gallery::show)
        .get("/widgets/script-reference", gallery::script_reference)
        .get("/login", login::show)
        .post("/login", login::enter)
        .get("/login/callback", login::callback)
        .post("/logout", login::leave)
        .get("/static/{*path}", assets::serve)
        .get("/favicon.ico", assets::favicon)
        .post("/api/messages", ingest::messages)
        .post("/hooks/github", hooks::github)
        .get("/healthz", operations::healthz)
        .get("/metrics", operations::metrics)
        .get("/openapi.json", openapi::show)
}

fn live() -> Routes {
    Routes::default().get("/{hub}/events", events::stream).get("/{hub}/{id}/json", widgets::json)
}

/// Every route there is, by path and method.
pub fn listed() -> Vec<Route> {
    let mut listed = [pages().listed, live().listed].concat();
    listed.sort_unstable();
    listed
}

/// Every route of the service.
pub fn routes(services: Services) -> Router {
    let services = Arc::new(services);
    let guard = || middleware::from_fn_with_state(services.clone(), guard::guard);
    let pages = pages()
        .router
        .fallback(errors::no_such_page)
        .layer(guard())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(services.clone(), errors::render))
        .layer(middleware::from_fn(look::seen))
        .layer(middleware::map_response(security::fence))
        .layer(CatchPanicLayer::custom(errors::panicked));
    // A stream must reach the browser as it is written, and a cached widget is answered from memory: no layer stands
    // between, the handlers fence their answers in themselves, and a panic ends the one connection.
    let live = live().router.layer(guard());
    pages.merge(live).with_state(services)
}
