//! Pages: all hubs, and one hub; both complete without JavaScript.

use super::errors::{JsonError, PageError};
use super::viewer::Viewer;
use super::{Services, feed, look, problem, text};
use crate::hub::{Column, Hub, HubKind, HubName, Visibility};
use crate::rebuild::Place;
use crate::render::{HubPage, HubSummary, IndexPage, plain};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Hubs that the first page shows of each kind; a search finds the others.
const SHOWN: usize = 200;

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /`: all public hubs, or those whose name or summary has what `?q=` says.
pub(super) async fn index(
    State(services): State<Arc<Services>>,
    Query(Search { q }): Query<Search>,
) -> Result<Response, PageError> {
    let hubs = services.store.hubs().await.map_err(PageError::internal)?;
    let words = q.to_lowercase();
    let found = |hub: &&Hub| {
        hub.visibility == Visibility::Public
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
    let context = IndexPage { groups: &groups, users: &users, query: &q };
    page(&services, "index.html", context)
}

/// `GET /{hub}`: the page, every cached widget already in it and skeletons for the others. `?q=` shows the cards that
/// have its words; `?embed` has no bar and no header; plain text for who accepts that rather than HTML.
pub(super) async fn hub(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    Query(Search { q }): Query<Search>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let found = Arc::new(find(&services, &name).await?);
    // Before the widgets are looked at: what happens from here on reaches the page by its stream.
    let cursor = services.live.cursor(&found.name);
    // A preview is the hub's name and summary: its widgets are for its members.
    let places = match found.visibility {
        Visibility::Public => {
            services.rebuild.of_hub(&found.name).await.map_err(PageError::internal)?
        }
        _ => Vec::new(),
    };
    if look::as_text() {
        let cards: Vec<String> = places.iter().map(html).collect();
        return Ok(text::hub(&found, &cards, (services.clock)()));
    }
    let (words, editor) = (Words::of(&q), viewer.may_edit && !look::look().embed);
    let column = |column: Column| -> Vec<String> {
        let places = places.iter().filter(|place| place.instance.column == column);
        places
            .map(|place| {
                let card = words.put_out(html(place));
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
    let is_out = |card: &String| card.starts_with(OUT);
    let mut response = page(
        &services,
        "hub.html",
        HubPage {
            hub: &found,
            days_idle,
            left: &left,
            right: &right,
            cursor: &cursor,
            editor,
            closed: found.visibility != Visibility::Public,
            has_feed: places.iter().any(feed::is_feed),
            searchable: true,
            query: q.trim(),
            nothing: !places.is_empty() && left.iter().chain(&right).all(is_out),
        },
    )?;
    if look::look().embed {
        services.framing.allow(&mut response);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, cookie"));
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

fn html(place: &Place) -> String {
    match (&place.current, &place.skeleton) {
        (Some(current), _) => current.view.html.clone(),
        (None, skeleton) => skeleton.clone().unwrap_or_default(),
    }
}

/// `GET /{hub}/json`: the hub for programs, widgets by id.
pub(super) async fn hub_json(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, JsonError> {
    let hub = find(&services, &name).await?;
    let instances = services.store.instances(&hub.name).await.map_err(PageError::internal)?;
    let ids: Vec<_> = instances.iter().map(|instance| instance.id).collect();
    let of =
        |column| instances.iter().filter(|i| i.column == column).map(|i| i.id).collect::<Vec<_>>();
    // Owners are members too, as readers of the original expect.
    let mut members: Vec<_> = hub.members.iter().chain(&hub.owners).collect();
    members.sort_unstable();
    members.dedup();
    Ok(Json(json!({
        "name": hub.name,
        "kind": hub.kind,
        "summary": hub.summary,
        "avatar": hub.avatar,
        "columns": { "left": of(Column::Left), "right": of(Column::Right), "left_width": hub.left_width },
        "left_width": hub.left_width,
        "widgets": ids,
        "owners": hub.owners,
        "members": members,
        "subscribers": hub.subscribers,
        "stargazers": hub.stargazers,
        "archived": hub.archived,
        "visibility": hub.visibility,
    })))
}

/// The hub of a path. One that is not public is not there for somebody who is not logged in.
pub(super) async fn find(services: &Services, name: &str) -> Result<Hub, PageError> {
    let no_such = || PageError::NoSuchHub(name.to_owned());
    let parsed: HubName = name.parse().map_err(|_| no_such())?;
    let found = services.store.hub(&parsed).await.map_err(PageError::internal)?;
    found.filter(|hub| hub.visibility != Visibility::Private).ok_or_else(no_such)
}

/// A page, which is another one at the next look.
pub(super) fn page(
    services: &Services,
    template: &str,
    context: impl serde::Serialize,
) -> Result<Response, PageError> {
    let html = services
        .renderer
        .page_for(look::look(), template, context, (services.clock)())
        .map_err(PageError::internal)?;
    let mut response = Html(html).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
