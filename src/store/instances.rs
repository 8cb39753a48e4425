//! Instances: the widgets on hubs.

use super::{NewInstance, Store, StoreError, hubs::expect_hub};
use crate::hub::{Column, Config, HubName, Instance, InstanceId, WidgetName};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

/// Rows read at once when all instances are asked for.
const PAGE: i64 = 4_096;

impl Store {
    /// The left column, then the right, each from above.
    pub async fn instances(&self, hub: &HubName) -> Result<Vec<Instance>, StoreError> {
        let rows = sqlx::query(
            r#"SELECT id, hub, widget, "column", position, config FROM instances
               WHERE hub = $1 ORDER BY "column", position, id"#,
        )
        .bind(hub.as_str())
        .fetch_all(&self.pool.reader)
        .await?;
        rows.iter().map(from_row).collect()
    }

    pub async fn instance(&self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let row = sqlx::query(
            r#"SELECT id, hub, widget, "column", position, config FROM instances WHERE id = $1"#,
        )
        .bind(number(id))
        .fetch_optional(&self.pool.reader)
        .await?;
        row.as_ref().map(from_row).transpose()
    }

    /// Hands over all instances by id, a page at a time: a million of them are never in memory together.
    pub async fn every_instance(&self, mut each: impl FnMut(Instance)) -> Result<(), StoreError> {
        let mut after = 0_i64;
        loop {
            let rows = sqlx::query(
                r#"SELECT id, hub, widget, "column", position, config FROM instances
                   WHERE id > $1 ORDER BY id LIMIT $2"#,
            )
            .bind(after)
            .bind(PAGE)
            .fetch_all(&self.pool.reader)
            .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            for row in &rows {
                each(from_row(row)?);
            }
        }
    }

    /// The instances of one widget, by id.
    pub async fn instances_of(&self, widget: &WidgetName) -> Result<Vec<Instance>, StoreError> {
        let rows = sqlx::query(
            r#"SELECT id, hub, widget, "column", position, config FROM instances
               WHERE widget = $1 ORDER BY id"#,
        )
        .bind(widget.as_str())
        .fetch_all(&self.pool.reader)
        .await?;
        rows.iter().map(from_row).collect()
    }

    pub async fn add_instance(
        &self,
        hub: &HubName,
        widget: &NewInstance,
    ) -> Result<Instance, StoreError> {
        let mut writing = self.pool.begin().await?;
        expect_hub(&mut writing, hub).await?;
        let added = insert(&mut writing, hub, widget).await?;
        writing.commit().await?;
        Ok(added)
    }

    /// `false` when the instance is gone.
    pub async fn update_config(&self, id: InstanceId, config: &Config) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let updated = sqlx::query("UPDATE instances SET config = $2 WHERE id = $1")
            .bind(number(id))
            .bind(text(config))
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Puts an instance at a place of a column, counted without itself; behind the last is the end. The others close up.
    /// `false` when the instance is gone.
    pub async fn move_instance(
        &self,
        id: InstanceId,
        column: Column,
        position: u32,
    ) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let hub: Option<String> = sqlx::query_scalar("SELECT hub FROM instances WHERE id = $1")
            .bind(number(id))
            .fetch_optional(&mut *writing)
            .await?;
        let Some(hub) = hub else { return Ok(false) };
        let mut ids: Vec<i64> = sqlx::query_scalar(
            r#"SELECT id FROM instances WHERE hub = $1 AND "column" = $2 AND id <> $3 ORDER BY position, id"#,
        )
        .bind(&hub)
        .bind(column_word(column))
        .bind(number(id))
        .fetch_all(&mut *writing)
        .await?;
        let at = usize::try_from(position).unwrap_or(usize::MAX).min(ids.len());
        ids.insert(at, number(id));
        for (position, id) in (0_i64..).zip(ids) {
            sqlx::query(r#"UPDATE instances SET "column" = $2, position = $3 WHERE id = $1"#)
                .bind(id)
                .bind(column_word(column))
                .bind(position)
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(true)
    }

    /// `false` when it is gone already. Its id is never used again.
    pub async fn remove_instance(&self, id: InstanceId) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let deleted = sqlx::query("DELETE FROM instances WHERE id = $1")
            .bind(number(id))
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// At the end of its column.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    hub: &HubName,
    widget: &NewInstance,
) -> Result<Instance, StoreError> {
    let row = sqlx::query(
        r#"INSERT INTO instances (hub, widget, "column", position, config)
           SELECT $1, $2, $3, COALESCE(MAX(position) + 1, 0), $4 FROM instances WHERE hub = $1 AND "column" = $3
           RETURNING id, hub, widget, "column", position, config"#,
    )
    .bind(hub.as_str())
    .bind(widget.widget.as_str())
    .bind(column_word(widget.column))
    .bind(text(&widget.config))
    .fetch_one(connection)
    .await?;
    from_row(&row)
}

fn from_row(row: &SqliteRow) -> Result<Instance, StoreError> {
    let unfit = |why: String| StoreError::Row { what: "instance", why };
    let (hub, widget): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
    Ok(Instance {
        id: InstanceId(row.try_get::<i64, _>(0)?.unsigned_abs()),
        hub: hub.parse().map_err(StoreError::row("instance"))?,
        widget: widget.parse().map_err(StoreError::row("instance"))?,
        column: match row.try_get(3)? {
            "left" => Column::Left,
            "right" => Column::Right,
            other => return Err(unfit(format!("column `{other}`"))),
        },
        position: row.try_get(4)?,
        config: serde_json::from_str(row.try_get(5)?)
            .map_err(|error| unfit(format!("config: {error}")))?,
    })
}

/// An id as the database has it. One that no database gave finds nothing.
fn number(id: InstanceId) -> i64 {
    i64::try_from(id.0).unwrap_or(-1)
}

fn column_word(column: Column) -> &'static str {
    match column {
        Column::Left => "left",
        Column::Right => "right",
    }
}

fn text(config: &Config) -> String {
    serde_json::to_string(config).expect("a map with text keys is JSON")
}
