//! `should_invalidate` on messages that are not as they should be: fields missing, or of another type.
//!
//! A bus carries what others write. A script that throws on it costs a rebuild each time; here it is a warning with
//! its place, once for each. And what was read out of the script must say of such messages what the script says: where
//! it does not, the case fails.

use super::judging::{Judged, contradiction, contradicts};
use super::outcome::Failure;
use super::world::World;
use crate::diagnostic::{Diagnostic, Severity};
use crate::message::Message;
use crate::script::{Interpreter, Source};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// Messages of different topics that are changed.
const MOST_MESSAGES: usize = 3;
/// Paths of each that are changed.
const MOST_PATHS: usize = 16;
const MOST_WARNINGS: usize = 10;
const MOST_DEPTH: usize = 5;

/// What changed messages show.
#[derive(Default)]
pub(super) struct Found {
    /// What makes the script throw.
    pub(super) warnings: Vec<Diagnostic>,
    /// That it contradicts what was read out of it, once.
    pub(super) contradiction: Option<Failure>,
}

pub(super) fn check(
    world: &World<'_>,
    judged: &Judged<'_>,
    interpreter: &mut Interpreter,
) -> Found {
    let World { definition, placed, now, .. } = world;
    let names = properties(&definition.source);
    let mut topics = HashSet::new();
    // What fails as it came has been told of already.
    let mut places = judged.failed_at.clone();
    let mut found = Found::default();
    // Those that invalidate first: they come furthest in the script.
    let (hit, others): (Vec<_>, Vec<_>) = judged
        .verdicts
        .iter()
        .filter(|verdict| verdict.is_candidate)
        .partition(|verdict| verdict.answer.invalidates());
    let verdicts = hit.into_iter().chain(others);
    let verdicts = verdicts.filter(|verdict| topics.insert(&verdict.recorded.message.topic));
    for verdict in verdicts.take(MOST_MESSAGES) {
        let message = &verdict.recorded.message;
        for path in paths(&message.body, &names) {
            for (what, value) in mutants(at(&message.body, &path)) {
                let body = replaced(&message.body, &path, value);
                let mutated = Message { body: Arc::new(body), ..Message::clone(message) };
                let argument = interpreter.message(&mutated);
                let said = definition.should_invalidate(interpreter, &argument, placed, *now);
                let told = judged.is_contradicted || found.contradiction.is_some();
                if !told && contradicts(&judged.condition, &mutated, &said) {
                    let when = format!(" when {}", changed(message, &path, what));
                    let failure = contradiction(world, &judged.condition, &when);
                    let about = verdict.recording.about(verdict.recorded);
                    found.contradiction = Some(failure.about(about));
                }
                let Err(failure) = said else { continue };
                let problem = failure.0.diagnostic;
                if found.warnings.len() >= MOST_WARNINGS
                    || !places.insert((problem.file.clone(), problem.line, problem.column))
                {
                    continue;
                }
                let said = format!(
                    "`should_invalidate` fails when {}: {}",
                    changed(message, &path, what),
                    problem.message
                );
                let warning = Diagnostic { severity: Severity::Warning, message: said, ..problem };
                found.warnings.push(warning);
            }
        }
    }
    found
}

/// `` `msg.user` of a message `badge.award` is missing``.
fn changed(message: &Message, path: &[String], what: &str) -> String {
    let path: Vec<&str> = std::iter::once("msg").chain(path.iter().map(String::as_str)).collect();
    format!("`{}` of a message `{}` {what}", path.join("."), message.topic.suffix())
}

/// The names that stand behind a dot somewhere in the script, or in a module that it imports.
fn properties(source: &Source) -> HashSet<&str> {
    let texts = source.modules.iter().map(|module| &*module.text).chain([&*source.text]);
    let behind_dots = texts.flat_map(|text| text.split('.').skip(1));
    let word =
        |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    behind_dots.map(|rest| &rest[..word(rest)]).filter(|name| !name.is_empty()).collect()
}

type Path = Vec<String>;

/// The body itself, its lists, and what the script reads in it.
fn paths(body: &Value, names: &HashSet<&str>) -> Vec<Path> {
    let mut found = vec![Path::new()];
    gather(body, &[], names, &mut found);
    found.truncate(MOST_PATHS);
    found
}

fn gather(value: &Value, path: &[String], names: &HashSet<&str>, found: &mut Vec<Path>) {
    if path.len() >= MOST_DEPTH {
        return;
    }
    let step = |word: String| [path, &[word]].concat();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_read = names.contains(name.as_str());
                if is_read || (path.is_empty() && value.is_array()) {
                    let path = step(name.clone());
                    found.push(path.clone());
                    gather(value, &path, names, found);
                }
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                let path = step("0".into());
                found.push(path.clone());
                gather(first, &path, names, found);
            }
        }
        _ => {}
    }
}

fn at<'v>(body: &'v Value, path: &[String]) -> &'v Value {
    const NOTHING: &Value = &Value::Null;
    path.iter()
        .try_fold(body, |value, word| match value {
            Value::Array(items) => items.get(word.parse::<usize>().ok()?),
            other => other.get(word),
        })
        .unwrap_or(NOTHING)
}

/// Of every kind but its own; `None`: it is not there.
fn mutants(value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let kind = std::mem::discriminant(value);
    [
        ("is missing", None),
        ("is null", Some(Value::Null)),
        ("is a number", Some(json!(7))),
        ("is a text", Some(json!("text"))),
        ("is a list", Some(json!([]))),
        ("is a map", Some(json!({}))),
    ]
    .into_iter()
    .filter(|(_, other)| other.as_ref().is_none_or(|other| std::mem::discriminant(other) != kind))
    .collect()
}

fn replaced(body: &Value, path: &[String], value: Option<Value>) -> Value {
    let Some((word, rest)) = path.split_first() else { return value.unwrap_or_default() };
    let mut body = body.clone();
    match &mut body {
        Value::Object(fields) if rest.is_empty() => match value {
            Some(value) => drop(fields.insert(word.clone(), value)),
            None => drop(fields.remove(word)),
        },
        Value::Array(items) if rest.is_empty() => {
            let at = word.parse::<usize>().unwrap_or(usize::MAX);
            match value {
                Some(value) if at < items.len() => items[at] = value,
                None if at < items.len() => drop(items.remove(at)),
                _ => {}
            }
        }
        Value::Object(fields) => {
            if let Some(inner) = fields.get_mut(word) {
                *inner = replaced(inner, rest, value);
            }
        }
        Value::Array(items) => {
            if let Some(inner) = word.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *inner = replaced(inner, rest, value);
            }
        }
        _ => {}
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_reads_is_taken_away_and_made_other_things() {
        let body = json!({ "user": { "name": "ralph", "id": 1 }, "tags": ["a"], "unread": 1 });
        let names = HashSet::from(["user", "name"]);
        let found: Vec<String> = paths(&body, &names).iter().map(|path| path.join(".")).collect();
        assert_eq!(found, ["", "tags", "tags.0", "user", "user.name"]);
        let path = ["user".to_owned(), "name".to_owned()];
        assert_eq!(mutants(at(&body, &path)).len(), 5);
        assert_eq!(replaced(&body, &path, None)["user"], json!({ "id": 1 }));
        assert_eq!(replaced(&body, &path, Some(json!(7)))["user"]["name"], json!(7));
        let item = ["tags".to_owned(), "0".to_owned()];
        assert_eq!(replaced(&body, &item, None)["tags"], json!([]));
    }

    #[test]
    fn names_are_read_from_the_script_and_its_modules() {
        let source = Source::new("widgets/x.rhai", "fn f(m) { m.msg.user?.name == 1.5 }", vec![]);
        let names = properties(&source);
        assert!(["msg", "user", "name"].iter().all(|name| names.contains(name)), "{names:?}");
    }
}
