//! Rhai's errors in the words of these docs: what went wrong, at which character of which file, and what helps.

use super::words::Scene;
use super::{LimitName, Tier, convert, source::Source, words};
use crate::{config::Limits, diagnostic::Diagnostic};
use rhai::{Dynamic, Engine, EvalAltResult, Position, Scope};
use serde_json::Value;

/// A larger value that is thrown is told by its kind only.
const MAX_THROWN_BYTES: usize = 16 << 10;

/// A call that gave no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{diagnostic}")]
pub struct Failure {
    pub kind: FailureKind,
    pub diagnostic: Diagnostic,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FailureKind {
    Limit(LimitName),
    /// What the script, or a binding for it, threw.
    Thrown(Value),
    Panic,
    Error,
    /// Refused: earlier calls left too much memory behind.
    Quarantined,
    /// There is no such function.
    Missing,
    Compile,
}

impl Failure {
    /// A word for the counters.
    pub fn reason(&self) -> &'static str {
        match &self.kind {
            FailureKind::Limit(limit) => limit.as_str(),
            FailureKind::Thrown(_) => "thrown",
            FailureKind::Panic => "panic",
            FailureKind::Error => "error",
            FailureKind::Quarantined => "quarantined",
            FailureKind::Missing => "missing",
            FailureKind::Compile => "compile",
        }
    }

    /// What a caller finds wrong with an answer that was given.
    pub fn error(diagnostic: Diagnostic) -> Self {
        Self { kind: FailureKind::Error, diagnostic }
    }

    pub(super) fn compile(diagnostic: Diagnostic) -> Self {
        Self { kind: FailureKind::Compile, diagnostic }
    }
}

/// What is known about the call that failed.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) source: &'a Source,
    /// Where the call entered.
    pub(super) file: &'a str,
    pub(super) tier: Tier,
    pub(super) limits: &'a Limits,
    pub(super) engine: &'a Engine,
    /// Where the function begins that was called: the place of what has none of its own.
    pub(super) line: Option<usize>,
    /// What the function's variables held when it failed.
    pub(super) scope: Option<&'a Scope<'static>>,
}

impl Context<'_> {
    /// What Rhai returned, unless a limit had ended the call before.
    pub(super) fn failure(self, error: EvalAltResult, stopped: Option<LimitName>) -> Failure {
        let mut trail = Trail::new(self.file);
        let root = trail.descend(error);
        match stopped.or_else(|| limit_of(&root)) {
            Some(limit) => self.limit(limit, &trail),
            None => self.error(&root, &trail),
        }
    }

    /// A limit ended the call, and something swallowed the error.
    pub(super) fn stopped(self, limit: Option<LimitName>) -> Failure {
        let trail = Trail::new(self.file);
        self.limit(limit.unwrap_or(LimitName::Operations), &trail)
    }

    pub(super) fn panicked(self, what: &str) -> Failure {
        let said = format!("`{what}` made the engine panic; the call was ended");
        let diagnostic = Diagnostic::error(said)
            .in_file(self.file)
            .help("this is a fault of ours, not of the script: please report it with the script");
        Failure { kind: FailureKind::Panic, diagnostic }
    }

    /// What came back is no data.
    pub(super) fn unfit(self, function: &str, unfit: &convert::Unfit) -> Failure {
        let trail = Trail::new(self.file);
        match unfit {
            convert::Unfit::TooLarge => self.limit(LimitName::ReturnedBytes, &trail),
            convert::Unfit::NoJson { path, what } => {
                let which = if path.is_empty() { String::new() } else { format!("`{path}` ") };
                let said =
                    format!("`{function}` returned something that is no JSON: {which}is {what}");
                let diagnostic = self
                    .placed(Diagnostic::error(said), &trail)
                    .help("return text, numbers, booleans, lists and maps of them");
                Failure { kind: FailureKind::Error, diagnostic }
            }
        }
    }

    pub(super) fn missing(self, function: &str, parameters: usize) -> Failure {
        let said = format!("there is no function `{function}` with {parameters} parameter(s)");
        let diagnostic = Diagnostic::error(said).in_file(self.file);
        Failure { kind: FailureKind::Missing, diagnostic }
    }

    fn limit(self, limit: LimitName, trail: &Trail) -> Failure {
        let said = limit.sentence(self.limits, self.tier);
        let diagnostic = self.placed(Diagnostic::error(said), trail).help(limit.help(self.tier));
        Failure { kind: FailureKind::Limit(limit), diagnostic }
    }

    fn error(self, root: &EvalAltResult, trail: &Trail) -> Failure {
        let (kind, said, help) = match root {
            EvalAltResult::ErrorRuntime(value, _) => {
                let (said, value) = thrown(value);
                let help = words::after_throw(&said, &value);
                (FailureKind::Thrown(value), said, Some(help))
            }
            other => {
                let scene = Scene {
                    text: self.source.text_of(&trail.file).unwrap_or(""),
                    at: trail.at,
                    // What the variables of another function held nobody knows any more.
                    scope: self.scope.filter(|_| !trail.is_inside),
                };
                let (said, help) = words::of(other, self.tier, self.engine, &scene);
                (FailureKind::Error, said, Some(help))
            }
        };
        let mut diagnostic = self.placed(Diagnostic::error(said), trail);
        diagnostic.help = match (help, trail.called()) {
            (Some(help), Some(called)) => Some(format!("{help} ({called})")),
            (help, called) => help.or(called),
        };
        Failure { kind, diagnostic }
    }

    fn placed(self, diagnostic: Diagnostic, trail: &Trail) -> Diagnostic {
        let diagnostic = diagnostic.in_file(trail.file.clone());
        let text = self.source.text_of(&trail.file).unwrap_or("");
        match (trail.at.line(), self.line) {
            (Some(line), _) => diagnostic.at(text, line, trail.at.position().unwrap_or(1)),
            (None, Some(line)) if trail.file == self.file => diagnostic.at(text, line, 1),
            _ => diagnostic,
        }
    }
}

/// `#{ service, status, message }` as a sentence, texts as they are, anything else as JSON.
fn thrown(value: &Dynamic) -> (String, Value) {
    let json = convert::to_json(value, MAX_THROWN_BYTES).unwrap_or(Value::Null);
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let said = match (text("service"), text("message")) {
        (Some(service), Some(message)) => match json.get("status").and_then(Value::as_i64) {
            Some(status) if status > 0 => format!("{service} answered {status}: {message}"),
            _ => format!("{service}: {message}"),
        },
        (None, Some(message)) => message.to_string(),
        _ => match &json {
            Value::Null => "the script threw an error without a message".into(),
            _ => convert::shown(value, 300),
        },
    };
    (said, json)
}

/// From where a call entered down to where it failed.
struct Trail {
    file: String,
    at: Position,
    /// The places that called, the innermost last.
    callers: Vec<String>,
    /// It failed inside a function that the script called.
    is_inside: bool,
}

/// So many callers are named.
const CALLERS: usize = 6;

impl Trail {
    fn new(file: &str) -> Self {
        Self { file: file.into(), at: Position::NONE, callers: Vec::new(), is_inside: false }
    }

    fn descend(&mut self, error: EvalAltResult) -> EvalAltResult {
        match error {
            EvalAltResult::ErrorInFunctionCall(_, file, inner, at) => {
                self.is_inside = true;
                self.enter(file, at);
                self.descend(*inner)
            }
            EvalAltResult::ErrorInModule(_, inner, at) => {
                self.enter(String::new(), at);
                self.descend(*inner)
            }
            root => {
                if !root.position().is_none() {
                    self.at = root.position();
                }
                root
            }
        }
    }

    fn enter(&mut self, file: String, at: Position) {
        if let Some(line) = at.line() {
            self.at = at;
            self.callers.push(format!("{}:{line}", self.file));
        }
        if !file.is_empty() && file != self.file {
            self.file = file;
            self.at = Position::NONE;
        }
    }

    /// `called from widgets/lib/a.rhai:7, from widgets/b.rhai:3`: the innermost first.
    fn called(&self) -> Option<String> {
        // A closure and the function that calls it are one place to who reads.
        let here = self.at.line().map(|line| format!("{}:{line}", self.file));
        let mut callers: Vec<&str> = self.callers.iter().rev().map(String::as_str).collect();
        callers.dedup();
        if here.is_some() && callers.first().copied() == here.as_deref() {
            callers.remove(0);
        }
        let more = if callers.len() > CALLERS { ", …" } else { "" };
        let named = callers.get(..CALLERS.min(callers.len()))?.join(", from ");
        (!named.is_empty()).then(|| format!("called from {named}{more}"))
    }
}

fn limit_of(error: &EvalAltResult) -> Option<LimitName> {
    Some(match error {
        EvalAltResult::ErrorTooManyOperations(_) | EvalAltResult::ErrorTerminated(..) => {
            LimitName::Operations
        }
        EvalAltResult::ErrorStackOverflow(_) => LimitName::CallLevels,
        EvalAltResult::ErrorTooManyVariables(_) => LimitName::Variables,
        EvalAltResult::ErrorDataTooLarge(what, _) if what.contains("string") => {
            LimitName::StringBytes
        }
        EvalAltResult::ErrorDataTooLarge(what, _) if what.contains("map") => LimitName::MapItems,
        EvalAltResult::ErrorDataTooLarge(..) => LimitName::ArrayItems,
        _ => return None,
    })
}

pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
