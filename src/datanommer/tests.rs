//! What is found, in which order, and through which index.

use super::embedded::{PRUNE_MESSAGES, PRUNE_PACKAGES, PRUNE_USERS};
use super::*;
use crate::message::{Description, Topic, Wire, parse_line};
use serde_json::{Value, json};
use sqlx::Row as _;

const START: i64 = 1_700_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn message(id: &str, second: i64, topic: &str, users: &[&str], packages: &[&str]) -> Arc<Message> {
    message_with(id, second, topic, users, packages, json!({ "id": id }))
}

fn message_with(
    id: &str,
    second: i64,
    topic: &str,
    users: &[&str],
    packages: &[&str],
    body: Value,
) -> Arc<Message> {
    let owned = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
    Arc::new(Message {
        id: id.into(),
        topic: Topic::new(&format!("org.fedoraproject.prod.{topic}")),
        sent_at: at(second),
        wire: Wire::FedoraMessaging,
        body: Arc::new(body),
        headers: Arc::default(),
        description: Description {
            usernames: owned(users),
            packages: owned(packages),
            ..Description::default()
        },
    })
}

/// Six messages, two of them at the same time.
async fn history() -> Datanommer {
    let history = Datanommer::open("sqlite::memory:").await.unwrap();
    let messages = [
        message("a", 1, "bodhi.update.comment", &["lmacken", "ralph"], &["kernel"]),
        message("b", 2, "git.receive", &["ralph"], &["kernel", "python"]),
        message("c", 3, "git.receive", &["toshio"], &["python"]),
        message("d", 3, "wiki.edit", &["ralph"], &[]),
        message("e", 4, "bodhi.update.comment", &["toshio"], &["bash"]),
        message_with("f", 5, "wiki.edit", &[], &[], json!({ "title": "100%_é", "Up": "x" })),
    ];
    assert_eq!(history.add(&messages).await.unwrap(), 6);
    history
}

fn embedded(history: &Datanommer) -> &Embedded {
    match &history.kept {
        Kept::Here(here) => here,
        Kept::There(_) => panic!("kept there"),
    }
}

async fn ids(history: &Datanommer, query: Query) -> String {
    let page = history.grep(&query).await.unwrap();
    assert_eq!(history.count(&query).await.unwrap(), page.total);
    page.messages.iter().map(|message| message.id.as_str()).collect()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.into()).collect()
}

#[tokio::test]
async fn grep_is_or_within_a_list_and_between_lists() {
    let history = history().await;
    let topic = |suffix: &str| vec![format!("org.fedoraproject.prod.{suffix}")];
    let all = Query::default;
    for (query, expected) in [
        (all(), "abcdef"),
        (Query { users: names(&["ralph"]), ..all() }, "abd"),
        (Query { users: names(&["ralph", "lmacken"]), ..all() }, "abd"),
        (Query { users: names(&["ralph", "toshio"]), ..all() }, "abcde"),
        (Query { users: names(&["nobody"]), ..all() }, ""),
        (Query { packages: names(&["kernel", "python"]), ..all() }, "abc"),
        (Query { users: names(&["ralph"]), packages: names(&["python", "bash"]), ..all() }, "b"),
        (Query { categories: names(&["bodhi", "git"]), ..all() }, "abce"),
        (Query { categories: names(&["bodhi"]), users: names(&["ralph"]), ..all() }, "a"),
        (Query { topics: topic("git.receive"), ..all() }, "bc"),
        (Query { topics: topic("git.receive"), categories: names(&["bodhi"]), ..all() }, ""),
        (Query { topics: topic("git.receive"), packages: names(&["kernel"]), ..all() }, "b"),
        (Query { not_users: names(&["ralph", "toshio"]), ..all() }, "f"),
        (Query { users: names(&["ralph"]), not_users: names(&["lmacken"]), ..all() }, "bd"),
        (Query { users: names(&["ralph"]), not_packages: names(&["kernel"]), ..all() }, "d"),
        (Query { not_packages: names(&["kernel", "python", "bash"]), ..all() }, "df"),
        (Query { not_categories: names(&["bodhi", "wiki"]), ..all() }, "bc"),
        (Query { not_topics: topic("wiki.edit"), ..all() }, "abce"),
        (Query { users: names(&["toshio"]), not_topics: topic("git.receive"), ..all() }, "e"),
        (Query { start: Some(at(2)), end: Some(at(3)), ..all() }, "bcd"),
        (Query { start: Some(at(4)), ..all() }, "ef"),
        (Query { end: Some(at(1)), ..all() }, "a"),
        (Query { users: names(&["ralph"]), start: Some(at(2)), end: Some(at(2)), ..all() }, "b"),
        (Query { contains: names(&["%_é"]), ..all() }, "f"),
        (Query { contains: names(&["\"Up\":\"x\""]), ..all() }, "f"),
        (Query { contains: names(&["up"]), ..all() }, ""),
        (Query { contains: names(&["\"id\":\"b\"", "\"id\":\"c\""]), ..all() }, "bc"),
        (Query { contains: names(&["\"b\"", "\"c\""]), users: names(&["ralph"]), ..all() }, "b"),
        (Query { users: names(&["'; DROP TABLE messages; --"]), ..all() }, ""),
    ] {
        let backwards = Query { order: Order::Descending, ..query.clone() };
        let reversed: String = expected.chars().rev().collect();
        assert_eq!(ids(&history, query.clone()).await, expected, "{query:?}");
        assert_eq!(ids(&history, backwards).await, reversed, "{query:?}");
    }
}

#[tokio::test]
async fn pages_do_not_overlap_and_past_the_last_one_is_nothing() {
    let history = history().await;
    let page = async |page| {
        let query = Query { rows_per_page: 4, page, order: Order::Descending, ..Query::default() };
        let found = history.grep(&query).await.unwrap();
        let ids: String = found.messages.iter().map(|message| message.id.as_str()).collect();
        (found.total, found.pages, ids)
    };
    assert_eq!(page(1).await, (6, 2, "fedc".into()));
    assert_eq!(page(2).await, (6, 2, "ba".into()));
    assert_eq!(page(9).await, (6, 2, String::new()));
    assert_eq!(page(u32::MAX).await, (6, 2, String::new()));
    let none = Query { users: names(&["nobody"]), ..Query::default() };
    assert_eq!(history.grep(&none).await.unwrap().pages, 0);
}

#[tokio::test]
async fn a_question_that_is_too_large_is_refused() {
    let history = history().await;
    let said = async |query| history.grep(&query).await.unwrap_err().to_string();
    let all = Query::default;
    assert_eq!(
        said(Query { rows_per_page: 0, ..all() }).await,
        "`rows_per_page` is 0, but must be 1 to 1000"
    );
    assert_eq!(
        said(Query { rows_per_page: 1_001, ..all() }).await,
        "`rows_per_page` is 1001, but must be 1 to 1000"
    );
    assert_eq!(said(Query { page: 0, ..all() }).await, "`page` is 0, but must be 1 to 4294967295");
    assert_eq!(
        said(Query { not_users: vec!["x".into(); 1_001], ..all() }).await,
        "`not_users` has 1001 items, but may have 1000 at most"
    );
    let full = vec!["x".to_string(); 1_000];
    let largest = Query {
        users: full.clone(),
        not_users: full.clone(),
        packages: full.clone(),
        not_packages: full.clone(),
        categories: full.clone(),
        not_categories: full.clone(),
        topics: full.clone(),
        not_topics: full,
        contains: vec!["x".into(); 100],
        ..all()
    };
    assert_eq!(history.count(&largest).await.unwrap(), 0);
}

#[tokio::test]
async fn a_message_comes_back_whole_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("deep/datanommer.db").display());
    let line = br#"{"topic":"org.fedoraproject.prod.copr.build.end","id":"7","body":{"user":"ralph","n":[1.5,null,"\u00e9"]},"headers":{"sent-at":"2024-06-01T12:00:00.000001+00:00","fedora_messaging_user_ralph":true}}"#;
    let mut message = parse_line(line).unwrap();
    message.description.title = "copr".into();
    message.description.link = "https://copr.fedorainfracloud.org/7".into();
    message.description.objects = vec!["copr/7".into()];
    let old = br#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{},"timestamp":1.5,"msg_id":"2012-1"}"#;
    let old = parse_line(old).unwrap();
    let both = [Arc::new(message.clone()), Arc::new(old.clone())];
    let history = Datanommer::open(&url).await.unwrap();
    assert_eq!(history.add(&both).await.unwrap(), 2);
    history.close().await;
    let history = Datanommer::open(&url).await.unwrap();
    let page = history.grep(&Query::default()).await.unwrap();
    assert_eq!(page.messages, [old, message]);
}

#[tokio::test]
async fn a_double_is_skipped_and_the_same_id_at_another_time_is_not() {
    let history = history().await;
    let same = message("a", 1, "bodhi.update.comment", &["mallory"], &[]);
    let later = message("a", 9, "bodhi.update.comment", &["ralph"], &[]);
    assert_eq!(history.add(&[same.clone(), same, later.clone(), later]).await.unwrap(), 1);
    assert_eq!(ids(&history, Query { users: names(&["mallory"]), ..Query::default() }).await, "");
    assert_eq!(ids(&history, Query { users: names(&["ralph"]), ..Query::default() }).await, "abda");
}

#[tokio::test]
async fn what_is_too_old_goes_with_all_its_rows() {
    let history = history().await;
    let many: Vec<_> = (0..1_200)
        .map(|n| message(&format!("old{n}"), -n, "git.receive", &["ralph"], &["kernel"]))
        .collect();
    history.add(&many).await.unwrap();
    let keep = Duration::from_secs(10);
    assert_eq!(history.prune(keep, u64::MAX, at(13)).await.unwrap(), 1_202);
    assert_eq!(history.prune(keep, u64::MAX, at(13)).await.unwrap(), 0);
    assert_eq!(ids(&history, Query::default()).await, "cdef");
    for (table, left) in [("users_messages", 3_i64), ("packages_messages", 2)] {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&embedded(&history).reader)
            .await
            .unwrap();
        assert_eq!(rows, left, "{table}");
    }
    assert_eq!(history.prune(Duration::MAX, u64::MAX, at(0)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_too_much_goes_the_oldest_first() {
    let history = history().await;
    let body = json!({ "text": "x".repeat(2_000) });
    let many: Vec<_> = (0..2_000)
        .map(|n| message_with(&format!("n{n}"), n, "git.receive", &["ralph"], &[], body.clone()))
        .collect();
    history.add(&many).await.unwrap();
    let before = history.stats().await.unwrap().bytes;
    let gone = history.prune(Duration::MAX, before / 2, at(0)).await.unwrap();
    let after = history.stats().await.unwrap();
    assert!(after.bytes <= before / 2 && (500..2_000).contains(&gone), "{gone} {after:?}");
    let left = history.grep(&Query::default()).await.unwrap().messages;
    assert_eq!(left.first().unwrap().sent_at, at(i64::try_from(gone).unwrap() - 6));
    assert_eq!(history.prune(Duration::MAX, before / 2, at(0)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_history_of_version_1_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("datanommer.db").display());
    let history = Datanommer::open(&url).await.unwrap();
    history.add(&[message("a", 1, "git.receive", &[], &[])]).await.unwrap();
    let old = "UPDATE messages SET category = ''; DROP TABLE imports; PRAGMA user_version = 1";
    sqlx::raw_sql(old).execute(&embedded(&history).writer).await.unwrap();
    history.close().await;
    let history = Datanommer::open(&url).await.unwrap();
    let query = Query { categories: names(&["Unclassified"]), ..Query::default() };
    assert_eq!(ids(&history, query).await, "a");
    assert_eq!(history.imported("x").await.unwrap(), None);
    history.note_imported("x", at(1)).await.unwrap();
    history.note_imported("x", at(2)).await.unwrap();
    assert_eq!(history.imported("x").await.unwrap(), Some(at(2)));
}

#[tokio::test]
async fn no_question_about_somebody_or_something_scans() {
    let history = history().await;
    let plan = async |sql: String| -> String {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(sql).fetch_all(&embedded(&history).reader).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
    };
    let all = Query::default;
    let every = Query {
        users: names(&["a", "b"]),
        not_users: names(&["a"]),
        packages: names(&["a"]),
        not_packages: names(&["a"]),
        categories: names(&["a"]),
        topics: names(&["a"]),
        contains: names(&["a"]),
        start: Some(at(0)),
        end: Some(at(1)),
        ..all()
    };
    for query in [
        Query { users: names(&["a"]), ..all() },
        Query { users: names(&["a", "b"]), start: Some(at(0)), ..all() },
        Query { packages: names(&["a", "b"]), end: Some(at(0)), ..all() },
        Query { categories: names(&["a"]), ..all() },
        Query { categories: names(&["a", "b"]), not_users: names(&["a"]), ..all() },
        Query { topics: names(&["a", "b"]), contains: names(&["a"]), ..all() },
        Query { start: Some(at(0)), not_packages: names(&["a"]), ..all() },
        every,
    ] {
        let days = Length::new(Duration::from_hours(24)).unwrap();
        for sql in [query.count_sql(), query.page_sql(), query.activity_sql(days)] {
            let plan = plan(sql.into_string()).await;
            // What is found by an index is read through once, whatever its name.
            let scans = plan.lines().filter(|line| line.contains("SCAN"));
            let scans: Vec<_> = scans
                .filter(|line| !line.contains("subquery") && !line.contains("found"))
                .collect();
            assert!(scans.is_empty(), "{query:?}\n{plan}");
        }
    }
    // One name's messages come in the order of its index: the first page of a million costs what it shows.
    let one = Query { users: names(&["a"]), order: Order::Descending, ..all() };
    let first = plan(one.page_sql().into_string()).await;
    assert!(!first.contains("TEMP B-TREE"), "{first}");
    for statement in [PRUNE_USERS, PRUNE_PACKAGES, PRUNE_MESSAGES] {
        let plan = plan(statement.into()).await;
        assert!(!plan.contains("SCAN messages") && !plan.contains("SCAN users_messages"), "{plan}");
        assert!(!plan.contains("SCAN packages_messages"), "{plan}");
    }
}

#[tokio::test]
async fn what_is_no_history_is_refused_by_name() {
    let said = async |url: &str| Datanommer::open(url).await.unwrap_err().to_string();
    assert_eq!(
        said("mysql://x").await,
        "`mysql://x` is no address of a history: `sqlite:PATH`, `sqlite::memory:` or `postgres://USER@HOST/DATABASE` is one"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("datanommer.db");
    let url = |path: &std::path::Path| format!("sqlite:{}", path.display());
    std::fs::write(&file, "no database, but long enough to have a header ".repeat(20)).unwrap();
    let opened = said(&url(&file)).await;
    assert!(
        opened.starts_with(&format!("the history {} can't be opened: ", file.display())),
        "{opened}"
    );
    let below = said(&url(&file.join("below.db"))).await;
    assert!(below.starts_with("the folder of the history "), "{below}");
    std::fs::remove_file(&file).unwrap();
    let history = Datanommer::open(&url(&file)).await.unwrap();
    sqlx::query("PRAGMA user_version = 7").execute(&embedded(&history).writer).await.unwrap();
    history.close().await;
    let newer = said(&url(&file)).await;
    let locked = folder.path().join("locked.db");
    let other = Datanommer::open(&url(&locked)).await.unwrap();
    let _held = embedded(&other).writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(
        said(&url(&locked)).await,
        format!(
            "the history {} is locked by another process; stop that one, or give this one its own `[storage] path`",
            locked.display()
        )
    );
    assert!(newer.ends_with("is of version 7, but this hubs knows version 2; start a newer hubs"));
}

#[tokio::test]
async fn a_row_that_no_hubs_wrote_is_an_error_not_a_crash() {
    let history = history().await;
    let spoilt = "UPDATE messages SET msg = '[' WHERE msg_id = 'a'";
    sqlx::query(spoilt).execute(&embedded(&history).writer).await.unwrap();
    let said = history.grep(&Query::default()).await.unwrap_err().to_string();
    assert!(said.starts_with("the history has a message that no hubs wrote: msg: "), "{said}");
}
