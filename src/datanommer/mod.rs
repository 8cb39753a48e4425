//! The history of messages, and questions to it.
//!
//! hubs keeps what it has seen in a file of its own, for as long as hubs.toml says; or it reads the database of a real
//! datanommer. Questions have the same answers from both, with the meaning of datanommer's `grep`: OR within a list, AND
//! between lists, `not_` lists shut out. None but one for everything reads more than the messages of whom it asks about.
//! Knows no bus, no script and no feed.

mod activity;
mod embedded;
mod error;
mod postgres;
mod query;
mod stats;

pub use activity::{Bucket, MAX_BUCKETS};
pub use error::DatanommerError;
pub use query::{GroupedPage, Order, Page, Query};
pub use stats::{CategoryStats, Stats};

use crate::config::DatanommerSettings;
use crate::message::{Group, Message, Topic, Words};
use activity::Length;
use embedded::Embedded;
use jiff::Timestamp;
use postgres::Postgres;
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A handle; clones share the connections.
#[derive(Clone)]
pub struct Datanommer {
    kept: Kept,
    words: Arc<OnceLock<Arc<dyn Words>>>,
}

/// A datanommer's database, as it shows itself to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Of PostgreSQL.
    pub version: String,
    pub user: String,
    /// About so many; 0 too where nobody counted yet.
    pub messages: u64,
    /// When the last one was sent.
    pub latest: Option<Timestamp>,
}

#[derive(Debug, Clone)]
enum Kept {
    Here(Embedded),
    There(Postgres),
}

impl fmt::Debug for Datanommer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kept.fmt(f)
    }
}

impl From<Kept> for Datanommer {
    fn from(kept: Kept) -> Self {
        Self { kept, words: Arc::default() }
    }
}

impl Datanommer {
    /// Opens `sqlite:PATH`, and makes it when it is missing; `sqlite::memory:` ends with the last handle.
    pub async fn open(url: &str) -> Result<Self, DatanommerError> {
        Ok(Self::from(Kept::Here(Embedded::open(url).await?)))
    }

    /// What hubs.toml says. A datanommer's database is not asked anything yet: see [`Datanommer::check`].
    pub async fn of(settings: &DatanommerSettings) -> Result<Self, DatanommerError> {
        if settings.url.is_postgres() {
            return Ok(Self::from(Kept::There(Postgres::new(settings)?)));
        }
        Self::open(settings.url.as_str()).await
    }

    /// Whether questions can be answered.
    pub async fn check(&self) -> Result<(), DatanommerError> {
        match &self.kept {
            Kept::Here(_) => Ok(()),
            Kept::There(there) => there.check().await,
        }
    }

    /// What a datanommer's database has for us, if it lets us in; nothing where hubs keeps the messages itself.
    pub async fn inspect(&self) -> Result<Option<Inspection>, DatanommerError> {
        match &self.kept {
            Kept::Here(_) => Ok(None),
            Kept::There(there) => there.inspect().await.map(Some),
        }
    }

    /// Who knows the words for messages. Only the first call counts.
    pub fn worded_by(&self, words: Arc<dyn Words>) {
        // Whoever was first stays.
        let _ = self.words.set(words);
    }

    /// Whether hubs keeps the messages itself.
    pub fn is_kept_here(&self) -> bool {
        matches!(self.kept, Kept::Here(_))
    }

    /// Returns when what runs is done and the file is no longer used; then all handles answer errors.
    pub async fn close(&self) {
        match &self.kept {
            Kept::Here(here) => here.close().await,
            Kept::There(there) => there.close().await,
        }
    }

    /// Adds messages in one transaction. One that is there, by id and time, is skipped; returns how many were not.
    /// Adds none to a datanommer's database: datanommer does.
    pub async fn add(&self, messages: &[Arc<Message>]) -> Result<usize, DatanommerError> {
        match &self.kept {
            Kept::Here(here) => here.add(messages).await,
            Kept::There(_) => Ok(0),
        }
    }

    /// One page of the messages that a question is about. Of the same time, the one that was kept first is the older.
    pub async fn grep(&self, query: &Query) -> Result<Page, DatanommerError> {
        query.check()?;
        let mut page = match &self.kept {
            Kept::Here(here) => here.grep(query).await?,
            Kept::There(there) => there.grep(query).await?,
        };
        if let Some(words) = self.words.get()
            && page.messages.iter().any(|message| !message.description.is_worded())
        {
            page.messages = words.word(page.messages).await;
        }
        Ok(page)
    }

    /// The same page as the entries of a feed: messages that belong together are one. `total` and `pages` count messages.
    pub async fn grouped(&self, query: &Query) -> Result<GroupedPage, DatanommerError> {
        let Page { total, pages, messages } = self.grep(query).await?;
        let groups = match self.words.get() {
            Some(words) => words.group(messages).await,
            None => messages.into_iter().map(Group::single).collect(),
        };
        Ok(GroupedPage { total, pages, groups })
    }

    /// How many messages a question is about.
    pub async fn count(&self, query: &Query) -> Result<u64, DatanommerError> {
        query.check()?;
        match &self.kept {
            Kept::Here(here) => here.count(query).await,
            Kept::There(there) => there.count(query).await,
        }
    }

    /// How many messages a question is about, by category, in each stretch of time of a length.
    pub async fn activity(
        &self,
        query: &Query,
        bucket: Duration,
    ) -> Result<Vec<Bucket>, DatanommerError> {
        query.check()?;
        let length = Length::new(bucket)?;
        length.check(query)?;
        let rows = match &self.kept {
            Kept::Here(here) => here.activity(query, length).await?,
            Kept::There(there) => there.activity(query, length).await?,
        };
        length.fill(query, rows)
    }

    /// What there is, by category. Reads an index to its end, or a datanommer's whole table.
    pub async fn stats(&self) -> Result<Stats, DatanommerError> {
        match &self.kept {
            Kept::Here(here) => here.stats().await,
            Kept::There(there) => there.stats().await,
        }
    }

    /// Deletes the messages that are older than `keep` at `now`, then the oldest while all take more than `keep_bytes`;
    /// returns how many. A datanommer's database is left alone.
    pub async fn prune(
        &self,
        keep: Duration,
        keep_bytes: u64,
        now: Timestamp,
    ) -> Result<u64, DatanommerError> {
        match &self.kept {
            Kept::Here(here) => here.prune(keep, keep_bytes, now).await,
            Kept::There(_) => Ok(0),
        }
    }

    /// Up to when an import from `source` has come, if there was one.
    pub async fn imported(&self, source: &str) -> Result<Option<Timestamp>, DatanommerError> {
        self.kept_here()?.imported(source).await
    }

    pub async fn note_imported(
        &self,
        source: &str,
        until: Timestamp,
    ) -> Result<(), DatanommerError> {
        self.kept_here()?.note_imported(source, until).await
    }

    fn kept_here(&self) -> Result<&Embedded, DatanommerError> {
        match &self.kept {
            Kept::Here(here) => Ok(here),
            Kept::There(there) => Err(DatanommerError::ReadOnly(there.place().into())),
        }
    }
}

/// As datanommer files a topic: by its fourth word, by the third on a virtual topic.
fn category(topic: &Topic) -> &str {
    let nth = if topic.as_str().contains("VirtualTopic") { 2 } else { 3 };
    topic.as_str().split('.').nth(nth).unwrap_or("Unclassified")
}

#[cfg(test)]
mod tests;
