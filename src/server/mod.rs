//! Builds the rooms, joins them with channels, and drains them on shutdown.
//!
//! bus → triage → rebuild → live → web meet here and nowhere else: [`start`] hands each its ends. Everything that can
//! go wrong at a start is said here with its way out, before the first request is taken.

mod buses;
mod case_runs;
mod catch_up;
mod changes;
mod history;
mod intake;
mod mirror;
mod online;
mod own;
mod reload;
mod seed;
mod signatures;
mod taken;
mod unreturned;

pub use online::{Finding, Missing, online};
pub use seed::{hubs as seed, misplaced};
pub(crate) use signatures::signatures;
pub(crate) use unreturned::unreturned;

use crate::bindings;
use crate::bus::Delivery;
use crate::cache::Cache;
use crate::config::{Settings, Site};
use crate::datanommer::Datanommer;
use crate::diagnostic::Diagnostic;
use crate::hub::{HubName, InstanceId};
use crate::live::{Announcement, Kind, Live};
use crate::outbound::{Fas, Github, Outbound};
use crate::rebuild::{self, Audience, Current, Rebuild};
use crate::render::Renderer;
use crate::script::{Pool, Tier};
use crate::store::{Journal, Store};
use crate::telemetry;
use crate::triage::Triage;
use crate::web::{self, Accounts, Assets, Changing, Ingest, Pace, Previews, Services, Webhooks};
use crate::widget::Shelf;
use anyhow::Context;
use buses::Buses;
use changes::Changes;
use jiff::Timestamp;
use mirror::Mirror;
use own::Own;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What compiling all scripts may take.
const READING: Duration = Duration::from_mins(1);
/// What shutting down may take; what is not done then is in the journal.
const DRAIN: Duration = Duration::from_millis(900);

/// What a server is started with.
pub struct Start {
    pub settings: Settings,
    pub site: Site,
    /// The file that `settings` came from; it is watched.
    pub file: Option<PathBuf>,
    pub clock: fn() -> Timestamp,
}

/// hubs.toml asks for what the scripts can't do.
#[derive(Debug, thiserror::Error)]
#[error("hubs.toml does not fit the widgets")]
pub struct Misplaced(pub Vec<Diagnostic>);

/// A server that runs.
pub struct Running {
    pub address: SocketAddr,
    /// For whoever must know when all is drawn.
    pub rebuild: Rebuild,
    stop: CancellationToken,
    tasks: TaskTracker,
    live: Live,
    cache: Cache,
    sender: mpsc::Sender<Delivery>,
    buses: Buses,
}

impl Running {
    /// Where messages go in: what the bus and `POST /api/messages` use.
    pub fn intake(&self) -> mpsc::Sender<Delivery> {
        self.sender.clone()
    }

    /// How many streams of a hub are open.
    pub fn viewers(&self, hub: &HubName) -> usize {
        self.live.viewers(hub)
    }

    /// Ends open streams, lets what is under way finish within a second, and puts the cache on disk.
    pub async fn stop(self) {
        tracing::info!("stopping");
        self.live.close();
        self.buses.stop().await;
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "something did not end in time and is cut off; what it had to do stands in the journal"
            );
        }
        let cache = self.cache;
        let closed = tokio::task::spawn_blocking(move || cache.close());
        match tokio::time::timeout(DRAIN, closed).await {
            Ok(Ok(Ok(()))) => tracing::info!("stopped"),
            other => tracing::warn!(?other, "stopped, but the cache may lack the last half second"),
        }
    }
}

/// Starts everything. Returns once the first request can be answered.
#[expect(
    clippy::too_many_lines,
    reason = "the rooms in their order, each handed its ends: cut in two, one half would hand the other nearly all"
)]
pub async fn start(start: Start) -> anyhow::Result<Running> {
    let Start { settings, site, file, clock } = start;
    raise_open_files();
    let metrics = telemetry::start_metrics()?;
    // Bound before anything else is opened: two servers on one address are told apart at once.
    let listener = web::bind(settings.server.listen)?;
    let address = listener.local_addr()?;

    let Kept { store, journal, datanommer, cache } = Kept::open(&settings).await?;
    let outbound = outbound(&settings, &cache)?;
    let host = host(&settings, &outbound, (&datanommer, &cache, &store));
    let fas = host.fas.clone();
    let install = bindings::install(host);
    let sandbox = &settings.sandbox;
    let pure =
        Pool::start(Tier::Pure, sandbox.pure.clone(), sandbox.pure_threads, Some(install.clone()));
    let (shelf, renderer) = read_site(&site, &settings, &pure).await?;
    seed::hubs(&store, &settings, clock()).await?;

    let data = Pool::start(Tier::Data, sandbox.data.clone(), sandbox.data_threads, Some(install));
    let live = Live::new(epoch(clock()));
    let triage = Triage::new(shelf.clone(), pure.clone(), sandbox.pure_threads, clock);
    history::prepare(&datanommer, triage.wording()).await?;
    triage.fill(&store).await?;
    let rebuild = Rebuild::open(rebuild::Parts {
        store: store.clone(),
        journal: journal.clone(),
        cache: cache.clone(),
        shelf: shelf.clone(),
        renderer: renderer.clone(),
        pool: data.clone(),
        workers: sandbox.data_threads,
        patience: sandbox.data.deadline * 2,
        audience: Arc::new(Readers(live.clone())),
        clock,
    })
    .await?;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn({
        let (rebuild, stop) = (rebuild.clone(), stop.clone());
        async move { rebuild.run(stop).await }
    });
    let kept = settings.datanommer.clone();
    tasks.spawn(history::prune_on_and_on(datanommer.clone(), kept, clock, stop.clone()));
    let (mirroring, wishes) = mirror::wishes();
    let parts = buses::Parts {
        triage: triage.clone(),
        datanommer,
        journal,
        rebuild: rebuild.clone(),
        store: store.clone(),
        mirroring: mirroring.clone(),
        clock,
    };
    let (buses, sender) = Buses::open(&settings.bus, parts, &tasks, &stop).await?;
    let changes = Arc::new(Changes {
        store: store.clone(),
        triage: triage.clone(),
        rebuild: rebuild.clone(),
        live: live.clone(),
        own: Own::new(&settings, sender.clone(), clock, &tasks, &stop)?,
        public_url: settings.server.public_url.as_ref().map(ToString::to_string),
        shelf: shelf.clone(),
        turn: tokio::sync::Mutex::default(),
    });
    let assets = Arc::new(Assets::new(&site));
    let changing = Changing::default();
    changing.take(&settings);
    let mirror = Mirror::new(fas.clone(), store.clone(), changes.clone(), clock);
    tasks.spawn(mirror.run(wishes, stop.clone()));
    mirroring.mirror(mirror::mirrored(&settings)).await;
    let reload = reload::Reload {
        site: site.clone(),
        file,
        shelf: shelf.clone(),
        renderer: renderer.clone(),
        assets: assets.clone(),
        pool: pure.clone(),
        triage: triage.clone(),
        rebuild: rebuild.clone(),
        store: store.clone(),
        live: live.clone(),
        settings: settings.clone(),
        changes: changes.clone(),
        changing: changing.clone(),
        mirroring,
        clock,
    };
    reload.watch(&tasks, stop.clone());

    let services = Services {
        store,
        triage: triage.clone(),
        rebuild: rebuild.clone(),
        live: live.clone(),
        outbound,
        shelf: shelf.clone(),
        renderer,
        assets,
        ingest: Ingest::new(
            sender.clone(),
            settings.server.ingest_token.clone(),
            settings.auth.is_dev(),
        ),
        webhooks: webhooks(&sender, &settings, clock),
        previews: Previews::new(data.clone(), settings.sandbox.clone()),
        cases: case_runs::case_runs(site.clone(), settings.sandbox.clone()),
        metrics,
        accounts: accounts(&settings, address, fas, (changing, changes), clock)?,
        pace: Pace::default(),
        framing: web::Framing::by(&settings.server.frame_ancestors),
        public_url: settings.server.public_url.clone(),
        health: Arc::new(move || complaints(&pure, &data)),
        clock,
    };
    tasks.spawn(web::serve(listener, web::routes(services), stop.clone()));
    tracing::info!(
        %address,
        hubs = triage.hubs(),
        instances = triage.len(),
        widgets = shelf.library().widgets().count(),
        site = site.root().map(|root| root.display().to_string()),
        "hubs are open at http://{address}/"
    );
    Ok(Running { address, rebuild, stop, tasks, live, cache, sender, buses })
}

/// What scripts may reach.
fn host(
    settings: &Settings,
    outbound: &Outbound,
    (datanommer, cache, store): (&Datanommer, &Cache, &Store),
) -> bindings::Host {
    bindings::Host {
        fas: Fas::new(outbound, settings.fas.as_ref()),
        github: Github::new(outbound, &settings.github),
        outbound: outbound.clone(),
        datanommer: datanommer.clone(),
        cache: cache.clone(),
        store: store.clone(),
        runtime: Handle::current(),
        sandbox: settings.sandbox.clone(),
    }
}

/// The client of all scripts, with what it keeps beside their own.
fn outbound(settings: &Settings, cache: &Cache) -> anyhow::Result<Outbound> {
    let answers = cache.answers(settings.outbound.cache_bytes);
    Ok(Outbound::new(&settings.sandbox)?.within(&settings.outbound).keeping(answers))
}

fn webhooks(
    sender: &mpsc::Sender<Delivery>,
    settings: &Settings,
    clock: fn() -> Timestamp,
) -> Webhooks {
    let secret = settings.github.webhook_secret.clone();
    Webhooks::new(sender.clone(), secret, settings.server.environment.clone(), clock)
}

fn accounts(
    settings: &Settings,
    address: SocketAddr,
    fas: Fas,
    (changing, changes): (Changing, Arc<Changes>),
    clock: fn() -> Timestamp,
) -> anyhow::Result<Accounts> {
    let tell = Arc::new(move |change| {
        let changes = changes.clone();
        Box::pin(async move { changes.tell(change).await }) as _
    });
    Ok(Accounts::new(settings, address, fas, changing, tell, clock)?)
}

/// What is kept on disk.
struct Kept {
    store: Store,
    journal: Arc<Journal>,
    datanommer: Datanommer,
    cache: Cache,
}

impl Kept {
    async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let folder = &settings.storage.path;
        std::fs::create_dir_all(folder).with_context(|| {
            format!("{} can't be made; [storage] path names another folder", folder.display())
        })?;
        Ok(Self {
            store: Store::open(settings.store.as_str()).await?,
            journal: Arc::new(Journal::open(&folder.join("journal.db")).await?),
            datanommer: Datanommer::of(&settings.datanommer).await?,
            cache: Cache::open(&folder.join("cache"))?,
        })
    }
}

/// Scripts and templates. A broken one is told and left out; a configuration that needs it is refused.
async fn read_site(
    site: &Site,
    settings: &Settings,
    pure: &Pool,
) -> anyhow::Result<(Arc<Shelf>, Arc<Renderer>)> {
    // On the thread that will run them, so that they are compiled once.
    let scripts = site.clone();
    let shelf = pure.run(move |interpreter| Shelf::new(scripts, interpreter), READING).await?;
    let (renderer, in_templates) = Renderer::new(site);
    let library = shelf.library();
    let unreturned = unreturned::unreturned(&library, &renderer);
    for problem in library.problems().chain(&in_templates).chain(&unreturned) {
        tracing::warn!(%problem, help = problem.help, "a script or template has a problem");
    }
    let misplaced = misplaced(settings, &library);
    if !misplaced.is_empty() {
        return Err(Misplaced(misplaced).into());
    }
    Ok((Arc::new(shelf), Arc::new(renderer)))
}

/// Tells this run's events from those of an earlier one.
fn epoch(now: Timestamp) -> u64 {
    now.as_microsecond().unsigned_abs()
}

/// Browsers, as `rebuild` sees them.
struct Readers(Live);

impl Audience for Readers {
    fn is_watched(&self, hub: &HubName) -> bool {
        self.0.viewers(hub) > 0
    }

    fn announce(&self, current: &Current) -> usize {
        metrics::counter!(telemetry::EVENTS).increment(1);
        let announcement =
            Announcement { kind: Kind::Widget(current.view.id), data: current.json.clone() };
        self.0.announce(&current.view.hub, announcement);
        self.0.viewers(&current.view.hub)
    }

    fn problem(&self, hub: &HubName, id: InstanceId) {
        self.0.announce(hub, Announcement::problem(id));
    }
}

/// So many threads may be lost before the service says that it is not well: by then scripts hang, not one of them.
const LOST: usize = 4;

/// Why the service is not well; empty when it is.
fn complaints(pure: &Pool, data: &Pool) -> Vec<String> {
    let lost = |pool: &Pool, tier: &str| {
        let lost = pool.lost();
        (lost >= LOST)
            .then(|| format!("{lost} threads of the {tier} tier did not come back from a script"))
    };
    [lost(pure, "pure"), lost(data, "data")].into_iter().flatten().collect()
}

/// Each open stream is an open file: the soft limit is often 1,024 where the hard one is far higher.
fn raise_open_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            tracing::debug!(limit, "open files: the soft limit was raised to the hard one");
        }
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}
