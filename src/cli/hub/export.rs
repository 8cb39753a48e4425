//! `hubs hub export`: a hub as `[[hub]]` of hubs.toml.

use super::Opened;
use super::entry::{Entry, File};
use crate::cli::place::SiteOption;
use crate::cli::{Format, Outcome};
use crate::hub::HubName;
use std::io::Write;

/// Print hubs as hubs.toml has them, for `hubs hub import` or for hubs.toml itself
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Export {
    /// Which hubs; all of them without a name
    names: Vec<HubName>,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Export {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = Opened::of(&self.site)?;
        let hubs = if self.names.is_empty() {
            opened.runtime.block_on(opened.store.hubs())?
        } else {
            self.names.iter().map(|name| opened.hub(name)).collect::<Result<_, _>>()?
        };
        let mut file = File { hub: Vec::new() };
        for hub in hubs {
            let instances = opened.runtime.block_on(opened.store.instances(&hub.name))?;
            file.hub.push(Entry::of(hub, instances));
        }
        match self.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(&file)?)?,
            Format::Human => out.write_all(toml::to_string_pretty(&file)?.as_bytes())?,
        }
        Ok(Outcome::Fine)
    }
}
