//! Taking a change back: by a change of its own, that can be taken back in turn.

use super::layout::Columns;
use super::merge::Three;
use super::placing::Kept;
use super::{Clash, Conflict, Done, EditError, Editing, Revision, What};
use crate::hub::{Column, Config, InstanceId};
use crate::store::StoreError;
use serde_json::Value;

impl Editing<'_> {
    /// What was changed once more since then is a conflict, and stays.
    pub(super) async fn revert(&mut self, version: u64) -> Result<Option<Done>, EditError> {
        let change = self.change(version).await?;
        let done = match change.what {
            What::Added => self.remove(instance_of(&change)?).await?,
            What::Removed => {
                let kept: Kept = serde_json::from_value(change.before.clone())
                    .map_err(|error| broken(&error.to_string()))?;
                self.put_back(instance_of(&change)?, kept).await?
            }
            What::Configured => {
                let id = instance_of(&change)?;
                let current = self.instance(id)?.config.clone();
                let merged = self.as_before(&change, &current).await?;
                self.set_config(id, merged).await?
            }
            What::Described => {
                let current = super::Details::of(&self.sheet.hub).to_map();
                let merged = self.as_before(&change, &named(&current, &change)).await?;
                self.set_details(&merged).await?
            }
            What::Appointed => {
                let hub = &self.sheet.hub;
                let of = |list: &[String], word: &str| -> Vec<_> {
                    list.iter().map(|name| (name.clone(), Value::from(word))).collect()
                };
                let mut current: Config = of(&hub.owners, "owner").into_iter().collect();
                current.extend(of(&hub.members, "member"));
                for name in map(&change.after).keys() {
                    current.entry(name.clone()).or_insert(Value::Null);
                }
                let merged = self.as_before(&change, &named(&current, &change)).await?;
                self.set_roles(&merged).await?
            }
            What::Moved => {
                let id = instance_of(&change)?;
                self.instance(id)?;
                let column = match change.before["column"].as_str() {
                    Some("left") => Column::Left,
                    _ => Column::Right,
                };
                let at = change.before["position"].as_u64().unwrap_or(0);
                let mut columns = Columns::of(&self.sheet.instances);
                columns.put(id, column, usize::try_from(at).unwrap_or(usize::MAX));
                self.moved(id, &columns).await?
            }
            What::Arranged => {
                let columns = |value| Columns::from_json(value).ok_or_else(|| broken("a layout"));
                let (before, after) = (columns(&change.before)?, columns(&change.after)?);
                let current = Columns::of(&self.sheet.instances);
                if current != after && current != before {
                    let by = self.last_since(&change).await?;
                    return Err(self.clash_of_layouts(version, &by, &current, &before));
                }
                self.write_columns(&before).await?;
                (current != before)
                    .then(|| Done::new(What::Arranged, current.to_json(), before.to_json()))
            }
        };
        Ok(done.map(|done| Done { reverts: Some(version), ..done }))
    }

    /// The settings of now, with those of a change as they were before it.
    async fn as_before(
        &mut self,
        change: &Revision,
        current: &Config,
    ) -> Result<Config, EditError> {
        let (before, after) = (map(&change.before), map(&change.after));
        let three = Three { base: Some(&after), current, wanted: &before };
        match three.merged() {
            Ok(merged) => Ok(merged),
            Err(clashes) => {
                let by = self.last_since(change).await?;
                let version = self.sheet.version;
                let clashes: Vec<Clash> = clashes;
                Err(EditError::Conflict(Conflict::boxed(change.version, version, &by, clashes)))
            }
        }
    }

    /// Who last did the like since then.
    async fn last_since(&mut self, change: &Revision) -> Result<String, StoreError> {
        let (later, _) = self.since(change.version).await?;
        let alike = later.iter().find(|other| match change.what {
            What::Arranged => {
                matches!(other.what, What::Added | What::Moved | What::Arranged | What::Removed)
            }
            what => other.what == what && other.instance == change.instance,
        });
        Ok(alike.map_or_else(|| "somebody".into(), |other| other.who.clone()))
    }
}

fn named(current: &Config, change: &Revision) -> Config {
    let after = map(&change.after);
    let kept = current.iter().filter(|(name, _)| after.contains_key(*name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn map(value: &Value) -> Config {
    value.as_object().cloned().unwrap_or_default()
}

fn instance_of(change: &Revision) -> Result<InstanceId, StoreError> {
    change.instance.ok_or_else(|| broken("a change without its widget"))
}

fn broken(why: &str) -> StoreError {
    StoreError::Row { what: "change", why: why.into() }
}
