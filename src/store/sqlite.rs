//! What is `SQLite`'s own: opening, locking, the order of the schema's versions.

use super::StoreError;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, SqliteConnection, Transaction};
use std::{path::Path, path::PathBuf, time::Duration};

/// How long a writer waits for another process. Tests see one wait in vain.
const BUSY: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// Readers at once; the next one waits for its turn.
const READERS: u32 = 4;

/// One writer, since `SQLite` has no second, and a few readers beside it.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    writer: SqlitePool,
    pub(super) reader: SqlitePool,
}

impl Pool {
    pub(super) async fn open(url: &str, versions: &[&'static str]) -> Result<Self, StoreError> {
        let place = url.strip_prefix("sqlite:").filter(|place| !place.is_empty());
        let place = place.ok_or_else(|| StoreError::Address(url.into()))?;
        let path = PathBuf::from(place);
        // A database in memory belongs to its connection, so there must be one, for ever.
        let in_memory = place == ":memory:";
        let options = if in_memory {
            SqliteConnectOptions::new().in_memory(true)
        } else {
            file(&path, SqliteSynchronous::Normal)?
        };
        let single = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(u32::from(in_memory))
            .idle_timeout(None)
            .max_lifetime(None);
        let writer = single
            .connect_with(options.clone().foreign_keys(true))
            .await
            .map_err(|why| opening(&path, why))?;
        let mut connection = writer.acquire().await?;
        migrate(&mut connection, &path, versions).await?;
        drop(connection);
        let reader = if in_memory {
            writer.clone()
        } else {
            let several = SqlitePoolOptions::new().max_connections(READERS);
            several.connect_lazy_with(options.read_only(true))
        };
        Ok(Self { writer, reader })
    }

    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that may write. It takes the lock at once: one that reads first and then writes fails when another
    /// process wrote in between.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// One connection to a file, each of whose commits is on disk when it returns.
pub(super) async fn durable(
    path: &Path,
    versions: &[&'static str],
) -> Result<SqliteConnection, StoreError> {
    let options = file(path, SqliteSynchronous::Full)?;
    let connection = SqliteConnection::connect_with(&options).await;
    let mut connection = connection.map_err(|why| opening(path, why))?;
    migrate(&mut connection, path, versions).await?;
    Ok(connection)
}

fn file(path: &Path, synchronous: SqliteSynchronous) -> Result<SqliteConnectOptions, StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|why| StoreError::Folder { path: path.into(), why })?;
    }
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY))
}

fn opening(path: &Path, why: sqlx::Error) -> StoreError {
    // 5 and 6 are SQLITE_BUSY and SQLITE_LOCKED; what stands above the low byte says more of the same.
    let code = why.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Locked(path.into()),
        _ => StoreError::Open { path: path.into(), why },
    }
}

/// Brings the schema up to the newest version, each step once.
async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    versions: &[&'static str],
) -> Result<(), StoreError> {
    let wrong = |why| opening(path, why);
    let mut step = connection.begin_with("BEGIN IMMEDIATE").await.map_err(wrong)?;
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut *step)
        .await
        .map_err(wrong)?;
    let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM schema_versions")
        .fetch_one(&mut *step)
        .await
        .map_err(wrong)?;
    let known = i64::try_from(versions.len()).expect("a handful of versions");
    if found > known {
        return Err(StoreError::Newer { path: path.into(), found, known });
    }
    for (version, text) in (1..).zip(versions).filter(|(version, _)| *version > found) {
        sqlx::raw_sql(*text).execute(&mut *step).await.map_err(wrong)?;
        sqlx::query("INSERT INTO schema_versions (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *step)
            .await
            .map_err(wrong)?;
    }
    step.commit().await.map_err(wrong)
}
