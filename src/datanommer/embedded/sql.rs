//! The SQL that answers questions from the file of hubs itself.
//!
//! Each is driven by the most telling list it has (users, packages, topics, categories, else the time) through the
//! index that has it, and what else it asks is checked on those messages only.

use crate::datanommer::activity::{Length, MAX_ROWS};
use crate::datanommer::{Order, Query};
use sqlx::{QueryBuilder, Sqlite};

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
    pub(in crate::datanommer) fn count_sql(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (");
        self.push_ids(&mut sql, false);
        sql.push(")");
        sql
    }

    /// Rows of bucket, category and count, in their order.
    pub(in crate::datanommer) fn activity_sql(&self, length: Length) -> QueryBuilder<Sqlite> {
        let bucket = length.sql("timestamp");
        let mut sql = QueryBuilder::new(format!("SELECT {bucket}, category, count(*) FROM ("));
        self.push_ids(&mut sql, true);
        sql.push(format_args!(") GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {MAX_ROWS}"));
        sql
    }

    /// Finds the ids first: bodies are read for the one page only, not for all that is sorted.
    pub(in crate::datanommer) fn page_sql(&self) -> QueryBuilder<Sqlite> {
        let direction = match self.order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let offset = i64::from(self.page - 1) * i64::from(self.rows_per_page);
        let mut sql = QueryBuilder::new(
            "SELECT m.msg_id, m.timestamp, m.topic, m.wire, m.msg, m.headers, m.description FROM (",
        );
        self.push_ids(&mut sql, false);
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

    /// `SELECT id, timestamp` of all messages that fit, in no order; with their `category`, if that is wanted.
    fn push_ids(&self, sql: &mut QueryBuilder<Sqlite>, category: bool) {
        let driver = self.driver();
        // Who has two of the names is found twice.
        let distinct = driver.names && driver.list.is_some_and(|(_, list)| list.len() > 1);
        sql.push(if distinct { "SELECT DISTINCT " } else { "SELECT " });
        sql.push(driver.id).push(" AS id, ").push(driver.time).push(" AS timestamp");
        sql.push(if category { ", m.category AS category FROM " } else { " FROM " });
        sql.push(driver.from);
        if driver.names && (category || self.asks_messages()) {
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
