//! The small world that a case runs in: an instance on its hub, a pinned clock, a history, a cassette, a cache.

use super::outcome::{Failure, Kind};
use super::recordings::{self, Recorded, Recording, Recordings};
use super::run::pure_limits;
use crate::bindings::{self, Host};
use crate::cache::Cache;
use crate::config::{self, Sandbox, Site};
use crate::datanommer::Datanommer;
use crate::hub::{Column, Hub, Instance, InstanceId, Placed};
use crate::message::Message;
use crate::outbound::{Cassette, Fas, Github, Outbound};
use crate::script::{Interpreter, Pool, Tier};
use crate::store::Store;
use crate::widget::{At, Case, Definition, Shelf, Wording};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What the clock shows where no case and no message says.
const DEFAULT_NOW: &str = "2026-01-01T00:00:00Z";

/// The services that most cases need not have of their own: they are empty, and nobody writes to them.
pub(super) struct Services {
    pub(super) runtime: Handle,
    pub(super) sandbox: Sandbox,
    /// Who is asked where a cassette is recorded.
    fas: Option<config::Fas>,
    outbound: Outbound,
    datanommer: Datanommer,
    store: Store,
    /// Puts together what belongs together in feeds.
    words: Wording,
}

impl Services {
    pub(super) async fn open(
        runtime: Handle,
        sandbox: Sandbox,
        fas: Option<config::Fas>,
        shelf: Arc<Shelf>,
    ) -> anyhow::Result<Self> {
        // One thread for all cases: few of them show a feed.
        let limits = pure_limits(&sandbox.pure);
        let pool = Pool::start(Tier::Pure, limits, 1, Some(bindings::pure()));
        Ok(Self {
            words: Wording::new(shelf, pool),
            fas,
            outbound: Outbound::replaying(&sandbox, Cassette::empty()),
            datanommer: Datanommer::open("sqlite::memory:").await?,
            store: Store::open("sqlite::memory:").await?,
            runtime,
            sandbox,
        })
    }
}

/// One case's instance, and the messages that it is about.
pub(super) struct World<'r> {
    pub(super) definition: &'r Arc<Definition>,
    pub(super) placed: Placed,
    pub(super) now: Timestamp,
    hubs: Vec<Hub>,
    /// Of `messages`.
    pub(super) heard: Vec<&'r Recording>,
    /// Of `datanommer`.
    pub(super) stored: Vec<&'r Recording>,
}

impl<'r> World<'r> {
    /// Places the widget as the case says, or tells all that keeps it from being placed.
    pub(super) fn new(
        definition: &'r Arc<Definition>,
        case: &Case,
        recordings: &'r Recordings,
        site: &Site,
    ) -> Result<Self, Vec<Failure>> {
        let mut failures = Vec::new();
        let heard = named(&case.messages, recordings, site, &mut failures);
        let stored = named(&case.datanommer, recordings, site, &mut failures);
        let now = case.now.unwrap_or_else(|| last_of(&heard, &stored));
        let hub = case.hub_at(now);
        let instance = Instance {
            id: InstanceId(1),
            hub: hub.name.clone(),
            widget: definition.name.clone(),
            column: Column::Left,
            position: 0,
            config: case.config.clone(),
        };
        let placed = definition.place(&instance, Arc::new(hub.clone()));
        let mut hubs = vec![hub];
        for other in case.hubs.iter().map(|other| other.to_hub(now)) {
            if hubs.iter().all(|hub| hub.name != other.name) {
                hubs.push(other);
            }
        }
        match placed {
            Ok(placed) if failures.is_empty() => {
                Ok(Self { definition, placed, now, hubs, heard, stored })
            }
            Ok(_) => Err(failures),
            Err(wrong) => {
                failures.extend(wrong.into_iter().map(|error| {
                    let place = case.config_places.get(error.name()).unwrap_or(&case.name.place);
                    Failure::new(Kind::Case, place.error(error.to_string()))
                }));
                Err(failures)
            }
        }
    }

    /// Each message of the case, with the recording that it is in.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&'r Recording, &'r Recorded)> + '_ {
        self.heard.iter().flat_map(|&recording| {
            recording.messages.iter().map(move |recorded| (recording, recorded))
        })
    }

    /// The messages that its history holds before it hears any.
    pub(super) fn history(&self) -> Vec<Arc<Message>> {
        let all = self.stored.iter().flat_map(|recording| &recording.messages);
        all.map(|recorded| recorded.message.clone()).collect()
    }

    /// Whether the script, or a module that it imports, names a module of the host.
    pub(super) fn mentions(&self, module: &str) -> bool {
        let source = &self.definition.source;
        source.text.contains(module) || source.modules.iter().any(|m| m.text.contains(module))
    }

    /// What `data` may reach: its own services where it can tell the difference.
    pub(super) async fn host(
        &self,
        services: &Services,
        outbound: Option<Outbound>,
        history: &[Arc<Message>],
    ) -> anyhow::Result<Host> {
        let datanommer = if self.mentions("datanommer::") {
            let datanommer = Datanommer::open("sqlite::memory:").await?;
            datanommer.worded_by(Arc::new(services.words.clone()));
            datanommer.add(history).await?;
            datanommer
        } else {
            services.datanommer.clone()
        };
        let store = if self.mentions("hubs::") {
            let store = Store::open("sqlite::memory:").await?;
            for hub in &self.hubs {
                store.create_hub(hub, &[]).await?;
            }
            store
        } else {
            services.store.clone()
        };
        let outbound = outbound.unwrap_or_else(|| services.outbound.clone());
        Ok(Host {
            fas: Fas::on_cassette(&outbound, services.fas.as_ref()),
            github: Github::anonymous(&outbound),
            outbound,
            datanommer,
            cache: Cache::memory(),
            store,
            runtime: services.runtime.clone(),
            sandbox: services.sandbox.clone(),
        })
    }
}

/// An interpreter of the data tier over a host, noting what it reaches where coverage is asked for.
pub(super) fn interpreter(host: Host, covering: bool) -> Interpreter {
    let limits = host.sandbox.data.clone();
    let install = Some(bindings::install(host));
    if covering {
        Interpreter::covering(Tier::Data, limits, install)
    } else {
        Interpreter::new(Tier::Data, limits, install)
    }
}

fn named<'r>(
    names: &[At<String>],
    recordings: &'r Recordings,
    site: &Site,
    failures: &mut Vec<Failure>,
) -> Vec<&'r Recording> {
    let mut found = Vec::new();
    for At { value: name, place } in names {
        if let Some(recording) = recordings.get(name) {
            let problems = recording.problems.iter().cloned();
            failures.extend(problems.map(|problem| Failure::new(Kind::Case, problem)));
            found.push(recording);
        } else {
            let (said, help) = recordings::missing(site, name);
            failures.push(Failure::new(Kind::Case, place.error(said).help(help)));
        }
    }
    found
}

/// The time of the last message that the case hears; else of the last one in its history.
fn last_of(heard: &[&Recording], stored: &[&Recording]) -> Timestamp {
    let last = |recordings: &[&Recording]| {
        let messages = recordings.iter().flat_map(|recording| &recording.messages);
        messages.map(|recorded| recorded.message.sent_at).max()
    };
    last(heard)
        .or_else(|| last(stored))
        .unwrap_or_else(|| DEFAULT_NOW.parse().expect("a literal time"))
}
