//! `[sandbox]`: what scripts may use, call by call and all together.

use super::limits::{self, Ceiling, Limits};
use super::{document::Table, value::bytes, value::duration, value::flag, value::number};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// For `should_invalidate`, `hints` and processors.
    pub pure: Limits,
    pub data: Limits,
    pub pure_threads: usize,
    /// How many `data()` run at once; most of their time they wait for other servers.
    pub data_threads: usize,
    /// Lets scripts reach loopback, link-local and private addresses.
    pub allow_private_addresses: bool,
    /// Of one `data()`.
    pub max_requests: usize,
    /// Of one `data()`, all answers together.
    pub max_response_bytes: usize,
    /// Of one request; the deadline of `data()` holds beside it.
    pub http_timeout: Duration,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            pure: Limits::pure(),
            data: Limits::data(),
            pure_threads: 2,
            data_threads: 8,
            allow_private_addresses: false,
            max_requests: 16,
            max_response_bytes: 2 << 20,
            http_timeout: Duration::from_secs(8),
        }
    }
}

pub(super) fn read(root: &Table<'_>) -> Sandbox {
    let mut sandbox = Sandbox::default();
    let Some(table) = root.table("sandbox") else { return sandbox };
    if let Some(pure) = table.table("pure") {
        limits::read(pure, &mut sandbox.pure, &Ceiling::PURE);
    }
    if let Some(data) = table.table("data") {
        limits::read(data, &mut sandbox.data, &Ceiling::DATA);
    }
    table.set("pure_threads", &mut sandbox.pure_threads, number(1..=64));
    table.set("data_threads", &mut sandbox.data_threads, number(1..=256));
    table.set("allow_private_addresses", &mut sandbox.allow_private_addresses, flag);
    table.set("max_requests", &mut sandbox.max_requests, number(0..=1_000));
    table.set("max_response_bytes", &mut sandbox.max_response_bytes, bytes(1 << 10..=64 << 20));
    let timeouts = Duration::from_millis(10)..=Duration::from_mins(5);
    table.set("http_timeout", &mut sandbox.http_timeout, duration(timeouts));
    table.finish();
    sandbox
}
