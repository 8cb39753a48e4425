//! `hubs widget`: list, run, check and test widgets.

mod check;
mod list;
mod run;
mod sample;
mod test;

use super::Outcome;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub(super) enum Widget {
    Check(check::Check),
    List(list::List),
    Run(run::Run),
    Test(test::Test),
}

impl Widget {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Check(check) => check.execute(out),
            Self::List(list) => list.execute(out),
            Self::Run(run) => run.execute(out),
            Self::Test(test) => test.execute(out),
        }
    }
}
