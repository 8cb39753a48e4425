//! `hubs datanommer`: the history of messages.

mod import;
mod stats;

use super::Outcome;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub(super) enum DatanommerCommand {
    Stats(stats::Stats),
    Import(import::Import),
}

impl DatanommerCommand {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Stats(stats) => stats.execute(out),
            Self::Import(import) => import.execute(out),
        }
    }
}
