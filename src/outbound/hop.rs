//! One request to one server: in its turn, again where that helps, and read no further than the limit.

use super::kindness::Deed;
use super::retry::{self, Verdict};
use super::stored::{Asked, Stored};
use super::{
    Answer, Get, MAX_REDIRECTS, Outbound, OutboundError, address_of, flight::Horizon,
    flight::Route, headers_of, hosts::HostList, shown,
};
use bytes::BytesMut;
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderName, LOCATION, PRAGMA};
use reqwest::{Client, StatusCode, Url};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// A URL, and what is sent along. Checked already.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// The entry of HOSTS that allows it.
    pub(super) entry: String,
}

impl Hop {
    /// Its URL and its headers, hashed: a token in them gives a route of its own.
    pub(super) fn route(&self) -> Route {
        self.hash(|_| true)
    }

    /// As its route, but for what only says how the cache is to be used.
    fn key(&self) -> Route {
        self.hash(|name| !matches!(*name, CACHE_CONTROL | PRAGMA))
    }

    fn hash(&self, counts: impl Fn(&HeaderName) -> bool) -> Route {
        let mut hash = Sha256::new();
        add(&mut hash, self.url.as_str().as_bytes());
        for (name, value) in self.headers.iter().filter(|(name, _)| counts(name)) {
            add(&mut hash, name.as_str().as_bytes());
            add(&mut hash, value.as_bytes());
        }
        hash.finalize().into()
    }

    /// Where an answer leads on to, or nothing when it is the last.
    pub(super) fn redirect(&self, answer: &Answer) -> Result<Option<Url>, OutboundError> {
        let moved = StatusCode::from_u16(answer.status).is_ok_and(is_redirect);
        let Some(location) = answer.header(LOCATION.as_str()).filter(|_| moved) else {
            return Ok(None);
        };
        let next = self.url.join(location);
        next.map(Some).map_err(|_| OutboundError::BadRedirect { url: shown(&self.url) })
    }

    /// With its port, as connections have it.
    pub(super) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        let port = self.url.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}")
    }
}

/// Each part with its length, so that no two lists of parts add up to the same.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

/// Whether it says nothing of what was asked for, but that the server does not answer just now.
fn is_for_now(answer: &Answer) -> bool {
    let is_limited = answer.header("x-ratelimit-remaining") == Some("0")
        || answer.header("retry-after").is_some();
    answer.status >= 500 || answer.status == 429 || (answer.status == 403 && is_limited)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

impl Outbound {
    /// What a flight does: looks into the cache, and past it asks the server.
    pub(super) async fn fly(self, hop: Hop, horizon: Horizon) -> Result<Answer, OutboundError> {
        // What goes on a cassette comes from the server.
        let answers = self.answers.as_ref().filter(|_| self.tape.is_none());
        let (Some(answers), Some(asked)) = (answers, Asked::of(&hop)) else {
            return self.ask(&hop, &hop.headers, &horizon).await;
        };
        let (key, now) = (hop.key(), self.clock.wall());
        let kept = answers.get(&key).and_then(Stored::read).filter(|it| it.fits(&asked, now));
        let mut headers = hop.headers.clone();
        match &kept {
            Some(stored) if stored.is_fresh(&asked, now) && self.is_new(stored) => {
                self.tally.count(&hop.entry, Deed::FromCache);
                return Ok(stored.answer(now));
            }
            Some(stored) => stored.add_conditions(&mut headers),
            None => {}
        }
        let mut outcome = self.ask(&hop, &headers, &horizon).await;
        let now = self.clock.wall();
        if let Some(stored) = kept {
            let holds = outcome.as_ref().ok().filter(|said| said.status == 304);
            let failed =
                matches!(Verdict::of(&outcome, now), Verdict::Passing { .. } | Verdict::Ill { .. })
                    || matches!(
                        outcome,
                        Err(OutboundError::LeftAlone { .. } | OutboundError::TooOften { .. })
                    );
            if failed && self.is_new(&stored) && stored.stands_in(now) {
                tracing::debug!(host = hop.host(), "an old answer stands in for a failure");
                self.tally.count(&hop.entry, Deed::FromCache);
                return Ok(stored.answer(now));
            }
            if let Some(said) = holds {
                if let Some(stored) = stored.refreshed(&asked, said, now) {
                    self.tally.count(&hop.entry, Deed::Revalidated);
                    answers.keep(&key, &stored.write(), now);
                    return Ok(stored.answer(now));
                }
                // It speaks of another one than was asked for.
                answers.forget(&key);
                outcome = self.ask(&hop, &hop.headers, &horizon).await;
            }
        }
        if let Ok(answer) = &outcome {
            match Stored::new(&asked, answer, now) {
                Some(stored) => answers.keep(&key, &stored.write(), now),
                // What is there was not the last word; while the server fails it may be again.
                None if !is_for_now(answer) => answers.forget(&key),
                None => {}
            }
        }
        outcome
    }

    /// What is kept of such a request, be it no longer fresh: for who must not ask. Nothing from before `since`, nothing
    /// that is older than that, and nothing that its server wants to be asked about each time.
    pub fn kept(&self, request: &Get<'_>, oldest: Duration) -> Option<Answer> {
        let answers = self.answers.as_ref().filter(|_| self.tape.is_none())?;
        let hosts = HostList::new(request.hosts);
        let (mut url, mut headers) = (address_of(request).ok()?, headers_of(request.headers).ok()?);
        let now = self.clock.wall();
        for _ in 0..=MAX_REDIRECTS {
            let entry = self.check(&url, &hosts).ok()?;
            let hop = Hop { url: url.clone(), headers: headers.clone(), entry };
            let (asked, stored) = (Asked::of(&hop)?, answers.get(&hop.key())?);
            let stored = Stored::read(stored).filter(|it| it.fits(&asked, now))?;
            if !self.is_new(&stored) || !stored.is_kept_for(oldest, now) {
                return None;
            }
            let answer = stored.answer(now);
            let Some(next) = hop.redirect(&answer).ok()? else {
                self.tally.count(&hop.entry, Deed::FromCache);
                return Some(answer);
            };
            if next.origin() != url.origin() {
                headers.clear();
            }
            url = next;
        }
        None
    }

    fn is_new(&self, stored: &Stored) -> bool {
        self.since.is_none_or(|since| stored.at >= since)
    }

    /// Asks the server, with these headers in place of the hop's own.
    async fn ask(
        &self,
        hop: &Hop,
        headers: &HeaderMap,
        horizon: &Horizon,
    ) -> Result<Answer, OutboundError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let host = hop.host();
        let mut before = None;
        for tries in 1.. {
            let pass = match self.gates.enter(&host, horizon).await {
                Ok(pass) => pass,
                Err(refused) => {
                    if matches!(refused, OutboundError::LeftAlone { .. }) {
                        self.tally.count(&hop.entry, Deed::Refused);
                    }
                    // What the server itself said tells more.
                    return before.unwrap_or(Err(refused));
                }
            };
            if pass.waited {
                self.tally.count(&hop.entry, Deed::Waited);
            }
            if tries > 1 {
                self.tally.count(&hop.entry, Deed::Retried);
            }
            self.tally.count(&hop.entry, Deed::Request);
            let outcome = self.exchange(client, &hop.url, headers).await;
            let verdict = Verdict::of(&outcome, self.clock.wall());
            let may_again = pass.tell(&verdict);
            let Verdict::Passing { why, after } = verdict else { return outcome };
            let wait = retry::wait(tries, after, self.clock.chance());
            let in_time = wait < horizon.left(self.clock.elapsed());
            if tries >= self.limits.tries || !may_again || !in_time {
                return outcome;
            }
            tracing::debug!(host, why, ?wait, "a request is made again");
            before = Some(outcome);
            self.clock.pause(wait).await;
        }
        before.unwrap_or(Err(OutboundError::Setup("no request is made".into())))
    }

    /// The one place where requests leave the house.
    async fn exchange(
        &self,
        client: &Client,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Answer, OutboundError> {
        let exchange = async {
            let request = client.get(url.clone()).headers(headers.clone()).send();
            let response = request.await.map_err(|e| OutboundError::from_client(url, &e))?;
            self.read(url, response).await
        };
        let outcome = tokio::time::timeout(self.limits.timeout, exchange).await;
        outcome.unwrap_or_else(|_| {
            let limit = "`[sandbox] http_timeout`";
            Err(OutboundError::TooSlow { url: shown(url), limit })
        })
    }

    /// Reads a body up to the limit: what `Content-Length` promises is no reason to trust it.
    pub(super) async fn read(
        &self,
        url: &Url,
        mut response: reqwest::Response,
    ) -> Result<Answer, OutboundError> {
        let status = response.status();
        let leads_on = is_redirect(status) && response.headers().contains_key(LOCATION);
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = BytesMut::new();
        // Nobody reads what stands beside a redirect.
        while !leads_on
            && let Some(chunk) =
                response.chunk().await.map_err(|e| OutboundError::from_client(url, &e))?
        {
            self.fits(url, body.len() + chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: status.as_u16(), headers, body: body.freeze() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_any_part_takes_another_route() {
        let hop = |url: &str, headers: &[(&'static str, &str)]| {
            let pairs = headers.iter().map(|(name, value)| {
                (name.parse().unwrap(), value.parse::<reqwest::header::HeaderValue>().unwrap())
            });
            let headers = pairs.collect();
            Hop { url: url.parse().unwrap(), headers, entry: String::new() }.route()
        };
        let all = [
            hop("https://a.b/", &[]),
            hop("https://a.b/?x", &[]),
            hop("https://a.b/", &[("authorization", "one")]),
            hop("https://a.b/", &[("authorization", "two")]),
            hop("https://a.b/", &[("accept", "one")]),
            hop("https://a.b/", &[("accept", "one"), ("x", "y")]),
            hop("https://a.b/", &[("accept", "onexy")]),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[..n].contains(one), "{n}");
        }
        assert_eq!(hop("https://a.b", &[]), all[0]);
    }
}
