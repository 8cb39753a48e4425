//! From Tera's errors to diagnostics.

use super::advice;
use crate::diagnostic::{Diagnostic, nearest};
use tera::{Error, ErrorKind, ReportError};

/// `name` is the template that was asked for; `text` gives the text of any.
pub(super) fn diagnose<'t>(
    error: &Error,
    name: &str,
    names: impl Iterator<Item = &'t str>,
    text: impl Fn(&str) -> Option<&'t str>,
) -> Diagnostic {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => placed(report, text),
        ErrorKind::MissingParent { current, parent } => {
            missing(format!("`{parent}`, which `{current}` extends, is not there"), parent, names)
                .in_file(file_of(current))
        }
        ErrorKind::TemplateNotFound(wanted) => {
            missing(format!("there is no template `{wanted}`"), wanted, names)
                .in_file(file_of(name))
        }
        ErrorKind::Msg(report) => from_report(report, name, text),
        _ => Diagnostic::error(error.to_string())
            .in_file(file_of(name))
            .help("templates must not include or extend themselves, directly or by way of others"),
    }
}

pub(super) fn file_of(name: &str) -> String {
    format!("templates/{name}")
}

fn placed<'t>(report: &ReportError, text: impl Fn(&str) -> Option<&'t str>) -> Diagnostic {
    let found = Diagnostic::error(report.message()).in_file(file_of(report.filename()));
    match text(report.filename()) {
        Some(source) => {
            let span = report.span().range.clone();
            let help = advice::against(report.message(), source, Some(span.start));
            found.at_span(source, span).help(help)
        }
        None => found,
    }
}

fn missing<'t>(message: String, wanted: &str, names: impl Iterator<Item = &'t str>) -> Diagnostic {
    let found = Diagnostic::error(message);
    match nearest(wanted, names) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help("templates are named by their path below templates/"),
    }
}

/// Tera reports names that it does not know (filters, functions, tests, includes) as one text, with the place in it:
/// `error: Unknown filter …`, then ` --> file:line:column`. The first is enough: they are mended one at a time.
fn from_report<'t>(report: &str, name: &str, text: impl Fn(&str) -> Option<&'t str>) -> Diagnostic {
    let mut lines = report.lines();
    let first = lines.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first);
    let place = lines.next().and_then(|line| line.trim_start().strip_prefix("--> "));
    let found = Diagnostic::error(message);
    let Some((file, line, column)) = place.and_then(split_place) else {
        return found.in_file(file_of(name));
    };
    match text(file) {
        Some(source) => {
            let help = advice::against(message, source, None);
            let mut found = found.in_file(file_of(file)).at(source, line, column).help(help);
            // The name that is not known stands in the message too.
            found.width = message.split('`').nth(1).map_or(1, |name| name.chars().count());
            found
        }
        None => found.in_file(file_of(file)),
    }
}

fn split_place(place: &str) -> Option<(&str, usize, usize)> {
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}
