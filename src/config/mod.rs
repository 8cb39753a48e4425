//! hubs.toml: one file per table, all problems reported at once, secrets resolved.

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
