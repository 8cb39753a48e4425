//! For people: a line a case, then what failed and how to run just that again, then the count.

use super::gaps;
use crate::cases::outcome::{CaseReport, Failure, Report, sentence};
use crate::diagnostic::Diagnostic;
use std::io::{self, Write};

/// Writes a report. `show` is how the caller shows a diagnostic, with its source line.
pub fn human(
    out: &mut impl Write,
    report: &Report,
    show: &impl Fn(&Diagnostic) -> String,
) -> io::Result<()> {
    for case in &report.cases {
        writeln!(out, "{}", title(case))?;
    }
    for wrote in report.cases.iter().flat_map(|case| &case.wrote).chain(&report.removed) {
        writeln!(out, "{wrote}")?;
    }
    let mut is_brief = true;
    for case in &report.cases {
        for warning in &case.warnings {
            write!(out, "\n{}", show(warning))?;
            is_brief = false;
        }
        for note in &case.notes {
            writeln!(out, "\nnote: {}: {note}", name(case))?;
            is_brief = false;
        }
    }
    for case in report.cases.iter().filter(|case| !case.passed()) {
        writeln!(out, "\n──── {}", name(case))?;
        for one in &case.failures {
            failure(out, one, show)?;
        }
        writeln!(out, "  just this again: {}", case.again())?;
    }
    for warning in &report.warnings {
        write!(out, "\n{}", show(warning))?;
    }
    if !report.untested.is_empty() {
        let names: Vec<_> = report.untested.iter().map(ToString::to_string).collect();
        writeln!(out, "\nnote: without a case: {}", names.join(", "))?;
    }
    coverage(out, report)?;
    is_brief &= report.failed() == 0 && report.warnings.is_empty();
    if !is_brief || report.coverage.is_some() || !report.untested.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "{} passed, {} failed", report.passed(), report.failed())
}

fn name(case: &CaseReport) -> String {
    match &case.case {
        Some(name) => format!("{}: {name}", case.widget),
        None => case.widget.clone(),
    }
}

fn title(case: &CaseReport) -> String {
    let word = if case.passed() { "ok    " } else { "FAILED" };
    let precision = match case.precision {
        Some(precision) if precision.invalidations > 0 => format!(
            " ({} of {} invalidations changed the data)",
            precision.changed, precision.invalidations
        ),
        _ => String::new(),
    };
    format!("{word}  {}{precision}", name(case))
}

fn failure(
    out: &mut impl Write,
    failure: &Failure,
    show: &impl Fn(&Diagnostic) -> String,
) -> io::Result<()> {
    let kind = failure.kind;
    let diagnostic = Diagnostic {
        message: format!("{kind}: {}", failure.diagnostic.message),
        ..failure.diagnostic.clone()
    };
    out.write_all(show(&diagnostic).as_bytes())?;
    if let Some(about) = &failure.about {
        writeln!(out, "  message: {about}")?;
    }
    for comparison in &failure.decided_by {
        writeln!(out, "  decided by {}", sentence(comparison))?;
    }
    for line in failure.diff.iter().flat_map(|diff| diff.lines()) {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn coverage(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Some(covered) = &report.coverage else { return Ok(()) };
    writeln!(out, "\ncoverage")?;
    let width = covered.widgets.iter().map(|one| one.widget.as_str().len()).max().unwrap_or(0);
    for widget in &covered.widgets {
        let (name, percent) = (widget.widget.as_str(), widget.percent());
        let (reached, lines) = (widget.reached, widget.lines);
        writeln!(out, "  {name:width$}  {percent:5.1} %  {reached} of {lines} lines")?;
        for gap in gaps(widget) {
            writeln!(out, "    {gap}")?;
        }
    }
    writeln!(out, "  {:width$}  {:5.1} %", "all", covered.percent())
}
