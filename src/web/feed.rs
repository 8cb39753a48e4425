//! Feeds in Atom: what a hub's feeds show, for readers of feeds.

use super::errors::PageError;
use super::viewer::Asker;
use super::{Services, widgets};
use crate::rebuild::{Current, Place};
use crate::render::{AtomEntry, AtomFeed, atom, moment};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Of a whole hub.
const ENTRIES: usize = 100;
/// The widget whose entries are a hub's feed.
const FEED: &str = "feed";

/// Whether a place on a hub has a feed in it.
pub(super) fn is_feed(place: &Place) -> bool {
    place.instance.widget.as_str() == FEED
}

/// `GET /{hub}/feed.atom`: what the hub's feeds show, newest first. 404 when it has none.
pub(super) async fn of_hub(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    asker: Asker,
) -> Result<Response, PageError> {
    let viewer = services.viewer(&asker).await?;
    let found = services.find(&viewer, &hub).await?;
    let no_feed = || PageError::NoSuchPage(format!("/{hub}/feed.atom"));
    if !viewer.may_read(&found) {
        return Err(no_feed());
    }
    let places = services.rebuild.of_hub(&found.name).await.map_err(PageError::internal)?;
    let feeds: Vec<&Place> = places.iter().filter(|place| is_feed(place)).collect();
    if feeds.is_empty() {
        return Err(no_feed());
    }
    let page = format!("{}/{}", base(&services, &asker.headers), found.name);
    let mut entries: Vec<AtomEntry> = feeds
        .iter()
        .filter_map(|place| place.current.as_deref())
        .flat_map(|current| entries(current, &page))
        .collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    let mut seen = HashSet::new();
    entries.retain(|entry| seen.insert(entry.id.clone()));
    entries.truncate(ENTRIES);
    let title = if found.summary.is_empty() { found.name.as_str() } else { &found.summary };
    let updated = entries.first().map_or(found.last_active, |newest| newest.at);
    let address = format!("{page}/feed.atom");
    Ok(answer(&AtomFeed { title, page: &page, address: &address, updated, entries }))
}

/// `GET /{hub}/{id}/atom`: the entries of one widget. 404 when it is not there, or shows nothing that has a time.
pub(super) async fn of_widget(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    asker: Asker,
) -> Result<Response, PageError> {
    let current = widgets::current(&services, &asker, &hub, &id).await?;
    let view = &current.view;
    let hub_page = format!("{}/{}", base(&services, &asker.headers), view.hub);
    let entries = entries(&current, &hub_page);
    if entries.is_empty() && view.widget.as_str() != FEED {
        let said = format!(
            "The widget {id} of `{hub}` has no entries to follow: none of its lists has times."
        );
        return Err(PageError::Gone(said));
    }
    let newest = entries.iter().map(|entry| entry.at).max();
    let updated = newest.or(view.built_at).unwrap_or_else(|| (services.clock)());
    let (title, page) = (format!("{} of {}", view.title, view.hub), format!("{hub_page}/{id}"));
    let address = format!("{page}/atom");
    Ok(answer(&AtomFeed { title: &title, page: &page, address: &address, updated, entries }))
}

/// What a widget shows in a list whose elements have a time and words, as the feed's `items` have.
fn entries(current: &Current, hub_page: &str) -> Vec<AtomEntry> {
    let lists = current.view.data.as_object().into_iter().flat_map(|data| data.values());
    lists.filter_map(Value::as_array).flatten().filter_map(|item| entry(item, hub_page)).collect()
}

fn entry(item: &Value, hub_page: &str) -> Option<AtomEntry> {
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| item.get(*name)?.as_str());
        found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let at = ["sent_at", "published", "updated", "at", "time"].iter().find_map(|name| {
        let value = item.get(*name)?;
        moment(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    })?;
    let title = text(&["summary", "title", "name"])?;
    let link = text(&["link", "url"])
        .filter(|link| link.starts_with("https://") || link.starts_with("http://"));
    let id = text(&["id"]).or_else(|| link.clone()).unwrap_or_else(|| format!("{at} {title}"));
    let id = format!("{hub_page}#{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
    Some(AtomEntry { id, title, link, author: text(&["who", "author"]), at })
}

/// How whoever asks reaches this server, without a slash at the end.
fn base(services: &Services, headers: &HeaderMap) -> String {
    if let Some(url) = &services.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}

fn answer(feed: &AtomFeed<'_>) -> Response {
    let mut response = atom(feed).into_response();
    let answer = response.headers_mut();
    answer.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/atom+xml; charset=utf-8"),
    );
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
