//! Parameters as fields of a form, and what a form sends as a configuration.

use crate::hub::Config;
use crate::render::Field;
use crate::widget::{Definition, Kind, Parameter, ParameterError};
use serde_json::Value;
use std::time::Duration;

/// How a list is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    Commas,
    /// One entry a line.
    Lines,
}

/// What was given, each read as its parameter's kind. An empty field is one that was not given.
pub(super) fn read(definition: &Definition, given: &[(String, String)], lists: Lists) -> Config {
    let mut config = Config::new();
    for (name, typed) in given.iter().filter(|(_, typed)| !typed.trim().is_empty()) {
        let parameter = definition.parameters.iter().find(|parameter| parameter.name == *name);
        // A name that is no parameter is for `complete` to refuse.
        let read = |parameter: &Parameter| match lists {
            Lists::Commas => parameter.read(typed),
            Lists::Lines => parameter.read_lines(&typed.replace("\r\n", "\n")),
        };
        let value = parameter.map_or_else(|| typed.clone().into(), read);
        config.insert(name.clone(), value);
    }
    config
}

pub(super) fn fields(
    definition: &Definition,
    config: &Config,
    wrong: &[ParameterError],
    lists: Lists,
) -> Vec<Field> {
    let field = |parameter: &Parameter| {
        let problem = wrong.iter().find(|error| error.name() == parameter.name);
        Field { problem: problem.map(ToString::to_string), ..field(parameter, config, lists) }
    };
    // What must be given comes first.
    let (required, others): (Vec<_>, Vec<_>) =
        definition.parameters.iter().map(field).partition(|field| field.required);
    required.into_iter().chain(others).collect()
}

fn field(parameter: &Parameter, config: &Config, lists: Lists) -> Field {
    let input = match parameter.kind {
        _ if parameter.many => match lists {
            Lists::Commas => "text",
            Lists::Lines => "area",
        },
        Kind::Text if lists == Lists::Lines => "area",
        Kind::Markdown => "area",
        Kind::Integer | Kind::Number => "number",
        Kind::Boolean | Kind::Choice => "select",
        Kind::Url => "url",
        _ => "text",
    };
    let options = match parameter.kind {
        Kind::Boolean => vec!["true".into(), "false".into()],
        Kind::Choice => parameter.choices.clone(),
        _ => Vec::new(),
    };
    // Backticks are for terminals.
    let one = parameter.fits().replace('`', "");
    let fits = match lists {
        _ if !parameter.many => one,
        Lists::Commas => format!("{one}; commas between them"),
        Lists::Lines => format!("{one}; one a line"),
    };
    let typed = |value: &Value| typed(value, lists);
    Field {
        name: parameter.name.clone(),
        label: parameter.label.clone().unwrap_or_else(|| parameter.name.replace('_', " ")),
        help: parameter.help.replace('`', ""),
        fits,
        input,
        value: config.get(&parameter.name).map(typed).unwrap_or_default(),
        default: parameter.default.as_ref().map(typed).unwrap_or_default(),
        options,
        required: parameter.default.is_none(),
        min: parameter.min.map(|min| min.to_string()),
        max: parameter.max.map(|max| max.to_string()),
        whole: parameter.kind == Kind::Integer,
        problem: None,
        theirs: None,
        suggestions: Vec::new(),
    }
}

/// A value as somebody would type it.
pub(super) fn typed(value: &Value, lists: Lists) -> String {
    let between = match lists {
        Lists::Commas => ", ",
        Lists::Lines => "\n",
    };
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|item| typed(item, lists)).collect::<Vec<_>>().join(between)
        }
        other => other.to_string(),
    }
}

/// What somebody else wrote, for a page: also that they wrote nothing.
pub(super) fn theirs(value: &Value) -> String {
    let text = typed(value, Lists::Lines);
    if text.is_empty() { "nothing".into() } else { text }
}

/// `every 6h`.
pub(super) fn period(every: Duration) -> String {
    let seconds = every.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole =
        units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, word)) => format!("every {} {word}", seconds / unit),
        None => format!("every {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameter(kind: Kind, default: Option<Value>, many: bool) -> Parameter {
        let choices = if kind == Kind::Choice { vec!["a".into(), "b".into()] } else { Vec::new() };
        Parameter {
            name: "some_thing".into(),
            kind,
            default,
            help: "As in `x`".into(),
            label: None,
            min: Some(1.0),
            max: None,
            choices,
            many,
        }
    }

    #[test]
    fn each_kind_has_a_field_that_suits_it() {
        for (kind, many, input, options) in [
            (Kind::Text, false, "text", 0),
            (Kind::Markdown, false, "area", 0),
            (Kind::Integer, false, "number", 0),
            (Kind::Boolean, false, "select", 2),
            (Kind::Choice, false, "select", 2),
            (Kind::Url, false, "url", 0),
            (Kind::Package, false, "text", 0),
            (Kind::Integer, true, "text", 0),
        ] {
            let field = field(&parameter(kind, None, many), &Config::new(), Lists::Commas);
            assert_eq!((field.input, field.options.len()), (input, options), "{kind:?}");
            assert_eq!(
                (&*field.label, &*field.help, field.required),
                ("some thing", "As in x", true)
            );
        }
    }

    #[test]
    fn a_field_shows_what_was_given_and_what_holds_without_it() {
        let config = Config::from_iter([("some_thing".to_owned(), json!(["kernel", "gtk+"]))]);
        let parameter = parameter(Kind::Package, Some(json!([])), true);
        let field = super::field(&parameter, &config, Lists::Commas);
        assert_eq!((&*field.value, &*field.default, field.required), ("kernel, gtk+", "", false));
        assert!(field.fits.ends_with("; commas between them"), "{}", field.fits);
        let field = super::field(&parameter, &config, Lists::Lines);
        assert_eq!((&*field.value, field.input), ("kernel\ngtk+", "area"));
        assert!(field.fits.ends_with("; one a line"), "{}", field.fits);
    }

    #[test]
    fn a_time_is_told_in_the_largest_unit_that_is_whole() {
        let told = [30, 90, 3_600, 21_600, 172_800].map(|s| period(Duration::from_secs(s)));
        assert_eq!(told, ["every 30 s", "every 90 s", "every 1 h", "every 6 h", "every 2 d"]);
    }
}
