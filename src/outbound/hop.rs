//! One request to one server: in its turn, again where that helps, and read no further than the limit.

use super::kindness::Deed;
use super::retry::{self, Verdict};
use super::{Answer, Outbound, OutboundError, flight::Horizon, flight::Route, shown};
use bytes::BytesMut;
use reqwest::{Client, StatusCode, Url, header::HeaderMap, header::LOCATION};
use sha2::{Digest, Sha256};

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
        let mut hash = Sha256::new();
        add(&mut hash, self.url.as_str().as_bytes());
        for (name, value) in &self.headers {
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
    fn host(&self) -> String {
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
    /// What a flight does.
    pub(super) async fn fly(self, hop: Hop, horizon: Horizon) -> Result<Answer, OutboundError> {
        self.ask(&hop, &hop.headers, &horizon).await
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
        match tokio::time::timeout(self.limits.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let limit = "`[sandbox] http_timeout`";
                Err(OutboundError::TooSlow { url: shown(url), limit })
            }
        }
    }

    /// Reads a body up to the limit: what `Content-Length` promises is no reason to trust it.
    async fn read(
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
