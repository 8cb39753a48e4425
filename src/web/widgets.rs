//! One widget: as a fragment of HTML, and as the JSON that event streams carry.

use super::errors::{JsonError, PageError};
use super::viewer::Viewer;
use super::{Services, look, pages, problem, security, text};
use crate::hub::{HubName, InstanceId, Visibility};
use crate::rebuild::Current;
use crate::render::WidgetPage;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

/// `GET /{hub}/{id}/json`: the widget as SSE carries it; built first if it never was. 304 when the browser has it, 404
/// when it is gone.
pub(super) async fn json(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, JsonError> {
    let current = current(&services, &hub, &id).await?;
    let etag =
        HeaderValue::from_maybe_shared(current.etag.clone()).expect("hexadecimal digits in quotes");
    if knows(&headers, &etag) {
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

/// `GET /{hub}/{id}`: the widget alone. A browser gets it as a page, a script that asks for a fragment only the card, and
/// who accepts plain text rather than HTML its text. `?embed` is the card for a frame in another page.
pub(super) async fn fragment(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let current = current(&services, &hub, &id).await?;
    if look::as_text() {
        return Ok(text::widget(&current.view.html, (services.clock)()));
    }
    let embed = look::look().embed;
    if !navigates(&headers) && !embed {
        let mut response = Html(current.view.html.clone()).into_response();
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("accept, sec-fetch-dest"));
        return Ok(response);
    }
    let hub = pages::find(&services, &hub).await?;
    let cursor = services.live.cursor(&hub.name);
    let view = &current.view;
    let mut card = view.html.clone();
    if viewer.may_edit && !embed {
        card = problem::on_card(&services, view.id, &hub, card).await?;
    }
    let context = WidgetPage {
        hub: &hub,
        id: view.id,
        title: &view.title,
        description: &view.description,
        card: &card,
        cursor: &cursor,
        editor: viewer.may_edit && !embed,
    };
    let mut response = pages::page(&services, "widget.html", context)?;
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept, sec-fetch-dest, cookie"));
    if embed {
        services.framing.allow(&mut response);
    }
    Ok(response)
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

/// The widget of a path; its hub must be the one that it is on.
pub(super) async fn current(
    services: &Services,
    hub: &str,
    id: &str,
) -> Result<Arc<Current>, PageError> {
    let id: InstanceId = id.parse()?;
    let found = services.rebuild.current_or_built(id).await.map_err(PageError::internal)?;
    match found {
        Some(current)
            if current.view.hub.as_str() == hub && current.visibility == Visibility::Public =>
        {
            Ok(current)
        }
        _ => Err(PageError::NoSuchWidget { hub: hub.parse::<HubName>()?, id }),
    }
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
