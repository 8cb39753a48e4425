//! A whole run of `hubs widget test`: 50 widgets, each with a case over 1,000 messages.
//!
//! `cargo bench --bench cases`. Generates the site in a temporary folder and runs it through the library, from reading
//! the scripts to the report, as often as criterion asks. What is measured is what an author waits for.

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use hubs::cases::{self, Mode, Request};
use hubs::config::{Sandbox, Site};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

const WIDGETS: usize = 50;
const MESSAGES: usize = 1_000;

/// Topics with what their messages say, in turn.
const FAMILIES: [&str; 5] = [
    "fedbadges.badge.award",
    "fas.user.update",
    "git.receive",
    "hubs.widget.updated",
    "meetbot.meeting.complete",
];

fn body(at: usize, user: &str) -> serde_json::Value {
    match at % FAMILIES.len() {
        0 => {
            json!({ "user": { "username": user }, "badge": { "name": "Baby Badger", "badge_id": "baby" } })
        }
        1 => json!({ "user": user, "agent": user, "fields": ["avatar"] }),
        2 => {
            json!({ "commit": { "username": user, "repo": "hubs", "branch": "main", "summary": "Update", "rev": "abc", "stats": { "files": {} } } })
        }
        3 => json!({ "widget_id": at, "hub_name": "infra", "username": user }),
        _ => {
            json!({ "owner": user, "chairs": { user: null }, "meeting_topic": "Infra", "url": "https://meetbot.fedoraproject.org/x", "attendees": {} })
        }
    }
}

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    std::fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder");
    std::fs::write(file, text).expect("a file");
}

/// One recording that all cases share, and widgets that each wait for something else.
fn generate(folder: &Path) {
    let mut lines = String::new();
    for at in 0..MESSAGES {
        let line = json!({
            "topic": format!("org.fedoraproject.prod.{}", FAMILIES[at % FAMILIES.len()]),
            "msg": body(at, &format!("user{}", at % 97)),
            "msg_id": format!("2026-{at:08x}"),
            "timestamp": 1_767_268_800 + at,
            "i": at,
        });
        let _ = writeln!(lines, "{line}");
    }
    write(folder, "tests/recordings/many.jsonl", &lines);
    for at in 0..WIDGETS {
        let family = at % FAMILIES.len();
        let topic = FAMILIES[family];
        let field = ["user.username", "user", "commit.username", "username", "owner"][family];
        let script = format!(
            "//! Waits for {topic}.\n\
             const PARAMETERS = #{{ username: #{{ kind: \"username\", help: \"Whose\" }} }};\n\
             fn should_invalidate(message, widget) {{\n    message.topic.ends_with(\"{topic}\") && message.msg.{field} == widget.config.username\n}}\n\
             fn data(widget) {{ #{{ username: widget.config.username }} }}\n"
        );
        write(folder, &format!("widgets/waits{at}.rhai"), &script);
        write(folder, &format!("templates/widgets/waits{at}.html"), "<p>{{ username }}</p>\n");
        let user = format!("user{at}");
        let ids: Vec<String> = (0..MESSAGES)
            .filter(|message| message % FAMILIES.len() == family && message % 97 == at)
            .map(|message| format!("\"2026-{message:08x}\""))
            .collect();
        let case = format!(
            "[[case]]\nname = \"what they do redraws it\"\nconfig = {{ username = \"{user}\" }}\n\
             messages = [\"many.jsonl\"]\ninvalidated_by = [{}]\ndata = {{ username = \"{user}\" }}\n",
            ids.join(", ")
        );
        write(folder, &format!("tests/widgets/waits{at}.toml"), &case);
    }
}

fn whole_run(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    generate(folder.path());
    let (site, sandbox) = (Site::at(folder.path()), Sandbox::default());
    let names: Vec<_> =
        (0..WIDGETS).map(|at| format!("waits{at}").parse().expect("a name")).collect();
    let request = Request {
        site: &site,
        fas: None,
        sandbox: &sandbox,
        names: &names,
        only: None,
        mode: Mode::Check,
        coverage: false,
        options: "",
        threads: None,
    };
    let report = cases::run(&request).expect("a run");
    assert_eq!((report.passed(), report.failed()), (WIDGETS, 0));
    let mut group = criterion.benchmark_group("cases");
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    group.bench_function("50 widgets, 1,000 messages each", |bencher| {
        bencher.iter(|| cases::run(&request).expect("a run").passed());
    });
    let covering = Request { coverage: true, ..request };
    group.bench_function("the same with coverage", |bencher| {
        bencher.iter(|| cases::run(&covering).expect("a run").passed());
    });
    group.finish();
}

criterion_group!(benches, whole_run);
criterion_main!(benches);
