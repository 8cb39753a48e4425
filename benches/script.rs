//! What one `should_invalidate` costs with all limits on, and whether two threads do twice as much.
//!
//! `cargo bench --bench script`. Targets: a full check in 1.6 µs, a miss that the topic decides in 0.7 µs, two threads
//! 1.7 times one.

use criterion::{Criterion, criterion_group, criterion_main};
use hubs::{
    config::Limits,
    hub::{Hub, HubKind, InstanceId, Placed, Visibility},
    message::{Message, parse_line},
    script::{Argument, Call, Interpreter, Source, Tier},
};
use serde_json::json;
use std::{
    hint::black_box,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

const HIT: &str = "io.pagure.prod.pagure.issue.comment.added";
const MISS: &str = "io.pagure.prod.pagure.pull-request.closed";

const TYPICAL: &str = r#"
fn should_invalidate(message, widget) {
    if !message.topic.ends_with("pagure.issue.comment.added") {
        return false;
    }
    let issue = message.msg.issue;
    if issue == () {
        return false;
    }
    issue.user.name == widget.config.username
}
"#;

const CHAIN: &str = r#"
fn should_invalidate(message, widget) {
    message.topic.ends_with("pagure.issue.comment.added")
        && message.msg.issue.user.name == widget.config.username
}
"#;

const EMPTY: &str = "fn should_invalidate(message, widget) { }";

/// 2.7 KiB, as pagure sends them.
fn message(topic: &str) -> Message {
    let person = |name: &str| json!({ "name": name, "fullname": name, "emails": [format!("{name}@example.org")] });
    let comment = |n: u32| {
        json!({
            "id": n,
            "comment": "I can confirm this on rawhide. ".repeat(8),
            "user": person("mizmo"),
            "date_created": "1777982400",
            "edited_on": null,
            "notification": false,
        })
    };
    let line = json!({
        "topic": topic,
        "msg_id": "2026-0f1e2d3c",
        "timestamp": 1_777_982_400,
        "msg": {
            "agent": "ralph",
            "issue": {
                "id": 42,
                "title": "Broken",
                "status": "Open",
                "private": false,
                "tags": ["bug", "easyfix"],
                "assignee": person("kevin"),
                "user": person("ralph"),
                "blocks": [],
                "depends": [],
                "comments": (1..=5).map(comment).collect::<Vec<_>>(),
            },
            "project": {
                "id": 7,
                "name": "fedora-hubs",
                "description": "Hubs",
                "namespace": null,
                "tags": [],
                "user": person("ralph"),
                "settings": { "issue_tracker": true, "pull_requests": true },
            },
        },
    });
    parse_line(line.to_string().as_bytes()).expect("it is a message")
}

fn placed() -> Placed {
    let time = "2026-05-05T12:00:00Z".parse().expect("it is a time");
    Placed {
        page: 1,
        id: InstanceId(1),
        name: "issues".parse().expect("it is a name"),
        config: Arc::new([("username".to_string(), json!("ralph"))].into_iter().collect()),
        hub: Arc::new(Hub {
            name: "ralph".parse().expect("it is a name"),
            kind: HubKind::User,
            summary: String::new(),
            avatar: String::new(),
            banner: String::new(),
            left_width: 8,
            visibility: Visibility::Public,
            archived: false,
            owners: vec!["ralph".into()],
            members: vec![],
            subscribers: vec![],
            stargazers: vec![],
            created_at: time,
            last_active: time,
        }),
    }
}

/// Calls so often, all on this thread, and returns the time it took.
fn ask(text: &str, topic: &str, times: u64, start: Option<&Barrier>) -> Duration {
    let mut interpreter = Interpreter::new(Tier::Pure, Limits::pure(), None);
    let source = Arc::new(Source::new("widgets/issues.rhai", text, Vec::new()));
    let message = interpreter.message(&message(topic));
    let placed = placed();
    let arguments = [Argument::Message(&message), Argument::Widget(&placed)];
    let call = Call::at("2026-05-05T12:00:00Z".parse().expect("it is a time"));
    let mut once = || interpreter.call(&source, "should_invalidate", &arguments, &call);
    for _ in 0..1_000 {
        once().expect("it answers");
    }
    if let Some(start) = start {
        start.wait();
    }
    let begun = Instant::now();
    for _ in 0..times {
        let _ = black_box(once());
    }
    begun.elapsed()
}

/// The same function by Rhai alone on plain maps: what an engine costs here that bounds nothing.
fn bare(times: u64) -> Duration {
    let engine = rhai::Engine::new();
    let ast = engine.compile(CHAIN).expect("it compiles");
    let map = |value| engine.parse_json(value, true).expect("it is JSON");
    let body = map(r#"{"issue":{"user":{"name":"ralph"}}}"#);
    let mut top = rhai::Map::new();
    top.insert("topic".into(), HIT.into());
    top.insert("msg".into(), body.into());
    let message = rhai::Dynamic::from_map(top).into_read_only().into_shared();
    let widget = rhai::Dynamic::from_map(map(r#"{"config":{"username":"ralph"}}"#)).into_shared();
    let once = || {
        let options = rhai::CallFnOptions::new().eval_ast(false);
        let arguments = (message.clone(), widget.clone());
        let mut scope = rhai::Scope::new();
        engine.call_fn_with_options::<bool>(
            options,
            &mut scope,
            &ast,
            "should_invalidate",
            arguments,
        )
    };
    assert!(once().expect("it answers"));
    let begun = Instant::now();
    for _ in 0..times {
        let _ = black_box(once());
    }
    begun.elapsed()
}

/// The time that it takes when each of so many threads calls so often.
fn together(threads: usize, times: u64) -> Duration {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| ask(TYPICAL, HIT, times, Some(&start)))).collect();
        running.into_iter().map(|t| t.join().expect("it ends")).max().unwrap_or_default()
    })
}

/// What the server does instead of asking, where the condition is the whole function; and what reading it out costs.
fn inferred(c: &mut Criterion) {
    let mut interpreter = Interpreter::new(Tier::Pure, Limits::pure(), None);
    let placed = placed();
    let call = Call::at("2026-05-05T12:00:00Z".parse().expect("it is a time"));
    let mut group = c.benchmark_group("inferred");
    for (name, text, topic) in
        [("typical", TYPICAL, HIT), ("chain", CHAIN, HIT), ("miss", TYPICAL, MISS)]
    {
        let source = Arc::new(Source::new("widgets/issues.rhai", text, Vec::new()));
        let seen = interpreter.infer(&source, "should_invalidate", &placed, &call);
        assert!(seen.condition.is_whole());
        let message = message(topic);
        group.bench_function(name, |b| b.iter(|| seen.condition.judge(black_box(&message))));
    }
    let source = Arc::new(Source::new("widgets/issues.rhai", TYPICAL, Vec::new()));
    group.bench_function("reading it out for an instance", |b| {
        b.iter(|| interpreter.infer(&source, "should_invalidate", black_box(&placed), &call));
    });
    group.finish();
}

fn should_invalidate(c: &mut Criterion) {
    let mut group = c.benchmark_group("should_invalidate");
    for (name, text, topic) in [
        ("typical", TYPICAL, HIT),
        ("chain", CHAIN, HIT),
        ("miss", TYPICAL, MISS),
        ("empty", EMPTY, MISS),
    ] {
        group.bench_function(name, |b| b.iter_custom(|times| ask(text, topic, times, None)));
    }
    group.bench_function("chain, bare engine without limits", |b| b.iter_custom(bare));
    // The same number of calls on each thread: with two of them the time should hardly grow.
    for threads in [1, 2] {
        group.bench_function(format!("{threads} threads, calls of each"), |b| {
            b.iter_custom(|times| together(threads, times));
        });
    }
    group.finish();

    let message = message(HIT);
    let mut interpreter = Interpreter::new(Tier::Pure, Limits::pure(), None);
    c.bench_function("a message for scripts", |b| {
        b.iter(|| interpreter.message(black_box(&message)));
    });
    c.bench_function("compile", |b| {
        let mut n = 0_u32;
        b.iter(|| {
            n += 1;
            let text = format!("{TYPICAL}\n// {n}");
            interpreter.check(&Arc::new(Source::new("widgets/issues.rhai", text, Vec::new())))
        });
    });
}

criterion_group!(benches, should_invalidate, inferred);
criterion_main!(benches);
