//! One case, from its world to its report.

use super::coverage::Gathered;
use super::data;
use super::judging::{self, Arguments};
use super::mutation;
use super::outcome::{CaseReport, Failure, Kind};
use super::recordings::Recordings;
use super::snapshot;
use super::updates;
use super::world::{self, Services, World};
use super::{Mode, Request};
use crate::bindings;
use crate::config::Limits;
use crate::diagnostic::Diagnostic;
use crate::outbound::{Cassette, Outbound};
use crate::render::Renderer;
use crate::script::{Interpreter, Tier};
use crate::widget::{Case, Definition, Library};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A busy machine must not make a good script a bad one: in tests operations are the limit, and time this many times
/// what the server gives.
const PATIENCE: u32 = 20;

/// What all cases of a run share.
pub(super) struct Shared<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) library: &'r Library,
    pub(super) recordings: &'r Recordings,
    pub(super) renderer: &'r Renderer,
    pub(super) services: &'r Services,
    pub(super) coverage: &'r Mutex<Gathered>,
    /// What this run has recorded so far, by the path of the cassette: several cases may share one.
    pub(super) recorded: &'r Mutex<BTreeMap<String, Cassette>>,
    /// What no case has asked for so far, by the path of the cassette.
    pub(super) unplayed: &'r Mutex<BTreeMap<String, BTreeSet<String>>>,
}

/// A case to be run.
pub(super) struct Job<'r> {
    pub(super) definition: &'r Arc<Definition>,
    pub(super) case: &'r Case,
}

/// The limits of the pure tier as tests have them.
pub(super) fn pure_limits(limits: &Limits) -> Limits {
    Limits { deadline: limits.deadline * PATIENCE, ..limits.clone() }
}

/// What one thread has at hand for case after case.
pub(super) struct Tester<'r> {
    shared: &'r Shared<'r>,
    pure: Interpreter,
    /// Beside `pure`, where that notes what it reaches: what is tried on top must not count as tested.
    aside: Option<Interpreter>,
    arguments: Arguments,
}

impl<'r> Tester<'r> {
    pub(super) fn new(shared: &'r Shared<'r>) -> Self {
        let limits = pure_limits(&shared.services.sandbox.pure);
        let plain = |limits| Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
        let (pure, aside) = if shared.request.coverage {
            let covering =
                Interpreter::covering(Tier::Pure, limits.clone(), Some(bindings::pure()));
            (covering, Some(plain(limits)))
        } else {
            (plain(limits), None)
        };
        Self { shared, pure, aside, arguments: Arguments::default() }
    }

    pub(super) fn run(&mut self, job: &Job<'_>) -> CaseReport {
        let begun = Instant::now();
        let Job { definition, case } = job;
        let mut report =
            empty(self.shared.request, definition.name.as_str(), Some(&case.name.value));
        let Shared { request, recordings, .. } = self.shared;
        match World::new(definition, case, recordings, request.site) {
            Ok(world) => self.run_in(&world, case, &mut report),
            Err(failures) => report.failures.extend(failures),
        }
        report.took = begun.elapsed();
        report
    }

    fn run_in(&mut self, world: &World<'_>, case: &Case, report: &mut CaseReport) {
        let Self { shared, pure, aside, arguments } = self;
        let mut judged = judging::judge(world, pure, arguments);
        if shared.request.coverage {
            let coverage = pure.coverage(&world.definition.source);
            let mut gathered = shared.coverage.lock();
            gathered.add(&world.definition.name, coverage);
            gathered.add_hints(&world.definition.name, &judged.hints);
        }
        let aside = aside.as_mut().unwrap_or(pure);
        judging::check(world, case, &mut judged, aside, arguments);
        report.failures.append(&mut judged.failures);
        let reads_history = world.mentions("datanommer::");
        let asked = case.snapshot
            || !case.data.is_empty()
            || case.cassette.is_some()
            || !case.datanommer.is_empty();
        let record = shared.request.mode == Mode::Record;
        if asked || (reads_history && !world.heard.is_empty()) {
            let outbound = match shared.outbound(world, case, record) {
                Ok(outbound) => outbound,
                Err(failure) => return report.failures.push(*failure),
            };
            if asked {
                shared.data(world, case, &outbound, report);
            }
            if reads_history && !judged.verdicts.is_empty() && !record {
                let played = outbound.clone();
                let found =
                    updates::check(world, &judged, shared.services, Some(played), aside, arguments);
                report.failures.extend(found.failures);
                report.notes.extend(found.notes);
                report.precision = found.precision;
            }
            shared.note_unplayed(case, &outbound);
        }
        let spoilt = mutation::check(world, &judged, aside);
        report.warnings.extend(spoilt.warnings);
        report.failures.extend(spoilt.contradiction);
    }
}

impl Shared<'_> {
    fn outbound(
        &self,
        world: &World<'_>,
        case: &Case,
        record: bool,
    ) -> Result<Outbound, Box<Failure>> {
        let cassette = data::cassette(self.request.site, case, record)?;
        let begun =
            case.cassette.as_ref().filter(|_| record).and_then(|name| {
                self.recorded.lock().get(&data::cassette_path(&name.value)).cloned()
            });
        let asks = !world.definition.hosts.is_empty()
            || ["fas::", "github::"].iter().any(|module| world.mentions(module));
        let record = record && case.cassette.is_some() && asks;
        Ok(data::outbound(&self.services.sandbox, begun.unwrap_or(cassette), record))
    }

    fn data(&self, world: &World<'_>, case: &Case, outbound: &Outbound, report: &mut CaseReport) {
        let Request { site, mode, coverage, .. } = *self.request;
        let history = world.history();
        let host = world.host(self.services, Some(outbound.clone()), &history);
        let host = match self.services.runtime.block_on(host) {
            Ok(host) => host,
            Err(error) => {
                let problem = Diagnostic::error(format!("the case has no services: {error:#}"));
                return report.failures.push(Failure::new(Kind::Case, problem));
            }
        };
        let mut interpreter = world::interpreter(host, coverage);
        let made = data::check(world, case, &mut interpreter, outbound, self.renderer, report);
        if coverage {
            let coverage = interpreter.coverage(&world.definition.source);
            self.coverage.lock().add(&world.definition.name, coverage);
        }
        if mode == Mode::Record {
            self.keep(case, outbound, report);
        }
        if let Some((data, html)) = made.filter(|_| case.snapshot) {
            data::snapshots(site, case, &data, &html, mode == Mode::Update, report);
        }
    }

    fn note_unplayed(&self, case: &Case, outbound: &Outbound) {
        let Some(name) = &case.cassette else { return };
        let unused: BTreeSet<String> =
            outbound.cassette().iter().flat_map(Cassette::unused).collect();
        let mut all = self.unplayed.lock();
        match all.get_mut(&data::cassette_path(&name.value)) {
            Some(known) => known.retain(|url| unused.contains(url)),
            None => drop(all.insert(data::cassette_path(&name.value), unused)),
        }
    }

    /// Writes what was recorded.
    fn keep(&self, case: &Case, outbound: &Outbound, report: &mut CaseReport) {
        let Some(name) = &case.cassette else { return };
        let Some(cassette) = outbound.cassette() else { return };
        let path = data::cassette_path(&name.value);
        let written = snapshot::on_disk(self.request.site, &path).and_then(|file| {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            cassette.save(&file).map_err(std::io::Error::other)
        });
        match written {
            Ok(()) => report.wrote.push(format!("{path} is recorded")),
            Err(error) => {
                let said = format!("{path} can't be written: {error}");
                report.failures.push(Failure::new(Kind::Case, Diagnostic::error(said)));
            }
        }
        self.recorded.lock().insert(path, cassette);
    }
}

pub(super) fn empty(request: &Request<'_>, widget: &str, case: Option<&str>) -> CaseReport {
    CaseReport {
        widget: widget.into(),
        case: case.map(Into::into),
        options: request.options.into(),
        took: Duration::ZERO,
        failures: Vec::new(),
        warnings: Vec::new(),
        precision: None,
        notes: Vec::new(),
        wrote: Vec::new(),
    }
}
