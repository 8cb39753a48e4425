//! What a history has, by category.

use super::DatanommerError;
use jiff::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// By name.
    pub categories: Vec<CategoryStats>,
    /// What it takes on disk: the whole database, indexes too.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryStats {
    pub name: String,
    pub messages: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl Stats {
    /// Rows of category, count, first and last in microseconds.
    pub(super) fn new(
        rows: Vec<(String, i64, i64, i64)>,
        bytes: u64,
    ) -> Result<Self, DatanommerError> {
        let time = |micros| {
            Timestamp::from_microsecond(micros).map_err(|why| DatanommerError::Row {
                by: "datanommer",
                what: format!("timestamp: {why}"),
            })
        };
        let mut categories = Vec::with_capacity(rows.len());
        for (name, messages, first, last) in rows {
            let (first, last) = (time(first)?, time(last)?);
            categories.push(CategoryStats { name, messages: messages.unsigned_abs(), first, last });
        }
        Ok(Self { categories, bytes })
    }

    pub fn messages(&self) -> u64 {
        self.categories.iter().map(|category| category.messages).sum()
    }

    pub fn first(&self) -> Option<Timestamp> {
        self.categories.iter().map(|category| category.first).min()
    }

    pub fn last(&self) -> Option<Timestamp> {
        self.categories.iter().map(|category| category.last).max()
    }
}
