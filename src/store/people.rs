//! People and what they are to hubs.

use super::{Store, StoreError, hubs::expect_hub};
use crate::hub::{HubName, Role};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection, sqlite::SqliteRow};

/// Rows of one INSERT: a statement of `SQLite` takes 32,766 parameters, one of `PostgreSQL` 65,535.
const ROWS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub username: String,
    pub full_name: String,
    pub created_at: Timestamp,
}

impl Store {
    pub async fn person(&self, username: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query("SELECT full_name, created_at FROM people WHERE username = $1")
            .bind(username)
            .fetch_optional(&self.pool.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let created_at = time(row.try_get(1)?)?;
        let (username, full_name) = (username.into(), row.try_get(0)?);
        Ok(Some(Person { username, full_name, created_at }))
    }

    /// By username, at most so many.
    pub async fn people(&self, most: u32) -> Result<Vec<Person>, StoreError> {
        let rows = sqlx::query(
            "SELECT username, full_name, created_at FROM people ORDER BY username LIMIT $1",
        )
        .bind(most)
        .fetch_all(&self.pool.reader)
        .await?;
        let person = |row: &SqliteRow| {
            Ok(Person {
                username: row.try_get(0)?,
                full_name: row.try_get(1)?,
                created_at: time(row.try_get(2)?)?,
            })
        };
        rows.iter().map(person).collect()
    }

    /// Adds a person, or gives one who was known by username only their name.
    pub async fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        let mut writing = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO people (username, full_name, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (username) DO UPDATE SET full_name = excluded.full_name",
        )
        .bind(&person.username)
        .bind(&person.full_name)
        .bind(person.created_at.as_microsecond())
        .execute(&mut *writing)
        .await?;
        Ok(writing.commit().await?)
    }

    /// What a person is to which hubs, by the hub's name.
    pub async fn roles_of(&self, username: &str) -> Result<Vec<(HubName, Role)>, StoreError> {
        let rows =
            sqlx::query("SELECT hub, role FROM roles WHERE username = $1 ORDER BY hub, role")
                .bind(username)
                .fetch_all(&self.pool.reader)
                .await?;
        let roles = rows.iter().map(|row| {
            let hub: &str = row.try_get(0)?;
            Ok((hub.parse().map_err(StoreError::row("role"))?, role_from(row.try_get(1)?)?))
        });
        roles.collect()
    }

    /// Gives a person a role; `false` when that changes nothing. An owner is a member already, and who becomes an owner
    /// is no longer listed as a member.
    pub async fn set_role(
        &self,
        hub: &HubName,
        username: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        expect_hub(&mut writing, hub).await?;
        if role == Role::Member && has_role(&mut writing, hub, username, Role::Owner).await? {
            return Ok(false);
        }
        if role == Role::Owner {
            delete_role(&mut writing, hub, username, Role::Member).await?;
        }
        let usernames = [username.to_owned()];
        insert(&mut writing, &usernames, now).await?;
        let changed = insert_roles(&mut writing, hub, role, &usernames).await? > 0;
        writing.commit().await?;
        Ok(changed)
    }

    /// Takes a role away; `false` when the person did not have it.
    pub async fn drop_role(
        &self,
        hub: &HubName,
        username: &str,
        role: Role,
    ) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let changed = delete_role(&mut writing, hub, username, role).await?;
        writing.commit().await?;
        Ok(changed)
    }

    /// Makes a person no longer member or owner.
    pub async fn leave(&self, hub: &HubName, username: &str) -> Result<Left, StoreError> {
        let mut writing = self.pool.begin().await?;
        expect_hub(&mut writing, hub).await?;
        if has_role(&mut writing, hub, username, Role::Owner).await? {
            let owners: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM roles WHERE hub = $1 AND role = 'owner'")
                    .bind(hub.as_str())
                    .fetch_one(&mut *writing)
                    .await?;
            if owners == 1 {
                return Ok(Left::LastOwner);
            }
        }
        let mut roles = Vec::new();
        for role in [Role::Owner, Role::Member] {
            if delete_role(&mut writing, hub, username, role).await? {
                roles.push(role);
            }
        }
        writing.commit().await?;
        Ok(Left::Roles(roles))
    }
}

/// What became of somebody's wish to leave a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// The roles that ended; none when there were none.
    Roles(Vec<Role>),
    /// They are the only owner: nothing changed.
    LastOwner,
}

fn time(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|error| StoreError::Row { what: "person", why: error.to_string() })
}

/// Those who are not there yet, known by their usernames only.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    usernames: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    for some in usernames.chunks(ROWS) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("INSERT INTO people (username, full_name, created_at) ");
        insert.push_values(some, |mut row, username| {
            row.push_bind(username).push_bind("").push_bind(now.as_microsecond());
        });
        insert.push(" ON CONFLICT (username) DO NOTHING");
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Returns how many did not have the role.
pub(super) async fn insert_roles(
    connection: &mut SqliteConnection,
    hub: &HubName,
    role: Role,
    usernames: &[String],
) -> Result<u64, StoreError> {
    let mut changed = 0;
    for some in usernames.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO roles (hub, username, role) ");
        insert.push_values(some, |mut row, username| {
            row.push_bind(hub.as_str()).push_bind(username).push_bind(role_word(role));
        });
        insert.push(" ON CONFLICT (hub, username, role) DO NOTHING");
        changed += insert.build().execute(&mut *connection).await?.rows_affected();
    }
    Ok(changed)
}

async fn has_role(
    connection: &mut SqliteConnection,
    hub: &HubName,
    username: &str,
    role: Role,
) -> Result<bool, StoreError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM roles WHERE hub = $1 AND username = $2 AND role = $3")
            .bind(hub.as_str())
            .bind(username)
            .bind(role_word(role))
            .fetch_optional(connection)
            .await?;
    Ok(found.is_some())
}

pub(super) async fn delete_role(
    connection: &mut SqliteConnection,
    hub: &HubName,
    username: &str,
    role: Role,
) -> Result<bool, StoreError> {
    let deleted = sqlx::query("DELETE FROM roles WHERE hub = $1 AND username = $2 AND role = $3")
        .bind(hub.as_str())
        .bind(username)
        .bind(role_word(role))
        .execute(connection)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
        Role::Subscriber => "subscriber",
        Role::Stargazer => "stargazer",
    }
}

pub(super) fn role_from(word: &str) -> Result<Role, StoreError> {
    match word {
        "owner" => Ok(Role::Owner),
        "member" => Ok(Role::Member),
        "subscriber" => Ok(Role::Subscriber),
        "stargazer" => Ok(Role::Stargazer),
        other => Err(StoreError::Row { what: "role", why: format!("`{other}`") }),
    }
}
