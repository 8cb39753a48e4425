//! Where instances are: two columns of ids, dense from 0.

use super::{Clash, Conflict, Done, EditError, Editing, Step, What};
use crate::hub::{Column, Instance, InstanceId};
use crate::store::{StoreError, instances};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The ids of each column, from above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) left: Vec<InstanceId>,
    pub(super) right: Vec<InstanceId>,
}

impl Columns {
    pub(super) fn of(instances: &[Instance]) -> Self {
        let of = |column| {
            let there = instances.iter().filter(|instance| instance.column == column);
            there.map(|instance| instance.id).collect()
        };
        Self { left: of(Column::Left), right: of(Column::Right) }
    }

    fn column(&mut self, column: Column) -> &mut Vec<InstanceId> {
        match column {
            Column::Left => &mut self.left,
            Column::Right => &mut self.right,
        }
    }

    pub(super) fn place_of(&self, id: InstanceId) -> Option<(Column, usize)> {
        let at = |ids: &[InstanceId]| ids.iter().position(|known| *known == id);
        let left = at(&self.left).map(|at| (Column::Left, at));
        left.or_else(|| at(&self.right).map(|at| (Column::Right, at)))
    }

    /// Takes it from where it is, if it is there; behind the last is the end.
    pub(super) fn put(&mut self, id: InstanceId, column: Column, at: usize) {
        self.take(id);
        let column = self.column(column);
        column.insert(at.min(column.len()), id);
    }

    pub(super) fn take(&mut self, id: InstanceId) {
        self.left.retain(|known| *known != id);
        self.right.retain(|known| *known != id);
    }

    fn step(&mut self, id: InstanceId, step: Step) {
        let Some((column, at)) = self.place_of(id) else { return };
        match step {
            Step::Up if at > 0 => self.put(id, column, at - 1),
            Step::Down => self.put(id, column, at + 1),
            Step::Left if column == Column::Right => self.put(id, Column::Left, at),
            Step::Right if column == Column::Left => self.put(id, Column::Right, at),
            Step::Up | Step::Left | Step::Right => {}
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "left": self.left, "right": self.right })
    }

    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let ids = |name: &str| -> Option<Vec<InstanceId>> {
            serde_json::from_value(value.get(name)?.clone()).ok()
        };
        Some(Self { left: ids("left")?, right: ids("right")? })
    }

    fn ids(&self) -> impl Iterator<Item = InstanceId> {
        self.left.iter().chain(&self.right).copied()
    }

    /// Whether it has the same instances as another, each once; if not, what is wrong.
    fn fits(&self, there: &Self) -> Result<(), String> {
        let mut named = BTreeSet::new();
        let there: BTreeSet<_> = there.ids().collect();
        for id in self.ids() {
            if !there.contains(&id) {
                return Err(format!("{id} is not on it"));
            }
            if !named.insert(id) {
                return Err(format!("{id} is named twice"));
            }
        }
        match there.difference(&named).next() {
            Some(missing) => Err(format!("{missing} is missing")),
            None => Ok(()),
        }
    }
}

impl Editing<'_> {
    pub(super) async fn step(
        &mut self,
        id: InstanceId,
        step: Step,
    ) -> Result<Option<Done>, EditError> {
        self.instance(id)?;
        let mut columns = Columns::of(&self.sheet.instances);
        columns.step(id, step);
        self.moved(id, &columns).await
    }

    /// Writes columns in which one instance has another place.
    pub(super) async fn moved(
        &mut self,
        id: InstanceId,
        columns: &Columns,
    ) -> Result<Option<Done>, EditError> {
        let before = Columns::of(&self.sheet.instances);
        let place = |columns: &Columns| {
            columns
                .place_of(id)
                .map(|(column, position)| json!({ "column": column, "position": position }))
        };
        let (from, to) = (place(&before), place(columns));
        if before == *columns || from.is_none() {
            return Ok(None);
        }
        self.write_columns(columns).await?;
        Ok(Some(Done::new(What::Moved, from, to).of(id)))
    }

    pub(super) async fn arrange(
        &mut self,
        left: Vec<InstanceId>,
        right: Vec<InstanceId>,
        seen: u64,
    ) -> Result<Option<Done>, EditError> {
        let (wanted, current) = (Columns { left, right }, Columns::of(&self.sheet.instances));
        if wanted == current {
            return Ok(None);
        }
        let (changes, whole) = self.since(seen).await?;
        let in_the_way = changes.iter().find(|change| {
            matches!(change.what, What::Added | What::Moved | What::Arranged | What::Removed)
        });
        if in_the_way.is_some() || !whole {
            let by = in_the_way.map_or("somebody", |change| &change.who);
            return Err(self.clash_of_layouts(seen, by, &current, &wanted));
        }
        wanted.fits(&current).map_err(EditError::Layout)?;
        self.write_columns(&wanted).await?;
        Ok(Some(Done::new(What::Arranged, current.to_json(), wanted.to_json())))
    }

    pub(super) fn clash_of_layouts(
        &self,
        seen: u64,
        by: &str,
        current: &Columns,
        wanted: &Columns,
    ) -> EditError {
        let clash = Clash {
            name: "layout".into(),
            before: Value::Null,
            theirs: current.to_json(),
            yours: wanted.to_json(),
        };
        EditError::Conflict(Conflict::boxed(seen, self.sheet.version, by, vec![clash]))
    }

    /// Gives each instance its place, and closes gaps.
    pub(super) async fn write_columns(&mut self, columns: &Columns) -> Result<(), StoreError> {
        for (column, ids) in [(Column::Left, &columns.left), (Column::Right, &columns.right)] {
            for (position, id) in (0_u32..).zip(ids) {
                let known = self.sheet.instances.iter().find(|instance| instance.id == *id);
                if known.is_none_or(|known| (known.column, known.position) != (column, position)) {
                    instances::place(self.writing, *id, column, position).await?;
                }
            }
        }
        Ok(())
    }
}
