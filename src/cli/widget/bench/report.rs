//! What was measured: kept as JSON, shown beside what was kept.

use crate::cli::print::{self, Problems};
use crate::cli::widget::write as write_file;
use crate::diagnostic::Diagnostic;
use crate::hub::{Config, WidgetName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) widget: WidgetName,
    pub(super) config: Config,
    pub(super) messages: usize,
    pub(super) invalidated: usize,
    /// Messages for which `should_invalidate` failed.
    pub(super) failed: usize,
    /// `None` where there was nothing to call, or nothing to call it with.
    pub(super) should_invalidate: Option<Figures>,
    pub(super) data: Option<Figures>,
    /// Why `data` failed, so that there is nothing to measure.
    #[serde(default)]
    pub(super) data_failure: Option<String>,
}

/// Of all calls of one function; operations and bytes are the most that one used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) calls: usize,
    pub(super) p50_nanos: u64,
    pub(super) p99_nanos: u64,
    pub(super) operations: u64,
    pub(super) bytes: u64,
}

impl Report {
    pub(super) fn load(file: &Path) -> Result<Self, Problems> {
        let refused = |why: String| {
            let message = format!("the baseline {} can't be read: {why}", file.display());
            let help = "`hubs widget bench NAME --save FILE` writes one";
            Problems(vec![Diagnostic::error(message).help(help)])
        };
        let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
    }

    pub(super) fn save(&self, file: &Path) -> Result<(), Problems> {
        let text = serde_json::to_string_pretty(self).expect("names and numbers become JSON");
        write_file(file, &(text + "\n"))
    }

    pub(super) fn json(&self, baseline: Option<&Self>) -> Value {
        let mut report = serde_json::to_value(self).expect("names and numbers become JSON");
        report["baseline"] = json!(baseline);
        report
    }

    pub(super) fn human(&self, out: &mut impl Write, baseline: Option<&Self>) -> io::Result<()> {
        let config = self.config.iter().map(|(name, value)| format!("{name}={value}"));
        let config: Vec<_> = config.collect();
        writeln!(out, "{}  {}", self.widget, config.join(" "))?;
        let (messages, failed) = (print::count(self.messages, "message"), self.failed);
        let failed = if failed > 0 { format!(", fails for {failed}") } else { String::new() };
        writeln!(out, "{messages}, {} of them redraw it{failed}\n", self.invalidated)?;
        row(out, ["", "p50", "p99", "operations", "memory", "calls"])?;
        self.function(out, "should_invalidate", baseline, |report| {
            report.should_invalidate.as_ref()
        })?;
        self.function(out, "data", baseline, |report| report.data.as_ref())?;
        match &self.data_failure {
            Some(why) => writeln!(out, "\n`data` fails, so it is not measured: {why}"),
            None => Ok(()),
        }
    }

    fn function(
        &self,
        out: &mut impl Write,
        name: &str,
        baseline: Option<&Self>,
        of: impl Fn(&Self) -> Option<&Figures>,
    ) -> io::Result<()> {
        let Some(now) = of(self) else { return row(out, [name, "–", "–", "–", "–", "0"]) };
        figures(out, name, now)?;
        let Some(before) = baseline.and_then(of) else { return Ok(()) };
        figures(out, "  before", before)?;
        row(
            out,
            [
                "  change",
                &change(before.p50_nanos, now.p50_nanos),
                &change(before.p99_nanos, now.p99_nanos),
                &change(before.operations, now.operations),
                &change(before.bytes, now.bytes),
                "",
            ],
        )
    }
}

fn figures(out: &mut impl Write, name: &str, figures: &Figures) -> io::Result<()> {
    let time = |nanos| print::duration(std::time::Duration::from_nanos(nanos));
    let (p50, p99) = (time(figures.p50_nanos), time(figures.p99_nanos));
    let (operations, bytes) = (print::number(figures.operations), print::bytes(figures.bytes));
    row(out, [name, &p50, &p99, &operations, &bytes, &print::number(figures.calls as u64)])
}

fn row(
    out: &mut impl Write,
    [name, p50, p99, operations, bytes, calls]: [&str; 6],
) -> io::Result<()> {
    let line = format!("{name:18}{p50:>10}{p99:>10}{operations:>12}{bytes:>12}{calls:>9}");
    writeln!(out, "{}", line.trim_end())
}

/// `+12 %`, `-3 %`, `same`.
fn change(before: u64, now: u64) -> String {
    if before == now {
        return "same".into();
    }
    if before == 0 {
        return "new".into();
    }
    #[expect(clippy::cast_precision_loss, reason = "whole percents are shown")]
    let percent = (now as f64 - before as f64) / before as f64 * 100.0;
    format!("{percent:+.0} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(p50_nanos: u64, operations: u64) -> Report {
        let figures = Figures {
            calls: 10_000,
            p50_nanos,
            p99_nanos: p50_nanos * 2,
            operations,
            bytes: 2_048,
        };
        Report {
            widget: "badges".parse().unwrap(),
            config: Config::from_iter([("username".to_owned(), "ralph".into())]),
            messages: 120,
            invalidated: 3,
            failed: 0,
            should_invalidate: Some(figures),
            data: None,
            data_failure: Some("widgets/badges.rhai:3:1: out of badges".into()),
        }
    }

    #[test]
    fn figures_stand_beside_those_of_before() {
        let mut out = Vec::new();
        report(1_800, 21).human(&mut out, Some(&report(2_000, 21))).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        badges  username="ralph"
        120 messages, 3 of them redraw it

                                 p50       p99  operations      memory    calls
        should_invalidate    1.80 µs   3.60 µs          21       2 KiB   10,000
          before             2.00 µs   4.00 µs          21       2 KiB   10,000
          change               -10 %     -10 %        same        same
        data                       –         –           –           –        0

        `data` fails, so it is not measured: widgets/badges.rhai:3:1: out of badges
        "#);
    }

    #[test]
    fn what_is_saved_is_read_again_and_what_is_no_baseline_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/badges.json");
        report(1, 2).save(&file).unwrap();
        assert_eq!(Report::load(&file).unwrap(), report(1, 2));
        std::fs::write(&file, "{}").unwrap();
        let said = Report::load(&file).unwrap_err().to_string();
        assert!(said.contains("badges.json can't be read: missing field `widget`"), "{said}");
    }
}
