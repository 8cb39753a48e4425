//! What must answer by itself, and reaches a function that asks somebody else or the clock.

use super::calls::{CallSite, closures, sites};
use super::known::asks_others;
use super::{Module, Reader};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeSet;

/// `pure` names the functions that may ask nobody.
pub(super) fn check(reader: &mut Reader<'_>, pure: &[(&str, usize)]) {
    let mut found = Vec::new();
    for (name, parameters) in pure {
        let Some(entry) = reader.outline.function(name, *parameters) else { continue };
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(entry, vec![format!("`{name}`")])];
        while let Some((body, way)) = waiting.pop() {
            if !seen.insert((body.name.clone(), body.parameters.len())) {
                continue;
            }
            let closures = closures(body).into_iter();
            waiting.extend(
                closures
                    .filter_map(|name| reader.outline.closure(&name))
                    .map(|body| (body, way.clone())),
            );
            for site in sites(body) {
                if let Some(called) = asks(reader, &site) {
                    let said =
                        format!("`{called}` can't be called from {}", way.join(", by way of "));
                    let help = if called == "now" {
                        "only `data` sees the clock: compare with `message.sent_at`, or set `REFRESH`"
                    } else {
                        "only `data` may ask others: fetch it there, and decide here by the message and `widget` alone"
                    };
                    found.push(
                        reader
                            .at(Diagnostic::error(said), site.at, site.name.chars().count())
                            .help(help),
                    );
                } else if site.module.is_none()
                    && let Some(next) = reader.outline.function(site.name, site.arguments)
                {
                    let mut way = way.clone();
                    way.push(format!("`{}`", next.name));
                    waiting.push((next, way));
                }
            }
        }
    }
    reader.problems.append(&mut found);
}

/// The name of what a call asks, if it asks anybody.
fn asks(reader: &Reader<'_>, site: &CallSite<'_>) -> Option<String> {
    let name = site.name;
    match &site.module {
        Some(module) => match reader.imported(module) {
            None => asks_others(module).then(|| format!("{module}::{name}")),
            Some(imported) => {
                let asked = asked_in(reader, imported, name, site.arguments)?;
                Some(format!("{module}::{name}`, which calls `{asked}"))
            }
        },
        None if site.is_method => None,
        None if reader.outline.function(name, site.arguments).is_some() => None,
        None => {
            let is_data_only =
                reader.known.data_only.get(name).is_some_and(|takes| takes.has(site.arguments));
            is_data_only.then(|| name.to_string())
        }
    }
}

/// What a function of an imported module asks, itself or by way of others of its file.
fn asked_in(reader: &Reader<'_>, module: &Module, name: &str, arguments: usize) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![module.outline.function(name, arguments)?];
    while let Some(body) = waiting.pop() {
        if !seen.insert((body.name.clone(), body.parameters.len())) {
            continue;
        }
        waiting.extend(closures(body).iter().filter_map(|name| module.outline.closure(name)));
        for site in sites(body) {
            match &site.module {
                Some(other) if asks_others(other) => {
                    return Some(format!("{other}::{}", site.name));
                }
                Some(_) => {}
                None => match module.outline.function(site.name, site.arguments) {
                    Some(next) => waiting.push(next),
                    None if !site.is_method
                        && reader
                            .known
                            .data_only
                            .get(site.name)
                            .is_some_and(|takes| takes.has(site.arguments)) =>
                    {
                        return Some(site.name.to_string());
                    }
                    None => {}
                },
            }
        }
    }
    None
}
