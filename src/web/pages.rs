//! Pages: all hubs, and one hub; both complete without JavaScript.

use super::errors::{JsonError, PageError};
use super::openapi::{HubJson, ViewerJson};
use super::viewer::Viewer;
use super::{Services, feed, look, problem, roles, text};
use crate::hub::{Column, Hub, HubKind, Visibility};
use crate::rebuild::Place;
use crate::render::{Framed, GalleryEntry, HubPage, HubSearch, HubSummary, IndexPage, plain};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Hubs that the first page shows of each kind; a search finds the others.
const SHOWN: usize = 200;

#[derive(Deserialize)]
pub(super) struct Search {
    q: Option<String>,
}

/// `GET /`: one's own hub; without one, or with `?q=`, all hubs that one may read, or the hubs, people and widgets whose
/// name or summary has what it says.
pub(super) async fn index(
    State(services): State<Arc<Services>>,
    viewer: Viewer,
    Query(Search { q }): Query<Search>,
) -> Result<Response, PageError> {
    let hubs = services.store.hubs().await.map_err(PageError::internal)?;
    if q.is_none()
        && let Some(own) = hubs.iter().find(|hub| viewer.is_own(hub))
    {
        return Ok(Redirect::to(&format!("/{}", own.name)).into_response());
    }
    let q = q.unwrap_or_default();
    let words = q.to_lowercase();
    let found = |hub: &&Hub| {
        viewer.may_read(hub)
            && (hub.name.as_str().contains(&words) || hub.summary.to_lowercase().contains(&words))
    };
    let of = |kind: HubKind| -> Vec<HubSummary<'_>> {
        hubs.iter()
            .filter(found)
            .filter(|hub| hub.kind == kind)
            .take(SHOWN)
            .map(HubSummary::from)
            .collect()
    };
    let (groups, users) = (of(HubKind::Group), of(HubKind::User));
    let library = services.shelf.library();
    let has = |text: &str| text.to_lowercase().contains(&words);
    let mut widgets = Vec::new();
    if !words.is_empty() {
        let fits =
            library.widgets().filter(|it| has(it.name.as_str()) || has(&it.title) || has(&it.doc));
        widgets.extend(fits.take(SHOWN).map(|it| GalleryEntry {
            name: &it.name,
            title: &it.title,
            summary: it.summary(),
        }));
    }
    let context = IndexPage { groups: &groups, users: &users, widgets: &widgets, query: &q };
    page(&services, &viewer, "index.html", context)
}

/// `GET /{hub}`: the page, every cached widget already in it and skeletons for the others. `?q=` shows the cards that
/// have its words; `?embed` has no bar and no header; plain text for who accepts that rather than HTML.
pub(super) async fn hub(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    Query(Search { q }): Query<Search>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let found = Arc::new(services.find(&viewer, &name).await?);
    // Before the widgets are looked at: what happens from here on reaches the page by its stream.
    let cursor = services.live.cursor(&found.name);
    // A preview is the hub's name and summary: its widgets are for its members.
    let places = if viewer.may_read(&found) {
        services.rebuild.of_hub(&found.name).await.map_err(PageError::internal)?
    } else {
        Vec::new()
    };
    if look::as_text() {
        let cards: Vec<String> = places.iter().map(card).collect();
        let hub = shown(&viewer, &found);
        return Ok(text::hub(&hub, &cards, (services.clock)()));
    }
    let q = q.unwrap_or_default();
    let (words, editor) = (Words::of(&q), viewer.may_mend() && !look::look().embed);
    let column = |column: Column| -> Vec<String> {
        let places = places.iter().filter(|place| place.instance.column == column);
        places
            .map(|place| {
                let card = words.put_out(card(place));
                if editor {
                    problem::with_problem(&services, &place.instance, &found, card)
                } else {
                    card
                }
            })
            .collect()
    };
    let days_idle = found.days_idle((services.clock)());
    let (left, right) = (column(Column::Left), column(Column::Right));
    let hub = shown(&viewer, &found);
    let is_out = |card: &String| card.starts_with(OUT);
    let mut response = page(
        &services,
        &viewer,
        "hub.html",
        HubPage {
            hub: &hub,
            days_idle,
            left: &left,
            right: &right,
            cursor: &cursor,
            editor,
            deeds: roles::buttons(&services, &viewer, &found),
            may_edit: viewer.may_edit(&found),
            closed: !viewer.may_read(&found),
            feed: places.iter().any(feed::is_feed).then(|| format!("/{}/feed.atom", found.name)),
            search: HubSearch {
                query: q.trim(),
                nothing: !places.is_empty() && left.iter().chain(&right).all(is_out),
            },
        },
    )?;
    if look::look().embed {
        services.framing.allow(&mut response);
    }
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("accept, accept-language, cookie"));
    if found.visibility != Visibility::Public {
        keep_nowhere(&mut response);
    }
    Ok(response)
}

/// How a card begins that a search has put out of sight; hubs.js takes it back when the search is another.
const OUT: &str = "<article data-out class=";

/// What is searched for on a hub.
struct Words(Vec<String>);

impl Words {
    fn of(query: &str) -> Self {
        Self(query.split_whitespace().map(str::to_lowercase).collect())
    }

    /// The card, out of sight unless it has all the words.
    fn put_out(&self, card: String) -> String {
        let has = || {
            let shown = plain(card.split("<footer").next().unwrap_or("")).to_lowercase();
            self.0.iter().all(|word| shown.contains(&**word))
        };
        if self.0.is_empty() || has() { card } else { card.replacen("<article class=", OUT, 1) }
    }
}

/// A hub as somebody sees it who may know of it: of one that they may not read the name and the summary.
fn shown<'h>(viewer: &Viewer, hub: &'h Hub) -> Cow<'h, Hub> {
    if viewer.may_read(hub) {
        return Cow::Borrowed(hub);
    }
    let nobody = Vec::new;
    Cow::Owned(Hub {
        owners: nobody(),
        members: nobody(),
        subscribers: nobody(),
        stargazers: nobody(),
        last_active: hub.created_at,
        ..hub.clone()
    })
}

/// What is not for everybody is not found again in a browser that somebody else sits at.
pub(super) fn keep_nowhere(response: &mut Response) {
    let kept = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
}

/// The whole card, or what stands in its place.
pub(super) fn card(place: &Place) -> String {
    match (&place.current, &place.skeleton) {
        (Some(current), _) => current.view.html.clone(),
        (None, skeleton) => skeleton.clone().unwrap_or_default(),
    }
}

/// `GET /{hub}/json`: the hub for programs, widgets by id.
pub(super) async fn hub_json(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    viewer: Viewer,
) -> Result<Response, JsonError> {
    let found = services.find(&viewer, &name).await?;
    let hub = shown(&viewer, &found);
    let instances = if viewer.may_read(&found) {
        services.store.instances(&hub.name).await.map_err(PageError::internal)?
    } else {
        Vec::new()
    };
    let placed: Vec<_> = instances.iter().map(|it| (it.id, it.column)).collect();
    let who = viewer.username().map(|username| ViewerJson {
        username,
        roles: viewer.roles_on(&found),
        may_join: viewer.may_join(&found),
        may_edit: viewer.may_edit(&found),
    });
    let told = HubJson::new(&hub, &placed, who);
    let mut response = Json(told).into_response();
    keep(&mut response, &viewer);
    if found.visibility != Visibility::Public {
        keep_nowhere(&mut response);
    }
    Ok(response)
}

/// What differs by who asks is for nobody else's cache.
fn keep(response: &mut Response, viewer: &Viewer) {
    let kept = if viewer.username().is_some() { "private, no-cache" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.append(header::VARY, HeaderValue::from_static("cookie"));
}

/// A page with its viewer's part, which is another one at the next look.
pub(super) fn page(
    services: &Services,
    viewer: &Viewer,
    template: &str,
    context: impl serde::Serialize,
) -> Result<Response, PageError> {
    let framed = Framed { page: context, frame: viewer.frame() };
    let html = services
        .renderer
        .page_for(look::look(), template, framed, (services.clock)())
        .map_err(PageError::internal)?;
    let mut response = Html(html).into_response();
    keep(&mut response, viewer);
    Ok(response)
}
