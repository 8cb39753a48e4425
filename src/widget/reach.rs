//! Which messages a widget is asked about, told of the widget itself and not of one instance.
//!
//! An example instance stands for all: where its configuration has a text it has the parameter's own name in the
//! script, so that what was inferred reads as the script does.

use super::{Definition, Hint, Kind, Parameter};
use crate::diagnostic::Diagnostic;
use crate::hub::{Hub, HubKind, InstanceId, Placed, Visibility};
use crate::message::Condition;
use crate::script::{Inferred, Interpreter};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// A number that no script has.
const ID: u64 = 4_103_207_689;

/// Of an instance of which every parameter is set.
#[derive(Debug, Clone)]
pub struct Reach {
    pub inferred: Inferred,
    /// What the index looks up: any of these must match.
    pub hints: Vec<Hint>,
}

impl Reach {
    /// Whether messages are judged without running the script.
    pub fn is_whole(&self) -> bool {
        self.inferred.condition.is_whole()
    }

    pub fn is_any_message(&self) -> bool {
        self.hints.iter().any(|hint| *hint == Hint::any())
    }

    /// Whether only what this server tells of itself concerns it, `hubs.…`, if anything.
    pub fn is_own_messages(&self) -> bool {
        let is_own = |hint: &Hint| {
            let by_category = hint.categories.as_ref();
            let by_topic = hint.topics.as_ref();
            by_category.is_some_and(|all| all.iter().all(|category| category == "hubs"))
                || by_topic.is_some_and(|all| all.iter().all(|t| t.as_str().starts_with("hubs.")))
        };
        self.hints.iter().all(is_own)
    }

    /// What must be true of a message, as the script might write it; `None` where nothing is known.
    pub fn condition(&self) -> Option<String> {
        let condition = &self.inferred.condition;
        (*condition != Condition::Open).then(|| named(&condition.to_string()))
    }

    /// One line a hint.
    pub fn hints(&self) -> Vec<String> {
        self.hints.iter().map(|hint| named(&hint.to_string())).collect()
    }
}

/// The stand-ins as what they stand for.
fn named(text: &str) -> String {
    let mut parts = text.split("\"widget.");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('"').unwrap_or((part, ""));
        whole = whole + "widget." + name + rest;
    }
    whole.replace(&ID.to_string(), "widget.id")
}

impl Definition {
    /// Which messages its instances are asked about. `None` where it has no `should_invalidate`.
    pub fn reach(&self) -> Option<&Reach> {
        self.reach.get().and_then(Option::as_ref)
    }

    /// Reads that out of the script; what was read once holds.
    pub(super) fn read_reach(&self, interpreter: &mut Interpreter) {
        self.reach.get_or_init(|| self.has_check.then(|| self.reach_of_example(interpreter)));
    }

    fn reach_of_example(&self, interpreter: &mut Interpreter) -> Reach {
        let placed = self.example();
        let narrowed = self.narrow(interpreter, &placed, Timestamp::UNIX_EPOCH);
        Reach { inferred: narrowed.inferred, hints: narrowed.hints }
    }

    /// What is wrong with what it asks for.
    pub(super) fn check_reach(&self, interpreter: &mut Interpreter) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if let Err(error) = self.explicit_hints(interpreter, &self.example(), Timestamp::UNIX_EPOCH)
        {
            // An example is not a configuration: what fails on it may work on a real one.
            let problem = Diagnostic::warning(error.to_string()).in_file(&*self.source.file);
            problems.push(
                problem.help(
                    "it is called with an example of each parameter, and must work with that",
                ),
            );
        }
        let Some(reach) = self.reach() else { return problems };
        if reach.is_any_message() {
            let warning =
                Diagnostic::warning("each instance of this widget is asked about every message");
            let warning = match &reach.inferred.unclear {
                Some((file, line, column)) => {
                    warning.in_file(file).at(self.text_of(file), *line, *column)
                }
                None => warning.in_file(&*self.source.file),
            };
            problems.push(warning.help(
                "compare the topic, the category, usernames, packages or a value of the body with a constant or with `widget` before anything else: `message.topic.ends_with(\"…\") && …`",
            ));
        } else if reach.hints.is_empty() {
            let warning = Diagnostic::warning(
                "no message makes this widget's data new: `should_invalidate` is never true",
            );
            problems.push(warning.in_file(&*self.source.file).help(
                "compare with what messages really have: `hubs message explain FILE` shows them",
            ));
        }
        problems
    }

    fn text_of(&self, file: &str) -> &str {
        let module = self.source.modules.iter().find(|module| module.file == file);
        module.map_or(&*self.source.text, |module| &*module.text)
    }

    fn example(&self) -> Placed {
        let config = self.parameters.iter().map(|p| (p.name.clone(), example(p))).collect();
        let people = |role: &str| vec![format!("widget.hub.{role}")];
        Placed {
            page: 1,
            id: InstanceId(ID),
            name: self.name.clone(),
            config: Arc::new(config),
            hub: Arc::new(Hub {
                name: "widget.hub.name".parse().expect("letters and dots make a name"),
                kind: HubKind::User,
                summary: "widget.hub.summary".into(),
                avatar: String::new(),
                banner: String::new(),
                left_width: 8,
                visibility: Visibility::Public,
                archived: false,
                owners: people("owners"),
                members: people("members"),
                subscribers: people("subscribers"),
                stargazers: people("stargazers"),
                created_at: Timestamp::UNIX_EPOCH,
                last_active: Timestamp::UNIX_EPOCH,
            }),
        }
    }
}

fn example(parameter: &Parameter) -> Value {
    let name = || json!(format!("widget.config.{}", parameter.name));
    let given = parameter.default.clone();
    let one = match parameter.kind {
        Kind::Integer | Kind::Number => given.unwrap_or(json!(1)),
        Kind::Boolean => given.unwrap_or(json!(true)),
        Kind::Choice => given
            .or_else(|| parameter.choices.first().map(|choice| json!(choice)))
            .unwrap_or_else(name),
        _ => name(),
    };
    match (parameter.many, one) {
        (true, list @ Value::Array(_)) => list,
        (true, one) => json!([one]),
        (false, one) => one,
    }
}
