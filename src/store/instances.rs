//! Instances: the widgets on hubs.

use super::{NewInstance, Store, StoreError};
use crate::hub::{Column, Config, HubName, Instance, InstanceId, WidgetName};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

/// Rows read at once when all instances are asked for.
const PAGE: i64 = 4_096;

impl Store {
    /// The left column, then the right, each from above.
    pub async fn instances(&self, hub: &HubName) -> Result<Vec<Instance>, StoreError> {
        let mut reading = self.pool.reader.acquire().await?;
        of(&mut reading, hub).await
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
}

/// The left column, then the right, each from above.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    hub: &HubName,
) -> Result<Vec<Instance>, StoreError> {
    let rows = sqlx::query(
        r#"SELECT id, hub, widget, "column", position, config FROM instances
           WHERE hub = $1 ORDER BY "column", position, id"#,
    )
    .bind(hub.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn write_config(
    connection: &mut SqliteConnection,
    id: InstanceId,
    config: &Config,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE instances SET config = $2 WHERE id = $1")
        .bind(number(id))
        .bind(text(config))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn place(
    connection: &mut SqliteConnection,
    id: InstanceId,
    column: Column,
    position: u32,
) -> Result<(), StoreError> {
    sqlx::query(r#"UPDATE instances SET "column" = $2, position = $3 WHERE id = $1"#)
        .bind(number(id))
        .bind(column_word(column))
        .bind(position)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete(
    connection: &mut SqliteConnection,
    id: InstanceId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM instances WHERE id = $1").bind(number(id)).execute(connection).await?;
    Ok(())
}

/// One that was removed, under its own number.
pub(super) async fn insert_again(
    connection: &mut SqliteConnection,
    instance: &Instance,
) -> Result<(), StoreError> {
    sqlx::query(
        r#"INSERT INTO instances (id, hub, widget, "column", position, config) VALUES ($1, $2, $3, $4, $5, $6)"#,
    )
    .bind(number(instance.id))
    .bind(instance.hub.as_str())
    .bind(instance.widget.as_str())
    .bind(column_word(instance.column))
    .bind(instance.position)
    .bind(text(&instance.config))
    .execute(connection)
    .await?;
    Ok(())
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
pub(super) fn number(id: InstanceId) -> i64 {
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
