//! Scripts that mean harm, in both tiers: each ends by itself, by name of the limit, and takes nobody with it.

use super::{Call, Failure, FailureKind, Interpreter, LimitName, Pool, Source, Tier, memory};
use crate::config::Limits;
use LimitName::{
    ArrayItems, CallLevels, Deadline, MapItems, Memory, Operations, ReturnedBytes, StringBytes,
    Variables,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// No limit of time, so that the same limit ends a script on every machine.
const HOUR: Duration = Duration::from_hours(1);

/// What one native may still allocate when the budget is all but used: a copy of the largest list.
const OVERSHOOT: isize = 24 << 20;

fn limits(tier: Tier) -> Limits {
    match tier {
        Tier::Pure => Limits { deadline: HOUR, ..Limits::pure() },
        // Fewer operations than in earnest: the tests run unoptimised.
        Tier::Data => Limits { deadline: HOUR, operations: 100_000, ..Limits::data() },
    }
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("widgets/attack.rhai", text, Vec::new()))
}

fn call() -> Call {
    Call::at("2026-01-01T12:00:00Z".parse().unwrap())
}

/// How an attack may end.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By one of these limits.
    Limit(&'static [LimitName]),
    /// With an error that says so.
    Says(&'static str),
    /// It does no harm, and returns.
    Returns,
    /// By whichever limit comes first, or with an error.
    Fails,
}

use End::{Fails, Limit, Returns, Says};

/// Runs on a thread as the pool has them; returns what the call gave and the most memory that it held.
fn attack(tier: Tier, limits: Limits, text: &str) -> (Result<Value, Failure>, isize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let pool = Pool::start(tier, limits, 1, None);
        let script = source(text);
        let ended = pool
            .run(
                move |it| {
                    let _ = it.check(&script);
                    memory::peak_of(|| it.call(&script, "f", &[], &call()))
                },
                HOUR,
            )
            .await
            .unwrap_or_else(|lost| panic!("{text}: {lost}"));
        // The thread is there for the next one.
        let next = source("fn f() { 1 + 1 }");
        let after = pool.run(move |it| it.call(&next, "f", &[], &call()), HOUR).await.unwrap();
        assert_eq!(after.unwrap(), json!(2), "after {text}");
        ended
    })
}

fn check(attacks: &[(&str, End, End)]) {
    for (text, pure, data) in attacks {
        let whole =
            if text.contains("fn f(") { (*text).into() } else { format!("fn f() {{ {text} }}") };
        for (tier, end) in [(Tier::Pure, pure), (Tier::Data, data)] {
            let limits = limits(tier);
            let budget = isize::try_from(limits.memory_bytes).unwrap();
            let (result, peak) = attack(tier, limits, &whole);
            let overshoot = if tier == Tier::Pure { 2 << 20 } else { OVERSHOOT };
            assert!(peak <= budget + overshoot, "{text} in {tier:?} held {peak} bytes");
            let fits = match (end, &result) {
                (Limit(names), Err(Failure { kind: FailureKind::Limit(name), diagnostic })) => {
                    assert!(diagnostic.message.starts_with("ran past its limit of "));
                    assert!(diagnostic.message.contains(name.as_str()));
                    assert!(diagnostic.line.is_some(), "{text}: {diagnostic}");
                    names.contains(name)
                }
                (Says(words), Err(failure)) => failure.to_string().contains(words),
                (Returns, Ok(_)) => true,
                (Fails, Err(failure)) => failure.kind != FailureKind::Panic,
                _ => false,
            };
            assert!(fits, "{text} in {tier:?}: {end:?} was due, but {result:?}");
        }
    }
}

#[test]
fn what_never_ends_is_ended() {
    let ops = Limit(&[Operations]);
    check(&[
        ("loop { }", ops, ops),
        ("while true { let x = 1; }", ops, ops),
        ("do { } while true", ops, ops),
        ("for i in 0..9223372036854775807 { }", ops, ops),
        ("for i in range(0, 9223372036854775807, 1) { }", ops, ops),
        ("for i in range(0.0, 1e300, 0.0000001) { }", ops, ops),
        (
            "for i in range(0, 10, 0) { }",
            Says("step value cannot be zero"),
            Says("step value cannot be zero"),
        ),
        ("for i in range(0.0, 10.0, 0.0) { }", Fails, Fails),
        ("loop { try { loop { } } catch { } }", ops, ops),
        ("loop { try { throw 1 } catch (e) { } }", ops, ops),
        ("loop { print(\"again\"); }", ops, ops),
        ("let s = \"x\"; s.pad(65, \"\"); s", Returns, Returns),
        ("sleep(100000)", Says("a script can't sleep"), Says("a script can't sleep")),
        ("sleep(1e300)", Says("a script can't sleep"), Says("a script can't sleep")),
        (
            "timestamp()",
            Says("there is no function `timestamp`"),
            Says("there is no function `timestamp`"),
        ),
    ]);
}

#[test]
fn what_calls_itself_is_ended() {
    let levels = Limit(&[CallLevels]);
    check(&[
        ("fn g() { g() } fn f() { g() }", levels, levels),
        ("fn g(n) { h(n + 1) } fn h(n) { g(n + 1) } fn f() { g(0) }", levels, levels),
        ("let g = |g| g.call(g); g.call(g)", levels, levels),
        ("fn g(n) { [n].map(|x| g(x)) } fn f() { g(0) }", levels, levels),
        ("fn g(n) { let h = Fn(\"g\"); h.call(n) } fn f() { g(0) }", levels, levels),
        (
            "fn g(n) { let a = \"x\"; a.pad(16000, 'x'); let b = a + \"b\"; let c = a + \"c\"; let d = a + \"d\"; let e = a + \"e\"; g(n + 1) } fn f() { g(0) }",
            Limit(&[Memory, CallLevels]),
            Limit(&[Memory, CallLevels]),
        ),
    ]);
}

#[test]
fn what_grows_is_stopped() {
    let text = Limit(&[StringBytes]);
    let list = Limit(&[ArrayItems]);
    check(&[
        ("let s = \"x\"; loop { s += s; }", text, text),
        ("let s = \"x\"; loop { s = `${s}${s}`; }", text, text),
        ("let s = \"x\"; s.pad(9223372036854775807, 'x')", text, text),
        ("let s = \"x\"; s.pad(9223372036854775807, \"xyz\")", text, text),
        ("let a = [0]; loop { a += a; }", list, list),
        ("let a = []; loop { a = [a, a]; }", list, list),
        ("let a = [0]; a.pad(1 << 62, [0, 0, 0])", list, list),
        ("let a = [0]; a.pad(1 << 54, [0, 0, 0])", list, list),
        ("let m = #{}; loop { m = #{ a: m, b: m }; }", Limit(&[MapItems]), Limit(&[MapItems])),
        (
            "let m = #{}; let i = 0; loop { m[\"k\" + i] = i; i += 1; }",
            Limit(&[Operations, MapItems]),
            Limit(&[Operations, MapItems]),
        ),
        ("let a = []; loop { a.push(1); }", Limit(&[Operations, ArrayItems]), list),
        (
            "blob(1000000000)",
            Says("there is no function `blob`"),
            Says("there is no function `blob`"),
        ),
        // Text that is handed in as one and made large by one native.
        ("let s = \"a\"; s.pad(15000, 'a'); let t = s; s.replace(\"a\", t)", text, text),
        ("let s = \"a\"; s.pad(15000, 'a'); let t = s; s.replace('a', t)", text, text),
        ("let s = \"a\"; s.pad(15000, 'a'); s.replace(\"\", s); s.replace(\"\", s)", text, text),
        ("let s = \"a\"; s.pad(15000, 'a'); s.split(\"\")", list, Returns),
        ("let s = \"a\"; s.pad(200000, 'a'); s.split(\"\")", text, list),
        (
            "let a = [1]; a.pad(1000, \"abcdefghijklmnopqrstuvwxyz\"); let b = [a]; b.pad(1000, a)",
            Fails,
            Fails,
        ),
    ]);
}

#[test]
fn what_rhai_does_not_count_is_counted_in_bytes() {
    let memory = Limit(&[Memory]);
    check(&[
        (
            "let m = #{}; let k = \"k\"; k.pad(16000, 'k'); let i = 0; loop { m[k + i] = (); i += 1; }",
            Limit(&[Memory, StringBytes]),
            memory,
        ),
        (
            "let g = |x| x; let s = \"s\"; s.pad(16000, 's'); let i = 0; loop { g = g.curry(s + i); i += 1; }",
            Limit(&[Memory, StringBytes]),
            memory,
        ),
        (
            "let a = [[]]; loop { a[0].push(0); }",
            Limit(&[Operations, ArrayItems, Memory]),
            Limit(&[Operations, ArrayItems, Memory]),
        ),
        // A chain of closures is dropped as deep as it is long.
        (
            "let g = || 0; loop { let h = g; g = || h; }",
            Limit(&[Operations, Memory]),
            Limit(&[Operations, Memory]),
        ),
        // Holds itself, is never freed, and so counts as left behind.
        ("let m = #{}; m.me = || m; 1", Returns, Returns),
        (
            "loop { let m = #{}; m.big = []; m.big.pad(1000, 1); m.me = || m; }",
            Limit(&[Memory, Operations]),
            Limit(&[Memory, Operations]),
        ),
    ]);
}

#[test]
fn operations_inside_callbacks_add_up() {
    let ops = Limit(&[Operations]);
    for callback in [
        "a.map(|x| { for i in 0..1000 { } x })",
        "a.for_each(|x| { for i in 0..1000 { } })",
        "a.filter(|x| { for i in 0..1000 { } true })",
        "a.some(|x| { for i in 0..1000 { } false })",
        "a.reduce(|sum, x| { for i in 0..1000 { } 0 }, 0)",
        "a.sort(|x, y| { for i in 0..1000 { } 0 })",
        "a.dedup(|x, y| { for i in 0..1000 { } false })",
        "a.find_map(|x| { for i in 0..1000 { } })",
        // Errors that natives swallow: the next operation stops again.
        "a.sort(|x, y| { loop { } })",
        "a.dedup(|x, y| { loop { } })",
        "a.dedup(|x, y| { loop { } }); a.len()",
    ] {
        let text = format!("let a = []; a.pad(500, 7); {callback}");
        check(&[(&text, ops, ops)]);
    }
}

#[test]
fn what_is_odd_does_no_harm() {
    check(&[
        ("let a = [3, 1, 2]; a.pad(200, 5); a.sort(|x, y| 1); 1", Returns, Returns),
        ("let a = []; let g = || a.len(); a.push(g); 1", Fails, Fails),
        ("9223372036854775807 + 1", Says("overflow"), Says("overflow")),
        ("1 << 70", Returns, Returns),
        ("2 ** 1000000", Fails, Fails),
        ("1 / 0", Says("division by zero"), Says("division by zero")),
        ("let s = \"[\"; s.pad(1000, \"[\"); parse_json(s)", Says("no JSON"), Says("no JSON")),
        (
            "let a = []; a.pad(400, 1); let b = [a]; b.contains(a); let s = `${a}`; let t = a.to_debug(); print(a); debug(b); 1",
            Limit(&[Operations]),
            Returns,
        ),
        (
            "let m = #{ a: [1, #{ b: () }] }; m.to_string() + m.to_debug() + m.to_json()",
            Returns,
            Returns,
        ),
        ("exit(5)", Returns, Returns),
    ]);
}

#[test]
fn too_much_is_not_returned() {
    let keys =
        "let m = #{}; let k = \"k\"; k.pad(15000, 'k'); for i in 0..COUNT { m[k + i] = (); } m";
    check(&[
        (&keys.replace("COUNT", "6"), Limit(&[ReturnedBytes]), Returns),
        (&keys.replace("COUNT", "20"), Fails, Limit(&[ReturnedBytes])),
    ]);
    let deep = "let a = []; for i in 0..100 { a = [a]; } a";
    check(&[(deep, Says("nested deeper than 64 levels"), Says("nested deeper than 64 levels"))]);
}

#[test]
fn too_many_variables_are_refused() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for n in 0..300 {
        let _ = write!(text, "let v{n} = {n}; ");
    }
    check(&[(&text, Limit(&[Variables]), Limit(&[Variables]))]);
}

#[test]
fn the_clock_ends_what_operations_would_not() {
    for text in [
        "loop { }",
        "let a = [1, 2, 3]; a.sort(|x, y| { loop { } }); a",
        "loop { try { loop { } } catch { } }",
        "let a = []; a.pad(1000, 7); loop { a.contains(a); }",
    ] {
        for tier in [Tier::Pure, Tier::Data] {
            let limits = Limits {
                deadline: Duration::from_millis(5),
                operations: u64::MAX >> 8,
                ..limits(Tier::Data)
            };
            let mut it = Interpreter::new(tier, limits, None);
            let failure = it.call(&source(&format!("fn f() {{ {text} }}")), "f", &[], &call());
            let failure = failure.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Limit(Deadline), "{text}");
            assert!(failure.to_string().contains("limit of 5ms ([sandbox."), "{failure}");
        }
    }
}

#[test]
fn a_chain_of_closures_as_long_as_the_limit_allows_is_dropped() {
    let limits = Limits { deadline: HOUR, memory_bytes: 1 << 30, ..Limits::data() };
    let text = "fn f() { let g = || 0; loop { let h = g; g = || h; } }";
    let (result, _) = attack(Tier::Data, limits, text);
    assert_eq!(result.unwrap_err().kind, FailureKind::Limit(Operations));
}

#[test]
fn a_text_that_is_nested_or_long_is_no_harm_to_the_parser() {
    let shapes: [(&str, &str, &str); 24] = [
        ("", "(", ")"),
        ("1", "(", ")"),
        ("1", "[", "]"),
        ("1", "#{ a: ", "}"),
        ("1", "{ ", " }"),
        ("1", "if true { ", " }"),
        ("1", "if true { 1 } else ", ""),
        ("1", "while true { ", " }"),
        ("1", "loop { ", " }"),
        ("1", "for i in 0..1 { ", " }"),
        ("1", "switch 1 { 1 => ", " }"),
        ("1", "try { ", " } catch { }"),
        ("1", "-", ""),
        ("true", "!", ""),
        ("1", "1 + ", ""),
        ("1", "1 + (", ")"),
        ("1", "f(", ")"),
        ("1", "|x| ", ""),
        ("a", "a.", ""),
        ("1", "`${", "}`"),
        ("1", "let x = 1; ", ""),
        ("1", "x = ", ""),
        ("1", "/* ", " */"),
        ("1", "a[", "]"),
    ];
    // A thread of the server has as much stack: scripts are checked on those, too.
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let parsing = small.spawn(move || {
        for tier in [Tier::Pure, Tier::Data] {
            let mut it = Interpreter::new(tier, limits(tier), None);
            for (middle, before, after) in shapes {
                for times in [1_000, 5_000, 20_000] {
                    let (before, after) = (before.repeat(times), after.repeat(times));
                    let _ = it.check(&source(&format!("fn f() {{ {before}{middle}{after} }}")));
                }
            }
        }
    });
    parsing.unwrap().join().unwrap();
}

/// Pieces that fit together often enough.
fn piece() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("0"),
        Just("-1"),
        Just("9223372036854775807"),
        Just("1e300"),
        Just("\"\""),
        Just("\"abc\""),
        Just("'c'"),
        Just("()"),
        Just("[]"),
        Just("[1, [2], \"x\"]"),
        Just("#{}"),
        Just("#{ a: 1, b: [1] }"),
        Just("|x| x"),
        Just("|x, y| x == y"),
        Just("0..9"),
        Just("x"),
        Just("y"),
    ];
    let method = prop::sample::select(vec![
        "pad",
        "push",
        "insert",
        "replace",
        "split",
        "map",
        "filter",
        "sort",
        "dedup",
        "reduce",
        "extract",
        "splice",
        "truncate",
        "chop",
        "append",
        "concat",
        "contains",
        "index_of",
        "crop",
        "sub_string",
        "to_string",
        "to_debug",
        "to_json",
        "keys",
        "values",
        "mixin",
        "drain",
        "retain",
        "zip",
        "order",
        "curry",
        "call",
        "len",
        "remove",
        "shift",
        "pop",
        "reverse",
        "to_chars",
        "bytes",
        "trim",
        "bits",
        "set_bit",
        "get",
        "set",
        "all",
        "some",
    ]);
    (value.clone(), method, prop::collection::vec(value, 0..3), 0..5_u8).prop_map(
        |(target, method, args, form)| {
            let args = args.join(", ");
            match form {
                0 => format!("x = {target};"),
                1 => format!("y = x.{method}({args});"),
                2 => format!("x.{method}({args});"),
                3 => format!("for i in 0..50 {{ x = [x, y]; y.{method}({args}); }}"),
                _ => format!("try {{ y += {target}; x = y.{method}({args}); }} catch {{ }}"),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_random_script_takes_its_thread_with_it(pieces in prop::collection::vec(piece(), 1..12)) {
        let body = pieces.join(" ");
        for tier in [Tier::Pure, Tier::Data] {
            let (result, peak) = attack(tier, limits(tier), &format!("fn f() {{ let x = 0; let y = []; {body} x }}"));
            if let Err(failure) = result {
                prop_assert!(failure.kind != FailureKind::Panic, "{body}: {failure}");
            }
            prop_assert!(peak < (32 << 20) + OVERSHOOT, "{body} held {peak} bytes");
        }
    }
}
