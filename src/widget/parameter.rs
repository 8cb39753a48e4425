//! One typed setting of a widget: its kind, default, bounds, and the sentence for what does not fit.

use crate::diagnostic::{did_you_mean, nearest};
use crate::hub::{Config, WidgetName};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A text may have so many letters.
const TEXT_LETTERS: usize = 20_000;
/// An address may have so many.
const URL_LETTERS: usize = 2_000;
/// A list may have so many entries.
const LIST_ENTRIES: usize = 200;

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Markdown,
    Integer,
    Number,
    Boolean,
    Choice,
    Url,
    Username,
    Group,
    Package,
    Repository,
    Calendar,
}

impl Kind {
    pub const NAMES: [(&'static str, Kind); 12] = [
        ("text", Kind::Text),
        ("markdown", Kind::Markdown),
        ("integer", Kind::Integer),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
        ("choice", Kind::Choice),
        ("url", Kind::Url),
        ("username", Kind::Username),
        ("group", Kind::Group),
        ("package", Kind::Package),
        ("repository", Kind::Repository),
        ("calendar", Kind::Calendar),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("text", |(name, _)| name)
    }
}

/// One entry of `PARAMETERS`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Parameter {
    pub name: String,
    pub kind: Kind,
    /// `None`: required.
    pub default: Option<Value>,
    pub help: String,
    pub label: Option<String>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub choices: Vec<String>,
    /// A list of such values.
    pub many: bool,
}

/// Why a configuration does not fit its widget. Read in a form, a terminal and a log: each stands alone.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    #[error("widget `{widget}` has no parameter `{given}`{}", did_you_mean(.nearest.as_deref()))]
    Unknown { widget: WidgetName, given: String, nearest: Option<String> },
    #[error("`{name}` of widget `{widget}` is {given}, but must be {fits}")]
    Unfit { widget: WidgetName, name: String, given: String, fits: String },
    #[error("`{name}` of widget `{widget}` has {has} {what}, but {most} is the most")]
    TooLong { widget: WidgetName, name: String, has: usize, most: usize, what: &'static str },
    #[error("widget `{widget}` needs `{name}`: {fits}{}", help_tail(.help))]
    Missing { widget: WidgetName, name: String, fits: String, help: String },
}

impl ParameterError {
    /// Which setting it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { given, .. } => given,
            Self::Unfit { name, .. } | Self::TooLong { name, .. } | Self::Missing { name, .. } => {
                name
            }
        }
    }
}

fn help_tail(help: &str) -> String {
    if help.is_empty() { String::new() } else { format!(" ({help})") }
}

impl Parameter {
    /// In words, what fits: `a whole number from 1 to 50`.
    pub fn fits(&self) -> String {
        let one = match self.kind {
            Kind::Text => "a text".to_owned(),
            Kind::Markdown => "a text in Markdown".to_owned(),
            Kind::Integer => format!("a whole number{}", self.bounds()),
            Kind::Number => format!("a number{}", self.bounds()),
            Kind::Boolean => "true or false".to_owned(),
            Kind::Choice => format!("one of {}", quoted(&self.choices)),
            Kind::Url => "an address that starts with http:// or https://".to_owned(),
            Kind::Username => "a username, as in `ralph`".to_owned(),
            Kind::Group => "the name of a group, as in `infra`".to_owned(),
            Kind::Package => "the name of a package, as in `python-requests`".to_owned(),
            Kind::Repository => "a repository, as in `fedora-infra/bodhi`".to_owned(),
            Kind::Calendar => "the name of a calendar, as in `infrastructure`".to_owned(),
        };
        if self.many { format!("a list, each {one}") } else { one }
    }

    fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(" from {min}"),
            (None, Some(max)) => format!(" up to {max}"),
            (None, None) => String::new(),
        }
    }

    /// Whether a value fits. What equals the default always does: `""` is how a script says "not given".
    pub fn accepts(&self, value: &Value) -> bool {
        if self.default.as_ref() == Some(value) {
            return true;
        }
        match (self.many, value) {
            (true, Value::Array(items)) => items.iter().all(|item| self.accepts_one(item)),
            (true, _) => false,
            (false, one) => self.accepts_one(one),
        }
    }

    fn accepts_one(&self, value: &Value) -> bool {
        let text = |fits: fn(&str) -> bool| value.as_str().is_some_and(fits);
        match self.kind {
            Kind::Text | Kind::Markdown => value.is_string(),
            Kind::Integer => value.as_i64().is_some() && self.in_bounds(value),
            Kind::Number => self.in_bounds(value),
            Kind::Boolean => value.is_boolean(),
            Kind::Choice => {
                value.as_str().is_some_and(|given| self.choices.iter().any(|c| c == given))
            }
            Kind::Url => text(is_url),
            Kind::Username | Kind::Group => text(|t| is_word(t, "._-", 64)),
            Kind::Package => text(|t| is_word(t, "+._-", 128)),
            Kind::Calendar => text(|t| is_word(t, " ._-", 100)),
            Kind::Repository => text(|t| {
                t.split_once('/')
                    .is_some_and(|(o, n)| is_word(o, "._-", 100) && is_word(n, "._-", 100))
            }),
        }
    }

    /// How long a value is, how long it may be, and counted in what, where it is too long.
    fn excess(&self, value: &Value) -> Option<(usize, usize, &'static str)> {
        match value {
            Value::Array(items) if items.len() > LIST_ENTRIES => {
                Some((items.len(), LIST_ENTRIES, "entries"))
            }
            Value::Array(items) => items.iter().find_map(|item| self.excess(item)),
            Value::String(text) => {
                let most = if self.kind == Kind::Url { URL_LETTERS } else { TEXT_LETTERS };
                let has = text.chars().count();
                (has > most).then_some((has, most, "letters"))
            }
            _ => None,
        }
    }

    fn in_bounds(&self, value: &Value) -> bool {
        value.as_f64().is_some_and(|n| {
            self.min.is_none_or(|min| n >= min) && self.max.is_none_or(|max| n <= max)
        })
    }

    /// What somebody typed (`--config limit=5`, a form's field), as a value of this kind. A list splits at commas.
    pub fn read(&self, typed: &str) -> Value {
        if self.many {
            return typed
                .split(',')
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(|t| self.read_one(t))
                .collect();
        }
        self.read_one(typed)
    }

    /// What somebody typed into a field of several lines: a list has one entry a line.
    pub fn read_lines(&self, typed: &str) -> Value {
        if self.many {
            let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
            return lines.map(|line| self.read_one(line)).collect();
        }
        self.read_one(typed)
    }

    fn read_one(&self, typed: &str) -> Value {
        let parsed = match self.kind {
            Kind::Integer => typed.trim().parse::<i64>().ok().map(Value::from),
            Kind::Number => typed.trim().parse::<f64>().ok().map(Value::from),
            Kind::Boolean => match typed.trim() {
                "true" | "yes" | "on" | "1" => Some(true.into()),
                "false" | "no" | "off" | "0" | "" => Some(false.into()),
                _ => None,
            },
            _ => None,
        };
        // What can't be read stays text, for `accepts` to refuse with what was given.
        parsed.unwrap_or_else(|| typed.into())
    }
}

/// Fills in defaults and checks every setting. All that is wrong is told at once.
pub(super) fn complete(
    widget: &WidgetName,
    parameters: &[Parameter],
    given: &Config,
) -> Result<Config, Vec<ParameterError>> {
    let mut complete = Config::new();
    let mut wrong = Vec::new();
    for name in given.keys().filter(|name| !parameters.iter().any(|p| p.name == **name)) {
        let known = parameters.iter().map(|p| p.name.as_str());
        let nearest = nearest(name, known).map(Into::into);
        wrong.push(ParameterError::Unknown {
            widget: widget.clone(),
            given: name.clone(),
            nearest,
        });
    }
    for parameter in parameters {
        let (name, fits) = (&parameter.name, parameter.fits());
        if let Some((has, most, what)) = given.get(name).and_then(|value| parameter.excess(value)) {
            let (widget, name) = (widget.clone(), name.clone());
            wrong.push(ParameterError::TooLong { widget, name, has, most, what });
            continue;
        }
        match (given.get(name), &parameter.default) {
            (Some(value), _) if parameter.accepts(value) => {
                drop(complete.insert(name.clone(), value.clone()));
            }
            (Some(value), _) => {
                let (widget, name, given) = (widget.clone(), name.clone(), shown(value));
                wrong.push(ParameterError::Unfit { widget, name, given, fits });
            }
            (None, Some(default)) => drop(complete.insert(name.clone(), default.clone())),
            (None, None) => {
                let (widget, name, help) = (widget.clone(), name.clone(), parameter.help.clone());
                wrong.push(ParameterError::Missing { widget, name, fits, help });
            }
        }
    }
    if wrong.is_empty() { Ok(complete) } else { Err(wrong) }
}

/// A value as an error shows it: JSON, cut where it would fill the screen.
fn shown(value: &Value) -> String {
    let json = value.to_string();
    match json.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &json[..at]),
        None => json,
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn is_word(text: &str, marks: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || marks.contains(c))
        && text.starts_with(char::is_alphanumeric)
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameter(name: &str, kind: Kind) -> Parameter {
        Parameter {
            name: name.into(),
            kind,
            default: None,
            help: String::new(),
            label: None,
            min: None,
            max: None,
            choices: vec![],
            many: false,
        }
    }

    fn check(given: &Value) -> Result<Config, String> {
        let parameters = [
            Parameter { help: "Whose badges".into(), ..parameter("username", Kind::Username) },
            Parameter {
                default: Some(json!(10)),
                min: Some(1.0),
                max: Some(50.0),
                ..parameter("limit", Kind::Integer)
            },
            Parameter {
                default: Some(json!([])),
                many: true,
                ..parameter("packages", Kind::Package)
            },
        ];
        let widget = "badges".parse().unwrap();
        let given = given.as_object().unwrap();
        complete(&widget, &parameters, given)
            .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn defaults_are_filled_in_and_what_fits_is_kept() {
        let complete =
            check(&json!({ "username": "ralph", "packages": ["gtk+", "kernel"] })).unwrap();
        assert_eq!(
            Value::from(complete),
            json!({ "username": "ralph", "limit": 10, "packages": ["gtk+", "kernel"] })
        );
    }

    #[test]
    fn every_misfit_is_named_with_what_was_given_and_what_fits() {
        let said =
            check(&json!({ "usrname": "ralph", "limit": 90, "packages": "kernel" })).unwrap_err();
        insta::assert_snapshot!(said, @r#"
        widget `badges` has no parameter `usrname`; did you mean `username`?
        widget `badges` needs `username`: a username, as in `ralph` (Whose badges)
        `limit` of widget `badges` is 90, but must be a whole number from 1 to 50
        `packages` of widget `badges` is "kernel", but must be a list, each the name of a package, as in `python-requests`
        "#);
    }

    #[test]
    fn each_kind_refuses_what_it_is_not() {
        for (kind, good, bad) in [
            (Kind::Text, json!("x"), json!(1)),
            (Kind::Number, json!(1.5), json!("1.5")),
            (Kind::Integer, json!(2), json!(2.5)),
            (Kind::Boolean, json!(true), json!("yes")),
            (Kind::Url, json!("https://example.org/a"), json!("javascript:alert(1)")),
            (Kind::Username, json!("ralph"), json!("../ralph")),
            (Kind::Package, json!("gtk+"), json!("a b")),
            (Kind::Repository, json!("a/b"), json!("a/b/c")),
            (Kind::Calendar, json!("design team"), json!("")),
        ] {
            let parameter = parameter("p", kind);
            assert!(parameter.accepts(&good), "{kind:?} {good}");
            assert!(!parameter.accepts(&bad), "{kind:?} {bad}");
        }
    }

    #[test]
    fn what_is_too_long_is_told_with_how_long_it_may_be() {
        let names: Vec<_> = (0..=LIST_ENTRIES).map(|n| format!("p{n}")).collect();
        let said =
            check(&json!({ "username": "x".repeat(20_001), "packages": names })).unwrap_err();
        insta::assert_snapshot!(said, @r"
        `username` of widget `badges` has 20001 letters, but 20000 is the most
        `packages` of widget `badges` has 201 entries, but 200 is the most
        ");
        let url = Value::from(format!("https://example.org/{}", "x".repeat(URL_LETTERS)));
        assert!(parameter("u", Kind::Url).excess(&url).is_some());
    }

    #[test]
    fn what_is_typed_becomes_a_value_of_the_kind() {
        assert_eq!(parameter("n", Kind::Integer).read("5"), json!(5));
        assert_eq!(parameter("n", Kind::Integer).read("five"), json!("five"));
        let many = Parameter { many: true, ..parameter("p", Kind::Package) };
        assert_eq!(many.read("kernel, gtk+,"), json!(["kernel", "gtk+"]));
        assert_eq!(many.read_lines(" kernel\r\n\ngtk+ \n"), json!(["kernel", "gtk+"]));
        assert_eq!(parameter("t", Kind::Text).read_lines("a\nb"), json!("a\nb"));
    }
}
