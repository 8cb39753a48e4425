//! A real datanommer's database beside the history that hubs keeps: the same questions, the same answers.

mod archive;
#[path = "../../datanommer/cluster.rs"]
mod cluster;

use crate::command::{check, site};
use crate::harness::have;
use archive::{Dice, messages, question};
use cluster::Cluster;
use hubs::config::{DatanommerSettings, Settings};
use hubs::datanommer::{Datanommer, Order, Query};
use hubs::message::{Message, parse_line};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start();
    have("postgres", cluster.is_some());
    cluster
}

fn settings(url: &str, more: &str) -> DatanommerSettings {
    let folder = site(&[("hubs.toml", &format!("[datanommer]\nurl = \"{url}\"\n{more}"))]);
    Settings::load(&folder.path().join("hubs.toml")).unwrap().datanommer
}

async fn there(url: &str, more: &str) -> Datanommer {
    Datanommer::of(&settings(url, more)).await.unwrap()
}

async fn run(cluster: &Cluster, sql: &str) {
    let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

async fn ids(datanommer: &Datanommer, query: &Query) -> (Vec<String>, u64, u64) {
    let page = datanommer.grep(query).await.unwrap();
    assert_eq!(datanommer.count(query).await.unwrap(), page.total, "{query:?}");
    (page.messages.into_iter().map(|message| message.id).collect(), page.total, page.pages)
}

const SCHEMA: &str = include_str!("../../datanommer/schema.sql");

/// Doubles of time, rows that deleted messages left, a message without id, one of fedmsg, JSON as Python writes it.
const ROWS: &str = r#"
INSERT INTO messages (id, msg_id, i, topic, timestamp, category, agent_name, msg, headers, certificate) VALUES
  (1, 'a', 0, 'org.fedoraproject.prod.bodhi.update.comment', '2026-05-04 10:00:00.000001', 'bodhi', 'ralph',
   '{"user": {"name": "ralph"}, "n": [1, 2, {"a": null}], "text": "caf\u00e9: 100% a_b, \"c\\d\"", "x": NaN}',
   '{"sent-at": "2026-05-04T10:00:00.000001+00:00", "fedora_messaging_schema": "x"}', NULL),
  (2, 'b', 0, 'org.fedoraproject.prod.git.receive', '2026-05-05 10:00:00', 'git', NULL, '{"text": "1, 2"}', '{"sent-at": "2026-05-05T10:00:00Z"}', NULL),
  (3, 'c', 0, 'org.fedoraproject.prod.git.receive', '2026-05-05 10:00:00', 'git', 'apache', '{"text": "100x aXb"}', NULL, 'x509'),
  (4, NULL, 0, 'short.topic', '2026-05-06 10:00:00', 'Unclassified', NULL, '{"a": 1}', '{}', NULL);
INSERT INTO users (id, name) VALUES (1, 'ralph'), (2, 'lmacken');
INSERT INTO packages (id, name) VALUES (1, 'kernel');
INSERT INTO users_messages VALUES (1, 1, '2026-05-04 10:00:00.000001'), (2, 1, '2026-05-04 10:00:00.000001'),
  (1, 3, '2026-05-05 10:00:00'), (1, 99, '2026-05-05 10:00:00');
INSERT INTO packages_messages VALUES (1, 1, '2026-05-04 10:00:00.000001');
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_datanommers_rows_become_the_messages_that_they_were() {
    let Some(cluster) = cluster() else { return };
    run(&cluster, &format!("{SCHEMA}{ROWS}")).await;
    let there = there(&cluster.url(), "").await;
    there.check().await.unwrap();
    let found = there.grep(&Query::default()).await.unwrap().messages;
    let one = &found[0];
    assert_eq!((&*one.id, one.sent_at.to_string()), ("a", "2026-05-04T10:00:00.000001Z".into()));
    assert_eq!(one.body["text"], "café: 100% a_b, \"c\\d\"");
    assert_eq!((&one.body["x"], &one.body["n"]), (&Value::Null, &json!([1, 2, { "a": null }])));
    assert_eq!(one.description.usernames, ["lmacken", "ralph"]);
    assert_eq!(one.description.packages, ["kernel"]);
    assert_eq!(one.description.title, "bodhi.update.comment");
    let wires: Vec<_> = found.iter().map(|message| format!("{:?}", message.wire)).collect();
    assert_eq!(wires, ["FedoraMessaging", "FedoraMessaging", "Fedmsg", "Fedmsg"]);
    assert_eq!(found[2].headers["username"], "apache");
    assert_eq!(found[3].id, "datanommer-4");

    // The same ones, kept here, are found by the same questions.
    let here = Datanommer::open("sqlite::memory:").await.unwrap();
    let copied: Vec<_> = found.into_iter().map(Arc::new).collect();
    here.add(&copied).await.unwrap();
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let all = Query::default;
    let contains = |text: &str| Query { contains: names(&[text]), ..all() };
    for (query, expected) in [
        (all(), "a b c datanommer-4"),
        (Query { order: Order::Descending, ..all() }, "datanommer-4 c b a"),
        (Query { users: names(&["ralph"]), ..all() }, "a c"),
        (Query { users: names(&["ralph", "lmacken", "nobody"]), ..all() }, "a c"),
        (Query { users: names(&["nobody"]), ..all() }, ""),
        (Query { not_users: names(&["nobody", "lmacken"]), ..all() }, "b c datanommer-4"),
        (Query { packages: names(&["kernel"]), users: names(&["lmacken"]), ..all() }, "a"),
        (Query { categories: names(&["Unclassified"]), ..all() }, "datanommer-4"),
        (Query { page: 2, rows_per_page: 3, ..all() }, "datanommer-4"),
        (Query { page: 9, rows_per_page: 3, ..all() }, ""),
        (contains("é: 100% a_b"), "a"),
        (contains("100%"), "a"),
        (contains("a_b"), "a"),
        (contains("{\"name\":\"ralph\"}"), "a"),
        (contains("[1,2,{"), "a"),
        (contains("1, 2"), "b"),
        (contains("\\\"c\\\\d"), "a"),
        (contains("Text"), ""),
        (contains("'; DROP TABLE messages; --"), ""),
        (contains(""), "a b c datanommer-4"),
    ] {
        let found = ids(&there, &query).await;
        assert_eq!(found.0.join(" "), expected, "{query:?}");
        assert_eq!(found, ids(&here, &query).await, "{query:?}");
    }
    let day = Duration::from_hours(24);
    let query = Query { users: names(&["ralph"]), ..all() };
    let activity = there.activity(&query, day).await.unwrap();
    assert_eq!(activity, here.activity(&query, day).await.unwrap());
    let counted: Vec<_> =
        activity.iter().map(|b| (b.start.to_string(), b.total, b.categories.len())).collect();
    assert_eq!(
        counted,
        [("2026-05-04T00:00:00Z".into(), 1, 1), ("2026-05-05T00:00:00Z".into(), 1, 1)]
    );
    let (ours, theirs) = (here.stats().await.unwrap(), there.stats().await.unwrap());
    assert_eq!(ours.categories, theirs.categories);
    assert!(theirs.bytes > 1_000_000, "{}", theirs.bytes);
    // Read, never written.
    assert_eq!(there.add(&copied).await.unwrap(), 0);
    assert_eq!(
        there.prune(Duration::ZERO, 0, "2027-01-01T00:00:00Z".parse().unwrap()).await.unwrap(),
        0
    );
    assert_eq!(there.count(&all()).await.unwrap(), 4);
    let refused = there.imported("x").await.unwrap_err().to_string();
    assert!(refused.ends_with("hubs only reads it"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_datanommers_database_is_said_and_no_password_is() {
    let Some(cluster) = cluster() else { return };
    let said = async |url: &str, more: &str| {
        let datanommer = there(url, &format!("timeout = \"500ms\"\n{more}")).await;
        let error = datanommer.check().await.unwrap_err();
        let text = error.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        let place = url.rsplit_once('@').unwrap().1.split('/').next().unwrap().to_owned();
        (text.replace(&place, "[place]"), error.may_pass())
    };
    let (text, may_pass) = said(&cluster.url(), "").await;
    assert_eq!(
        text,
        "`postgres` at [place] is no database of datanommer 1.x: relation \"messages\" does not exist; `[datanommer] url` must name one, with the tables of datanommer.models in its search path"
    );
    assert!(!may_pass);
    let (text, _) = said(&cluster.url(), "password = \"hunter2\"").await;
    assert_eq!(
        text,
        "datanommer's database `postgres` at [place] does not let `hubs` in: password authentication failed for user \"hubs\"; `[datanommer] password` or the url sets the password"
    );
    let (text, _) = said(&cluster.url_with("hunter2", "postgres"), "").await;
    assert!(text.contains("does not let `hubs` in"), "{text}");
    let (text, _) = said(&cluster.url_with(cluster::PASSWORD, "other"), "").await;
    assert_eq!(
        text,
        "there is no database `other` at [place]: database \"other\" does not exist; the last part of `[datanommer] url` names it"
    );

    run(&cluster, SCHEMA).await;
    run(&cluster, "CREATE ROLE reader LOGIN PASSWORD 'x'").await;
    let reader = cluster.url().replace("hubs:not%20hunter2@", "reader:x@");
    let (text, _) = said(&reader, "").await;
    assert!(text.starts_with("`reader` may not read datanommer's database"), "{text}");
    assert!(text.ends_with("it needs SELECT on all tables"), "{text}");

    // Somebody holds the table: the statement is given up by the server, not waited for.
    let mut holder = PgConnection::connect(&cluster.url()).await.unwrap();
    let mut holding = holder.begin().await.unwrap();
    holding.execute("LOCK TABLE messages").await.unwrap();
    let (text, may_pass) = said(&cluster.url(), "").await;
    assert_eq!(
        text,
        "datanommer's database `postgres` at [place] took longer than 500ms (`[datanommer] timeout`); ask for less: a later `start`, fewer names"
    );
    assert!(may_pass);
    holding.rollback().await.unwrap();
    holder.close().await.unwrap();

    let known = there(&cluster.url(), "timeout = \"500ms\"").await;
    known.check().await.unwrap();
    cluster.stop();
    let (text, may_pass) = said(&cluster.url(), "").await;
    assert!(text.contains("can't be reached: ") && may_pass, "{text}");
    let gone = known.count(&Query::default()).await.unwrap_err().to_string();
    assert!(gone.contains("can't be reached: "), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_without_its_datanommer_and_not_with_a_wrong_one() {
    let Some(cluster) = cluster() else { return };
    let configuration = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[datanommer]\nurl = \"{}\"\ntimeout = \"1s\"\n",
        cluster.url()
    );
    let folder = site(&[("hubs.toml", &configuration)]);
    let said = check(folder.path(), &["serve"]);
    assert!(
        said.starts_with("exit 2") && said.contains("is no database of datanommer 1.x"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    let said = check(folder.path(), &["datanommer", "import", "x.jsonl"]);
    assert!(said.contains("hubs only reads it; import into one of your own"), "{said}");
    run(&cluster, &format!("{SCHEMA}{ROWS}")).await;
    let said = check(folder.path(), &["datanommer", "stats"]);
    assert!(
        said.starts_with("exit 0")
            && said.contains("\ngit                     2  2026-05-05 10:00:00"),
        "{said}"
    );
    // GitHub is asked too: nobody is there.
    let online = format!("{configuration}[github]\nurl = \"http://127.0.0.1:9\"\n");
    std::fs::write(folder.path().join("hubs.toml"), online).unwrap();
    run(&cluster, "ANALYZE").await;
    let said = check(folder.path(), &["check", "--online"]);
    assert!(
        said.contains("\n            may read about 4 messages, the last one of 2026-05-06T10:00:00Z (PostgreSQL "),
        "{said}"
    );
    assert!(
        said.contains("datanommer  works  postgres://127.0.0.1:") && said.contains(" as hubs\n"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    run(&cluster, "DELETE FROM messages").await;
    let said = check(folder.path(), &["check", "--online"]);
    assert!(said.contains("lacks messages: there is none"), "{said}");
    cluster.stop();
    let mut house = crate::harness::TestHouse::with(&[("hubs.toml", &configuration)]).await;
    house.stop().await;
}

#[test]
fn recordings_are_imported_once_and_counted() {
    let lines: Vec<_> = messages(1_200).map(|message| message.to_string()).collect();
    let lines = lines.join("\n") + "\n";
    let folder = site(&[("a.jsonl", &lines), ("b.jsonl", &format!("{lines}nonsense\n"))]);
    let said = check(folder.path(), &["datanommer", "stats"]);
    assert!(said.contains("there is no history at sqlite:"), "{said}");
    let said = check(folder.path(), &["datanommer", "import", "a.jsonl"]);
    assert!(said.contains("1200 messages added, 0 there already, 0 lines refused"), "{said}");
    let said = check(folder.path(), &["datanommer", "import", "b.jsonl"]);
    assert!(said.contains("0 messages added, 1,200 there already, 1 line refused"), "{said}");
    assert!(said.starts_with("exit 1") && said.contains("b.jsonl:1201: no JSON"), "{said}");
    let said = check(folder.path(), &["datanommer", "stats", "--format", "json"]);
    let stats: Value = serde_json::from_str(said.split("stdout\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&stats["messages"], &stats["first"]),
        (&json!(1_200), &json!("2024-01-01T00:00:00Z"))
    );
    let said = check(folder.path(), &["datanommer", "import", "ftp://x"]);
    assert!(said.contains("`ftp://x` is no address of a datagrepper"), "{said}");
}

/// Answers as datagrepper does: what is between `start` and `end`, the oldest first, page by page. Each 4th time it is busy.
struct Archive(Vec<Value>, std::sync::atomic::AtomicUsize);

impl wiremock::Respond for Archive {
    fn respond(&self, request: &wiremock::Request) -> wiremock::ResponseTemplate {
        use wiremock::ResponseTemplate;
        if self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 4 == 3 {
            return ResponseTemplate::new(503).insert_header("retry-after", "0");
        }
        let asked = |name: &str| {
            let mut pairs = request.url.query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        assert_eq!(asked("category"), "git");
        // Seconds since 1970, six digits behind the point: from 2001 on texts of them sort like numbers.
        let (start, end) = (asked("start"), asked("end"));
        let page: usize = asked("page").parse().unwrap();
        let at = |message: &Value| {
            let at: jiff::Timestamp =
                message["headers"]["sent-at"].as_str().unwrap().parse().unwrap();
            format!("{}.{:06}", at.as_second(), at.subsec_microsecond())
        };
        let later = |message: &Value| start.len() < 17 || at(message) >= start;
        let fits = self.0.iter().filter(|message| later(message) && at(message) <= end);
        let page: Vec<_> = fits.skip((page - 1) * 100).take(100).collect();
        ResponseTemplate::new(200)
            .set_body_json(json!({ "raw_messages": page, "total": 0, "pages": 0 }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagrepper_is_paged_through_by_time_and_the_next_import_goes_on() {
    let mut all: Vec<Value> = messages(700).collect();
    // 250 of one moment: more than two pages.
    for message in &mut all[..250] {
        message["headers"]["sent-at"] = "2024-01-02T00:00:00.000000+00:00".into();
    }
    all.sort_by_key(|message| message["headers"]["sent-at"].to_string());
    let newest = all.split_off(600);
    let server = wiremock::MockServer::start().await;
    let mount = async |messages: Vec<Value>| {
        server.reset().await;
        let archive = wiremock::Mock::given(wiremock::matchers::path("/grep/v2/search"));
        archive.respond_with(Archive(messages, 0.into())).mount(&server).await;
    };
    mount(all.clone()).await;
    let folder = site(&[("hubs.toml", "[datanommer]\nkeep_days = 36500\n")]);
    let url = format!("{}/grep/?category=git", server.uri());
    let import = || {
        let (folder, url) = (folder.path().to_owned(), url.clone());
        tokio::task::spawn_blocking(move || check(&folder, &["datanommer", "import", &url]))
    };
    let said = import().await.unwrap();
    assert!(said.contains("600 messages added, ") && said.contains(" 0 lines refused"), "{said}");
    mount([all, newest].concat()).await;
    let said = import().await.unwrap();
    assert!(said.contains("100 messages added, 2 there already"), "{said}");
    let asked = server.received_requests().await.unwrap();
    assert!(asked.len() <= 3, "{} requests", asked.len());
}

/// Python with the official library: `HUBS_TEST_PYTHON`, else the one in the PATH.
fn python() -> Option<String> {
    let python = std::env::var("HUBS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let asked = Command::new(&python).args(["-c", "import datanommer.models, psycopg2"]).output();
    have("datanommer-models", asked.is_ok_and(|output| output.status.success())).then_some(python)
}

const OFFICIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/datanommer/official.py");

#[tokio::test(flavor = "multi_thread")]
async fn the_official_library_and_both_of_ours_find_the_same() {
    let Some(python) = python() else { return };
    let Some(cluster) = cluster() else { return };
    let lines: Vec<String> = messages(20_000).map(|message| message.to_string()).collect();
    let folder = site(&[("messages.jsonl", &lines.join("\n"))]);
    let recording = folder.path().join("messages.jsonl");
    let official = |action: &str| {
        let mut command = Command::new(&python);
        command.args([OFFICIAL, action, &cluster.url()]);
        command
    };
    let filled = official("fill").arg(&recording).output().unwrap();
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));

    let here = Datanommer::open("sqlite::memory:").await.unwrap();
    let parsed: Vec<Arc<Message>> =
        lines.iter().map(|line| Arc::new(parse_line(line.as_bytes()).unwrap())).collect();
    assert_eq!(here.add(&parsed).await.unwrap(), 20_000);
    let there = there(&cluster.url(), "timeout = \"30s\"").await;
    there.check().await.unwrap();

    let mut dice = Dice::new(7);
    let questions: Vec<(Query, Value)> = (0..260).map(|_| question(&mut dice)).collect();
    let asked: Vec<_> = questions.iter().map(|(_, theirs)| theirs.to_string()).collect();
    let asked = asked.join("\n") + "\n";
    let mut library =
        official("grep").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = library.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(asked.as_bytes()));
    let output = library.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());

    let (mut found_something, mut of_pages) = (0, 0);
    for ((query, _), answer) in questions.iter().zip(&answers) {
        let told = |(ids, total, pages)| json!({ "ids": ids, "total": total, "pages": pages });
        assert_eq!(&told(ids(&here, query).await), answer, "SQLite: {query:?}");
        assert_eq!(&told(ids(&there, query).await), answer, "PostgreSQL: {query:?}");
        found_something += usize::from(answer["total"] != 0);
        of_pages += usize::from(answer["pages"].as_u64() > Some(1));
        let day = Duration::from_hours(24 * 7);
        let activity = here.activity(query, day).await.unwrap();
        assert_eq!(activity, there.activity(query, day).await.unwrap(), "{query:?}");
        assert_eq!(activity.iter().map(|b| b.total).sum::<u64>(), answer["total"], "{query:?}");
    }
    // Questions that find nothing would prove nothing.
    assert!(found_something > 180 && of_pages > 100, "{found_something} {of_pages}");
    let first = there.grep(&Query { rows_per_page: 1_000, ..Query::default() }).await.unwrap();
    let kept = here.grep(&Query { rows_per_page: 1_000, ..Query::default() }).await.unwrap();
    assert_eq!(first.messages, kept.messages, "and they are the same messages");
}
