//! Whether to ask again, and when.
//!
//! Only what a moment later may be well is asked again: 429, 502, 503, 504, and connections that fail. A time that a
//! server names is honoured; without one, waits double and are part chance. What can't begin before the deadline is not
//! waited for: then what is there is the answer.

use super::{Answer, OutboundError};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// How a request ended, as far as the next one is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server works. What it said may still be a refusal.
    Well,
    /// It may be well again in a moment, or after as long as it says itself.
    Passing { why: String, after: Option<Duration> },
    /// Asking again would make it worse: it did not answer in time.
    Ill { why: String },
    /// It was our own limit, and says nothing of the server.
    Ours,
}

impl Verdict {
    pub(super) fn of(outcome: &Result<Answer, OutboundError>, wall: Timestamp) -> Self {
        match outcome {
            Ok(answer) if matches!(answer.status, 429 | 502..=504) => Self::Passing {
                why: format!("status {}", answer.status),
                after: answer.header("retry-after").and_then(|given| retry_after(given, wall)),
            },
            Err(
                error
                @ (OutboundError::Unreachable { why, .. } | OutboundError::Broken { why, .. }),
            ) => {
                let why = if why.is_empty() { error.to_string() } else { why.clone() };
                Self::Passing { why, after: None }
            }
            Err(OutboundError::TooSlow { .. }) => Self::Ill { why: "no answer in time".into() },
            Err(OutboundError::PrivateAddress { .. } | OutboundError::Setup(_)) => Self::Ours,
            // Who answers too much does answer.
            Ok(_) | Err(_) => Self::Well,
        }
    }
}

/// How long to wait before the next try; `tries` are those made. Chance is from 0 to 1.
pub(super) fn wait(tries: u32, after: Option<Duration>, chance: f64) -> Duration {
    let doubled = FIRST_WAIT * 2_u32.saturating_pow(tries.saturating_sub(1).min(16));
    let wait = doubled.min(LONGEST_WAIT);
    // At least half of it, so that a retry never follows at once.
    let some = wait.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    match after {
        // A little chance on top: all who were told the same second must not come in it.
        Some(told) => told.saturating_add(FIRST_WAIT.mul_f64(chance.clamp(0.0, 1.0))),
        None => some,
    }
}

/// `Retry-After`, in seconds or as a date. What is neither says nothing.
pub(super) fn retry_after(given: &str, wall: Timestamp) -> Option<Duration> {
    let given = given.trim();
    if let Ok(seconds) = given.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = Timestamp::try_from(httpdate::parse_http_date(given).ok()?).ok()?;
    // One that is over means: at once.
    Some(Duration::try_from(date.duration_since(wall)).unwrap_or_default())
        .filter(|wait| SignedDuration::try_from(*wait).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_767_268_800, 0); // 2026-01-01T12:00:00Z

    #[test]
    fn waits_double_and_are_part_chance() {
        let millis = |tries, chance| wait(tries, None, chance).as_millis();
        assert_eq!([1, 2, 3, 4].map(|n| millis(n, 1.0)), [400, 800, 1_600, 3_200]);
        assert_eq!([1, 2, 3, 4].map(|n| millis(n, 0.0)), [200, 400, 800, 1_600]);
        assert_eq!(millis(1, 0.5), 300);
        assert_eq!(millis(4_000_000_000, 1.0), 20_000, "there is a longest");
        assert_eq!(wait(1, Some(Duration::from_secs(7)), 0.5).as_millis(), 7_200);
    }

    #[test]
    fn a_server_says_when_in_seconds_or_by_date() {
        for (given, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Thu, 01 Jan 2026 12:01:30 GMT", Some(90)),
            ("Thursday, 01-Jan-26 12:01:30 GMT", Some(90)),
            ("Thu Jan  1 12:01:30 2026", Some(90)),
            ("Thu, 01 Jan 2026 11:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("99999999999999999999", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(given, NOON), seconds.map(Duration::from_secs), "{given}");
        }
    }

    #[test]
    fn only_what_may_be_well_in_a_moment_is_asked_again() {
        let status = |status| Ok(Answer { status, headers: vec![], body: bytes::Bytes::new() });
        let passing = |outcome| matches!(Verdict::of(&outcome, NOON), Verdict::Passing { .. });
        let again: Vec<u16> = (100..600).filter(|&it| passing(status(it))).collect();
        assert_eq!(again, [429, 502, 503, 504]);
        let (host, why) = ("a.b".to_string(), "refused".to_string());
        assert!(passing(Err(OutboundError::Unreachable { host: host.clone(), why: why.clone() })));
        assert!(passing(Err(OutboundError::Broken { url: host.clone(), why })));
        let slow = OutboundError::TooSlow { url: host.clone(), limit: "" };
        assert!(matches!(Verdict::of(&Err(slow), NOON), Verdict::Ill { .. }));
        let inside = OutboundError::PrivateAddress { host, address: [10, 0, 0, 1].into() };
        assert_eq!(Verdict::of(&Err(inside), NOON), Verdict::Ours);
    }
}
