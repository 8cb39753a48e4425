//! What was asked of each host, and what was spared it: for `/metrics` and `hubs doctor kindness`.

use super::gate::Gates;
use crate::telemetry;
use jiff::Timestamp;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Scripts list few hosts; should they list more, the rest is counted together.
const MOST_ENTRIES: usize = 256;
const OTHERS: &str = "others";

/// All hosts, by how HOSTS name them, and those that are left alone just now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kindness {
    pub hosts: Vec<HostKindness>,
    pub left_alone: Vec<LeftAlone>,
}

/// Counted since the server started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostKindness {
    /// An entry of HOSTS: `example.org`, `*.example.org`.
    pub host: String,
    /// That were sent, retries and revalidations among them.
    pub requests: u64,
    /// Answered without asking.
    pub from_cache: u64,
    /// Asked whether what is kept still holds, and it did.
    pub revalidated: u64,
    /// Waited for somebody else's answer to the same request.
    pub shared: u64,
    pub retried: u64,
    /// Waited for a turn, because of the limits in `[outbound]`.
    pub waited: u64,
    /// Not sent, since the host is left alone.
    pub refused: u64,
}

/// A host whose breaker is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftAlone {
    /// With its port.
    pub host: String,
    pub failures: u32,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub next: Timestamp,
    pub why: String,
}

/// What one request was, or was spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Request,
    FromCache,
    Revalidated,
    Shared,
    Retried,
    Waited,
    Refused,
}

impl Deed {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::FromCache => "from_cache",
            Self::Revalidated => "revalidated",
            Self::Shared => "shared",
            Self::Retried => "retried",
            Self::Waited => "waited",
            Self::Refused => "refused",
        }
    }

    fn of(self, host: &mut HostKindness) -> &mut u64 {
        match self {
            Self::Request => &mut host.requests,
            Self::FromCache => &mut host.from_cache,
            Self::Revalidated => &mut host.revalidated,
            Self::Shared => &mut host.shared,
            Self::Retried => &mut host.retried,
            Self::Waited => &mut host.waited,
            Self::Refused => &mut host.refused,
        }
    }
}

#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<String, HostKindness>>);

impl Tally {
    /// `entry`: the one of HOSTS that allows the request.
    pub(super) fn count(&self, entry: &str, deed: Deed) {
        let mut hosts = self.0.lock();
        let full = hosts.len() >= MOST_ENTRIES && !hosts.contains_key(entry);
        let entry = if full { OTHERS } else { entry };
        if !hosts.contains_key(entry) {
            let host = HostKindness { host: entry.into(), ..HostKindness::default() };
            hosts.insert(entry.into(), host);
        }
        if let Some(host) = hosts.get_mut(entry) {
            *deed.of(host) += 1;
        }
        drop(hosts);
        metrics::counter!(telemetry::OUTBOUND, "host" => entry.to_owned(), "what" => deed.name())
            .increment(1);
    }
}

impl Kindness {
    pub(super) fn of(tally: &Tally, gates: &Gates) -> Self {
        let left_alone = gates.open().into_iter().map(|(host, open)| LeftAlone {
            host,
            failures: open.failures,
            since: open.since,
            next: open.next,
            why: open.why,
        });
        let hosts = tally.0.lock().values().cloned().collect();
        Self { hosts, left_alone: left_alone.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_end_are_counted_together() {
        let tally = Tally::default();
        for n in 0..3 * MOST_ENTRIES {
            tally.count(&format!("{n}.example"), Deed::Request);
        }
        tally.count("0.example", Deed::Retried);
        let hosts = tally.0.lock();
        assert_eq!(hosts.len(), MOST_ENTRIES + 1);
        assert_eq!(hosts[OTHERS].requests, 2 * MOST_ENTRIES as u64);
        assert_eq!((hosts["0.example"].requests, hosts["0.example"].retried), (1, 1));
    }
}
