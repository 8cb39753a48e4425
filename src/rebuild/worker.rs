//! The workers: take who is next, run its `data()`, keep and announce what came of it.

use super::current::{Loaded, Unfit, hash_of, refresh_in, version};
use super::lately::{Change, Redraw, changes};
use super::{Current, Inner, Rebuild, count_waiting};
use crate::cache::Entry;
use crate::diagnostic::{Diagnostic, Severity};
use crate::hub::{HubName, InstanceId, State};
use crate::script::{Failure, FailureKind, PoolError};
use crate::telemetry;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often what is rebuilt is struck from the journal: the cost of a flush for all of them together.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// Why a run gave no data.
pub(super) struct Unbuilt {
    pub(super) error: String,
    diagnostic: Option<Diagnostic>,
}

impl Rebuild {
    /// Works until it is told to stop; then ends within the runs that are under way, or at once where they hang:
    /// whatever was not finished stands in the journal.
    pub async fn run(&self, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.0.parts.workers.max(1)));
        let running = TaskTracker::new();
        let settling = tokio::spawn(settle_on_and_on(self.clone(), stop.clone()));
        self.resume();
        while let Some(permit) = tokio::select! {
            permit = permits.clone().acquire_owned() => permit.ok(),
            () = stop.cancelled() => None,
        } {
            let Some(id) = self.next(&stop).await else { break };
            let this = self.clone();
            running.spawn(async move {
                this.rebuild(id).await;
                this.0.queue.lock().finish(id);
                this.0.wake.notify_one();
                this.0.ended.notify_waiters();
                drop(permit);
            });
        }
        running.close();
        let _ = tokio::time::timeout(Duration::from_millis(500), running.wait()).await;
        let _ = settling.await;
        self.settle().await;
    }

    /// What the journal says is invalid is put in line again.
    fn resume(&self) {
        let ids = self.0.known.lock().invalid_ids();
        if !ids.is_empty() {
            tracing::info!(
                instances = ids.len(),
                "instances that were invalid when the server stopped are rebuilt"
            );
        }
        let mut queue = self.0.queue.lock();
        for id in ids {
            queue.push(id, false);
        }
    }

    /// Waits for the next instance to run; `None` when it is time to stop.
    async fn next(&self, stop: &CancellationToken) -> Option<InstanceId> {
        loop {
            let (due, then) = self.0.queue.lock().due(Instant::now());
            for id in due {
                self.refresh(id).await;
            }
            let (next, waiting) = {
                let mut queue = self.0.queue.lock();
                (queue.pop(), queue.len())
            };
            count_waiting(waiting);
            if next.is_some() {
                return next;
            }
            let planned = async {
                match then {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.0.wake.notified() => {}
                () = planned => {}
                () = stop.cancelled() => return None,
            }
        }
    }

    /// A refresh or retry has come up. Where nobody looks it waits for the next one who does.
    async fn refresh(&self, id: InstanceId) {
        self.forget_current(id);
        match self.0.parts.store.instance(id).await {
            Ok(Some(instance)) => {
                let failing_and_invalid = {
                    let known = self.0.known.lock();
                    known.failing(id).is_some() && known.invalid(id).is_some()
                };
                if self.0.parts.audience.is_watched(&instance.hub) || failing_and_invalid {
                    self.push(id, true);
                } else {
                    // So that the next look at it finds it due.
                    self.0.known.lock().pause(id);
                }
            }
            Ok(None) => self.forget(id),
            Err(error) => {
                tracing::error!(%id, error = %error, "an instance could not be read for its refresh");
            }
        }
    }

    /// An instance that is gone leaves nothing behind.
    pub fn forget(&self, id: InstanceId) {
        self.0.known.lock().forget(id);
        self.0.currents.invalidate(&id);
        self.0.queue.lock().unplan(id);
        self.0.parts.cache.forget(id);
    }

    async fn rebuild(&self, id: InstanceId) {
        let inner = &*self.0;
        let started = Instant::now();
        let loaded = match self.load(id).await {
            Ok(Some(Ok(loaded))) => loaded,
            // Its page says why; the last good data waits for a script or a configuration that fits again.
            Ok(Some(Err((hub, _unfit)))) => {
                inner.known.lock().mar(id);
                return self.tell_problem(&hub, id);
            }
            Ok(None) => return self.forget(id),
            Err(error) => {
                tracing::error!(%id, error = format!("{error:#}"), "an instance could not be read for its rebuild");
                return;
            }
        };
        let widget = loaded.definition.name.to_string();
        let cause = inner.known.lock().invalid(id).map(|invalid| invalid.cause.clone());
        let was_wrong = {
            let mut known = inner.known.lock();
            known.unmar(id) | known.failing(id).is_some()
        };
        let outcome = self.run_and_keep(&loaded, was_wrong).await;
        metrics::counter!(telemetry::REBUILDS, "widget" => widget.clone(), "outcome" => outcome.label()).increment(1);
        metrics::histogram!(telemetry::REBUILD_SECONDS, "widget" => widget)
            .record(started.elapsed().as_secs_f64());
        let mut redraw = Redraw {
            at: (inner.parts.clock)(),
            cause,
            outcome: outcome.label(),
            changes: Vec::new(),
            error: inner.known.lock().failing(id).map(|failing| failing.error.clone()),
            readers: 0,
        };
        let is_news = match &outcome {
            Outcome::Changed(..) | Outcome::Same => was_wrong,
            Outcome::Failed(news) => news.is_some(),
        };
        match outcome {
            Outcome::Changed(current, changes) => {
                redraw.changes = changes;
                redraw.readers = inner.parts.audience.announce(&current);
            }
            Outcome::Failed(Some(current)) => {
                redraw.readers = inner.parts.audience.announce(&current);
            }
            Outcome::Failed(None) | Outcome::Same => {}
        }
        if is_news {
            self.tell_problem(&loaded.instance.hub, id);
        }
        inner.lately.keep(id, redraw);
    }

    /// `None`: there is no such instance any more.
    pub(super) async fn load(
        &self,
        id: InstanceId,
    ) -> anyhow::Result<Option<Result<Loaded, (HubName, Unfit)>>> {
        let Some(instance) = self.0.parts.store.instance(id).await? else { return Ok(None) };
        let Some(hub) = self.0.parts.store.hub(&instance.hub).await? else { return Ok(None) };
        let name = instance.hub.clone();
        Ok(Some(self.0.load(instance, Arc::new(hub)).map_err(|unfit| (name, unfit))))
    }

    /// `was_wrong`: readers may see another thing than the last entry.
    async fn run_and_keep(&self, loaded: &Loaded, was_wrong: bool) -> Outcome {
        let inner = &*self.0;
        let id = loaded.instance.id;
        // The number is taken before the run: whatever comes meanwhile is newer than its result.
        let (sequence, cause, changed) = {
            let known = inner.known.lock();
            let invalid = known.invalid(id);
            (known.latest(), invalid.map(|i| i.cause.clone()), invalid.map(|i| i.at))
        };
        let now = (inner.parts.clock)();
        let old = inner.parts.cache.entry(id);
        match self.run_data(loaded, now, changed).await {
            Ok((data, html)) => {
                let title = loaded.definition.title.clone();
                let version = version(&data, &html, &title, State::Fresh, None);
                let differences =
                    old.as_ref().map_or_else(Vec::new, |old| changes(&old.data, &data));
                let changed = was_wrong || old.as_ref().is_none_or(|old| old.version != version);
                let entry = Entry {
                    config: hash_of(&loaded.placed.config),
                    script: loaded.definition.source.version,
                    template: inner
                        .parts
                        .renderer
                        .template_hash(&loaded.definition.name)
                        .unwrap_or(0),
                    sequence,
                    built_at: now,
                    cause: cause.or_else(|| old.as_ref().and_then(|old| old.cause.clone())),
                    data,
                    html,
                    version,
                };
                let current = inner.view_after(loaded, &entry);
                inner.parts.cache.keep(id, entry);
                {
                    let mut known = inner.known.lock();
                    known.succeeded(id, sequence);
                    inner.currents.insert(id, current.clone());
                }
                if let Some(every) = loaded.definition.refresh() {
                    inner.queue.lock().plan(id, Instant::now() + refresh_in(every, now, id, now));
                }
                if changed { Outcome::Changed(current, differences) } else { Outcome::Same }
            }
            Err(unbuilt) => self.failed(loaded, old.as_deref(), unbuilt),
        }
    }

    pub(super) async fn run_data(
        &self,
        loaded: &Loaded,
        now: Timestamp,
        changed: Option<Timestamp>,
    ) -> Result<(Value, String), Unbuilt> {
        let parts = &self.0.parts;
        let (definition, placed) = (loaded.definition.clone(), loaded.placed.clone());
        let run = parts.pool.run(
            move |interpreter| definition.data_since(interpreter, &placed, now, changed),
            parts.patience,
        );
        let data = match run.await {
            Ok(Ok(data)) => data,
            Ok(Err(failure)) => return Err(unbuilt(failure)),
            Err(PoolError::Lost) => {
                let error = "The script did not come back and was given up.".to_owned();
                return Err(Unbuilt { error, diagnostic: None });
            }
            Err(PoolError::Closed) => {
                return Err(Unbuilt { error: "The server is stopping.".into(), diagnostic: None });
            }
        };
        match self.0.render(loaded, &data, now) {
            Ok(html) => Ok((data, html)),
            Err(problem) => Err(Unbuilt { error: problem.to_string(), diagnostic: Some(problem) }),
        }
    }

    /// The old data stays; readers are told once what is wrong.
    fn failed(&self, loaded: &Loaded, old: Option<&Entry>, unbuilt: Unbuilt) -> Outcome {
        let inner = &*self.0;
        let id = loaded.instance.id;
        let (news, failing) = {
            let mut known = inner.known.lock();
            let news = known.failing(id).is_none_or(|before| before.error != unbuilt.error);
            (news, known.failed(id, unbuilt.error, unbuilt.diagnostic))
        };
        if news {
            let shown = if old.is_some() { "its last good data" } else { "nothing yet" };
            tracing::warn!(
                widget = %loaded.definition.name,
                instance = %id,
                hub = %loaded.hub.name,
                error = failing.error,
                place = failing.diagnostic.as_ref().and_then(Diagnostic::place),
                shown,
                "a widget could not be rebuilt"
            );
        }
        inner.queue.lock().plan(id, Instant::now() + failing.retry_in());
        inner.currents.invalidate(&id);
        let current = inner.view_of(loaded, old, false);
        Outcome::Failed(current.filter(|_| news).map(Arc::new))
    }

    /// Strikes what is rebuilt from the journal, once the cache holds it on disk.
    async fn settle(&self) {
        let rebuilt = self.0.known.lock().take_rebuilt();
        if rebuilt.is_empty() {
            return;
        }
        let cache = self.0.parts.cache.clone();
        let flushed = tokio::task::spawn_blocking(move || cache.flush()).await;
        let settled = match flushed {
            Ok(Ok(())) => {
                self.0.parts.journal.settle(&rebuilt).await.map_err(|error| error.to_string())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(panic.to_string()),
        };
        if let Err(error) = settled {
            // They stay in the journal: after a restart they are rebuilt once more, which is all that is lost.
            tracing::warn!(
                error,
                instances = rebuilt.len(),
                "rebuilt instances could not be struck from the journal"
            );
        }
    }
}

async fn settle_on_and_on(rebuild: Rebuild, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SETTLE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => rebuild.settle().await,
            () = stop.cancelled() => return,
        }
    }
}

impl Inner {
    fn view_after(&self, loaded: &Loaded, entry: &Entry) -> Arc<Current> {
        // The failure that a success ends must not show on it.
        self.known.lock().recovered(loaded.instance.id);
        let current = self.view_of(loaded, Some(entry), false);
        Arc::new(current.expect("an entry always gives a view"))
    }
}

enum Outcome {
    /// With what differs in its data.
    Changed(Arc<Current>, Vec<Change>),
    Same,
    /// What to tell readers, if it is news.
    Failed(Option<Arc<Current>>),
}

impl Outcome {
    fn label(&self) -> &'static str {
        match self {
            Self::Changed(..) => "changed",
            Self::Same => "same",
            Self::Failed(_) => "failed",
        }
    }
}

/// A failure as a sentence for readers: what another server said, or which limit or error of the script it was.
fn unbuilt(mut failure: Failure) -> Unbuilt {
    let error = match &failure.kind {
        FailureKind::Thrown(Value::Object(thrown)) if thrown.contains_key("service") => {
            let text = |key: &str| {
                thrown.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), Into::into))
            };
            // Its author is shown where, but need not mend it.
            failure.diagnostic.severity = Severity::Warning;
            match (text("service"), text("message")) {
                (Some(service), Some(message)) => format!("{service}: {message}"),
                _ => failure.diagnostic.message.clone(),
            }
        }
        _ => failure.diagnostic.to_string(),
    };
    Unbuilt { error, diagnostic: Some(failure.diagnostic) }
}
