//! How many messages, of which category, when: counts in buckets of time.
//!
//! Buckets are as long as each other and begin at midnight UTC of a Monday, so that days and weeks are what people
//! take for them. Those without a message are there too: who draws them needs no arithmetic.

use super::{DatanommerError, Query};
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};

/// An answer has these at most: more is no picture.
pub const MAX_BUCKETS: usize = 1_000;

/// Rows of a database: each is a bucket and a category.
pub(super) const MAX_ROWS: usize = 20_000;

/// 1970-01-05, a Monday, in microseconds.
const MONDAY: i64 = 4 * 86_400 * 1_000_000;

/// The messages of one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub start: Timestamp,
    pub total: u64,
    /// Only those that have messages.
    pub categories: BTreeMap<String, u64>,
}

/// A bucket's number, a category, its messages.
pub(super) type Counted = (i64, String, i64);

/// A bucket's length in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    micros: i64,
    asked: Duration,
}

impl Length {
    pub(super) fn new(asked: Duration) -> Result<Self, DatanommerError> {
        let micros = i64::try_from(asked.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        if micros < 1_000_000 {
            return Err(DatanommerError::NoBucket(asked));
        }
        Ok(Self { micros, asked })
    }

    /// SQL for a bucket's number, of a column in microseconds. Both databases divide towards zero: so the rest goes first.
    pub(super) fn sql(self, column: &str) -> String {
        let (length, since) = (self.micros, format!("({column} - {MONDAY})"));
        format!("({since} - (({since} % {length}) + {length}) % {length}) / {length}")
    }

    fn number(self, at: Timestamp) -> i64 {
        (at.as_microsecond() - MONDAY).div_euclid(self.micros)
    }

    /// Refuses before anything is read what would be too many.
    pub(super) fn check(self, query: &Query) -> Result<(), DatanommerError> {
        match (query.start, query.end) {
            (Some(start), Some(end)) => self.fits(self.number(start), self.number(end)),
            _ => Ok(()),
        }
    }

    fn fits(self, first: i64, last: i64) -> Result<(), DatanommerError> {
        let limit = i64::try_from(MAX_BUCKETS).unwrap_or(i64::MAX);
        let fits = last.saturating_sub(first) < limit;
        fits.then_some(()).ok_or(DatanommerError::TooFine(self.asked))
    }

    /// All buckets from the question's start, or the first message, to its end, or the last one.
    pub(super) fn fill(
        self,
        query: &Query,
        rows: Vec<Counted>,
    ) -> Result<Vec<Bucket>, DatanommerError> {
        if rows.len() >= MAX_ROWS {
            return Err(DatanommerError::TooFine(self.asked));
        }
        let ends = rows.first().map(|row| row.0).zip(rows.last().map(|row| row.0));
        let first = query.start.map(|at| self.number(at)).or(ends.map(|(first, _)| first));
        let last = query.end.map(|at| self.number(at)).or(ends.map(|(_, last)| last));
        let Some((first, last)) = first.zip(last) else { return Ok(vec![]) };
        self.fits(first, last)?;
        let mut by_number: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
        for (number, category, count) in rows {
            by_number.entry(number).or_default().insert(category, count.unsigned_abs());
        }
        let bucket = |number: i64| {
            let categories = by_number.remove(&number).unwrap_or_default();
            let start = number.saturating_mul(self.micros).saturating_add(MONDAY);
            // Where it begins before any clock does, it begins with the clock.
            let start = Timestamp::from_microsecond(start).unwrap_or(Timestamp::MIN);
            Bucket { start, total: categories.values().sum(), categories }
        };
        Ok((first..=last).map(bucket).collect())
    }
}
