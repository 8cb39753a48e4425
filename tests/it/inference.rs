//! What is read out of the bundled scripts, held against hints that were written by hand and against the scripts.

use hubs::bindings;
use hubs::bus::Recording;
use hubs::config::{Limits, Site};
use hubs::hub::{Column, Config, Hub, Instance, InstanceId};
use hubs::message::{Message, TopicPattern, Verdict};
use hubs::script::{Interpreter, Tier};
use hubs::triage::Index;
use hubs::widget::{Hint, Library};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A widget, a configuration of it, and what its author would write as hints: topics, categories, usernames, packages and
/// paths of the body.
fn widgets() -> Vec<(&'static str, Value, Value)> {
    let own = json!({ "categories": ["hubs"], "body": { "hub_name": "ralph" } });
    let repository = json!({ "repository": "fedora-infra/hubs" });
    let github = json!({ "categories": ["github"] });
    let pagure = json!({ "categories": ["pagure"] });
    vec![
        ("about", json!({}), json!({ "body": { "widget_id": 7 } })),
        ("avatar", json!({ "username": "dudemcpants" }), json!({ "topics": ["fas.user.update"] })),
        ("badges", json!({ "username": "ralph" }), json!({ "body": { "user.username": "ralph" } })),
        ("cobwebs", json!({}), own.clone()),
        ("dummy", json!({}), json!({ "body": { "widget_id": 7 } })),
        ("feed", json!({ "username": "ralph" }), json!({ "usernames": ["ralph"] })),
        (
            "feed",
            json!({ "packages": ["kernel"], "categories": ["bodhi", "git"] }),
            json!({ "packages": ["kernel"], "categories": ["bodhi", "git"] }),
        ),
        ("rules", json!({}), own.clone()),
        ("stats", json!({}), own),
        ("sticky", json!({}), json!({ "body": { "widget_id": 7 } })),
        ("subscriptions", json!({ "username": "ralph" }), json!({ "categories": ["hubs"] })),
        (
            "bodhi.updates",
            json!({ "packages": ["python-requests"] }),
            json!({ "categories": ["bodhi"], "packages": ["python-requests"] }),
        ),
        (
            "bugzilla",
            json!({ "packages": ["python-requests"] }),
            json!({ "categories": ["bugzilla"], "packages": ["python-requests"] }),
        ),
        (
            "copr.builds",
            json!({ "owner": "@fedora-infra", "project": "hubs" }),
            json!({ "body": { "owner": "@fedora-infra", "copr": "hubs" } }),
        ),
        ("github.actions", repository.clone(), github.clone()),
        ("github.issues", repository.clone(), github.clone()),
        ("github.pulls", repository.clone(), github.clone()),
        ("github.releases", repository, github),
        ("koji.builds", json!({ "username": "ralph" }), json!({ "body": { "owner": "ralph" } })),
        (
            "package",
            json!({ "name": "python-requests" }),
            json!({ "packages": ["python-requests"] }),
        ),
        ("pagure.issues", json!({ "project": "fedora-infra/hubs" }), pagure.clone()),
        ("pagure.pulls", json!({ "project": "rpms/python-requests" }), pagure),
        (
            "calendar",
            json!({ "calendar": "infrastructure" }),
            json!({ "body": { "calendar.calendar_name": "infrastructure" } }),
        ),
        ("chart", json!({ "username": "ralph" }), json!({ "usernames": ["ralph"] })),
        ("contact", json!({ "username": "ralph" }), json!({ "topics": ["fas.user.update"] })),
        ("fedmsgs", json!({ "username": "ralph" }), json!({ "usernames": ["ralph"] })),
        ("halp", json!({}), json!({ "topics": ["meetbot.meeting.item.help"] })),
        ("library", json!({}), json!({ "body": { "widget_id": 7 } })),
        ("markdown", json!({}), json!({ "body": { "widget_id": 7 } })),
        (
            "meetings",
            json!({ "calendar": "infrastructure" }),
            json!({ "body": { "calendar.calendar_name": "infrastructure" } }),
        ),
        ("memberships", json!({ "username": "ralph" }), json!({ "categories": ["fas"] })),
        ("people", json!({ "group": "infra-sig" }), json!({ "categories": ["fas", "hubs"] })),
        ("planet", json!({}), json!({ "topics": ["planet.post.new"] })),
        (
            "release_monitoring",
            json!({ "packages": ["python-requests"] }),
            json!({ "packages": ["python-requests"] }),
        ),
        (
            "workflow.pendingacls",
            json!({ "username": "ralph" }),
            json!({ "categories": ["pagure", "pkgdb"] }),
        ),
        (
            "workflow.updates2stable",
            json!({ "username": "ralph" }),
            json!({ "categories": ["bodhi"] }),
        ),
    ]
}

fn by_hand(given: &Value) -> Hint {
    let list = |key: &str| -> Option<Vec<String>> {
        given.get(key).map(|list| serde_json::from_value(list.clone()).unwrap())
    };
    let paths = given.get("body").and_then(Value::as_object).into_iter().flatten();
    Hint {
        topics: list("topics")
            .map(|all| all.iter().map(|topic| TopicPattern::new(topic)).collect()),
        categories: list("categories"),
        usernames: list("usernames"),
        packages: list("packages"),
        paths: paths.map(|(path, value)| (path.clone(), value.clone())).collect(),
    }
}

/// Every recording of the house, and of `HUBS_TEST_RECORDINGS`, a folder with more of them.
fn messages(library: &Library, interpreter: &mut Interpreter) -> Vec<Message> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let more = std::env::var_os("HUBS_TEST_RECORDINGS").map(Into::into);
    let mut messages = Vec::new();
    for folder in [Some(own), more].into_iter().flatten() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "jsonl") {
                let lines = Recording::open(&path).unwrap();
                messages.extend(lines.filter_map(|line| line.unwrap().message.ok()));
            }
        }
    }
    for message in &mut messages {
        library.processors().describe(interpreter, message);
    }
    messages
}

fn candidates(hints: &[Hint], message: &Message) -> bool {
    let (mut index, mut found) = (Index::new(), Vec::new());
    index.insert(InstanceId(7), hints);
    index.candidates(message, &mut found);
    !found.is_empty()
}

#[test]
fn bundled_widgets_are_found_by_what_their_scripts_say_alone() {
    let limits = Limits { deadline: std::time::Duration::from_secs(5), ..Limits::pure() };
    let mut interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
    let library = Library::load(&Site::built_in(), &mut interpreter, None);
    let messages = messages(&library, &mut interpreter);
    assert!(messages.len() >= 25, "only {} messages", messages.len());
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let hub = Arc::new(Hub::example("ralph".parse().unwrap(), now));
    for (name, config, hand) in widgets() {
        let definition = library.get(&name.parse().unwrap()).unwrap();
        let config: Config = config.as_object().unwrap().clone();
        let instance = Instance {
            id: InstanceId(7),
            hub: hub.name.clone(),
            widget: definition.name.clone(),
            column: Column::Left,
            position: 0,
            config,
        };
        let placed = definition.place(&instance, hub.clone()).unwrap();
        let inferred = definition.inferred_hints(&mut interpreter, &placed, now);
        let condition = definition.condition(&mut interpreter, &placed, now);
        assert!(!definition.has_hints, "{name} needs no hints");
        assert!(inferred.iter().all(|hint| *hint != Hint::any()), "{name}: {condition}");
        let (mut by_inference, mut by_hints, mut truth, mut without_script) = (0, 0, 0, 0);
        for message in &messages {
            let argument = interpreter.message(message);
            let answer = definition.should_invalidate(&mut interpreter, &argument, &placed, now);
            let (is_candidate, is_by_hand) =
                (candidates(&inferred, message), candidates(&[by_hand(&hand)], message));
            let answer = answer.expect("a bundled script does not fail");
            assert!(is_candidate || !answer, "{name}: inference leaves out {message:?}");
            assert!(is_by_hand || !answer, "{name}: the hints leave out {message:?}");
            match condition.judge(message) {
                Verdict::Ask => {}
                verdict => {
                    assert_eq!(
                        verdict == Verdict::Yes,
                        answer,
                        "{name}: {condition} on {message:?}"
                    );
                    without_script += 1;
                }
            }
            by_inference += usize::from(is_candidate);
            by_hints += usize::from(is_by_hand);
            truth += usize::from(answer);
        }
        assert!(
            by_inference <= by_hints.max(truth),
            "{name}: {by_inference} candidates by inference, {by_hints} by hand"
        );
        assert_eq!(without_script, messages.len(), "{name}: its script must be run");
        // Shown by `cargo test -- --nocapture`.
        eprintln!("{name:14} {by_inference:4} by inference {by_hints:4} by hand {truth:4} true");
    }
}
