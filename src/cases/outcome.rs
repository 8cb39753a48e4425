//! What a run found: values that reports are made of.

use crate::diagnostic::Diagnostic;
use crate::hub::WidgetName;
use crate::message::Message;
use crate::script::Comparison;
use std::fmt;
use std::time::Duration;

/// A whole run, in the order of widgets and of the cases in their files.
#[derive(Debug, Default)]
pub struct Report {
    pub cases: Vec<CaseReport>,
    /// What concerns no single case, such as a snapshot that none uses.
    pub warnings: Vec<Diagnostic>,
    /// Files that were removed, in sentences.
    pub removed: Vec<String>,
    /// Widgets that have no case.
    pub untested: Vec<WidgetName>,
    pub coverage: Option<super::coverage::Covered>,
}

impl Report {
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    pub fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }
}

/// One case, or a file that gives no cases.
#[derive(Debug)]
pub struct CaseReport {
    /// As its file is named, whether there is such a widget or not.
    pub widget: String,
    /// `None`: the file itself, or the widget's script, is broken.
    pub case: Option<String>,
    /// What the command needs that runs it again, as in ` --site demo`.
    pub options: String,
    pub took: Duration,
    pub failures: Vec<Failure>,
    pub warnings: Vec<Diagnostic>,
    /// Of the invalidations that were looked at, how many changed the data; where that can be told.
    pub precision: Option<Precision>,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
    /// Files that were written or removed, below the site.
    pub wrote: Vec<String>,
}

impl CaseReport {
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// `hubs widget test badges --case '^…$'`: the command that runs just this again.
    pub fn again(&self) -> String {
        let Self { widget, case, options, .. } = self;
        let Some(case) = case else { return format!("hubs widget test {widget}{options}") };
        let pattern = format!("^{}$", regex::escape(case)).replace('\'', r"'\''");
        format!("hubs widget test {widget} --case '{pattern}'{options}")
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Precision {
    pub changed: usize,
    pub invalidations: usize,
}

/// What kind of promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The case file, a recording, a cassette or a configuration can't be used.
    Case,
    /// A script does not compile, throws, or breaks a limit.
    Script,
    /// Another set of messages invalidates.
    Invalidation,
    /// Hints leave out a message for which `should_invalidate` is true.
    UnsoundHints,
    /// The data changed, and `should_invalidate` said no.
    MissedUpdate,
    /// Asked for a URL that is not on the cassette.
    Request,
    Data,
    Template,
    Snapshot,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Case => "case",
            Self::Script => "script",
            Self::Invalidation => "invalidation",
            Self::UnsoundHints => "unsound hints",
            Self::MissedUpdate => "missed update",
            Self::Request => "request",
            Self::Data => "data",
            Self::Template => "template",
            Self::Snapshot => "snapshot",
        })
    }
}

/// Why a case failed.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    pub diagnostic: Diagnostic,
    /// The message that it is about.
    pub about: Option<About>,
    /// The comparisons that decided the answer of `should_invalidate`.
    pub decided_by: Vec<Comparison>,
    /// Lines with `-` and `+`.
    pub diff: Option<String>,
}

impl Failure {
    pub(super) fn new(kind: Kind, diagnostic: Diagnostic) -> Self {
        Self { kind, diagnostic, about: None, decided_by: Vec::new(), diff: None }
    }

    pub(super) fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    pub(super) fn decided_by(mut self, comparisons: Vec<Comparison>) -> Self {
        self.decided_by = comparisons;
        self
    }

    pub(super) fn diff(mut self, diff: String) -> Self {
        self.diff = Some(diff);
        self
    }
}

/// A message of a recording, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub id: String,
    pub topic: String,
    /// Below the site, or as it was given on the command line.
    pub recording: String,
    /// From 1.
    pub line: usize,
}

impl About {
    pub(super) fn new(message: &Message, recording: &str, line: usize) -> Self {
        let (id, topic) = (message.id.clone(), message.topic.to_string());
        Self { id, topic, recording: recording.into(), line }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, topic, recording, line } = self;
        write!(f, "{id} ({topic}) in {recording}:{line}")
    }
}

/// `widgets/badges.rhai:16:12: "lmacken" == "ralph" is false`.
pub(super) fn sentence(comparison: &Comparison) -> String {
    let Comparison { file, line, column, operator, left, right, answer } = comparison;
    let compared = match operator.as_str() {
        "is_empty" => format!("{left}.is_empty()"),
        word if word.starts_with(char::is_alphabetic) && word != "in" => {
            format!("{left}.{word}({right})")
        }
        sign => format!("{left} {sign} {right}"),
    };
    format!("{file}:{line}:{column}: {compared} is {answer}")
}
