//! Rhai's error sentences rewritten: `Function not found: + ((), i64)` helps nobody.

use super::{Tier, failure::lower_first, placed::lacks};
use crate::diagnostic::{did_you_mean, nearest};
use rhai::{Dynamic, Engine, EvalAltResult, Scope};

/// What went wrong, and what may help. `line` is the source line where it did.
pub(super) fn of(
    error: &EvalAltResult,
    tier: Tier,
    engine: &Engine,
    line: Option<&str>,
    scope: Option<&Scope<'_>>,
) -> (String, Option<String>) {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(signature, tier, engine),
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            let owner = line.and_then(|line| owner(line, name));
            let known = owner.zip(scope).and_then(|(owner, scope)| fields_of(owner, scope));
            let whose = owner.map_or_else(|| "the map".to_string(), |owner| format!("`{owner}`"));
            let said = known.map_or_else(
                || format!("{whose} has no `{name}`"),
                |known| lacks(&whose, name, &known.iter().map(String::as_str).collect::<Vec<_>>()),
            );
            (
                said,
                Some(format!(
                    "where it may be missing, read it as `.get(\"{name}\")`: that gives `()`"
                )),
            )
        }
        EvalAltResult::ErrorDotExpr(said, _) => no_property(said),
        EvalAltResult::ErrorIndexingType(what, _) => {
            let what = what.split(" [").next().unwrap_or(what);
            (format!("{} has no items or fields to read", kind(what)), missing_help(what))
        }
        EvalAltResult::ErrorArrayBounds(len, index, _) => {
            (format!("the list has {len} item(s), so there is none at {index}"), None)
        }
        EvalAltResult::ErrorMismatchDataType(wanted, given, _) => {
            (format!("{} was due, but this is {}", kind(wanted), kind(given)), missing_help(given))
        }
        EvalAltResult::ErrorFor(_) => {
            ("this can't be walked through with `for`".into(), Some("a list or a range can".into()))
        }
        EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => (
            format!("`{name}` would change what can't be changed"),
            Some(
                "messages, widgets and constants are read only: copy what you need with `let`"
                    .into(),
            ),
        ),
        EvalAltResult::ErrorAssignmentToConstant(name, _) => (
            format!("`{name}` can't be changed"),
            Some(
                "messages, widgets and constants are read only: copy what you need with `let`"
                    .into(),
            ),
        ),
        other => (lower_first(&bare(other)), None),
    }
}

/// Rhai's own sentence without its place, which the diagnostic has already.
fn bare(error: &EvalAltResult) -> String {
    let said = error.to_string();
    said.rfind(" (line ").map_or(said.clone(), |at| said[..at].to_string())
}

fn no_function(signature: &str, tier: Tier, engine: &Engine) -> (String, Option<String>) {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ")"));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let kinds: Vec<String> = arguments.split(", ").filter(|a| !a.is_empty()).map(kind).collect();
    let help = arguments.split(", ").find_map(missing_help);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let said = match kinds.as_slice() {
            [left, right] => format!("`{name}` can't join {left} and {right}"),
            _ => format!("`{name}` can't be used on {}", kinds.join(" and ")),
        };
        return (said, help);
    }
    if tier == Tier::Pure && name.contains("::") {
        return (
            format!("`{name}` can't be called here"),
            Some("only `data` may ask other servers: `should_invalidate`, `hints` and processors can't".into()),
        );
    }
    let signatures = engine.gen_fn_signatures(true);
    let known = |s: &String| s.split(['(', ' ']).next().map(ToString::to_string);
    let names: Vec<String> = signatures.iter().filter_map(known).collect();
    if names.iter().any(|known| known == name) {
        return (format!("`{name}` does not take {}", list(&kinds)), help);
    }
    let hint = did_you_mean(nearest(name, names.iter().map(String::as_str)));
    (format!("there is no function `{name}` for {}{hint}", list(&kinds)), help)
}

fn list(kinds: &[String]) -> String {
    if kinds.is_empty() { "no argument".into() } else { kinds.join(", ") }
}

/// `Unknown property 'x' - a getter is not registered for type '()'`.
fn no_property(said: &str) -> (String, Option<String>) {
    let mut quoted = said.split('\'').skip(1).step_by(2);
    let (Some(name), Some(of)) = (quoted.next(), quoted.next()) else {
        return (lower_first(said), None);
    };
    if said.starts_with("No writable") {
        return (
            format!("`{name}` can't be changed: it belongs to {}", kind(of)),
            Some(
                "messages, widgets and constants are read only: copy what you need with `let`"
                    .into(),
            ),
        );
    }
    (format!("`{name}` was read from {}", kind(of)), missing_help(of))
}

fn missing_help(kind: &str) -> Option<String> {
    (kind.trim() == "()").then(|| {
        "something before it is missing, so it is `()`: test for `()`, or read on with `?.`".into()
    })
}

/// The fields of the map at a path, `user.address`, as the variables were when the function failed.
fn fields_of(path: &str, scope: &Scope<'_>) -> Option<Vec<String>> {
    let mut parts = path.split('.');
    let mut value = scope.get_value::<Dynamic>(parts.next()?)?;
    for part in parts {
        let next = value.as_map_ref().ok()?.get(part)?.clone();
        value = next;
    }
    let map = value.as_map_ref().ok()?;
    Some(map.keys().map(ToString::to_string).collect())
}

/// What stands before `.name` in a line of source.
fn owner<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let dotted = format!(".{name}");
    let at = line.match_indices(&dotted).map(|(at, _)| at).find(|at| {
        !line[at + dotted.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })?;
    let before = &line[..at];
    let word = |c: char| c.is_alphanumeric() || "_.".contains(c);
    let from = before.rfind(|c| !word(c)).map_or(0, |at| at + 1);
    let owner = before.get(from..)?.trim_matches('.');
    (!owner.is_empty()).then_some(owner)
}

fn kind(name: &str) -> String {
    match name.trim() {
        "()" => "nothing (`()`)",
        "i64" | "INT" => "an integer",
        "f64" | "FLOAT" => "a number",
        "bool" => "a boolean",
        "char" => "a character",
        "map" | "Map" => "a map",
        "array" | "Array" => "a list",
        "Fn" | "FnPtr" => "a function",
        "range" | "range=" => "a range",
        text if text.contains("String") || text.contains("str") => "text",
        "part of a message" => "a part of a message",
        other => return format!("a `{other}`"),
    }
    .into()
}
