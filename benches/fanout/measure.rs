//! What a run cost, as the kernel counts it.

use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

pub(super) struct Run {
    pub(super) cpu: Duration,
    pub(super) middle: Duration,
    pub(super) last: Duration,
    /// Bytes a client, in the server's process.
    pub(super) memory: u64,
}

impl Run {
    pub(super) fn merge(runs: &[Run]) -> Run {
        Run {
            cpu: median(runs.iter().map(|run| run.cpu).collect()),
            middle: median(runs.iter().map(|run| run.middle).collect()),
            last: median(runs.iter().map(|run| run.last).collect()),
            // The first run grows the heap that the later ones find.
            memory: runs.iter().map(|run| run.memory).max().unwrap_or_default(),
        }
    }

    pub(super) fn print(&self, name: &str) {
        println!(
            "{name:<12}{:>14}{:>14}{:>14}{:>16}",
            format!("{:.1?}", self.cpu),
            format!("{:.1?}", self.last),
            format!("{:.1?}", self.middle),
            format!("{} bytes", self.memory)
        );
    }
}

pub(super) fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Of all threads of this process.
pub(super) fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("this runs on Linux");
    let spent = tasks.flatten().filter_map(|task| {
        let stat = read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

pub(super) fn resident_bytes() -> u64 {
    let statm = read_to_string("/proc/self/statm").expect("this runs on Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("as in proc(5)")
        * 4096
}

/// Of the whole machine: run it where little else is on the network.
pub(super) fn kernel_tcp_bytes() -> u64 {
    let stat = read_to_string("/proc/net/sockstat").expect("this runs on Linux");
    let tcp = stat.lines().find(|line| line.starts_with("TCP:")).expect("as in proc(5)");
    let pages = tcp.split(' ').skip_while(|&word| word != "mem").nth(1);
    pages.and_then(|pages| pages.parse::<u64>().ok()).expect("as in proc(5)") * 4096
}

/// Threads that start later inherit it. Without `taskset`, or a second core, figures are only less steady.
pub(super) fn pin_to_core(process: u32, core: usize) {
    let _ = Command::new("taskset").args(["-cp", &core.to_string(), &process.to_string()]).output();
}
