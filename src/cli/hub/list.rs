//! `hubs hub list`: which hubs there are.

use super::Opened;
use crate::cli::place::SiteOption;
use crate::cli::print::Plain;
use crate::cli::{Format, Outcome};
use std::io::Write;

/// Name every hub, with its summary
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl List {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = Opened::of(&self.site)?;
        let hubs = opened.runtime.block_on(opened.store.hubs())?;
        let width = hubs.iter().map(|hub| hub.name.as_str().len()).max().unwrap_or(0);
        for hub in hubs {
            match self.format {
                Format::Json => writeln!(out, "{}", serde_json::to_string(&hub)?)?,
                Format::Human => {
                    let archived = if hub.archived { " (archived)" } else { "" };
                    writeln!(
                        Plain(&mut *out),
                        "{:width$}  {}{archived}",
                        hub.name.as_str(),
                        hub.summary
                    )?;
                }
            }
        }
        Ok(Outcome::Fine)
    }
}
