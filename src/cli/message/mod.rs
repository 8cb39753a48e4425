//! `hubs message`: what the server reads in messages.

mod explain;
mod group;
mod test;

use super::Outcome;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub(super) enum MessageCommand {
    Explain(explain::Explain),
    Group(group::Group),
    Test(test::Test),
}

impl MessageCommand {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Explain(explain) => explain.execute(out),
            Self::Group(group) => group.execute(out),
            Self::Test(test) => test.execute(out),
        }
    }
}
