//! The journal: which instances are invalid, which messages were taken, and how far each bus was read.
//!
//! A file of its own, since each write is on disk before it counts. One task owns it; what waits while it writes goes
//! into the next transaction together, so that a thousand callers cost a handful of disk flushes.

use super::{StoreError, sqlite};
use crate::hub::{Cause, InstanceId};
use jiff::Timestamp;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection};
use std::path::Path;
use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};
use tokio::sync::{mpsc, oneshot};

pub(super) const SCHEMA: [&str; 2] =
    [include_str!("journal.sql"), include_str!("journal_taken.sql")];

/// Requests that wait for the disk; when they are as many, the next caller waits to hand in its own.
const WAITING: usize = 1_024;

/// Requests of one transaction.
const GROUP: usize = 256;

/// Marks that are kept. A broker gives again what was not acknowledged, some dozens; catching up overlaps by minutes.
pub const MARKS: usize = 65_536;

/// The last message that was taken from a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which bus, as counters name it: `fedmsg`.
    pub source: &'static str,
    pub id: String,
    pub sent_at: Timestamp,
}

/// Messages that were judged: whom they concern, and what is to be known of them after a crash.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub invalidations: Vec<(InstanceId, Cause)>,
    /// Of a bus that must be caught up with, the one that was sent last.
    pub seen: Option<Seen>,
    /// By which the messages are known again, see [`mark_of`].
    pub marks: Vec<u64>,
}

/// A message's id in eight bytes.
pub fn mark_of(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}

/// An invalidation that nobody has settled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub instance: InstanceId,
    /// Of its latest invalidation.
    pub sequence: u64,
    pub cause: Cause,
}

/// A handle; clones share the file. It is closed when the last is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    requests: mpsc::Sender<Request>,
    sequence: Arc<AtomicU64>,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

#[derive(Debug)]
enum Request {
    Take(Taken, Answer<u64>),
    Settle(Vec<(InstanceId, u64)>, Answer<()>),
    Pending(Answer<Vec<Pending>>),
    LastSeen(&'static str, Answer<Option<Seen>>),
    Marks(Answer<Vec<u64>>),
}

impl Journal {
    /// Opens a file, and makes it when it is missing.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = sqlite::durable(path, &SCHEMA).await?;
        let sequence = Arc::new(AtomicU64::new(first_sequence(&mut connection).await?));
        let (requests, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write_in_groups(connection, waiting, Arc::clone(&sequence)));
        Ok(Self { requests, sequence })
    }

    /// Notes what messages invalidated, and that they were taken, in one transaction that is on disk when this returns.
    /// Returns the sequence of these invalidations: larger than any before, in this run and in earlier ones.
    pub async fn take(&self, taken: Taken) -> Result<u64, StoreError> {
        self.ask(|answer| Request::Take(taken, answer)).await
    }

    /// Forgets invalidations up to the given sequences; later ones of the same instances stay.
    pub async fn settle(&self, settled: &[(InstanceId, u64)]) -> Result<(), StoreError> {
        let settled = settled.to_vec();
        self.ask(|answer| Request::Settle(settled, answer)).await
    }

    /// What is not settled, oldest first.
    pub async fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        self.ask(Request::Pending).await
    }

    /// Of the messages that were taken from a bus the one that was sent last.
    pub async fn last_seen(&self, source: &'static str) -> Result<Option<Seen>, StoreError> {
        self.ask(|answer| Request::LastSeen(source, answer)).await
    }

    /// Of the messages that were taken last, oldest first: [`MARKS`] or a few more.
    pub async fn marks(&self) -> Result<Vec<u64>, StoreError> {
        self.ask(Request::Marks).await
    }

    /// The sequence of the latest invalidation on disk. Data that is read after this was asked is as new as that.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

/// Where counting goes on. A new journal begins with the time: above all that an older one, now lost, may have
/// stamped on what is still in the cache.
async fn first_sequence(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let known: Option<i64> =
        sqlx::query_scalar("SELECT sequence FROM state").fetch_optional(&mut *connection).await?;
    if let Some(sequence) = known {
        return Ok(sequence.unsigned_abs());
    }
    let now = Timestamp::now().as_microsecond();
    sqlx::query("INSERT INTO state (sequence) VALUES ($1)").bind(now).execute(connection).await?;
    Ok(now.unsigned_abs())
}

async fn write_in_groups(
    mut connection: SqliteConnection,
    mut waiting: mpsc::Receiver<Request>,
    sequence: Arc<AtomicU64>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let before = sequence.load(Ordering::Acquire);
        let written = write(&mut connection, &group, before).await.map_err(Arc::new);
        if let Ok(after) = written {
            sequence.store(after, Ordering::Release);
        }
        let mut given = before;
        let result = || written.as_ref().map_err(|error| StoreError::Journal(Arc::clone(error)));
        // Who no longer waits for the answer does not need it.
        for request in group.drain(..) {
            match request {
                Request::Take(_, answer) => {
                    given += 1;
                    let _ = answer.send(result().map(|_| given));
                }
                Request::Settle(_, answer) => _ = answer.send(result().map(|_| ())),
                Request::Pending(answer) => _ = answer.send(read_pending(&mut connection).await),
                Request::LastSeen(source, answer) => {
                    let _ = answer.send(read_seen(&mut connection, source).await);
                }
                Request::Marks(answer) => _ = answer.send(read_marks(&mut connection).await),
            }
        }
    }
    // An error here changes nothing: all that counts is on disk.
    let _ = connection.close().await;
}

/// Writes a group as one transaction; returns the last sequence it gave.
async fn write(
    connection: &mut SqliteConnection,
    group: &[Request],
    mut sequence: u64,
) -> Result<u64, sqlx::Error> {
    if !group.iter().any(|one| matches!(one, Request::Take(..) | Request::Settle(..))) {
        return Ok(sequence);
    }
    let mut writing = connection.begin_with("BEGIN IMMEDIATE").await?;
    for request in group {
        match request {
            Request::Take(taken, _) => {
                sequence += 1;
                for (instance, cause) in &taken.invalidations {
                    sqlx::query(
                        "INSERT INTO pending (instance, sequence, message, topic) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (instance) DO UPDATE SET sequence = excluded.sequence,
                             message = excluded.message, topic = excluded.topic",
                    )
                    .bind(signed(instance.0))
                    .bind(signed(sequence))
                    .bind(&cause.id)
                    .bind(&cause.topic)
                    .execute(&mut *writing)
                    .await?;
                }
                note(&mut writing, taken).await?;
            }
            Request::Settle(settled, _) => {
                for (instance, sequence) in settled {
                    sqlx::query("DELETE FROM pending WHERE instance = $1 AND sequence <= $2")
                        .bind(signed(instance.0))
                        .bind(signed(*sequence))
                        .execute(&mut *writing)
                        .await?;
                }
            }
            Request::Pending(_) | Request::LastSeen(..) | Request::Marks(_) => {}
        }
    }
    sqlx::query("UPDATE state SET sequence = $1")
        .bind(signed(sequence))
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(sequence)
}

/// Which messages were taken, and how far the buses were read.
async fn note(writing: &mut SqliteConnection, taken: &Taken) -> Result<(), sqlx::Error> {
    if let Some(seen) = &taken.seen {
        sqlx::query(
            "INSERT INTO seen (source, id, sent_at) VALUES ($1, $2, $3)
             ON CONFLICT (source) DO UPDATE SET id = excluded.id, sent_at = excluded.sent_at
                 WHERE excluded.sent_at >= seen.sent_at",
        )
        .bind(seen.source)
        .bind(&seen.id)
        .bind(seen.sent_at.as_microsecond())
        .execute(&mut *writing)
        .await?;
    }
    if taken.marks.is_empty() {
        return Ok(());
    }
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO taken (mark) ");
    insert.push_values(&taken.marks, |mut row, mark| {
        row.push_bind(mark.cast_signed());
    });
    insert.build().execute(&mut *writing).await?;
    // Places only grow, so that the oldest are a range.
    sqlx::query("DELETE FROM taken WHERE place <= (SELECT MAX(place) FROM taken) - $1")
        .bind(i64::try_from(MARKS).expect("a few thousand"))
        .execute(&mut *writing)
        .await?;
    Ok(())
}

async fn read_pending(connection: &mut SqliteConnection) -> Result<Vec<Pending>, StoreError> {
    let rows = sqlx::query(
        "SELECT instance, sequence, message, topic FROM pending ORDER BY sequence, instance",
    )
    .fetch_all(connection)
    .await?;
    let pending = rows.iter().map(|row| {
        Ok(Pending {
            instance: InstanceId(row.try_get::<i64, _>(0)?.unsigned_abs()),
            sequence: row.try_get::<i64, _>(1)?.unsigned_abs(),
            cause: Cause { id: row.try_get(2)?, topic: row.try_get(3)? },
        })
    });
    pending.collect()
}

async fn read_seen(
    connection: &mut SqliteConnection,
    source: &'static str,
) -> Result<Option<Seen>, StoreError> {
    let sql = "SELECT id, sent_at FROM seen WHERE source = $1";
    let row: Option<(String, i64)> =
        sqlx::query_as(sql).bind(source).fetch_optional(connection).await?;
    let seen = row.and_then(|(id, at)| Some((id, Timestamp::from_microsecond(at).ok()?)));
    Ok(seen.map(|(id, sent_at)| Seen { source, id, sent_at }))
}

async fn read_marks(connection: &mut SqliteConnection) -> Result<Vec<u64>, StoreError> {
    let sql = "SELECT mark FROM taken ORDER BY place";
    let marks: Vec<i64> = sqlx::query_scalar(sql).fetch_all(connection).await?;
    Ok(marks.into_iter().map(i64::cast_unsigned).collect())
}

/// Sequences and ids stay far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
