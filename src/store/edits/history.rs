//! The history of a hub: its changes, numbered from 1 without gaps.

use crate::hub::{HubName, InstanceId};
use crate::store::{Store, StoreError, instances};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

/// So many changes of a hub are kept; with a new one the oldest goes.
pub const KEPT: u64 = 2_000;

const COLUMNS: &str = "hub, version, at, who, what, instance, before, after, reverts";

/// What somebody changed, when, and what was before: enough to take it back.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Revision {
    pub hub: HubName,
    /// Of the hub, with this change.
    pub version: u64,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    pub who: String,
    pub what: What,
    pub instance: Option<InstanceId>,
    pub before: Value,
    pub after: Value,
    /// The change that this one takes back.
    pub reverts: Option<u64>,
}

/// The kind of a change, and with it the shape of `before` and `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// `null` → `{widget, column, position, config}`
    Added,
    /// The settings of an instance, as their owner wrote them.
    Configured,
    /// `{column, position}`
    Moved,
    /// `{left: [id], right: [id]}`
    Arranged,
    /// `{widget, column, position, config}` → `null`
    Removed,
    /// Those fields of the hub's details that changed.
    Described,
    /// `{username: "owner" | "member" | null}`, of those who changed.
    Appointed,
}

impl What {
    const WORDS: [(&'static str, What); 7] = [
        ("added", What::Added),
        ("configured", What::Configured),
        ("moved", What::Moved),
        ("arranged", What::Arranged),
        ("removed", What::Removed),
        ("described", What::Described),
        ("appointed", What::Appointed),
    ];

    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, what)| *what == self).map_or("", |(word, _)| word)
    }
}

impl Store {
    /// The changes of a hub, the newest first: those before a version, or the last.
    pub async fn revisions(
        &self,
        hub: &HubName,
        before: Option<u64>,
        most: u32,
    ) -> Result<Vec<Revision>, StoreError> {
        let select = format!(
            "SELECT {COLUMNS} FROM revisions WHERE hub = $1 AND version < $2 ORDER BY version DESC LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(hub.as_str())
            .bind(before.map_or(i64::MAX, number))
            .bind(i64::from(most))
            .fetch_all(&self.pool.reader)
            .await?;
        rows.iter().map(from_row).collect()
    }

    pub async fn revision(
        &self,
        hub: &HubName,
        version: u64,
    ) -> Result<Option<Revision>, StoreError> {
        let mut reading = self.pool.reader.acquire().await?;
        one(&mut reading, hub, version).await
    }
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    hub: &HubName,
    version: u64,
) -> Result<Option<Revision>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM revisions WHERE hub = $1 AND version = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(select))
        .bind(hub.as_str())
        .bind(number(version))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The newest first.
pub(super) async fn after(
    connection: &mut SqliteConnection,
    hub: &HubName,
    version: u64,
) -> Result<Vec<Revision>, StoreError> {
    let select = format!(
        "SELECT {COLUMNS} FROM revisions WHERE hub = $1 AND version > $2 ORDER BY version DESC"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(select))
        .bind(hub.as_str())
        .bind(number(version))
        .fetch_all(connection)
        .await?;
    rows.iter().map(from_row).collect()
}

/// Puts a change into the history, and its version and time on the hub.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    change: &Revision,
) -> Result<(), StoreError> {
    let insert =
        format!("INSERT INTO revisions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    sqlx::query(sqlx::AssertSqlSafe(insert))
        .bind(change.hub.as_str())
        .bind(number(change.version))
        .bind(change.at.as_microsecond())
        .bind(&change.who)
        .bind(change.what.word())
        .bind(change.instance.map(instances::number))
        .bind(change.before.to_string())
        .bind(change.after.to_string())
        .bind(change.reverts.map(number))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM revisions WHERE hub = $1 AND version <= $2")
        .bind(change.hub.as_str())
        .bind(number(change.version) - number(KEPT))
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE hubs SET version = $2, last_active = CASE WHEN last_active < $3 THEN $3 ELSE last_active END
         WHERE name = $1",
    )
        .bind(change.hub.as_str())
        .bind(number(change.version))
        .bind(change.at.as_microsecond())
        .execute(connection)
        .await?;
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Revision, StoreError> {
    let unfit = |why: String| StoreError::Row { what: "change", why };
    let json = |at: usize| -> Result<Value, StoreError> {
        serde_json::from_str(row.try_get(at)?).map_err(|error| unfit(error.to_string()))
    };
    let word: &str = row.try_get(4)?;
    let what = What::WORDS.iter().find(|(known, _)| *known == word);
    let version = |at: usize| Ok::<_, StoreError>(row.try_get::<i64, _>(at)?.unsigned_abs());
    Ok(Revision {
        hub: row.try_get::<&str, _>(0)?.parse().map_err(StoreError::row("change"))?,
        version: version(1)?,
        at: Timestamp::from_microsecond(row.try_get(2)?).map_err(|e| unfit(e.to_string()))?,
        who: row.try_get(3)?,
        what: what.map(|(_, what)| *what).ok_or_else(|| unfit(format!("`{word}`")))?,
        instance: row.try_get::<Option<i64>, _>(5)?.map(|id| InstanceId(id.unsigned_abs())),
        before: json(6)?,
        after: json(7)?,
        reverts: row.try_get::<Option<i64>, _>(8)?.map(i64::unsigned_abs),
    })
}

/// A version as the database has it. One that no hub can have is past them all.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
