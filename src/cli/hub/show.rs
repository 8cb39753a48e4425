//! `hubs hub show`: one hub, its people and its widgets.

use super::Opened;
use crate::cli::place::SiteOption;
use crate::cli::print::Plain;
use crate::cli::{Format, Outcome};
use crate::hub::{Hub, HubName, Instance};
use serde_json::json;
use std::io::{self, Write};

/// Show one hub: its details, its people, its widgets with their settings
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    name: HubName,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Show {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = Opened::of(&self.site)?;
        let hub = opened.hub(&self.name)?;
        let instances = opened.runtime.block_on(opened.store.instances(&hub.name))?;
        match self.format {
            Format::Json => writeln!(out, "{}", json!({ "hub": hub, "widgets": instances }))?,
            Format::Human => human(&mut Plain(out), &hub, &instances)?,
        }
        Ok(Outcome::Fine)
    }
}

fn human(out: &mut impl Write, hub: &Hub, instances: &[Instance]) -> io::Result<()> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    writeln!(out, "{}: {}", hub.name, hub.summary)?;
    let archived = if hub.archived { ", archived" } else { "" };
    writeln!(out, "  {}, {}{archived}", word(json!(hub.kind)), word(json!(hub.visibility)))?;
    for (what, people) in [
        ("owners", &hub.owners),
        ("members", &hub.members),
        ("subscribers", &hub.subscribers),
        ("stargazers", &hub.stargazers),
    ] {
        if !people.is_empty() {
            writeln!(out, "  {what:12} {}", people.join(", "))?;
        }
    }
    for one in instances {
        let column = word(json!(one.column));
        let config = serde_json::to_string(&one.config).unwrap_or_default();
        writeln!(out, "  {column:5} {:>5}  {}  {config}", one.id, one.widget)?;
    }
    Ok(())
}
