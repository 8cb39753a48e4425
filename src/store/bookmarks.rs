//! The hubs that somebody keeps at hand: those that they belong to, follow, or look after beside their own.

use super::{Store, StoreError};
use crate::hub::HubName;
use jiff::Timestamp;
use sqlx::Row as _;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookmark {
    pub hub: HubName,
    pub last_active: Timestamp,
}

impl Store {
    /// By name. Who only follows a hub that became private has it no longer.
    pub async fn bookmarks(&self, username: &str) -> Result<Vec<Bookmark>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT hubs.name, hubs.last_active FROM roles JOIN hubs ON hubs.name = roles.hub
             WHERE roles.username = $1 AND hubs.name <> $1
             AND (roles.role IN ('owner', 'member') OR roles.role = 'subscriber' AND hubs.visibility <> 'private')
             ORDER BY hubs.name",
        )
        .bind(username)
        .fetch_all(&self.pool.reader)
        .await?;
        let bookmark = |row: &sqlx::sqlite::SqliteRow| {
            let last_active = Timestamp::from_microsecond(row.try_get(1)?)
                .map_err(|error| StoreError::Row { what: "hub", why: error.to_string() })?;
            let hub: &str = row.try_get(0)?;
            Ok(Bookmark { hub: hub.parse().map_err(StoreError::row("hub"))?, last_active })
        };
        rows.iter().map(bookmark).collect()
    }
}
