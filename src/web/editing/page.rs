//! `GET /{hub}/edit`: a hub with all that its owners may do.

use super::super::errors::{PageError, wants_page};
use super::super::form::{self, Lists};
use super::super::viewer::Viewer;
use super::super::{Services, pages};
use super::given::Given;
use super::words::Namer;
use super::{Editor, adding, conflict_of};
use crate::hub::{Column, Hub};
use crate::render::{Detail, EditPage, EditPlace, GalleryEntry, PersonRow};
use crate::store::{Details, EditError};
use crate::widget::Definition;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Changes that the page shows at once.
const CHANGES: u32 = 30;
/// People of the hub that the page shows; a form reaches the others by name.
const PEOPLE: usize = 200;
/// Names that a field suggests.
pub(super) const KNOWN: u32 = 200;

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Look {
    /// What is searched for among the widgets.
    #[serde(default)]
    pub(super) q: String,
    /// The change that was just made.
    done: Option<u64>,
    /// Changes before this one.
    before: Option<u64>,
    /// A widget that is to be added.
    add: Option<String>,
    pub(super) column: Option<String>,
}

/// `GET /{hub}/edit`: the page of a hub in which it is edited; with `?add=WIDGET` the settings of a widget that is to come;
/// for a program `{hub, version, details, owners, members, columns}`. 401 for who is not logged in, 403 for who is no owner.
pub(in super::super) async fn show(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    Query(look): Query<Look>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let editor = Editor::of(&services, viewer, &hub).await?;
        if !wants_page(&headers) {
            return json(&services, &editor).await;
        }
        if let Some(widget) = &look.add {
            return adding::page(&services, &editor, widget, &look).await;
        }
        page(&services, &editor, &look, &Said::default()).await
    };
    shown.await.unwrap_or_else(|error: PageError| error.answer(&headers))
}

async fn json(services: &Services, editor: &Editor) -> Result<Response, PageError> {
    let sheet = services.sheet(editor.name()).await?;
    let of = |column: Column| -> Vec<_> {
        let here = sheet.instances.iter().filter(|instance| instance.column == column);
        here.map(|instance| instance.id).collect()
    };
    let hub = &sheet.hub;
    let body = json!({
        "hub": hub.name, "version": sheet.version, "details": Details::of(hub),
        "owners": hub.owners, "members": hub.members,
        "columns": { "left": of(Column::Left), "right": of(Column::Right) },
    });
    let mut response = Json(body).into_response();
    pages::keep_nowhere(&mut response);
    Ok(response)
}

/// What was sent and not done, to be shown again.
#[derive(Default)]
pub(super) struct Said<'a> {
    pub(super) notice: Option<&'a str>,
    /// The details that were sent.
    pub(super) details: Option<&'a Given>,
    pub(super) error: Option<&'a EditError>,
}

pub(super) async fn page(
    services: &Services,
    editor: &Editor,
    look: &Look,
    said: &Said<'_>,
) -> Result<Response, PageError> {
    let name = editor.name();
    // Before the hub is looked at: what happens from here on reaches the page by its stream.
    let cursor = services.live.cursor(name);
    let sheet = services.sheet(name).await?;
    let places = services.rebuild.of_hub(name).await.map_err(PageError::internal)?;
    let column = |column: Column| -> Vec<EditPlace> {
        let here = places.iter().filter(|place| place.instance.column == column);
        here.map(|place| EditPlace {
            id: place.instance.id,
            widget: place.instance.widget.clone(),
            title: place.title.clone(),
            card: pages::card(place),
        })
        .collect()
    };
    let library = services.shelf.library();
    let namer = Namer { library: &library, instances: &sheet.instances };
    let revisions = services.store.revisions(name, look.before, CHANGES).await;
    let revisions = revisions.map_err(PageError::internal)?;
    let earlier = revisions.last().map(|last| last.version).filter(|version| *version > 1);
    let done = match look.done {
        Some(version) => {
            services.store.revision(name, version).await.map_err(PageError::internal)?
        }
        None => None,
    };
    let words = look.q.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&words);
    let fits = |it: &&Definition| has(it.name.as_str()) || has(&it.title) || has(&it.doc);
    let widgets = library.widgets().map(|it| -> &Definition { it }).filter(fits);
    let known_people = known_people(services).await?;
    let hub = &sheet.hub;
    let context = EditPage {
        hub,
        version: sheet.version,
        cursor: &cursor,
        left: column(Column::Left),
        right: column(Column::Right),
        notice: said.notice,
        by: said.error.and_then(conflict_of).map(|conflict| conflict.by.as_str()),
        done: done.map(|done| namer.row(&done)),
        details: details(hub, said),
        mirrors: services.accounts.mirrored_group(name),
        people: people(hub),
        others: (hub.owners.len() + hub.members.len()).saturating_sub(PEOPLE),
        widgets: widgets
            .map(|it| GalleryEntry { name: &it.name, title: &it.title, summary: it.summary() })
            .collect(),
        sought: &look.q,
        history: revisions.iter().map(|revision| namer.row(revision)).collect(),
        earlier: earlier.filter(|_| revisions.len() >= CHANGES as usize),
        known_people: &known_people,
    };
    let mut response = pages::page(services, &editor.viewer, "edit.html", context)?;
    pages::keep_nowhere(&mut response);
    Ok(response)
}

pub(super) async fn known_people(services: &Services) -> Result<Vec<String>, PageError> {
    let people = services.store.people(KNOWN).await.map_err(PageError::internal)?;
    Ok(people.into_iter().map(|person| person.username).collect())
}

fn people(hub: &Hub) -> Vec<PersonRow<'_>> {
    let owners = hub.owners.iter().map(|username| PersonRow { username, role: "owner" });
    let members = hub.members.iter().map(|username| PersonRow { username, role: "member" });
    owners.chain(members).take(PEOPLE).collect()
}

/// The fields as they are, or as they were sent, with what is wrong with each.
fn details(hub: &Hub, said: &Said<'_>) -> BTreeMap<&'static str, Detail> {
    let current = Details::of(hub).to_map();
    let text = |value: &Value| form::typed(value, Lists::Lines);
    let field = |name: &'static str| {
        let sent = said.details.map(|given| match name {
            // A box that is not ticked is not sent.
            "archived" => given.text(name).is_some().to_string(),
            _ => given.text(name).unwrap_or_default(),
        });
        let known = current.get(name).map(text).unwrap_or_default();
        let mut detail = Detail { value: sent.unwrap_or(known), ..Detail::default() };
        match said.error.filter(|_| said.details.is_some()) {
            Some(EditError::Unfit(misfits)) => {
                let misfit = misfits.iter().find(|misfit| misfit.name == name);
                detail.problem = misfit.map(ToString::to_string);
            }
            Some(EditError::Conflict(conflict)) => {
                let clash = conflict.clashes.iter().find(|clash| clash.name == name);
                detail.theirs = clash.map(|clash| form::theirs(&clash.theirs));
            }
            _ => {}
        }
        (name, detail)
    };
    Details::NAMES.into_iter().map(field).collect()
}
