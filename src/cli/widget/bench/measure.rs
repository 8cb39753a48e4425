//! The measuring itself: the same calls as the server's, on threads like the server's, timed one by one.

use super::report::{Figures, Report};
use crate::bindings::{self, Host};
use crate::cache::Cache;
use crate::cli::place::Place;
use crate::cli::widget::sample;
use crate::datanommer::Datanommer;
use crate::hub::Placed;
use crate::message::Message;
use crate::outbound::{Cassette, Fas, Github, Outbound};
use crate::script::{Failure, Interpreter, Pool, Tier, Used};
use crate::store::Store;
use crate::widget::Definition;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `should_invalidate` is called so often, the messages again and again, unless that takes longer than [`ASKING`].
const QUESTIONS: usize = 10_000;
const ASKING: Duration = Duration::from_millis(500);
/// `data` is called so often, unless that takes longer than [`BUILDING`].
const BUILDS: usize = 100;
const BUILDING: Duration = Duration::from_secs(1);

pub(super) struct Bench {
    pub(super) definition: Arc<Definition>,
    pub(super) placed: Placed,
    pub(super) now: Timestamp,
    pub(super) messages: Vec<Arc<Message>>,
    /// What is in the store for `datanommer`.
    pub(super) stored: Vec<Arc<Message>>,
    pub(super) cassette: Cassette,
}

/// Calls that were timed.
#[derive(Default)]
struct Times {
    took: Vec<Duration>,
    operations: u64,
    bytes: u64,
}

impl Times {
    fn note(&mut self, took: Duration, used: Used) {
        self.took.push(took);
        self.operations = self.operations.max(used.operations);
        self.bytes = self.bytes.max(used.bytes);
    }

    fn figures(mut self) -> Option<Figures> {
        self.took.sort_unstable();
        let last = self.took.len().checked_sub(1)?;
        let nanos = |percent: usize| {
            u64::try_from(self.took[last * percent / 100].as_nanos()).unwrap_or(u64::MAX)
        };
        Some(Figures {
            calls: self.took.len(),
            p50_nanos: nanos(50),
            p99_nanos: nanos(99),
            operations: self.operations,
            bytes: self.bytes,
        })
    }
}

/// What asking came to.
struct Asked {
    times: Times,
    invalidated: usize,
    failed: usize,
}

impl Bench {
    pub(super) fn run(self, found: &Place) -> anyhow::Result<Report> {
        let runtime = tokio::runtime::Runtime::new()?;
        let report = runtime.block_on(self.measured(found));
        runtime.shutdown_background();
        report
    }

    async fn measured(mut self, found: &Place) -> anyhow::Result<Report> {
        let sandbox = &found.settings.sandbox;
        let patience = Duration::from_mins(2);
        let pure = Pool::start(Tier::Pure, sample::patient(found), 1, Some(bindings::pure()));
        let (definition, placed, now) = (self.definition.clone(), self.placed.clone(), self.now);
        let messages = std::mem::take(&mut self.messages);
        let count = messages.len();
        let asking = move |interpreter: &mut Interpreter| {
            ask(interpreter, &definition, &placed, &messages, now)
        };
        let asked = pure.run(asking, patience).await?;

        let outbound = Outbound::replaying(sandbox, self.cassette);
        let host = Host {
            fas: Fas::on_cassette(&outbound, None),
            github: Github::anonymous(&outbound),
            outbound,
            datanommer: Datanommer::open("sqlite::memory:").await?,
            cache: Cache::memory(),
            store: Store::open("sqlite::memory:").await?,
            runtime: tokio::runtime::Handle::current(),
            sandbox: sandbox.clone(),
        };
        host.datanommer.add(&self.stored).await?;
        let data = Pool::start(Tier::Data, sandbox.data.clone(), 1, Some(bindings::install(host)));
        let (definition, placed) = (self.definition.clone(), self.placed.clone());
        let building =
            move |interpreter: &mut Interpreter| build(interpreter, &definition, &placed, now);
        let built = data.run(building, patience).await?;
        let (built, data_failure) = match built {
            Ok(times) => (times.figures(), None),
            Err(failure) => (None, Some(failure.diagnostic.to_string())),
        };
        Ok(Report {
            widget: self.definition.name.clone(),
            config: (*self.placed.config).clone(),
            messages: count,
            invalidated: asked.invalidated,
            failed: asked.failed,
            should_invalidate: asked.times.figures(),
            data: built,
            data_failure,
        })
    }
}

fn ask(
    interpreter: &mut Interpreter,
    definition: &Definition,
    placed: &Placed,
    messages: &[Arc<Message>],
    now: Timestamp,
) -> Asked {
    let mut asked = Asked { times: Times::default(), invalidated: 0, failed: 0 };
    if !definition.has_check {
        return asked;
    }
    let arguments: Vec<_> = messages.iter().map(|message| interpreter.message(message)).collect();
    // The first round is for compiling and for the count.
    for message in &arguments {
        match definition.should_invalidate(interpreter, message, placed, now) {
            Ok(yes) => asked.invalidated += usize::from(yes),
            Err(_) => asked.failed += 1,
        }
    }
    let began = Instant::now();
    for message in arguments.iter().cycle().take(if arguments.is_empty() { 0 } else { QUESTIONS }) {
        let start = Instant::now();
        let _ = definition.should_invalidate(interpreter, message, placed, now);
        asked.times.note(start.elapsed(), interpreter.used());
        if began.elapsed() > ASKING {
            break;
        }
    }
    asked
}

fn build(
    interpreter: &mut Interpreter,
    definition: &Definition,
    placed: &Placed,
    now: Timestamp,
) -> Result<Times, Failure> {
    let mut times = Times::default();
    definition.data(interpreter, placed, now)?;
    let began = Instant::now();
    for _ in 0..BUILDS {
        let start = Instant::now();
        definition.data(interpreter, placed, now)?;
        times.note(start.elapsed(), interpreter.used());
        if began.elapsed() > BUILDING {
            break;
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_the_middle_the_slow_end_and_the_most_that_was_used() {
        let mut times = Times::default();
        for (at, micros) in (1..=200).rev().enumerate() {
            let used = Used { operations: at as u64, bytes: micros, ..Used::default() };
            times.note(Duration::from_micros(micros), used);
        }
        let figures = times.figures().unwrap();
        assert_eq!((figures.calls, figures.operations, figures.bytes), (200, 199, 200));
        assert_eq!((figures.p50_nanos, figures.p99_nanos), (100_000, 198_000));
        assert!(Times::default().figures().is_none());
    }
}
