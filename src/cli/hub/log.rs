//! `hubs hub log`: what was changed on a hub, and by whom.

use super::Opened;
use crate::cli::place::SiteOption;
use crate::cli::print::{Plain, count};
use crate::cli::{Format, Outcome};
use crate::hub::HubName;
use crate::store::Revision;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Show what was changed on a hub, the newest first
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Log {
    name: HubName,
    /// So many changes
    #[arg(long, default_value_t = 50)]
    count: u32,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Log {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = Opened::of(&self.site)?;
        let hub = opened.hub(&self.name)?;
        let revisions = opened.store.revisions(&hub.name, None, self.count);
        for revision in opened.runtime.block_on(revisions)? {
            match self.format {
                Format::Json => writeln!(out, "{}", serde_json::to_string(&revision)?)?,
                Format::Human => human(&mut Plain(&mut *out), &revision)?,
            }
        }
        Ok(Outcome::Fine)
    }
}

fn human(out: &mut impl Write, revision: &Revision) -> io::Result<()> {
    let at = revision.at.strftime("%Y-%m-%d %H:%M:%S");
    let instance = revision.instance.map(|id| format!(" {id}")).unwrap_or_default();
    let reverts = revision.reverts.map(|it| format!(", taking back {it}")).unwrap_or_default();
    let Revision { version, who, what, before, after, .. } = revision;
    writeln!(out, "{version:>5}  {at}  {who}: {}{instance}{reverts}", what.word())?;
    let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (old, new) = (fields(before), fields(after));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for name in names.into_iter().filter(|name| old.get(*name) != new.get(*name)) {
        let side = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), short);
        writeln!(out, "         {name}: {} -> {}", side(old.get(name)), side(new.get(name)))?;
    }
    Ok(())
}

/// On one line.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}… ({})", &text[..at], count(text.chars().count(), "letter")),
        None => text,
    }
}
