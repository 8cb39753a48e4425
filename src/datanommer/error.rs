//! What can go wrong with a history, in words for logs and for readers of a page.

use super::activity::MAX_BUCKETS;
use std::{path::PathBuf, time::Duration};

#[derive(Debug, thiserror::Error)]
pub enum DatanommerError {
    #[error(
        "`{0}` is no address of a history: `sqlite:PATH`, `sqlite::memory:` or `postgres://USER@HOST/DATABASE` is one"
    )]
    Address(String),
    #[error("the folder of the history {path} can't be made: {why}", path = .path.display())]
    Folder { path: PathBuf, why: std::io::Error },
    #[error(
        "the history {path} is locked by another process; stop that one, or give this one its own `[storage] path`",
        path = .0.display()
    )]
    Locked(PathBuf),
    #[error("the history {path} can't be opened: {why}", path = .path.display())]
    Open { path: PathBuf, why: sqlx::Error },
    #[error(
        "the history {path} is of version {found}, but this hubs knows version {known}; start a newer hubs",
        path = .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("`{name}` is {given}, but must be {from} to {to}")]
    Number { name: &'static str, given: u32, from: u32, to: u32 },
    #[error("`{name}` has {given} items, but may have {limit} at most")]
    TooMany { name: &'static str, given: usize, limit: usize },
    #[error("buckets of {0:?} are too small: a second is the least")]
    NoBucket(Duration),
    #[error(
        "buckets of {0:?} are too many: {MAX_BUCKETS} is the limit; take longer ones, or a later `start`"
    )]
    TooFine(Duration),
    #[error("the history has a message that no {by} wrote: {what}")]
    Row { by: &'static str, what: String },
    #[error("the history failed: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("the history is the database of a datanommer, {0}: hubs only reads it")]
    ReadOnly(String),
    #[error(
        "datanommer's database {place} can't be reached: {why}; is it running, and is `[datanommer] url` right?"
    )]
    Unreachable { place: String, why: String },
    #[error(
        "datanommer's database {place} does not let `{user}` in: {why}; `[datanommer] password` or the url sets the password"
    )]
    Login { place: String, user: String, why: String },
    #[error("there is no database {place}: {why}; the last part of `[datanommer] url` names it")]
    NoDatabase { place: String, why: String },
    #[error(
        "{place} is no database of datanommer 1.x: {why}; `[datanommer] url` must name one, with the tables of datanommer.models in its search path"
    )]
    Schema { place: String, why: String },
    #[error(
        "`{user}` may not read datanommer's database {place}: {why}; it needs SELECT on all tables"
    )]
    Forbidden { place: String, user: String, why: String },
    #[error(
        "datanommer's database {place} took longer than {limit:?} (`[datanommer] timeout`); ask for less: a later `start`, fewer names"
    )]
    TooSlow { place: String, limit: Duration },
    #[error(
        "all connections to datanommer's database {place} were busy for {limit:?}; `[datanommer] connections` allows more"
    )]
    Busy { place: String, limit: Duration },
}

impl DatanommerError {
    /// Whether it may be over in a while, without anybody setting anything right.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TooSlow { .. } | Self::Busy { .. })
    }
}
