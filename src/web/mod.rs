//! Routes, pages and the event stream.
//!
//! A handler reads as its HTTP contract (docs: DESIGN's table of routes in docs/ARCHITECTURE.md). It asks the service
//! rooms, `rebuild` for widgets and `live` for streams, and answers; it keeps nothing. Tests call [`routes`] without a
//! socket. Knows no script and no bus: messages that come in over HTTP go into the same channel as all others.

mod assets;
mod badge;
mod errors;
mod events;
mod feed;
mod gallery;
mod hooks;
mod ingest;
mod kindness;
mod listen;
mod look;
mod operations;
mod pages;
mod problem;
mod security;
mod source;
mod text;
mod viewer;
mod why;
mod widgets;

pub use assets::Assets;
pub use gallery::{CaseOutcome, CaseRuns, Previews, RunCases};
pub use hooks::Webhooks;
pub use ingest::Ingest;
pub use listen::{bind, serve};
pub use security::Framing;

use crate::config::Auth;
use crate::live::Live;
use crate::outbound::Outbound;
use crate::rebuild::Rebuild;
use crate::render::Renderer;
use crate::store::Store;
use crate::triage::Triage;
use crate::widget::Shelf;
use axum::routing::{get, post};
use axum::{Router, middleware};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
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
    pub auth: Auth,
    pub framing: Framing,
    /// How others reach the service, if that is said: else as each of them does.
    pub public_url: Option<url::Url>,
    /// Why the service is not well; empty when it is.
    pub health: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    pub clock: fn() -> Timestamp,
}

/// Every route of the service.
pub fn routes(services: Services) -> Router {
    let services = Arc::new(services);
    let pages = Router::new()
        .route("/", get(pages::index))
        .route("/{hub}", get(pages::hub))
        .route("/{hub}/json", get(pages::hub_json))
        .route("/{hub}/feed.atom", get(feed::of_hub))
        .route("/{hub}/{id}", get(widgets::fragment))
        .route("/{hub}/{id}/atom", get(feed::of_widget))
        .route("/{hub}/{id}/badge.svg", get(badge::svg))
        .route("/{hub}/{id}/why", get(why::page))
        .route("/{hub}/{id}/problem", get(problem::show))
        .route("/api/why/{id}", get(why::json))
        .route("/api/kindness", get(kindness::json))
        .route("/source/{widget}", get(source::show))
        .route("/widgets", get(gallery::list))
        .route("/widgets/{name}", get(gallery::show))
        .route("/widgets/script-reference", get(gallery::script_reference))
        .route("/static/{*path}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .route("/api/messages", post(ingest::messages))
        .route("/hooks/github", post(hooks::github))
        .route("/healthz", get(operations::healthz))
        .route("/metrics", get(operations::metrics))
        .fallback(errors::no_such_page)
        .layer(CompressionLayer::new())
        .layer(middleware::map_response_with_state(services.clone(), errors::render))
        .layer(middleware::from_fn(look::seen))
        .layer(middleware::map_response(security::fence))
        .layer(CatchPanicLayer::custom(errors::panicked));
    // A stream must reach the browser as it is written, and a cached widget is answered from memory: no layer stands
    // between, the handlers fence their answers in themselves, and a panic ends the one connection.
    let live = Router::new()
        .route("/{hub}/events", get(events::stream))
        .route("/{hub}/{id}/json", get(widgets::json));
    pages.merge(live).with_state(services)
}
