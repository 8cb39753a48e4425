//! `GET /{hub}/events`: Server-Sent Events.

use super::errors::{JsonError, PageError};
use super::{Services, pages, security};
use crate::hub::{HubName, Visibility};
use crate::live::{Announcement, Heard, Kind, Listener};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Since {
    /// The page's cursor: what happened since it was rendered.
    since: Option<String>,
}

/// `GET /{hub}/events`: what happens on a hub, from `Last-Event-ID` or `?since=` on. A reader for whom too much has
/// happened gets a fresh copy of each widget. 404 when there is no such hub.
pub(super) async fn stream(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    Query(Since { since }): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, JsonError> {
    let found = pages::find(&services, &hub).await?;
    if found.visibility != Visibility::Public {
        return Err(PageError::NoSuchHub(hub).into());
    }
    let name = found.name;
    // A browser that comes back knows better than the page that it once loaded.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let listener = services.live.listen(&name, last.or(since.as_deref()));
    let reading = Reading { services, hub: name, listener, copies: VecDeque::new() };
    let frames = stream::unfold(reading, |mut reading| async move {
        let frame = reading.next().await?;
        Some((Ok::<_, Infallible>(frame), reading))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold every event back.
    answer.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(security::fenced(response))
}

struct Reading {
    services: Arc<Services>,
    hub: HubName,
    listener: Listener,
    /// For a reader who missed too much; at most two of each widget of the hub.
    copies: VecDeque<Bytes>,
}

impl Reading {
    /// The next frame, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.copies.pop_front() {
                return Some(frame);
            }
            match self.listener.next().await {
                Heard::Frame(frame) => return Some(frame),
                Heard::Moved => self.copies = self.fresh_copies().await,
                Heard::Closed => return None,
            }
        }
    }

    /// Each widget as it is now. The listener stands behind what it missed already, so nothing falls between.
    async fn fresh_copies(&self) -> VecDeque<Bytes> {
        match self.services.rebuild.of_hub(&self.hub).await {
            Ok(places) => {
                let widgets = places.iter().filter_map(|place| {
                    let current = place.current.as_ref()?;
                    let kind = Kind::Widget(current.view.id);
                    Some(Announcement { kind, data: current.json.clone() })
                });
                // A problem may have come or gone meanwhile.
                let problems = places.iter().map(|place| Announcement::problem(place.instance.id));
                widgets.chain(problems).map(|copy| self.listener.copy(&copy)).collect()
            }
            Err(error) => {
                tracing::error!(hub = %self.hub, error = format!("{error:#}"), "a returning reader got no fresh copies");
                VecDeque::new()
            }
        }
    }
}
