//! `hubs message test`: whether processors read in messages what they should.

use crate::cases::{MessagesReport, run_messages};
use crate::cli::place::SiteOption;
use crate::cli::print::{self, Problems, count};
use crate::cli::{Format, Outcome};
use serde_json::json;
use std::io::Write;

/// Hold what processors read in messages against the cases in tests/messages/
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// Which files, as in `badges` for tests/messages/badges.jsonl; without one all
    names: Vec<String>,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Test {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let report = run_messages(&found.site, &found.settings.sandbox, &self.names)
            .map_err(|problem| Problems(vec![problem]))?;
        let MessagesReport { passed, failed, problems, untested } = report;
        for problem in &problems {
            print::diagnostic(out, problem, self.format)?;
        }
        match self.format {
            Format::Json => {
                let row = json!({ "passed": passed, "failed": failed, "untested": untested });
                writeln!(out, "{row}")?;
            }
            Format::Human => {
                writeln!(
                    out,
                    "{}: {passed} passed, {failed} failed",
                    count(passed + failed, "case")
                )?;
                if !untested.is_empty() {
                    writeln!(out, "no case is about {}", untested.join(", "))?;
                }
            }
        }
        Ok(if failed == 0 { Outcome::Fine } else { Outcome::Failed })
    }
}
