//! How many messages there are of somebody, remembered: to count a busy user's takes longer than to find the last hundred.
//!
//! What is remembered is a number of messages up to one that is old enough for all before it to be there; what came since is
//! counted each time. datanommer seldom deletes messages: after some minutes all are counted again.

use super::Error;
use super::sql::Sql;
use moka::future::Cache;
use sqlx::PgConnection;
use std::time::Duration;

const KEEP: Duration = Duration::from_mins(10);
/// Of so many people and packages.
const MOST: u64 = 10_000;
/// Messages have numbers before others see them: behind so many newer ones none is missing any more.
const SETTLED: i32 = 10_000;

/// Who is asked for: the kind of name, and their numbers.
pub(super) type Of = (&'static str, Vec<i32>);

#[derive(Clone)]
pub(super) struct Totals(Cache<Of, Counted>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    up_to: i32,
    total: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self(Cache::builder().time_to_live(KEEP).max_capacity(MOST).build())
    }
}

impl Totals {
    /// Of a question, whatever it asks; only what asks for names and nothing else is remembered.
    pub(super) async fn count(
        &self,
        reading: &mut PgConnection,
        sql: &Sql<'_>,
    ) -> Result<u64, Error> {
        let Some(of) = sql.names_alone() else {
            let count: i64 = sql.count().build_query_scalar().fetch_one(reading).await?;
            return Ok(count.unsigned_abs());
        };
        if let Some(known) = self.0.get(&of).await {
            let mut since = sql.count_since(known.up_to);
            let since: i64 = since.build_query_scalar().fetch_one(reading).await?;
            return Ok(known.total + since.unsigned_abs());
        }
        let last = "SELECT coalesce(max(id), 0) FROM messages";
        let last: i32 = sqlx::query_scalar(last).fetch_one(&mut *reading).await?;
        let up_to = last.saturating_sub(SETTLED);
        let mut both = sql.count_up_to(up_to);
        let (settled, all): (i64, i64) = both.build_query_as().fetch_one(reading).await?;
        self.0.insert(of, Counted { up_to, total: settled.unsigned_abs() }).await;
        Ok(all.unsigned_abs())
    }
}
