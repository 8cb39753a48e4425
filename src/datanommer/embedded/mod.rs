//! The history that hubs keeps itself, in one file of `SQLite`.
//!
//! One writer, a few readers. What is asked for by name, topic, category or time is found by an index, and what is too
//! old or too much goes in small steps: nobody waits long for either.

mod database;
mod sql;

use super::activity::{Counted, Length};
use super::stats::Stats;
use super::{DatanommerError, Page, Query, category};
use crate::message::{Description, Message, Wire};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Messages that one transaction of [`Embedded::prune`] deletes: so nobody waits long for it.
const PRUNED_AT_ONCE: i64 = 500;

/// Messages that one statement inserts.
const MESSAGES_AT_ONCE: usize = 200;

/// Names that one statement inserts; one of `SQLite` takes 32,766 parameters.
const ROWS_AT_ONCE: usize = 5_000;

#[derive(Debug, Clone)]
pub(super) struct Embedded {
    pub(super) writer: SqlitePool,
    pub(super) reader: SqlitePool,
}

impl Embedded {
    /// Opens `sqlite:PATH`, and makes it when it is missing; `sqlite::memory:` ends with the last handle.
    pub(super) async fn open(url: &str) -> Result<Self, DatanommerError> {
        let (writer, reader) = database::open(url).await?;
        Ok(Self { writer, reader })
    }

    /// Returns when what runs is done and the file is no longer used; then all handles answer errors.
    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Adds messages in one transaction. One that is there, by id and time, is skipped; returns how many were not.
    pub(super) async fn add(&self, messages: &[Arc<Message>]) -> Result<usize, DatanommerError> {
        let mut writing = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let mut added = Vec::with_capacity(messages.len());
        for some in messages.chunks(MESSAGES_AT_ONCE) {
            insert(&mut writing, some, &mut added).await?;
        }
        insert_names(&mut writing, "users_messages", &added, |about| &about.usernames).await?;
        insert_names(&mut writing, "packages_messages", &added, |about| &about.packages).await?;
        writing.commit().await?;
        Ok(added.len())
    }

    /// One page of the messages that a question is about.
    pub(super) async fn grep(&self, query: &Query) -> Result<Page, DatanommerError> {
        query.check()?;
        let mut reading = self.reader.begin().await?;
        let total = query.count_sql().build_query_scalar::<i64>().fetch_one(&mut *reading).await?;
        let rows = query.page_sql().build().fetch_all(&mut *reading).await?;
        let messages = rows.iter().map(from_row).collect::<Result<_, _>>()?;
        let total = total.unsigned_abs();
        Ok(Page { total, pages: total.div_ceil(query.rows_per_page.into()), messages })
    }

    /// How many messages a question is about.
    pub(super) async fn count(&self, query: &Query) -> Result<u64, DatanommerError> {
        query.check()?;
        let total = query.count_sql().build_query_scalar::<i64>().fetch_one(&self.reader).await?;
        Ok(total.unsigned_abs())
    }

    pub(super) async fn activity(
        &self,
        query: &Query,
        length: Length,
    ) -> Result<Vec<Counted>, DatanommerError> {
        let mut sql = query.activity_sql(length);
        Ok(sql.build_query_as().fetch_all(&self.reader).await?)
    }

    pub(super) async fn stats(&self) -> Result<Stats, DatanommerError> {
        let rows = sqlx::query_as(STATS).fetch_all(&self.reader).await?;
        let bytes = self.used_bytes().await?;
        Stats::new(rows, bytes)
    }

    /// Up to when an import from `source` has come, if there was one.
    pub(super) async fn imported(
        &self,
        source: &str,
    ) -> Result<Option<Timestamp>, DatanommerError> {
        let sql = "SELECT until FROM imports WHERE source = $1";
        let until: Option<i64> =
            sqlx::query_scalar(sql).bind(source).fetch_optional(&self.reader).await?;
        Ok(until.and_then(|until| Timestamp::from_microsecond(until).ok()))
    }

    pub(super) async fn note_imported(
        &self,
        source: &str,
        until: Timestamp,
    ) -> Result<(), DatanommerError> {
        let sql = "INSERT INTO imports (source, until) VALUES ($1, $2)
                   ON CONFLICT (source) DO UPDATE SET until = excluded.until";
        sqlx::query(sql).bind(source).bind(until.as_microsecond()).execute(&self.writer).await?;
        Ok(())
    }

    /// Deletes the messages that are older than `keep` at `now`, then the oldest while all take more than `keep_bytes`;
    /// returns how many.
    pub(super) async fn prune(
        &self,
        keep: Duration,
        keep_bytes: u64,
        now: Timestamp,
    ) -> Result<u64, DatanommerError> {
        let mut pruned = 0;
        if let Ok(before) = now.checked_sub(keep) {
            while let some @ 1.. = self.prune_some(before).await? {
                pruned += some;
            }
        }
        while self.used_bytes().await? > keep_bytes {
            match self.prune_some(Timestamp::MAX).await? {
                0 => break,
                some => pruned += some,
            }
        }
        Ok(pruned)
    }

    /// Pages that hold something. Those that deleted messages leave are filled again before the file grows.
    async fn used_bytes(&self) -> Result<u64, DatanommerError> {
        let sql = "SELECT (page_count - freelist_count) * page_size
                   FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        Ok(sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.writer).await?.unsigned_abs())
    }

    async fn prune_some(&self, before: Timestamp) -> Result<u64, DatanommerError> {
        let mut writing = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for names in [PRUNE_USERS, PRUNE_PACKAGES] {
            delete(&mut writing, names, before).await?;
        }
        let deleted = delete(&mut writing, PRUNE_MESSAGES, before).await?;
        writing.commit().await?;
        Ok(deleted)
    }
}

/// One walk over the index by category and time.
const STATS: &str = "SELECT category, count(*), min(timestamp), max(timestamp)
     FROM messages INDEXED BY messages_by_category GROUP BY category ORDER BY category";

async fn delete(
    writing: &mut Transaction<'_, Sqlite>,
    statement: &'static str,
    before: Timestamp,
) -> Result<u64, DatanommerError> {
    let delete = sqlx::query(statement).bind(before.as_microsecond()).bind(PRUNED_AT_ONCE);
    Ok(delete.execute(&mut **writing).await?.rows_affected())
}

/// The names of a message are in its description too: so its rows are found by their key.
pub(super) const PRUNE_USERS: &str =
    "DELETE FROM users_messages WHERE (name, timestamp, message_id) IN (
         SELECT names.value, old.timestamp, old.id
         FROM (SELECT * FROM messages WHERE timestamp < $1 ORDER BY timestamp, id LIMIT $2) AS old,
              json_each(old.description, '$.usernames') AS names)";

pub(super) const PRUNE_PACKAGES: &str =
    "DELETE FROM packages_messages WHERE (name, timestamp, message_id) IN (
         SELECT names.value, old.timestamp, old.id
         FROM (SELECT * FROM messages WHERE timestamp < $1 ORDER BY timestamp, id LIMIT $2) AS old,
              json_each(old.description, '$.packages') AS names)";

pub(super) const PRUNE_MESSAGES: &str = "DELETE FROM messages WHERE id IN (
         SELECT id FROM messages WHERE timestamp < $1 ORDER BY timestamp, id LIMIT $2)";

/// Adds those that are new to `added`, each with the id of its row.
async fn insert<'m>(
    writing: &mut Transaction<'_, Sqlite>,
    messages: &'m [Arc<Message>],
    added: &mut Vec<(i64, &'m Message)>,
) -> Result<(), DatanommerError> {
    let mut insert = QueryBuilder::<Sqlite>::new(
        "INSERT INTO messages (msg_id, timestamp, topic, category, wire, msg, headers, description) ",
    );
    insert.push_values(messages, |mut row, message| {
        row.push_bind(&message.id)
            .push_bind(message.sent_at.as_microsecond())
            .push_bind(message.topic.as_str())
            .push_bind(category(&message.topic))
            .push_bind(wire_word(message.wire))
            .push_bind(message.body.to_string())
            .push_bind(json(&*message.headers))
            .push_bind(json(&message.description));
    });
    insert.push(" ON CONFLICT (msg_id, timestamp) DO NOTHING RETURNING id, msg_id, timestamp");
    let rows = insert.build().fetch_all(&mut **writing).await?;
    // Backwards, so that of doubles the first one stays: that is the one which was inserted.
    let by_identity: HashMap<(&str, i64), &Message> = messages
        .iter()
        .rev()
        .map(|message| ((&*message.id, message.sent_at.as_microsecond()), &**message))
        .collect();
    for row in &rows {
        let identity = (row.try_get(1)?, row.try_get(2)?);
        if let Some(message) = by_identity.get(&identity) {
            added.push((row.try_get(0)?, message));
        }
    }
    Ok(())
}

/// Notes whom or what new messages are about.
async fn insert_names(
    writing: &mut Transaction<'_, Sqlite>,
    table: &'static str,
    added: &[(i64, &Message)],
    names: impl Fn(&Description) -> &[String],
) -> Result<(), DatanommerError> {
    let rows = added.iter().flat_map(|(id, message)| {
        let sent_at = message.sent_at.as_microsecond();
        names(&message.description).iter().map(move |name| (name, sent_at, *id))
    });
    let rows: Vec<_> = rows.collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        let into = format!("INSERT INTO {table} (name, timestamp, message_id) ");
        let mut insert = QueryBuilder::<Sqlite>::new(into);
        insert.push_values(some, |mut row, (name, sent_at, id)| {
            row.push_bind(*name).push_bind(*sent_at).push_bind(*id);
        });
        insert.push(" ON CONFLICT (name, timestamp, message_id) DO NOTHING");
        insert.build().execute(&mut **writing).await?;
    }
    Ok(())
}

fn from_row(row: &SqliteRow) -> Result<Message, DatanommerError> {
    let unfit = |what: &str, why: &dyn std::fmt::Display| DatanommerError::Row {
        by: "hubs",
        what: format!("{what}: {why}"),
    };
    let topic: String = row.try_get("topic")?;
    Ok(Message {
        id: row.try_get("msg_id")?,
        topic: topic.into(),
        sent_at: Timestamp::from_microsecond(row.try_get("timestamp")?)
            .map_err(|why| unfit("timestamp", &why))?,
        wire: match row.try_get("wire")? {
            "fedmsg" => Wire::Fedmsg,
            "fedora_messaging" => Wire::FedoraMessaging,
            other => return Err(unfit("wire", &other)),
        },
        body: serde_json::from_str(row.try_get("msg")?).map_err(|why| unfit("msg", &why))?,
        headers: serde_json::from_str(row.try_get("headers")?)
            .map_err(|why| unfit("headers", &why))?,
        description: serde_json::from_str(row.try_get("description")?)
            .map_err(|why| unfit("description", &why))?,
    })
}

fn wire_word(wire: Wire) -> &'static str {
    match wire {
        Wire::Fedmsg => "fedmsg",
        Wire::FedoraMessaging => "fedora_messaging",
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("headers and descriptions have only text keys")
}
