//! Parameters as fields of a form, and what a form sends as a configuration.

use crate::hub::Config;
use crate::render::Field;
use crate::widget::{Definition, Kind, Parameter, ParameterError};
use serde_json::Value;
use std::time::Duration;

/// What was given, each read as its parameter's kind. An empty field is one that was not given.
pub(super) fn read(definition: &Definition, given: &[(String, String)]) -> Config {
    let mut config = Config::new();
    for (name, typed) in given.iter().filter(|(_, typed)| !typed.trim().is_empty()) {
        let parameter = definition.parameters.iter().find(|parameter| parameter.name == *name);
        // A name that is no parameter is for `complete` to refuse.
        let value = parameter.map_or_else(|| typed.clone().into(), |p| p.read(typed));
        config.insert(name.clone(), value);
    }
    config
}

pub(super) fn fields(
    definition: &Definition,
    config: &Config,
    wrong: &[ParameterError],
) -> Vec<Field> {
    let field = |parameter: &Parameter| {
        let problem = wrong.iter().find(|error| error.name() == parameter.name);
        Field { problem: problem.map(ToString::to_string), ..field(parameter, config) }
    };
    // What must be given comes first.
    let (required, others): (Vec<_>, Vec<_>) =
        definition.parameters.iter().map(field).partition(|field| field.required);
    required.into_iter().chain(others).collect()
}

fn field(parameter: &Parameter, config: &Config) -> Field {
    let input = match parameter.kind {
        _ if parameter.many => "text",
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
    let fits = if parameter.many { format!("{one}; commas between them") } else { one };
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
    }
}

/// A value as somebody would type it.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(typed).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
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
            let field = field(&parameter(kind, None, many), &Config::new());
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
        let field = field(&parameter(Kind::Package, Some(json!([])), true), &config);
        assert_eq!((&*field.value, &*field.default, field.required), ("kernel, gtk+", "", false));
        assert!(field.fits.ends_with("; commas between them"), "{}", field.fits);
    }

    #[test]
    fn a_time_is_told_in_the_largest_unit_that_is_whole() {
        let told = [30, 90, 3_600, 21_600, 172_800].map(|s| period(Duration::from_secs(s)));
        assert_eq!(told, ["every 30 s", "every 90 s", "every 1 h", "every 6 h", "every 2 d"]);
    }
}
