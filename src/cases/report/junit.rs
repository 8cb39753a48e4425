//! For whatever reads test reports in XML: a suite a widget, a test case a case.

use super::gaps;
use crate::cases::outcome::{CaseReport, Failure, Report, sentence};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes a report as one document.
pub fn junit(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let (all, failed) = (report.cases.len(), report.failed());
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="hubs widget test" tests="{all}" failures="{failed}">"#)?;
    for cases in report.cases.chunk_by(|a, b| a.widget == b.widget) {
        let widget = escaped(&cases[0].widget);
        let failed = cases.iter().filter(|case| !case.passed()).count();
        let seconds: f64 = cases.iter().map(|case| case.took.as_secs_f64()).sum();
        writeln!(
            out,
            r#"  <testsuite name="{widget}" tests="{}" failures="{failed}" time="{seconds:.3}">"#,
            cases.len()
        )?;
        for case in cases {
            self::case(out, case)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    let said = loose(report);
    if !said.is_empty() {
        writeln!(out, "  <system-out>{}</system-out>", escaped(&said))?;
    }
    writeln!(out, "</testsuites>")
}

fn case(out: &mut impl Write, case: &CaseReport) -> io::Result<()> {
    let name = escaped(case.case.as_deref().unwrap_or("(the file)"));
    let (widget, seconds) = (escaped(&case.widget), case.took.as_secs_f64());
    write!(out, r#"    <testcase classname="{widget}" name="{name}" time="{seconds:.3}""#)?;
    let mut beside: Vec<String> =
        case.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    beside.extend(case.notes.iter().map(|note| format!("note: {note}")));
    beside.extend(case.wrote.iter().cloned());
    if case.failures.is_empty() && beside.is_empty() {
        return writeln!(out, "/>");
    }
    writeln!(out, ">")?;
    for failure in &case.failures {
        let (kind, message) = (failure.kind, escaped(&failure.diagnostic.message));
        let text = escaped(&text(case, failure));
        writeln!(out, r#"      <failure type="{kind}" message="{message}">{text}</failure>"#)?;
    }
    if !beside.is_empty() {
        writeln!(out, "      <system-out>{}</system-out>", escaped(&beside.join("\n")))?;
    }
    writeln!(out, "    </testcase>")
}

fn text(case: &CaseReport, failure: &Failure) -> String {
    let mut text = failure.diagnostic.to_string();
    if let Some(frame) = failure.diagnostic.frame() {
        let _ = write!(text, "\n{frame}");
    }
    if let Some(help) = &failure.diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    if let Some(about) = &failure.about {
        let _ = write!(text, "\nmessage: {about}");
    }
    for comparison in &failure.decided_by {
        let _ = write!(text, "\ndecided by {}", sentence(comparison));
    }
    if let Some(diff) = &failure.diff {
        let _ = write!(text, "\n{}", diff.trim_end());
    }
    let _ = write!(text, "\njust this again: {}", case.again());
    text
}

/// What concerns no single case.
fn loose(report: &Report) -> String {
    let mut said: Vec<String> =
        report.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    if let Some(covered) = &report.coverage {
        for widget in &covered.widgets {
            said.push(format!("coverage of {}: {:.1} %", widget.widget, widget.percent()));
            said.extend(gaps(widget));
        }
        said.push(format!("coverage: {:.1} %", covered.percent()));
    }
    said.join("\n")
}

/// As text and between quotes. What XML can't carry at all becomes `�`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\r' => escaped.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_can_not_carry_is_written_so_that_it_can() {
        assert_eq!(escaped("a<b & \"c\" \u{1}\n"), "a&lt;b &amp; &quot;c&quot; \u{fffd}\n");
    }
}
