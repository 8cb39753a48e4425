//! Counts what is skipped, and says so without flooding the log.

use super::Source;
use crate::telemetry;
use metrics::counter;
use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// At most one line in this time, for one source: a sender that has gone mad sends thousands a second.
const QUIET: Duration = Duration::from_secs(10);

/// The messages that one source had to skip.
pub(super) struct Skipped {
    source: Source,
    voice: Voice,
}

/// Speaks at most once in [`QUIET`], and knows how often it kept silent.
#[derive(Default)]
pub(super) struct Voice {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Skipped {
    pub(super) fn new(source: Source) -> Self {
        Self { source, voice: Voice::default() }
    }

    /// Counts one. `reason` is one of few, for counters; `topic` what the sender calls it.
    pub(super) fn add(
        &mut self,
        topic: &str,
        reason: &'static str,
        why: &dyn Display,
        at: Instant,
    ) {
        let source = self.source.0;
        counter!(telemetry::MESSAGES_SKIPPED, "source" => source, "reason" => reason).increment(1);
        if let Some(unsaid) = self.voice.turn(at) {
            let topic: String = topic.chars().take(100).collect();
            tracing::warn!(
                source,
                reason,
                topic,
                unsaid,
                "a message from {source} is skipped: {why}"
            );
        }
    }
}

impl Voice {
    /// How often it kept silent before, when it may speak now.
    pub(super) fn turn(&mut self, at: Instant) -> Option<u64> {
        if self.said_at.is_some_and(|said| at.duration_since(said) < QUIET) {
            self.unsaid += 1;
            return None;
        }
        self.said_at = Some(at);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_and_its_number() {
        let (mut voice, start) = (Voice::default(), Instant::now());
        assert_eq!(voice.turn(start), Some(0));
        assert_eq!(voice.turn(start), None);
        assert_eq!(voice.turn(start + Duration::from_secs(9)), None);
        assert_eq!(voice.turn(start + QUIET), Some(2));
        assert_eq!(voice.turn(start + QUIET * 2), Some(0));
    }
}
