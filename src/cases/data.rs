//! `data()` of a case: called once on its cassette, compared with what the case says, drawn.

use super::outcome::{CaseReport, Failure, Kind};
use super::recordings::missing_file;
use super::snapshot::{self, diff, pretty};
use super::world::World;
use crate::config::{Sandbox, Site};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::outbound::{Cassette, CassetteError, Outbound};
use crate::render::{Renderer, WidgetHtml};
use crate::script::Interpreter;
use crate::widget::{At, Case};
use serde_json::Value;

/// The folder of cassettes, below the site.
const FOLDER: &str = "tests/cassettes";

pub(super) fn cassette_path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// The case's cassette; an empty one where it names none, or where it is about to be recorded.
pub(super) fn cassette(site: &Site, case: &Case, record: bool) -> Result<Cassette, Box<Failure>> {
    let Some(At { value: name, place }) = &case.cassette else { return Ok(Cassette::empty()) };
    let path = cassette_path(name);
    match site.read_text(&path) {
        _ if record => Ok(Cassette::empty()),
        Ok(Some(text)) => Cassette::parse(&path, &text).map_err(|error| {
            let problem = match error {
                CassetteError::Broken { line, what, .. } => {
                    let said = format!("this is no cassette: {what}");
                    Diagnostic::error(said).at(&text, line, 1).in_file(path)
                }
                other => Diagnostic::error(other.to_string()).in_file(path),
            };
            let help = "`--record` writes it anew, from the network";
            Box::new(Failure::new(Kind::Case, problem.help(help)))
        }),
        Ok(None) => {
            let (said, help) = missing_file(site, "cassette", FOLDER, ".json", name);
            let help = format!("{help}; `--record` writes it from the network");
            Err(Failure::new(Kind::Case, place.error(said).help(help)).into())
        }
        Err(error) => Err(Failure::new(Kind::Case, place.error(error.to_string())).into()),
    }
}

pub(super) fn outbound(sandbox: &Sandbox, cassette: Cassette, record: bool) -> Outbound {
    if record {
        Outbound::recording(sandbox, cassette)
    } else {
        Outbound::replaying(sandbox, cassette)
    }
}

/// Calls `data`, and checks all that the case says of it.
pub(super) fn check(
    world: &World<'_>,
    case: &Case,
    interpreter: &mut Interpreter,
    outbound: &Outbound,
    renderer: &Renderer,
    report: &mut CaseReport,
) -> Option<(Value, String)> {
    let World { definition, placed, now, .. } = world;
    let answer = definition.data(interpreter, placed, *now);
    let refused = outbound.refused();
    for url in &refused {
        let failed = answer.as_ref().err().map(|failure| &failure.diagnostic);
        report.failures.push(off_cassette(case, url, failed, report));
    }
    let data = match answer {
        Ok(data) => data,
        Err(failure) => {
            if refused.is_empty() {
                report.failures.push(Failure::new(Kind::Script, failure.diagnostic));
            }
            return None;
        }
    };
    for (path, wanted) in &case.data {
        if let Some(failure) = compare(&data, path, wanted) {
            report.failures.push(failure);
        }
    }
    let widget = placed.to_json(*now);
    let job = WidgetHtml { name: &definition.name, data: &data, widget: &widget };
    match renderer.widget(&job) {
        Ok(html) => Some((data, html)),
        Err(problem) => {
            report.failures.push(Failure::new(Kind::Template, problem));
            None
        }
    }
}

/// Data and HTML against their snapshots, where the case has them.
pub(super) fn snapshots(
    site: &Site,
    case: &Case,
    data: &Value,
    html: &str,
    update: bool,
    report: &mut CaseReport,
) {
    let html = format!("{}\n", html.trim_end());
    snapshot::check(site, case, [("json", pretty(data)), ("html", html)], update, report);
}

fn off_cassette(
    case: &Case,
    url: &str,
    failed: Option<&Diagnostic>,
    report: &CaseReport,
) -> Failure {
    let said = match &case.cassette {
        Some(name) => format!("{url} is not on the cassette {}", cassette_path(&name.value)),
        None => format!("{url} was asked for, but the case has no `cassette`"),
    };
    let again = report.again();
    let help = match &case.cassette {
        Some(_) => format!("record it from the network: {again} --record"),
        None => {
            format!("name one, as in `cassette = \"x.json\"`, then record it: {again} --record")
        }
    };
    let place = case.cassette.as_ref().map_or(&case.name.place, |name| &name.place);
    let problem = match failed {
        Some(failed) if failed.line.is_some() => Diagnostic { message: said, ..failed.clone() },
        _ => place.error(said),
    };
    Failure::new(Kind::Request, problem.help(help))
}

/// What a path must have, and has not.
fn compare(data: &Value, path: &str, At { value: wanted, place }: &At<Value>) -> Option<Failure> {
    let there = match at_path(data, path) {
        Ok(there) if same(there, wanted) => return None,
        Ok(there) => there,
        Err(said) => {
            let help = "paths are words joined by dots, as in `assertions.0.name`";
            return Some(Failure::new(Kind::Data, place.error(said).help(help)));
        }
    };
    if there.is_array() || there.is_object() || wanted.is_array() || wanted.is_object() {
        let problem = place.error(format!("`{path}` of the data is not what the case says"));
        let shown = diff(&pretty(wanted), &pretty(there), "the case", "the data");
        return Some(Failure::new(Kind::Data, problem).diff(shown));
    }
    Some(Failure::new(
        Kind::Data,
        place.error(format!("`{path}` is {there}, but must be {wanted}")),
    ))
}

/// What lies at a path, or how far it leads.
fn at_path<'d>(data: &'d Value, path: &str) -> Result<&'d Value, String> {
    let (mut here, mut walked) = (data, String::new());
    for word in path.split('.') {
        let whose = if walked.is_empty() { "the data".into() } else { format!("`{walked}`") };
        here = match here {
            Value::Object(fields) => fields.get(word).ok_or_else(|| {
                let near = nearest(word, fields.keys().map(String::as_str));
                let names: Vec<_> =
                    fields.keys().take(12).map(|name| format!("`{name}`")).collect();
                let has = match (near, names.as_slice()) {
                    (Some(_), _) => did_you_mean(near),
                    (None, []) => "; it is empty".into(),
                    (None, names) => format!("; it has {}", names.join(", ")),
                };
                format!("{whose} has no `{word}`{has}")
            })?,
            Value::Array(items) => {
                word.parse::<usize>().ok().and_then(|at| items.get(at)).ok_or_else(|| {
                    format!("{whose} has no item `{word}`: it is a list of {}", items.len())
                })?
            }
            other => return Err(format!("{whose} is {other}, which has no `{word}`")),
        };
        walked = if walked.is_empty() { word.into() } else { format!("{walked}.{word}") };
    }
    Ok(here)
}

/// Equal, where 1 and 1.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_that_leads_nowhere_says_how_far_it_came() {
        let data = json!({ "total": 1, "assertions": [{ "name": "x" }] });
        let said = |path: &str| at_path(&data, path).map_or_else(|said| said, Value::to_string);
        assert_eq!(said("assertions.0.name"), "\"x\"");
        assert_eq!(said("assertions.0.nmae"), "`assertions.0` has no `nmae`; did you mean `name`?");
        assert_eq!(said("assertions.1.name"), "`assertions` has no item `1`: it is a list of 1");
        assert_eq!(said("total.of"), "`total` is 1, which has no `of`");
        assert_eq!(said("link"), "the data has no `link`; it has `assertions`, `total`");
    }

    #[test]
    fn numbers_are_equal_as_numbers() {
        assert!(same(&json!([1, { "a": 2.0 }]), &json!([1.0, { "a": 2 }])));
        assert!(!same(&json!(1), &json!("1")));
    }
}
