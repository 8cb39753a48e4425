//! What is wrong with a widget as a whole: its constants against what its script reads, asks for and returns.
//!
//! The script's own slips are found by the room `script`; here stands what needs parameters, hosts, chrome and hints
//! beside it. Errors here stop no widget: it runs as far as it does.

mod hosts;
mod template;

pub use template::Unreturned;

use super::calls::HINT_KEYS;
use super::constants::KNOWN;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::script::{Facts, Lint, Shape, Source, Spot};
use serde_json::{Map, Value};

/// A widget's script, and what is known of it.
pub(super) struct Subject<'a> {
    pub(super) source: &'a Source,
    pub(super) facts: &'a Facts,
    pub(super) lint: &'a Lint,
    /// The text of its template, where it has one.
    pub(super) template: Option<&'a str>,
}

pub(super) fn widget(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    subject.settings(&mut problems);
    hosts::check(subject, &mut problems);
    subject.chrome(&mut problems);
    subject.hints(&mut problems);
    problems.extend(unread(subject.source, subject.lint));
    problems
}

/// What authors call constants that have another name here.
const OTHER_NAMES: [(&str, &str); 10] = [
    ("ALLOWED_HOSTS", "HOSTS"),
    ("CONFIG", "PARAMETERS"),
    ("DOMAINS", "HOSTS"),
    ("EVERY", "REFRESH"),
    ("INTERVAL", "REFRESH"),
    ("NAME", "TITLE"),
    ("OPTIONS", "PARAMETERS"),
    ("PARAMS", "PARAMETERS"),
    ("SETTINGS", "PARAMETERS"),
    ("TTL", "REFRESH"),
];

/// Constants that neither the engine nor the script reads.
pub(super) fn unread(source: &Source, lint: &Lint) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for spot in &lint.unread_constants {
        let name = spot.name.as_str();
        // One whose name is nearly right has its own finding.
        if KNOWN.contains(&name) || nearest(name, KNOWN).is_some() || name.starts_with('_') {
            continue;
        }
        let meant = OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, meant)| *meant);
        let said = format!("nothing reads the constant `{name}`{}", did_you_mean(meant));
        let help = match meant {
            Some(meant) => format!("the engine reads `{meant}`"),
            None => format!("remove it; the engine reads {}", KNOWN.join(", ")),
        };
        let mut problem = Diagnostic::warning(said)
            .in_file(&*source.file)
            .at(&source.text, spot.line, spot.column)
            .help(help);
        problem.width = name.chars().count();
        problems.push(problem);
    }
    problems
}

impl Subject<'_> {
    fn at(&self, problem: Diagnostic, line: usize, column: usize, width: usize) -> Diagnostic {
        let mut placed = problem.in_file(&*self.source.file).at(&self.source.text, line, column);
        placed.width = width.max(1);
        placed
    }

    fn at_spot(&self, problem: Diagnostic, spot: &Spot) -> Diagnostic {
        self.at(problem, spot.line, spot.column, spot.name.chars().count())
    }

    /// At a word in a constant, such as a parameter's name; else at the constant.
    fn in_constant(&self, problem: Diagnostic, constant: &str, word: &str) -> Diagnostic {
        let (line, column) = within(self.source, self.facts, constant, word);
        self.at(problem, line, column, word.chars().count())
    }

    fn parameters(&self) -> Option<Map<String, Value>> {
        match self.facts.constants.get("PARAMETERS") {
            None => Some(Map::new()),
            Some(Value::Object(all)) => Some(all.clone()),
            Some(_) => None,
        }
    }

    /// Parameters that are read and not declared, or declared and not read.
    fn settings(&self, problems: &mut Vec<Diagnostic>) {
        let Some(declared) = self.parameters() else { return };
        for spot in &self.lint.settings {
            if declared.contains_key(&spot.name) {
                continue;
            }
            let meant = nearest(&spot.name, declared.keys().map(String::as_str));
            let said = format!(
                "`widget.config` has no `{}`: `PARAMETERS` does not declare it{}",
                spot.name,
                did_you_mean(meant)
            );
            let help = match meant {
                Some(meant) => format!("write `widget.config.{meant}`"),
                None if declared.is_empty() => format!(
                    "declare it: `const PARAMETERS = #{{ {}: #{{ kind: \"text\" }} }};`",
                    spot.name
                ),
                None => format!("it has {}; or declare it there", listed(declared.keys())),
            };
            problems.push(self.at_spot(Diagnostic::error(said), spot).help(help));
        }
        if self.lint.hands_on_config {
            return;
        }
        for name in declared.keys() {
            let is_read = self.lint.settings.iter().any(|spot| spot.name == *name)
                || self.lint.asked.contains(name)
                || self.template.is_some_and(|text| template::reads_setting(text, name));
            if !is_read {
                let said = format!("nothing reads the parameter `{name}`");
                let help = format!(
                    "read it as `widget.config.{name}` in the script or the template, or remove it"
                );
                let problem = self.in_constant(Diagnostic::warning(said), "PARAMETERS", name);
                problems.push(problem.help(help));
            }
        }
    }

    /// `hide_when_empty` must name a field that there is.
    fn chrome(&self, problems: &mut Vec<Diagnostic>) {
        let chrome = self.facts.constants.get("CHROME");
        let hiding = chrome.and_then(|chrome| chrome.get("hide_when_empty")?.as_str());
        let Some((field, Some(Shape::Map(fields)))) = hiding.map(|f| (f, &self.lint.data)) else {
            return;
        };
        if fields.contains_key(field.split('.').next().unwrap_or(field)) {
            return;
        }
        let meant = nearest(field, fields.keys().map(String::as_str));
        let said = format!(
            "`hide_when_empty` names `{field}`, which `data` never returns{}",
            did_you_mean(meant)
        );
        let help = format!("`data` returns {}", listed(fields.keys()));
        problems.push(self.in_constant(Diagnostic::error(said), "CHROME", field).help(help));
    }

    fn hints(&self, problems: &mut Vec<Diagnostic>) {
        let Some((Shape::Map(fields), line, column)) = &self.lint.hints else { return };
        for name in fields.keys().filter(|name| !HINT_KEYS.contains(&name.as_str())) {
            let meant = did_you_mean(nearest(name, HINT_KEYS));
            let said = format!("`hints` has no `{name}`{meant}");
            let help = format!("its keys are {}", HINT_KEYS.join(", "));
            let (line, column) =
                word_from(&self.source.text, *line, name).unwrap_or((*line, *column));
            let problem = self.at(Diagnostic::error(said), line, column, name.chars().count());
            problems.push(problem.help(help));
        }
    }
}

/// Where a word stands in a constant's text, from its name on; else where the constant does.
pub(super) fn within(source: &Source, facts: &Facts, constant: &str, word: &str) -> (usize, usize) {
    let (line, column) = facts.places.get(constant).copied().unwrap_or((1, 1));
    // What is behind the constant is not its text.
    let ends = facts.places.values().map(|(line, _)| *line).filter(|next| *next > line).min();
    match word_from(&source.text, line, word) {
        Some(found) if ends.is_none_or(|end| found.0 < end) => found,
        _ => (line, column),
    }
}

/// The first place of a whole word, from a line on: line and column, from 1.
fn word_from(text: &str, line: usize, word: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.lines().enumerate().skip(line.saturating_sub(1)).find_map(|(at, text)| {
        let code = text.split("//").next().filter(|code| code.contains(word)).unwrap_or(text);
        let found = code.match_indices(word).find(|(from, _)| {
            !code[..*from].ends_with(is_part) && !code[from + word.len()..].starts_with(is_part)
        })?;
        Some((at + 1, code[..found.0].chars().count() + 1))
    })
}

/// `a`, `b` and so on: twelve at most.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 12 { ", …" } else { "" };
    match names.len() {
        0 => "nothing".into(),
        _ => format!("{}{more}", names[..names.len().min(12)].join(", ")),
    }
}
