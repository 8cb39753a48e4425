//! Scripts, messages and widgets as their authors meet them: what is read, what is refused, and in which words.

use super::super::{Import, imports};
use super::*;
use crate::{
    hub::{Hub, HubKind, InstanceId, Visibility},
    message::parse_line,
    script,
};
use serde_json::json;

pub(crate) fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("widgets/x.rhai", text, Vec::new()))
}

pub(crate) fn placed(config: Value) -> Placed {
    let Value::Object(config) = config else { panic!("a config is an object") };
    let now = "2026-01-01T12:00:00Z".parse().unwrap();
    Placed {
        page: 1,
        id: InstanceId(7),
        name: "badges".parse().unwrap(),
        config: Arc::new(config),
        hub: Arc::new(Hub {
            name: "ralph".parse().unwrap(),
            kind: HubKind::User,
            summary: "Hello".into(),
            avatar: String::new(),
            banner: String::new(),
            left_width: 8,
            visibility: Visibility::Public,
            archived: false,
            owners: vec!["ralph".into()],
            members: vec!["lmacken".into(), "mizmo".into()],
            subscribers: Vec::new(),
            stargazers: Vec::new(),
            created_at: now,
            last_active: "2025-12-20T12:00:00Z".parse().unwrap(),
        }),
    }
}

pub(crate) fn message() -> Message {
    let mut message = parse_line(
        br#"{"topic":"org.fedoraproject.prod.pagure.issue.new","msg_id":"2026-1","timestamp":1767268800,
            "msg":{"issue":{"id":3,"title":"Broken","tags":["a","b"],"user":{"name":"ralph"},"votes":1.5,"open":true,"closed_by":null},"agent":"ralph"}}"#,
    )
    .unwrap();
    message.description.usernames = vec!["ralph".into()];
    message
}

pub(crate) fn at() -> Call {
    Call::at("2026-01-01T12:00:00Z".parse().unwrap())
}

fn pure() -> Interpreter {
    let limits = Limits { deadline: std::time::Duration::from_secs(5), ..Limits::pure() };
    Interpreter::new(Tier::Pure, limits, None)
}

fn data() -> Interpreter {
    Interpreter::new(Tier::Data, Limits::data(), None)
}

/// What `f(message, widget)` returns whose body this is.
fn asked(body: &str) -> Result<Value, Failure> {
    let mut interpreter = pure();
    let message = interpreter.message(&message());
    let widget = placed(json!({ "username": "ralph", "labels": ["x", "y"], "limit": 3 }));
    let source = source(&format!("fn f(message, widget) {{ {body} }}"));
    interpreter.call(&source, "f", &[Argument::Message(&message), Argument::Widget(&widget)], &at())
}

/// What `data(widget)` returns, with the line that failed.
fn built(text: &str) -> Result<Value, String> {
    let widget = placed(json!({ "username": "ralph", "limit": 3 }));
    data().call(&source(text), "data", &[Argument::Widget(&widget)], &at()).map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn said(failure: Failure) -> String {
    let help = failure.diagnostic.help.as_deref().map_or_else(String::new, |h| format!(" | {h}"));
    format!("{}{help}", failure.diagnostic)
}

#[test]
fn a_message_is_read_down_to_its_leaves_and_nothing_is_where_nothing_is() {
    for (body, expected) in [
        ("message.topic", json!("org.fedoraproject.prod.pagure.issue.new")),
        ("message.category", json!("pagure")),
        ("message.sent_at", json!("2026-01-01T12:00:00Z")),
        ("message.msg.issue.user.name == widget.config.username", json!(true)),
        ("message.body.issue.id + 1", json!(4)),
        ("message.msg.issue.votes", json!(1.5)),
        ("message.msg.issue", message().body["issue"].clone()),
        ("message.msg.nobody", json!(null)),
        ("message.msg.nobody.home.at.all", json!(null)),
        ("message.nosuch.field", json!(null)),
        ("message.msg.issue.closed_by.name", json!(null)),
        ("message.msg.issue.user.name.more", json!(null)),
        ("message.msg.issue[\"title\"]", json!("Broken")),
        ("message.msg.issue.tags[1]", json!("b")),
        ("message.msg.issue.tags[-1]", json!("b")),
        ("message.msg.issue.tags[9].name", json!(null)),
        ("message.msg.agent.name", json!(null)),
        ("message.msg.agent.len", json!(5)),
        ("message.msg.nobody.tag", json!(null)),
        ("message.msg.issue.tag", json!(null)),
        ("message.msg.nobody > 3", json!(false)),
        ("message.msg.nobody.name.to_lower().contains(\"x\")", json!(false)),
        ("message.msg.issue.id > 2 && message.msg.issue.votes < 2.0", json!(true)),
        ("message.msg.nobody.len() + message.msg.issue.tags.len()", json!(2)),
        ("message.msg.issue.tags.len", json!(2)),
        ("\"a\" in message.msg.issue.tags", json!(true)),
        ("\"z\" in message.msg.issue.tags", json!(false)),
        ("\"z\" in message.msg.nobody", json!(false)),
        ("\"user\" in message.msg.issue", json!(true)),
        ("\"closed_by\" in message.msg.issue", json!(true)),
        ("widget.config.username in message.usernames", json!(true)),
        ("message.usernames.contains(\"ralph\")", json!(true)),
        ("message.usernames == [\"ralph\"]", json!(true)),
        ("message.msg.issue.tags == \"a\"", json!(false)),
        ("message.msg.nobody == \"a\"", json!(false)),
        ("message.msg.nobody == ()", json!(true)),
        (
            "let n = 0; for t in message.msg.issue.tags { n += 1; } for t in message.msg.nobody { n += 9; } n",
            json!(2),
        ),
        ("message.msg.issue.tags.map(|t| t + \"!\")", json!(["a!", "b!"])),
        ("message.msg.issue.tags.filter(|t| t == \"b\")", json!(["b"])),
        ("message.msg.issue.tags.some(|t| t == \"b\")", json!(true)),
        ("message.msg.issue.user.keys()", json!(["name"])),
        (
            "`${message.msg.issue.tags} of ${message.msg.issue.user}`",
            json!("[\"a\", \"b\"] of #{\"name\": \"ralph\"}"),
        ),
        ("let m = message.msg.issue; m.user.name", json!("ralph")),
    ] {
        let found = asked(body).map_err(said);
        assert_eq!(found, Ok(expected), "{body}");
    }
}

#[test]
fn a_widget_is_read_and_a_slip_says_what_there_is() {
    for (body, expected) in [
        ("widget.id", json!(7)),
        ("widget.name", json!("badges")),
        ("widget.config.labels.len()", json!(2)),
        ("widget.config", json!({ "username": "ralph", "labels": ["x", "y"], "limit": 3 })),
        ("widget.hub.name + widget.hub.kind", json!("ralphuser")),
        ("\"mizmo\" in widget.hub.members", json!(true)),
        ("widget.hub.days_idle", json!(12)),
        ("\"limit\" in widget.config", json!(true)),
    ] {
        assert_eq!(asked(body).map_err(said), Ok(expected), "{body}");
    }
    for (body, expected) in [
        (
            "widget.config.usernmae",
            "widgets/x.rhai:1:39: `widget.config` has no `usernmae`; it has `username`, `labels`, `limit`",
        ),
        (
            "widget.confg",
            "widgets/x.rhai:1:31: `widget` has no `confg`; it has `config`, `hub`, `id`, `name`",
        ),
        ("widget.hub.color", "`widget.hub` has no `color`; it has `name`, `kind`"),
    ] {
        let found = said(asked(body).unwrap_err());
        assert!(found.contains(expected), "{body}: {found}");
    }
}

#[test]
fn no_script_writes_into_a_message_or_a_widget() {
    let mut interpreter = pure();
    let argument = interpreter.message(&message());
    let widget = placed(json!({ "username": "ralph", "labels": ["x"] }));
    let whole = "fn g(message, widget) { [message.topic, message.msg, message.usernames, message.headers, widget.config, widget.hub.members] }";
    let args = [Argument::Message(&argument), Argument::Widget(&widget)];
    let before = interpreter.call(&source(whole), "g", &args, &at()).unwrap();
    for attempt in [
        "message.topic = \"x\"",
        "message.topic += \"x\"",
        "message[\"topic\"] = \"x\"",
        "message.new = 1",
        "message.msg = 1",
        "message.msg.issue = 1",
        "message.msg.issue.title = \"x\"",
        "message.msg.issue.title += \"x\"",
        "message.msg.issue.tags[0] = \"x\"",
        "message.msg.issue.tags.push(\"x\")",
        "message.usernames.push(\"x\")",
        "message.usernames += \"x\"",
        "message.remove(\"topic\")",
        "message.clear()",
        "message.mixin(#{ topic: 1 })",
        "let m = message; m.topic = \"x\"; m.clear()",
        "let m = message.msg; m.issue = 1",
        "let f = |m| { m.topic = \"x\"; }; f.call(message)",
        "let f = || { message.topic = \"x\"; }; f.call()",
        "for t in message.usernames { t += \"x\"; }",
        "message.drain(|k, v| true)",
        "message.take()",
        "message.topic.clear()",
        "message.topic.replace(\"o\", \"x\")",
        "widget.config.username = \"x\"",
        "widget.config = #{}",
        "widget.config.labels.push(\"z\")",
        "widget.hub.members.clear()",
        "widget.hub.name = \"x\"",
        "let c = widget.config; c.username = \"x\"",
    ] {
        let text = source(&format!("fn f(message, widget) {{ {attempt}; }}"));
        let _ = interpreter.call(&text, "f", &args, &at());
        let after = interpreter.call(&source(whole), "g", &args, &at()).unwrap();
        assert_eq!(after, before, "{attempt}");
    }
}

#[test]
fn constants_are_known_and_seen_by_every_function() {
    let text = r#"//! Badges, newest first.
//! Two lines.

const TITLE = "Badges";
const LIMIT = 2 + 1;
const TABLE = #{ a: [1, 2], b: #{ c: "d" } };

/// What it shows.
/// More of it.
fn data(widget) {
    let add = |n| n + LIMIT;
    #{ title: TITLE, n: helper(), c: TABLE.b.c, first: TABLE["a"][0], all: TABLE, keys: TABLE.keys(), four: add.call(1) }
}

fn helper() { LIMIT * 2 }
"#;
    let facts = data().check(&source(text)).unwrap();
    assert_eq!(facts.doc, "Badges, newest first.\nTwo lines.");
    assert_eq!(facts.constants["TABLE"], json!({ "a": [1, 2], "b": { "c": "d" } }));
    assert_eq!(facts.constants["LIMIT"], json!(3));
    assert_eq!(facts.places["LIMIT"], (5, 7));
    let functions: Vec<_> = facts.functions.iter().map(|f| (&*f.name, f.line)).collect();
    assert_eq!(functions, [("data", 10), ("helper", 15)]);
    assert_eq!(facts.function("data").unwrap().doc, "What it shows.\nMore of it.");
    assert_eq!(facts.function("data").unwrap().parameters, ["widget"]);
    let expected = json!({
        "title": "Badges", "n": 6, "c": "d", "first": 1, "keys": ["a", "b"], "four": 4,
        "all": { "a": [1, 2], "b": { "c": "d" } },
    });
    assert_eq!(built(text), Ok(expected));
}

#[test]
fn modules_are_called_by_their_alias_and_errors_are_placed_in_them() {
    let module = |path: &str, text: &str| {
        let file = format!("widgets/{path}.rhai");
        Arc::new(script::Module { path: path.into(), file, text: text.into() })
    };
    let base = module("lib/base", "const STEP = 10;\nfn step(n) { n + STEP }");
    let time = module(
        "lib/time",
        "import \"lib/base\" as base;\nfn later(n) {\n    base::step(n) + private_part()\n}\nprivate fn private_part() { 1 }\nfn broken(n) {\n    n.nosuch\n}",
    );
    let text = "import \"lib/time\" as t;\nfn data(w) { #{ n: t::later(5) } }\nfn fails(w) {\n    t::broken(#{})\n}";
    let found = imports("widgets/x.rhai", text).unwrap();
    assert!(matches!(&found[..], [Import { line: 1, .. }]));
    let source = Arc::new(Source::new("widgets/x.rhai", text, vec![base.clone(), time.clone()]));
    let widget = placed(json!({}));
    let mut interpreter = data();
    let args = [Argument::Widget(&widget)];
    assert_eq!(
        interpreter.call(&source, "data", &args, &at()).map_err(said),
        Ok(json!({ "n": 16 }))
    );
    let failed = interpreter.call(&source, "fails", &args, &at()).unwrap_err();
    assert_eq!(failed.diagnostic.excerpt.as_deref(), Some("    n.nosuch"));
    let failed = said(failed);
    assert!(failed.starts_with("widgets/lib/time.rhai:7:7: `n` has no `nosuch`"), "{failed}");
    assert!(failed.ends_with("(called from widgets/x.rhai:4)"), "{failed}");

    let unknown = Arc::new(Source::new("widgets/x.rhai", text, vec![base]));
    let found = interpreter.check(&unknown).unwrap_err().remove(0);
    assert_eq!(found.to_string(), "widgets/x.rhai:1:1: there is no module `lib/time`");
    assert_eq!(found.help.unwrap(), "it would be the file widgets/lib/time.rhai");

    let twice = Arc::new(Source::new(
        "widgets/x.rhai",
        "const STEP = 1;",
        vec![module("lib/base", "const STEP = 10;")],
    ));
    let found = interpreter.check(&twice).unwrap_err().remove(0);
    assert_eq!(
        found.to_string(),
        "widgets/x.rhai:1:7: `STEP` is a constant of widgets/lib/base.rhai too"
    );
}

#[test]
fn what_does_not_compile_says_where_and_why() {
    for (text, expected) in [
        (
            "fn data(w) { nosuch + 1 }",
            "widgets/x.rhai:1:14: there is no variable `nosuch` | a function sees",
        ),
        ("fn data(w) {\n  let x = ;\n}", "widgets/x.rhai:2:11: "),
        (
            "let x = 1;\nfn data(w) { }",
            "widgets/x.rhai:1:1: only `import`, `const` and `fn` may stand at the top",
        ),
        ("print(\"hello\");", "only `import`, `const` and `fn` may stand at the top"),
        ("fn data(w) { eval(\"1\") }", "`eval` is off"),
        ("export const A = 1;", "`export` is off"),
        ("const F = |x| x;", "widgets/x.rhai:1:7: the constant `F` is no data | a constant holds"),
        ("const N = 1 / 0;", "division by zero"),
        ("fn data(w) { nosuch::thing() }", "there is no module `nosuch` | write `import"),
        ("fn data(w) { if true { import \"lib/a\" as a; } }", "`import` stands inside a function"),
        (
            "const A = { loop {} };",
            "ran past its limit of 1000000 operations ([sandbox.data] operations)",
        ),
    ] {
        let found = data().check(&source(text)).unwrap_err().remove(0);
        let found = format!("{found} | {}", found.help.as_deref().unwrap_or(""));
        assert!(found.contains(expected), "{text}: {found}");
    }
    let failed = data().call(&source("fn ("), "data", &[], &at()).unwrap_err();
    assert_eq!((&failed.kind, failed.reason()), (&FailureKind::Compile, "compile"));
}

#[test]
fn an_error_is_a_sentence_at_its_place() {
    for (body, expected) in [
        (
            "let user = #{ name: 1 }; user.nam",
            "widgets/x.rhai:2:31: `user` has no `nam`; it has `name` | where it may be missing",
        ),
        (
            "let a = #{ b: () }; a.b.c",
            "`c` was read from nothing (`()`): `a.b` is that | something before it is missing",
        ),
        (
            "let a = #{ b: () }; a.b + 1",
            "`+` can't join nothing (`()`) and an integer 1 | something before it is missing",
        ),
        ("\"a\".nosuch(1)", "there is no function `nosuch` for text \"a\", an integer 1"),
        ("[1].push()", "`push` does not take a list"),
        (
            "[1].pussh(2)",
            "there is no function `pussh` for a list [1], an integer 2; did you mean `push`?",
        ),
        ("[1][4]", "the list has 1 item(s), so there is none at 4"),
        ("throw \"out of luck\"", "widgets/x.rhai:2:1: out of luck"),
        ("throw #{ service: \"fas\", status: 503, message: \"gone\" }", "fas answered 503: gone"),
        ("throw #{ service: \"http\", status: 0, message: \"no route\" }", "http: no route"),
        ("throw 42", "42"),
        ("TABLE.a = 2", "can't be changed | messages, widgets and constants are read only"),
        ("let f = |x| x; #{ f: f }", "`data` returned something that is no JSON: `f` is function"),
        ("#{ a: [1, 0.0 / 0.0] }", "`a[1]` is NaN"),
        ("sleep(1)", "a script can't sleep"),
        ("for x in 5 { }", "an iterable value is due here, not a number"),
    ] {
        let text = format!("const TABLE = #{{ a: 1 }}; fn data(widget) {{\n{body}\n}}");
        let found = built(&text).unwrap_err();
        assert!(found.contains(expected), "{body}: {found}");
    }
    let failed = data().call(&source("fn other() {}"), "data", &[], &at()).unwrap_err();
    assert_eq!((&failed.kind, failed.reason()), (&FailureKind::Missing, "missing"));
    assert_eq!(
        failed.to_string(),
        "widgets/x.rhai: there is no function `data` with 0 parameter(s)"
    );
}

#[test]
fn words_that_rhai_reserves_are_names_of_fields() {
    assert_eq!(
        built(
            "const P = #{ limit: #{ default: 1, with: 2 } };\n\
             fn data(w) { let m = #{ new: 1, package: #{ \"private\": 2 } }; m.new += P.limit.default; \
             #{ a: m.new, b: m.package.private, c: m?.package?.private, d: `${m.new}`, e: \"import\" in m } }"
        ),
        Ok(json!({ "a": 2, "b": 2, "c": 2, "d": "2", "e": false }))
    );
    assert_eq!(imports("x", "fn f(m) { m.import }").unwrap(), []);
}

#[test]
fn the_place_of_a_limit_is_the_line_that_met_it() {
    let found = built("fn data(w) {\n  let n = 0;\n  loop {\n    n += 1;\n  }\n}").unwrap_err();
    assert!(
        found.starts_with("widgets/x.rhai:4:") || found.starts_with("widgets/x.rhai:3:"),
        "{found}"
    );
    let found = built("fn endless() { loop { } }\nfn data(w) {\n  1 + endless()\n}").unwrap_err();
    assert!(
        found.starts_with("widgets/x.rhai:3:7: ran past its limit of 1000000 operations"),
        "{found}"
    );
}

#[test]
fn a_field_that_is_missing_can_be_asked_for() {
    assert_eq!(
        built(
            "fn data(w) { let m = #{}; m.fresh = 1; m[\"other\"] = 2; #{ a: \"x\" in m, b: m.get(\"x\"), c: m } }"
        ),
        Ok(json!({ "a": false, "b": null, "c": { "fresh": 1, "other": 2 } }))
    );
}

#[test]
fn arguments_may_be_json_and_lists_of_messages() {
    let mut interpreter = pure();
    let argument = interpreter.message(&message());
    let several = [argument.clone(), argument];
    let text = source(
        "fn group(messages) { messages.map(|m| m.msg.issue.title + m.nosuch) }\nfn f(x) { x.a.len() }",
    );
    let grouped = interpreter.call(&text, "group", &[Argument::Messages(&several)], &at());
    assert_eq!(grouped.map_err(said), Ok(json!(["Broken", "Broken"])));
    let json = json!({ "a": [1, 2] });
    let found = interpreter.call(&text, "f", &[Argument::Json(&json)], &at());
    assert_eq!(found.map_err(said), Ok(json!(2)));
}

#[test]
fn what_a_call_used_is_known_of_the_last_one() {
    let mut it = data();
    let script = source(
        "fn f() { let a = []; a.pad(10000, 7); for i in 0..1000 { } a.len() } fn g() { throw 1 }",
    );
    it.call(&script, "f", &[], &at()).unwrap();
    let used = it.used();
    assert!((11_000..12_000).contains(&used.operations), "{used:?}");
    assert!((100_000..1_000_000).contains(&used.bytes), "{used:?}");
    assert_eq!((used.requests, used.response_bytes), (0, 0));
    it.call(&script, "g", &[], &at()).unwrap_err();
    assert!((1..20).contains(&it.used().operations), "{:?}", it.used());
    it.call(&script, "nobody", &[], &at()).unwrap_err();
    assert_eq!(it.used(), script::Used::default());
}
