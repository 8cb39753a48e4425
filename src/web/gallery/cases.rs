//! Whether the cases of a widget hold: found out behind a page, told by the next one.
//!
//! One widget's cases are run at a time, on a thread of their own, and what came out is kept until a file of theirs
//! changes. What runs them is handed in: this room does not know how.

use super::super::Services;
use crate::hub::WidgetName;
use crate::render::{CaseRow, Cases};
use crate::script::DATA_STACK_BYTES;
use crate::widget::{CASES, Case, Definition, case_file, template_of};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use xxhash_rust::xxh3::Xxh3;

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOutcome {
    /// `None`: what is wrong keeps all of them from being run.
    pub case: Option<String>,
    /// In a line; `None` where it passed.
    pub wrong: Option<String>,
}

/// Runs the cases of a widget, and returns when all are done.
pub type RunCases = dyn Fn(&WidgetName) -> Vec<CaseOutcome> + Send + Sync;

/// Cheap to clone.
#[derive(Clone)]
pub struct CaseRuns {
    run: Arc<RunCases>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    running: Option<(WidgetName, u64)>,
    /// Of each widget the last version that was run.
    done: BTreeMap<WidgetName, (u64, Arc<[CaseOutcome]>)>,
}

#[derive(Debug, PartialEq)]
enum State {
    /// Those of another widget are run; whoever asks again may be the next.
    Waiting,
    Running,
    Done(Arc<[CaseOutcome]>),
}

impl CaseRuns {
    pub fn new(run: Arc<RunCases>) -> Self {
        Self { run, kept: Arc::default() }
    }

    /// The cases for a page; for who may edit with what came of them, or with a run that begins now.
    pub(super) fn shown(
        &self,
        services: &Services,
        definition: &Definition,
        cases: &[Case],
        told: bool,
    ) -> Cases {
        let row = |case: &Case| {
            let name = case.name.value.clone();
            CaseRow { name, state: "", wrong: None }
        };
        let mut shown = Cases { all: cases.iter().map(row).collect(), told, ..Cases::default() };
        let file = case_file(definition.name.as_str());
        if !told || services.shelf.site().read(&file).is_none() {
            return shown;
        }
        let state = self.state(&definition.name, version(services, definition, cases));
        let outcomes: &[CaseOutcome] = match &state {
            State::Done(outcomes) => outcomes,
            State::Waiting | State::Running => &[],
        };
        shown.running = !matches!(state, State::Done(_));
        shown.wrong = outcomes
            .iter()
            .find(|outcome| outcome.case.is_none())
            .and_then(|outcome| outcome.wrong.clone());
        for row in &mut shown.all {
            let of_row = |outcome: &&CaseOutcome| outcome.case.as_ref() == Some(&row.name);
            let outcome = outcomes.iter().find(of_row);
            row.state = match (outcome, &state) {
                (Some(CaseOutcome { wrong: None, .. }), _) => "passed",
                (Some(_), _) => "failed",
                (None, State::Running) => "running",
                (None, _) => "not run yet",
            };
            row.wrong = outcome.and_then(|outcome| outcome.wrong.clone());
        }
        shown
    }

    /// What is known of a version. Where nothing is and nothing else is run, its run begins.
    fn state(&self, name: &WidgetName, version: u64) -> State {
        let mut kept = self.kept.lock();
        if let Some((of, outcomes)) = kept.done.get(name)
            && *of == version
        {
            return State::Done(outcomes.clone());
        }
        match &kept.running {
            Some((running, of)) if running == name && *of == version => return State::Running,
            Some(_) => return State::Waiting,
            None => kept.running = Some((name.clone(), version)),
        }
        let (runs, of) = (self.clone(), name.clone());
        // A thread of its own: it may take long, it needs a script's stack, and nobody waits for it when the server stops.
        let started = thread::Builder::new()
            .name("cases".into())
            .stack_size(DATA_STACK_BYTES)
            .spawn(move || runs.run_now(of, version));
        match started {
            Ok(_) => State::Running,
            Err(error) => {
                tracing::warn!(%error, widget = %name, "no thread could be started to run cases on");
                kept.running = None;
                State::Waiting
            }
        }
    }

    fn run_now(&self, name: WidgetName, version: u64) {
        let outcomes = panic::catch_unwind(AssertUnwindSafe(|| (self.run)(&name)));
        let outcomes = outcomes.unwrap_or_else(|_| {
            let wrong = "running them broke off: this is a mistake of hubs, please report it with the script";
            vec![CaseOutcome { case: None, wrong: Some(wrong.into()) }]
        });
        let mut kept = self.kept.lock();
        kept.running = None;
        kept.done.insert(name, (version, outcomes.into()));
    }
}

/// Of all that a run reads of the site: script, template, case file, snapshots, recordings, cassettes.
fn version(services: &Services, definition: &Definition, cases: &[Case]) -> u64 {
    let (site, name) = (services.shelf.site(), &definition.name);
    let own = [definition.source.file.clone(), template_of(name), case_file(name.as_str())];
    let snapshots = site.list(&format!("{CASES}/{name}"), "");
    let recordings = cases.iter().flat_map(|case| case.messages.iter().chain(&case.datanommer));
    let recordings = recordings.map(|file| format!("tests/recordings/{}", file.value));
    let cassettes = cases.iter().filter_map(|case| case.cassette.as_ref());
    let cassettes = cassettes.map(|file| format!("tests/cassettes/{}", file.value));
    let mut paths: Vec<String> =
        own.into_iter().chain(snapshots).chain(recordings).chain(cassettes).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut hash = Xxh3::new();
    // With its modules.
    hash.update(&definition.source.version.to_le_bytes());
    for path in paths {
        let bytes = site.read(&path);
        hash.update(path.as_bytes());
        // A file that is not there is another thing than an empty one.
        hash.update(&bytes.as_ref().map_or(u64::MAX, |bytes| bytes.len() as u64).to_le_bytes());
        hash.update(&bytes.unwrap_or_default());
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn name(name: &str) -> WidgetName {
        name.parse().unwrap()
    }

    /// Asks until the run is over.
    fn done(runs: &CaseRuns, of: &WidgetName, version: u64) -> Arc<[CaseOutcome]> {
        loop {
            if let State::Done(outcomes) = runs.state(of, version) {
                return outcomes;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn one_widget_is_run_at_a_time_and_each_version_once() {
        let (started, begun) = mpsc::channel();
        let (go_on, gate) = mpsc::channel::<()>();
        let (started, gate) = (Mutex::new(started), Mutex::new(gate));
        let runs = CaseRuns::new(Arc::new(move |of: &WidgetName| {
            started.lock().send(of.clone()).unwrap();
            gate.lock().recv_timeout(PATIENCE).unwrap();
            vec![CaseOutcome { case: Some("one".into()), wrong: None }]
        }));
        let (first, second) = (name("first"), name("second"));
        assert_eq!(runs.state(&first, 1), State::Running);
        assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), first);
        assert_eq!(runs.state(&first, 1), State::Running);
        assert_eq!(runs.state(&second, 1), State::Waiting);
        assert_eq!(runs.state(&first, 2), State::Waiting, "a new version waits for the old one");
        go_on.send(()).unwrap();
        assert_eq!(done(&runs, &first, 1).len(), 1);
        assert!(begun.try_recv().is_err(), "what is known is not run again");
        assert_eq!(runs.state(&second, 1), State::Running);
        assert_eq!(begun.recv_timeout(PATIENCE).unwrap(), second);
        go_on.send(()).unwrap();
        done(&runs, &second, 1);
    }

    #[test]
    fn a_run_that_breaks_off_says_so_and_lets_the_next_one_in() {
        let runs = CaseRuns::new(Arc::new(|_: &WidgetName| panic!("no")));
        let outcomes = done(&runs, &name("a"), 1);
        assert!(outcomes[0].wrong.as_ref().unwrap().starts_with("running them broke off"));
        assert_eq!(done(&runs, &name("b"), 1)[0].case, None);
    }
}
