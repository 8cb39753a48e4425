//! For whoever runs the service: is it well, and what does it count.

use super::Services;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// `GET /healthz`: 200 while it is well, 503 with the reasons while it is not.
pub(super) async fn healthz(State(services): State<Arc<Services>>) -> Response {
    let mut reasons = (services.health)();
    if let Err(error) = services.store.is_empty().await {
        tracing::error!(%error, "the store does not answer");
        reasons.push("the store does not answer".into());
    }
    if reasons.is_empty() {
        return Json(json!({ "status": "ok", "pending": services.rebuild.pending() }))
            .into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "failing", "reasons": reasons })))
        .into_response()
}

/// `GET /metrics`, in the text format of Prometheus.
pub(super) async fn metrics(State(services): State<Arc<Services>>) -> Response {
    services.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], services.metrics.render())
        .into_response()
}
