//! The database of a real datanommer, read and never written.
//!
//! A few connections, each statement with a time-out; both are set in hubs.toml. Nothing is connected before the first
//! question, and a server that is away is told from a password that is wrong. No error repeats the password.

mod failures;
mod rows;
mod sql;

use super::activity::{Counted, Length};
use super::stats::Stats;
use super::{DatanommerError as Error, Inspection, Page, Query};
use crate::config::DatanommerSettings;
use jiff::Timestamp;
use sql::{Known, Sql};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::{fmt, future::Future, str::FromStr, sync::Arc, time::Duration};

/// A snapshot: pages and totals are of the same moment.
const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(Clone)]
pub(super) struct Postgres {
    pool: PgPool,
    options: Arc<PgConnectOptions>,
    /// For people: `datanommer at db.example.org:5432`.
    place: Arc<str>,
    timeout: Duration,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) fn new(settings: &DatanommerSettings) -> Result<Self, Error> {
        // Not what the parser says: it may repeat the address, and so a password.
        let options = PgConnectOptions::from_str(settings.url.as_str())
            .map_err(|_| Error::Address(settings.url.to_string()))?;
        let options = match &settings.password {
            Some(password) => options.password(password.reveal()),
            None => options,
        };
        let timeout = settings.timeout;
        let options = options.application_name("hubs").options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", &*timeout.as_millis().to_string()),
            ("timezone", "UTC"),
            // Names differ by what they ask: a plan for all of them would be a bad one for most.
            ("plan_cache_mode", "force_custom_plan"),
        ]);
        let database = options.get_database().unwrap_or(options.get_username());
        let place = format!("`{database}` at {}:{}", options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(timeout)
            .connect_lazy_with(options.clone());
        Ok(Self { pool, options: Arc::new(options), place: place.into(), timeout })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Whether it answers, lets us in, and has the tables that are asked.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let work = async { Ok(sqlx::query(sql::PROBE).execute(&self.pool).await.map(drop)?) };
        self.ask(work).await
    }

    /// What is there for us, after [`Self::check`].
    pub(super) async fn inspect(&self) -> Result<Inspection, Error> {
        self.check().await?;
        let work = async {
            let row = sqlx::query_as(sql::INSPECT).fetch_one(&self.pool).await?;
            let (version, user, messages, latest): (String, String, i64, Option<i64>) = row;
            let latest = latest.and_then(|micros| Timestamp::from_microsecond(micros).ok());
            Ok(Inspection { version, user, messages: messages.unsigned_abs(), latest })
        };
        self.ask(work).await
    }

    pub(super) async fn grep(&self, query: &Query) -> Result<Page, Error> {
        let work = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let known = Known::read(&mut reading, query).await?;
            let sql = Sql { query, known: &known };
            if sql.finds_nothing() {
                return Ok(Page { total: 0, pages: 0, messages: vec![] });
            }
            let found = sql.page().build().fetch_all(&mut *reading).await?;
            let messages: Vec<_> = found.iter().map(rows::message).collect::<Result<_, _>>()?;
            let rows = usize::try_from(query.rows_per_page).unwrap_or(usize::MAX);
            let total = if query.page == 1 && messages.len() < rows {
                messages.len() as u64 // all of them are here
            } else {
                let mut count = sql.count();
                count.build_query_scalar::<i64>().fetch_one(&mut *reading).await?.unsigned_abs()
            };
            Ok(Page { total, pages: total.div_ceil(query.rows_per_page.into()), messages })
        };
        self.ask(work).await
    }

    pub(super) async fn count(&self, query: &Query) -> Result<u64, Error> {
        let work = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let known = Known::read(&mut reading, query).await?;
            let sql = Sql { query, known: &known };
            if sql.finds_nothing() {
                return Ok(0);
            }
            let mut count = sql.count();
            Ok(count.build_query_scalar::<i64>().fetch_one(&mut *reading).await?.unsigned_abs())
        };
        self.ask(work).await
    }

    pub(super) async fn activity(
        &self,
        query: &Query,
        length: Length,
    ) -> Result<Vec<Counted>, Error> {
        let work = async {
            let mut reading = self.pool.begin_with(BEGIN).await?;
            let known = Known::read(&mut reading, query).await?;
            let sql = Sql { query, known: &known };
            if sql.finds_nothing() {
                return Ok(vec![]);
            }
            let mut activity = sql.activity(length);
            Ok(activity.build_query_as().fetch_all(&mut *reading).await?)
        };
        self.ask(work).await
    }

    pub(super) async fn stats(&self) -> Result<Stats, Error> {
        let work = async {
            let rows = sqlx::query_as(sql::STATS).fetch_all(&self.pool).await?;
            let size = "SELECT pg_database_size(current_database())";
            let bytes: i64 = sqlx::query_scalar(size).fetch_one(&self.pool).await?;
            Stats::new(rows, bytes.unsigned_abs())
        };
        self.ask(work).await
    }

    /// Waits no longer than a server that keeps its time-outs would need, and says what went wrong by its name.
    async fn ask<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let patience = self.timeout * 3;
        match tokio::time::timeout(patience, work).await {
            Ok(Err(Error::Sql(why))) => Err(self.named(why).await),
            Ok(outcome) => outcome,
            Err(_) => Err(Error::TooSlow { place: self.place.to_string(), limit: self.timeout }),
        }
    }
}
