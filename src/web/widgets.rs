//! One widget: as a fragment of HTML, and as the JSON that event streams carry.

use super::errors::{JsonError, PageError};
use super::viewer::Asker;
use super::{Services, look, pages, problem, security, text};
use crate::hub::{HubName, InstanceId, Visibility};
use crate::rebuild::{Current, PagingError};
use crate::render::WidgetPage;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::num::NonZeroU32;
use std::sync::Arc;

/// `GET /{hub}/{id}/json`: the widget as SSE carries it; built first if it never was. 304 when the browser has it, 404
/// when it is gone.
pub(super) async fn json(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    asker: Asker,
) -> Result<Response, JsonError> {
    let current = current(&services, &asker, &hub, &id).await?;
    let etag =
        HeaderValue::from_maybe_shared(current.etag.clone()).expect("hexadecimal digits in quotes");
    if knows(&asker.headers, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::ETAG, etag);
        return Ok(security::fenced(response));
    }
    let mut response = Response::new(Body::from(current.json.clone()));
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.insert(header::ETAG, etag);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(security::fenced(response))
}

#[derive(Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    page: Option<NonZeroU32>,
}

/// `GET /{hub}/{id}[?page=N]`: the widget alone, or a further page of its entries. A browser gets it as a page, a script that
/// asks for a fragment only the card, and who accepts plain text rather than HTML its text. `?embed` is the card for a frame
/// in another page.
pub(super) async fn fragment(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    Query(Paging { page }): Query<Paging>,
    asker: Asker,
) -> Result<Response, PageError> {
    let mut current = current(&services, &asker, &hub, &id).await?;
    if let Some(page) = page.map(NonZeroU32::get).filter(|page| *page > 1) {
        current = services.rebuild.page(current.view.id, page).await.map_err(unpaged)?;
    }
    if look::as_text() {
        return Ok(text::widget(&current.view.html, (services.clock)()));
    }
    let embed = look::look().embed;
    let varies = HeaderValue::from_static("accept, sec-fetch-dest, cookie");
    if !navigates(&asker.headers) && !embed {
        let mut response = Html(current.view.html.clone()).into_response();
        response.headers_mut().insert(header::VARY, varies);
        return Ok(response);
    }
    let viewer = services.viewer(&asker).await?;
    let hub = services.find(&viewer, &hub).await?;
    let cursor = services.live.cursor(&hub.name);
    let view = &current.view;
    let mut card = view.html.clone();
    let editor = viewer.may_mend() && !embed;
    if editor {
        card = problem::on_card(&services, view.id, &hub, card).await?;
    }
    let context = WidgetPage {
        hub: &hub,
        id: view.id,
        title: &view.title,
        description: &view.description,
        card: &card,
        cursor: &cursor,
        editor,
    };
    let mut response = pages::page(&services, &viewer, "widget.html", context)?;
    response.headers_mut().append(header::VARY, varies);
    if embed {
        services.framing.allow(&mut response);
    }
    if hub.visibility != Visibility::Public {
        pages::keep_nowhere(&mut response);
    }
    Ok(response)
}

fn unpaged(error: PagingError) -> PageError {
    match error {
        PagingError::Internal(error) => PageError::internal(error),
        PagingError::Busy | PagingError::Failed(_) => PageError::Busy(error.to_string()),
        PagingError::None => PageError::Gone(error.to_string()),
    }
}

/// Whether a person goes there, not a script. Browsers say so over HTTPS and on this machine; else by what they accept.
pub(super) fn navigates(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-dest") {
        Some(destination) => destination == "document",
        None => headers
            .get(header::ACCEPT)
            .is_some_and(|kinds| kinds.as_bytes().starts_with(b"text/html")),
    }
}

/// The widget of a path; its hub must be the one that it is on, and for the eyes of whoever asks. Of a public one that
/// is found out without asking the store.
pub(super) async fn current(
    services: &Services,
    asker: &Asker,
    hub: &str,
    id: &str,
) -> Result<Arc<Current>, PageError> {
    let id: InstanceId = id.parse()?;
    let hub: HubName = hub.parse()?;
    let no_such = || PageError::NoSuchWidget { hub: hub.clone(), id };
    let home = services.triage.hub(&hub).ok_or_else(no_such)?;
    if home.visibility != Visibility::Public && !services.viewer(asker).await?.may_read(&home) {
        return Err(no_such());
    }
    let found = services.rebuild.current_or_built(id).await.map_err(PageError::internal)?;
    found.filter(|current| current.view.hub == hub).ok_or_else(no_such)
}

pub(super) fn knows(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|known| {
        known == etag
            || known.to_str().is_ok_and(|list| {
                list.split(',')
                    .any(|one| one.trim().trim_start_matches("W/").as_bytes() == etag.as_bytes())
            })
    })
}
