//! For programs: one object a line. A case, then the diagnostics of what has a place; last the totals.

use crate::cases::coverage::WidgetCovered;
use crate::cases::outcome::{CaseReport, Failure, Report};
use crate::diagnostic::Diagnostic;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes a report.
pub fn json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for case in &report.cases {
        writeln!(out, "{}", row(case))?;
        let failures = case.failures.iter().map(|failure| &failure.diagnostic);
        for diagnostic in failures.chain(&case.warnings) {
            self::diagnostic(out, diagnostic)?;
        }
    }
    for warning in &report.warnings {
        serde_json::to_writer(&mut *out, warning)?;
        writeln!(out)?;
    }
    for widget in report.coverage.iter().flat_map(|covered| &covered.widgets) {
        writeln!(out, "{}", coverage(widget))?;
    }
    let mut totals = json!({
        "passed": report.passed(),
        "failed": report.failed(),
        "untested": report.untested,
    });
    if let Some(covered) = &report.coverage {
        totals["coverage"] = rounded(covered.percent());
    }
    writeln!(out, "{totals}")
}

fn diagnostic(out: &mut impl Write, diagnostic: &Diagnostic) -> io::Result<()> {
    if diagnostic.file.is_none() {
        return Ok(());
    }
    serde_json::to_writer(&mut *out, diagnostic)?;
    writeln!(out)
}

fn row(case: &CaseReport) -> Value {
    json!({
        "widget": case.widget,
        "case": case.case,
        "outcome": if case.passed() { "passed" } else { "failed" },
        "seconds": case.took.as_secs_f64(),
        "failures": case.failures.iter().map(failure).collect::<Vec<_>>(),
        "warnings": case.warnings.iter().map(|warning| &warning.message).collect::<Vec<_>>(),
        "notes": case.notes,
        "precision": case.precision.map(|precision| json!({
            "changed": precision.changed,
            "invalidations": precision.invalidations,
        })),
        "wrote": case.wrote,
        "again": case.again(),
    })
}

fn failure(failure: &Failure) -> Value {
    let Failure { kind, diagnostic, about, decided_by, diff } = failure;
    let comparisons = decided_by.iter().map(|comparison| {
        json!({
            "file": comparison.file,
            "line": comparison.line,
            "column": comparison.column,
            "operator": comparison.operator,
            "left": comparison.left,
            "right": comparison.right,
            "answer": comparison.answer,
        })
    });
    json!({
        "kind": kind.to_string(),
        "message": diagnostic.message,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "help": diagnostic.help,
        "about": about.as_ref().map(|about| json!({
            "id": about.id,
            "topic": about.topic,
            "recording": about.recording,
            "line": about.line,
        })),
        "decided_by": comparisons.collect::<Vec<_>>(),
        "diff": diff,
    })
}

fn coverage(widget: &WidgetCovered) -> Value {
    let missed = widget.missed.iter().map(|missed| {
        let branches = missed
            .branches
            .iter()
            .map(|(line, column, what)| json!({ "line": line, "column": column, "what": what }));
        json!({
            "file": missed.file,
            "lines": missed.lines,
            "branches": branches.collect::<Vec<_>>(),
        })
    });
    json!({
        "widget": widget.widget,
        "coverage": rounded(widget.percent()),
        "lines": widget.lines,
        "reached": widget.reached,
        "missed": missed.collect::<Vec<_>>(),
        "unheard_topics": widget.unheard,
    })
}

fn rounded(percent: f64) -> Value {
    json!((percent * 10.0).round() / 10.0)
}
