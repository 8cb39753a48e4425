//! Lines and branches of small scripts, reached and missed.

use super::super::{Call, FailureKind, Interpreter, LimitName, Module, Source, Tier};
use super::*;
use crate::config::Limits;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const FILE: &str = "widgets/x.rhai";

/// Of everything something, over as many lines as may be.
const WHOLE: &str = r#"//! Doc.
const LIST = [
    1,
    2,
];

/// A comment.
fn f(x) {
    let plain = 1;
    let list = [
        x,
        2,
        [
            3,
        ],
    ];
    let whole = foo([
        1,
        2,
    ]);
    let map = #{
        a: x,
        b: #{
            c: 1,
        },
        d: || 4,
    };
    map.a = 5;
    map.b.c = 6;
    list[0] = 7;
    list[2][0] += 1;
    let text = `one ${
        x
    } two`;
    let chain = list
        .map(|n| n)
        .filter(|n| {
            n != 3
        })
        .len();
    let other = 8;
    let reads = list.map(|n| {
        other
    });
    {
        other += 1;
    }
    let y = if x == 1 {
        2
    } else {
        3
    };
    for (n, at) in list {
        let z = at;
    }
    let n = 2;
    while n > 0 {
        n -= 1;
        continue;
    }
    do {
        n += 1;
    } while n < 3;
    loop {
        break;
    }
    try {
        throw "x";
    } catch (error) {
        print(error);
    }
    let found = switch x {
        1 => "one",
        2 | 3 => {
            "more"
        }
        "x" if true => (),
        _ => LIST.len(),
    };
    let either = x == 1
        || x == 2;
    let both = x != 1
        && x != 2;
    let named = () ?? x;
    let at = list[
        0
    ];
    list.len; map["a"]; map?.b;
    foo(list)
        .a
        .b
}

fn foo(list) {
    #{ a: #{ b: list } }
}
"#;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new(FILE, text, Vec::new()))
}

fn interpreter(tier: Tier) -> Interpreter {
    let limits = match tier {
        Tier::Pure => Limits { deadline: Duration::from_secs(5), ..Limits::pure() },
        Tier::Data => Limits::data(),
    };
    Interpreter::covering(tier, limits, None)
}

/// Coverage of a script after its `f` was called with each of these.
fn covered(source: &Arc<Source>, calls: &[Value]) -> Coverage {
    let mut it = interpreter(Tier::Data);
    let call = Call::at("2026-01-01T12:00:00Z".parse().unwrap());
    for argument in calls {
        it.call(source, "f", &[super::super::Argument::Json(argument)], &call).unwrap();
    }
    it.coverage(source)
}

fn missed(coverage: &Coverage, file: &str) -> Vec<String> {
    let branches = coverage.missed_branches(file).into_iter();
    branches.map(|branch| format!("{}:{} {}", branch.line, branch.column, branch.what)).collect()
}

#[test]
fn a_script_that_runs_through_is_covered_whole() {
    let script = source(WHOLE);
    let coverage = covered(&script, &[json!(1), json!(2), json!("x"), json!(5)]);
    assert_eq!(coverage.missed_lines(FILE), Vec::<usize>::new());
    assert_eq!(missed(&coverage, FILE), Vec::<String>::new());
    let lines: Vec<usize> = coverage.counts(FILE).map(|(line, _)| line).collect();
    // Neither doc, constants, names of functions nor what only closes.
    for without in [1, 2, 3, 5, 6, 7, 8, 14, 16, 18, 27, 39, 45, 50, 52, 86, 87, 92, 94] {
        assert!(!lines.contains(&without), "{without} in {lines:?}");
    }
    for with in [9, 10, 11, 17, 21, 22, 28, 29, 35, 37, 48, 90, 95] {
        assert!(lines.contains(&with), "{with} in {lines:?}");
    }
    assert_eq!(coverage.lines(), (lines.len(), lines.len()));
    assert_eq!(coverage.files().collect::<Vec<_>>(), [FILE]);
}

#[test]
fn what_no_call_reached_is_missed() {
    let script = source(
        r"fn f(x) {
    if x == 1 {
        return 1;
    }
    if x == 2 {
        2
    } else if x == 3 {
        3
    } else {
        for n in [] {
            nobody(n);
        }
        switch x {
            4 => 4,
            5 => {
                5
            }
            _ => 6,
        }
    }
}
fn unused() {
    1 == 2 && true || false
}
",
    );
    let coverage = covered(&script, &[]);
    let (lines, reached) = coverage.lines();
    assert_eq!((lines, reached), (coverage.missed_lines(FILE).len(), 0));
    assert_eq!(coverage.branches(), (12, 0));

    let coverage = covered(&script, &[json!(4), json!(4)]);
    assert_eq!(coverage.missed_lines(FILE), [3, 6, 8, 11, 16, 18, 23]);
    assert_eq!(
        missed(&coverage, FILE),
        [
            "2:5 the body of this `if`",
            "5:5 the body of this `if`",
            "7:12 the body of this `if`",
            "10:9 the body of this `for`",
            "15:18 this arm of the `switch`",
            "18:18 this arm of the `switch`",
            "23:15 the right-hand side of this `&&`",
            "23:23 the right-hand side of this `||`",
        ]
    );
    assert_eq!(coverage.counts(FILE).find(|(line, _)| *line == 2), Some((2, 2)));

    let mut all = covered(&script, &[json!(1)]);
    assert_eq!(
        missed(&all, FILE)[..3],
        ["2:5 the way past this `if`", "5:5 the `else` of this `if`", "5:5 the body of this `if`",]
    );
    all.merge(coverage);
    assert_eq!(all.missed_lines(FILE), [6, 8, 11, 16, 18, 23]);
    assert_eq!(missed(&all, FILE)[0], "5:5 the body of this `if`");
    assert_eq!(all.counts(FILE).find(|(line, _)| *line == 2), Some((2, 3)));
}

#[test]
fn of_a_module_what_the_script_comes_to_counts() {
    let file = "widgets/lib/a.rhai";
    let module = Arc::new(Module {
        path: "lib/a".into(),
        file: file.into(),
        text: "fn used(x) {\n    deeper(x, |n|\n        n == 1)\n}\nfn deeper(x, test) {\n    if test.call(x) {\n        1\n    } else {\n        2\n    }\n}\nfn unused() {\n    3\n}\nfn by_name() {\n    4\n}".into(),
    });
    let script = |body: &str| {
        let text = format!("import \"lib/a\" as a;\nfn f(x) {{\n    {body}\n}}");
        Arc::new(Source::new(FILE, text, vec![module.clone()]))
    };
    let coverage = covered(&script("a::used(x)"), &[json!(1)]);
    assert_eq!(coverage.missed_lines(file), [9]);
    assert_eq!(coverage.missed_lines(FILE), Vec::<usize>::new());
    assert_eq!(missed(&coverage, file), ["6:5 the `else` of this `if`"]);
    assert_eq!(coverage.counts(file).map(|(line, _)| line).collect::<Vec<_>>(), [2, 3, 6, 7, 9]);

    // A closure of the script's that a module calls is the script's.
    let coverage = covered(&script("a::deeper(x,\n    |n|\n        n == 1\n    )"), &[json!(1)]);
    assert_eq!(coverage.missed_lines(FILE), Vec::<usize>::new());
    assert_eq!(coverage.counts(FILE).map(|(line, _)| line).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn a_covered_call_is_under_the_limits_too() {
    let script = source("fn f(x) { loop { } }");
    let call = Call::at("2026-01-01T12:00:00Z".parse().unwrap());
    for tier in [Tier::Pure, Tier::Data] {
        let failure =
            interpreter(tier).call(&script, "f", &[super::super::Argument::Json(&json!(1))], &call);
        let kind = failure.unwrap_err().kind;
        assert_eq!(kind, FailureKind::Limit(LimitName::Operations), "{tier:?}");
    }
}

#[test]
fn nothing_is_known_of_what_does_not_compile_or_was_not_watched() {
    assert_eq!(covered(&source("fn f( {"), &[]), Coverage::default());
    let script = source("fn f() {\n  1\n}");
    let mut plain = Interpreter::new(Tier::Data, Limits::data(), None);
    let call = Call::at("2026-01-01T12:00:00Z".parse().unwrap());
    plain.call(&script, "f", &[], &call).unwrap();
    assert_eq!(plain.coverage(&script).lines(), (1, 0));
}
