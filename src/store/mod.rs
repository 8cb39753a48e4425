//! Hubs, the people on them, their roles and the instances, in a database; and the journal of what is invalid.
//!
//! Everything here outlives caches and restarts. A change is one transaction, and a hub is written whole or not at all.
//! Names in the database are checked again when they are read: another program may have written them. Queries are
//! such as `PostgreSQL` runs too; what is `SQLite`'s own is in `sqlite`. Knows no widget's parameters and no script.

mod blueprint;
mod bookmarks;
pub mod demo;
mod edits;
mod hubs;
mod instances;
mod journal;
mod people;
mod sessions;
mod sqlite;

pub use blueprint::{hub_from, user_hub};
pub use bookmarks::Bookmark;
pub use edits::{
    CONFIG_BYTES, Clash, Conflict, Details, Edit, EditError, KEPT, Misfit, Revision,
    SUMMARY_LETTERS, Sheet, Step, URL_LETTERS, WIDGETS, What,
};
pub use journal::{Journal, MARKS, Pending, Seen, Taken, mark_of};
pub use people::{Left, Person};
pub use sessions::{LOGIN_TAKES, Lifetime, NewSession, PendingLogin, Session, TokenHash};

use crate::hub::{Column, Config, HubName, NameError, WidgetName};
use sqlite::Pool;
use std::{path::PathBuf, sync::Arc};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("`{0}` is no address of a store: `sqlite:PATH` or `sqlite::memory:` is one")]
    Address(String),
    #[error("the folder of the database {path} can't be made: {why}", path = .path.display())]
    Folder { path: PathBuf, why: std::io::Error },
    #[error(
        "the database {path} is locked by another process; stop that one, or give this one its own `[storage] path`",
        path = .0.display()
    )]
    Locked(PathBuf),
    #[error("the database {path} can't be opened: {why}", path = .path.display())]
    Open { path: PathBuf, why: sqlx::Error },
    #[error(
        "the database {path} is of version {found}, but this hubs knows versions up to {known}; start a newer hubs",
        path = .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("there is no hub `{0}`")]
    NoSuchHub(HubName),
    #[error("the database has a {what} that no hubs wrote: {why}")]
    Row { what: &'static str, why: String },
    #[error("the journal can't be written: {0}")]
    Journal(Arc<sqlx::Error>),
    #[error("the journal is closed")]
    Closed,
    #[error("the database failed: {0}")]
    Sql(#[from] sqlx::Error),
}

/// A widget to be placed; it goes below those that are in its column already.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInstance {
    pub widget: WidgetName,
    pub column: Column,
    pub config: Config,
}

/// A handle; clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
}

impl Store {
    /// Opens `sqlite:PATH`, and makes it when it is missing; `sqlite::memory:` ends with the last handle.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let versions = [
            include_str!("schema.sql"),
            include_str!("sessions.sql"),
            include_str!("schema_edits.sql"),
        ];
        let pool = Pool::open(url, &versions).await?;
        Ok(Self { pool })
    }

    /// Returns when what runs is done and the file is no longer used; then all handles answer errors.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl StoreError {
    fn row(what: &'static str) -> impl Fn(NameError) -> Self {
        move |error| Self::Row { what, why: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
