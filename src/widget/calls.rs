//! The functions of a widget, called: values in, values out, and what a failure means.

use super::{Definition, Hint, hosts, narrowing};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::hub::Placed;
use crate::message::{Condition, TopicPattern};
use crate::script::{Argument, Call, Failure, Inferred, Interpreter, MessageArgument, Traced};
use crate::telemetry;
use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) const HINT_KEYS: [&str; 5] = ["body", "categories", "packages", "topics", "usernames"];

/// `should_invalidate` failed. It counts as true: better one rebuild too many than a page that is not true.
#[derive(Debug)]
pub struct CheckFailed(pub Failure);

/// What `hints` returned can't be read, or it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    #[error("{0}")]
    Failed(Diagnostic),
    #[error("`hints` of widget `{widget}` returned {given}: a map, or a list of maps, is due")]
    NoMap { widget: String, given: String },
    #[error("`hints` of widget `{widget}` has `{given}`{}: {} are the keys", did_you_mean(.nearest.as_deref()), HINT_KEYS.join(", "))]
    UnknownKey { widget: String, given: String, nearest: Option<String> },
    #[error("`{key}` in the hints of widget `{widget}` is {given}: a list of texts is due")]
    NoTexts { widget: String, key: String, given: String },
}

/// What is known of the messages that could concern an instance.
#[derive(Debug)]
pub struct Narrowed {
    /// Read out of `should_invalidate`.
    pub inferred: Inferred,
    /// Of the script's own `hints`; any message, where there are none or they failed.
    pub explicit: Vec<Hint>,
    /// Both together, for the index: any of them must match.
    pub hints: Vec<Hint>,
    /// Why the script's own `hints` say nothing.
    pub error: Option<HintError>,
}

impl Definition {
    fn call(&self, now: Timestamp) -> Call {
        Call { widget: Some(self.name.clone()), ..Call::at(now) }
    }

    /// Asks whether a message makes an instance's data old. `message` is the argument made for this interpreter.
    pub fn should_invalidate(
        &self,
        interpreter: &mut Interpreter,
        message: &MessageArgument,
        placed: &Placed,
        now: Timestamp,
    ) -> Result<bool, CheckFailed> {
        let arguments = [Argument::Message(message), Argument::Widget(placed)];
        let answer =
            interpreter.call(&self.source, "should_invalidate", &arguments, &self.call(now));
        match answer {
            Ok(Value::Bool(yes)) => {
                self.count_success();
                Ok(yes)
            }
            Ok(other) => Err(self.failed("should_invalidate", self.no_bool(&other))),
            Err(failure) => Err(self.failed("should_invalidate", failure)),
        }
    }

    /// Asks for a reader: with the comparisons that were made on the way, and without counting.
    pub fn trace_check(
        &self,
        interpreter: &mut Interpreter,
        message: &MessageArgument,
        placed: &Placed,
        now: Timestamp,
    ) -> Traced {
        let arguments = [Argument::Message(message), Argument::Widget(placed)];
        interpreter.call_traced(&self.source, "should_invalidate", &arguments, &self.call(now))
    }

    fn failed(&self, function: &'static str, failure: Failure) -> CheckFailed {
        self.count_failure();
        count(self.name.as_str(), function, &failure);
        CheckFailed(failure)
    }

    fn no_bool(&self, answer: &Value) -> Failure {
        let message =
            format!("`should_invalidate` answered {answer}, but must answer true or false");
        let help =
            "return a comparison, as in `message.category == \"bodhi\"`, on every way out of it";
        Failure::error(self.at_function("should_invalidate", message).help(help))
    }

    /// A finding at the line where a function begins.
    fn at_function(&self, name: &str, message: String) -> Diagnostic {
        let text = &self.source.text;
        let problem = Diagnostic::error(message).in_file(&*self.source.file);
        match text.find(&format!("fn {name}(")) {
            Some(at) => problem.at_span(text, at + 3..at + 3 + name.len()),
            None => problem,
        }
    }

    /// What must be true of a message for `should_invalidate` to answer `true`, read out of the script.
    pub fn condition(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Condition {
        self.inferred(interpreter, placed, now).condition
    }

    /// The same, with the place that could not be followed.
    pub fn inferred(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Inferred {
        interpreter.infer(&self.source, "should_invalidate", placed, &self.call(now))
    }

    /// What narrows the messages down that could concern an instance: what `should_invalidate` itself shows, and what
    /// `hints` adds to it, if it works.
    pub fn narrow(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Narrowed {
        if !self.has_check {
            // No message makes it old.
            let inferred = Inferred { condition: Condition::Known(false), unclear: None };
            return Narrowed { inferred, explicit: vec![], hints: vec![], error: None };
        }
        let inferred = self.inferred(interpreter, placed, now);
        let explicit = self.explicit_hints(interpreter, placed, now);
        let (explicit, error) = match explicit {
            Ok(explicit) => (explicit, None),
            Err(error) => (vec![Hint::any()], Some(error)),
        };
        let hints = narrowing::both(&narrowing::hints(&inferred.condition), &explicit);
        Narrowed { inferred, explicit, hints, error }
    }

    /// Those that `should_invalidate` shows, whatever `hints` says.
    pub fn inferred_hints(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Vec<Hint> {
        narrowing::hints(&self.condition(interpreter, placed, now))
    }

    /// Those of the script's function `hints`. Without it any message may concern the instance.
    pub fn explicit_hints(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Result<Vec<Hint>, HintError> {
        if !self.has_hints {
            return Ok(vec![Hint::any()]);
        }
        match interpreter.call(&self.source, "hints", &[Argument::Widget(placed)], &self.call(now))
        {
            Ok(answer) => read_hints(self.name.as_str(), &answer),
            Err(failure) => {
                count(self.name.as_str(), "hints", &failure);
                Err(HintError::Failed(failure.diagnostic))
            }
        }
    }

    /// Calls `data(widget)` in the data tier. Always a map.
    pub fn data(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
    ) -> Result<Value, Failure> {
        self.data_since(interpreter, placed, now, None)
    }

    /// As [`Definition::data`], for who knows that something changed then: nothing that other servers said before is
    /// used again.
    pub fn data_since(
        &self,
        interpreter: &mut Interpreter,
        placed: &Placed,
        now: Timestamp,
        changed: Option<Timestamp>,
    ) -> Result<Value, Failure> {
        let hosts = hosts::of(&self.hosts, &placed.config);
        let call = Call { hosts, changed, ..self.call(now) };
        let answer = interpreter.call(&self.source, "data", &[Argument::Widget(placed)], &call);
        let answer = match answer {
            Ok(map @ Value::Object(_)) => Ok(map),
            Ok(other) => {
                let kind = kind_of(&other);
                let message = format!(
                    "`data` returned {kind}, but must return a map, as in `#{{ items: [] }}`"
                );
                let help = "put what it returns into a map: its fields are what the template sees";
                Err(Failure::error(self.at_function("data", message).help(help)))
            }
            Err(failure) => Err(failure),
        };
        answer.inspect_err(|failure| count(self.name.as_str(), "data", failure))
    }
}

/// One call of a script failed: into the counters it goes.
pub(super) fn count(script: &str, function: &'static str, failure: &Failure) {
    metrics::counter!(
        telemetry::SCRIPT_FAILURES,
        "widget" => script.to_owned(), "function" => function, "reason" => failure.reason()
    )
    .increment(1);
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn read_hints(widget: &str, answer: &Value) -> Result<Vec<Hint>, HintError> {
    match answer {
        Value::Object(map) => Ok(vec![read_hint(widget, map)?]),
        Value::Array(maps) => maps
            .iter()
            .map(|map| match map {
                Value::Object(map) => read_hint(widget, map),
                other => Err(HintError::NoMap { widget: widget.into(), given: other.to_string() }),
            })
            .collect(),
        other => Err(HintError::NoMap { widget: widget.into(), given: other.to_string() }),
    }
}

fn read_hint(widget: &str, map: &Map<String, Value>) -> Result<Hint, HintError> {
    let mut hint = Hint::any();
    for (key, value) in map {
        match key.as_str() {
            "topics" => {
                let patterns = texts(widget, key, value)?;
                hint.topics = Some(patterns.iter().map(|text| TopicPattern::new(text)).collect());
            }
            "categories" => hint.categories = Some(texts(widget, key, value)?),
            "usernames" => hint.usernames = Some(texts(widget, key, value)?),
            "packages" => hint.packages = Some(texts(widget, key, value)?),
            "body" => match value {
                Value::Object(paths) => {
                    hint.paths =
                        paths.iter().map(|(path, wanted)| (path.clone(), wanted.clone())).collect();
                }
                other => {
                    return Err(HintError::NoMap {
                        widget: widget.into(),
                        given: other.to_string(),
                    });
                }
            },
            other => {
                let nearest = nearest(other, HINT_KEYS).map(Into::into);
                return Err(HintError::UnknownKey {
                    widget: widget.into(),
                    given: other.into(),
                    nearest,
                });
            }
        }
    }
    Ok(hint)
}

fn texts(widget: &str, key: &str, value: &Value) -> Result<Vec<String>, HintError> {
    value
        .as_array()
        .and_then(|list| list.iter().map(|item| item.as_str().map(Into::into)).collect())
        .ok_or_else(|| HintError::NoTexts {
            widget: widget.into(),
            key: key.into(),
            given: value.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hints_are_a_map_or_a_list_of_maps() {
        let one =
            read_hints("feed", &json!({ "topics": ["bodhi.#"], "usernames": ["ralph"] })).unwrap();
        assert_eq!(one[0].usernames.as_deref().unwrap(), ["ralph"]);
        let two = read_hints(
            "feed",
            &json!([{ "categories": ["git"] }, { "body": { "user.name": "ralph" } }]),
        )
        .unwrap();
        assert_eq!(two[1].paths, [("user.name".to_owned(), json!("ralph"))]);
    }

    #[test]
    fn hints_that_can_not_be_read_say_what_would_be() {
        let said = |answer: Value| read_hints("feed", &answer).unwrap_err().to_string();
        assert_eq!(
            said(json!(1)),
            "`hints` of widget `feed` returned 1: a map, or a list of maps, is due"
        );
        assert_eq!(
            said(json!({ "topic": ["x"] })),
            "`hints` of widget `feed` has `topic`; did you mean `topics`?: body, categories, packages, topics, usernames are the keys"
        );
        assert_eq!(
            said(json!({ "topics": "x" })),
            "`topics` in the hints of widget `feed` is \"x\": a list of texts is due"
        );
    }
}
