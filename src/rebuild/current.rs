//! A widget as it is at this moment: composed from the instance, its script and the cache's entry.

use super::keeping::Failing;
use super::queue::Queue;
use super::{Inner, Rebuild};
use crate::cache::Entry;
use crate::hub::{Cause, Hub, HubName, Instance, InstanceId, Placed, State, WidgetView};
use crate::render::{self, CardHtml, Skeleton, WidgetHtml};
use crate::widget::{Chrome, Definition, Style};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3Default;

/// A composed widget, with the JSON that goes to browsers made once.
#[derive(Debug)]
pub struct Current {
    pub view: WidgetView,
    /// `view` on one line.
    pub json: Bytes,
    /// The version in quotes, as HTTP wants it.
    pub etag: Bytes,
}

/// One place on a hub's page, as far as it is built.
#[derive(Debug)]
pub struct Place {
    pub instance: Instance,
    pub title: String,
    /// `None`: its data was never there; it is being built.
    pub current: Option<Arc<Current>>,
    /// What stands in its place until then.
    pub skeleton: Option<String>,
}

/// An instance with all that a run of it needs.
pub(super) struct Loaded {
    pub(super) instance: Instance,
    pub(super) hub: Arc<Hub>,
    pub(super) definition: Arc<Definition>,
    pub(super) placed: Placed,
}

/// Why an instance can't be run: a sentence for the reader.
pub(super) type Unfit = String;

impl Rebuild {
    /// A widget as it is, from memory where that is possible. `None`: there is no such instance, or nothing to show
    /// yet; in that case it is put in line.
    pub async fn current(&self, id: InstanceId) -> anyhow::Result<Option<Arc<Current>>> {
        if let Some(current) = self.0.currents.get(&id) {
            return Ok(Some(current));
        }
        let Some(instance) = self.0.parts.store.instance(id).await? else { return Ok(None) };
        let Some(hub) = self.0.parts.store.hub(&instance.hub).await? else { return Ok(None) };
        Ok(self.compose(&instance, Arc::new(hub)))
    }

    /// The same, but what was never built is built first: however many ask at once, by one call of `data()`.
    pub async fn current_or_built(&self, id: InstanceId) -> anyhow::Result<Option<Arc<Current>>> {
        if let Some(current) = self.current(id).await? {
            return Ok(Some(current));
        }
        if self.0.parts.store.instance(id).await?.is_none() {
            return Ok(None);
        }
        let wait = {
            let mut queue = self.0.queue.lock();
            (!self.has_ended(&queue, id, None)).then(|| queue.wait(id))
        };
        if let Some(wait) = wait {
            self.0.wake.notify_one();
            // A closed channel means that the server stops: what there is must do.
            let _ = wait.await;
        }
        self.current(id).await
    }

    /// All widgets of a hub in the order of the page; what is not built yet is in line, before others.
    pub async fn of_hub(&self, hub: &HubName) -> anyhow::Result<Vec<Place>> {
        let Some(found) = self.0.parts.store.hub(hub).await? else { return Ok(Vec::new()) };
        let found = Arc::new(found);
        let instances = self.0.parts.store.instances(hub).await?;
        Ok(instances.into_iter().map(|instance| self.place(instance, found.clone())).collect())
    }

    /// Draws an instance from the data that is there, by the template of now, and announces it if it looks different.
    /// One whose last run failed is run again: it may have been the template.
    pub async fn redraw(&self, id: InstanceId, hub: &HubName) -> anyhow::Result<()> {
        let (failing, was_marred) = {
            let mut known = self.0.known.lock();
            (known.failing(id).is_some(), known.unmar(id))
        };
        if failing {
            self.renew(id, hub);
            return Ok(());
        }
        let before = self.0.parts.cache.entry(id).map(|entry| entry.version.clone());
        let Some(current) = self.current(id).await? else { return Ok(()) };
        if before.is_some_and(|before| before != current.view.version) {
            self.0.parts.audience.announce(&current);
        }
        if was_marred || self.0.known.lock().is_marred(id) {
            self.tell_problem(hub, id);
        }
        Ok(())
    }

    /// The template of an instance that nobody looks at changed: whoever looks next finds a failing one due.
    pub fn redraw_later(&self, id: InstanceId) {
        self.0.known.lock().pause(id);
    }

    fn place(&self, instance: Instance, hub: Arc<Hub>) -> Place {
        let current = match self.0.currents.get(&instance.id) {
            Some(current) => Some(current),
            None => self.compose(&instance, hub),
        };
        let library = self.0.parts.shelf.library();
        let title = match library.get(&instance.widget) {
            Ok(definition) => definition.title.clone(),
            Err(_) => instance.widget.to_string(),
        };
        let skeleton = current.is_none().then(|| self.0.skeleton(&instance, &title));
        Place { instance, title, current, skeleton }
    }

    /// Puts the view together, and the instance in line if it is old. Kept only if nothing changed meanwhile.
    fn compose(&self, instance: &Instance, hub: Arc<Hub>) -> Option<Arc<Current>> {
        let changes = self.0.known.lock().changes();
        let id = instance.id;
        let current = match self.0.load(instance.clone(), hub) {
            Ok(loaded) => {
                let entry = self.0.parts.cache.entry(id);
                let due = self.is_due(&loaded, entry.as_deref());
                if due {
                    self.ask(id, entry.as_deref());
                }
                self.0.view_of(&loaded, entry.as_deref(), due)
            }
            Err(unfit) => {
                self.0.known.lock().mar(id);
                Some(self.0.unfit_view(instance, unfit))
            }
        };
        let current = Arc::new(current?);
        let known = self.0.known.lock();
        if known.changes() == changes {
            self.0.currents.insert(id, current.clone());
        }
        Some(current)
    }

    /// Puts an instance in line that was found old, unless a run has mended that since.
    fn ask(&self, id: InstanceId, seen: Option<&Entry>) {
        let mut queue = self.0.queue.lock();
        if !self.has_ended(&queue, id, seen) {
            queue.ask(id);
            drop(queue);
            self.0.wake.notify_one();
        }
    }

    /// Whether a run has ended since `seen` was looked up: a run leaves its entry before it leaves the queue.
    fn has_ended(&self, queue: &Queue, id: InstanceId, seen: Option<&Entry>) -> bool {
        let built = |entry: &Entry| (entry.built_at, entry.sequence);
        !queue.has(id) && self.0.parts.cache.entry(id).as_deref().map(built) != seen.map(built)
    }

    /// Whether an entry no longer stands for its instance. One that is fresh has its next refresh planned.
    fn is_due(&self, loaded: &Loaded, entry: Option<&Entry>) -> bool {
        let inner = &*self.0;
        let (id, definition) = (loaded.instance.id, &loaded.definition);
        {
            let known = inner.known.lock();
            // A failing one has its retry planned.
            if known.failing(id).is_some() {
                return false;
            }
            let Some(entry) = entry else { return true };
            let fits = entry.config == hash_of(&loaded.placed.config)
                && entry.script == definition.source.version;
            if !fits || known.invalid(id).is_some_and(|invalid| invalid.sequence > entry.sequence) {
                return true;
            }
        }
        let (Some(entry), Some(every)) = (entry, definition.refresh()) else { return false };
        let left = refresh_in(every, entry.built_at, id, (inner.parts.clock)());
        if left.is_zero() {
            return true;
        }
        inner.queue.lock().plan(id, Instant::now() + left);
        false
    }
}

impl Inner {
    pub(super) fn load(&self, instance: Instance, hub: Arc<Hub>) -> Result<Loaded, Unfit> {
        let library = self.parts.shelf.library();
        let definition =
            library.get(&instance.widget).map_err(|unknown| unknown.to_string())?.clone();
        let placed = definition.place(&instance, hub.clone()).map_err(|wrong| {
            wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        })?;
        Ok(Loaded { instance, hub, definition, placed })
    }

    /// The HTML of some data by the template of now.
    pub(super) fn render(
        &self,
        loaded: &Loaded,
        data: &Value,
        now: Timestamp,
    ) -> Result<String, crate::diagnostic::Diagnostic> {
        let widget = loaded.placed.to_json(now);
        self.parts.renderer.widget(&WidgetHtml {
            name: &loaded.definition.name,
            data,
            widget: &widget,
        })
    }

    /// What readers see: the entry's data, or that there never was any. `None` where they must wait for it.
    pub(super) fn view_of(
        &self,
        loaded: &Loaded,
        entry: Option<&Entry>,
        due: bool,
    ) -> Option<Current> {
        let failing = self.known.lock().failing(loaded.instance.id).cloned();
        let Some(entry) = entry else {
            let failing = failing?;
            return Some(
                self.composed(loaded, &Shown { error: Some(&failing), ..Shown::nothing() }),
            );
        };
        let template = self.parts.renderer.template_hash(&loaded.definition.name);
        let rendered = (template != Some(entry.template))
            .then(|| self.render(loaded, &entry.data, (self.parts.clock)()));
        if let Some(Err(_)) = rendered {
            // `problems` says what it is; the HTML of the template before stays.
            self.known.lock().mar(loaded.instance.id);
        }
        let rendered = rendered.and_then(Result::ok);
        let shown = Shown {
            data: &entry.data,
            html: rendered.as_deref().unwrap_or(&entry.html),
            built_at: Some(entry.built_at),
            cause: entry.cause.as_ref(),
            is_old: due,
            error: failing.as_ref(),
        };
        Some(self.composed(loaded, &shown))
    }

    fn composed(&self, loaded: &Loaded, shown: &Shown<'_>) -> Current {
        let Loaded { instance, definition, placed, .. } = loaded;
        let state = match (shown.built_at, shown.error.is_some() || shown.is_old) {
            (None, _) => State::Error,
            (Some(_), true) => State::Stale,
            (Some(_), false) => State::Fresh,
        };
        let chrome = chrome_of(definition.chrome.as_ref());
        let error = shown.error.map(|failing| failing.error.clone());
        let version = version(shown.data, shown.html, &definition.title, state, error.as_deref());
        let view = WidgetView {
            id: instance.id,
            widget: instance.widget.clone(),
            title: definition.title.clone(),
            description: definition.doc.clone(),
            hub: instance.hub.clone(),
            column: instance.column,
            position: instance.position,
            config: (*placed.config).clone(),
            state,
            version,
            built_at: shown.built_at,
            invalidated_by: shown.cause.cloned(),
            data: shown.data.clone(),
            html: String::new(),
            error,
        };
        self.finished(view, &chrome, shown.html)
    }

    /// An instance that no script can run for: its widget is gone, or its configuration does not fit.
    fn unfit_view(&self, instance: &Instance, unfit: Unfit) -> Current {
        let title = instance.widget.to_string();
        let version = version(&Value::Null, "", &title, State::Error, Some(&unfit));
        let view = WidgetView {
            id: instance.id,
            widget: instance.widget.clone(),
            title,
            description: String::new(),
            hub: instance.hub.clone(),
            column: instance.column,
            position: instance.position,
            config: instance.config.clone(),
            state: State::Error,
            version,
            built_at: None,
            invalidated_by: None,
            data: Value::Null,
            html: String::new(),
            error: Some(unfit),
        };
        let chrome = render::Chrome { style: render::Style::Panel, hide_when_empty: None };
        self.finished(view, &chrome, "")
    }

    /// With the card around it, and as JSON.
    fn finished(&self, mut view: WidgetView, chrome: &render::Chrome, inner: &str) -> Current {
        match self.parts.renderer.card(&CardHtml { view: &view, chrome, inner }) {
            Ok(html) => view.html = html,
            Err(problem) => {
                tracing::error!(widget = %view.widget, %problem, "the card around a widget could not be rendered");
                view.html = inner.into();
            }
        }
        let json = serde_json::to_vec(&view).expect("names, numbers and JSON make JSON").into();
        let etag = format!("\"{}\"", view.version).into();
        Current { view, json, etag }
    }

    fn skeleton(&self, instance: &Instance, title: &str) -> String {
        let Instance { id, hub, widget, .. } = instance;
        let skeleton = Skeleton { id: *id, hub, widget, title };
        self.parts.renderer.skeleton(&skeleton).unwrap_or_else(|problem| {
            tracing::error!(%widget, %problem, "a skeleton could not be rendered");
            String::new()
        })
    }
}

struct Shown<'a> {
    data: &'a Value,
    html: &'a str,
    built_at: Option<Timestamp>,
    cause: Option<&'a Cause>,
    is_old: bool,
    error: Option<&'a Failing>,
}

impl Shown<'_> {
    fn nothing() -> Self {
        Self {
            data: &Value::Null,
            html: "",
            built_at: None,
            cause: None,
            is_old: false,
            error: None,
        }
    }
}

fn chrome_of(chrome: Option<&Chrome>) -> render::Chrome {
    let Some(chrome) = chrome else { return render::Chrome::default() };
    let style = match chrome.style {
        Style::Panel => render::Style::Panel,
        Style::Plain => render::Style::Plain,
        Style::Info => render::Style::Info,
        Style::Warning => render::Style::Warning,
    };
    render::Chrome { style, hide_when_empty: chrome.hide_when_empty.clone() }
}

/// What makes a widget another one for its readers. Neither its age nor the message that caused it does.
pub(super) fn version(
    data: &Value,
    html: &str,
    title: &str,
    state: State,
    error: Option<&str>,
) -> String {
    let mut hash = Xxh3Default::new();
    for part in [data.to_string().as_str(), html, title, error.unwrap_or("")] {
        hash.write(part.as_bytes());
        hash.write_u8(0);
    }
    hash.write_u8(state as u8);
    format!("{:032x}", hash.digest128())
}

pub(super) fn hash_of(config: &crate::hub::Config) -> u64 {
    let text = serde_json::to_vec(config).expect("a map of JSON is JSON");
    xxhash_rust::xxh3::xxh3_64(&text)
}

/// How long an entry has until its refresh: up to a tenth longer than asked, by instance and time, so that widgets
/// which were built together do not go on asking together.
pub(super) fn refresh_in(
    every: Duration,
    built_at: Timestamp,
    id: InstanceId,
    now: Timestamp,
) -> Duration {
    let seed = xxhash_rust::xxh3::xxh3_64_with_seed(
        &id.0.to_le_bytes(),
        built_at.as_second().unsigned_abs(),
    );
    let jitter = every / 10 * u32::try_from(seed % 1000).unwrap_or(0) / 1000;
    let age = Duration::try_from(now.duration_since(built_at)).unwrap_or_default();
    (every + jitter).saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn refreshes_of_widgets_built_together_drift_apart() {
        let (every, built): (_, Timestamp) =
            (Duration::from_hours(1), "2026-01-01T00:00:00Z".parse().unwrap());
        let times: std::collections::BTreeSet<_> =
            (1..20).map(|id| refresh_in(every, built, InstanceId(id), built)).collect();
        assert!(times.len() > 15, "{times:?}");
        assert!(times.iter().all(|time| (every..=every + every / 10).contains(time)));
        let later: Timestamp = "2026-01-01T02:00:00Z".parse().unwrap();
        assert!(refresh_in(every, built, InstanceId(1), later).is_zero());
    }

    #[test]
    fn a_version_follows_data_html_and_state() {
        let base = version(&json!({"a": 1}), "<p>", "T", State::Fresh, None);
        assert_eq!(base, version(&json!({"a": 1}), "<p>", "T", State::Fresh, None));
        assert_ne!(base, version(&json!({"a": 2}), "<p>", "T", State::Fresh, None));
        assert_ne!(base, version(&json!({"a": 1}), "<b>", "T", State::Fresh, None));
        assert_ne!(base, version(&json!({"a": 1}), "<p>", "T", State::Stale, None));
    }
}
