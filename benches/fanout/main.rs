//! Fan-out of one event to 10,000 browsers, beside a plain loop that writes the same bytes to 10,000 sockets.
//!
//! `cargo bench --bench fanout`. The server is pinned to the first core, its clients, a process of their own, to the
//! second. Then 200 clients that never read, to see what they cost and whom they delay.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod clients;
mod measure;
mod servers;

use clients::Clients;
use measure::{Run, cpu_time, kernel_tcp_bytes, median, resident_bytes};
use servers::{HubsServer, PlainServer, Server};
use std::time::Duration;

const CLIENTS: usize = 10_000;
const EVENTS: usize = 25;
const ROUNDS: usize = 2;
const EVENT_BYTES: usize = 512;
/// How long a hub collects announcements: what an event waits before its fan-out starts.
const COLLECT: Duration = Duration::from_millis(25);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, rest @ ..] = arguments.as_slice()
        && kind == "clients"
    {
        return clients::be(rest);
    }
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let clients = CLIENTS.min(usize::try_from(limit).unwrap_or(CLIENTS).saturating_sub(512));
    measure::pin_to_core(std::process::id(), 0);

    let (mut plain, mut hubs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(fan_out(&mut PlainServer::start(), clients));
        hubs.push(fan_out(&mut HubsServer::start(), clients));
    }
    println!(
        "\nOne event of {EVENT_BYTES} bytes to {clients} clients, medians of {} events",
        ROUNDS * EVENTS
    );
    println!(
        "{:<12}{:>14}{:>14}{:>14}{:>16}",
        "", "cpu/event", "last client", "median client", "memory/client"
    );
    let (plain, hubs) = (Run::merge(&plain), Run::merge(&hubs));
    plain.print("plain loop");
    hubs.print("hubs");
    println!(
        "{:<12}{:>13.2}x{:>13.2}x{:>13.2}x",
        "ratio",
        hubs.cpu.as_secs_f64() / plain.cpu.as_secs_f64(),
        hubs.last.as_secs_f64() / plain.last.as_secs_f64(),
        hubs.middle.as_secs_f64() / plain.middle.as_secs_f64(),
    );
    stalled();
}

fn fan_out(server: &mut dyn Server, count: usize) -> Run {
    let memory = resident_bytes();
    let mut clients = Clients::connect(server.address(), count, true);
    server.accepted(count);
    clients.opened();
    let (mut cpu, mut middle, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..EVENTS {
        let before = cpu_time();
        server.send(EVENT_BYTES);
        let arrival = clients.all_heard();
        std::thread::sleep(Duration::from_millis(30)); // what is left to do after the last write counts too
        cpu.push(cpu_time().saturating_sub(before));
        middle.push(arrival.middle);
        last.push(arrival.last);
    }
    let memory = resident_bytes().saturating_sub(memory) / count as u64;
    Run { cpu: median(cpu), middle: median(middle), last: median(last), memory }
}

/// 1,000 clients that read beside 200 that never do.
fn stalled() {
    const READING: usize = 1_000;
    const STALLED: usize = 200;
    const BIG: usize = 8 * 1024;
    const MANY: usize = 300;
    let mut server = HubsServer::start();
    let mut reading = Clients::connect(server.address(), READING, true);
    reading.opened();
    let mut round = |server: &mut HubsServer, events: usize| {
        let mut last = Vec::new();
        for _ in 0..events {
            server.send(BIG);
            last.push(reading.all_heard().last);
        }
        median(last)
    };
    let alone = round(&mut server, 60);
    let (kernel, resident) = (kernel_tcp_bytes(), resident_bytes());
    let deaf = Clients::connect(server.address(), STALLED, false);
    server.viewers(READING + STALLED);
    let together = round(&mut server, MANY);
    let kernel = kernel_tcp_bytes().saturating_sub(kernel) / STALLED as u64;
    let resident = resident_bytes().saturating_sub(resident) / STALLED as u64;
    drop(deaf);
    println!("\n{STALLED} clients that never read, beside {MANY} events of {BIG} bytes");
    println!("cost each:       {kernel} bytes in the kernel, {resident} in the server");
    println!("last of {READING} others: {together:.1?} with them, {alone:.1?} without");
}
