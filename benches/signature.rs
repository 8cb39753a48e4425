//! Checking fedmsg's signatures on one core: the canonical text alone, and the whole judgement.
//!
//! `cargo bench --bench signature`. The messages are those of tests/signed, signed with keys of 2048 and 1024 bits; their
//! signers are known by then, as they are on a bus after the first message.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hubs::bus::Signatures;
use hubs::config::{self, Location};
use hubs::message::{Canonical, parse_line};
use jiff::Timestamp;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

fn signatures() -> Signatures {
    let file = |name: &str| Location::File(Path::new("tests/signed").join(name));
    let settings = config::Signatures {
        ca: file("ca.crt"),
        crl: Some(file("crl.pem")),
        routing_policy: std::collections::BTreeMap::default(),
        routing_nitpicky: false,
    };
    let nobody = |_| Box::pin(async { Err("nobody is asked here".to_owned()) }) as _;
    let signatures = Signatures::new(settings, Arc::new(nobody), Timestamp::now);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(signatures.load()).expect("they fit");
    signatures
}

fn signature(criterion: &mut Criterion) {
    let messages = std::fs::read_to_string("tests/signed/messages.jsonl").expect("it is there");
    let lines: Vec<&[u8]> = messages.lines().map(str::as_bytes).collect();
    println!("messages of {} bytes, certificate included", lines[0].len());
    let signatures = signatures();
    let mut group = criterion.benchmark_group("signature");
    group.throughput(Throughput::Elements(1));
    group.bench_function("message read", |bencher| {
        bencher.iter(|| black_box(parse_line(lines[0])).expect("a message"));
    });
    group.bench_function("canonical text", |bencher| {
        bencher.iter(|| black_box(Canonical::read(lines[0]).expect("JSON").to_bytes()));
    });
    for (line, bits) in lines.iter().zip([2048, 1024]) {
        group.bench_function(format!("checked, {bits} bits"), |bencher| {
            bencher.iter(|| signatures.check(black_box(line)).expect("it is signed"));
        });
    }
    group.finish();
}

criterion_group!(benches, signature);
criterion_main!(benches);
