//! What owners do to a hub as a whole: its details, its people, where its widgets are, and taking a change back.

use super::super::Services;
use super::super::errors::PageError;
use super::super::viewer::Viewer;
use super::given::{Given, Sent};
use super::page::{self, Look, Said};
use super::{Editor, Refused, status, with_status};
use crate::hub::{Config, InstanceId, Role};
use crate::store::{Details, Edit, EditError, Misfit, Step};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `POST /{hub}/details`: any of `summary`, `avatar`, `banner`, `left_width`, `visibility`, `archived`. 422 with what does
/// not fit by field, 409 where somebody else changed the same since `version`, with both texts.
pub(in super::super) async fn describe(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let edit = |given: &Given| Ok(Edit::Describe { details: details(given), seen: given.seen() });
    done(&services, (viewer, &hub), sent, (edit, "details")).await
}

/// `POST /{hub}/people`: what somebody (`username`) is to the hub (`role`: `owner`, `member` or `none`); as JSON also many at
/// once, `{"people": {"ralph": "owner", "nask0": null}}`.
pub(in super::super) async fn people(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let edit = |given: &Given| Ok(Edit::Appoint { people: appointed(given)?, seen: given.seen() });
    done(&services, (viewer, &hub), sent, (edit, "people")).await
}

/// `POST /{hub}/layout`: both columns, `{"version": 3, "left": [1, 2], "right": [3]}`, 409 where somebody else moved one
/// since; or one step of one widget: `id`, and `to` is `up`, `down`, `left` or `right`.
pub(in super::super) async fn layout(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    done(&services, (viewer, &hub), sent, (arrangement, "widgets")).await
}

/// `POST /{hub}/revert`: takes back the change `change` of the hub's history. 409 where that was changed since.
pub(in super::super) async fn revert(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let edit = |given: &Given| {
        let change = given.text("change").unwrap_or_default();
        let version = change.trim().parse();
        let version = version.map_err(|_| must("change", &change, "the number of a change"))?;
        Ok(Edit::Revert { version })
    };
    done(&services, (viewer, &hub), sent, (edit, "history")).await
}

async fn done(
    services: &Arc<Services>,
    (viewer, hub): (Viewer, &str),
    sent: Sent,
    (edit, anchor): (impl Fn(&Given) -> Result<Edit, EditError>, &'static str),
) -> Response {
    let (editor, given) = match Editor::with(services, viewer, hub, sent).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let mirrors = services.accounts.mirrored_group(editor.name()).filter(|_| anchor == "people");
    if let Some(group) = mirrors {
        let hub = editor.name().clone();
        return PageError::Mirrored { hub, group }.answer(given.headers());
    }
    let done = async {
        let done = match edit(&given) {
            Ok(edit) => editor.edit(services, edit).await,
            Err(error) => Err(Refused::Edit(error)),
        };
        match done {
            Ok(done) => editor.answer(services, &given, done, anchor).await,
            Err(Refused::Edit(error)) if given.is_for_page() => {
                let details = (anchor == "details").then_some(&given);
                again(services, &editor, details, &error).await
            }
            Err(other) => Err(other),
        }
    };
    done.await.unwrap_or_else(|refused: Refused| refused.plainly(&given))
}

/// The page once more, with why something was not done.
pub(super) async fn again(
    services: &Services,
    editor: &Editor,
    details: Option<&Given>,
    error: &EditError,
) -> Result<Response, Refused> {
    let said = error.to_string();
    let said = Said { notice: Some(&said), details, error: Some(error) };
    let page = page::page(services, editor, &Look::default(), &said).await?;
    Ok(with_status(status(error), page))
}

/// A form sends all fields as text, and a box only if it is ticked.
fn details(given: &Given) -> Config {
    let mut details = Config::new();
    for name in Details::NAMES {
        let value = match (given.is_form(), given.value(name)) {
            (true, value) if name == "archived" => Some(value.is_some().into()),
            (true, Some(Value::String(text))) if name == "left_width" => {
                Some(text.trim().parse::<u64>().map_or_else(|_| text.into(), Value::from))
            }
            (_, value) => value,
        };
        if let Some(value) = value {
            details.insert(name.into(), value);
        }
    }
    details
}

fn appointed(given: &Given) -> Result<BTreeMap<String, Option<Role>>, EditError> {
    let role = |given: &Value| match given.as_str() {
        Some("owner") => Ok(Some(Role::Owner)),
        Some("member") => Ok(Some(Role::Member)),
        Some("none") => Ok(None),
        None if given.is_null() => Ok(None),
        _ => Err(must("role", &given.to_string(), "owner, member or none")),
    };
    if let Some(Value::Object(people)) = given.value("people") {
        return people.iter().map(|(name, given)| Ok((name.clone(), role(given)?))).collect();
    }
    let name = given.text("username").unwrap_or_default().trim().to_owned();
    let Some(given) = given.value("role") else {
        return Err(must("role", "", "owner, member or none"));
    };
    Ok(BTreeMap::from([(name, role(&given)?)]))
}

fn arrangement(given: &Given) -> Result<Edit, EditError> {
    let ids = |name: &'static str| -> Option<Result<Vec<InstanceId>, EditError>> {
        let value = given.value(name)?;
        let ids = serde_json::from_value(value.clone());
        Some(ids.map_err(|_| must(name, &value.to_string(), "a list of the numbers of widgets")))
    };
    if let (Some(left), Some(right)) = (ids("left"), ids("right")) {
        return Ok(Edit::Arrange { left: left?, right: right?, seen: given.seen() });
    }
    let id = given.text("id").unwrap_or_default();
    let id = id.parse().map_err(|_| must("id", &id, "the number of a widget"))?;
    let to = given.text("to").unwrap_or_default();
    let step = match to.as_str() {
        "up" => Step::Up,
        "down" => Step::Down,
        "left" => Step::Left,
        "right" => Step::Right,
        _ => return Err(must("to", &to, "up, down, left or right")),
    };
    Ok(Edit::Move { id, step })
}

fn must(name: &'static str, given: &str, fits: &str) -> EditError {
    let shown: String = given.chars().take(60).collect();
    let given = if shown.is_empty() { "not given".into() } else { format!("`{shown}`") };
    EditError::Unfit(vec![Misfit { name, given, fits: fits.into() }])
}
