//! Takes up changed files while the server runs: scripts, modules, templates, static files, hubs.toml.
//!
//! Whatever is broken never replaces what works. A changed script makes its instances due, a changed template draws
//! them anew from the data that is there; nothing else is touched.

use super::changes::Changes;
use super::mirror::{self, Mirroring};
use super::seed;
use crate::config::{Settings, Site};
use crate::diagnostic::Diagnostic;
use crate::hub::{Change, WidgetName};
use crate::live::Live;
use crate::rebuild::Rebuild;
use crate::render::Renderer;
use crate::script::Pool;
use crate::store::Store;
use crate::triage::Triage;
use crate::web::{Assets, Changing};
use crate::widget::{Library, Shelf};
use jiff::Timestamp;
use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{
    DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An editor writes a file in several steps; what comes within this time is one change.
const DEBOUNCE: Duration = Duration::from_millis(60);
const PATIENCE: Duration = Duration::from_secs(10);
/// Changes that may wait. When it is full the latest is dropped: the one that waits reads everything anyway.
const WAITING: usize = 16;

pub(super) struct Reload {
    pub(super) site: Site,
    pub(super) file: Option<PathBuf>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) renderer: Arc<Renderer>,
    pub(super) assets: Arc<Assets>,
    pub(super) pool: Pool,
    pub(super) triage: Triage,
    pub(super) rebuild: Rebuild,
    pub(super) store: Store,
    pub(super) live: Live,
    pub(super) settings: Settings,
    pub(super) changes: Arc<Changes>,
    pub(super) changing: Changing,
    pub(super) mirroring: Mirroring,
    pub(super) clock: fn() -> Timestamp,
}

/// What kinds of files changed.
#[expect(clippy::struct_excessive_bools, reason = "any of them may have, together")]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Changed {
    scripts: bool,
    templates: bool,
    assets: bool,
    settings: bool,
}

impl Changed {
    fn any(self) -> bool {
        self != Self::default()
    }
}

impl Reload {
    /// Watches from now on, in a task of its own until it is told to stop: what is changed once this has returned is seen.
    /// A site that is only in the binary has nothing to watch.
    pub(super) fn watch(self, tasks: &TaskTracker, stop: CancellationToken) {
        let Some(root) = self.site.root().map(Path::to_path_buf) else { return };
        let (sender, changes) = mpsc::channel::<Vec<DebouncedEvent>>(WAITING);
        let heard = move |events: DebounceEventResult| match events {
            Ok(events) => drop(sender.try_send(events)),
            Err(errors) => tracing::warn!(?errors, "watching files failed for a moment"),
        };
        let watcher = new_debouncer(DEBOUNCE, None, heard).and_then(|mut watcher| {
            for folder in ["widgets", "templates", "static"].map(|name| root.join(name)) {
                if folder.is_dir() {
                    watcher.watch(&folder, RecursiveMode::Recursive)?;
                }
            }
            // The folder itself tells of hubs.toml (editors replace files) and of folders that are made later.
            watcher.watch(&root, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => drop(tasks.spawn(self.follow(root, watcher, changes, stop))),
            Err(error) => {
                tracing::warn!(%error, folder = %root.display(), "files are not watched: changes need a restart");
            }
        }
    }

    async fn follow(
        mut self,
        root: PathBuf,
        mut watcher: Debouncer<RecommendedWatcher, RecommendedCache>,
        mut changes: mpsc::Receiver<Vec<DebouncedEvent>>,
        stop: CancellationToken,
    ) {
        loop {
            let events = tokio::select! {
                events = changes.recv() => events,
                () = stop.cancelled() => return,
            };
            let Some(events) = events else { return };
            for made in new_folders(&root, &events) {
                if let Err(error) = watcher.watch(&made, RecursiveMode::Recursive) {
                    tracing::warn!(%error, folder = %made.display(), "a new folder is not watched");
                }
            }
            let kinds = self.changed(&root, &events);
            if kinds.any() {
                self.take_up(kinds).await;
            }
        }
    }

    fn changed(&self, root: &Path, events: &[DebouncedEvent]) -> Changed {
        let mut changed = Changed::default();
        // Reading a file is an event too, and reading is what a reload does.
        let events = events.iter().filter(|event| !matches!(event.kind, EventKind::Access(_)));
        for path in events.flat_map(|event| &event.paths) {
            if self.file.as_deref().is_some_and(|file| file.file_name() == path.file_name()) {
                changed.settings = true;
            }
            let below = path.strip_prefix(root).ok().and_then(|below| below.iter().next());
            match below.and_then(|first| first.to_str()) {
                Some("widgets") => changed.scripts = true,
                Some("templates") => changed.templates = true,
                Some("static") => changed.assets = true,
                _ => {}
            }
        }
        changed
    }

    async fn take_up(&mut self, changed: Changed) {
        if changed.settings {
            self.settings().await;
        }
        if changed.assets {
            self.assets.reload(&self.site);
        }
        let before = self.rebuild.problems_by_widget();
        // The addresses of static files are in templates, with their versions.
        let drawn = if changed.templates || changed.assets { self.templates() } else { Vec::new() };
        let rebuilt = if changed.scripts { self.scripts().await } else { Vec::new() };
        // Data of the old script in the template of the new one is nothing to show.
        let drawn: Vec<_> = drawn.into_iter().filter(|name| !rebuilt.contains(name)).collect();
        self.tell_problems(&before);
        for one in self.triage.instances_of(&drawn) {
            if self.live.viewers(&one.hub) == 0 {
                self.rebuild.redraw_later(one.id);
            } else if let Err(error) = self.rebuild.redraw(one.id, &one.hub).await {
                tracing::error!(id = %one.id, error = format!("{error:#}"), "a widget could not be drawn by its new template");
            }
        }
    }

    /// Tells open pages of each widget with which something else is wrong than before, or nothing any more.
    fn tell_problems(&self, before: &BTreeMap<WidgetName, Vec<Diagnostic>>) {
        let after = self.rebuild.problems_by_widget();
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let differ = names.into_iter().filter(|name| before.get(name) != after.get(name));
        let differ: Vec<_> = differ.cloned().collect();
        for one in self.triage.instances_of(&differ) {
            self.rebuild.tell_problem(&one.hub, one.id);
        }
    }

    /// Takes up scripts and makes their instances due. Returns the widgets that changed.
    async fn scripts(&self) -> Vec<WidgetName> {
        let scripts = self.shelf.clone();
        let reloaded =
            self.pool.run(move |interpreter| scripts.reload(interpreter), PATIENCE).await;
        let Ok((before, after)) = reloaded else {
            tracing::error!(
                "reading the scripts anew did not come to an end: the ones before go on serving"
            );
            return Vec::new();
        };
        report(&before, &after);
        let changed = after.changed_since(&before);
        self.rebuild.forget_currents();
        let concerned = self.triage.reindex(&changed).await;
        if !changed.is_empty() {
            let widgets: Vec<_> = changed.iter().map(ToString::to_string).collect();
            tracing::info!(?widgets, instances = concerned.len(), "changed scripts are in use");
        }
        for one in concerned {
            self.rebuild.renew(one.id, &one.hub);
        }
        changed
    }

    /// Takes up templates. Returns the widgets that look different now.
    fn templates(&self) -> Vec<WidgetName> {
        let reloaded = self.renderer.reload(&self.site);
        for problem in &reloaded.problems {
            tracing::warn!(%problem, help = problem.help, "a template has a problem: the last good one goes on serving");
        }
        if reloaded.changed.is_empty() {
            return Vec::new();
        }
        for problem in super::unreturned(&self.shelf.library(), &self.renderer) {
            let template = problem.file.as_deref().and_then(|file| file.strip_prefix("templates/"));
            if template.is_some_and(|name| reloaded.changed.iter().any(|changed| changed == name)) {
                tracing::warn!(%problem, help = problem.help, "a template reads what its widget never returns");
            }
        }
        tracing::info!(templates = ?reloaded.changed, "changed templates are in use");
        self.rebuild.forget_currents();
        // A frame or a part that many share.
        let everywhere = reloaded.changed.iter().any(|name| !name.starts_with("widgets/"));
        let is_named = |name: &WidgetName| {
            let template = format!("widgets/{}.html", name.path());
            reloaded.changed.contains(&template)
        };
        let library = self.shelf.library();
        let widgets = library.widgets().map(|definition| &definition.name);
        widgets.filter(|name| everywhere || is_named(name)).cloned().collect()
    }

    async fn settings(&mut self) {
        let Some(file) = &self.file else { return };
        let mut problems = Vec::new();
        match Settings::load(file) {
            Ok(new) => {
                problems = seed::misplaced(&new, &self.shelf.library());
                if problems.is_empty() {
                    self.apply(new).await;
                }
            }
            Err(wrong) => problems.extend(wrong),
        }
        for problem in problems {
            tracing::warn!(%problem, help = problem.help, "hubs.toml has a problem: what it said before holds");
        }
    }

    async fn apply(&mut self, new: Settings) {
        match seed::hubs(&self.store, &new, (self.clock)()).await {
            Ok(made) => {
                for hub in made {
                    tracing::info!(%hub, "a hub of hubs.toml was made");
                    self.changes.tell(Change::HubMade { hub }).await;
                }
            }
            Err(error) => tracing::error!(%error, "new hubs of hubs.toml could not be made"),
        }
        self.changing.take(&new);
        self.mirroring.mirror(mirror::mirrored(&new)).await;
        let old = std::mem::replace(&mut self.settings, new);
        let same =
            |settings: &Settings| Settings { hubs: vec![], user_hub: vec![], ..settings.clone() };
        if same(&old) != same(&self.settings) {
            tracing::warn!(
                "hubs.toml: [[hub]] and [user_hub] are in use; what changed beside them needs a restart"
            );
        }
    }
}

/// Tells what is wrong now and was not before, and what is mended.
fn report(before: &Library, after: &Library) {
    let old: BTreeSet<_> = before.problems().map(ToString::to_string).collect();
    let new: BTreeSet<_> = after.problems().map(ToString::to_string).collect();
    for problem in after.problems().filter(|problem| !old.contains(&problem.to_string())) {
        tracing::warn!(%problem, help = problem.help, "a script has a problem: its last good version goes on serving");
    }
    for mended in old.difference(&new) {
        tracing::info!(mended, "a problem of a script is gone");
    }
}

fn new_folders(root: &Path, events: &[DebouncedEvent]) -> Vec<PathBuf> {
    let made = events.iter().filter(|event| matches!(event.kind, EventKind::Create(_)));
    made.flat_map(|event| &event.paths)
        .filter(|path| path.parent() == Some(root) && path.is_dir())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| ["widgets", "templates", "static"].iter().any(|f| name == *f))
        })
        .cloned()
        .collect()
}
