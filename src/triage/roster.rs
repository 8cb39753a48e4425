//! Every placed instance, in memory and compact: what triage asks of the few that a message may concern.
//!
//! A configuration is kept as its JSON text and read when asked for: a million of them as maps would take a gigabyte.
//! A hub is shared by its instances; a changed one is seen by all of them at once. The store remains the truth.

use super::by_id::ById;
use crate::hub::{Column, Config, Hub, HubName, Instance, InstanceId, WidgetName};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

#[derive(Default)]
pub struct Roster {
    records: Vec<Option<Record>>,
    free: Vec<u32>,
    by_id: ById,
    hubs: FxHashMap<HubName, Home>,
    /// One text for each name, shared by its records. As many as there are widgets.
    widgets: FxHashSet<WidgetName>,
}

struct Record {
    id: InstanceId,
    hub: Arc<Hub>,
    widget: WidgetName,
    config: Box<str>,
    position: u32,
    column: Column,
}

struct Home {
    hub: Arc<Hub>,
    records: Vec<u32>,
}

/// One instance as the roster has it.
#[derive(Clone, Copy)]
pub struct Spot<'a>(&'a Record);

impl<'a> Spot<'a> {
    pub fn id(self) -> InstanceId {
        self.0.id
    }

    pub fn widget(self) -> &'a WidgetName {
        &self.0.widget
    }

    pub fn hub(self) -> &'a Arc<Hub> {
        &self.0.hub
    }

    pub fn column(self) -> Column {
        self.0.column
    }

    pub fn position(self) -> u32 {
        self.0.position
    }

    /// Read from its JSON at each call.
    pub fn config(self) -> Config {
        serde_json::from_str(&self.0.config).expect("the roster wrote this JSON itself")
    }

    pub fn to_instance(self) -> Instance {
        Instance {
            id: self.id(),
            hub: self.hub().name.clone(),
            widget: self.widget().clone(),
            column: self.column(),
            position: self.position(),
            config: self.config(),
        }
    }
}

impl Roster {
    pub fn new() -> Self {
        Self::default()
    }

    /// A new hub, or a changed one: its instances see it from now on.
    pub fn put_hub(&mut self, hub: Arc<Hub>) {
        let Some(home) = self.hubs.get_mut(&hub.name) else {
            self.hubs.insert(hub.name.clone(), Home { hub, records: Vec::new() });
            return;
        };
        for &at in &home.records {
            if let Some(record) = &mut self.records[at as usize] {
                record.hub = Arc::clone(&hub);
            }
        }
        home.hub = hub;
    }

    /// Takes a hub out with its instances, and says which those were.
    pub fn remove_hub(&mut self, name: &HubName) -> Vec<InstanceId> {
        let gone: Vec<_> = self.of_hub(name).map(Spot::id).collect();
        for &id in &gone {
            self.remove(id);
        }
        self.hubs.remove(name);
        gone
    }

    /// A new instance, or a changed one. `false`, and nothing done, when its hub is not on the roster.
    pub fn insert(&mut self, instance: &Instance) -> bool {
        if !self.hubs.contains_key(&instance.hub) {
            return false;
        }
        self.remove(instance.id);
        let widget = self.shared_name(&instance.widget);
        let home = self.hubs.get_mut(&instance.hub).expect("looked up above");
        let record = Some(Record {
            id: instance.id,
            hub: Arc::clone(&home.hub),
            widget,
            config: serde_json::to_string(&instance.config).expect("a map of JSON is JSON").into(),
            position: instance.position,
            column: instance.column,
        });
        let at = if let Some(at) = self.free.pop() {
            self.records[at as usize] = record;
            at
        } else {
            self.records.push(record);
            u32::try_from(self.records.len() - 1)
                .expect("memory ends before four billion instances")
        };
        home.records.push(at);
        self.by_id.set(instance.id, at);
        true
    }

    /// `false` when it was not there.
    pub fn remove(&mut self, id: InstanceId) -> bool {
        let Some(at) = self.by_id.remove(id) else { return false };
        if let Some(record) = self.records[at as usize].take()
            && let Some(home) = self.hubs.get_mut(&record.hub.name)
        {
            home.records.retain(|&known| known != at);
        }
        self.free.push(at);
        true
    }

    pub fn get(&self, id: InstanceId) -> Option<Spot<'_>> {
        self.spot(self.by_id.get(id)?)
    }

    pub fn hub(&self, name: &HubName) -> Option<&Arc<Hub>> {
        self.hubs.get(name).map(|home| &home.hub)
    }

    /// In no order.
    pub fn hubs(&self) -> impl Iterator<Item = &Arc<Hub>> {
        self.hubs.values().map(|home| &home.hub)
    }

    /// In no order.
    pub fn of_hub(&self, name: &HubName) -> impl Iterator<Item = Spot<'_>> {
        let records = self.hubs.get(name).map(|home| &*home.records).unwrap_or_default();
        records.iter().filter_map(|&at| self.spot(at))
    }

    /// Looks at every instance there is: for a changed script, not for a message.
    pub fn of_widget(&self, name: &WidgetName) -> impl Iterator<Item = Spot<'_>> {
        self.every().filter(move |spot| spot.widget() == name)
    }

    /// In no order.
    pub fn every(&self) -> impl Iterator<Item = Spot<'_>> {
        self.records.iter().flatten().map(Spot)
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn spot(&self, at: u32) -> Option<Spot<'_>> {
        self.records[at as usize].as_ref().map(Spot)
    }

    fn shared_name(&mut self, name: &WidgetName) -> WidgetName {
        if let Some(known) = self.widgets.get(name) {
            return known.clone();
        }
        self.widgets.insert(name.clone());
        name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{HubKind, Visibility};
    use jiff::Timestamp;
    use serde_json::json;

    fn hub(name: &str, summary: &str) -> Arc<Hub> {
        Arc::new(Hub {
            name: name.parse().unwrap(),
            kind: HubKind::User,
            summary: summary.into(),
            avatar: String::new(),
            banner: String::new(),
            left_width: 8,
            visibility: Visibility::Public,
            archived: false,
            owners: vec![name.into()],
            members: vec![],
            subscribers: vec![],
            stargazers: vec![],
            created_at: Timestamp::UNIX_EPOCH,
            last_active: Timestamp::UNIX_EPOCH,
        })
    }

    fn instance(id: u64, hub: &str, widget: &str) -> Instance {
        Instance {
            id: InstanceId(id),
            hub: hub.parse().unwrap(),
            widget: widget.parse().unwrap(),
            column: Column::Right,
            position: 2,
            config: [("username".to_owned(), json!(hub))].into_iter().collect(),
        }
    }

    fn ids<'a>(spots: impl Iterator<Item = Spot<'a>>) -> Vec<u64> {
        let mut ids: Vec<_> = spots.map(|spot| spot.id().0).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn an_instance_comes_back_as_it_was_put_and_its_hub_as_it_is_now() {
        let mut roster = Roster::new();
        assert!(!roster.insert(&instance(1, "ralph", "badges")), "its hub is not known");
        roster.put_hub(hub("ralph", "old"));
        assert!(roster.insert(&instance(1, "ralph", "badges")));
        assert!(roster.insert(&instance(2, "ralph", "feed")));
        assert_eq!(
            roster.get(InstanceId(1)).unwrap().to_instance(),
            instance(1, "ralph", "badges")
        );
        roster.put_hub(hub("ralph", "new"));
        assert_eq!(roster.get(InstanceId(2)).unwrap().hub().summary, "new");
        assert!(roster.get(InstanceId(3)).is_none());
    }

    #[test]
    fn lists_by_hub_and_widget_follow_every_change() {
        let mut roster = Roster::new();
        roster.put_hub(hub("ralph", ""));
        roster.put_hub(hub("mizmo", ""));
        for (id, home, widget) in
            [(1, "ralph", "badges"), (2, "ralph", "feed"), (3, "mizmo", "badges")]
        {
            roster.insert(&instance(id, home, widget));
        }
        let badges = "badges".parse().unwrap();
        let (ralph, mizmo) = ("ralph".parse().unwrap(), "mizmo".parse().unwrap());
        assert_eq!(ids(roster.of_widget(&badges)), [1, 3]);
        roster.insert(&instance(3, "ralph", "badges")); // moved to another hub
        assert_eq!(
            (ids(roster.of_hub(&ralph)), ids(roster.of_hub(&mizmo))),
            (vec![1, 2, 3], vec![])
        );
        assert!(roster.remove(InstanceId(1)) && !roster.remove(InstanceId(1)));
        assert_eq!(ids(roster.of_widget(&badges)), [3]);
        let mut gone = roster.remove_hub(&ralph);
        gone.sort_unstable();
        assert_eq!(gone, [InstanceId(2), InstanceId(3)]);
        assert!(roster.is_empty() && roster.hub(&ralph).is_none());
        assert_eq!(roster.hubs().count(), 1);
    }
}
