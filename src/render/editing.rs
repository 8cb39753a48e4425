//! What the templates of editing are given: a hub with all that its owners may do, and the settings of one widget.

use super::gallery::{Field, GalleryEntry, Preview};
use crate::hub::{Hub, InstanceId, WidgetName};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// `edit.html`: a hub as its owners see it.
#[derive(Serialize)]
pub struct EditPage<'a> {
    pub hub: &'a Hub,
    /// What the page has seen: each form sends it back.
    pub version: u64,
    pub cursor: &'a str,
    pub left: Vec<EditPlace>,
    pub right: Vec<EditPlace>,
    /// Why what was sent was not done.
    pub notice: Option<&'a str>,
    /// Who changed some of the details meanwhile.
    pub by: Option<&'a str>,
    /// What was done last, to be taken back.
    pub done: Option<HistoryRow>,
    /// By the name of a field.
    pub details: BTreeMap<&'static str, Detail>,
    /// The group whose people the hub's are, where hubs.toml says so.
    pub mirrors: Option<String>,
    pub people: Vec<PersonRow<'a>>,
    /// How many are not among these.
    pub others: usize,
    /// Widgets that can be added.
    pub widgets: Vec<GalleryEntry<'a>>,
    /// What was searched for among them.
    pub sought: &'a str,
    pub history: Vec<HistoryRow>,
    /// From which version on the history goes back, if it does.
    pub earlier: Option<u64>,
    /// Usernames and groups that are likely.
    pub known_people: &'a [String],
}

/// A widget on the page, with what can be done to it.
#[derive(Serialize)]
pub struct EditPlace {
    pub id: InstanceId,
    pub widget: WidgetName,
    pub title: String,
    /// The whole card, or its skeleton.
    pub card: String,
}

/// One field of a hub's details.
#[derive(Debug, Default, Serialize)]
pub struct Detail {
    pub value: String,
    pub problem: Option<String>,
    /// What somebody else wrote here meanwhile.
    pub theirs: Option<String>,
}

#[derive(Serialize)]
pub struct PersonRow<'a> {
    pub username: &'a str,
    /// `owner` or `member`.
    pub role: &'static str,
}

/// A change of a hub in words.
#[derive(Debug, Serialize)]
pub struct HistoryRow {
    pub version: u64,
    pub at: Timestamp,
    pub who: String,
    /// What they did, as in `moved Badges up`.
    pub did: String,
    pub parts: Vec<HistoryPart>,
    /// The change that this one took back.
    pub reverts: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct HistoryPart {
    pub name: String,
    /// Empty for nothing.
    pub before: String,
    pub after: String,
}

/// `edit-widget.html`: the settings of a widget that is on a hub, or is to be added to it.
#[derive(Serialize)]
pub struct EditWidgetPage<'a> {
    pub hub: &'a Hub,
    pub version: u64,
    /// `None`: it is to be added.
    pub id: Option<InstanceId>,
    pub widget: &'a WidgetName,
    pub title: &'a str,
    /// Markdown.
    pub doc: &'a str,
    pub fields: Vec<Field>,
    /// Where it goes, if it is to be added: `left` or `right`.
    pub column: &'a str,
    pub preview: Preview,
    /// Why what was sent was not done.
    pub notice: Option<&'a str>,
    /// Who changed some of it meanwhile.
    pub by: Option<&'a str>,
}
