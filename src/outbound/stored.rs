//! An answer that is kept: what RFC 9111 allows to be done with it, and how it is written.
//!
//! The rules are `http-cache-semantics`; it sees a private cache, one for each combination of URL and headers, so that
//! nobody gets what somebody else's token opened. On disk there are no secrets of a request: its headers are hashed.
//! Freshness is not guessed at: a server that says nothing is asked each time, if it can with its `ETag`.

use super::{Answer, hop::Hop};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, request, response};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use jiff::Timestamp;
use reqwest::header::{
    AGE, CACHE_CONTROL, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, PRAGMA,
    USER_AGENT, VARY,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};

const RULES: CacheOptions = CacheOptions {
    shared: false,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::from_hours(24),
    ignore_cargo_cult: false,
};

/// Headers with which a request is not the cache's business: the script has a copy of its own, or wants a part.
const NOT_OURS: [&str; 6] =
    ["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"];

/// Of a 304 these belong to the message, not to what is kept.
const OF_THE_MESSAGE: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "keep-alive",
    "trailer",
    "transfer-encoding",
];

/// A request as the rules see it.
pub(super) struct Asked(request::Parts);

#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    policy: CachePolicy,
    status: u16,
    headers: Vec<(String, String)>,
    /// When the server last said so.
    pub(super) at: Timestamp,
    #[serde(skip)]
    body: Bytes,
}

impl Asked {
    /// `None`: the request is to go past the cache.
    pub(super) fn of(hop: &Hop) -> Option<Self> {
        if NOT_OURS.iter().any(|name| hop.headers.contains_key(*name)) {
            return None;
        }
        // The address may hold a secret too; the key tells addresses apart already.
        let mut request = Request::new(()).into_parts().0;
        for (name, value) in &hop.headers {
            let value = if matches!(*name, CACHE_CONTROL | PRAGMA) {
                value.clone()
            } else {
                hashed(value)?
            };
            request.headers.append(name, value);
        }
        let ours = HeaderValue::from_static(concat!("hubs/", env!("CARGO_PKG_VERSION")));
        request.headers.entry(USER_AGENT).or_insert(ours);
        Some(Self(request))
    }
}

impl Stored {
    /// What is to be kept of an answer; `None` when it must not be, or would never be of use.
    pub(super) fn new(asked: &Asked, answer: &Answer, now: Timestamp) -> Option<Self> {
        let policy = CachePolicy::new_options(&asked.0, &parts(answer), moment(now), RULES);
        let of_use = !policy.is_stale(moment(now))
            || answer.header(ETAG.as_str()).is_some()
            || answer.header(LAST_MODIFIED.as_str()).is_some();
        let varies = answer.all(VARY.as_str()).any(|value| value.contains('*'));
        (policy.is_storable() && of_use && !varies).then(|| Self {
            policy,
            status: answer.status,
            headers: answer.headers.clone(),
            at: now,
            body: answer.body.clone(),
        })
    }

    pub(super) fn read(bytes: Vec<u8>) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let stored: Self = serde_json::from_slice(rest.get(..length)?).ok()?;
        let body = Bytes::from(bytes).slice(4 + length..);
        Some(Self { body, ..stored })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let head = serde_json::to_vec(self).expect("its keys are texts");
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
        [&length.to_be_bytes()[..], &head, &self.body].concat()
    }

    /// Whether it answers this request at all, be it fresh or not.
    pub(super) fn fits(&self, asked: &Asked, now: Timestamp) -> bool {
        match self.policy.before_request(&asked.0, moment(now)) {
            BeforeRequest::Fresh(_) => true,
            BeforeRequest::Stale { matches, .. } => matches,
        }
    }

    /// Whether it may be given without asking.
    pub(super) fn is_fresh(&self, asked: &Asked, now: Timestamp) -> bool {
        self.policy.before_request(&asked.0, moment(now)).satisfies_without_revalidation()
    }

    /// What the server needs, to say that it still holds.
    pub(super) fn add_conditions(&self, headers: &mut HeaderMap) {
        for (of_ours, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
            let value = self.headers.iter().find(|(name, _)| *name == of_ours.as_str());
            if let Some(value) = value.and_then(|(_, value)| HeaderValue::from_str(value).ok()) {
                headers.insert(condition, value);
            }
        }
    }

    /// After a 304: the same, as fresh as that says. `None` when it was not this one that the server meant.
    pub(super) fn refreshed(
        mut self,
        asked: &Asked,
        said: &Answer,
        now: Timestamp,
    ) -> Option<Self> {
        let mut response = parts(said);
        let names = [ETAG, LAST_MODIFIED];
        if names.iter().all(|name| !response.headers.contains_key(name)) {
            // Without any it can only mean the one that we asked for.
            for name in names {
                let ours = self.headers.iter().find(|(it, _)| *it == name.as_str());
                if let Some(value) = ours.and_then(|(_, it)| HeaderValue::from_str(it).ok()) {
                    response.headers.insert(name, value);
                }
            }
        }
        let AfterResponse::NotModified(policy, _) =
            self.policy.after_response(&asked.0, &response, moment(now))
        else {
            return None;
        };
        let news = said.headers.iter().filter(|(name, _)| !OF_THE_MESSAGE.contains(&name.as_str()));
        let news: Vec<_> = news.cloned().collect();
        self.headers.retain(|(name, _)| news.iter().all(|(newer, _)| newer != name));
        self.headers.extend(news);
        Some(Self { policy, at: now, ..self })
    }

    /// Whether it may be given while the server fails: only where the server itself said so (`stale-if-error`).
    pub(super) fn stands_in(&self, now: Timestamp) -> bool {
        let allowed = self.directives().find_map(|directive| {
            let seconds = directive.strip_prefix("stale-if-error=")?;
            seconds.trim_matches('"').parse::<u32>().ok()
        });
        let Some(seconds) = allowed.filter(|_| self.may_be_stale()) else { return false };
        let then = moment(self.at);
        let lifetime = self.policy.time_to_live(then) + self.policy.age(then);
        self.policy.age(moment(now)) <= lifetime + Duration::from_secs(seconds.into())
    }

    /// Whether it may be given though the server may not be asked: not against its word, and not when older than that.
    pub(super) fn is_kept_for(&self, oldest: Duration, now: Timestamp) -> bool {
        self.may_be_stale() && self.policy.age(moment(now)) <= oldest
    }

    fn may_be_stale(&self) -> bool {
        self.directives().all(|directive| {
            let name = directive.split('=').next().unwrap_or_default();
            !matches!(name, "no-cache" | "must-revalidate")
        })
    }

    /// Of `Cache-Control`, in lower case.
    fn directives(&self) -> impl Iterator<Item = String> {
        let answer = self.headers.iter().filter(|(name, _)| *name == CACHE_CONTROL.as_str());
        answer.flat_map(|(_, value)| value.split(',')).map(|it| it.trim().to_ascii_lowercase())
    }

    pub(super) fn answer(&self, now: Timestamp) -> Answer {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| name != AGE.as_str());
        headers.push((AGE.to_string(), self.policy.age(moment(now)).as_secs().to_string()));
        Answer { status: self.status, headers, body: self.body.clone() }
    }
}

fn hashed(value: &HeaderValue) -> Option<HeaderValue> {
    let hash: [u8; 32] = Sha256::digest(value.as_bytes()).into();
    let (half, _) = hash.split_first_chunk::<16>()?;
    HeaderValue::from_str(&format!("{:032x}", u128::from_be_bytes(*half))).ok()
}

fn moment(at: Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_microsecond()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(since)
}

fn parts(answer: &Answer) -> response::Parts {
    let mut parts = http::Response::new(()).into_parts().0;
    parts.status = http::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            parts.headers.append(name, value);
        }
    }
    parts
}
