//! What the service says of itself: the log, and the name of every counter in one place.
//!
//! Counters are declared here with their help, so that `/metrics` never shows a name that nobody explains.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// Messages taken from the bus, by `source`.
pub const MESSAGES: &str = "hubs_messages_total";
/// Messages that were skipped, by `source` and `reason`.
pub const MESSAGES_SKIPPED: &str = "hubs_messages_skipped_total";
/// Messages that a bus gave once more and that were left alone.
pub const DOUBLES: &str = "hubs_messages_repeated_total";
/// How often it was caught up with what a bus sent while nobody listened, by `outcome`.
pub const CATCH_UPS: &str = "hubs_catch_ups_total";
/// Connections to a bus that were lost or not made, by `source`.
pub const RECONNECTS: &str = "hubs_bus_reconnects_total";
/// Messages that were taken from a bus and are not acknowledged yet, by `source`.
pub const UNACKNOWLEDGED: &str = "hubs_bus_unacknowledged";
/// Messages of our own that a bus did not take.
pub const UNPUBLISHED: &str = "hubs_messages_unpublished_total";
/// Instances that the index named.
pub const CANDIDATES: &str = "hubs_candidates_total";
/// Instances that a message invalidated.
pub const INVALIDATIONS: &str = "hubs_invalidations_total";
/// Time of a message in triage.
pub const TRIAGE_SECONDS: &str = "hubs_triage_seconds";
/// Time of one rebuild, by `widget`.
pub const REBUILD_SECONDS: &str = "hubs_rebuild_seconds";
/// Rebuilds, by `widget` and `outcome` (`changed`, `same`, `failed`).
pub const REBUILDS: &str = "hubs_rebuilds_total";
/// Instances that wait for a rebuild.
pub const REBUILD_QUEUE: &str = "hubs_rebuild_queue";
/// Open event streams.
pub const SSE_CLIENTS: &str = "hubs_sse_clients";
/// Events announced.
pub const EVENTS: &str = "hubs_events_total";
/// Questions to the cache, by `outcome` (`hit`, `miss`, `damaged`).
pub const CACHE: &str = "hubs_cache_total";
/// What was asked of other servers and what was spared them, by `host` (as HOSTS names it) and `what` (`requests`,
/// `from_cache`, `revalidated`, `shared`, `retried`, `waited`, `refused`).
pub const OUTBOUND: &str = "hubs_outbound_total";
/// Script calls that failed, by `widget`, `function` and `reason`.
pub const SCRIPT_FAILURES: &str = "hubs_script_failures_total";
/// Script threads that did not come back and were replaced, by `tier`.
pub const THREADS_LOST: &str = "hubs_script_threads_lost_total";

/// The counters are the process's: a second server in it (as tests have it) counts on those of the first.
static COUNTERS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts the counters. The handle renders what `GET /metrics` answers.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    if let Some(running) = COUNTERS.get() {
        return Ok(running.clone());
    }
    let seconds = [50e-6, 200e-6, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)?
        .build_recorder();
    let handle = COUNTERS.get_or_init(|| recorder.handle()).clone();
    // Whoever came second between the two look-ups counts on the first one's too.
    if metrics::set_global_recorder(recorder).is_ok() {
        describe();
    }
    Ok(handle)
}

fn describe() {
    describe_counter!(MESSAGES, "Messages taken from the bus");
    describe_counter!(MESSAGES_SKIPPED, "Messages that were skipped, by reason");
    describe_counter!(DOUBLES, "Messages that came once more and were left alone");
    describe_counter!(CATCH_UPS, "Gaps of a bus that were caught up with, by outcome");
    describe_counter!(RECONNECTS, "Connections to a bus that were lost or not made");
    describe_gauge!(UNACKNOWLEDGED, "Messages taken from a bus and not acknowledged yet");
    describe_counter!(UNPUBLISHED, "Messages of our own that a bus did not take");
    describe_counter!(CANDIDATES, "Instances that the index named");
    describe_counter!(INVALIDATIONS, "Instances that a message invalidated");
    describe_histogram!(TRIAGE_SECONDS, Unit::Seconds, "Time of a message in triage");
    describe_histogram!(REBUILD_SECONDS, Unit::Seconds, "Time of one rebuild, by widget");
    describe_counter!(REBUILDS, "Rebuilds, by widget and outcome");
    describe_gauge!(REBUILD_QUEUE, "Instances that wait for a rebuild");
    describe_gauge!(SSE_CLIENTS, "Open event streams");
    describe_counter!(EVENTS, "Events announced");
    describe_counter!(CACHE, "Questions to the cache, by outcome");
    describe_counter!(OUTBOUND, "What other servers were asked and spared, by host and what");
    describe_counter!(SCRIPT_FAILURES, "Script calls that failed, by widget, function and reason");
    describe_counter!(THREADS_LOST, "Script threads that did not come back and were replaced");
}

/// What lapin has to say, `bus/amqp` says in its own words, and less often.
const FILTER: &str = "hubs=info,lapin=off,warn";

/// Starts the log on stderr: readable on a terminal, JSON lines elsewhere. `RUST_LOG` filters it.
pub fn start_log() {
    use std::io::IsTerminal;
    use tracing_subscriber::{EnvFilter, fmt, prelude::*};
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    let started = if std::io::stderr().is_terminal() {
        registry
            .with(fmt::layer().compact().with_target(false).with_writer(std::io::stderr))
            .try_init()
    } else {
        registry
            .with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr))
            .try_init()
    };
    // Only a second server in one process gets here with a log that is already there.
    let _ = started;
}
