//! The journal: which instances are invalid, and the last message that was seen.
//!
//! A file of its own, since each write is on disk before it counts. One task owns it; what waits while it writes goes
//! into the next transaction together, so that a thousand callers cost a handful of disk flushes.

use super::{StoreError, sqlite};
use crate::hub::{Cause, InstanceId};
use jiff::Timestamp;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use std::path::Path;
use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};
use tokio::sync::{mpsc, oneshot};

/// Requests that wait for the disk; when they are as many, the next caller waits to hand in its own.
const WAITING: usize = 1_024;

/// Requests of one transaction.
const GROUP: usize = 256;

/// The last message that was taken from the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub sent_at: Timestamp,
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
    Invalidate(Vec<(InstanceId, Cause)>, Option<Seen>, Answer<u64>),
    Settle(Vec<(InstanceId, u64)>, Answer<()>),
    Pending(Answer<Vec<Pending>>),
    LastSeen(Answer<Option<Seen>>),
}

impl Journal {
    /// Opens a file, and makes it when it is missing.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = sqlite::durable(path, &[include_str!("journal.sql")]).await?;
        let sequence = Arc::new(AtomicU64::new(first_sequence(&mut connection).await?));
        let (requests, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write_in_groups(connection, waiting, Arc::clone(&sequence)));
        Ok(Self { requests, sequence })
    }

    /// Notes that instances are invalid, and how far the bus was read, in one transaction that is on disk when this
    /// returns. Returns the sequence of these invalidations: larger than any before, in this run and in earlier ones.
    pub async fn invalidate(
        &self,
        instances: &[(InstanceId, Cause)],
        seen: Option<&Seen>,
    ) -> Result<u64, StoreError> {
        let (instances, seen) = (instances.to_vec(), seen.cloned());
        self.ask(|answer| Request::Invalidate(instances, seen, answer)).await
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

    /// The seen message that was sent last.
    pub async fn last_seen(&self) -> Result<Option<Seen>, StoreError> {
        self.ask(Request::LastSeen).await
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
                Request::Invalidate(_, _, answer) => {
                    given += 1;
                    let _ = answer.send(result().map(|_| given));
                }
                Request::Settle(_, answer) => _ = answer.send(result().map(|_| ())),
                Request::Pending(answer) => _ = answer.send(read_pending(&mut connection).await),
                Request::LastSeen(answer) => _ = answer.send(read_seen(&mut connection).await),
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
    if group.iter().all(|one| matches!(one, Request::Pending(_) | Request::LastSeen(_))) {
        return Ok(sequence);
    }
    let mut writing = connection.begin_with("BEGIN IMMEDIATE").await?;
    for request in group {
        match request {
            Request::Invalidate(instances, seen, _) => {
                sequence += 1;
                for (instance, cause) in instances {
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
                if let Some(seen) = seen {
                    sqlx::query(
                        "UPDATE state SET seen_id = $1, seen_sent_at = $2
                         WHERE seen_sent_at IS NULL OR seen_sent_at <= $2",
                    )
                    .bind(&seen.id)
                    .bind(seen.sent_at.as_microsecond())
                    .execute(&mut *writing)
                    .await?;
                }
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
            Request::Pending(_) | Request::LastSeen(_) => {}
        }
    }
    sqlx::query("UPDATE state SET sequence = $1")
        .bind(signed(sequence))
        .execute(&mut *writing)
        .await?;
    writing.commit().await?;
    Ok(sequence)
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

async fn read_seen(connection: &mut SqliteConnection) -> Result<Option<Seen>, StoreError> {
    let row = sqlx::query("SELECT seen_id, seen_sent_at FROM state").fetch_one(connection).await?;
    let (id, sent_at): (Option<String>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    let sent_at = sent_at.and_then(|at| Timestamp::from_microsecond(at).ok());
    Ok(id.zip(sent_at).map(|(id, sent_at)| Seen { id, sent_at }))
}

/// Sequences and ids stay far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
