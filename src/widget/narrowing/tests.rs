use super::*;
use crate::message::{Description, Message, Verdict, Wire};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::sync::Arc;

fn at(root: Root, steps: &[&str]) -> Place {
    Place { root, steps: steps.iter().map(|name| Step::Field((*name).into())).collect() }
}

fn is(root: Root, test: Test) -> Condition {
    Condition::Is(at(root, &[]), test)
}

fn shown(condition: &Condition) -> Vec<String> {
    hints(condition).iter().map(ToString::to_string).collect()
}

#[test]
fn a_condition_becomes_what_the_index_can_look_up() {
    let user = Condition::Is(at(Root::Body, &["user", "name"]), Test::Is(json!("ralph")));
    let award = is(Root::Topic, Test::EndsWith("badge.award".into()));
    let mentions = |name: &str| is(Root::Usernames, Test::Contains(json!(name)));
    for (condition, expected) in [
        (Condition::Open, vec!["any message"]),
        (Condition::Known(false), vec![]),
        (user.clone(), vec!["body user.name = \"ralph\""]),
        (award.clone().and(user.clone()), vec!["topics #.award; body user.name = \"ralph\""]),
        (mentions("a").or(mentions("b")), vec!["usernames a, b"]),
        (mentions("a").and(mentions("b")), vec!["usernames b"]),
        (mentions("a").or(user.clone()), vec!["usernames a", "body user.name = \"ralph\""]),
        (mentions("a").or(Condition::Open), vec!["any message"]),
        (mentions("a").negated(), vec!["any message"]),
        (
            user.clone().negated().or(mentions("a").negated()).negated(),
            vec!["usernames a; body user.name = \"ralph\""],
        ),
        (
            is(Root::Category, Test::Is(json!("git")))
                .and(is(Root::Category, Test::Is(json!("bodhi")))),
            vec![],
        ),
        (
            Condition::If(Box::new([
                is(Root::Category, Test::Is(json!("git"))),
                mentions("a"),
                user,
            ])),
            vec!["categories git; usernames a", "body user.name = \"ralph\""],
        ),
        (is(Root::Topic, Test::StartsWith("a.b.c.git.re".into())), vec!["topics git.#"]),
        (is(Root::Topic, Test::Is(json!("a.b.c.git.receive"))), vec!["topics git.receive"]),
        (
            is(
                Root::Packages,
                Test::Some(Box::new(is(
                    Root::Element(0),
                    Test::Among(vec![json!("kernel"), json!(3)]),
                ))),
            ),
            vec!["packages kernel"],
        ),
        (is(Root::Packages, Test::Contains(json!(3))), vec![]),
        (Condition::Is(at(Root::Body, &["a", "0"]), Test::Is(json!(1))), vec!["any message"]),
    ] {
        assert_eq!(shown(&condition), expected, "{condition}");
    }
}

#[test]
fn a_condition_of_too_many_branches_is_told_by_what_says_most() {
    let each = |n: usize| Condition::Is(at(Root::Body, &["n"]), Test::Is(json!(n)));
    let many = (0..=MOST).map(each).fold(Condition::Known(false), Condition::or);
    assert_eq!(shown(&many), ["any message"]);
    let named = is(Root::Usernames, Test::Contains(json!("ralph")));
    assert_eq!(shown(&many.and(named)), ["usernames ralph"]);
}

const WORDS: [&str; 4] = ["a", "ab", "b", "git"];

fn leaf() -> impl Strategy<Value = Condition> {
    let word = || prop::sample::select(&WORDS[..]).prop_map(|word| json!(word));
    let part = || {
        prop::collection::vec(prop::sample::select(&["a", "ab", "b", ".", "git"][..]), 1..6)
            .prop_map(|words| Box::<str>::from(words.concat().as_str()))
    };
    let list = || prop::sample::select(&[Root::Usernames, Root::Packages][..]);
    let body = || {
        prop::sample::select(&["x", "y", "0"][..]).prop_map(|name| at(Root::Body, &["in", name]))
    };
    prop_oneof![
        any::<bool>().prop_map(Condition::Known),
        Just(Condition::Open),
        part().prop_map(|part| is(Root::Topic, Test::EndsWith(part))),
        part().prop_map(|part| is(Root::Topic, Test::StartsWith(part))),
        word().prop_map(|word| is(Root::Category, Test::Is(word))),
        prop::collection::vec(word(), 0..3)
            .prop_map(|words| is(Root::Category, Test::Among(words))),
        (list(), word()).prop_map(|(root, word)| is(root, Test::Contains(word))),
        (list(), word()).prop_map(|(root, word)| {
            is(root, Test::Some(Box::new(is(Root::Element(0), Test::Is(word)))))
        }),
        (body(), word()).prop_map(|(place, word)| Condition::Is(place, Test::Is(word))),
        (body(), prop::collection::vec(word(), 0..3))
            .prop_map(|(place, words)| Condition::Is(place, Test::Among(words))),
        body().prop_map(|place| Condition::Is(place, Test::True)),
        body().prop_map(|place| Condition::Is(place, Test::Is(json!(null)))),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Condition::negated),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| Condition::If(Box::new([a, b, c]))),
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    let names =
        || prop::collection::vec(prop::sample::select(&WORDS[..]).prop_map(String::from), 0..3);
    let leaf = || {
        prop_oneof![
            Just(json!("a")),
            Just(json!("git")),
            Just(json!(true)),
            Just(json!(null)),
            Just(json!(["a"]))
        ]
    };
    let topic = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..7)
        .prop_map(|words| words.join("."));
    (topic, names(), names(), leaf(), leaf()).prop_map(|(topic, usernames, packages, x, y)| {
        Message {
            id: "1".into(),
            topic: Topic::new(&topic),
            sent_at: jiff::Timestamp::UNIX_EPOCH,
            wire: Wire::Fedmsg,
            body: Arc::new(
                json!({ "in": if y.is_array() { y } else { json!({ "x": x, "y": y }) } }),
            ),
            headers: Arc::new(Map::new()),
            description: Description { usernames, packages, ..Description::default() },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn hints_leave_out_no_message_that_meets_the_condition(
        condition in condition(),
        messages in prop::collection::vec(message(), 12),
    ) {
        let hints = hints(&condition);
        for message in &messages {
            if condition.judge(message) == Verdict::Yes {
                prop_assert!(hints.iter().any(|hint| hint.matches(message)), "{condition} leaves out {message:?}: {hints:?}");
            }
        }
    }
}
