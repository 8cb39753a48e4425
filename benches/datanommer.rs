//! One user's last 100 of 1,000,000 messages, in the history that hubs keeps and in a datanommer's PostgreSQL.
//!
//! `cargo bench --bench datanommer`. Both are made once, in temporary folders that end with the run; PostgreSQL is left out
//! where there is none. 10,000 users: of each message one, the low numbers often; `some` has 100 messages, `busy` 10,000.

#[path = "../tests/datanommer/cluster.rs"]
mod cluster;

use cluster::Cluster;
use criterion::{Criterion, criterion_group, criterion_main};
use hubs::config::Settings;
use hubs::datanommer::{Datanommer, Order, Query};
use hubs::message::{Message, parse_line};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;

const MESSAGES: usize = 1_000_000;
const START: usize = 1_704_067_200;

fn user(n: usize) -> String {
    match n % 10_000 {
        0 => "some".into(),
        r if r % 100 == 1 => "busy".into(),
        r => format!("user{r}"),
    }
}

fn message(n: usize) -> Arc<Message> {
    let (user, at) = (user(n), START + n * 30);
    let category = ["bodhi", "git", "copr", "wiki"][n % 4];
    let line = format!(
        r#"{{"topic":"org.fedoraproject.prod.{category}.thing.happened","id":"{n}","body":{{"n":{n},"user":"{user}","text":"{}"}},"headers":{{"sent-at":"{}","fedora_messaging_schema":"x","fedora_messaging_user_{user}":true,"fedora_messaging_rpm_package{}":true}}}}"#,
        "lorem ipsum ".repeat(20),
        jiff::Timestamp::from_second(i64::try_from(at).expect("a time")).expect("a time"),
        n % 5_000,
    );
    Arc::new(parse_line(line.as_bytes()).expect("a message"))
}

fn fill_postgres() -> String {
    format!(
        "INSERT INTO users (name) VALUES ('some'), ('busy');
         INSERT INTO users (name) SELECT 'user' || n FROM generate_series(0, 9999) AS n;
         INSERT INTO packages (name) SELECT 'package' || n FROM generate_series(0, 4999) AS n;
         CREATE TEMPORARY TABLE made AS SELECT n, timestamp 'epoch' + ({START} + n * 30) * interval '1 second' AS at,
             CASE WHEN n % 10000 = 0 THEN 'some' WHEN n % 100 = 1 THEN 'busy' ELSE 'user' || (n % 10000) END AS who
             FROM generate_series(0, {MESSAGES} - 1) AS n;
         INSERT INTO messages (id, msg_id, i, topic, timestamp, category, msg, headers)
             SELECT n, n::text, 0, 'org.fedoraproject.prod.' || c.name || '.thing.happened', at, c.name,
                 json_build_object('n', n, 'user', who, 'text', repeat('lorem ipsum ', 20))::text,
                 jsonb_build_object('sent-at', at, 'fedora_messaging_schema', 'x')
             FROM made, LATERAL (SELECT (ARRAY['bodhi', 'git', 'copr', 'wiki'])[n % 4 + 1] AS name) AS c;
         INSERT INTO users_messages SELECT users.id, n, at FROM made JOIN users ON users.name = who;
         INSERT INTO packages_messages SELECT packages.id, n, at FROM made JOIN packages ON packages.name = 'package' || (n % 5000);"
    )
}

fn histories(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let here = runtime.block_on(async {
        let url = format!("sqlite:{}", folder.path().join("datanommer.db").display());
        let here = Datanommer::open(&url).await.expect("a history");
        for first in (0..MESSAGES).step_by(1_000) {
            let some: Vec<_> = (first..first + 1_000).map(message).collect();
            here.add(&some).await.expect("kept");
        }
        here
    });
    measure(criterion, &runtime, "embedded", &here);
    let Some(cluster) = Cluster::start() else { return };
    let there = runtime.block_on(async {
        let mut connection = PgConnection::connect(&cluster.url()).await.expect("a connection");
        let schema = include_str!("../tests/datanommer/schema.sql");
        for sql in [schema, &fill_postgres(), "VACUUM ANALYZE"] {
            let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
            sql.execute(&mut connection).await.expect("filled");
        }
        let file = folder.path().join("hubs.toml");
        let text = format!("[datanommer]\nurl = \"{}\"\n", cluster.url());
        std::fs::write(&file, text).expect("a file");
        let settings = Settings::load(&file).expect("settings").datanommer;
        Datanommer::of(&settings).await.expect("a history")
    });
    measure(criterion, &runtime, "postgres", &there);
}

fn measure(
    criterion: &mut Criterion,
    runtime: &tokio::runtime::Runtime,
    name: &str,
    datanommer: &Datanommer,
) {
    let mut group = criterion.benchmark_group(format!("datanommer/{name}"));
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    for user in ["some", "busy"] {
        let users = vec![user.to_owned()];
        let query = Query { users, order: Order::Descending, ..Query::default() };
        group.bench_function(format!("last 100 of {user}"), |bencher| {
            bencher.iter(|| {
                let page = runtime.block_on(datanommer.grep(&query)).expect("an answer");
                assert_eq!(page.messages.len(), 100);
            });
        });
    }
}

criterion_group!(benches, histories);
criterion_main!(benches);
