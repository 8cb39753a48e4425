//! Whether data that changes with a message means an invalidation, for widgets that read the history.
//!
//! The messages go into the history one after the other, and `data` is called in between. Messages that do not
//! invalidate go in together: only where the data changed all the same is it found out by which of them.

use super::judging::{Arguments, Judged, Verdict, decisive, trace};
use super::outcome::{Failure, Kind, Precision};
use super::snapshot::{diff, pretty};
use super::world::{self, Services, World};
use crate::datanommer::Datanommer;
use crate::diagnostic::Diagnostic;
use crate::message::Message;
use crate::outbound::Outbound;
use crate::script::Interpreter;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Calls of `data` that one case may cost.
const MOST_CALLS: usize = 200;
/// So often `data` is called before anything happens, until it gives the same twice.
const SETTLING: usize = 5;
/// Missed updates that a case reports.
const MOST_MISSED: usize = 5;

/// What came of it.
#[derive(Default)]
pub(super) struct Updates {
    pub(super) failures: Vec<Failure>,
    pub(super) notes: Vec<String>,
    pub(super) precision: Option<Precision>,
}

/// The history at some time, and `data` over it.
struct Probe<'r> {
    world: &'r World<'r>,
    services: &'r Services,
    outbound: Option<Outbound>,
    interpreter: Interpreter,
    datanommer: Datanommer,
    calls: usize,
}

/// Why it can't be found out.
enum Ended {
    /// In a sentence.
    Because(String),
    /// So many calls that no more are made.
    Bound,
    /// So many were missed that no more are told.
    Enough,
}

impl<'r> Probe<'r> {
    fn new(
        world: &'r World<'r>,
        services: &'r Services,
        outbound: Option<Outbound>,
        history: &[Arc<Message>],
    ) -> Result<Self, Ended> {
        let host = services.runtime.block_on(world.host(services, outbound.clone(), history));
        let host = host.map_err(|error| Ended::Because(format!("{error:#}")))?;
        let datanommer = host.datanommer.clone();
        let interpreter = world::interpreter(host, false);
        Ok(Self { world, services, outbound, interpreter, datanommer, calls: 0 })
    }

    /// The same services over another history; calls go on being counted.
    fn over(&self, history: &[Arc<Message>]) -> Result<Self, Ended> {
        let other = Self::new(self.world, self.services, self.outbound.clone(), history)?;
        Ok(Self { calls: self.calls, ..other })
    }

    fn add(&self, messages: &[Arc<Message>]) -> Result<(), Ended> {
        let added = self.services.runtime.block_on(self.datanommer.add(messages));
        added.map(drop).map_err(|error| Ended::Because(error.to_string()))
    }

    fn data(&mut self) -> Result<Value, Ended> {
        if self.calls >= MOST_CALLS {
            return Err(Ended::Bound);
        }
        self.calls += 1;
        let World { definition, placed, now, .. } = self.world;
        definition
            .data(&mut self.interpreter, placed, *now)
            .map_err(|failure| Ended::Because(format!("`data` failed: {}", failure.diagnostic)))
    }

    /// The data before anything happens: a cassette may have several answers for one URL, of which the last stays.
    fn settled(&mut self) -> Result<Value, Ended> {
        let mut last = self.data()?;
        for _ in 0..SETTLING {
            let next = self.data()?;
            if next == last {
                return Ok(next);
            }
            last = next;
        }
        Err(Ended::Because("`data` returns something else each time it is called".into()))
    }
}

/// Walks through the messages of a case. `outbound` plays the case's cassette.
pub(super) fn check(
    world: &World<'_>,
    judged: &Judged<'_>,
    services: &Services,
    outbound: Option<Outbound>,
    interpreter: &mut Interpreter,
    arguments: &mut Arguments,
) -> Updates {
    let heard: HashSet<&str> =
        judged.verdicts.iter().map(|verdict| &*verdict.recorded.message.id).collect();
    // What is in the history from the start can't come as news.
    let history: Vec<_> =
        world.history().into_iter().filter(|message| !heard.contains(&*message.id)).collect();
    let mut updates = Updates::default();
    let walked = Probe::new(world, services, outbound, &history).and_then(|mut probe| {
        let data = probe.settled()?;
        let quiet = Vec::new();
        let updates = &mut updates;
        Walk { probe, history, data, quiet, interpreter, arguments, updates }.through(judged)
    });
    match walked {
        Ok(()) => {}
        Err(Ended::Because(why)) => {
            updates.notes.push(format!("missed updates can't be told: {why}"));
        }
        Err(Ended::Enough) => updates.notes.push(format!(
            "missed updates were looked for until {MOST_MISSED} were found"
        )),
        Err(Ended::Bound) => updates.notes.push(format!(
            "missed updates were looked for until `data` had been called {MOST_CALLS} times; the later messages were not looked at"
        )),
    }
    updates
}

/// On its way through the messages of a case.
struct Walk<'w, 'r> {
    probe: Probe<'w>,
    /// What the probe's history holds.
    history: Vec<Arc<Message>>,
    /// What `data` returned over it.
    data: Value,
    /// Messages since then that do not invalidate; they are not in the history yet.
    quiet: Vec<&'w Verdict<'r>>,
    interpreter: &'w mut Interpreter,
    arguments: &'w mut Arguments,
    updates: &'w mut Updates,
}

impl<'w, 'r> Walk<'w, 'r> {
    fn through(mut self, judged: &'w Judged<'r>) -> Result<(), Ended> {
        for verdict in &judged.verdicts {
            if verdict.invalidates() {
                self.hear_quiet()?;
                self.hear(verdict)?;
            } else {
                self.quiet.push(verdict);
            }
        }
        self.hear_quiet()
    }

    /// One that invalidates: whether that was worth it.
    fn hear(&mut self, verdict: &Verdict<'_>) -> Result<(), Ended> {
        let message = verdict.recorded.message.clone();
        self.probe.add(std::slice::from_ref(&message))?;
        self.history.push(message);
        let after = self.probe.data()?;
        let precision = self.updates.precision.get_or_insert_default();
        precision.invalidations += 1;
        precision.changed += usize::from(after != self.data);
        self.data = after;
        Ok(())
    }

    /// Those that do not: the data must stay as it is.
    fn hear_quiet(&mut self) -> Result<(), Ended> {
        while !self.quiet.is_empty() {
            let messages: Vec<_> =
                self.quiet.iter().map(|verdict| verdict.recorded.message.clone()).collect();
            self.probe.add(&messages)?;
            if self.probe.data()? == self.data {
                self.history.extend(messages);
                self.quiet.clear();
                break;
            }
            let (first, changed) = self.culprit(&messages)?;
            let verdict = self.quiet[first];
            let world = self.probe.world;
            let traced = trace(world, verdict, self.interpreter, self.arguments);
            let failure = missed(world, verdict, &self.data, &changed);
            self.updates.failures.push(failure.decided_by(decisive(&traced)));
            if self.updates.failures.len() >= MOST_MISSED {
                return Err(Ended::Enough);
            }
            self.history.extend_from_slice(&messages[..=first]);
            self.quiet.drain(..=first);
            self.probe = self.probe.over(&self.history)?;
            self.data = changed;
        }
        Ok(())
    }

    /// Which of some messages is the first to change the data, and into what: by halves.
    fn culprit(&mut self, messages: &[Arc<Message>]) -> Result<(usize, Value), Ended> {
        // The first `same` together change nothing, the first `other` something.
        let (mut same, mut other) = (0, messages.len());
        let mut changed = None;
        while other - same > 1 || changed.is_none() {
            let middle = if other - same > 1 { usize::midpoint(same, other) } else { other };
            let mut probe = self.probe.over(&[&self.history, &messages[..middle]].concat())?;
            let data = probe.data()?;
            self.probe.calls = probe.calls;
            if data == self.data && middle < other {
                same = middle;
            } else {
                other = middle;
                changed = Some(data);
            }
        }
        Ok((other - 1, changed.unwrap_or_default()))
    }
}

fn missed(world: &World<'_>, verdict: &Verdict<'_>, before: &Value, after: &Value) -> Failure {
    let about = verdict.recording.about(verdict.recorded);
    let why = if verdict.answer.invalidates() {
        "the hints leave it out"
    } else {
        "`should_invalidate` says no"
    };
    let said = format!("`{}` changes what `data` returns, but {why}", about.id);
    let problem: Diagnostic = super::judging::at_function(world, "should_invalidate", said)
        .help("let `should_invalidate` be true for all that `data` reads from the history");
    Failure::new(Kind::MissedUpdate, problem).about(about).diff(diff(
        &pretty(before),
        &pretty(after),
        "before the message",
        "after it",
    ))
}
