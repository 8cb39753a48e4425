//! Whether functions return what they are asked for, on each way out of them.

use super::Reader;
use super::flow::Returned;
use super::reach::is_placed;
use super::value::{Shape, Value};
use crate::diagnostic::Diagnostic;

pub(super) fn of_check(reader: &mut Reader<'_>, returned: &[Returned]) {
    for (value, at) in returned.iter().filter(|(_, at)| is_placed(*at)) {
        let Some(kind) = value.no_boolean() else { continue };
        let said =
            format!("`should_invalidate` returns {kind} here, but must return true or false");
        let help = if *value == Value::Nothing {
            "return `false` on this way too: add an `else`, and no `;` behind the last value"
        } else {
            "return a comparison, as in `message.category == \"bodhi\"`"
        };
        let problem = reader.at(Diagnostic::error(said), *at, 1);
        reader.problems.push(problem.help(help));
    }
}

pub(super) fn of_data(reader: &mut Reader<'_>, returned: &[Returned]) {
    for (value, at) in returned.iter().filter(|(_, at)| is_placed(*at)) {
        let Some(kind) = value.no_map() else { continue };
        let said = format!("`data` returns {kind} here, but must return a map");
        let help = match value {
            Value::Nothing => {
                "return a map on this way too, as in `#{ items: [] }`, with no `;` behind it"
            }
            Value::List(_) => "put it into a map, as in `#{ items: list }`",
            _ => "put it into a map, as in `#{ text: value }`",
        };
        let problem = reader.at(Diagnostic::error(said), *at, 1);
        reader.problems.push(problem.help(help));
    }
}

/// What is returned on all ways together; `None` where one of them is not plain.
pub(super) fn joined(returned: &[Returned]) -> Option<Shape> {
    let value = returned.iter().map(|(value, _)| value.clone()).reduce(Value::or)?;
    match value.shape() {
        shape @ Shape::Map(_) => Some(shape),
        _ => None,
    }
}
