//! What is inferred, in words, and that it never contradicts the script.

use crate::config::Limits;
use crate::message::{Condition, Description, Message, Topic, Verdict, Wire};
use crate::script::interpreter::tests::{at, placed};
use crate::script::{Argument, Interpreter, Module, Source, Tier};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;

fn interpreter() -> Interpreter {
    let limits = Limits { deadline: std::time::Duration::from_secs(5), ..Limits::pure() };
    Interpreter::new(Tier::Pure, limits, Some(crate::bindings::pure()))
}

fn source(body: &str) -> Arc<Source> {
    let module = Module {
        path: "lib/names".into(),
        file: "widgets/lib/names.rhai".into(),
        text: r#"
            const OURS = ["ralph", "mizmo"];
            fn is_ours(name) { name in OURS }
            fn meets(list, found) { for one in found { if one in list { return true; } } false }
            fn joined(list, more) { let all = list; all.push(more); all }
        "#
        .into(),
    };
    let text = format!(
        r#"import "lib/names" as names;
        const TOPIC = "pagure.issue.new";
        fn mine(message, widget) {{ message.msg.user.name == widget.config.username }}
        fn ends(message, what) {{ if message.topic.ends_with(what) {{ return true; }} false }}
        fn set_it(x) {{ this.name = x; }}
        fn should_invalidate(message, widget) {{ {body} }}"#
    );
    Arc::new(Source::new("widgets/x.rhai", text, vec![Arc::new(module)]))
}

fn config() -> Value {
    json!({ "username": "ralph", "users": ["ralph", "lmacken"], "none": [], "limit": 3, "on": true, "topics": ["a.b.c.d"] })
}

fn inferred(interpreter: &mut Interpreter, body: &str) -> Condition {
    interpreter.check(&source(body)).unwrap_or_else(|found| panic!("{body}: {found:?}"));
    interpreter.infer(&source(body), "should_invalidate", &placed(config()), &at()).condition
}

#[test]
fn the_first_place_that_can_not_be_followed_is_told() {
    let body = "message.category == \"git\" && message.msg.title.len() > 3";
    let seen = interpreter().infer(&source(body), "should_invalidate", &placed(config()), &at());
    let text = source(body).text.clone();
    let (file, line, column) = seen.unclear.unwrap();
    assert_eq!(file, "widgets/x.rhai");
    assert!(
        text.lines().nth(line - 1).unwrap()[column - 1..].starts_with("message.msg.title"),
        "{column}"
    );
}

/// A body of `should_invalidate`, and what is seen in it.
const SEEN: &[(&str, &str)] = &[
    ("true", "true"),
    ("message.category == \"git\"", "message.category == \"git\""),
    (
        "message.topic.ends_with(TOPIC) && message.msg.user.name == widget.config.username",
        "message.topic.ends_with(\"pagure.issue.new\") && message.msg.user.name == \"ralph\"",
    ),
    ("mine(message, widget)", "message.msg.user.name == \"ralph\""),
    (
        "if !ends(message, \"issue.new\") { return false; } let user = message.msg.user; if user == () { return false; } user.name == widget.config.username",
        "message.topic.ends_with(\"issue.new\") && message.msg.user != () && message.msg.user.name == \"ralph\"",
    ),
    ("widget.config.username in message.usernames", "message.usernames.contains(\"ralph\")"),
    ("message.usernames.contains(widget.config.username)", "message.usernames.contains(\"ralph\")"),
    (
        "names::meets(widget.config.users, message.usernames)",
        "message.usernames.some(|each| each in [\"ralph\",\"lmacken\"])",
    ),
    ("names::meets(widget.config.none, message.usernames)", "false"),
    (
        "names::meets(names::joined(widget.config.users, widget.hub.name), [message.msg.agent])",
        "message.msg.agent in [\"ralph\",\"lmacken\",\"ralph\"]",
    ),
    ("names::is_ours(message.msg.agent)", "message.msg.agent in [\"ralph\",\"mizmo\"]"),
    (
        "let who = widget.config.username; message.msg.items.some(|item| item.name == who)",
        "message.msg.items.some(|each| each.name == \"ralph\")",
    ),
    ("message.msg.items.all(|item| item.ok)", "!(message.msg.items.some(|each| !(each.ok)))"),
    (
        "switch message.category { \"git\" => message.msg.agent == \"ralph\", \"pagure\" => true, _ => false }",
        "message.category == \"pagure\" || (message.category == \"git\" && message.msg.agent == \"ralph\")",
    ),
    (
        "if widget.config.on { message.msg.a == 1 } else { message.msg.b == 2 }",
        "message.msg.a == 1",
    ),
    ("let n = widget.config.limit + 1; message.msg.votes == n", "message.msg.votes == 4"),
    (
        "message.topic == `org.fedoraproject.prod.${TOPIC}`",
        "message.topic == \"org.fedoraproject.prod.pagure.issue.new\"",
    ),
    (
        "message.msg[\"user\"][\"name\"] == \"x\" || message.msg.tags[0] == \"a\"",
        "message.msg[\"user\"][\"name\"] == \"x\" || message.msg.tags[0] == \"a\"",
    ),
    (
        "(message.msg.agent ?? message.msg.user.name) == \"ralph\"",
        "if message.msg.agent == () { message.msg.user.name == \"ralph\" } else { message.msg.agent == \"ralph\" }",
    ),
    ("message.msg.agent == message.msg.user.name", "message.msg.agent == message.msg.user.name"),
    ("message.msg.user.is_empty()", "message.msg.user.is_empty()"),
    ("message.nothing == ()", "true"),
    (
        "let x = 0; for name in widget.config.users { if message.msg.agent == name { return true; } } false",
        "message.msg.agent == \"ralph\" || message.msg.agent == \"lmacken\"",
    ),
    (
        "widget.config.users.some(|name| message.msg.agent == name)",
        "message.msg.agent == \"ralph\" || message.msg.agent == \"lmacken\"",
    ),
    (
        "let hit = false; if message.category == \"git\" { hit = true; } hit",
        "message.category == \"git\"",
    ),
    // What can't be followed stays open, and nothing else does.
    (
        "message.category == \"git\" && message.msg.title.len() > 3",
        "message.category == \"git\" && ?",
    ),
    (
        "message.msg.title.to_lower() == \"x\" || message.category == \"git\"",
        "? || message.category == \"git\"",
    ),
    (
        "let n = message.msg.title.len(); message.category == \"git\" && n > 3",
        "? && (message.category == \"git\" && ?)",
    ),
    ("while true { return true; } false", "?"),
    ("widget.hub.days_idle > 3 && message.category == \"git\"", "?"),
    // Whoever changes a variable on the way is not believed.
    (
        "let hit = false; message.usernames.for_each(|name| { if name == \"ralph\" { hit = true; } }); hit",
        "?",
    ),
    (
        "let found = []; for name in message.usernames { found.push(name); } found.contains(\"ralph\")",
        "?",
    ),
    (
        "let users = widget.config.users; users.push(message.msg.agent); users.contains(message.msg.agent)",
        "?",
    ),
    ("let x = #{ name: \"git\" }; x.set_it(\"pagure\"); message.category == x.name", "?"),
    ("let x = if message.category == \"git\" { return true; } else { 3 }; x == 3", "?"),
];

#[test]
fn what_a_script_asks_of_a_message_is_seen() {
    let mut interpreter = interpreter();
    let mut wrong = String::new();
    for (body, expected) in SEEN {
        let seen = inferred(&mut interpreter, body).to_string();
        if seen != *expected {
            let _ = writeln!(wrong, "{body}\n  expected {expected}\n  seen     {seen}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn message(topic: &str, body: Value, usernames: Vec<String>) -> Message {
    Message {
        id: "1".into(),
        topic: Topic::new(topic),
        sent_at: at().now,
        wire: Wire::Fedmsg,
        body: Arc::new(body),
        headers: Arc::new(Map::new()),
        description: Description { usernames, ..Description::default() },
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!(1)),
        Just(json!(1.0)),
        Just(json!(4)),
        Just(json!(2.5)),
        Just(json!(18_446_744_073_709_551_615_u64)),
        Just(json!("ralph")),
        Just(json!("x")),
        Just(json!("")),
        Just(json!([])),
        Just(json!({})),
        Just(json!({ "name": "ralph" })),
        Just(json!(["ralph"])),
        Just(json!([{ "name": "ralph", "ok": true }, { "name": 3 }])),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        Just("user"),
        Just("agent"),
        Just("items"),
        Just("a"),
        Just("b"),
        Just("votes"),
        Just("tags"),
        Just("title")
    ];
    prop_oneof![
        1 => leaf(),
        9 => prop::collection::hash_map(field, leaf(), 0..6).prop_map(|fields| json!(fields)),
    ]
}

type Ready = (Interpreter, Vec<(Arc<Source>, Condition)>);

/// More bodies, for what only differs in values.
const ALSO: &[&str] = &[
    "message.msg == ()",
    "message.msg.a == widget.config.limit",
    "message.msg.a == 1",
    "message.msg.a == 1.0",
    "message.msg.a != ()",
    "message.msg.a != true",
    "message.msg.a == \"\"",
    "message.msg.a",
    "!message.msg.a",
    "message.msg.a.starts_with(\"ra\")",
    "message.msg.a.contains(\"ralph\")",
    "message.msg.a.contains(true)",
    "\"ralph\" in message.msg.items && message.msg.a == message.msg.b",
    "message.msg.a in [1, \"x\", ()]",
    "message.msg.a in widget.config.users || message.msg.b",
    "message.msg.items[0].name == \"ralph\"",
    "message.msg.items[-1].name == 3",
    "message.msg.items[\"name\"] == \"ralph\"",
    "message.msg.items.some(|item| item.ok)",
    "for item in message.msg.items { if item.name == \"ralph\" { return true; } } message.msg.a == 4",
    "for item in message.msg.items { if item.ok { return false; } } true",
    "message.msg.items.is_empty()",
    "message.msg.items.get(\"name\") == ()",
    "message.usernames[0] == \"ralph\" && message.usernames.name == ()",
    "!(message.msg.agent in widget.config.users)",
    "switch message.msg.a { \"x\" => true, true => message.msg.b, _ => false }",
    "message.msg.a == message.usernames",
    "message.msg.a == 'x'",
    "widget.config.username == message.msg.a || widget.config.on == message.msg.b",
    "!(message.msg.a == 1 || message.msg.b != \"x\") && message.msg.user.name != ()",
    "message.msg.items.some(|item| message.usernames.some(|name| name == item.name))",
    "message.msg.items.some(|item| item.name in widget.config.users && item.ok == true)",
    "for name in message.usernames { for item in message.msg.items { if item.name == name { return true; } } } false",
    "let list = message.msg.items; if list.is_empty() { return message.msg.a == (); } list[0] == \"ralph\"",
    "let who = message.msg.user?.name ?? message.msg.agent; who == widget.config.username",
    "if message.msg.a == 1 { message.msg.b == 1 } else if message.msg.a == \"x\" { message.msg.b } else { message.msg.b == () }",
    "message.msg.a == []",
    "message.headers.x == () && message.msg.user?.name == \"ralph\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_answer_is_the_scripts(
        topic in prop_oneof![
            Just("org.fedoraproject.prod.pagure.issue.new"), Just("org.fedoraproject.prod.git.receive"), Just("a.b.c.d"), Just("x")
        ],
        body in body(),
        usernames in prop_oneof![Just(vec![]), Just(vec!["ralph".to_owned()]), Just(vec!["x".to_owned(), "lmacken".to_owned()])],
    ) {
        thread_local! {
            static READY: RefCell<Ready> = {
                let mut interpreter = interpreter();
                let bodies = SEEN.iter().map(|(body, _)| *body).chain(ALSO.iter().copied());
                let ready = bodies.map(|body| (source(body), inferred(&mut interpreter, body))).collect();
                (interpreter, ready).into()
            };
        }
        READY.with_borrow_mut(|(interpreter, ready)| {
            let message = message(topic, body, usernames);
            let argument = interpreter.message(&message);
            let placed = placed(config());
            for (source, condition) in ready.iter() {
                let arguments = [Argument::Message(&argument), Argument::Widget(&placed)];
                let answer = interpreter.call(source, "should_invalidate", &arguments, &at());
                let said = answer.as_ref().ok().and_then(Value::as_bool);
                let verdict = condition.judge(&message);
                let fits = match verdict {
                    Verdict::Yes => said == Some(true),
                    Verdict::No => said == Some(false),
                    Verdict::Ask => true,
                };
                prop_assert!(fits, "{condition} is {verdict:?}, the script says {answer:?}\n{}\n{message:?}", source.text);
            }
            Ok(())
        })?;
    }
}
