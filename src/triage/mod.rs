//! From a message to the instances that it invalidates.
//!
//! Hints of all instances form one index, so that a message costs what it *may* concern, not how many
//! instances exist; `should_invalidate` has the last word. A script that fails, or a thread that is lost, counts as
//! "yes": one rebuild too many is cheap, a page that is not true is not. What comes out must be on disk before its
//! message is acknowledged; whoever calls sees to that. Knows nothing of buses, browsers or rebuilding.

mod by_id;
pub mod index;
mod judging;
pub mod memory;
pub mod roster;
pub mod why;

pub use index::Index;
use judging::Ready;
pub use memory::Memory;
pub use roster::Roster;
pub use why::{AskedOf, Why, WhyError};

use crate::hub::{Cause, Hub, HubName, Instance, InstanceId, WidgetName};
use crate::message::Message;
use crate::script::{Interpreter, Pool};
use crate::store::{Store, StoreError};
use crate::widget::{Hint, Library, Shelf, Wording};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;

/// Instances whose hints one script thread evaluates at a time when the index is built.
const CHUNK: usize = 1_000;
/// Instances that are kept ready to be asked.
const READY: u64 = 16_384;
/// How long a thread may take for a share of messages or hints before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message, and whom it concerns.
#[derive(Debug, Clone)]
pub struct Judged {
    pub message: Arc<Message>,
    /// How many instances the index named.
    pub candidates: usize,
    pub invalidated: Vec<Concerned>,
}

impl Judged {
    pub fn cause(&self) -> Cause {
        Cause { id: self.message.id.clone(), topic: self.message.topic.to_string() }
    }
}

/// An instance that a message concerns, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    pub id: InstanceId,
    pub hub: HubName,
}

#[derive(Default)]
struct Plan {
    index: Index,
    roster: Roster,
}

struct Inner {
    plan: RwLock<Plan>,
    /// Instances that messages concerned lately; the least used go.
    ready: moka::sync::Cache<InstanceId, Arc<Ready>>,
    memory: Memory,
    shelf: Arc<Shelf>,
    clock: fn() -> Timestamp,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Triage {
    inner: Arc<Inner>,
    pool: Pool,
    wording: Wording,
    threads: usize,
}

impl Triage {
    /// `pool` is of the pure tier; a batch of messages is shared among its threads.
    pub fn new(shelf: Arc<Shelf>, pool: Pool, threads: usize, clock: fn() -> Timestamp) -> Self {
        let ready = moka::sync::Cache::new(READY);
        let (plan, memory) = (RwLock::default(), Memory::default());
        let wording = Wording::new(shelf.clone(), pool.clone());
        let inner = Arc::new(Inner { plan, ready, memory, shelf, clock });
        Self { inner, pool, wording, threads: threads.max(1) }
    }

    /// Takes every instance of the store into the index.
    pub async fn fill(&self, store: &Store) -> Result<(), StoreError> {
        let hubs = store.hubs().await?;
        let mut instances = Vec::new();
        store.every_instance(|instance| instances.push(instance)).await?;
        {
            let mut plan = self.inner.plan.write();
            for hub in hubs {
                plan.roster.put_hub(Arc::new(hub));
            }
            for instance in &instances {
                plan.roster.insert(instance);
            }
        }
        self.index(instances.iter().map(|instance| instance.id).collect()).await;
        Ok(())
    }

    /// A hub is new or another one: its instances are placed and indexed anew, and those it no longer has go.
    pub async fn put_hub(&self, hub: Hub, instances: &[Instance]) {
        {
            let mut plan = self.inner.plan.write();
            let gone: Vec<_> = plan.roster.of_hub(&hub.name).map(roster::Spot::id).collect();
            plan.roster.put_hub(Arc::new(hub));
            for id in
                gone.into_iter().filter(|id| !instances.iter().any(|instance| instance.id == *id))
            {
                plan.roster.remove(id);
                plan.index.remove(id);
                self.inner.ready.invalidate(&id);
            }
            for instance in instances {
                plan.roster.insert(instance);
                self.inner.ready.invalidate(&instance.id);
            }
        }
        self.index(instances.iter().map(|instance| instance.id).collect()).await;
    }

    /// A hub as it is, without asking the store.
    pub fn hub(&self, name: &HubName) -> Option<Arc<Hub>> {
        self.inner.plan.read().roster.hub(name).cloned()
    }

    /// Every instance of these widgets.
    pub fn instances_of(&self, widgets: &[WidgetName]) -> Vec<Concerned> {
        let plan = self.inner.plan.read();
        let of = widgets.iter().flat_map(|name| plan.roster.of_widget(name));
        of.map(|spot| Concerned { id: spot.id(), hub: spot.hub().name.clone() }).collect()
    }

    /// Every instance that a message of others than this server may concern.
    pub fn concerned_by_buses(&self) -> Vec<Concerned> {
        let library = self.inner.shelf.library();
        let concerned = |widget: &&WidgetName| {
            let reach = library.get(widget).ok().and_then(|definition| definition.reach());
            reach.is_some_and(|reach| !reach.is_own_messages())
        };
        let names: Vec<WidgetName> = library.names().iter().filter(concerned).cloned().collect();
        self.instances_of(&names)
    }

    /// Scripts changed: the hints of their instances are asked anew. Returns those instances.
    pub async fn reindex(&self, widgets: &[WidgetName]) -> Vec<Concerned> {
        let concerned = self.instances_of(widgets);
        self.index(concerned.iter().map(|one| one.id).collect()).await;
        concerned
    }

    /// Asks the scripts for hints and puts them into the index.
    async fn index(&self, ids: Vec<InstanceId>) {
        let shares = ids.chunks(CHUNK).map(|ids| {
            let (inner, share) = (self.inner.clone(), ids.to_vec());
            let asked =
                self.pool.run(move |interpreter| inner.index(interpreter, &share), PATIENCE);
            async move {
                if asked.await.is_err() {
                    // Nothing is known of them: they are asked about every message.
                    let mut plan = self.inner.plan.write();
                    for id in ids {
                        plan.index.insert(*id, &[Hint::any()]);
                    }
                }
            }
        });
        futures_util::future::join_all(shares).await;
    }

    /// For whoever shows messages that concerned nobody.
    pub fn wording(&self) -> &Wording {
        &self.wording
    }

    /// What was judged within the last hour.
    pub fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.inner.plan.read().roster.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn hubs(&self) -> usize {
        self.inner.plan.read().roster.hubs().count()
    }
}

impl Inner {
    fn index(&self, interpreter: &mut Interpreter, ids: &[InstanceId]) {
        let library = self.shelf.library();
        let now = (self.clock)();
        let hints: Vec<_> =
            ids.iter().map(|id| (*id, self.hints(interpreter, &library, *id, now))).collect();
        let mut plan = self.plan.write();
        for (id, hints) in hints {
            if plan.roster.get(id).is_some() {
                plan.index.insert(id, &hints);
            }
        }
    }

    /// What narrows an instance's messages down. Hints that fail leave all of them in; a widget that no message
    /// concerns, or that is unknown, leaves none.
    fn hints(
        &self,
        interpreter: &mut Interpreter,
        library: &Library,
        id: InstanceId,
        now: Timestamp,
    ) -> Vec<Hint> {
        let Some((instance, hub)) =
            self.plan.read().roster.get(id).map(|spot| (spot.to_instance(), spot.hub().clone()))
        else {
            return Vec::new();
        };
        let Ok(definition) = library.get(&instance.widget) else { return Vec::new() };
        let Ok(placed) = definition.place(&instance, hub) else { return Vec::new() };
        let narrowed = definition.narrow(interpreter, &placed, now);
        if let Some(error) = narrowed.error {
            tracing::warn!(widget = %definition.name, instance = %id, %error, "hints failed: only what should_invalidate itself shows narrows the instance's messages");
        }
        narrowed.hints
    }
}
