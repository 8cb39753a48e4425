//! `GET /{hub}/events`: Server-Sent Events.

use super::errors::{JsonError, PageError};
use super::viewer::Asker;
use super::{Services, security};
use crate::hub::{HubName, Visibility};
use crate::live::{Announcement, Heard, Kind, Listener};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    asker: Asker,
) -> Result<Response, JsonError> {
    let viewer = services.viewer(&asker).await?;
    let found = services.find(&viewer, &hub).await?;
    if !viewer.may_read(&found) {
        return Err(PageError::NoSuchHub(hub).into());
    }
    let name = found.name;
    // A browser that comes back knows better than the page that it once loaded.
    let last = asker.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let listener = services.live.listen(&name, last.or(since.as_deref()));
    let checked_at = Instant::now();
    let reading =
        Reading { services, asker, hub: name, listener, checked_at, copies: VecDeque::new() };
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

/// A session may end elsewhere, without a word to its streams: so often they ask by themselves.
const ASK_AFTER: Duration = Duration::from_secs(10);

struct Reading {
    services: Arc<Services>,
    asker: Asker,
    hub: HubName,
    listener: Listener,
    /// When it was last asked whether the reader may read this.
    checked_at: Instant,
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
                Heard::Frame(frame) => {
                    let fresh = self.checked_at.elapsed() < ASK_AFTER;
                    return (fresh || self.may_go_on().await).then_some(frame);
                }
                Heard::Moved => self.copies = self.fresh_copies().await,
                Heard::Recheck if self.may_go_on().await => {}
                Heard::Recheck | Heard::Closed => return None,
            }
        }
    }

    /// Whether the reader may read this still. On a public hub that costs nothing.
    async fn may_go_on(&mut self) -> bool {
        self.checked_at = Instant::now();
        match self.services.triage.hub(&self.hub) {
            None => false,
            Some(hub) if hub.visibility == Visibility::Public => true,
            Some(hub) => {
                let viewer = self.services.viewer(&self.asker).await;
                viewer.is_ok_and(|viewer| viewer.may_read(&hub))
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
