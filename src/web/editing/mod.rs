//! Editing: what owners may do to their hub, by forms that work without JavaScript and as JSON.
//!
//! Each change is one [`Edit`] of the store; what is refused there is said here, beside what was sent, and nothing that
//! was typed is lost. When it is stored, whoever must know is told (`Accounts::tell`), and only then is it answered:
//! forms with a way back to the page, programs with the change.

mod adding;
mod configuring;
mod given;
mod hub;
mod pace;
mod page;
mod words;

pub(super) use adding::add;
pub(super) use configuring::{configure, delete, settings};
pub(super) use hub::{describe, layout, people, revert};
pub use pace::Pace;
pub(super) use page::show;

use super::Services;
use super::errors::PageError;
use super::openapi::{EditedJson, ErrorJson, ProblemJson};
use super::viewer::Viewer;
use crate::hub::{Change, Hub, HubName, InstanceId, Role};
use crate::store::{Conflict, Edit, EditError, Revision, What};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use given::{Given, Sent};
use serde_json::Value;
use std::sync::Arc;

/// Somebody who may edit a hub.
struct Editor {
    viewer: Viewer,
    hub: Hub,
}

impl Editor {
    /// 404 for a hub that they may not know of, 401 for who is not logged in, 403 for who is no owner.
    async fn of(services: &Services, viewer: Viewer, name: &str) -> Result<Self, PageError> {
        let hub = services.find(&viewer, name).await?;
        if viewer.may_edit(&hub) {
            return Ok(Self { viewer, hub });
        }
        Err(match viewer.username() {
            Some(_) => PageError::NotOwner(hub.name),
            None => PageError::MustLogIn(hub.name),
        })
    }

    /// With what they sent, which is looked at only if they may send it. The other answers say why not.
    async fn with(
        services: &Services,
        viewer: Viewer,
        hub: &str,
        sent: Sent,
    ) -> Result<(Self, Given), Response> {
        let editor = Self::of(services, viewer, hub).await;
        let editor = editor.map_err(|error| error.answer(&sent.headers))?;
        Ok((editor, sent.given()?))
    }

    fn who(&self) -> &str {
        self.viewer.username().unwrap_or_default()
    }

    fn name(&self) -> &HubName {
        &self.hub.name
    }

    /// Does it and tells of it.
    async fn edit(
        &self,
        services: &Arc<Services>,
        edit: Edit,
    ) -> Result<Option<Revision>, Refused> {
        let now = (services.clock)();
        services
            .pace
            .take(self.who(), now)
            .map_err(|wait| Refused::Page(PageError::TooManyEdits(wait)))?;
        let (here, hub, who) = (services.clone(), self.name().clone(), self.who().to_owned());
        // Also when they go away meanwhile: what is stored must be told.
        let work = async move {
            let done = here.store.edit(&hub, &who, edit, now).await?;
            if let Some(revision) = &done {
                tracing::info!(
                    %hub, who, what = revision.what.word(), version = revision.version,
                    instance = revision.instance.map(|id| id.0), "a hub was edited"
                );
                for change in told(revision) {
                    here.accounts.tell(change).await;
                }
            }
            Ok(done)
        };
        match services.to_the_end(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(EditError::Store(error))) => Err(Refused::Page(PageError::internal(error))),
            Ok(Err(refused)) => Err(Refused::Edit(refused)),
            Err(error) => Err(Refused::Page(error)),
        }
    }

    /// What was done: a way back for a form, the change for a program. `anchor` is where on the page it was.
    async fn answer(
        &self,
        services: &Services,
        given: &Given,
        done: Option<Revision>,
        anchor: &str,
    ) -> Result<Response, Refused> {
        let hub = self.name();
        if given.is_for_page() {
            let done = done.map(|done| format!("?done={}", done.version)).unwrap_or_default();
            return Ok(see_other(&format!("/{hub}/edit{done}#{anchor}")));
        }
        let version = match &done {
            Some(done) => done.version,
            None => services.sheet(hub).await?.version,
        };
        let instance = done.as_ref().and_then(|done| done.instance);
        Ok(Json(EditedJson { hub, version, id: instance, change: done }).into_response())
    }
}

fn see_other(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// Why something was not done, before it is known how to say it.
enum Refused {
    Page(PageError),
    Edit(EditError),
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl Refused {
    /// Where no form is to be shown again.
    fn plainly(self, given: &Given) -> Response {
        match self {
            Self::Page(error) => error.answer(given.headers()),
            Self::Edit(error) => as_json(&error),
        }
    }
}

fn status(error: &EditError) -> StatusCode {
    match error {
        EditError::NoSuchHub(_)
        | EditError::NoSuchInstance { .. }
        | EditError::NoSuchRevision { .. } => StatusCode::NOT_FOUND,
        EditError::Conflict(_) | EditError::BackAlready(_) | EditError::Archived(_) => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn as_json(error: &EditError) -> Response {
    let mut body = ErrorJson { error: error.to_string(), problems: None, conflict: None };
    match error {
        EditError::Conflict(conflict) => body.conflict = Some(conflict.clone()),
        EditError::Unfit(misfits) => {
            body.problems = Some(problems(misfits.iter().map(|m| (m.name, m))));
        }
        _ => {}
    }
    (status(error), Json(body)).into_response()
}

fn problems<'a, E: ToString>(all: impl Iterator<Item = (&'a str, E)>) -> Vec<ProblemJson> {
    all.map(|(name, error)| ProblemJson { name: name.into(), message: error.to_string() }).collect()
}

fn conflict_of(error: &EditError) -> Option<&Conflict> {
    match error {
        EditError::Conflict(conflict) => Some(conflict),
        _ => None,
    }
}

/// An answer to a form that is shown again.
fn with_status(status: StatusCode, mut page: Response) -> Response {
    *page.status_mut() = status;
    page.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    page
}

/// What others must know of a change.
fn told(revision: &Revision) -> Vec<Change> {
    let hub = revision.hub.clone();
    let keys: Vec<String> = words::keys(revision).into_iter().collect();
    let changed = |keys: Vec<String>| Change::HubChanged { hub: hub.clone(), keys };
    let id = revision.instance.unwrap_or(InstanceId(0));
    match revision.what {
        What::Added => vec![changed(vec!["widgets".into()])],
        What::Removed => {
            vec![Change::WidgetRemoved { hub: hub.clone(), id }, changed(vec!["widgets".into()])]
        }
        What::Moved | What::Arranged => vec![changed(vec!["columns".into()])],
        What::Configured => vec![Change::WidgetChanged { hub, id, keys }],
        What::Described => vec![changed(keys)],
        What::Appointed => {
            let role = |value: &Value| serde_json::from_value::<Role>(value.clone()).ok();
            let of = |value: &Value, username: &String| value.get(username).and_then(role);
            let mut told = vec![changed(vec!["owners".into(), "members".into()])];
            for username in &keys {
                if let Some(role) = of(&revision.before, username) {
                    let (hub, username) = (hub.clone(), username.clone());
                    told.push(Change::RoleTaken { hub, username, role });
                }
                if let Some(role) = of(&revision.after, username) {
                    let (hub, username) = (hub.clone(), username.clone());
                    told.push(Change::RoleGiven { hub, username, role });
                }
            }
            told
        }
    }
}

impl Services {
    async fn sheet(&self, hub: &HubName) -> Result<crate::store::Sheet, PageError> {
        let found = self.store.sheet(hub).await.map_err(PageError::internal)?;
        found.ok_or_else(|| PageError::NoSuchHub(hub.to_string()))
    }
}
