//! Why a widget was redrawn, or was not: as a page for its readers, as JSON for `hubs why`.

use super::errors::{JsonError, PageError};
use super::viewer::{Asker, Viewer};
use super::{Services, pages, widgets};
use crate::hub::InstanceId;
use crate::rebuild::Redraw;
use crate::render::WhyPage;
use crate::triage::{Why, WhyError};
use axum::Json;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Question {
    /// The id of a message.
    message: Option<String>,
}

/// What is known of an instance.
#[derive(Serialize)]
struct Account {
    #[serde(flatten)]
    why: Why,
    /// The rebuilds of the last hour, the newest first; those that the message caused, if one was asked for.
    redraws: Vec<Arc<Redraw>>,
}

/// `GET /{hub}/{id}/why[?message=ID]`: what the widget waits for, what it was asked within the last hour, what came of it.
/// 404 for a widget that is not there, and for a message that is forgotten.
pub(super) async fn page(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    asker: Asker,
    viewer: Viewer,
    Query(question): Query<Question>,
) -> Result<Response, PageError> {
    let current = widgets::current(&services, &asker, &hub, &id).await?;
    let view = &current.view;
    let account = account(&services, view.id, &question).await?;
    let context = WhyPage { hub: &view.hub, id: view.id, title: &view.title, account: &account };
    pages::page(&services, &viewer, "why.html", context)
}

/// `GET /api/why/{id}[?message=ID]`: the same as JSON, whoever may see the hub; from this machine, or with the token that
/// messages need.
pub(super) async fn json(
    State(services): State<Arc<Services>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Result<Response, JsonError> {
    if let Some(refused) = services.ingest.refuses(peer, &headers) {
        return Ok(refused);
    }
    let id: InstanceId = id.parse().map_err(PageError::from)?;
    Ok(Json(account(&services, id, &question).await?).into_response())
}

async fn account(
    services: &Services,
    id: InstanceId,
    question: &Question,
) -> Result<Account, PageError> {
    let message = question.message.as_deref().filter(|id| !id.is_empty());
    let why = services.triage.why(id, message).await.map_err(|error| match error {
        WhyError::NoInstance(_) | WhyError::Forgotten(_) => PageError::Gone(error.to_string()),
        WhyError::Unfit(_) | WhyError::Lost => PageError::internal(error),
    })?;
    let mut redraws = services.rebuild.lately(id);
    if let Some(message) = message {
        redraws.retain(|redraw| redraw.cause.as_ref().is_some_and(|cause| cause.id == message));
    }
    Ok(Account { why, redraws })
}
