//! `hubs hub`: the hubs in the store, as a person at the machine sees and moves them.

mod entry;
mod export;
mod import;
mod list;
mod log;
mod show;

use super::Outcome;
use super::place::{Place, SiteOption};
use crate::hub::{Hub, HubName};
use crate::store::Store;
use anyhow::bail;
use clap::Subcommand;
use std::io::Write;
use tokio::runtime::Runtime;

#[derive(Debug, Subcommand)]
pub(super) enum HubCommand {
    List(list::List),
    Show(show::Show),
    Log(log::Log),
    Export(export::Export),
    Import(import::Import),
}

impl HubCommand {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.execute(out),
            Self::Show(show) => show.execute(out),
            Self::Log(log) => log.execute(out),
            Self::Export(export) => export.execute(out),
            Self::Import(import) => import.execute(out),
        }
    }
}

/// The store of a site, which must be there.
struct Opened {
    place: Place,
    store: Store,
    runtime: Runtime,
}

impl Opened {
    fn of(site: &SiteOption) -> anyhow::Result<Self> {
        let place = site.open()?;
        let url = &place.settings.store;
        if !url.exists() {
            bail!("there is no store at {url} yet; `hubs serve` makes it");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = runtime.block_on(Store::open(url.as_str()))?;
        Ok(Self { place, store, runtime })
    }

    /// The hub of a name, or which name is near.
    fn hub(&self, name: &HubName) -> anyhow::Result<Hub> {
        if let Some(hub) = self.runtime.block_on(self.store.hub(name))? {
            return Ok(hub);
        }
        let all = self.runtime.block_on(self.store.hubs())?;
        let names = all.iter().map(|hub| hub.name.as_str());
        let near = crate::diagnostic::nearest(name.as_str(), names);
        bail!("there is no hub `{name}`{}", crate::diagnostic::did_you_mean(near))
    }
}
