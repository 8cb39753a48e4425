//! Snapshots of data and HTML beside the cases, and how differences are shown.

use super::outcome::{CaseReport, Failure, Kind};
use crate::config::Site;
use crate::diagnostic::Diagnostic;
use crate::widget::{CASES, Case};
use serde_json::Value;
use similar::TextDiff;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Lines around a difference.
const CONTEXT: usize = 3;
/// A longer difference is cut: the file itself shows the rest.
const MOST_LINES: usize = 60;

/// `tests/widgets/badges/an-award-redraws-it.json`.
pub(super) fn path(widget: &str, case: &Case, ending: &str) -> String {
    format!("{CASES}/{widget}/{}.{ending}", case.slug())
}

/// Compares data and HTML with their snapshots, or writes them.
pub(super) fn check(
    site: &Site,
    case: &Case,
    drawn: [(&str, String); 2],
    update: bool,
    report: &mut CaseReport,
) {
    let again = report.again();
    let mut missing = Vec::new();
    for (ending, text) in drawn {
        let text = without_versions(&text);
        let path = path(&report.widget, case, ending);
        let known = site.read_text(&path).ok().flatten();
        if known.as_deref() == Some(&*text) {
            continue;
        }
        if update {
            match write(site, &path, &text) {
                Ok(()) => report.wrote.push(format!("{path} is written")),
                Err(error) => {
                    let said = format!("{path} can't be written: {error}");
                    report.failures.push(Failure::new(Kind::Snapshot, Diagnostic::error(said)));
                }
            }
        } else if let Some(known) = known {
            let what = if ending == "html" { "the HTML" } else { "the data" };
            let said = format!("{what} differs from its snapshot");
            let help = format!("if it should, write it anew: {again} --update");
            let problem = Diagnostic::error(said).in_file(path).help(help);
            let difference = diff(&known, &text, "snapshot", "now");
            report.failures.push(Failure::new(Kind::Snapshot, problem).diff(difference));
        } else {
            missing.push(path);
        }
    }
    if !missing.is_empty() {
        let said = format!("there is no {} yet", missing.join(" and no "));
        let help = format!("write what is drawn now, and look at it: {again} --update");
        let problem = case.name.place.error(said).help(help);
        report.failures.push(Failure::new(Kind::Snapshot, problem));
    }
}

/// Addresses of our own files without what tells their versions apart: another icon is no other widget.
fn without_versions(text: &str) -> String {
    let mut parts = text.split("?v=");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let file = whole.rsplit(['"', '\'', ' ']).next().unwrap_or_default();
        if !file.starts_with("/static/") {
            whole.push_str("?v=");
        } else if let Some(end) = part.find(|c: char| !c.is_ascii_hexdigit()) {
            whole.push_str(&part[end..]);
            continue;
        }
        whole.push_str(part);
    }
    whole
}

/// Snapshots of a widget that none of its cases has any use for: on disk, below its folder.
pub(super) fn unused(site: &Site, widget: &str, cases: &[Case]) -> Vec<String> {
    let used: BTreeSet<String> = cases
        .iter()
        .filter(|case| case.snapshot)
        .flat_map(|case| ["json", "html"].map(|ending| path(widget, case, ending)))
        .collect();
    let Some(root) = site.root() else { return Vec::new() };
    let folder = format!("{CASES}/{widget}/");
    let is_snapshot = |path: &String| {
        let name = path.strip_prefix(&folder).unwrap_or_default();
        let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
        !name.contains('/') && matches!(ending, Some("json" | "html"))
    };
    site.list(folder.trim_end_matches('/'), "")
        .into_iter()
        .filter(|path| is_snapshot(path) && !used.contains(path) && root.join(path).is_file())
        .collect()
}

pub(super) fn remove(site: &Site, path: &str) -> io::Result<()> {
    std::fs::remove_file(on_disk(site, path)?)
}

pub(super) fn write(site: &Site, path: &str, text: &str) -> io::Result<()> {
    let file = on_disk(site, path)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

pub(super) fn on_disk(site: &Site, path: &str) -> io::Result<std::path::PathBuf> {
    let nowhere =
        || io::Error::other("this site is only in the binary: work in a folder of your own");
    site.root().map(|root| root.join(path)).ok_or_else(nowhere)
}

pub(super) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Two texts as a difference: `-` is what was, `+` what is.
pub(super) fn diff(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    let difference = TextDiff::from_lines(old, new);
    let text = difference
        .unified_diff()
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header(old_name, new_name)
        .to_string();
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= MOST_LINES {
        return text;
    }
    format!("{}\n… {} more lines\n", lines[..MOST_LINES].join("\n"), lines.len() - MOST_LINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_does_not_know_versions_of_our_own_files() {
        let drawn = r#"<use href="/static/icons.svg?v=e44b78006890#x"/> <a href="/x?v=12">"#;
        let kept = r#"<use href="/static/icons.svg#x"/> <a href="/x?v=12">"#;
        assert_eq!(without_versions(drawn), kept);
    }
}
