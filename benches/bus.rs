//! A message's whole way on one core: JSON, people and packages, the index of 10,000 instances, `should_invalidate`.
//!
//! `cargo bench --bench bus`. The messages are those of tests/recordings, or of the files that `HUBS_BENCH_RECORDINGS`
//! names, separated by colons; the instances are the bundled widgets on 1,250 people's hubs, the people of the messages
//! among them. Each step includes the ones before it.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::cast_precision_loss, reason = "of a few hundred messages")]

mod people;

use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use hubs::config::{Limits, Site};
use hubs::hub::{Column, Config, HubName, Instance, InstanceId};
use hubs::message::{Message, parse_line};
use hubs::script::{Interpreter, Pool, Tier};
use hubs::triage::Triage;
use hubs::widget::Shelf;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const HUBS: usize = 1_250;
/// As many as intake takes at once in a flood.
const BATCH: usize = 256;
const WIDGETS: [&str; 8] =
    ["feed", "stats", "avatar", "subscriptions", "badges", "about", "sticky", "cobwebs"];

fn lines() -> Vec<String> {
    let files: Vec<PathBuf> = if let Ok(given) = std::env::var("HUBS_BENCH_RECORDINGS") {
        std::env::split_paths(&given).collect()
    } else {
        let folder = std::fs::read_dir("tests/recordings").expect("it is part of the project");
        folder.map(|entry| entry.expect("readable").path()).collect()
    };
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("a recording"));
    let lines = texts.flat_map(|text| text.lines().map(String::from).collect::<Vec<_>>());
    lines.filter(|line| parse_line(line.as_bytes()).is_ok()).collect()
}

fn instances(name: &str, first: u64) -> Vec<Instance> {
    let place = |(position, widget): (u32, &str)| {
        let config: Config = match widget {
            "feed" | "avatar" | "subscriptions" | "badges" => {
                [("username".to_owned(), json!(name))].into_iter().collect()
            }
            _ => Config::default(),
        };
        Instance {
            id: InstanceId(first + u64::from(position)),
            hub: name.parse().expect("it is a name"),
            widget: widget.parse().expect("it is a name"),
            column: Column::Right,
            position,
            config,
        }
    };
    (0..).zip(WIDGETS).map(place).collect()
}

fn bus(criterion: &mut Criterion) {
    let recorded = lines();
    let install = hubs::bindings::pure();
    let mut interpreter = Interpreter::new(Tier::Pure, Limits::pure(), Some(install.clone()));
    let shelf = Arc::new(Shelf::new(Site::built_in(), &mut interpreter));
    let library = shelf.library();

    let read = |line: &String| parse_line(line.as_bytes()).expect("it was read before");
    let mut named = BTreeSet::new();
    for line in &recorded {
        let mut message = read(line);
        library.processors().name(&mut interpreter, &mut message);
        named.extend(message.description.usernames);
    }
    let theirs = named.iter().filter(|name| name.parse::<HubName>().is_ok()).cloned();
    let owners: Vec<String> = theirs.chain((0..).map(|n| format!("user{n}"))).take(HUBS).collect();

    let pool = Pool::start(Tier::Pure, Limits::pure(), 1, Some(install));
    let triage = Triage::new(shelf.clone(), pool, 1, || Timestamp::UNIX_EPOCH);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        for (n, name) in (0..).zip(&owners) {
            triage
                .put_hub(people::hub(name, vec![]), &instances(name, n * WIDGETS.len() as u64 + 1))
                .await;
        }
    });
    let batch: Vec<&String> = recorded.iter().cycle().take(BATCH.max(recorded.len())).collect();
    let judged = runtime.block_on(triage.judge(batch.iter().map(|line| read(line)).collect()));
    println!(
        "{} messages of {} bytes, {} instances; {:.1} are concerned by a message on average",
        batch.len(),
        batch.iter().map(|line| line.len()).sum::<usize>() / batch.len(),
        triage.len(),
        judged.iter().map(|one| one.invalidated.len()).sum::<usize>() as f64 / batch.len() as f64
    );

    let mut group = criterion.benchmark_group("bus");
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(batch.len() as u64));
    group.bench_function("decoded", |bencher| {
        bencher.iter(|| batch.iter().for_each(|line| drop(black_box(read(line)))));
    });
    group.bench_function("named", |bencher| {
        bencher.iter(|| {
            for line in &batch {
                let mut message = read(line);
                library.processors().name(&mut interpreter, &mut message);
                black_box(message);
            }
        });
    });
    group.bench_function("worded", |bencher| {
        bencher.iter(|| {
            for line in &batch {
                let mut message = read(line);
                library.processors().describe(&mut interpreter, &mut message);
                black_box(message);
            }
        });
    });
    group.bench_function("judged", |bencher| {
        bencher.iter_batched(
            || (),
            |()| {
                let messages: Vec<Message> = batch.iter().map(|line| read(line)).collect();
                black_box(runtime.block_on(triage.judge(messages)))
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, bus);
criterion_main!(benches);
