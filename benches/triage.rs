//! Triage of one message against 1,000 to 1,000,000 instances: time, memory, and the time to build.
//!
//! `cargo bench --bench triage`. One hub a user with the eight widgets of a new user's hub. `named` is the index alone,
//! `placed` adds what `should_invalidate` would be given: the instance, its hub and its configuration; `judged` is the
//! whole of triage with scripts that are asked.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod people;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use hubs::config::{Limits, Site};
use hubs::hub::{Column, Config, Hub, Instance, InstanceId};
use hubs::message::{Description, Message, Topic, TopicPattern, Wire};
use hubs::script::{Interpreter, Pool, Tier};
use hubs::triage::Triage;
use hubs::triage::index::Index;
use hubs::triage::roster::Roster;
use hubs::widget::{Hint, Shelf};
use jiff::Timestamp;
use serde_json::{Map, json};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const WIDGETS: [&str; 8] = [
    "feed",
    "stats",
    "workflow.updates2stable",
    "workflow.pendingacls",
    "subscriptions",
    "badges",
    "about",
    "packages",
];

/// A cut through what Fedora's buses carry, as often as in the recordings.
const TOPICS: [&str; 48] = [
    "buildsys.build.state.change",
    "buildsys.build.state.change",
    "buildsys.task.state.change",
    "buildsys.repo.done",
    "buildsys.tag",
    "bugzilla.bug.update",
    "git.receive",
    "git.branch.valgrind.master",
    "anitya.project.version.update",
    "anitya.project.map.update",
    "ansible.playbook.complete",
    "bodhi.updates.fedora.sync",
    "bodhi.update.comment",
    "bodhi.update.edit",
    "bodhi.update.complete.stable",
    "bodhi.update.karma.threshold",
    "bodhi.buildroot_override.tag",
    "ci.pipeline.allpackages-build.package.test.functional.queued",
    "ci.pipeline.complete",
    "compose.rawhide.rsync.start",
    "copr.build.start",
    "copr.build.end",
    "copr.chroot.start",
    "discourse.post.post_created",
    "fas.group.member.sponsor",
    "fas.user.create",
    "fedbadges.person.rank.advance",
    "fedbadges.badge.award",
    "fedocal.meeting.new",
    "github.pull_request_review",
    "github.issues",
    "hotness.update.bug.file",
    "koschei.package.state.change",
    "mailman.receive",
    "mdapi.repo.update",
    "meetbot.meeting.complete",
    "meetbot.meeting.item.help",
    "openqa.job.done",
    "pagure.git.receive",
    "pagure.issue.comment.added",
    "pagure.issue.new",
    "pagure.pull-request.comment.added",
    "pagure.pull-request.closed",
    "pkgdb.package.update",
    "pkgdb.package.update.status",
    "planet.post.new",
    "wiki.article.edit",
    "zanata.document.milestone.event",
];

fn user(number: u64) -> String {
    format!("user{number}")
}

fn hub(number: u64) -> Arc<Hub> {
    Arc::new(people::hub(&user(number), vec![user(number + 1)]))
}

/// What each widget of a user's hub would say, given its configuration.
fn hints(widget: &str, name: &str, number: u64) -> Hint {
    let topics =
        |all: &[&str]| Some(all.iter().map(|text| TopicPattern::new(text)).collect::<Vec<_>>());
    let usernames = Some(vec![name.to_owned()]);
    match widget {
        "feed" | "stats" => Hint { usernames, ..Hint::any() },
        "workflow.updates2stable" => {
            Hint { topics: topics(&["bodhi.update.#"]), usernames, ..Hint::any() }
        }
        "workflow.pendingacls" => {
            Hint { categories: Some(vec!["pkgdb".into()]), usernames, ..Hint::any() }
        }
        "badges" => Hint {
            topics: topics(&["fedbadges.badge.award", "badges.badge.award"]),
            paths: vec![("user.username".into(), json!(name))],
            ..Hint::any()
        },
        "subscriptions" => Hint {
            paths: vec![("action".into(), json!("subscribe")), ("user".into(), json!(name))],
            ..Hint::any()
        },
        "packages" => Hint { packages: Some(vec![format!("package{number}")]), ..Hint::any() },
        _ => Hint {
            topics: topics(&["hubs.hub.updated"]),
            paths: vec![("hub".into(), json!(name))],
            ..Hint::any()
        },
    }
}

struct House {
    index: Index,
    roster: Roster,
    users: u64,
}

fn build(instances: u64) -> House {
    let (mut index, mut roster) = (Index::new(), Roster::new());
    let users = instances / WIDGETS.len() as u64;
    for number in 0..users {
        let hub = hub(number);
        roster.put_hub(Arc::clone(&hub));
        for (position, widget) in (0..).zip(WIDGETS) {
            let id = InstanceId(number * 8 + u64::from(position) + 1);
            let config: Config =
                [("username".to_owned(), json!(hub.name)), ("limit".to_owned(), json!(10))]
                    .into_iter()
                    .collect();
            roster.insert(&Instance {
                id,
                hub: hub.name.clone(),
                widget: widget.parse().expect("it is a name"),
                column: Column::Right,
                position,
                config,
            });
            index.insert(id, &[hints(widget, hub.name.as_str(), number)]);
        }
    }
    House { index, roster, users }
}

fn message(topic: &str, users: &[u64], packages: &[u64]) -> Message {
    let usernames: Vec<_> = users.iter().map(|&number| user(number)).collect();
    Message {
        id: "2014-1".into(),
        topic: Topic::new(&format!("org.fedoraproject.prod.{topic}")),
        sent_at: Timestamp::UNIX_EPOCH,
        wire: Wire::Fedmsg,
        body: Arc::new(json!({ "user": { "username": usernames.first() }, "hub": "nobody" })),
        headers: Arc::new(Map::new()),
        description: Description {
            usernames,
            packages: packages.iter().map(|number| format!("package{number}")).collect(),
            ..Description::default()
        },
    }
}

/// Numbers that look like chance and are the same in every run.
fn numbers() -> impl FnMut(u64) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

/// Ten instances each: of three people the feed, the figures and the updates, and one that watches a package.
fn that_concern_ten(users: u64) -> Vec<Message> {
    let mut number = numbers();
    (0..4096)
        .map(|_| {
            let first = number(users - 2);
            message("bodhi.update.comment", &[first, first + 1, first + 2], &[number(users)])
        })
        .collect()
}

/// The topics of the buses; mostly one person, sometimes a package, as in the recordings.
fn as_on_the_bus(users: u64) -> Vec<Message> {
    let mut number = numbers();
    (0..4096)
        .map(|at| {
            let (one, other) = (number(users), number(users));
            let people: &[u64] = match at % 10 {
                0..5 => &[one],
                5 => &[one, other],
                _ => &[],
            };
            let packages = [number(users)];
            message(TOPICS[at % TOPICS.len()], people, &packages[usize::from(at % 6 > 0)..])
        })
        .collect()
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("this runs on Linux");
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("as in proc(5)");
    pages * 4096
}

fn triage(criterion: &mut Criterion) {
    for size in SIZES {
        let (before, started) = (resident_bytes(), Instant::now());
        let house = build(size);
        let (built, grown) = (started.elapsed(), resident_bytes().saturating_sub(before));
        println!("{size} instances: built in {built:.2?}, {} bytes each", grown / size);

        let mut group = criterion.benchmark_group(format!("triage/{size}"));
        group.sampling_mode(SamplingMode::Flat).sample_size(30);
        group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
        let mut out = Vec::new();
        let ten = that_concern_ten(house.users);
        for message in &ten {
            house.index.candidates(message, &mut out);
            assert_eq!(out.len(), 10);
        }
        for (name, messages) in [("ten", ten), ("bus", as_on_the_bus(house.users))] {
            let mut next = messages.iter().cycle();
            group.bench_function(format!("{name}/named"), |bencher| {
                bencher.iter(|| {
                    house.index.candidates(next.next().expect("a cycle"), &mut out);
                    black_box(&out);
                });
            });
            group.bench_function(format!("{name}/placed"), |bencher| {
                bencher.iter(|| {
                    house.index.candidates(next.next().expect("a cycle"), &mut out);
                    for &id in &out {
                        let spot = house.roster.get(id).expect("what is indexed is placed");
                        black_box((spot.widget(), spot.hub(), spot.config()));
                    }
                });
            });
        }
        group.finish();
    }
}

/// The scripts of a user's eight widgets, with hints as above and a check that reads the body.
const SCRIPTS: [(&str, &str, &str); 8] = [
    (
        "feed",
        "#{ usernames: [widget.config.username] }",
        "message.usernames.contains(widget.config.username)",
    ),
    (
        "figures",
        "#{ usernames: [widget.config.username] }",
        "message.usernames.contains(widget.config.username)",
    ),
    (
        "updates",
        "#{ topics: [\"bench.update.#\"], usernames: [widget.config.username] }",
        "message.topic.ends_with(\"update.comment\") && message.usernames.contains(widget.config.username)",
    ),
    (
        "acls",
        "#{ categories: [\"pkgdb\"], usernames: [widget.config.username] }",
        "message.msg.acl.user == widget.config.username",
    ),
    (
        "awards",
        "#{ topics: [\"fedbadges.badge.award\"], body: #{ \"user.username\": widget.config.username } }",
        "message.msg.user.username == widget.config.username",
    ),
    (
        "follows",
        "#{ body: #{ action: \"subscribe\", user: widget.config.username } }",
        "message.msg.user == widget.config.username",
    ),
    (
        "words",
        "#{ topics: [\"hubs.hub.updated\"], body: #{ hub: widget.config.username } }",
        "message.msg.hub == widget.config.username",
    ),
    (
        "parcels",
        "#{ packages: [widget.config.package] }",
        "message.packages.contains(widget.config.package)",
    ),
];

fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the scripts");
    std::fs::create_dir(folder.path().join("widgets")).expect("it is empty");
    for (name, hints, check) in SCRIPTS {
        let script = format!(
            "const PARAMETERS = #{{ username: #{{ kind: \"username\" }}, package: #{{ kind: \"package\" }} }};\n\
             fn hints(widget) {{ {hints} }}\n\
             fn should_invalidate(message, widget) {{ {check} }}\n\
             fn data(widget) {{ #{{}} }}\n"
        );
        std::fs::write(folder.path().join(format!("widgets/{name}.rhai")), script)
            .expect("a small file");
    }
    folder
}

/// The whole of triage, with the scripts and all their limits: ten candidates are asked about each message, by one
/// thread. Batches of 256, as in a flood; what waking the thread costs is in them.
fn judged(criterion: &mut Criterion) {
    const BATCH: usize = 256;
    let folder = site();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for size in [1_000, 100_000] {
        let limits = Limits::pure();
        let install = hubs::bindings::pure();
        let mut reader = Interpreter::new(Tier::Pure, limits.clone(), Some(install.clone()));
        let shelf = Arc::new(Shelf::new(Site::at(folder.path()), &mut reader));
        let pool = Pool::start(Tier::Pure, limits, 1, Some(install));
        let triage = Triage::new(shelf, pool, 1, || Timestamp::UNIX_EPOCH);
        let users = size / SCRIPTS.len() as u64;
        runtime.block_on(async {
            for number in 0..users {
                let hub = hub(number);
                let instances = (0..).zip(SCRIPTS).map(|(position, (widget, ..))| Instance {
                    id: InstanceId(number * 8 + u64::from(position) + 1),
                    hub: hub.name.clone(),
                    widget: widget.parse().expect("it is a name"),
                    column: Column::Right,
                    position,
                    config: [
                        ("username".to_owned(), json!(hub.name)),
                        ("package".to_owned(), json!(format!("package{number}"))),
                    ]
                    .into_iter()
                    .collect(),
                });
                triage.put_hub(Hub::clone(&hub), &instances.collect::<Vec<_>>()).await;
            }
        });
        let mut number = numbers();
        let messages: Vec<Message> = (0..BATCH)
            .map(|_| {
                let first = number(users - 2);
                message("bench.update.comment", &[first, first + 1, first + 2], &[number(users)])
            })
            .collect();
        let mut group = criterion.benchmark_group(format!("triage/{size}"));
        group.sampling_mode(SamplingMode::Flat).sample_size(30);
        group.throughput(criterion::Throughput::Elements(BATCH as u64));
        group.bench_function("ten/judged", |bencher| {
            bencher.iter_batched(
                || messages.clone(),
                |messages| {
                    let judged = runtime.block_on(triage.judge(messages));
                    assert!(judged.iter().all(|one| one.invalidated.len() == 10));
                },
                criterion::BatchSize::LargeInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, triage, judged);
criterion_main!(benches);
