//! How much GitHub still lets us ask: what its headers say, looked at before each request.
//!
//! Each kind of request has a count of its own, which begins anew at a time that GitHub names. Beside that there are
//! limits which it does not count for us ("secondary"): when it says that we passed one, everybody here pauses.

use crate::outbound::Answer;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The pause where GitHub names none; it doubles each time, as GitHub asks for.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(16);
/// Nobody is believed who wants more patience than this.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    Core,
    Search,
    CodeSearch,
    Graphql,
}

impl Resource {
    /// Below the address of the interface.
    pub(super) fn of_path(path: &str) -> Self {
        match path.trim_start_matches('/').split('?').next().unwrap_or_default() {
            "graphql" => Self::Graphql,
            "search/code" => Self::CodeSearch,
            path if path.starts_with("search/") => Self::Search,
            _ => Self::Core,
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "core" => Some(Self::Core),
            "search" => Some(Self::Search),
            "code_search" => Some(Self::CodeSearch),
            "graphql" => Some(Self::Graphql),
            _ => None,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Core => "requests",
            Self::Search => "searches",
            Self::CodeSearch => "searches in code",
            Self::Graphql => "GraphQL",
        }
    }
}

/// Why nothing may be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Used { limit: u64, until: Timestamp },
    Paused { until: Timestamp },
}

impl Closed {
    pub(super) fn until(self) -> Timestamp {
        let (Self::Used { until, .. } | Self::Paused { until }) = self;
        until
    }
}

/// Shared by all who ask with one token.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    windows: HashMap<Resource, Window>,
    under_way: HashMap<Resource, u64>,
    paused: Option<Timestamp>,
    /// Pauses since the last good answer.
    pauses: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    limit: u64,
    remaining: u64,
    reset: Timestamp,
}

/// A request that is on its way: until it is back it counts as used.
#[derive(Debug)]
pub(super) struct UnderWay {
    limits: Limits,
    resource: Resource,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(count) = self.limits.0.lock().under_way.get_mut(&self.resource) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Limits {
    /// Lets a request go, or says until when none may.
    pub(super) fn enter(&self, resource: Resource, now: Timestamp) -> Result<UnderWay, Closed> {
        let mut state = self.0.lock();
        if let Some(until) = state.paused.filter(|until| *until > now) {
            return Err(Closed::Paused { until });
        }
        let under_way = state.under_way.get(&resource).copied().unwrap_or_default();
        let window = state.windows.get(&resource).filter(|window| window.reset > now);
        if let Some(&Window { limit, reset, .. }) = window.filter(|w| w.remaining <= under_way) {
            return Err(Closed::Used { limit, until: reset });
        }
        *state.under_way.entry(resource).or_default() += 1;
        Ok(UnderWay { limits: self.clone(), resource })
    }

    /// Learns from an answer; whether it only says that a limit was passed.
    pub(super) fn learn(&self, asked: Resource, answer: &Answer, now: Timestamp) -> bool {
        let mut state = self.0.lock();
        let resource = header(answer, "x-ratelimit-resource").map_or(Some(asked), Resource::named);
        let window = window(answer);
        if let (Some(resource), Some(new)) = (resource, window) {
            let known = state.windows.entry(resource).or_insert(new);
            if new.reset > known.reset {
                *known = new;
            } else if new.reset == known.reset {
                // Answers overtake each other, and some are from the cache: the lowest count is the latest.
                known.remaining = known.remaining.min(new.remaining);
            }
        }
        let wait = header(answer, "retry-after").and_then(|text| text.parse().ok());
        let is_over = match answer.status {
            429 => true,
            403 => {
                wait.is_some() || window.is_some_and(|w| w.remaining == 0) || is_secondary(answer)
            }
            _ => false,
        };
        if !is_over {
            state.pauses = 0;
            return false;
        }
        match (wait, window) {
            (Some(seconds), _) => {
                state.pause(now, SignedDuration::from_secs(seconds));
            }
            // Its window is closed already.
            (None, Some(window)) if window.remaining == 0 && window.reset > now => {}
            (None, _) => {
                let pause = PAUSE.saturating_mul(1 << state.pauses.min(8)).min(LONGEST_PAUSE);
                state.pause(now, pause);
            }
        }
        true
    }

    /// GraphQL's way to say that a limit is passed is an answer like all others.
    pub(super) fn used_up(&self, resource: Resource, now: Timestamp) {
        let mut state = self.0.lock();
        match state.windows.get_mut(&resource).filter(|window| window.reset > now) {
            Some(window) => window.remaining = 0,
            None => state.pause(now, PAUSE),
        }
    }
}

impl State {
    fn pause(&mut self, now: Timestamp, pause: SignedDuration) {
        let pause = pause.clamp(SignedDuration::ZERO, LONGEST_WAIT);
        let until = now.saturating_add(pause).unwrap_or(now);
        self.paused = Some(self.paused.map_or(until, |known| known.max(until)));
        self.pauses += 1;
    }
}

fn window(answer: &Answer) -> Option<Window> {
    let number = |name| header(answer, name)?.parse::<u64>().ok();
    Some(Window {
        limit: number("x-ratelimit-limit")?,
        remaining: number("x-ratelimit-remaining")?,
        reset: Timestamp::from_second(number("x-ratelimit-reset")?.try_into().ok()?).ok()?,
    })
}

fn is_secondary(answer: &Answer) -> bool {
    let said = String::from_utf8_lossy(&answer.body).to_lowercase();
    said.contains("secondary rate limit") || said.contains("abuse detection")
}

pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn answer(status: u16, headers: &[(&str, i64)], body: &str) -> Answer {
        let text = |(name, value): &(&str, i64)| ((*name).to_string(), value.to_string());
        Answer { status, headers: headers.iter().map(text).collect(), body: body.to_owned().into() }
    }

    fn counted(status: u16, remaining: i64, reset: i64) -> Answer {
        let reset = at(reset).as_second();
        let headers = [
            ("x-ratelimit-limit", 60),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset),
        ];
        answer(status, &headers, "{}")
    }

    fn until(limits: &Limits, resource: Resource, now: i64) -> Option<i64> {
        let closed = limits.enter(resource, at(now)).err()?;
        Some(closed.until().as_second() - at(0).as_second())
    }

    #[test]
    fn the_last_request_may_go_and_the_next_waits_for_the_new_hour() {
        let limits = Limits::default();
        assert!(!limits.learn(Resource::Core, &counted(200, 1, 60), at(0)));
        let last = limits.enter(Resource::Core, at(0)).unwrap();
        assert_eq!(
            limits.enter(Resource::Core, at(0)).unwrap_err(),
            Closed::Used { limit: 60, until: at(60) }
        );
        limits.learn(Resource::Core, &counted(200, 0, 60), at(1));
        drop(last);
        assert_eq!(until(&limits, Resource::Core, 59), Some(60));
        assert_eq!(until(&limits, Resource::Core, 60), None);
    }

    #[test]
    fn searches_and_graphql_are_counted_apart() {
        let limits = Limits::default();
        limits.learn(Resource::Search, &counted(200, 0, 60), at(0));
        assert_eq!(until(&limits, Resource::Search, 0), Some(60));
        for other in [Resource::Core, Resource::CodeSearch, Resource::Graphql] {
            assert_eq!(until(&limits, other, 0), None, "{other:?}");
        }
        let mut named = counted(200, 0, 90);
        named.headers.push(("x-ratelimit-resource".into(), "graphql".into()));
        limits.learn(Resource::Core, &named, at(0));
        assert_eq!(until(&limits, Resource::Core, 0), None);
        assert_eq!(until(&limits, Resource::Graphql, 0), Some(90));
    }

    #[test]
    fn paths_say_what_is_counted() {
        for (path, resource) in [
            ("/repos/a/b", Resource::Core),
            ("/search/issues?q=x", Resource::Search),
            ("/search/code", Resource::CodeSearch),
            ("/graphql", Resource::Graphql),
            ("/users/search", Resource::Core),
        ] {
            assert_eq!(Resource::of_path(path), resource, "{path}");
        }
    }

    #[test]
    fn an_answer_that_was_overtaken_or_cached_gives_nothing_back() {
        let limits = Limits::default();
        limits.learn(Resource::Core, &counted(200, 0, 60), at(0));
        limits.learn(Resource::Core, &counted(200, 30, 60), at(0));
        limits.learn(Resource::Core, &counted(200, 30, 10), at(0));
        assert_eq!(until(&limits, Resource::Core, 0), Some(60));
        limits.learn(Resource::Core, &counted(200, 59, 120), at(0));
        assert_eq!(until(&limits, Resource::Core, 0), None);
    }

    #[test]
    fn all_pause_as_long_as_retry_after_says() {
        let limits = Limits::default();
        assert!(limits.learn(Resource::Core, &answer(403, &[("retry-after", 30)], "{}"), at(0)));
        assert_eq!(
            limits.enter(Resource::Search, at(0)).unwrap_err(),
            Closed::Paused { until: at(30) }
        );
        assert_eq!(until(&limits, Resource::Core, 30), None);
        // No number is too large to be a mistake.
        limits.learn(Resource::Core, &answer(429, &[("retry-after", i64::MAX)], "{}"), at(0));
        assert_eq!(until(&limits, Resource::Core, 0), Some(24 * 60 * 60));
    }

    #[test]
    fn a_secondary_limit_without_a_time_pauses_longer_each_time() {
        let limits = Limits::default();
        let said = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
        for (now, expected) in [(0, 60), (60, 180), (180, 420)] {
            assert!(limits.learn(Resource::Core, &answer(403, &[], said), at(now)));
            assert_eq!(until(&limits, Resource::Core, now), Some(expected));
        }
        assert!(!limits.learn(Resource::Core, &answer(200, &[], "{}"), at(420)));
        limits.learn(Resource::Core, &answer(429, &[], "{}"), at(420));
        assert_eq!(until(&limits, Resource::Core, 420), Some(480));
    }

    #[test]
    fn what_is_forbidden_for_another_reason_is_no_limit() {
        let limits = Limits::default();
        assert!(!limits.learn(Resource::Core, &counted(403, 12, 60), at(0)));
        assert!(limits.learn(Resource::Core, &counted(403, 0, 60), at(0)));
        assert_eq!(until(&limits, Resource::Core, 0), Some(60));
    }

    #[test]
    fn graphql_may_say_itself_that_it_is_used_up() {
        let limits = Limits::default();
        limits.learn(Resource::Graphql, &counted(200, 100, 90), at(0));
        limits.used_up(Resource::Graphql, at(0));
        assert_eq!(until(&limits, Resource::Graphql, 0), Some(90));
        assert_eq!(until(&limits, Resource::Core, 0), None);
    }
}
