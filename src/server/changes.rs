//! What people change here, told to whoever must know: the index, open pages, this server and the buses.

use super::own::Own;
use crate::hub::{Change, Hub, HubName, InstanceId, Role, Visibility};
use crate::live::{Announcement, Kind, Live};
use crate::rebuild::Rebuild;
use crate::store::{Store, StoreError};
use crate::triage::Triage;
use crate::widget::Shelf;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Mutex;

pub(super) struct Changes {
    pub(super) store: Store,
    pub(super) triage: Triage,
    pub(super) rebuild: Rebuild,
    pub(super) live: Live,
    pub(super) own: Own,
    pub(super) shelf: Arc<Shelf>,
    /// Hubs are taken into the index one at a time: what is read last is what stays there.
    pub(super) turn: Mutex<()>,
    /// Where hubs are for readers, if hubs.toml says.
    pub(super) public_url: Option<String>,
}

impl Changes {
    /// Returns once what it invalidates is on disk.
    pub(super) async fn tell(&self, change: Change) {
        let told = match &change {
            Change::PersonCame { username } => {
                self.own.tell("user.created", json!({ "username": username })).await;
                Ok(())
            }
            Change::HubMade { hub } => self.made(hub).await,
            Change::RoleGiven { hub, username, role } => {
                self.role("user.role.added", hub, username, *role).await
            }
            Change::RoleTaken { hub, username, role } => {
                self.role("user.role.removed", hub, username, *role).await
            }
            Change::HubChanged { hub, keys } => self.changed(hub, keys).await,
            Change::WidgetChanged { hub, id, keys } => self.configured(hub, *id, keys).await,
            Change::WidgetRemoved { hub, id } => {
                self.removed(hub, *id);
                Ok(())
            }
        };
        if let Err(error) = told {
            tracing::error!(?change, %error, "a change is in the store, but was told nobody");
        }
    }

    async fn made(&self, name: &HubName) -> Result<(), StoreError> {
        let Some(hub) = self.renew(name).await? else { return Ok(()) };
        if hub.visibility == Visibility::Public {
            self.own.tell("hub.created", self.body(&hub)).await;
        }
        Ok(())
    }

    async fn role(
        &self,
        what: &str,
        name: &HubName,
        username: &str,
        role: Role,
    ) -> Result<(), StoreError> {
        let Some(hub) = self.renew(name).await? else { return Ok(()) };
        let body = json!({ "username": username, "hub_name": name, "role": role });
        self.tell_if_public(&hub, what, body).await
    }

    async fn changed(&self, name: &HubName, keys: &[String]) -> Result<(), StoreError> {
        let Some(hub) = self.renew(name).await? else { return Ok(()) };
        let mut body = self.body(&hub);
        body["changed_keys"] = keys.into();
        self.tell_if_public(&hub, "hub.updated", body).await
    }

    /// The entry of the old configuration is no longer shown as it is, and the new one is built.
    async fn configured(
        &self,
        name: &HubName,
        id: InstanceId,
        keys: &[String],
    ) -> Result<(), StoreError> {
        let Some(hub) = self.index(name).await? else { return Ok(()) };
        self.rebuild.renew(id, name);
        let Some(instance) = self.store.instance(id).await? else { return Ok(()) };
        if hub.visibility != Visibility::Public {
            return Ok(());
        }
        let library = self.shelf.library();
        let title = library.get(&instance.widget).map(|definition| definition.title.clone());
        let mut body = self.body(&hub);
        body["changed_keys"] = keys.into();
        body["widget_id"] = json!(id);
        body["widget_label"] = title.unwrap_or_else(|_| instance.widget.to_string()).into();
        self.own.tell("widget.updated", body).await;
        Ok(())
    }

    fn removed(&self, hub: &HubName, id: InstanceId) {
        self.rebuild.forget(id);
        let data = format!("{{\"id\":{id}}}").into();
        self.live.announce(hub, Announcement { kind: Kind::Removed(id), data });
    }

    /// No message tells what only some may know: each would be kept, published and shown. So nothing is asked: all that
    /// is on such a hub is built anew.
    async fn tell_if_public(&self, hub: &Hub, what: &str, body: Value) -> Result<(), StoreError> {
        if hub.visibility == Visibility::Public {
            self.own.tell(what, body).await;
            return Ok(());
        }
        for instance in self.store.instances(&hub.name).await? {
            self.rebuild.renew(instance.id, &hub.name);
        }
        Ok(())
    }

    /// Takes a hub into the index as it is now, and has open pages of it look again, if they may still.
    async fn renew(&self, name: &HubName) -> Result<Option<Hub>, StoreError> {
        let Some(hub) = self.index(name).await? else { return Ok(None) };
        self.live.recheck(name);
        self.live.announce(name, Announcement { kind: Kind::Hub, data: "{}".into() });
        Ok(Some(hub))
    }

    async fn index(&self, name: &HubName) -> Result<Option<Hub>, StoreError> {
        let _turn = self.turn.lock().await;
        let Some(hub) = self.store.hub(name).await? else { return Ok(None) };
        let instances = self.store.instances(name).await?;
        self.triage.put_hub(hub.clone(), &instances).await;
        // Where they are is a part of what is shown.
        self.rebuild.forget_shown(instances.iter().map(|instance| instance.id));
        Ok(Some(hub))
    }

    fn body(&self, hub: &Hub) -> Value {
        let mut body = json!({ "hub_id": hub.name, "hub_name": hub.name, "hub_type": hub.kind });
        if let Some(url) = &self.public_url {
            body["hub_url"] = format!("{}/{}", url.trim_end_matches('/'), hub.name).into();
        }
        body
    }
}
