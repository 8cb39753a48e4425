//! The SQL that answers questions from datanommer's tables.
//!
//! Names are looked up first and asked for by number, so that the planner knows how often each occurs. Only what is
//! asked stands in a statement. datanommer deletes messages but not their names' rows: so each is joined to its message.

use super::Error;
use crate::datanommer::activity::{Length, MAX_ROWS};
use crate::datanommer::{Order, Query};
use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use std::fmt::Write as _;

/// Every table and column that is asked, and no row.
pub(super) const PROBE: &str = "
    SELECT m.id, m.msg_id, m.topic, m.timestamp, m.category, m.agent_name, m.msg, m.headers, u.name, um.user_id,
           um.msg_id, um.msg_timestamp, p.name, pm.package_id, pm.msg_id, pm.msg_timestamp
    FROM messages m, users u, users_messages um, packages p, packages_messages pm
    WHERE u.id = 0 AND p.id = 0 LIMIT 0";

/// How many messages there are the statistics know, of a hypertable those of its parts.
pub(super) const INSPECT: &str = "
    SELECT current_setting('server_version'), current_user::text,
           (SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class AS c
            WHERE c.oid = to_regclass('messages')
               OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('messages'))),
           (SELECT (extract(epoch FROM max(timestamp)) * 1000000)::bigint FROM messages)";

const MICROS: &str = "(extract(epoch FROM m.timestamp) * 1000000)::bigint";

pub(super) const STATS: &str = "
    SELECT category, count(*), (extract(epoch FROM min(timestamp)) * 1000000)::bigint,
           (extract(epoch FROM max(timestamp)) * 1000000)::bigint
    FROM messages GROUP BY category ORDER BY category COLLATE \"C\"";

/// The numbers of the names in a question; names that datanommer never heard of have none.
#[derive(Default)]
pub(super) struct Known {
    users: Vec<i32>,
    not_users: Vec<i32>,
    packages: Vec<i32>,
    not_packages: Vec<i32>,
}

impl Known {
    pub(super) async fn read(reading: &mut PgConnection, query: &Query) -> Result<Self, Error> {
        let mut known = Self::default();
        for (table, names, numbers) in [
            ("users", &query.users, &mut known.users),
            ("users", &query.not_users, &mut known.not_users),
            ("packages", &query.packages, &mut known.packages),
            ("packages", &query.not_packages, &mut known.not_packages),
        ] {
            if !names.is_empty() {
                let sql = format!("SELECT id FROM {table} WHERE name = ANY($1)");
                let ask = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(names);
                *numbers = ask.fetch_all(&mut *reading).await?;
            }
        }
        Ok(known)
    }
}

pub(super) struct Sql<'q> {
    pub(super) query: &'q Query,
    pub(super) known: &'q Known,
}

impl Sql<'_> {
    /// Whether it asks for people or packages of whom there is no message at all.
    pub(super) fn finds_nothing(&self) -> bool {
        let nobody = |names: &[String], known: &[i32]| !names.is_empty() && known.is_empty();
        nobody(&self.query.users, &self.known.users)
            || nobody(&self.query.packages, &self.known.packages)
    }

    pub(super) fn count(&self) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("SELECT count(*) FROM (");
        self.push_ids(&mut sql, "");
        sql.push(") AS found");
        sql
    }

    /// Rows of bucket, category and count, in their order.
    pub(super) fn activity(&self, length: Length) -> QueryBuilder<Postgres> {
        let bucket = length.sql("micros");
        let mut sql = QueryBuilder::new(format!("SELECT {bucket}, category, count(*) FROM ("));
        self.push_ids(&mut sql, &format!(", m.category, {MICROS} AS micros"));
        sql.push(format_args!(") AS found GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {MAX_ROWS}"));
        sql
    }

    /// Finds the ids first: bodies are read for the one page only, not for all that is sorted.
    pub(super) fn page(&self) -> QueryBuilder<Postgres> {
        let query = self.query;
        let direction = match query.order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let offset = i64::from(query.page - 1) * i64::from(query.rows_per_page);
        let names = |of: &str| {
            format!(
                "ARRAY(SELECT n.name FROM {of}s_messages AS x JOIN {of}s AS n ON n.id = x.{of}_id
                       WHERE x.msg_id = m.id AND x.msg_timestamp = m.timestamp AND n.name IS NOT NULL
                       ORDER BY n.name COLLATE \"C\") AS {of}s"
            )
        };
        let mut sql = QueryBuilder::new(format!(
            "SELECT m.id, m.msg_id, m.topic, {MICROS} AS micros, m.agent_name, m.msg, m.headers::text AS headers, {}, {}
             FROM (",
            names("user"),
            names("package")
        ));
        if let Some(driver) = self.driver() {
            self.push_ids_in_order(&mut sql, driver, direction);
        } else {
            self.push_ids(&mut sql, "");
            sql.push(format_args!(" ORDER BY 2 {direction}, 1 {direction}"));
        }
        sql.push(" LIMIT ");
        sql.push_bind(i64::from(query.rows_per_page)).push(" OFFSET ").push_bind(offset);
        sql.push(
            ") AS found JOIN messages AS m ON m.id = found.id AND m.timestamp = found.timestamp",
        );
        sql.push(format_args!(" ORDER BY m.timestamp {direction}, m.id {direction}"));
        sql
    }

    /// The table of names that leads to the messages, and the numbers that are asked for.
    fn driver(&self) -> Option<(&'static str, &Vec<i32>)> {
        if !self.query.users.is_empty() {
            Some(("user", &self.known.users))
        } else if !self.query.packages.is_empty() {
            Some(("package", &self.known.packages))
        } else {
            None
        }
    }

    /// The same messages as [`Self::push_ids`] has, in order. A name's rows are sorted first, which is cheap, as an index has
    /// all of them; then messages are looked up one by one, until there are enough. PostgreSQL would not find that by
    /// itself: it takes a row of a name to have hardly ever a message, and looks up all before it sorts.
    fn push_ids_in_order(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        (of, list): (&str, &Vec<i32>),
        direction: &str,
    ) {
        let query = self.query;
        // Who has two of the names is found twice.
        let select = if list.len() > 1 { "SELECT DISTINCT" } else { "SELECT" };
        sql.push(format_args!(
            "SELECT m.id, m.timestamp FROM ({select} msg_id, msg_timestamp FROM {of}s_messages WHERE {of}_id = ANY("
        ));
        sql.push_bind(list).push(")");
        push_time(sql, "msg_timestamp", ">=", query.start);
        push_time(sql, "msg_timestamp", "<=", query.end);
        sql.push(format_args!(
            " ORDER BY 2 {direction}, 1 {direction}) AS t CROSS JOIN LATERAL
             (SELECT m.id, m.timestamp FROM messages AS m WHERE m.id = t.msg_id AND m.timestamp = t.msg_timestamp"
        ));
        self.push_conditions(sql);
        sql.push(format_args!(
            " LIMIT 1) AS m ORDER BY t.msg_timestamp {direction}, t.msg_id {direction}"
        ));
    }

    /// `SELECT id, timestamp` of all messages that fit, in no order, and what else is wanted of them.
    fn push_ids(&self, sql: &mut QueryBuilder<Postgres>, also: &str) {
        let (query, driver) = (self.query, self.driver());
        // Who has two of the names is found twice.
        let distinct = driver.is_some_and(|(_, list)| list.len() > 1);
        let select = if distinct { "SELECT DISTINCT" } else { "SELECT" };
        sql.push(format_args!("{select} m.id, m.timestamp{also} FROM "));
        if let Some((of, list)) = driver {
            sql.push(format_args!("{of}s_messages AS t JOIN messages AS m"));
            sql.push(" ON m.id = t.msg_id AND m.timestamp = t.msg_timestamp");
            sql.push(format_args!(" WHERE t.{of}_id = ANY(")).push_bind(list).push(")");
        } else {
            sql.push("messages AS m WHERE true");
        }
        // Said of both tables: a hypertable leaves out by its own time what it need not look at.
        let times: &[_] =
            if driver.is_some() { &["m.timestamp", "t.msg_timestamp"] } else { &["m.timestamp"] };
        for column in times {
            push_time(sql, column, ">=", query.start);
            push_time(sql, column, "<=", query.end);
        }
        self.push_conditions(sql);
    }

    /// What must be true of a message beside its time and the names that led to it.
    fn push_conditions(&self, sql: &mut QueryBuilder<Postgres>) {
        let (query, known) = (self.query, self.known);
        if !query.users.is_empty() {
            push_names(sql, "EXISTS", "package", &known.packages);
        }
        push_names(sql, "NOT EXISTS", "user", &known.not_users);
        push_names(sql, "NOT EXISTS", "package", &known.not_packages);
        for (condition, list) in [
            ("m.category = ANY(", &query.categories),
            ("m.topic = ANY(", &query.topics),
            ("m.category <> ALL(", &query.not_categories),
            ("m.topic <> ALL(", &query.not_topics),
        ] {
            if !list.is_empty() {
                sql.push(" AND ").push(condition).push_bind(list).push(")");
            }
        }
        for (n, text) in query.contains.iter().enumerate() {
            sql.push(if n == 0 { " AND (" } else { " OR " });
            push_text(sql, text);
        }
        if !query.contains.is_empty() {
            sql.push(")");
        }
    }
}

fn push_time(
    sql: &mut QueryBuilder<Postgres>,
    column: &str,
    compare: &str,
    time: Option<Timestamp>,
) {
    /// 285 years before and after 1970: PostgreSQL counts on in floats, which are exact so far.
    const FAR: i64 = 9_000_000_000_000_000;
    if let Some(time) = time {
        let micros = time.as_microsecond().clamp(-FAR, FAR);
        sql.push(format_args!(" AND {column} {compare} timestamp 'epoch' + "));
        sql.push_bind(micros).push(" * interval '1 microsecond'");
    }
}

/// Whether a message has any of these names.
fn push_names(sql: &mut QueryBuilder<Postgres>, exists: &str, of: &str, known: &[i32]) {
    if known.is_empty() {
        return;
    }
    sql.push(format_args!(
        " AND {exists} (SELECT 1 FROM {of}s_messages AS n
          WHERE n.msg_id = m.id AND n.msg_timestamp = m.timestamp AND n.{of}_id = ANY("
    ));
    sql.push_bind(known).push("))");
}

/// Whether a body has a text in it, as compact JSON. datanommer's bodies are as Python writes them: in ASCII, and with a
/// space behind each colon and comma. Where a text may reach over one of these, they are taken out first.
fn push_text(sql: &mut QueryBuilder<Postgres>, text: &str) {
    let text = in_ascii(text);
    if reaches_over(&text) {
        sql.push(r#"strpos(regexp_replace(m.msg, '("(?:[^"\\]|\\.)*")|([:,]) ', '\1\2', 'g'), "#);
        sql.push_bind(text).push(") > 0");
    } else {
        let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        sql.push("m.msg LIKE ").push_bind(format!("%{escaped}%"));
    }
}

fn in_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()).filter(|c| matches!(c, ' '..='~')) {
            Some(letter) => ascii.push(letter),
            None => {
                // A String takes whatever it is given.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// Whether a colon or comma in it may stand between values, not in one: behind something that can end a value.
fn reaches_over(text: &str) -> bool {
    let ends_value = |c: char| matches!(c, '"' | '}' | ']' | 'e' | 'l' | '0'..='9');
    let mut before = None;
    text.starts_with(' ')
        || text.chars().any(|c| {
            let ends =
                before.replace(c).is_none_or(|b| if c == ':' { b == '"' } else { ends_value(b) });
            matches!(c, ':' | ',') && ends
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_may_reach_over_two_values_are_told_from_those_that_can_not() {
        for (text, reaches) in [
            ("kernel", false),
            ("https://example.org", false),
            ("Hello, world", false),
            ("\"user\":\"ralph\"", true),
            ("1,2", true),
            (":", true),
            (" 1", true),
            ("true,", true),
            ("", false),
        ] {
            assert_eq!(reaches_over(text), reaches, "{text}");
        }
        assert_eq!(in_ascii("é😀~\u{7f}"), r"\u00e9\ud83d\ude00~\u007f");
    }
}
