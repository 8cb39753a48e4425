//! `hubs check`: whether hubs.toml is right, before a server is started with it.

use super::online;
use super::place::{self, SiteOption};
use super::print::{self, count};
use super::{Format, Outcome};
use crate::server;
use std::io::Write;
use std::path::PathBuf;

/// Check hubs.toml: every key, every name, every widget's settings
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The configuration; without it ./hubs.toml
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    config: Option<PathBuf>,
    #[command(flatten)]
    site: SiteOption,
    /// Ask each service that it names, once: whether it lets hubs in, and what is missing
    #[arg(long)]
    online: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Check {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = match &self.config {
            Some(file) => place::at_file(file),
            None => self.site.open(),
        };
        let (settings, problems) = match opened {
            Ok(found) => {
                let problems = server::misplaced(&found.settings, &found.library());
                (Some(found.settings), problems)
            }
            Err(error) => match error.downcast::<print::Problems>() {
                Ok(print::Problems(problems)) => (None, problems),
                Err(error) => return Err(error),
            },
        };
        for problem in &problems {
            print::diagnostic(out, problem, self.format)?;
        }
        if problems.is_empty() {
            if self.format == Format::Human {
                writeln!(out, "hubs.toml is fine")?;
            }
            return match settings.filter(|_| self.online) {
                Some(settings) => online::check(out, &settings, self.format),
                None => Ok(Outcome::Fine),
            };
        }
        if self.format == Format::Human {
            writeln!(out, "{}", count(problems.len(), "problem"))?;
        }
        Ok(Outcome::Failed)
    }
}
