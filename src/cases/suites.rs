//! Which cases there are: case files with their widgets, what is wrong with them, and what nobody uses.

use super::outcome::{CaseReport, Failure, Kind, Report};
use super::{CasesError, Mode, Request, run, snapshot};
use crate::config::Site;
use crate::diagnostic::{Diagnostic, Severity};
use crate::hub::WidgetName;
use crate::widget::{CASES, Case, Definition, Library, case_file, read_cases};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A widget's cases, or what is wrong with them.
pub(super) struct Suite {
    pub(super) widget: String,
    pub(super) cases: Vec<Case>,
    /// What keeps all of them from being run.
    pub(super) broken: Vec<Diagnostic>,
}

/// Reads the case files that are asked for.
pub(super) fn read(request: &Request<'_>, library: &Library) -> Result<Vec<Suite>, CasesError> {
    let site = request.site;
    let known = site.list(CASES, ".toml");
    let prefix = format!("{CASES}/");
    let names = known.iter().filter_map(|path| path.strip_prefix(&prefix)?.strip_suffix(".toml"));
    if request.names.is_empty() {
        let names = names.filter(|name| !name.contains('/'));
        return Ok(names.map(|name| suite(site, library, name)).collect());
    }
    let mut suites: Vec<Suite> = Vec::new();
    for name in request.names {
        let is_broken = !library.problems_of(name).is_empty();
        let has_cases = known.contains(&case_file(name.as_str()));
        match library.get(name) {
            Err(unknown) if !is_broken && !has_cases => {
                let problem = Diagnostic::error(unknown.to_string());
                return Err(CasesError::Unusable(
                    problem.help("`hubs widget list` names them all"),
                ));
            }
            _ if !has_cases => return Err(CasesError::Unusable(without_cases(name))),
            _ => {}
        }
        if suites.iter().all(|suite| suite.widget != name.as_str()) {
            suites.push(suite(site, library, name.as_str()));
        }
    }
    Ok(suites)
}

fn without_cases(name: &WidgetName) -> Diagnostic {
    let file = case_file(name.as_str());
    let help = format!(
        "write {file}, which begins with `[[case]]` and `name = \"an award to its user redraws it\"`;\n\
         or look at what would redraw it: hubs widget test {name} --config key=value --messages FILE.jsonl"
    );
    Diagnostic::error(format!("widget `{name}` has no cases")).help(help)
}

fn suite(site: &Site, library: &Library, widget: &str) -> Suite {
    let file = case_file(widget);
    let mut found = Suite { widget: widget.into(), cases: Vec::new(), broken: Vec::new() };
    let text = site.read_text(&file).map_err(|error| error.to_string());
    match text.and_then(|text| text.ok_or_else(|| format!("{file} is gone"))) {
        Ok(text) => match read_cases(&text, &file) {
            Ok(cases) => found.cases = cases,
            Err(problems) => found.broken = problems,
        },
        Err(said) => found.broken.push(Diagnostic::error(said).in_file(&*file)),
    }
    let name = match widget.parse::<WidgetName>() {
        Ok(name) => name,
        Err(error) => {
            found.broken.push(Diagnostic::error(error.to_string()).in_file(file));
            return found;
        }
    };
    if let Err(unknown) = library.get(&name) {
        let problems = library.problems_of(&name);
        if problems.is_empty() {
            let help = "a case file is called as its widget: rename it, or write the script";
            let problem = Diagnostic::error(unknown.to_string()).in_file(file);
            found.broken.push(problem.help(help));
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
        found.broken.extend(errors.cloned());
    }
    found
}

/// A report for each file that gives no cases.
pub(super) fn broken(request: &Request<'_>, suites: &[Suite]) -> Vec<CaseReport> {
    let broken = suites.iter().filter(|suite| !suite.broken.is_empty());
    broken
        .map(|suite| {
            let mut report = run::empty(request, &suite.widget, None);
            let problems = suite.broken.iter().cloned();
            report.failures.extend(problems.map(|problem| {
                let is_script =
                    problem.file.as_deref().is_some_and(|file| file.starts_with("widgets/"));
                let kind = if is_script { Kind::Script } else { Kind::Case };
                Failure::new(kind, problem)
            }));
            report
        })
        .collect()
}

pub(super) fn definition_of<'l>(library: &'l Library, widget: &str) -> Option<&'l Arc<Definition>> {
    library.get(&widget.parse().ok()?).ok()
}

/// Widgets without cases, and snapshots without use.
pub(super) fn loose_ends(
    request: &Request<'_>,
    library: &Library,
    suites: &[Suite],
    report: &mut Report,
) {
    if request.names.is_empty() {
        let tested = |name: &WidgetName| suites.iter().any(|suite| suite.widget == name.as_str());
        let names = library.widgets().map(|definition| &definition.name);
        report.untested = names.filter(|name| !tested(name)).cloned().collect();
    }
    // A file that can't be read may use any of them.
    let readable = suites.iter().filter(|suite| !suite.cases.is_empty());
    let unused: BTreeMap<&str, Vec<String>> = readable
        .map(|suite| {
            let unused = snapshot::unused(request.site, &suite.widget, &suite.cases);
            (suite.widget.as_str(), unused)
        })
        .collect();
    for (widget, path) in
        unused.iter().flat_map(|(widget, all)| all.iter().map(move |p| (widget, p)))
    {
        if request.mode == Mode::Update {
            match snapshot::remove(request.site, path) {
                Ok(()) => {
                    report.removed.push(format!("{path} has no case any more and is removed"));
                }
                Err(error) => {
                    let said =
                        format!("{path} has no case any more, but can't be removed: {error}");
                    report.warnings.push(Diagnostic::warning(said).in_file(path));
                }
            }
            continue;
        }
        let help = format!("remove it: hubs widget test {widget} --update{}", request.options);
        let warning = Diagnostic::warning(format!("no case uses the snapshot {path}"));
        report.warnings.push(warning.in_file(path).help(help));
    }
}

/// Exchanges on cassettes that no case has asked for.
pub(super) fn unplayed(
    request: &Request<'_>,
    unplayed: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Diagnostic> {
    let all = unplayed.iter().flat_map(|(path, urls)| urls.iter().map(move |url| (path, url)));
    all.map(|(path, url)| {
        let help = format!("record it anew: hubs widget test --record{}", request.options);
        let said = format!("no case asks for {url}, which is on the cassette {path}");
        Diagnostic::warning(said).in_file(path).help(help)
    })
    .collect()
}
