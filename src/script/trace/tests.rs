//! A traced call answers what the plain one does, and says what it compared.

use super::super::{Argument, Call, FailureKind, Interpreter, LimitName, Module, Source, Tier};
use super::*;
use crate::config::Limits;
use crate::message::{Message, parse_line};
use serde_json::json;
use std::{fmt::Write as _, sync::Arc, time::Duration};

fn at() -> Call {
    Call::at("2026-01-01T12:00:00Z".parse().unwrap())
}

fn interpreter(tier: Tier) -> Interpreter {
    let limits = match tier {
        Tier::Pure => Limits { deadline: Duration::from_secs(5), ..Limits::pure() },
        Tier::Data => Limits::data(),
    };
    Interpreter::new(tier, limits, None)
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("widgets/x.rhai", text, Vec::new()))
}

fn message() -> Message {
    parse_line(
        br#"{"topic":"org.fedoraproject.prod.pagure.issue.new","msg_id":"1","timestamp":1767268800,
            "msg":{"issue":{"id":3,"tags":["a","b"],"user":{"name":"ralph"},"votes":1.5,"open":true}}}"#,
    )
    .unwrap()
}

/// `f(message)` both ways: they must not differ, not even in what they use.
fn both(tier: Tier, source: &Arc<Source>) -> Traced {
    let mut it = interpreter(tier);
    let message = it.message(&message());
    let plain = it.call(source, "f", &[Argument::Message(&message)], &at());
    let plainly = it.used();
    let traced = it.call_traced(source, "f", &[Argument::Message(&message)], &at());
    assert_eq!(traced.result, plain, "{}", source.text);
    assert_eq!(it.used().operations, plainly.operations, "{}", source.text);
    traced
}

fn f(tier: Tier, body: &str) -> Traced {
    both(tier, &source(&format!("fn f(message) {{ {body} }}")))
}

fn lines<'c>(made: impl IntoIterator<Item = &'c Comparison>) -> Vec<String> {
    let line = |c: &Comparison| {
        let Comparison { file, line, column, operator, left, right, answer } = c;
        format!("{file}:{line}:{column}: {left} {operator} {right} -> {answer}")
    };
    made.into_iter().map(line).collect()
}

#[test]
fn a_traced_call_answers_and_fails_as_the_plain_one_does() {
    const VALUES: [&str; 13] = [
        "()",
        "true",
        "3",
        "3.0",
        "'a'",
        "\"\"",
        "\"ralph\"",
        "[\"a\", \"b\"]",
        "#{ name: \"ralph\" }",
        "0..5",
        "|x| x == 1",
        "message.msg.issue",
        "message.msg.issue.tags",
    ];
    let mut asking: Vec<String> = ["==", "!=", "<", "<=", ">", ">=", "in", "!in"]
        .map(|operator| {
            format!("let a = value(a, message); let b = value(b, message); a {operator} b")
        })
        .into();
    asking.extend(
        ["==", "<", "in", "!in"].map(|op| format!("value(a, message) {op} value(b, message)")),
    );
    asking.extend(
        ["contains", "starts_with", "ends_with"]
            .map(|method| format!("let a = value(a, message); a.{method}(value(b, message))")),
    );
    asking.push("value(a, message).contains(value(b, message))".into());
    asking.push("let a = value(a, message); a.is_empty()".into());
    let mut whole = String::from("fn value(n, message) { switch n { ");
    for (n, value) in VALUES.iter().enumerate() {
        let _ = write!(whole, "{n} => {value}, ");
    }
    whole += "} }\n";
    for (n, text) in asking.iter().enumerate() {
        let _ = writeln!(whole, "fn f{n}(message, a, b) {{ {text} }}");
    }
    let script = source(&whole);
    // The tiers differ in what `()` can do, and errors take their time: of one all, of the other some.
    for (tier, some) in [(Tier::Pure, 1), (Tier::Data, 4)] {
        let mut it = interpreter(tier);
        let message = it.message(&message());
        for (n, text) in asking.iter().enumerate() {
            for pair in (0..VALUES.len() * VALUES.len()).skip(n % some).step_by(some) {
                let (a, b) = (pair / VALUES.len(), pair % VALUES.len());
                let args = [
                    Argument::Message(&message),
                    Argument::Json(&json!(a)),
                    Argument::Json(&json!(b)),
                ];
                let plain = it.call(&script, &format!("f{n}"), &args, &at());
                let plainly = it.used();
                let traced = it.call_traced(&script, &format!("f{n}"), &args, &at());
                let what = format!("{text} with {} and {} in {tier:?}", VALUES[a], VALUES[b]);
                assert_eq!(traced.result, plain, "{what}");
                assert_eq!(it.used().operations, plainly.operations, "{what}");
                let last = traced.comparisons.last().map(|made| json!(made.answer));
                assert_eq!(last, plain.ok(), "{what}");
            }
        }
    }
}

#[test]
fn operators_bind_as_they_do_in_a_plain_call() {
    for body in [
        "1 + 2 == 3 && 2 < 3 || false",
        "1 == 1 == true",
        "1 < 2 == 2 > 1",
        "true == 1 in [1] && !(2 in [1])",
        "3 > 1 + 1 && 1 | 2 == 3 | 0",
        "() ?? 3 < 5",
        "!(\"a\" == \"b\") != false",
        "let x = [1, 2, 3]; for n in x { if n == 2 { return n in x; } } false",
        "let x = #{ contains: 5, is_empty: 6 }; x.contains + x.is_empty == 11",
        "message.usernames.is_empty",
        "`${1 == 1} ${\"a\" in \"abc\"}` == \"true true\"",
        "switch 3 { 1 => false, 3 if message.msg.issue.id == 3 => true, _ => false }",
        "[1, 2, 3].filter(|n| n >= 2).len() == 2",
        "let n = 3; while n > 0 { n -= 1; } n == 0",
        "contains(\"abc\", \"b\") && \"abc\".contains(\"b\")",
        "if message.msg.issue.user.name == \"ralph\" { throw \"no\" } true",
        "message.msg.issue.tags.contians(\"a\")",
        "\"a\".contains()",
        "\"a\".starts_with(3)",
        "let x = 1; x.is_empty()",
        "nobody(3) == 1",
        "let a = []; a.pad(500, 7); a.all(|n| n == 7)",
        "loop { if 1 == 2 { break } }",
    ] {
        f(Tier::Pure, body);
        f(Tier::Data, body);
    }
}

#[test]
fn what_was_compared_is_told_with_its_place_and_both_sides() {
    let traced = f(
        Tier::Pure,
        "message.topic.ends_with(\"issue.new\")\n  && message.msg.issue.user.name == \"lmacken\"",
    );
    assert_eq!(
        lines(&traced.comparisons),
        [
            "widgets/x.rhai:1:31: \"org.fedoraproject.prod.pagure.issue.new\" ends_with \"issue.new\" -> true",
            "widgets/x.rhai:2:34: \"ralph\" == \"lmacken\" -> false",
        ]
    );
    assert_eq!(lines(traced.decisive()), lines(&traced.comparisons[1..]));

    let traced = f(Tier::Pure, "\"x\" !in message.msg.issue.tags && message.msg.nobody != ()");
    assert_eq!(
        lines(&traced.comparisons),
        [
            "widgets/x.rhai:1:21: \"x\" !in [\"a\",\"b\"] -> true",
            "widgets/x.rhai:1:70: () != () -> false",
        ]
    );
    let traced = f(Tier::Pure, "message.msg.issue.tags.is_empty() || message.msg.issue == 1");
    assert_eq!(
        lines(&traced.comparisons),
        [
            "widgets/x.rhai:1:40: [\"a\",\"b\"] is_empty  -> false",
            "widgets/x.rhai:1:72: {\"id\":3,\"open\":true,\"tags\":[\"a\",\"b\"],\"user\":{\"name\":\"ralph\"},\"votes\":1.5} == 1 -> false",
        ]
    );
    assert_eq!(traced.decisive().len(), 2);
}

#[test]
fn functions_closures_and_modules_are_looked_into() {
    let module = Module {
        path: "lib/people".into(),
        file: "widgets/lib/people.rhai".into(),
        text: "const TEAM = [\"ralph\"];\nfn in_team(name) {\n    name in TEAM\n}\nfn any(names, test) { names.some(test) }".into(),
    };
    let script = Source::new(
        "widgets/x.rhai",
        "import \"lib/people\" as people;\nfn same(a, b) { a == b }\nfn f(message) {\n  let name = message.msg.issue.user.name;\n  same(name, \"ralph\") && people::in_team(name)\n    && people::any([\"a\"], |n| n == \"a\") && [1].some(|n| n > 0)\n}",
        vec![Arc::new(module)],
    );
    let traced = both(Tier::Pure, &Arc::new(script));
    assert_eq!(
        lines(&traced.comparisons),
        [
            "widgets/x.rhai:2:19: \"ralph\" == \"ralph\" -> true",
            "widgets/lib/people.rhai:3:10: \"ralph\" in [\"ralph\"] -> true",
            "widgets/x.rhai:6:33: \"a\" == \"a\" -> true",
            "widgets/x.rhai:6:59: 1 > 0 -> true",
        ]
    );
    assert_eq!(traced.decisive().len(), 4);
}

#[test]
fn of_many_comparisons_the_last_are_kept_and_long_values_are_cut() {
    let traced = f(Tier::Pure, "for n in 0..100 { if n == 200 { return true } } false");
    assert_eq!(traced.comparisons.len(), 64);
    assert_eq!((&*traced.comparisons[63].left, traced.decisive().len()), ("99", 4));
    let traced = f(Tier::Pure, "let s = \"a\"; s.pad(5000, 'a'); s == \"b\"");
    assert!(traced.comparisons[0].left.len() < 100, "{:?}", traced.comparisons);
}

#[test]
fn what_decides_is_the_last_that_came_out_like_the_answer() {
    let decisive = |body: &str| lines(f(Tier::Pure, body).decisive());
    // Which of the alternatives fits does not matter when the rest does not.
    let body = "(message.category == \"git\" || message.category == \"pagure\") && message.msg.issue.id == 4";
    assert_eq!(decisive(body), ["widgets/x.rhai:1:101: 3 == 4 -> false"]);
    // Negated, or the reason of a `return`.
    assert_eq!(decisive("!(1 == 1)"), ["widgets/x.rhai:1:21: 1 == 1 -> true"]);
    assert_eq!(decisive("if 1 < 2 { return false } true"), ["widgets/x.rhai:1:22: 1 < 2 -> true"]);
    assert!(decisive("true").is_empty());
    // Without an answer: how far it came.
    assert_eq!(decisive("1 == 1 && nobody(1)"), ["widgets/x.rhai:1:19: 1 == 1 -> true"]);
}

#[test]
fn a_traced_call_is_under_the_limits_too() {
    let traced = f(Tier::Pure, "let n = 0; loop { if n == -1 { break } n += 1; }");
    let failure = traced.result.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Limit(LimitName::Operations));
    assert_eq!(traced.comparisons.len(), 64);
    let missing = interpreter(Tier::Pure).call_traced(&source("fn g() {}"), "f", &[], &at());
    assert_eq!(missing.result.unwrap_err().kind, FailureKind::Missing);
    let broken = interpreter(Tier::Pure).call_traced(&source("fn f( {"), "f", &[], &at());
    assert_eq!(broken.result.unwrap_err().kind, FailureKind::Compile);
}
