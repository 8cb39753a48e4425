//! The rebuilds of the last hour, for whoever asks why a widget looks as it does. In bounded memory; nothing depends on it.

use crate::hub::{Cause, InstanceId};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Each has at most some kilobytes.
const MOST: usize = 2_000;
/// Differences of one rebuild that are kept; whoever wants all of them has the data.
const CHANGES: usize = 8;
const SHOWN_CHARS: usize = 80;

/// One run of `data()`, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Redraw {
    pub at: Timestamp,
    /// The message that made the data old. `None`: a first look, the time, a change of script or configuration.
    pub cause: Option<Cause>,
    /// `changed`, `same` (announced to nobody) or `failed`.
    pub outcome: &'static str,
    /// The first eight.
    pub changes: Vec<Change>,
    pub error: Option<String>,
    /// Open pages that were told.
    pub readers: usize,
}

/// A value of the data that is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Words joined by dots: `assertions.0.name`.
    pub path: String,
    /// JSON, cut where it is long. `None`: it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Default)]
pub(super) struct Lately(Mutex<VecDeque<(InstanceId, Arc<Redraw>)>>);

impl Lately {
    pub(super) fn keep(&self, id: InstanceId, redraw: Redraw) {
        let mut kept = self.0.lock();
        let now = redraw.at;
        kept.push_back((id, Arc::new(redraw)));
        while let Some((_, oldest)) = kept.front()
            && (kept.len() > MOST || now.duration_since(oldest.at) > KEPT_FOR)
        {
            kept.pop_front();
        }
    }

    /// The newest first.
    pub(super) fn of(&self, id: InstanceId) -> Vec<Arc<Redraw>> {
        let kept = self.0.lock();
        kept.iter().rev().filter(|(of, _)| *of == id).map(|(_, redraw)| redraw.clone()).collect()
    }
}

/// What differs between two versions of the data, outermost first.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(
    path: &mut Vec<String>,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Change>,
) {
    if before == after || found.len() >= CHANGES {
        return;
    }
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let more = b.keys().filter(|name| !a.contains_key(*name));
            for name in a.keys().chain(more) {
                path.push(name.clone());
                compare(path, a.get(name), b.get(name), found);
                path.pop();
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                path.push(at.to_string());
                compare(path, a.get(at), b.get(at), found);
                path.pop();
            }
        }
        _ => found.push(Change {
            path: path.join("."),
            before: before.map(shown),
            after: after.map(shown),
        }),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_named_by_its_path() {
        let (before, after) = (
            json!({ "total": 1, "same": [1, 2], "items": [{ "name": "a" }], "gone": true }),
            json!({ "total": 2, "same": [1, 2], "items": [{ "name": "b" }, { "name": "x".repeat(100) }] }),
        );
        let found = changes(&before, &after);
        let told: Vec<String> = found
            .iter()
            .map(|c| {
                format!("{}: {:?} -> {:?}", c.path, c.before, c.after.as_ref().map(String::len))
            })
            .collect();
        assert_eq!(
            told,
            [
                "gone: Some(\"true\") -> None",
                "items.0.name: Some(\"\\\"a\\\"\") -> Some(3)",
                "items.1: None -> Some(83)",
                "total: Some(\"1\") -> Some(1)",
            ]
        );
        assert_eq!(changes(&json!((0..20).collect::<Vec<_>>()), &json!([])).len(), CHANGES);
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn the_last_hour_is_kept_and_no_more() {
        let lately = Lately::default();
        for minute in 0..90 {
            let at = Timestamp::from_second(minute * 60).unwrap();
            lately.keep(
                InstanceId(1),
                Redraw {
                    at,
                    cause: None,
                    outcome: "same",
                    changes: vec![],
                    error: None,
                    readers: 0,
                },
            );
        }
        assert_eq!(lately.of(InstanceId(1)).len(), 61);
        assert!(lately.of(InstanceId(2)).is_empty());
    }
}
