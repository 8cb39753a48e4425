use super::*;
use crate::message::{Description, Topic, TopicPattern, Wire};
use jiff::Timestamp;
use proptest::prelude::*;
use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn message(topic: &str, usernames: &[&str], packages: &[&str], body: Value) -> Message {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Message {
        id: "1".into(),
        topic: Topic::new(topic),
        sent_at: Timestamp::UNIX_EPOCH,
        wire: Wire::Fedmsg,
        body: Arc::new(body),
        headers: Arc::new(Map::new()),
        description: Description {
            usernames: names(usernames),
            packages: names(packages),
            ..Description::default()
        },
    }
}

fn found(index: &Index, message: &Message) -> Vec<u64> {
    let mut out = vec![InstanceId(999)];
    index.candidates(message, &mut out);
    out.into_iter().map(|id| id.0).collect()
}

fn for_user(name: &str) -> Hint {
    Hint { usernames: Some(vec![name.into()]), ..Hint::any() }
}

#[test]
fn only_the_instances_of_the_mentioned_are_named() {
    let mut index = Index::new();
    let award = |name: &str| Hint {
        topics: Some(vec![TopicPattern::new("fedbadges.badge.award")]),
        paths: vec![("user.username".into(), json!(name))],
        ..Hint::any()
    };
    index.insert(InstanceId(3), &[award("ralph")]);
    index.insert(InstanceId(2), &[for_user("ralph"), award("ralph")]);
    index.insert(InstanceId(1), &[award("mizmo")]);
    index.insert(InstanceId(4), &[]);
    assert_eq!(index.len(), 3);
    let body = json!({ "user": { "username": "ralph" } });
    let topic = "org.fedoraproject.prod.fedbadges.badge.award";
    assert_eq!(found(&index, &message(topic, &["ralph"], &[], body.clone())), [2, 3]);
    let other = message("org.fedoraproject.prod.bodhi.x", &["ralph"], &[], body);
    assert_eq!(found(&index, &other), [2]);
    assert!(found(&index, &message(topic, &["nobody"], &[], json!(7))).is_empty());
}

#[test]
fn conditions_beside_the_key_are_held_too() {
    let mut index = Index::new();
    let both = Hint { packages: Some(vec!["kernel".into(), "bash".into()]), ..for_user("ralph") };
    let list = Hint { paths: vec![("list".into(), json!([1, 2]))], ..Hint::any() };
    let yes = Hint { paths: vec![("yes".into(), json!(true))], ..for_user("mizmo") };
    index.insert(InstanceId(1), &[both]);
    index.insert(InstanceId(2), &[list]);
    index.insert(InstanceId(3), &[yes]);
    let topic = "org.fedoraproject.prod.git.receive";
    assert_eq!(found(&index, &message(topic, &["ralph"], &["bash"], json!({}))), [1]);
    assert!(found(&index, &message(topic, &["ralph"], &["vim"], json!({}))).is_empty());
    assert_eq!(found(&index, &message(topic, &[], &[], json!({ "list": [1, 2.0] }))), [2]);
    assert!(found(&index, &message(topic, &[], &[], json!({ "list": [2, 1] }))).is_empty());
    assert_eq!(found(&index, &message(topic, &["mizmo"], &[], json!({ "yes": true }))), [3]);
    assert!(found(&index, &message(topic, &["mizmo"], &[], json!({ "yes": 1 }))).is_empty());
}

#[test]
fn a_condition_that_all_instances_share_is_not_what_they_are_found_by() {
    let mut index = Index::new();
    for id in 1..=1000 {
        let paths = vec![
            ("new".to_owned(), json!(true)),
            ("action".to_owned(), json!("closed")),
            ("user.name".to_owned(), json!(format!("user{id}"))),
        ];
        index.insert(InstanceId(id), &[Hint { paths, ..Hint::any() }]);
    }
    let longest = index.lists.values().map(|list| list.len).max();
    assert!(longest <= Some(2), "{longest:?}");
    let guards: FxHashSet<_> = index.guards.values().map(Arc::as_ptr).collect();
    assert!(guards.len() < 5, "{} guards for one script", guards.len());
    let body = json!({ "new": true, "action": "closed", "user": { "name": "user7" } });
    assert_eq!(found(&index, &message("o.f.p.x", &[], &[], body)), [7]);
}

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let mut index = Index::new();
    for round in 0..3_u64 {
        for id in 1..=100 {
            let key = format!("user{}", id % 7);
            let hint = Hint { packages: Some(vec![format!("p{id}")]), ..for_user(&key) };
            index.insert(InstanceId(id), &[hint, for_user(&key), for_user("all"), Hint::any()]);
        }
        for id in 1..=100 {
            index.remove(InstanceId((id * 37 + round) % 100 + 1));
        }
        assert!(index.is_empty() && index.lists.is_empty() && index.guards.is_empty());
    }
    assert_eq!(index.entries.len(), 400, "slots are used again");
}

fn words() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(Into::into)
}

fn some_of(items: impl Strategy<Value = String>) -> impl Strategy<Value = Option<Vec<String>>> {
    prop::option::weighted(0.4, prop::collection::vec(items, 0..3))
}

fn values() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(1),
        json!(1.0),
        json!(-0.0),
        json!(0),
        json!("a"),
        json!("1"),
        json!([1]),
        json!([2]),
        json!({ "x": "a" }),
        json!({ "x": 1 }),
    ])
}

fn hints() -> impl Strategy<Value = Hint> {
    let path = prop::sample::select(vec!["x", "y", "x.x", "y.0"]).prop_map(String::from);
    (
        some_of("([ab*#]\\.){0,2}[ab*#]"),
        some_of(words()),
        some_of(words()),
        some_of(words()),
        prop::collection::vec((path, values()), 0..3),
    )
        .prop_map(|(topics, categories, usernames, packages, paths)| Hint {
            topics: topics.map(|all| all.iter().map(|text| TopicPattern::new(text)).collect()),
            categories,
            usernames,
            packages,
            paths,
        })
}

fn messages() -> impl Strategy<Value = Message> {
    let names = || prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    ("o\\.f\\.p(\\.[abc]){0,3}", names(), names(), values(), values()).prop_map(
        |(topic, usernames, packages, x, y)| {
            message(&topic, &usernames, &packages, json!({ "x": x, "y": y }))
        },
    )
}

#[derive(Debug, Clone)]
enum Change {
    Insert(u64, Vec<Hint>),
    Remove(u64),
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (1..30_u64, prop::collection::vec(hints(), 0..3)).prop_map(|(id, h)| Change::Insert(id, h)),
        1 => (1..30_u64).prop_map(Change::Remove),
    ]
}

proptest! {
    #[test]
    fn the_index_names_what_a_scan_of_all_hints_would(
        changes in prop::collection::vec(changes(), 0..60),
        messages in prop::collection::vec(messages(), 1..10),
    ) {
        let (mut index, mut naive) = (Index::new(), BTreeMap::new());
        for change in changes {
            match change {
                Change::Insert(id, hints) => {
                    index.insert(InstanceId(id), &hints);
                    naive.insert(id, hints);
                }
                Change::Remove(id) => {
                    index.remove(InstanceId(id));
                    naive.remove(&id);
                }
            }
        }
        for message in messages {
            let scan: Vec<u64> = naive
                .iter()
                .filter(|(_, hints)| hints.iter().any(|hint| hint.matches(&message)))
                .map(|(&id, _)| id)
                .collect();
            prop_assert_eq!(found(&index, &message), scan);
        }
    }
}
