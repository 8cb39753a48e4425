//! `hubs session`: who is logged in.

mod list;
mod revoke;

use super::Outcome;
use super::place::SiteOption;
use crate::store::Store;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    List(list::List),
    Revoke(revoke::Revoke),
}

impl SessionCommand {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.execute(out),
            Self::Revoke(revoke) => revoke.execute(out),
        }
    }
}

/// So much of a session's hash names it.
const ID_DIGITS: usize = 12;

/// Does something with the store of a site, beside a server that may run.
fn with_store<T>(
    site: &SiteOption,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let url = site.open()?.settings.store;
    if !url.exists() {
        anyhow::bail!(
            "there is no store at {} yet, so nobody is logged in; `hubs serve` makes it",
            url.as_str()
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(url.as_str()).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}
