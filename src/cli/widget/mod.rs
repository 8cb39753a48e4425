//! `hubs widget`: write, list, run, check, test and measure widgets.

mod bench;
mod check;
mod docs;
mod list;
mod new;
mod run;
mod sample;
mod show;
mod test;

pub(super) use docs::write;

use super::Outcome;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub(super) enum Widget {
    New(new::New),
    List(list::List),
    Show(show::Show),
    Check(check::Check),
    Run(run::Run),
    Test(test::Test),
    Bench(bench::Bench),
    Docs(docs::Docs),
}

impl Widget {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::New(new) => new.execute(out),
            Self::List(list) => list.execute(out),
            Self::Show(show) => show.execute(out),
            Self::Check(check) => check.execute(out),
            Self::Run(run) => run.execute(out),
            Self::Test(test) => test.execute(out),
            Self::Bench(bench) => bench.execute(out),
            Self::Docs(docs) => docs.execute(out),
        }
    }
}
