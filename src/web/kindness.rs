//! How other servers are treated, for `hubs doctor kindness`.

use super::Services;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// `GET /api/kindness`: per host what it was asked and spared since the start, and who is left alone just now; from this
/// machine, or with the token that messages need.
pub(super) async fn json(
    State(services): State<Arc<Services>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    services
        .ingest
        .refuses(peer, &headers)
        .unwrap_or_else(|| Json(services.outbound.kindness()).into_response())
}
