//! Team hubs that mirror a group of FAS: whoever sponsors it owns the hub, whoever is in it is a member.
//!
//! FAS is asked at the start, when hubs.toml names other groups, and when a message tells that somebody came to a group or
//! went. While it can't answer everything stays as it is, and it is asked again. Owners whom hubs.toml names stay owners,
//! and a hub is never left without one.

use super::changes::Changes;
use crate::config::Settings;
use crate::hub::{Change, Hub, HubName, Role};
use crate::message::Message;
use crate::outbound::Fas;
use crate::outbound::fas::{FasError, Name, Question, Told};
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Wishes that wait; of further messages the groups are asked for with the next one, or after `AGAIN`.
const WAITING: usize = 256;
/// After so long FAS is asked again for what it could not answer.
const AGAIN: Duration = Duration::from_mins(5);
/// What one question to FAS may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A list of more parts than these is no group's.
const PARTS: u32 = 100;

/// A hub, the group that it mirrors, and the owners whom hubs.toml names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrored {
    group: Name,
    owners: Vec<String>,
}

pub(super) type Hubs = BTreeMap<HubName, Mirrored>;

/// What hubs.toml has mirrored.
pub(super) fn mirrored(settings: &Settings) -> Hubs {
    let hubs = settings.hubs.iter().filter_map(|hub| {
        let group = hub.fas_group.as_ref()?.parse().ok()?;
        Some((hub.name.clone(), Mirrored { group, owners: hub.owners.clone() }))
    });
    hubs.collect()
}

enum Wish {
    /// hubs.toml names these now.
    Mirror(Hubs),
    /// Somebody came to a group, or went, at that time.
    Look { group: Name, since: Timestamp },
}

/// Where wishes go in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Mirroring(mpsc::Sender<Wish>);

impl Mirroring {
    /// For who reads messages: looks for those that tell of groups.
    pub(super) fn hear(&self, message: &Message) {
        if !message.topic.suffix().starts_with("fas.group.member.") {
            return;
        }
        let group = message.body.get("group").and_then(|group| group.as_str()?.parse().ok());
        if let Some(group) = group {
            // When full it is as if FAS had not answered: that is made good later.
            let _ = self.0.try_send(Wish::Look { group, since: message.sent_at });
        }
    }

    pub(super) async fn mirror(&self, hubs: Hubs) {
        // The server stops: then nothing is mirrored.
        let _ = self.0.send(Wish::Mirror(hubs)).await;
    }
}

pub(super) struct Mirror {
    fas: Fas,
    store: Store,
    changes: Arc<Changes>,
    clock: fn() -> Timestamp,
    hubs: Hubs,
    /// What FAS is to be asked for, and since when an answer counts.
    due: BTreeMap<HubName, Option<Timestamp>>,
}

/// The end of wishes that a [`Mirror`] reads.
pub(super) struct Wishes(mpsc::Receiver<Wish>);

pub(super) fn wishes() -> (Mirroring, Wishes) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Mirroring(sender), Wishes(receiver))
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Fas(#[from] FasError),
    #[error("FAS has no group `{0}`")]
    NoGroup(Name),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Mirror {
    pub(super) fn new(
        fas: Fas,
        store: Store,
        changes: Arc<Changes>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self { fas, store, changes, clock, hubs: Hubs::new(), due: BTreeMap::new() }
    }

    pub(super) async fn run(mut self, Wishes(mut wishes): Wishes, stop: CancellationToken) {
        loop {
            let again = tokio::time::sleep(AGAIN);
            let has_due = !self.due.is_empty();
            tokio::select! {
                wish = wishes.recv() => match wish {
                    Some(wish) => self.take(wish),
                    None => return,
                },
                () = again, if has_due => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.work() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn take(&mut self, wish: Wish) {
        match wish {
            Wish::Mirror(hubs) => {
                let others = hubs.iter().filter(|(name, it)| self.hubs.get(*name) != Some(it));
                self.due.extend(others.map(|(name, _)| (name.clone(), None)));
                self.hubs = hubs;
                self.due.retain(|name, _| self.hubs.contains_key(name));
            }
            Wish::Look { group, since } => {
                let of_group = self.hubs.iter().filter(|(_, it)| it.group == group);
                self.due.extend(of_group.map(|(name, _)| (name.clone(), Some(since))));
            }
        }
    }

    /// Asks for all that is due; what fails stays so.
    async fn work(&mut self) {
        for (name, since) in self.due.clone() {
            let Some(mirrored) = self.hubs.get(&name) else { continue };
            match self.mirror(&name, mirrored, since).await {
                Ok(()) => drop(self.due.remove(&name)),
                Err(error) => {
                    tracing::warn!(hub = %name, %error, "a hub could not be made like its group in FAS; it stays as it is, and FAS is asked again");
                }
            }
        }
    }

    async fn mirror(
        &self,
        name: &HubName,
        mirrored: &Mirrored,
        since: Option<Timestamp>,
    ) -> Result<(), Trouble> {
        let Some(hub) = self.store.hub(name).await? else { return Ok(()) };
        let group = &mirrored.group;
        let sponsors = self.list(since, group, |_| Question::Sponsors(group.clone())).await?;
        let members =
            self.list(since, group, |part| Question::Members(group.clone(), part)).await?;
        let owners: BTreeSet<_> = sponsors.iter().chain(&mirrored.owners).cloned().collect();
        let mut changes = Vec::new();
        let done = self.make_like(&hub, &owners, &members, &mut changes).await;
        if !changes.is_empty() {
            tracing::info!(hub = %name, group = %group, changes = changes.len(), "a hub is like its group in FAS again");
        }
        // Also what was changed before something failed.
        for change in changes {
            self.changes.tell(change).await;
        }
        Ok(done?)
    }

    /// At any time the hub has an owner.
    async fn make_like(
        &self,
        hub: &Hub,
        owners: &BTreeSet<String>,
        members: &BTreeSet<String>,
        changes: &mut Vec<Change>,
    ) -> Result<(), StoreError> {
        for username in owners {
            self.give(&hub.name, username, Role::Owner, changes).await?;
        }
        for username in hub.owners.iter().filter(|it| !owners.is_empty() && !owners.contains(*it)) {
            self.take_away(&hub.name, username, Role::Owner, changes).await?;
        }
        for username in members.difference(owners) {
            self.give(&hub.name, username, Role::Member, changes).await?;
        }
        for username in hub.members.iter().filter(|it| !members.contains(*it)) {
            self.take_away(&hub.name, username, Role::Member, changes).await?;
        }
        Ok(())
    }

    async fn give(
        &self,
        hub: &HubName,
        username: &str,
        role: Role,
        changes: &mut Vec<Change>,
    ) -> Result<(), StoreError> {
        if self.store.set_role(hub, username, role, (self.clock)()).await? {
            let (hub, username) = (hub.clone(), username.to_owned());
            changes.push(Change::RoleGiven { hub, username, role });
        }
        Ok(())
    }

    async fn take_away(
        &self,
        hub: &HubName,
        username: &str,
        role: Role,
        changes: &mut Vec<Change>,
    ) -> Result<(), StoreError> {
        if self.store.drop_role(hub, username, role).await? {
            let (hub, username) = (hub.clone(), username.to_owned());
            changes.push(Change::RoleTaken { hub, username, role });
        }
        Ok(())
    }

    /// The usernames of a list, all its parts together.
    async fn list(
        &self,
        since: Option<Timestamp>,
        group: &Name,
        question: impl Fn(u32) -> Question,
    ) -> Result<BTreeSet<String>, Trouble> {
        let fas = since.map_or_else(|| self.fas.clone(), |since| self.fas.since(since));
        let mut names = BTreeSet::new();
        let mut part = 1;
        loop {
            let told = fas.ask(&question(part), Instant::now() + PATIENCE).await?;
            let Told { value, parts, .. } = told.ok_or_else(|| Trouble::NoGroup(group.clone()))?;
            let found = value.as_array().into_iter().flatten();
            names.extend(found.filter_map(|it| it["username"].as_str().map(ToOwned::to_owned)));
            if part >= parts.min(PARTS) {
                return Ok(names);
            }
            part += 1;
        }
    }
}
