//! What people change here, told to whoever must know: the index, open pages, this server and the buses.

use super::own::Own;
use crate::hub::{Change, Hub, HubName, Role, Visibility};
use crate::live::{Announcement, Kind, Live};
use crate::rebuild::Rebuild;
use crate::store::{Store, StoreError};
use crate::triage::Triage;
use serde_json::{Value, json};

pub(super) struct Changes {
    pub(super) store: Store,
    pub(super) triage: Triage,
    pub(super) rebuild: Rebuild,
    pub(super) live: Live,
    pub(super) own: Own,
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
        if hub.visibility == Visibility::Public {
            let body = json!({ "username": username, "hub_name": name, "role": role });
            self.own.tell(what, body).await;
            return Ok(());
        }
        // No message tells what only some may know: each would be kept, published and shown. So nothing is asked: all that
        // is on this hub is built anew.
        for instance in self.store.instances(name).await? {
            self.rebuild.renew(instance.id, name);
        }
        Ok(())
    }

    /// Takes a hub into the index as it is now, and has open pages of it look again, if they may still.
    async fn renew(&self, name: &HubName) -> Result<Option<Hub>, StoreError> {
        let Some(hub) = self.store.hub(name).await? else { return Ok(None) };
        let instances = self.store.instances(name).await?;
        self.triage.put_hub(hub.clone(), &instances).await;
        self.live.recheck(name);
        self.live.announce(name, Announcement { kind: Kind::Hub, data: "{}".into() });
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
