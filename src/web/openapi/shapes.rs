//! What the JSON API takes and answers, where no other room has a type for it.

use crate::hub::{Column, Config, Hub, HubKind, HubName, InstanceId, Role, Visibility, WidgetName};
use crate::store::{Conflict, Revision};
use crate::widget::Parameter;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A hub, its widgets by id.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct HubJson<'a> {
    pub name: &'a HubName,
    pub kind: HubKind,
    pub summary: &'a str,
    /// An address; empty: one is made from the name.
    pub avatar: &'a str,
    pub columns: Columns,
    /// In twelfths of the page, 1 to 11.
    pub left_width: u8,
    /// All that are on it.
    pub widgets: Vec<InstanceId>,
    pub owners: &'a [String],
    /// The owners among them.
    pub members: Vec<&'a str>,
    pub subscribers: &'a [String],
    pub stargazers: &'a [String],
    pub archived: bool,
    pub visibility: Visibility,
    /// Who asks, if they are logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<ViewerJson<'a>>,
}

/// Ids from top to bottom.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Columns {
    pub left: Vec<InstanceId>,
    pub right: Vec<InstanceId>,
    pub left_width: u8,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ViewerJson<'a> {
    pub username: &'a str,
    pub roles: Vec<Role>,
    pub may_join: bool,
    pub may_edit: bool,
}

impl<'a> HubJson<'a> {
    /// `placed`: its widgets in their order, each with its column.
    pub(in super::super) fn new(
        hub: &'a Hub,
        placed: &[(InstanceId, Column)],
        viewer: Option<ViewerJson<'a>>,
    ) -> Self {
        let of = |column| placed.iter().filter(|it| it.1 == column).map(|it| it.0).collect();
        // Owners are members too, as readers of the original expect.
        let mut members: Vec<&str> =
            hub.members.iter().chain(&hub.owners).map(String::as_str).collect();
        members.sort_unstable();
        members.dedup();
        Self {
            name: &hub.name,
            kind: hub.kind,
            summary: &hub.summary,
            avatar: &hub.avatar,
            columns: Columns {
                left: of(Column::Left),
                right: of(Column::Right),
                left_width: hub.left_width,
            },
            left_width: hub.left_width,
            widgets: placed.iter().map(|it| it.0).collect(),
            owners: &hub.owners,
            members,
            subscribers: &hub.subscribers,
            stargazers: &hub.stargazers,
            archived: hub.archived,
            visibility: hub.visibility,
            viewer,
        }
    }
}

/// What somebody is to a hub now.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct RolesJson<'a> {
    pub hub: &'a HubName,
    pub username: &'a str,
    pub roles: Vec<Role>,
    /// Whether that was something new.
    pub changed: bool,
}

/// An edit that was done; without `change` everything was as asked already.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct EditedJson<'a> {
    pub hub: &'a HubName,
    /// Of the hub, with this change: what the next edit has seen.
    pub version: u64,
    /// The widget that it was about.
    pub id: Option<InstanceId>,
    pub change: Option<Revision>,
}

/// The settings of a widget.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct SettingsJson<'a> {
    pub version: u64,
    pub id: InstanceId,
    pub widget: &'a WidgetName,
    pub title: &'a str,
    pub parameters: &'a [Parameter],
    /// As its owner wrote them; defaults are not filled in.
    pub config: &'a Config,
}

/// Why nothing was done, in a sentence.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ErrorJson {
    pub error: String,
    /// By field, where it is about fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<ProblemJson>>,
    /// Where somebody else changed the same meanwhile: both texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Box<Conflict>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ProblemJson {
    pub name: String,
    pub message: String,
}

/// What became of messages that were sent in.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct TakenJson {
    /// On disk.
    pub accepted: usize,
    pub refused: usize,
    /// Of the first hundred that were refused.
    pub errors: Vec<LineJson>,
    /// Why the rest was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct LineJson {
    /// From 1.
    pub line: usize,
    pub error: String,
}

/// Settings of a widget, to be stored.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "its fields are read from JSON and from forms, one by one")]
pub(super) struct Configure {
    /// Instead of the settings that were there; defaults may be left out.
    config: Config,
    /// The version of the hub that its sender has seen; without it theirs counts.
    version: Option<u64>,
    /// Anything: then nothing is stored, and the answer has what the widget would look like.
    preview: Option<Value>,
}

/// A widget, to be put below the others of its column.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "as above")]
pub(super) struct Add {
    widget: WidgetName,
    column: Option<Column>,
    config: Option<Config>,
    preview: Option<Value>,
}

/// Both columns as they shall be; or one step of one widget.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "as above")]
pub(super) enum Layout {
    Columns { version: Option<u64>, left: Vec<InstanceId>, right: Vec<InstanceId> },
    Step { id: InstanceId, to: Direction },
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "as above")]
pub(super) enum Direction {
    Up,
    Down,
    Left,
    Right,
}

/// What shall change; what is left out stays.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "as above")]
pub(super) struct Describe {
    version: Option<u64>,
    summary: Option<String>,
    avatar: Option<String>,
    banner: Option<String>,
    /// In twelfths of the page, 1 to 11.
    left_width: Option<u8>,
    visibility: Option<Visibility>,
    archived: Option<bool>,
}

/// What people are to the hub: `owner`, `member`, or `none`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "as above")]
pub(super) struct Appoint {
    version: Option<u64>,
    people: BTreeMap<String, Option<String>>,
}

/// A change of the hub's history, to be taken back.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "as above")]
pub(super) struct Revert {
    /// Its version.
    change: u64,
}
