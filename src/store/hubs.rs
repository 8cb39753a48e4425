//! Hubs with their people, written and read whole.

use super::{Details, NewInstance, Store, StoreError, instances, people};
use crate::hub::{Hub, HubKind, HubName, Role, Visibility};
use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeMap;

const COLUMNS: &str = "name, kind, summary, avatar, banner, left_width, visibility, archived, created_at, last_active";

impl Store {
    pub async fn hub(&self, name: &HubName) -> Result<Option<Hub>, StoreError> {
        let mut reading = self.pool.reader.begin().await?;
        Ok(read(&mut reading, name).await?.map(|(hub, _version)| hub))
    }

    /// All hubs by name, in two queries however many there are.
    pub async fn hubs(&self) -> Result<Vec<Hub>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM hubs");
        let mut reading = self.pool.reader.begin().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&mut *reading).await?;
        let mut hubs: BTreeMap<String, Hub> = BTreeMap::new();
        for row in &rows {
            hubs.insert(row.try_get(0)?, from_row(row)?);
        }
        let roles = sqlx::query("SELECT hub, username, role FROM roles");
        for row in &roles.fetch_all(&mut *reading).await? {
            if let Some(hub) = hubs.get_mut(row.try_get::<&str, _>(0)?) {
                give_role(hub, row.try_get(1)?, row.try_get(2)?)?;
            }
        }
        hubs.values_mut().for_each(arrange);
        Ok(hubs.into_values().collect())
    }

    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let any: Option<i64> = sqlx::query_scalar("SELECT 1 FROM hubs LIMIT 1")
            .fetch_optional(&self.pool.reader)
            .await?;
        Ok(any.is_none())
    }

    /// A hub, its people, roles and instances in one transaction. One that is there is left alone: `false`.
    pub async fn create_hub(&self, hub: &Hub, widgets: &[NewInstance]) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let insert = format!(
            "INSERT INTO hubs ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (name) DO NOTHING"
        );
        let inserted = sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(hub.name.as_str())
            .bind(kind_word(hub.kind))
            .bind(&hub.summary)
            .bind(&hub.avatar)
            .bind(&hub.banner)
            .bind(hub.left_width)
            .bind(visibility_word(hub.visibility))
            .bind(i64::from(hub.archived))
            .bind(hub.created_at.as_microsecond())
            .bind(hub.last_active.as_microsecond())
            .execute(&mut *writing)
            .await?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        let lists = [
            (Role::Owner, &hub.owners),
            (Role::Member, &hub.members),
            (Role::Subscriber, &hub.subscribers),
            (Role::Stargazer, &hub.stargazers),
        ];
        for (role, usernames) in lists {
            people::insert(&mut writing, usernames, hub.created_at).await?;
            people::insert_roles(&mut writing, &hub.name, role, usernames).await?;
        }
        for widget in widgets {
            instances::insert(&mut writing, &hub.name, widget).await?;
        }
        writing.commit().await?;
        Ok(true)
    }

    /// That something happened on hubs, in one transaction. An older time than the known one changes nothing.
    pub async fn touch(&self, active: &[(HubName, Timestamp)]) -> Result<(), StoreError> {
        if active.is_empty() {
            return Ok(());
        }
        let mut writing = self.pool.begin().await?;
        for (hub, at) in active {
            sqlx::query("UPDATE hubs SET last_active = $2 WHERE name = $1 AND last_active < $2")
                .bind(hub.as_str())
                .bind(at.as_microsecond())
                .execute(&mut *writing)
                .await?;
        }
        Ok(writing.commit().await?)
    }
}

/// A hub with its people, and its version.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    name: &HubName,
) -> Result<Option<(Hub, u64)>, StoreError> {
    let select = format!("SELECT {COLUMNS}, version FROM hubs WHERE name = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(select))
        .bind(name.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (mut hub, version) = (from_row(&row)?, row.try_get::<i64, _>(10)?.unsigned_abs());
    let roles = sqlx::query("SELECT username, role FROM roles WHERE hub = $1");
    for row in roles.bind(name.as_str()).fetch_all(connection).await? {
        give_role(&mut hub, row.try_get(0)?, row.try_get(1)?)?;
    }
    arrange(&mut hub);
    Ok(Some((hub, version)))
}

pub(super) async fn write_details(
    connection: &mut SqliteConnection,
    name: &HubName,
    details: &Details,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE hubs SET summary = $2, avatar = $3, banner = $4, left_width = $5, visibility = $6, archived = $7
         WHERE name = $1",
    )
    .bind(name.as_str())
    .bind(&details.summary)
    .bind(&details.avatar)
    .bind(&details.banner)
    .bind(details.left_width)
    .bind(visibility_word(details.visibility))
    .bind(i64::from(details.archived))
    .execute(connection)
    .await?;
    Ok(())
}

/// That a hub is there, within a transaction.
pub(super) async fn expect_hub(
    connection: &mut SqliteConnection,
    name: &HubName,
) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM hubs WHERE name = $1")
        .bind(name.as_str())
        .fetch_optional(connection)
        .await?;
    found.map(|_| ()).ok_or_else(|| StoreError::NoSuchHub(name.clone()))
}

fn from_row(row: &SqliteRow) -> Result<Hub, StoreError> {
    let name: &str = row.try_get(0)?;
    let time = |at: usize| -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(row.try_get(at)?).map_err(|error| unknown("time", &error))
    };
    Ok(Hub {
        name: name.parse().map_err(StoreError::row("hub"))?,
        kind: match row.try_get(1)? {
            "user" => HubKind::User,
            "group" => HubKind::Group,
            other => return Err(unknown("kind of hub", other)),
        },
        summary: row.try_get(2)?,
        avatar: row.try_get(3)?,
        banner: row.try_get(4)?,
        left_width: row.try_get(5)?,
        visibility: match row.try_get(6)? {
            "public" => Visibility::Public,
            "preview" => Visibility::Preview,
            "private" => Visibility::Private,
            other => return Err(unknown("visibility", other)),
        },
        archived: row.try_get::<i64, _>(7)? != 0,
        owners: vec![],
        members: vec![],
        subscribers: vec![],
        stargazers: vec![],
        created_at: time(8)?,
        last_active: time(9)?,
    })
}

fn give_role(hub: &mut Hub, username: String, role: &str) -> Result<(), StoreError> {
    match people::role_from(role)? {
        Role::Owner => hub.owners.push(username),
        Role::Member => hub.members.push(username),
        Role::Subscriber => hub.subscribers.push(username),
        Role::Stargazer => hub.stargazers.push(username),
    }
    Ok(())
}

/// Sorts the lists; here, since databases differ in what comes first.
fn arrange(hub: &mut Hub) {
    let Hub { owners, members, subscribers, stargazers, .. } = &mut *hub;
    for list in [owners, members, subscribers, stargazers] {
        list.sort_unstable();
    }
    let owners = &hub.owners;
    hub.members.retain(|member| owners.binary_search(member).is_err());
}

fn unknown(what: &'static str, found: &(impl std::fmt::Display + ?Sized)) -> StoreError {
    StoreError::Row { what, why: format!("`{found}`") }
}

fn kind_word(kind: HubKind) -> &'static str {
    match kind {
        HubKind::User => "user",
        HubKind::Group => "group",
    }
}

fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Preview => "preview",
        Visibility::Private => "private",
    }
}
