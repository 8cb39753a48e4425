//! One version of one widget, as its script declares it.

use super::constants::Constants;
use super::parameter::{self, Parameter, ParameterError};
use super::reach::Reach;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::hub::{Config, Hub, Instance, Placed, WidgetName};
use crate::script::{Facts, Function, Lint, Shape, Source};
use serde::Serialize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// After so many failures of `should_invalidate` in a row it is asked no more.
const PATIENCE: u32 = 5;
/// How often such a widget is rebuilt instead, until its script is mended.
const REFRESH_WITHOUT_CHECK: Duration = Duration::from_mins(15);

/// How a card is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    Panel,
    Plain,
    Info,
    Warning,
}

impl Style {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "panel" => Self::Panel,
            "plain" => Self::Plain,
            "info" => Self::Info,
            "warning" => Self::Warning,
            _ => return None,
        })
    }
}

/// The frame around a widget. Without `CHROME` there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chrome {
    pub style: Style,
    pub title: Option<String>,
    /// A field of the data: while it is empty the whole card is hidden.
    pub hide_when_empty: Option<String>,
}

#[derive(Debug)]
pub struct Definition {
    pub name: WidgetName,
    pub source: Arc<Source>,
    /// The `//!` lines at the top of the script.
    pub doc: String,
    pub title: String,
    pub chrome: Option<Chrome>,
    pub parameters: Vec<Parameter>,
    /// As the script has them: `config.NAME` stands for what an instance set.
    pub hosts: Arc<[String]>,
    refresh: Option<Duration>,
    pub has_check: bool,
    pub has_hints: bool,
    /// What `data` returns, where the script shows it plainly.
    pub(super) returns: Option<Shape>,
    /// Which messages its instances are asked about: read once, by the library that loads it.
    pub(super) reach: OnceLock<Option<Reach>>,
    /// Failures of `should_invalidate` in a row; a new version of the script begins anew.
    failures: AtomicU32,
}

impl Definition {
    /// Reads a compiled script as a widget. Warnings come beside it, errors instead of it.
    pub(super) fn read(
        name: WidgetName,
        source: Arc<Source>,
        facts: &Facts,
        lint: &Lint,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut constants = Constants::new(&source, facts);
        let (title, chrome) = (constants.title(), constants.chrome());
        let parameters = constants.parameters();
        let (hosts, refresh) = (constants.hosts(&parameters), constants.refresh());
        let mut problems = constants.problems;
        let has_check = expect_function(
            &source,
            facts,
            "should_invalidate",
            &["message", "widget"],
            &mut problems,
        );
        let has_hints = expect_function(&source, facts, "hints", &["widget"], &mut problems);
        if !expect_function(&source, facts, "data", &["widget"], &mut problems) {
            let missing =
                "the script has no `data(widget)`: it gives the widget its data, as a map";
            problems.push(absent(&source, facts, missing, "data", "add `fn data(widget) { #{} }`"));
        }
        // A `REFRESH` that can't be read has its own finding.
        if !has_check && refresh.is_none() && !facts.constants.contains_key("REFRESH") {
            let missing = "nothing ever makes this widget's data new: no `should_invalidate(message, widget)`, no `REFRESH`";
            let help = "add the function, or a time as in `const REFRESH = \"6h\";`";
            problems.push(absent(&source, facts, missing, "should_invalidate", help));
        }
        if problems.iter().any(|p| p.severity == Severity::Error) {
            return (None, problems);
        }
        let from_chrome = chrome.as_ref().and_then(|c| c.title.clone());
        let title = from_chrome.or(title).unwrap_or_else(|| title_of(&name));
        let hosts = hosts.into();
        let doc = facts.doc.clone();
        let failures = AtomicU32::new(0);
        let read = Self {
            name,
            source,
            doc,
            title,
            chrome,
            parameters,
            hosts,
            refresh,
            has_check,
            has_hints,
            returns: lint.data.clone(),
            reach: OnceLock::new(),
            failures,
        };
        (Some(read), problems)
    }

    /// An instance's configuration with defaults filled in, or all that does not fit.
    pub fn complete(&self, given: &Config) -> Result<Config, Vec<ParameterError>> {
        parameter::complete(&self.name, &self.parameters, given)
    }

    /// The instance as this widget's functions and template see it.
    pub fn place(&self, instance: &Instance, hub: Arc<Hub>) -> Result<Placed, Vec<ParameterError>> {
        let config = Arc::new(self.complete(&instance.config)?);
        Ok(Placed { id: instance.id, name: self.name.clone(), config, hub, page: 1 })
    }

    /// Whether it has more entries than its card shows: it reads `widget.page`.
    pub fn has_pages(&self) -> bool {
        self.source.text.contains("widget.page")
    }

    /// What the first line of the documentation says.
    pub fn summary(&self) -> &str {
        self.doc.lines().next().unwrap_or("")
    }

    /// How old the data may get without any message.
    pub fn refresh(&self) -> Option<Duration> {
        match self.refresh {
            None if self.is_given_up() => Some(REFRESH_WITHOUT_CHECK),
            declared => declared,
        }
    }

    /// Whether `should_invalidate` failed so often in a row that it is asked no more.
    pub fn is_given_up(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= PATIENCE
    }

    pub(super) fn count_failure(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures == PATIENCE {
            tracing::warn!(
                widget = %self.name,
                failures,
                "should_invalidate failed {PATIENCE} times in a row: the widget refreshes by time until its script is mended"
            );
        }
    }

    pub(super) fn count_success(&self) {
        // A load is cheaper than a store that every thread would see.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

/// Whether the script has this function; one of its name with other parameters is an error at its line.
fn expect_function(
    source: &Source,
    facts: &Facts,
    name: &str,
    parameters: &[&str],
    problems: &mut Vec<Diagnostic>,
) -> bool {
    let named: Vec<&Function> = facts.functions.iter().filter(|f| f.name == name).collect();
    if named.iter().any(|f| f.parameters.len() == parameters.len()) {
        return true;
    }
    if let Some(other) = named.first() {
        let message = format!(
            "`{name}` takes {} parameters here, but is called with {}: `fn {name}({})`",
            other.parameters.len(),
            parameters.len(),
            parameters.join(", ")
        );
        let help = format!("write `fn {name}({}) {{ … }}`", parameters.join(", "));
        let problem = Diagnostic::error(message).in_file(&*source.file);
        problems.push(problem.at(&source.text, other.line, 1).help(help));
        return true;
    }
    false
}

/// A function that is not there; one whose name is nearly that is most likely meant.
fn absent(source: &Source, facts: &Facts, said: &str, name: &str, help: &str) -> Diagnostic {
    let problem = Diagnostic::error(said).in_file(&*source.file);
    let meant = nearest(name, facts.functions.iter().map(|f| f.name.as_str()));
    match meant.and_then(|meant| facts.function(meant)) {
        Some(other) => {
            let help =
                format!("is `{}` in line {} meant? Then call it `{name}`", other.name, other.line);
            problem.at(&source.text, other.line, 1).help(help)
        }
        // The whole file is meant.
        None => problem.at(&source.text, 1, 1).help(help),
    }
}

/// `workflow.updates2stable` → `Updates2stable`.
fn title_of(name: &WidgetName) -> String {
    let last = name.as_str().rsplit('.').next().unwrap_or_default().replace('_', " ");
    let mut letters = last.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
