//! What one script call may use; `[sandbox.pure]` and `[sandbox.data]` change it.

use super::{document::Table, value::bytes, value::duration, value::number};
use std::time::Duration;

/// What one script call may use. Sizes in bytes and items, `returned_bytes` as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub operations: u64,
    pub memory_bytes: usize,
    pub deadline: Duration,
    pub call_levels: usize,
    pub string_bytes: usize,
    pub array_items: usize,
    pub map_items: usize,
    pub variables: usize,
    pub returned_bytes: usize,
}

impl Limits {
    /// For `should_invalidate`, `hints` and processors: an honest call uses a fiftieth of it.
    pub fn pure() -> Self {
        Self {
            operations: 2_000,
            memory_bytes: 1 << 20,
            deadline: Duration::from_micros(500),
            call_levels: 16,
            string_bytes: 16 << 10,
            array_items: 1_024,
            map_items: 1_024,
            variables: 64,
            returned_bytes: 64 << 10,
        }
    }

    /// For `data`: the deadline includes waiting for other servers.
    pub fn data() -> Self {
        Self {
            operations: 1_000_000,
            memory_bytes: 32 << 20,
            deadline: Duration::from_secs(10),
            call_levels: 32,
            string_bytes: 256 << 10,
            array_items: 16_384,
            map_items: 16_384,
            variables: 256,
            returned_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// For one call about several messages: as much as calls about each of them.
    #[must_use]
    pub fn for_each_of(&self, messages: usize) -> Self {
        const MEMORY_BYTES: usize = 32 << 20;
        const RETURNED_BYTES: usize = 1 << 20;
        let factor = u32::try_from(messages.max(1)).unwrap_or(u32::MAX);
        let bytes =
            |one: usize, most: usize| one.saturating_mul(factor as usize).min(most.max(one));
        Self {
            operations: self.operations.saturating_mul(u64::from(factor)),
            deadline: self.deadline.saturating_mul(factor),
            memory_bytes: bytes(self.memory_bytes, MEMORY_BYTES),
            returned_bytes: bytes(self.returned_bytes, RETURNED_BYTES),
            ..self.clone()
        }
    }
}

/// How far a tier's limits may be raised.
pub(super) struct Ceiling {
    /// More operations can chain closures so long that dropping them overflows the thread's stack.
    pub(super) operations: u64,
    pub(super) deadline: Duration,
    pub(super) call_levels: usize,
}

impl Ceiling {
    pub(super) const PURE: Self =
        Self { operations: 10_000, deadline: Duration::from_millis(100), call_levels: 16 };
    pub(super) const DATA: Self =
        Self { operations: 1_000_000, deadline: Duration::from_mins(5), call_levels: 64 };
}

pub(super) fn read(table: Table<'_>, limits: &mut Limits, ceiling: &Ceiling) {
    const ITEMS: usize = 1 << 20;
    table.set("operations", &mut limits.operations, number(100..=ceiling.operations));
    table.set("memory_bytes", &mut limits.memory_bytes, bytes(64 << 10..=1 << 30));
    let deadlines = Duration::from_micros(50)..=ceiling.deadline;
    table.set("deadline", &mut limits.deadline, duration(deadlines));
    table.set("call_levels", &mut limits.call_levels, number(1..=ceiling.call_levels));
    table.set("string_bytes", &mut limits.string_bytes, bytes(256..=64 << 20));
    table.set("array_items", &mut limits.array_items, number(16..=ITEMS));
    table.set("map_items", &mut limits.map_items, number(16..=ITEMS));
    table.set("variables", &mut limits.variables, number(8..=4_096));
    // What is kept of a widget must fit the cache, see `cache::MAX_VALUE_BYTES`.
    table.set("returned_bytes", &mut limits.returned_bytes, bytes(256..=1 << 20));
    table.finish();
}
