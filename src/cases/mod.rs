//! `hubs widget test`: case files, recordings, cassettes, snapshots, coverage, and what came of them.
//!
//! A case runs on the server's own path (index, `should_invalidate`, `data`, template) in a small world of its own, with
//! a pinned clock and no network. Every run also looks for hints that leave out a message, for updates that are missed
//! and for messages that make a script fail. Values come out; `report` writes them. Knows no command line.

mod adhoc;
mod coverage;
mod data;
mod judging;
mod messages;
mod mutation;
mod outcome;
mod recordings;
pub mod report;
mod run;
mod snapshot;
mod suites;
mod threads;
mod updates;
mod world;

pub use adhoc::{Answered, WouldRedraw, would_redraw};
pub use coverage::{Covered, Missed, WidgetCovered};
pub use messages::{MessagesReport, read_in, read_in_group, run_messages};
pub use outcome::{About, CaseReport, Failure, Kind, Precision, Report};

use crate::bindings;
use crate::config::{self, Sandbox, Site};
use crate::diagnostic::Diagnostic;
use crate::hub::WidgetName;
use crate::render::Renderer;
use crate::script::{Interpreter, Tier};
use crate::widget::{Case, Definition, Shelf};
use parking_lot::Mutex;
use recordings::Recordings;
use regex::Regex;
use run::{Job, Shared, Tester};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use suites::{Suite, definition_of};
use world::Services;

/// What to do with what a case has beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Compare, and write nothing.
    #[default]
    Check,
    /// Write snapshots.
    Update,
    /// Write cassettes, from the network.
    Record,
}

/// What is to be tested.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub site: &'a Site,
    pub sandbox: &'a Sandbox,
    /// Whom `fas::` asks where cassettes are recorded.
    pub fas: Option<&'a config::Fas>,
    /// Without one, all that there are cases for.
    pub names: &'a [WidgetName],
    /// Cases whose names it matches; without one, all of them.
    pub only: Option<&'a Regex>,
    pub mode: Mode,
    pub coverage: bool,
    /// For the commands that a report names, as in ` --site demo`.
    pub options: &'a str,
    /// At most so many; without it one for each core.
    pub threads: Option<usize>,
}

/// Why nothing could be tested.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    #[error("{0}")]
    Unusable(Diagnostic),
    #[error("the cases can't be run: {0:#}")]
    Setup(anyhow::Error),
}

/// Runs the cases that are asked for. Blocks, and must not be called on a thread of a runtime.
pub fn run(request: &Request<'_>) -> Result<Report, CasesError> {
    let shelf = Arc::new(shelf(request));
    let library = shelf.library();
    let suites = suites::read(request, &library)?;
    let setup = |error: std::io::Error| CasesError::Setup(error.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(setup)?;
    let (sandbox, fas) = (request.sandbox.clone(), request.fas.cloned());
    let services = Services::open(runtime.handle().clone(), sandbox, fas, shelf);
    let services = runtime.block_on(services).map_err(CasesError::Setup)?;
    let wanted = |case: &&Case| request.only.is_none_or(|only| only.is_match(&case.name.value));
    let jobs: Vec<Job<'_>> = suites
        .iter()
        .filter_map(|suite| Some((suite, definition_of(&library, &suite.widget)?)))
        .flat_map(|(suite, definition)| {
            suite.cases.iter().filter(wanted).map(move |case| Job { definition, case })
        })
        .collect();
    let names = jobs.iter().flat_map(|job| job.case.messages.iter().chain(&job.case.datanommer));
    let limits = run::pure_limits(&request.sandbox.pure);
    let recordings =
        Recordings::load(request, names.map(|at| at.value.as_str()), &library, &limits);
    let (renderer, _) = Renderer::new(request.site);
    let (coverage, recorded, unplayed) = (Mutex::default(), Mutex::default(), Mutex::default());
    let shared = Shared {
        request,
        library: &library,
        recordings: &recordings,
        renderer: &renderer,
        services: &services,
        coverage: &coverage,
        recorded: &recorded,
        unplayed: &unplayed,
    };
    let mut cases = suites::broken(request, &suites);
    cases.extend(run_all(&shared, &jobs));
    // By file, and in its order.
    cases.sort_by(|a, b| a.widget.cmp(&b.widget));
    let covered = request.coverage.then(|| shared.covered(&suites));
    let mut report = Report { cases, coverage: covered, ..Report::default() };
    if request.only.is_none() {
        suites::loose_ends(request, &library, &suites, &mut report);
        // A case that did not come so far may need any of them.
        if request.names.is_empty() && request.mode == Mode::Check && report.failed() == 0 {
            report.warnings.extend(suites::unplayed(request, &unplayed.lock()));
        }
    }
    drop(jobs);
    runtime.shutdown_background();
    Ok(report)
}

fn shelf(request: &Request<'_>) -> Shelf {
    let limits = request.sandbox.pure.clone();
    let mut interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
    Shelf::new(request.site.clone(), &mut interpreter)
}

fn run_all(shared: &Shared<'_>, jobs: &[Job<'_>]) -> Vec<CaseReport> {
    if shared.request.mode == Mode::Record {
        // Cases may share a cassette, which is written in their order.
        let mut tester = Tester::new(shared);
        return jobs.iter().map(|job| tester.run(job)).collect();
    }
    let done: Vec<OnceLock<CaseReport>> = jobs.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    threads::each_core(shared.request.threads, || {
        let mut tester = None;
        while let Some((job, done)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).zip(done.get(at))
        } {
            let tester = tester.get_or_insert_with(|| Tester::new(shared));
            // Each number is taken once, so nothing is there yet.
            let _ = done.set(tester.run(job));
        }
    });
    done.into_iter().filter_map(OnceLock::into_inner).collect()
}

impl Shared<'_> {
    fn covered(&self, suites: &[Suite]) -> Covered {
        let definitions: Vec<&Arc<Definition>> = if self.request.names.is_empty() {
            self.library.widgets().collect()
        } else {
            suites.iter().filter_map(|suite| definition_of(self.library, &suite.widget)).collect()
        };
        let mut gathered = std::mem::take(&mut *self.coverage.lock());
        let limits = run::pure_limits(&self.services.sandbox.pure);
        let untested: Vec<_> =
            definitions.iter().filter(|definition| !gathered.has(&definition.name)).collect();
        if !untested.is_empty() {
            // Nothing of them was reached, which counts too.
            let interpreter = Interpreter::covering(Tier::Pure, limits, Some(bindings::pure()));
            for definition in untested {
                gathered.add(&definition.name, interpreter.coverage(&definition.source));
            }
        }
        gathered.finish(definitions.into_iter().map(|definition| &**definition), self.recordings)
    }
}
