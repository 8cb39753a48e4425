//! Instances that come, change and go.

use super::layout::Columns;
use super::merge::Three;
use super::{CONFIG_BYTES, Conflict, Done, EditError, Editing, WIDGETS, What};
use crate::hub::{Column, Config, Instance, InstanceId, WidgetName};
use crate::store::{NewInstance, instances};
use serde::{Deserialize, Serialize};

/// An instance in the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) widget: WidgetName,
    pub(super) column: Column,
    pub(super) position: u32,
    pub(super) config: Config,
}

impl Kept {
    fn json(instance: &Instance) -> serde_json::Value {
        let Instance { widget, column, position, config, .. } = instance.clone();
        let kept = Self { widget, column, position, config };
        serde_json::to_value(kept).expect("names, numbers and JSON make JSON")
    }
}

fn in_bounds(config: &Config) -> Result<(), EditError> {
    let given = serde_json::to_vec(config).expect("a map of JSON is JSON").len();
    if given > CONFIG_BYTES { Err(EditError::TooLong { given }) } else { Ok(()) }
}

impl Editing<'_> {
    pub(super) async fn add(&mut self, new: NewInstance) -> Result<Option<Done>, EditError> {
        in_bounds(&new.config)?;
        self.has_room()?;
        let mut added = instances::insert(self.writing, &self.sheet.hub.name, &new).await?;
        // Positions may have gaps from before they were kept dense.
        let mut columns = Columns::of(&self.sheet.instances);
        columns.put(added.id, added.column, usize::MAX);
        self.write_columns(&columns).await?;
        added.position = place(&columns, added.id);
        Ok(Some(Done::new(What::Added, None::<String>, Kept::json(&added)).of(added.id)))
    }

    pub(super) async fn configure(
        &mut self,
        id: InstanceId,
        wanted: Config,
        seen: u64,
    ) -> Result<Option<Done>, EditError> {
        let current = self.instance(id)?.config.clone();
        in_bounds(&wanted)?;
        let (changes, whole) = self.since(seen).await?;
        let configured = || {
            let of_it = changes.iter().filter(|change| change.instance == Some(id));
            of_it.filter(|change| change.what == What::Configured)
        };
        let oldest = configured().next_back().and_then(|change| change.before.as_object());
        let base = oldest.unwrap_or(&current);
        let three =
            Three { base: whole.then_some(base), current: &current, wanted: &wanted }.merged();
        let merged = three.map_err(|clashes| {
            let by = configured().next().map_or("somebody", |change| &change.who);
            EditError::Conflict(Conflict::boxed(seen, self.sheet.version, by, clashes))
        })?;
        in_bounds(&merged)?;
        self.set_config(id, merged).await
    }

    pub(super) async fn set_config(
        &mut self,
        id: InstanceId,
        config: Config,
    ) -> Result<Option<Done>, EditError> {
        let before = self.instance(id)?.config.clone();
        if before == config {
            return Ok(None);
        }
        instances::write_config(self.writing, id, &config).await?;
        Ok(Some(Done::new(What::Configured, before, config).of(id)))
    }

    pub(super) async fn remove(&mut self, id: InstanceId) -> Result<Option<Done>, EditError> {
        let before = Kept::json(self.instance(id)?);
        instances::delete(self.writing, id).await?;
        let mut columns = Columns::of(&self.sheet.instances);
        columns.take(id);
        self.write_columns(&columns).await?;
        Ok(Some(Done::new(What::Removed, before, None::<String>).of(id)))
    }

    /// Puts a removed instance back under its own number, as near to its place as there is room.
    pub(super) async fn put_back(
        &mut self,
        id: InstanceId,
        kept: Kept,
    ) -> Result<Option<Done>, EditError> {
        if self.instance(id).is_ok() {
            return Err(EditError::BackAlready(id));
        }
        self.has_room()?;
        let mut back = Instance {
            id,
            hub: self.sheet.hub.name.clone(),
            widget: kept.widget,
            column: kept.column,
            position: kept.position,
            config: kept.config,
        };
        instances::insert_again(self.writing, &back).await?;
        let mut columns = Columns::of(&self.sheet.instances);
        columns.put(id, back.column, usize::try_from(back.position).unwrap_or(usize::MAX));
        self.write_columns(&columns).await?;
        back.position = place(&columns, id);
        Ok(Some(Done::new(What::Added, None::<String>, Kept::json(&back)).of(id)))
    }

    fn has_room(&self) -> Result<(), EditError> {
        if self.sheet.instances.len() >= WIDGETS {
            return Err(EditError::Full(self.sheet.hub.name.clone()));
        }
        Ok(())
    }
}

fn place(columns: &Columns, id: InstanceId) -> u32 {
    columns.place_of(id).and_then(|(_, at)| u32::try_from(at).ok()).unwrap_or(0)
}
