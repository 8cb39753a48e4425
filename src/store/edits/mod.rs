//! What people do to hubs: each edit is one transaction that leaves one change in the hub's history.
//!
//! A hub has one version, the number of its last change. An edit says at which version its writer saw the hub; what
//! others changed since is merged, setting by setting, and only where both changed the same is it a conflict, which
//! carries both texts. Every change says what was before, so that each can be taken back, by a change of its own.
//! Who may edit, and whether a configuration fits its widget, is for whoever calls.

mod details;
mod error;
mod history;
mod layout;
mod merge;
mod placing;
mod revert;
mod roles;

pub use details::{Details, SUMMARY_LETTERS, URL_LETTERS};
pub use error::{Clash, Conflict, EditError, Misfit};
pub use history::{KEPT, Revision, What};

use super::{NewInstance, Store, StoreError, hubs, instances};
use crate::hub::{Config, Hub, HubName, Instance, InstanceId, Role};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

/// Widgets that one hub may have.
pub const WIDGETS: usize = 100;
/// A configuration as JSON may be so long.
pub const CONFIG_BYTES: usize = 32 << 10;

/// One thing that somebody does to a hub. `seen` is the version of the hub that they had before their eyes.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// At the end of its column.
    Add(NewInstance),
    /// All settings of an instance, as its owner wrote them.
    Configure {
        id: InstanceId,
        config: Config,
        seen: u64,
    },
    /// One step; at the edge nothing changes.
    Move {
        id: InstanceId,
        step: Step,
    },
    /// Both columns at once, each instance in one place.
    Arrange {
        left: Vec<InstanceId>,
        right: Vec<InstanceId>,
        seen: u64,
    },
    Remove {
        id: InstanceId,
    },
    /// Some of the fields of [`Details`].
    Describe {
        details: Config,
        seen: u64,
    },
    /// Owners and members: what each of these people is to be, `None` for neither.
    Appoint {
        people: BTreeMap<String, Option<Role>>,
        seen: u64,
    },
    /// Takes back the change of this version.
    Revert {
        version: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    Left,
    Right,
}

/// A hub and all that is on it, as of one version.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub hub: Hub,
    pub version: u64,
    /// The left column, then the right, each from above.
    pub instances: Vec<Instance>,
}

impl Store {
    /// A hub with its instances and its version, read together.
    pub async fn sheet(&self, hub: &HubName) -> Result<Option<Sheet>, StoreError> {
        let mut reading = self.pool.reader.begin().await?;
        load(&mut reading, hub).await
    }

    /// Does it, or nothing. `None`: the hub is as they want it already, and has no change more.
    pub async fn edit(
        &self,
        hub: &HubName,
        who: &str,
        edit: Edit,
        now: Timestamp,
    ) -> Result<Option<Revision>, EditError> {
        // As precise as it is kept.
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let mut writing = self.pool.begin().await?;
        let sheet = load(&mut writing, hub).await?;
        let sheet = sheet.ok_or_else(|| EditError::NoSuchHub(hub.clone()))?;
        let version = sheet.version + 1;
        let mut editing = Editing { sheet, writing: &mut writing, now };
        let Some(done) = editing.apply(edit).await? else { return Ok(None) };
        let change = Revision {
            hub: hub.clone(),
            version,
            at: now,
            who: who.to_owned(),
            what: done.what,
            instance: done.instance,
            before: done.before,
            after: done.after,
            reverts: done.reverts,
        };
        history::keep(&mut writing, &change).await?;
        writing.commit().await.map_err(StoreError::from)?;
        Ok(Some(change))
    }
}

/// An edit under way: what there is, and the transaction that changes it.
struct Editing<'a> {
    sheet: Sheet,
    writing: &'a mut SqliteConnection,
    now: Timestamp,
}

/// What an edit did.
struct Done {
    what: What,
    instance: Option<InstanceId>,
    before: Value,
    after: Value,
    reverts: Option<u64>,
}

impl Done {
    fn new(what: What, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self { what, instance: None, before: before.into(), after: after.into(), reverts: None }
    }

    fn of(self, instance: InstanceId) -> Self {
        Self { instance: Some(instance), ..self }
    }
}

impl Editing<'_> {
    async fn apply(&mut self, edit: Edit) -> Result<Option<Done>, EditError> {
        let unlocks = match &edit {
            Edit::Describe { .. } => true,
            Edit::Revert { version } => self.change(*version).await?.what == What::Described,
            _ => false,
        };
        if self.sheet.hub.archived && !unlocks {
            return Err(EditError::Archived(self.sheet.hub.name.clone()));
        }
        match edit {
            Edit::Add(new) => self.add(new).await,
            Edit::Configure { id, config, seen } => self.configure(id, config, seen).await,
            Edit::Move { id, step } => self.step(id, step).await,
            Edit::Arrange { left, right, seen } => self.arrange(left, right, seen).await,
            Edit::Remove { id } => self.remove(id).await,
            Edit::Describe { details, seen } => self.describe(details, seen).await,
            Edit::Appoint { people, seen } => self.appoint(people, seen).await,
            Edit::Revert { version } => self.revert(version).await,
        }
    }

    fn instance(&self, id: InstanceId) -> Result<&Instance, EditError> {
        let found = self.sheet.instances.iter().find(|instance| instance.id == id);
        let hub = &self.sheet.hub.name;
        found.ok_or_else(|| EditError::NoSuchInstance { hub: hub.clone(), id })
    }

    async fn change(&mut self, version: u64) -> Result<Revision, EditError> {
        let hub = self.sheet.hub.name.clone();
        let found = history::one(self.writing, &hub, version).await?;
        found.ok_or(EditError::NoSuchRevision { hub, version })
    }

    /// What has happened since a version, the newest first; and whether the history reaches back so far.
    async fn since(&mut self, seen: u64) -> Result<(Vec<Revision>, bool), StoreError> {
        let hub = &self.sheet.hub.name;
        let changes = history::after(self.writing, hub, seen.min(self.sheet.version)).await?;
        let expected = self.sheet.version.saturating_sub(seen);
        let whole = u64::try_from(changes.len()).unwrap_or(u64::MAX) >= expected;
        Ok((changes, whole))
    }
}

async fn load(
    connection: &mut SqliteConnection,
    hub: &HubName,
) -> Result<Option<Sheet>, StoreError> {
    let Some((hub, version)) = hubs::read(connection, hub).await? else { return Ok(None) };
    let instances = instances::of(connection, &hub.name).await?;
    Ok(Some(Sheet { hub, version, instances }))
}

#[cfg(test)]
mod tests;
