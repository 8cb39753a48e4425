//! One file per subcommand; the only room that prints.
//!
//! Answers go to stdout, errors to stderr. Exit 0: fine; 1: what was checked failed; 2: wrong use. A subcommand is a
//! struct whose doc comments are its `--help`, and `execute`, which prints to what it is given.

mod check;
mod completions;
mod datanommer;
mod definitions;
mod doctor;
mod hub;
mod message;
#[cfg(feature = "kerberos")]
mod negotiate;
mod online;
mod place;
mod print;
mod record;
mod replay;
mod serve;
mod session;
mod why;
mod widget;

use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write;
use std::process::ExitCode;

/// Live pages for the people and teams of a community, made of scripted widgets
#[derive(Debug, Parser)]
#[command(name = "hubs", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Record(record::Record),
    Replay(replay::Replay),
    /// Write, list, run, check, test and measure widgets
    #[command(subcommand)]
    Widget(widget::Widget),
    /// Read messages as the server would
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Count and import the messages of the history
    #[command(subcommand)]
    Datanommer(datanommer::DatanommerCommand),
    /// List, show, export and import hubs
    #[command(subcommand)]
    Hub(hub::HubCommand),
    /// Tell who is logged in, and end that
    #[command(subcommand)]
    Session(session::SessionCommand),
    Check(check::Check),
    Why(why::Why),
    /// Ask a running server how it fares
    #[command(subcommand)]
    Doctor(doctor::Doctor),
    Definitions(definitions::Definitions),
    Completions(completions::Completions),
    #[cfg(feature = "kerberos")]
    #[command(hide = true)]
    Negotiate(negotiate::Negotiate),
}

/// For whom the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// How a subcommand ended, where it did not fail to run at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fine,
    /// What was checked is not as it should be; it has been said.
    Failed,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, the rest is wrong use; clap knows where each goes.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = std::io::stdout().lock();
    let result = cli.command.execute(&mut out);
    // A reader that went away (`| head`) is no failure.
    let _ = out.flush();
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

impl Command {
    fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Serve(serve) => serve.execute(),
            Self::Record(record) => record.execute(out),
            Self::Replay(replay) => replay.execute(out),
            Self::Widget(widget) => widget.execute(out),
            Self::Message(message) => message.execute(out),
            Self::Datanommer(datanommer) => datanommer.execute(out),
            Self::Hub(hub) => hub.execute(out),
            Self::Session(session) => session.execute(out),
            Self::Check(check) => check.execute(out),
            Self::Why(why) => why.execute(out),
            Self::Doctor(doctor) => doctor.execute(out),
            Self::Definitions(definitions) => definitions.execute(out),
            Self::Completions(completions) => completions.execute(out),
            #[cfg(feature = "kerberos")]
            Self::Negotiate(negotiate) => negotiate.execute(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
