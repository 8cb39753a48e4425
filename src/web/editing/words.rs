//! The history of a hub in words.

use super::super::form::{Lists, typed};
use crate::hub::{Instance, InstanceId, WidgetName};
use crate::render::{HistoryPart, HistoryRow};
use crate::store::{Revision, What};
use crate::widget::Library;
use serde_json::Value;
use std::collections::BTreeSet;

/// Letters of a value that the history shows.
const SHOWN: usize = 400;

/// What names widgets in a history: the scripts that there are, and the instances that are still there.
pub(super) struct Namer<'a> {
    pub(super) library: &'a Library,
    pub(super) instances: &'a [Instance],
}

impl Namer<'_> {
    pub(super) fn title(&self, widget: &WidgetName) -> String {
        self.library.get(widget).map_or_else(|_| widget.to_string(), |it| it.title.clone())
    }

    fn instance(&self, id: Option<InstanceId>) -> String {
        let Some(id) = id else { return "a widget".into() };
        let there = self.instances.iter().find(|instance| instance.id == id);
        there.map_or_else(|| format!("widget {id}"), |there| self.title(&there.widget))
    }

    fn kept(&self, value: &Value) -> String {
        let widget = value["widget"].as_str().and_then(|name| name.parse().ok());
        widget.map_or_else(|| "a widget".into(), |widget| self.title(&widget))
    }

    pub(super) fn row(&self, revision: &Revision) -> HistoryRow {
        HistoryRow {
            version: revision.version,
            at: revision.at,
            who: revision.who.clone(),
            did: self.did(revision),
            parts: parts(revision),
            reverts: revision.reverts,
        }
    }

    pub(super) fn did(&self, revision: &Revision) -> String {
        let Revision { before, after, instance, .. } = revision;
        match revision.what {
            What::Added if revision.reverts.is_some() => format!("put {} back", self.kept(after)),
            What::Added => format!("added {}", self.kept(after)),
            What::Removed => format!("removed {}", self.kept(before)),
            What::Configured => {
                format!("changed {} of {}", names(revision), self.instance(*instance))
            }
            What::Moved => {
                let column = after["column"].as_str().unwrap_or("other");
                let widget = self.instance(*instance);
                if before["column"] == after["column"] {
                    let up = after["position"].as_u64() < before["position"].as_u64();
                    format!("moved {widget} {}", if up { "up" } else { "down" })
                } else {
                    format!("moved {widget} to the {column} column")
                }
            }
            What::Arranged => "arranged the widgets anew".into(),
            What::Described if after.get("archived") == Some(&true.into()) => {
                "archived the hub".into()
            }
            What::Described if after.get("archived") == Some(&false.into()) => {
                "took the hub out of the archive".into()
            }
            What::Described => format!("changed {}", names(revision)),
            What::Appointed => {
                let said = after.as_object().into_iter().flatten().map(|(name, role)| {
                    match role.as_str() {
                        Some("owner") => format!("made {name} an owner"),
                        Some(_) => format!("made {name} a member"),
                        None => format!("took {name} off the list"),
                    }
                });
                said.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The settings that differ, by name.
pub(super) fn keys(revision: &Revision) -> BTreeSet<String> {
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after) = (fields(&revision.before), fields(&revision.after));
    let all: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    all.into_iter().filter(|name| before.get(name) != after.get(name)).collect()
}

fn names(revision: &Revision) -> String {
    let names: Vec<_> = keys(revision).into_iter().map(|name| name.replace('_', " ")).collect();
    crate::render::series(&names)
}

fn parts(revision: &Revision) -> Vec<HistoryPart> {
    if !matches!(revision.what, What::Configured | What::Described) {
        return Vec::new();
    }
    let shown = |value: &Value, name: &str| {
        let text = value.get(name).map(|value| typed(value, Lists::Lines)).unwrap_or_default();
        match text.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    };
    let part = |name: String| HistoryPart {
        before: shown(&revision.before, &name),
        after: shown(&revision.after, &name),
        name: name.replace('_', " "),
    };
    keys(revision).into_iter().map(part).collect()
}
