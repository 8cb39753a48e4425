//! Opening the file: its schema, one writer, a few readers.

use crate::datanommer::DatanommerError as Error;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::{path::Path, path::PathBuf, time::Duration};

/// The schema's version, kept in the file's `user_version`.
const VERSION: i64 = 2;

/// How long a writer waits for another process. Tests see one wait in vain.
const BUSY: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// Readers at once, each in the middle of a question; the next one waits for its turn.
const READERS: u32 = 4;

/// A writer and readers; in memory both are the one connection that has it.
pub(super) async fn open(url: &str) -> Result<(SqlitePool, SqlitePool), Error> {
    let place = url.strip_prefix("sqlite:").filter(|place| !place.is_empty());
    let place = place.ok_or_else(|| Error::Address(url.into()))?;
    let single = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    if place == ":memory:" {
        let options = SqliteConnectOptions::new().in_memory(true);
        let only = single.min_connections(1).connect_with(options).await?;
        prepare(&only, Path::new(place)).await?;
        return Ok((only.clone(), only));
    }
    let path = PathBuf::from(place);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|why| Error::Folder { path: path.clone(), why })?;
    }
    // A power cut may take the last messages from the history, never what they invalidated: that is in the journal.
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY);
    let writer = single.connect_with(options.clone()).await.map_err(|why| opening(&path, why))?;
    prepare(&writer, &path).await?;
    let several = SqlitePoolOptions::new().max_connections(READERS);
    Ok((writer, several.connect_lazy_with(options.read_only(true))))
}

/// Makes what is missing of the schema.
async fn prepare(writer: &SqlitePool, path: &Path) -> Result<(), Error> {
    let wrong = |why| opening(path, why);
    let mut step = writer.begin_with("BEGIN IMMEDIATE").await.map_err(wrong)?;
    let found: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *step).await.map_err(wrong)?;
    if found > VERSION {
        return Err(Error::Newer { path: path.into(), found, known: VERSION });
    }
    sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *step).await.map_err(wrong)?;
    if found == 1 {
        // Version 1 had no name for what has none; datanommer has.
        let named = "UPDATE messages SET category = 'Unclassified' WHERE category = ''";
        sqlx::raw_sql(named).execute(&mut *step).await.map_err(wrong)?;
    }
    let version = format!("PRAGMA user_version = {VERSION}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(version)).execute(&mut *step).await.map_err(wrong)?;
    step.commit().await.map_err(wrong)
}

fn opening(path: &Path, why: sqlx::Error) -> Error {
    // 5 and 6 are SQLITE_BUSY and SQLITE_LOCKED; what stands above the low byte says more of the same.
    let code = why.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => Error::Locked(path.into()),
        _ => Error::Open { path: path.into(), why },
    }
}
