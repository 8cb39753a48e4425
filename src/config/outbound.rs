//! `[outbound]`: how kindly other servers are treated.

use super::{document::Table, value::bytes, value::duration, value::number};
use std::time::Duration;

/// All but `cache_bytes` hold for each host by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundSettings {
    /// How often one request is made at most, the first time included.
    pub tries: u32,
    /// Further ones wait.
    pub requests_at_once: usize,
    /// A quarter of them may be made in a burst.
    pub requests_per_minute: u32,
    /// So many failures in a row open the breaker.
    pub breaker_failures: u32,
    /// How long it stays open at first; longer each time that the host fails again.
    pub breaker_pause: Duration,
    /// Of answers that are kept, all hosts together. 0: none.
    pub cache_bytes: usize,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            tries: 3,
            requests_at_once: 6,
            requests_per_minute: 600,
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(30),
            cache_bytes: 64 << 20,
        }
    }
}

pub(super) fn read(root: &Table<'_>) -> OutboundSettings {
    let mut settings = OutboundSettings::default();
    let Some(table) = root.table("outbound") else { return settings };
    table.set("tries", &mut settings.tries, number(1..=10));
    table.set("requests_at_once", &mut settings.requests_at_once, number(1..=256));
    table.set("requests_per_minute", &mut settings.requests_per_minute, number(1..=60_000));
    table.set("breaker_failures", &mut settings.breaker_failures, number(1..=1_000));
    let pauses = Duration::from_secs(1)..=Duration::from_hours(1);
    table.set("breaker_pause", &mut settings.breaker_pause, duration(pauses));
    table.set("cache_bytes", &mut settings.cache_bytes, bytes(0..=16 << 30));
    table.finish();
    settings
}
