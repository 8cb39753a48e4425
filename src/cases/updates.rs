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
    Bound,
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

    /// The same services over another history.
    fn over(&self, history: &[Arc<Message>]) -> Result<Self, Ended> {
        Self::new(self.world, self.services, self.outbound.clone(), history)
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
    let mut updates = Updates::default();
    let heard: HashSet<&str> =
        judged.verdicts.iter().map(|verdict| &*verdict.recorded.message.id).collect();
    // What is in the history from the start can't come as news.
    let history: Vec<_> =
        world.history().into_iter().filter(|message| !heard.contains(&*message.id)).collect();
    let walked = Probe::new(world, services, outbound, &history).and_then(|mut probe| {
        walk(&mut probe, history, judged, interpreter, arguments, &mut updates)
    });
    match walked {
        Ok(()) => {}
        Err(Ended::Because(why)) => {
            updates.notes.push(format!("missed updates can't be told: {why}"));
        }
        Err(Ended::Bound) => updates.notes.push(format!(
            "missed updates were looked for until `data` had been called {MOST_CALLS} times; the later messages were not looked at"
        )),
    }
    updates
}

fn walk(
    probe: &mut Probe<'_>,
    mut history: Vec<Arc<Message>>,
    judged: &Judged<'_>,
    interpreter: &mut Interpreter,
    arguments: &mut Arguments,
    updates: &mut Updates,
) -> Result<(), Ended> {
    let mut data = probe.settled()?;
    let mut quiet: Vec<&Verdict<'_>> = Vec::new();
    let mut precision = Precision { changed: 0, invalidations: 0 };
    let mut look = |probe: &mut Probe<'_>,
                    quiet: &mut Vec<&Verdict<'_>>,
                    history: &mut Vec<Arc<Message>>,
                    data: &mut Value,
                    updates: &mut Updates| {
        while !quiet.is_empty() {
            let messages: Vec<_> =
                quiet.iter().map(|verdict| verdict.recorded.message.clone()).collect();
            probe.add(&messages)?;
            let after = probe.data()?;
            if after == *data {
                history.extend(messages);
                quiet.clear();
                return Ok(());
            }
            let (first, changed) = culprit(probe, history, &messages, data)?;
            let verdict = quiet[first];
            let traced = trace(probe.world, verdict, interpreter, arguments);
            updates
                .failures
                .push(missed(probe.world, verdict, data, &changed).decided_by(decisive(&traced)));
            if updates.failures.len() >= MOST_MISSED {
                return Err(Ended::Because(format!("{MOST_MISSED} were found, which is enough")));
            }
            history.extend_from_slice(&messages[..=first]);
            quiet.drain(..=first);
            let calls = probe.calls;
            *probe = probe.over(history)?;
            probe.calls = calls;
            *data = changed;
        }
        Ok(())
    };
    for verdict in &judged.verdicts {
        if !verdict.invalidates() {
            quiet.push(verdict);
            continue;
        }
        look(probe, &mut quiet, &mut history, &mut data, updates)?;
        let message = verdict.recorded.message.clone();
        probe.add(std::slice::from_ref(&message))?;
        history.push(message);
        let after = probe.data()?;
        precision.invalidations += 1;
        precision.changed += usize::from(after != data);
        data = after;
        updates.precision = Some(precision);
    }
    look(probe, &mut quiet, &mut history, &mut data, updates)
}

/// Which of some messages changes the data, and into what: by halves.
fn culprit(
    probe: &mut Probe<'_>,
    history: &[Arc<Message>],
    messages: &[Arc<Message>],
    before: &Value,
) -> Result<(usize, Value), Ended> {
    // Of the first `same` nothing changes, of the first `other` something does.
    let (mut same, mut other) = (0, messages.len());
    let mut changed = None;
    while changed.is_none() || other - same > 1 {
        let middle = if other - same > 1 { usize::midpoint(same, other) } else { other };
        let mut probed = probe.over(&[history, &messages[..middle]].concat())?;
        probed.calls = probe.calls;
        let data = probed.data()?;
        probe.calls = probed.calls;
        if data == *before && middle < other {
            same = middle;
        } else {
            other = middle;
            changed = Some(data);
        }
    }
    Ok((other - 1, changed.unwrap_or_default()))
}

fn missed(world: &World<'_>, verdict: &Verdict<'_>, before: &Value, after: &Value) -> Failure {
    let about = verdict.recording.about(verdict.recorded);
    let why = if verdict.answer { "the hints leave it out" } else { "`should_invalidate` says no" };
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
