//! Calls of what there is not: functions, functions of modules, modules; and of what a tier may not call.

use super::known::{Arities, Known};
use super::nodes::Node;
use super::outline::{Body, Outline};
use super::{Module, Reader};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use rhai::{Expr, FnCallExpr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

/// One call, as a body has it.
pub(super) struct CallSite<'a> {
    pub(super) module: Option<String>,
    pub(super) name: &'a str,
    pub(super) arguments: usize,
    pub(super) is_method: bool,
    pub(super) at: Position,
}

/// All calls of a body, but not those of operators.
pub(super) fn sites(body: &Body) -> Vec<CallSite<'_>> {
    let mut sites = Vec::new();
    body.walk(&mut |node| {
        let (call, at, is_method): (&FnCallExpr, _, _) = match node {
            Node::Expr(Expr::FnCall(call, at)) | Node::Stmt(Stmt::FnCall(call, at)) => {
                (call, at, false)
            }
            Node::Expr(Expr::MethodCall(call, at)) => (call, at, true),
            _ => return,
        };
        if call.is_operator_call() {
            return;
        }
        let module = call.is_qualified().then(|| module_of(call));
        sites.push(CallSite {
            module,
            name: &call.name,
            arguments: call.args.len(),
            is_method,
            at: *at,
        });
    });
    sites
}

fn module_of(call: &FnCallExpr) -> String {
    let path: Vec<&str> = call.namespace.path.iter().map(|part| part.name.as_str()).collect();
    path.join("::")
}

/// Names that may be functions in a map or a variable: `actions.save()` calls what the map holds.
fn held_names(outline: &Outline) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for body in &outline.bodies {
        names.extend(body.parameters.iter().cloned());
        body.walk(&mut |node| match node {
            Node::Expr(Expr::Map(parts, _)) => {
                names.extend(parts.0.iter().map(|(name, _)| name.name.to_string()));
            }
            Node::Expr(Expr::Property(property, _)) => {
                names.insert(property.2.to_string());
            }
            Node::Stmt(Stmt::Var(parts, ..)) => {
                names.insert(parts.0.name.to_string());
            }
            _ => {}
        });
    }
    names
}

pub(super) fn check(reader: &mut Reader<'_>) {
    let held = held_names(&reader.outline);
    let mut found = Vec::new();
    for body in &reader.outline.bodies {
        for site in sites(body) {
            let problem = match &site.module {
                Some(module) => in_module(reader, module, &site),
                None if site.name.contains('$') || held.contains(site.name) => None,
                None => at_large(reader.known, &reader.outline, &site),
            };
            if let Some((said, help)) = problem {
                found.push(
                    reader
                        .at(Diagnostic::error(said), site.at, site.name.chars().count())
                        .help(help),
                );
            }
        }
    }
    reader.problems.append(&mut found);
}

fn at_large(known: &Known, outline: &Outline, site: &CallSite<'_>) -> Option<(String, String)> {
    let name = site.name;
    let own: Vec<&Body> = outline.named(name).collect();
    let of_host = known.global.get(name).copied();
    if own.iter().any(|body| body.parameters.len() == site.arguments) {
        return None;
    }
    // A method's receiver is its function's first argument.
    let given = site.arguments + usize::from(site.is_method);
    if of_host.is_some_and(|arities| arities.has(given)) {
        return None;
    }
    if site.is_method && own.iter().any(|body| body.parameters.len() == given) {
        let said = format!("`.{name}(…)` calls no function of the script with its receiver");
        return Some((said, format!("write `{name}(…)` with the value as the first argument")));
    }
    let takes = own.iter().fold(of_host, |all, body| {
        Some(all.unwrap_or_default().with(body.parameters.len() + usize::from(site.is_method)))
    });
    if let Some(takes) = takes {
        let less = usize::from(site.is_method);
        let said = format!(
            "`{name}` is called with {}, but takes {}",
            arguments(site.arguments),
            takes.words(less)
        );
        let help = own.first().map_or_else(
            || format!("give it {} in the parentheses", takes.words(less)),
            |body| format!("it is `fn {name}({})`", body.parameters.join(", ")),
        );
        return Some((said, help));
    }
    let names = known.global.keys().map(String::as_str).filter(|name| is_word(name));
    let names = names.chain(outline.functions().map(|body| body.name.as_str()));
    // Of equals the first in the alphabet: the same answer every time.
    let names: BTreeSet<&str> = names.collect();
    let meant = nearest(name, names.iter().copied());
    let said = format!("there is no function `{name}`{}", did_you_mean(meant));
    let help = match meant {
        Some(meant) => format!("write `{meant}`, or define `fn {name}`"),
        None if known.modules.values().any(|module| module.contains_key(name)) => {
            let module = known.modules.iter().find(|(_, module)| module.contains_key(name));
            format!("write `{}::{name}`", module.map_or("", |(module, _)| module))
        }
        None => format!("define `fn {name}(…)`; `hubs widget docs` names what every script has"),
    };
    Some((said, help))
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn arguments(number: usize) -> String {
    match number {
        0 => "no argument".into(),
        1 => "1 argument".into(),
        more => format!("{more} arguments"),
    }
}

fn in_module(reader: &Reader<'_>, module: &str, site: &CallSite<'_>) -> Option<(String, String)> {
    let own: BTreeMap<String, Arities>;
    let functions = if let Some(imported) = reader.imported(module) {
        own = open_functions(imported);
        &own
    } else if let Some(known) = reader.known.modules.get(module) {
        known
    } else {
        // The parser has said so already where modules are checked; here it is for the rest.
        let names = reader.known.modules.keys().map(String::as_str);
        let names = names.chain(reader.modules.iter().map(|module| module.alias.as_str()));
        let meant = did_you_mean(nearest(module, names));
        return Some((
            format!("there is no module `{module}`{meant}"),
            "write `import \"lib/NAME\" as n;` at the top of the file".into(),
        ));
    };
    let name = site.name;
    let whole = format!("{module}::{name}");
    match functions.get(name) {
        Some(takes) if takes.has(site.arguments) => None,
        Some(takes) => Some((
            format!(
                "`{whole}` is called with {}, but takes {}",
                arguments(site.arguments),
                takes.words(0)
            ),
            format!("give it {} in the parentheses", takes.words(0)),
        )),
        None => {
            let meant = did_you_mean(nearest(name, functions.keys().map(String::as_str)));
            let names: Vec<String> =
                functions.keys().take(12).map(|name| format!("`{name}`")).collect();
            let more = if functions.len() > 12 { ", …" } else { "" };
            let help = if names.is_empty() {
                format!("`{module}` has no functions")
            } else {
                format!("`{module}` has {}{more}", names.join(", "))
            };
            Some((format!("there is no function `{whole}`{meant}"), help))
        }
    }
}

fn open_functions(module: &Module) -> BTreeMap<String, Arities> {
    let mut functions: BTreeMap<String, Arities> = BTreeMap::new();
    for body in module.outline.functions().filter(|body| !body.is_private) {
        let place = functions.entry(body.name.clone()).or_default();
        *place = place.with(body.parameters.len());
    }
    functions
}

/// The closures that a body makes.
pub(super) fn closures(body: &Body) -> Vec<String> {
    let mut names = Vec::new();
    body.walk(&mut |node| {
        if let Node::Expr(Expr::DynamicConstant(value, _)) = node
            && let Some(function) = value.read_lock::<rhai::FnPtr>()
        {
            names.push(function.fn_name().to_string());
        }
    });
    names
}
