//! `hubs widget test --watch`: cases again, whenever something that they depend on changes.

use super::Test;
use crate::cli::place::Place;
use crate::cli::print;
use crate::cli::{Format, Outcome};
use crate::hub::WidgetName;
use anyhow::Context;
use notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use regex::Regex;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// An editor writes a file in several steps; what comes within this time is one change.
const DEBOUNCE: Duration = Duration::from_millis(60);
/// Changes that may wait. When it is full the latest is dropped: the one that waits reads everything anyway.
const WAITING: usize = 16;

/// Which cases a change concerns.
#[derive(Debug, PartialEq, Eq)]
enum Concerned {
    All,
    Of(BTreeSet<WidgetName>),
}

/// Runs all once, then what changes. Ends only with its process.
pub(super) fn execute(
    test: &Test,
    found: &Place,
    only: Option<&Regex>,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    let root = found.site.root().context("there is no folder to watch")?.to_path_buf();
    let (sender, changes) = mpsc::sync_channel::<Vec<PathBuf>>(WAITING);
    let heard = move |events: DebounceEventResult| {
        // Reading a file is an event too, and reading is what a run does.
        let events = events.unwrap_or_default().into_iter();
        let events = events.filter(|event| !matches!(event.kind, EventKind::Access(_)));
        let paths: Vec<PathBuf> = events.flat_map(|event| event.paths.clone()).collect();
        if !paths.is_empty() {
            drop(sender.try_send(paths));
        }
    };
    let mut watcher = new_debouncer(DEBOUNCE, None, heard)?;
    for folder in ["widgets", "templates", "tests"].map(|name| root.join(name)) {
        if folder.is_dir() {
            watcher.watch(&folder, RecursiveMode::Recursive)?;
        }
    }
    // Tells of folders that are made later, and of hubs.toml.
    watcher.watch(&root, RecursiveMode::NonRecursive)?;
    again(test, found, &test.names, only, out)?;
    while let Ok(mut paths) = changes.recv() {
        paths.extend(changes.try_iter().flatten());
        for folder in ["widgets", "templates", "tests"].map(|name| root.join(name)) {
            if paths.contains(&folder) && folder.is_dir() {
                watcher.watch(&folder, RecursiveMode::Recursive)?;
            }
        }
        match concerned(&root, &paths) {
            Some(Concerned::All) => again(test, found, &test.names, only, out)?,
            Some(Concerned::Of(names)) => {
                let wanted = |name: &WidgetName| test.names.is_empty() || test.names.contains(name);
                let names: Vec<_> = names.into_iter().filter(wanted).collect();
                if !names.is_empty() {
                    again(test, found, &names, only, out)?;
                }
            }
            None => {}
        }
    }
    Ok(Outcome::Fine)
}

/// One more run. What can't be run is told, and waits to be mended.
fn again(
    test: &Test,
    found: &Place,
    names: &[WidgetName],
    only: Option<&Regex>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let Err(error) = test.run(found, names, only, out) else {
        return Ok(writeln!(out)?);
    };
    match error.downcast_ref::<print::Problems>() {
        Some(print::Problems(problems)) => {
            for problem in problems {
                print::diagnostic(out, problem, Format::Human)?;
            }
            writeln!(out)?;
            out.flush()?;
            Ok(())
        }
        None => Err(error),
    }
}

/// `None`: nothing that a case depends on.
fn concerned(root: &Path, paths: &[PathBuf]) -> Option<Concerned> {
    let mut names = BTreeSet::new();
    for path in paths {
        let Ok(below) = path.strip_prefix(root) else { continue };
        let words: Vec<&str> = below.iter().filter_map(|word| word.to_str()).collect();
        // What editors leave beside a file while they write it.
        if words.last().is_some_and(|name| name.starts_with('.') || name.ends_with('~')) {
            continue;
        }
        let name = match words.as_slice() {
            ["widgets", "lib" | "messages", ..] | ["templates", _] | ["hubs.toml"] => {
                return Some(Concerned::All);
            }
            ["templates", "widgets", rest @ ..] => named(rest, ".html"),
            ["widgets", rest @ ..] => named(rest, ".rhai"),
            ["tests", "widgets", file] => file.strip_suffix(".toml").and_then(|n| n.parse().ok()),
            ["tests", "widgets", name, _] => name.parse().ok(),
            ["tests", "recordings" | "cassettes", _, ..] | ["templates", ..] => {
                return Some(Concerned::All);
            }
            _ => None,
        };
        names.extend(name);
    }
    (!names.is_empty()).then_some(Concerned::Of(names))
}

/// `workflow/updates2stable.rhai` → `workflow.updates2stable`.
fn named(words: &[&str], ending: &str) -> Option<WidgetName> {
    words.join(".").strip_suffix(ending)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_concerns_the_widget_whose_file_it_is_or_all() {
        let check = |paths: &[&str]| {
            let root = Path::new("/site");
            let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
            match concerned(root, &paths) {
                None => "none".to_owned(),
                Some(Concerned::All) => "all".to_owned(),
                Some(Concerned::Of(names)) => {
                    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                }
            }
        };
        assert_eq!(check(&["widgets/badges.rhai", "templates/widgets/a/b.html"]), "a.b badges");
        assert_eq!(check(&["tests/widgets/a.b.toml"]), "a.b");
        assert_eq!(check(&["tests/widgets/badges/an-award.html"]), "badges");
        assert_eq!(check(&["widgets/lib/feeds.rhai"]), "all");
        assert_eq!(check(&["widgets/messages/fas.rhai"]), "all");
        assert_eq!(check(&["tests/recordings/awards.jsonl"]), "all");
        assert_eq!(check(&["templates/page.html"]), "all");
        assert_eq!(check(&["hubs.toml"]), "all");
        assert_eq!(check(&["widgets/.badges.rhai.swp", "README.md", "var/hubs.db"]), "none");
    }
}
