//! From a script's constants to what they declare; whatever does not fit is a diagnostic at the constant.

use super::definition::{Chrome, Style};
use super::hosts;
use super::lint::within;
use super::parameter::{Kind, Parameter};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::script::{Facts, Source};
use serde_json::{Map, Value};
use std::time::Duration;

/// The constants that mean something to the engine; a script may have others of its own.
pub(super) const KNOWN: [&str; 7] =
    ["CHROME", "HOSTS", "PARAMETERS", "REFRESH", "SCHEMAS", "TITLE", "TOPICS"];
const PARAMETER_KEYS: [&str; 8] =
    ["choices", "default", "help", "kind", "label", "many", "max", "min"];
const CHROME_KEYS: [&str; 3] = ["hide_when_empty", "style", "title"];
/// A shorter refresh would be polling; messages are for that.
const SHORTEST_REFRESH: Duration = Duration::from_secs(10);

/// Reads constants and collects what is wrong with them.
pub(super) struct Constants<'a> {
    source: &'a Source,
    facts: &'a Facts,
    pub problems: Vec<Diagnostic>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(source: &'a Source, facts: &'a Facts) -> Self {
        let mut this = Self { source, facts, problems: Vec::new() };
        for name in facts.constants.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            if let Some(meant) = nearest(name, KNOWN) {
                let text =
                    format!("`{name}` means nothing to the engine{}", did_you_mean(Some(meant)));
                let help =
                    format!("write `const {meant} = …;`, or choose a name that is less like it");
                let warning = this.placed(name, name, Diagnostic::warning(text).help(help));
                this.problems.push(warning);
            }
        }
        this
    }

    /// At a word of a constant, such as a parameter's name; else at the constant.
    fn placed(&self, constant: &str, word: &str, diagnostic: Diagnostic) -> Diagnostic {
        let diagnostic = diagnostic.in_file(&*self.source.file);
        if !self.facts.places.contains_key(constant) {
            return diagnostic;
        }
        let start = within(self.source, self.facts, constant, constant);
        let (line, column) = within(self.source, self.facts, constant, word);
        let mut placed = diagnostic.at(&self.source.text, line, column);
        let word = if (line, column) == start { constant } else { word };
        placed.width = word.chars().count();
        placed
    }

    fn wrong(&mut self, constant: &str, message: String, help: &str) {
        self.wrong_at(constant, constant, message, help);
    }

    fn wrong_at(&mut self, constant: &str, word: &str, message: String, help: &str) {
        let problem = self.placed(constant, word, Diagnostic::error(message).help(help));
        self.problems.push(problem);
    }

    fn value(&self, constant: &str) -> Option<&'a Value> {
        self.facts.constants.get(constant)
    }

    pub(super) fn title(&mut self) -> Option<String> {
        match self.value("TITLE")? {
            Value::String(title) => Some(title.clone()),
            other => {
                self.wrong(
                    "TITLE",
                    format!("`TITLE` is {other}, but must be a text"),
                    "as in `const TITLE = \"Badges\";`",
                );
                None
            }
        }
    }

    /// A list of texts, as `HOSTS` and `TOPICS` are.
    pub(super) fn texts(&mut self, constant: &str, example: &str) -> Vec<String> {
        let Some(value) = self.value(constant) else { return Vec::new() };
        if let Some(list) = texts(value) {
            list
        } else {
            self.wrong(
                constant,
                format!("`{constant}` is {value}, but must be a list of texts"),
                example,
            );
            Vec::new()
        }
    }

    pub(super) fn hosts(&mut self, parameters: &[Parameter]) -> Vec<String> {
        let hosts = self.texts("HOSTS", "as in `const HOSTS = [\"badges.fedoraproject.org\"];`");
        for host in hosts.iter().filter(|h| h.is_empty() || h.contains(['/', '@', ' ', '?', '#'])) {
            let message = format!("`{host}` in `HOSTS` is no name of a host");
            self.wrong_at(
                "HOSTS",
                host,
                message,
                "only the name, as in `\"badges.fedoraproject.org\"`: no scheme and no path",
            );
        }
        for entry in &hosts {
            if let Some(name) = hosts::parameter(entry) {
                self.host_of(entry, name, parameters);
            }
        }
        hosts
    }

    /// `config.NAME` must be a parameter that holds addresses.
    fn host_of(&mut self, entry: &str, name: &str, parameters: &[Parameter]) {
        let addresses = || parameters.iter().filter(|it| it.kind == Kind::Url);
        match parameters.iter().find(|it| it.name == name) {
            Some(found) if found.kind == Kind::Url => {}
            Some(found) => {
                let message = format!(
                    "`{entry}` in `HOSTS` is of the kind `{}`, but must be an address",
                    found.kind.name()
                );
                let help = format!("declare it as `{name}: #{{ kind: \"url\", … }}`");
                self.wrong_at("HOSTS", entry, message, &help);
            }
            // One that can't be read has its own finding.
            None if self.value("PARAMETERS").is_some_and(|all| all.get(name).is_some()) => {}
            None => {
                let meant = nearest(name, addresses().map(|it| it.name.as_str()));
                let meant = meant.map(|meant| format!("config.{meant}"));
                let message = format!(
                    "`{entry}` in `HOSTS` names no parameter{}",
                    did_you_mean(meant.as_deref())
                );
                let help = match meant {
                    Some(meant) => format!("write \"{meant}\""),
                    None => format!(
                        "declare it: `const PARAMETERS = #{{ {name}: #{{ kind: \"url\" }} }};`; a host of that name is \
                         \"{entry}:443\""
                    ),
                };
                self.wrong_at("HOSTS", entry, message, &help);
            }
        }
    }

    pub(super) fn refresh(&mut self) -> Option<Duration> {
        let value = self.value("REFRESH")?;
        let parsed = value.as_str().and_then(|text| text.parse::<jiff::SignedDuration>().ok());
        match parsed.and_then(|d| Duration::try_from(d).ok()) {
            Some(every) if every >= SHORTEST_REFRESH => Some(every),
            Some(_) => {
                let message = format!(
                    "`REFRESH` is {value}, but at least 10 seconds must pass between two refreshes"
                );
                self.wrong("REFRESH", message, "let messages invalidate the widget instead");
                None
            }
            None => {
                let help = "a number and a unit, as in `const REFRESH = \"6h\";` (s, m, h)";
                self.wrong("REFRESH", format!("`REFRESH` is {value}, but must be a time"), help);
                None
            }
        }
    }

    pub(super) fn chrome(&mut self) -> Option<Chrome> {
        let Value::Object(given) = self.value("CHROME")? else {
            let help = "as in `const CHROME = #{ style: \"panel\" };`";
            self.wrong("CHROME", "`CHROME` must be a map".into(), help);
            return None;
        };
        self.keys("CHROME", "CHROME", given, &CHROME_KEYS);
        let style = match given.get("style").map(|s| (s, s.as_str().and_then(Style::named))) {
            None => Style::Panel,
            Some((_, Some(style))) => style,
            Some((other, None)) => {
                let styles = ["panel", "plain", "info", "warning"];
                let meant = other.as_str().and_then(|given| nearest(given, styles));
                let message = format!("`style` of `CHROME` is {other}{}", did_you_mean(meant));
                self.wrong_at(
                    "CHROME",
                    "style",
                    message,
                    "`panel`, `plain`, `info` and `warning` are the styles",
                );
                Style::Panel
            }
        };
        for key in ["title", "hide_when_empty"] {
            if let Some(other) = given.get(key).filter(|value| !value.is_string()) {
                let message = format!("`{key}` of `CHROME` is {other}, but must be a text");
                let help = match key {
                    "title" => "as in `title: \"Badges\"`",
                    _ => {
                        "the name of a field that `data` returns, as in `hide_when_empty: \"items\"`"
                    }
                };
                self.wrong_at("CHROME", key, message, help);
            }
        }
        let text = |key: &str| given.get(key).and_then(Value::as_str).map(Into::into);
        Some(Chrome { style, title: text("title"), hide_when_empty: text("hide_when_empty") })
    }

    pub(super) fn parameters(&mut self) -> Vec<Parameter> {
        match self.value("PARAMETERS") {
            None => Vec::new(),
            Some(Value::Object(all)) => {
                all.iter().filter_map(|(name, given)| self.parameter(name, given)).collect()
            }
            Some(_) => {
                let help = "as in `const PARAMETERS = #{ username: #{ kind: \"username\" } };`";
                self.wrong("PARAMETERS", "`PARAMETERS` must be a map".into(), help);
                Vec::new()
            }
        }
    }

    fn parameter(&mut self, name: &str, given: &Value) -> Option<Parameter> {
        let place = format!("PARAMETERS.{name}");
        let Value::Object(given) = given else {
            let help = "as in `limit: #{ kind: \"integer\", default: 10, help: \"How many\" }`";
            let message = format!("`{place}` is {given}, but must be a map");
            self.wrong_at("PARAMETERS", name, message, help);
            return None;
        };
        self.keys("PARAMETERS", &place, given, &PARAMETER_KEYS);
        let kind = match given.get("kind").and_then(Value::as_str) {
            Some(named) => Kind::named(named).ok_or_else(|| {
                let meant = nearest(named, Kind::NAMES.iter().map(|(name, _)| *name));
                format!("`kind` of `{place}` is `{named}`{}", did_you_mean(meant))
            }),
            None => Err(format!("`{place}` has no `kind`")),
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(message) => {
                let names = Kind::NAMES.map(|(name, _)| name).join(", ");
                self.wrong_at("PARAMETERS", name, message, &format!("the kinds are {names}"));
                return None;
            }
        };
        self.types_of(name, given);
        let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| given.get(key).and_then(Value::as_f64);
        let parameter = Parameter {
            name: name.into(),
            kind,
            default: given.get("default").filter(|d| !d.is_null()).cloned(),
            help: text("help").unwrap_or_default(),
            label: text("label"),
            min: number("min"),
            max: number("max"),
            choices: given.get("choices").and_then(texts).unwrap_or_default(),
            many: given.get("many").and_then(Value::as_bool).unwrap_or(false),
        };
        if kind == Kind::Choice && parameter.choices.is_empty() {
            let help = "give the texts to choose from, as in `choices: [\"day\", \"week\"]`";
            let message = format!("`{place}` is a choice without `choices`");
            self.wrong_at("PARAMETERS", name, message, help);
            return None;
        }
        if let (Some(min), Some(max)) = (parameter.min, parameter.max)
            && min > max
        {
            let message =
                format!("`min` of `{place}` is {min}, which is more than its `max`, {max}");
            self.wrong_at("PARAMETERS", name, message, "exchange the two");
            return None;
        }
        let bare = Parameter { default: None, ..parameter.clone() };
        match &parameter.default {
            // The empty text or list is how a script says "not given".
            Some(default) if default != "" && !bare.accepts(default) => {
                let message = format!(
                    "`default` of `{place}` is {default}, but must be {}",
                    parameter.fits()
                );
                let help = match parameter.default.as_ref().map(ToString::to_string) {
                    Some(given) => format!(
                        "{given} does not fit: give one that does, or leave `default` out to make `{name}` required"
                    ),
                    None => "a default must fit its own parameter".into(),
                };
                self.wrong_at("PARAMETERS", name, message, &help);
                None
            }
            _ => Some(parameter),
        }
    }

    fn keys(&mut self, constant: &str, place: &str, given: &Map<String, Value>, known: &[&str]) {
        for key in given.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = did_you_mean(nearest(key, known.iter().copied()));
            let help = format!("it may have {}", known.join(", "));
            self.wrong_at(constant, key, format!("`{place}` has no `{key}`{meant}"), &help);
        }
    }

    /// `min: "1"` would be no bound at all.
    fn types_of(&mut self, name: &str, given: &Map<String, Value>) {
        for (key, value) in given {
            let (fits, wanted) = match key.as_str() {
                "min" | "max" => (value.is_number(), "a number, as in `max: 50`"),
                "many" => (value.is_boolean(), "`true` or `false`"),
                "help" | "label" => (value.is_string(), "a text, as in `help: \"How many\"`"),
                "choices" => (
                    texts(value).is_some(),
                    "a list of texts, as in `choices: [\"day\", \"week\"]`",
                ),
                _ => continue,
            };
            if !fits {
                let message = format!("`{key}` of `PARAMETERS.{name}` is {value}");
                self.wrong_at("PARAMETERS", name, message, &format!("it must be {wanted}"));
            }
        }
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(Into::into)).collect()
}
