//! Rhai's error sentences rewritten: `Function not found: + ((), i64)` helps nobody.

use super::{
    Tier,
    failure::lower_first,
    missed,
    placed::{Settings, Widget, lacks},
    tree::Tree,
};
use crate::diagnostic::{did_you_mean, nearest};
use rhai::{Dynamic, Engine, EvalAltResult, Position, Scope};

/// Where it went wrong.
pub(super) struct Scene<'a> {
    /// Of the whole file.
    pub(super) text: &'a str,
    pub(super) at: Position,
    /// What the variables held, where that is known.
    pub(super) scope: Option<&'a Scope<'static>>,
}

impl Scene<'_> {
    fn line(&self) -> Option<&str> {
        self.text.lines().nth(self.at.line()?.checked_sub(1)?)
    }
}

const READ_ONLY: &str =
    "messages, widgets and constants are read only: copy what you need with `let`";

/// What went wrong, and what may help.
pub(super) fn of(
    error: &EvalAltResult,
    tier: Tier,
    engine: &Engine,
    scene: &Scene<'_>,
) -> (String, String) {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(signature, tier, engine),
        EvalAltResult::ErrorPropertyNotFound(name, _) => no_field(name, scene),
        EvalAltResult::ErrorDotExpr(said, _) => no_property(said, scene),
        EvalAltResult::ErrorIndexingType(what, _) => {
            let what = what.split(" [").next().unwrap_or(what);
            let help = missing_help(what).unwrap_or_else(|| {
                "lists, maps and texts have items: look at what this is with `type_of(…)`".into()
            });
            (format!("{} has no items or fields to read", kind(what)), help)
        }
        EvalAltResult::ErrorArrayBounds(len, index, _) => (
            format!("the list has {len} item(s), so there is none at {index}"),
            "test `.len()` first, or read it as `.get(index)`: that gives `()` where there is none"
                .into(),
        ),
        EvalAltResult::ErrorStringBounds(len, index, _) => (
            format!("the text has {len} character(s), so there is none at {index}"),
            "test `.len()` first, or cut with `.sub_string(start, length)`".into(),
        ),
        EvalAltResult::ErrorMismatchDataType(wanted, given, _) => (
            format!("{} was due, but this is {}", kind(wanted), kind(given)),
            missing_help(given)
                .unwrap_or_else(|| "convert it, or test what it is with `type_of(…)`".into()),
        ),
        EvalAltResult::ErrorFor(_) => (
            "this can't be walked through with `for`".into(),
            "a list or a range can; of a map its `.keys()` or `.values()`".into(),
        ),
        EvalAltResult::ErrorNonPureMethodCallOnConstant(name, _) => {
            (format!("`{name}` would change what can't be changed"), READ_ONLY.into())
        }
        EvalAltResult::ErrorAssignmentToConstant(name, _) => {
            (format!("`{name}` can't be changed"), READ_ONLY.into())
        }
        EvalAltResult::ErrorArithmetic(..) => (
            lower_first(&bare(error)),
            "test the numbers before: nothing can be divided by 0, and whole numbers end at 2^63"
                .into(),
        ),
        other => (
            lower_first(&bare(other)),
            "docs/widgets/guide.md shows how scripts are written".into(),
        ),
    }
}

/// What helps against an error that the script or a function of the host threw.
pub(super) fn after_throw(said: &str, thrown: &serde_json::Value) -> String {
    if thrown.get("service").is_some() {
        "the last good data are shown until it answers; to go on without it, write `try { … } catch (error) { … }`"
    } else if said.contains("` has no `") {
        "read what there is; where it may be missing, ask with `.get(\"name\")`: that gives `()`"
    } else {
        "a `throw` ends the call: catch it with `try { … } catch (error) { … }` where it may happen"
    }
    .into()
}

fn no_field(name: &str, scene: &Scene<'_>) -> (String, String) {
    let owner = scene.line().and_then(|line| owner(line, name));
    let known = owner.zip(scene.scope).and_then(|(owner, scope)| fields_of(owner, scope));
    let whose = owner.map_or_else(|| "the map".to_string(), |owner| format!("`{owner}`"));
    let help = format!("where it may be missing, read it as `.get(\"{name}\")`: that gives `()`");
    if let Some(known) = known {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return (lacks(&whose, name, &known), help);
    }
    // Inside of another function its variables are gone: the names that the file uses must do.
    let names = field_names(scene.text);
    let names = names.iter().map(String::as_str).filter(|known| *known != name);
    let meant = did_you_mean(nearest(name, names));
    (format!("{whose} has no `{name}`{meant}"), help)
}

/// Names behind a `.` and before a `:`.
fn field_names(text: &str) -> std::collections::BTreeSet<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = std::collections::BTreeSet::new();
    for (at, _) in text.match_indices('.') {
        let rest = &text[at + 1..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        names.insert(rest[..end].to_string());
    }
    for (at, _) in text.match_indices(':') {
        let before = &text[..at];
        let from = before
            .rfind(|c| !is_part(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        names.insert(before[from..].to_string());
    }
    names.remove("");
    names
}

/// Rhai's own sentence without its place, which the diagnostic has already.
fn bare(error: &EvalAltResult) -> String {
    let said = error.to_string();
    said.rfind(" (line ").map_or(said.clone(), |at| said[..at].to_string())
}

fn no_function(signature: &str, tier: Tier, engine: &Engine) -> (String, String) {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ")"));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    let kinds: Vec<String> = arguments.split(", ").filter(|a| !a.is_empty()).map(kind).collect();
    let help = arguments.split(", ").find_map(missing_help);
    let kinds = with_values(name, kinds);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let said = match kinds.as_slice() {
            [left, right] => format!("`{name}` can't join {left} and {right}"),
            _ => format!("`{name}` can't be used on {}", kinds.join(" and ")),
        };
        let has_text = kinds.iter().any(|kind| kind.starts_with("text"));
        let help = help.unwrap_or_else(|| {
            if has_text {
                "make a number of the text with `parse_int(…)`, or a text of the number: `` `${x}` ``".into()
            } else {
                "convert one of the two, or look at what it is with `type_of(…)`".into()
            }
        });
        return (said, help);
    }
    if tier == Tier::Pure && name.contains("::") {
        return (
            format!("`{name}` can't be called here"),
            "only `data` may ask other servers: `should_invalidate`, `hints` and processors can't"
                .into(),
        );
    }
    let signatures = engine.gen_fn_signatures(true);
    let known = |s: &String| s.split(['(', ' ']).next().map(ToString::to_string);
    let names: Vec<String> = signatures.iter().filter_map(known).collect();
    if names.iter().any(|known| known == name) {
        return (
            format!("`{name}` does not take {}", list(&kinds)),
            help.unwrap_or_else(|| {
                "it is there for other values: look at what this is with `type_of(…)`".into()
            }),
        );
    }
    let meant = nearest(name, names.iter().map(String::as_str));
    let help = help.unwrap_or_else(|| match meant {
        Some(meant) => format!("write `{meant}`"),
        None => "`hubs widget docs` names the functions that every script has".into(),
    });
    (format!("there is no function `{name}` for {}{}", list(&kinds), did_you_mean(meant)), help)
}

/// `text "abc"`, `an integer 1`: kinds with what was there, where the engine has kept it.
fn with_values(name: &str, kinds: Vec<String>) -> Vec<String> {
    let Some(values) = missed::take(name, kinds.len()) else { return kinds };
    let both = kinds.into_iter().zip(values);
    both.map(|(kind, value)| if value.is_empty() { kind } else { format!("{kind} {value}") })
        .collect()
}

/// The value at a path, `user.address`, as the variables were when the function failed.
fn value_at(path: &str, scope: &Scope<'_>) -> Option<Dynamic> {
    let mut parts = path.split('.');
    let mut value = scope.get_value::<Dynamic>(parts.next()?)?;
    for part in parts {
        let next = if let Some(tree) = value.read_lock::<Tree>() {
            tree.field(part)
        } else if let Some(widget) = value.read_lock::<Widget>() {
            widget.field(part).ok()?
        } else if let Some(settings) = value.read_lock::<Settings>() {
            settings.field(part).ok()?
        } else {
            value.as_map_ref().ok()?.get(part)?.clone()
        };
        value = next;
    }
    Some(value)
}

fn list(kinds: &[String]) -> String {
    if kinds.is_empty() { "no argument".into() } else { kinds.join(", ") }
}

/// `Unknown property 'x' - a getter is not registered for type '()'`.
fn no_property(said: &str, scene: &Scene<'_>) -> (String, String) {
    let mut quoted = said.split('\'').skip(1).step_by(2);
    let (Some(name), Some(of)) = (quoted.next(), quoted.next()) else {
        return (lower_first(said), "look at what this is with `type_of(…)`".into());
    };
    if said.starts_with("No writable") {
        return (
            format!("`{name}` can't be changed: it belongs to {}", kind(of)),
            READ_ONLY.into(),
        );
    }
    let owner = scene.line().and_then(|line| owner(line, name));
    let by_name = owner.map_or_else(String::new, |owner| format!(": `{owner}` is that"));
    let help = missing_help(of)
        .unwrap_or_else(|| "only maps have fields: look at what this is with `type_of(…)`".into());
    (format!("`{name}` was read from {}{by_name}", kind(of)), help)
}

fn missing_help(kind: &str) -> Option<String> {
    (kind.trim() == "()").then(|| {
        "something before it is missing, so it is `()`: test for `()`, or read on with `?.`".into()
    })
}

/// The fields of the map at a path.
fn fields_of(path: &str, scope: &Scope<'_>) -> Option<Vec<String>> {
    let value = value_at(path, scope)?;
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
