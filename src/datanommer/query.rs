//! Questions, and the SQL that answers them.
//!
//! Each is driven by the most telling list it has (users, packages, topics, categories, else the time) through the
//! index that has it, and what else it asks is checked on those messages only.

use super::DatanommerError;
use crate::message::Message;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite};

/// A page in memory has these at most: with bodies of a megabyte that is a lot already.
const MAX_ROWS: u32 = 1_000;

/// Items of one list of names; a statement of `SQLite` takes 32,766 parameters.
const MAX_ITEMS: usize = 1_000;

/// Items of `contains`: each is looked for in each body.
const MAX_TEXTS: usize = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Oldest first.
    #[default]
    #[serde(rename = "asc")]
    Ascending,
    #[serde(rename = "desc")]
    Descending,
}

/// What to look for; an empty list does not restrict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    pub users: Vec<String>,
    pub not_users: Vec<String>,
    pub packages: Vec<String>,
    pub not_packages: Vec<String>,
    pub categories: Vec<String>,
    pub not_categories: Vec<String>,
    /// Whole topics, with their prefix.
    pub topics: Vec<String>,
    pub not_topics: Vec<String>,
    /// Any of these texts, in the body as compact JSON; upper and lower case differ.
    pub contains: Vec<String>,
    /// Both inclusive.
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// 1 to 1,000.
    pub rows_per_page: u32,
    /// From 1.
    pub page: u32,
    pub order: Order,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            users: vec![],
            not_users: vec![],
            packages: vec![],
            not_packages: vec![],
            categories: vec![],
            not_categories: vec![],
            topics: vec![],
            not_topics: vec![],
            contains: vec![],
            start: None,
            end: None,
            rows_per_page: 100,
            page: 1,
            order: Order::default(),
        }
    }
}

/// One page of an answer. Past the last page it is empty, and the totals still are those of the whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub total: u64,
    pub pages: u64,
    pub messages: Vec<Message>,
}

/// Where a question starts.
struct Driver<'q> {
    /// What follows FROM; `t` has the time, `m` the message.
    from: &'static str,
    /// The driving list, behind the column that has it.
    list: Option<(&'static str, &'q [String])>,
    /// The names of users and packages are in tables of their own: who asks for nothing else needs no message.
    id: &'static str,
    time: &'static str,
    names: bool,
}

impl Query {
    pub(super) fn check(&self) -> Result<(), DatanommerError> {
        let number = |name, given, to| {
            let fits = (1..=to).contains(&given);
            fits.then_some(()).ok_or(DatanommerError::Number { name, given, from: 1, to })
        };
        number("rows_per_page", self.rows_per_page, MAX_ROWS)?;
        number("page", self.page, u32::MAX)?;
        let lists = [
            ("users", &self.users, MAX_ITEMS),
            ("not_users", &self.not_users, MAX_ITEMS),
            ("packages", &self.packages, MAX_ITEMS),
            ("not_packages", &self.not_packages, MAX_ITEMS),
            ("categories", &self.categories, MAX_ITEMS),
            ("not_categories", &self.not_categories, MAX_ITEMS),
            ("topics", &self.topics, MAX_ITEMS),
            ("not_topics", &self.not_topics, MAX_ITEMS),
            ("contains", &self.contains, MAX_TEXTS),
        ];
        match lists.into_iter().find(|(_, list, limit)| list.len() > *limit) {
            None => Ok(()),
            Some((name, list, limit)) => {
                Err(DatanommerError::TooMany { name, given: list.len(), limit })
            }
        }
    }

    pub(super) fn count_sql(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (");
        self.push_ids(&mut sql);
        sql.push(")");
        sql
    }

    /// Finds the ids first: bodies are read for the one page only, not for all that is sorted.
    pub(super) fn page_sql(&self) -> QueryBuilder<Sqlite> {
        let direction = match self.order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let offset = i64::from(self.page - 1) * i64::from(self.rows_per_page);
        let mut sql = QueryBuilder::new(
            "SELECT m.msg_id, m.timestamp, m.topic, m.wire, m.msg, m.headers, m.description FROM (",
        );
        self.push_ids(&mut sql);
        sql.push(format_args!(" ORDER BY timestamp {direction}, id {direction} LIMIT "));
        sql.push_bind(i64::from(self.rows_per_page)).push(" OFFSET ").push_bind(offset);
        sql.push(") AS found CROSS JOIN messages AS m ON m.id = found.id");
        sql.push(format_args!(" ORDER BY found.timestamp {direction}, found.id {direction}"));
        sql
    }

    /// The list that tells most.
    fn driver(&self) -> Driver<'_> {
        let by_name = |from, list| Driver {
            from,
            list: Some(("t.name", list)),
            id: "t.message_id",
            time: "t.timestamp",
            names: true,
        };
        let by_message =
            |from, list| Driver { from, list, id: "m.id", time: "m.timestamp", names: false };
        // Which index is said, as the planner is not told how the values are spread.
        match self {
            _ if !self.users.is_empty() => by_name("users_messages AS t", &self.users),
            _ if !self.packages.is_empty() => by_name("packages_messages AS t", &self.packages),
            _ if !self.topics.is_empty() => by_message(
                "messages AS m INDEXED BY messages_by_topic",
                Some(("m.topic", &self.topics)),
            ),
            _ if !self.categories.is_empty() => by_message(
                "messages AS m INDEXED BY messages_by_category",
                Some(("m.category", &self.categories)),
            ),
            _ => by_message("messages AS m INDEXED BY messages_by_time", None),
        }
    }

    /// `SELECT id, timestamp` of all messages that fit, in no order.
    fn push_ids(&self, sql: &mut QueryBuilder<Sqlite>) {
        let driver = self.driver();
        // Who has two of the names is found twice.
        let distinct = driver.names && driver.list.is_some_and(|(_, list)| list.len() > 1);
        sql.push(if distinct { "SELECT DISTINCT " } else { "SELECT " });
        sql.push(driver.id).push(" AS id, ").push(driver.time).push(" AS timestamp FROM ");
        sql.push(driver.from);
        if driver.names && self.asks_messages() {
            sql.push(" CROSS JOIN messages AS m ON m.id = t.message_id");
        }
        sql.push(" WHERE 1");
        if let Some((column, list)) = driver.list {
            push_in(sql, column, "IN", list);
        }
        if let Some(start) = self.start {
            sql.push(" AND ").push(driver.time).push(" >= ").push_bind(start.as_microsecond());
        }
        if let Some(end) = self.end {
            sql.push(" AND ").push(driver.time).push(" <= ").push_bind(end.as_microsecond());
        }
        push_names(sql, &driver, "EXISTS", "packages_messages", &self.packages);
        push_names(sql, &driver, "NOT EXISTS", "users_messages", &self.not_users);
        push_names(sql, &driver, "NOT EXISTS", "packages_messages", &self.not_packages);
        push_in(sql, "m.category", "IN", &self.categories);
        push_in(sql, "m.category", "NOT IN", &self.not_categories);
        push_in(sql, "m.topic", "IN", &self.topics);
        push_in(sql, "m.topic", "NOT IN", &self.not_topics);
        // Not LIKE: that knows neither case nor plain `%`.
        for (n, text) in self.contains.iter().enumerate() {
            sql.push(if n == 0 { " AND (" } else { " OR " });
            sql.push("instr(m.msg, ").push_bind(text).push(") > 0");
        }
        if !self.contains.is_empty() {
            sql.push(")");
        }
    }

    /// Whether anything is asked that only the message itself can answer.
    fn asks_messages(&self) -> bool {
        let lists = [
            &self.categories,
            &self.not_categories,
            &self.topics,
            &self.not_topics,
            &self.contains,
        ];
        lists.into_iter().any(|list| !list.is_empty())
    }
}

fn push_in(sql: &mut QueryBuilder<Sqlite>, column: &str, is_in: &str, list: &[String]) {
    if list.is_empty() {
        return;
    }
    sql.push(format_args!(" AND {column} {is_in} ("));
    let mut values = sql.separated(", ");
    for value in list {
        values.push_bind(value);
    }
    sql.push(")");
}

/// Whether a message has any of these names; found by the key of the table that has them.
fn push_names(
    sql: &mut QueryBuilder<Sqlite>,
    driver: &Driver<'_>,
    exists: &str,
    table: &str,
    list: &[String],
) {
    if list.is_empty() {
        return;
    }
    sql.push(format_args!(
        " AND {exists} (SELECT 1 FROM {table} AS n WHERE n.timestamp = {} AND n.message_id = {}",
        driver.time, driver.id
    ));
    push_in(sql, "n.name", "IN", list);
    sql.push(")");
}
