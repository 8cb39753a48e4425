//! Who owns a hub and who belongs to it.

use super::merge::Three;
use super::{Conflict, Done, EditError, Editing, Misfit, What};
use crate::hub::{Config, Hub, HubKind, Role};
use crate::store::people;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// People of one edit.
const AT_ONCE: usize = 100;

impl Editing<'_> {
    pub(super) async fn appoint(
        &mut self,
        wanted: BTreeMap<String, Option<Role>>,
        seen: u64,
    ) -> Result<Option<Done>, EditError> {
        let misfits = misfits(&wanted);
        if !misfits.is_empty() {
            return Err(EditError::Unfit(misfits));
        }
        let named = |map: &Config| -> Config {
            let kept = map.iter().filter(|(name, _)| wanted.contains_key(*name));
            kept.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let current: Config = wanted
            .keys()
            .map(|name| (name.clone(), word(role_of(&self.sheet.hub, name))))
            .collect();
        let (changes, whole) = self.since(seen).await?;
        let appointed = || changes.iter().filter(|change| change.what == What::Appointed);
        let mut base = current.clone();
        for change in appointed() {
            base.extend(named(change.before.as_object().unwrap_or(&Config::new())));
        }
        let wanted: Config =
            wanted.iter().map(|(name, role)| (name.clone(), word(*role))).collect();
        let three = Three { base: whole.then_some(&base), current: &current, wanted: &wanted };
        let merged = three.merged().map_err(|clashes| {
            let by = appointed().next().map_or("somebody", |change| &change.who);
            EditError::Conflict(Conflict::boxed(seen, self.sheet.version, by, clashes))
        })?;
        self.set_roles(&merged).await
    }

    /// Writes those that differ.
    pub(super) async fn set_roles(&mut self, wanted: &Config) -> Result<Option<Done>, EditError> {
        let hub = self.sheet.hub.clone();
        let (mut before, mut after) = (Config::new(), Config::new());
        let mut owners = hub.owners.clone();
        for (name, role) in wanted {
            let was = word(role_of(&hub, name));
            if was == *role {
                continue;
            }
            owners.retain(|owner| owner != name);
            if *role == "owner" {
                owners.push(name.clone());
            }
            before.insert(name.clone(), was);
            after.insert(name.clone(), role.clone());
        }
        if after.is_empty() {
            return Ok(None);
        }
        let own_page = hub.kind == HubKind::User
            && hub.owners.iter().any(|owner| owner == hub.name.as_str())
            && !owners.iter().any(|owner| owner == hub.name.as_str());
        if own_page {
            return Err(EditError::OwnPage { hub: hub.name });
        }
        if owners.is_empty() && !hub.owners.is_empty() {
            return Err(EditError::LastOwner(hub.name));
        }
        for (name, role) in &after {
            for role in [Role::Owner, Role::Member] {
                people::delete_role(self.writing, &hub.name, name, role).await?;
            }
            if let Some(role) = role_from(role) {
                let one = std::slice::from_ref(name);
                people::insert(self.writing, one, self.now).await?;
                people::insert_roles(self.writing, &hub.name, role, one).await?;
            }
        }
        Ok(Some(Done::new(What::Appointed, before, after)))
    }
}

fn misfits(wanted: &BTreeMap<String, Option<Role>>) -> Vec<Misfit> {
    let misfit = |given: String, fits: &str| Misfit { name: "people", given, fits: fits.into() };
    if wanted.is_empty() || wanted.len() > AT_ONCE {
        let given = format!("{} people", wanted.len());
        return vec![misfit(given, &format!("1 to {AT_ONCE} at once"))];
    }
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let names = wanted.keys().filter(|name| !is_name(name)).map(|name| {
        let shown: String = name.chars().take(64).collect();
        misfit(format!("`{shown}`"), "usernames, as in `ralph`")
    });
    let roles = wanted.values().flatten().filter(|role| role_from(&word(Some(**role))).is_none());
    names
        .chain(
            roles.map(|role| misfit(format!("{role:?}").to_lowercase(), "owner, member or null")),
        )
        .collect()
}

fn role_of(hub: &Hub, name: &str) -> Option<Role> {
    if hub.owners.iter().any(|owner| owner == name) {
        Some(Role::Owner)
    } else {
        hub.members.iter().any(|member| member == name).then_some(Role::Member)
    }
}

fn word(role: Option<Role>) -> Value {
    json!(role)
}

fn role_from(value: &Value) -> Option<Role> {
    match value.as_str() {
        Some("owner") => Some(Role::Owner),
        Some("member") => Some(Role::Member),
        _ => None,
    }
}
