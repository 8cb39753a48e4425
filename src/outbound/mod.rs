//! Every call to another server goes through here: one client, few rights.
//!
//! A script reaches only the hosts that its HOSTS name, by http or https, and never an address inside our own network
//! (`[sandbox] allow_private_addresses`): the address that was checked is the one that is connected to, redirects are
//! followed hop by hop under the same rules, and an answer costs bounded time and memory. Identical requests share
//! one flight. With a cassette it plays or records (`cassette`). Knows no script: who asks hands in its HOSTS and its
//! deadline.

mod address;
mod cassette;
mod datagrepper;
mod error;
mod flight;
mod hosts;
mod posting;
mod redact;
#[cfg(test)]
mod tests;

pub use cassette::{Cassette, CassetteError};
pub use datagrepper::{Datagrepper, DatagrepperError};
pub use error::OutboundError;
pub use posting::{Posted, Posting, PostingError};

use crate::config::Sandbox;
use address::{Checked, Lookup, SystemLookup, is_public};
use bytes::{Bytes, BytesMut};
use cassette::Tape;
use flight::{Flights, Route};
use futures_util::future::Either;
use hosts::HostList;
use reqwest::{
    Client, StatusCode, Url,
    header::{HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A chain of more redirects is a circle, or wants to be one.
const MAX_REDIRECTS: usize = 5;
/// Servers refuse longer ones.
const MAX_URL_BYTES: usize = 8 * 1024;

/// The client. Clones share connections and flights.
#[derive(Clone)]
pub struct Outbound {
    /// Where a cassette is played there is none, so that nothing can leave.
    client: Result<Client, OutboundError>,
    tape: Option<Arc<Tape>>,
    flights: Flights,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    allow_private: bool,
    response_bytes: usize,
    timeout: Duration,
}

/// One GET on behalf of a script.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    /// Added to what the URL has already.
    pub query: &'a [(String, String)],
    /// The script's HOSTS: `example.org`, `*.example.org`, `example.org:8080`.
    pub hosts: &'a [String],
    pub deadline: Instant,
}

/// What a server said, whatever its status: a 404 is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Bytes,
}

impl Outbound {
    pub fn new(sandbox: &Sandbox) -> Result<Self, OutboundError> {
        Self::with_lookup(sandbox, Arc::new(SystemLookup))
    }

    /// Plays a cassette and touches no network. Everything else that may refuse a request still does.
    pub fn replaying(sandbox: &Sandbox, cassette: Cassette) -> Self {
        let client = Err(OutboundError::Setup("a cassette is played instead".into()));
        Self::with_tape(sandbox, client, Tape::new(cassette, false))
    }

    /// Asks the network, and adds what it says to a cassette. The script gets what will be played, secrets and e-mail
    /// addresses taken out: what it makes of that is the same then. To record anew, begin with an empty cassette.
    pub fn recording(sandbox: &Sandbox, cassette: Cassette) -> Self {
        let client = client(&Limits::of(sandbox), Arc::new(SystemLookup));
        Self::with_tape(sandbox, client, Tape::new(cassette, true))
    }

    /// The cassette as it is now: with what was recorded, and what was used of it.
    pub fn cassette(&self) -> Option<Cassette> {
        self.tape.as_ref().map(|tape| tape.cassette())
    }

    /// URLs that were asked for and are not on the cassette, secrets taken out; the first 64 of them.
    pub fn refused(&self) -> Vec<String> {
        self.tape.as_ref().map(|tape| tape.refused()).unwrap_or_default()
    }

    fn with_tape(sandbox: &Sandbox, client: Result<Client, OutboundError>, tape: Tape) -> Self {
        let tape = Some(Arc::new(tape));
        Self { client, tape, flights: Flights::default(), limits: Limits::of(sandbox) }
    }

    fn with_lookup(sandbox: &Sandbox, lookup: Arc<dyn Lookup>) -> Result<Self, OutboundError> {
        let limits = Limits::of(sandbox);
        let client = Ok(client(&limits, lookup)?);
        Ok(Self { client, tape: None, flights: Flights::default(), limits })
    }

    /// Fetches. Gives up at the request's deadline or after `[sandbox] http_timeout`, whichever is first.
    pub async fn get(&self, request: &Get<'_>) -> Result<Answer, OutboundError> {
        let hosts = HostList::new(request.hosts);
        let url = address_of(request)?;
        self.check(&url, &hosts)?;
        let headers = headers_of(request.headers)?;
        match &self.tape {
            None => self.fetch(url, headers, hosts, request.deadline).await,
            Some(tape) if tape.records => {
                let answer = self.fetch(url.clone(), headers, hosts, request.deadline).await?;
                Ok(tape.record(&url, &answer))
            }
            Some(tape) => {
                let answer = tape.play(&url)?;
                self.fits(&url, answer.body.len())?;
                Ok(answer)
            }
        }
    }

    async fn fetch(
        &self,
        url: Url,
        headers: HeaderMap,
        hosts: HostList,
        deadline: Instant,
    ) -> Result<Answer, OutboundError> {
        let name = shown(&url);
        let journey = if headers.is_empty() {
            let route = Route { url: url.to_string(), hosts: hosts.to_string() };
            // The flight has the whole `http_timeout`: one passenger in a hurry must not end it for the others.
            Either::Left(self.flights.join(route, || self.clone().send(url, headers, hosts)))
        } else {
            // Its headers make the answer nobody else's.
            Either::Right(self.clone().send(url, headers, hosts))
        };
        match tokio::time::timeout_at(deadline, journey).await {
            Ok(landed) => landed,
            Err(_) => Err(OutboundError::TooSlow { url: name, limit: "the script's deadline" }),
        }
    }

    /// The one place where requests leave the house.
    async fn send(
        self,
        url: Url,
        headers: HeaderMap,
        hosts: HostList,
    ) -> Result<Answer, OutboundError> {
        let name = shown(&url);
        match tokio::time::timeout(self.limits.timeout, self.follow(url, headers, &hosts)).await {
            Ok(answer) => answer,
            Err(_) => Err(OutboundError::TooSlow { url: name, limit: "`[sandbox] http_timeout`" }),
        }
    }

    async fn follow(
        &self,
        mut url: Url,
        mut headers: HeaderMap,
        hosts: &HostList,
    ) -> Result<Answer, OutboundError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = client
                .get(url.clone())
                .headers(headers.clone())
                .send()
                .await
                .map_err(|e| OutboundError::from_client(&url, &e))?;
            let Some(next) = redirect(&url, &response)? else {
                return self.answer(&url, response).await;
            };
            self.check(&next, hosts).map_err(|e| e.behind_redirect(&url))?;
            if next.origin() != url.origin() {
                // They were meant for the first server only; a token must not travel on.
                headers.clear();
            }
            url = next;
        }
        Err(OutboundError::TooManyRedirects { url: shown(&url), limit: MAX_REDIRECTS })
    }

    /// Reads a body up to the limit: what `Content-Length` promises is no reason to trust it.
    async fn answer(
        &self,
        url: &Url,
        mut response: reqwest::Response,
    ) -> Result<Answer, OutboundError> {
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|e| OutboundError::from_client(url, &e))?
        {
            self.fits(url, body.len() + chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    fn fits(&self, url: &Url, bytes: usize) -> Result<(), OutboundError> {
        let limit = self.limits.response_bytes;
        if bytes > limit {
            return Err(OutboundError::TooLong { url: shown(url), limit });
        }
        Ok(())
    }

    /// What a URL shows by itself. Names are checked again when they are resolved.
    fn check(&self, url: &Url, hosts: &HostList) -> Result<(), OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Scheme { scheme: url.scheme().into(), url: shown(url) });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Credentials { url: shown(url) });
        }
        if !hosts.allow(url) {
            return Err(OutboundError::HostNotListed {
                host: hosts::entry_for(url),
                listed: hosts.to_string(),
            });
        }
        let literal = match url.host() {
            Some(url::Host::Ipv4(ip)) => Some(ip.into()),
            Some(url::Host::Ipv6(ip)) => Some(ip.into()),
            _ => None,
        };
        match literal {
            Some(address) if !self.limits.allow_private && !is_public(address) => {
                Err(OutboundError::PrivateAddress { host: address.to_string(), address })
            }
            _ => Ok(()),
        }
    }
}

impl Limits {
    fn of(sandbox: &Sandbox) -> Self {
        Self {
            allow_private: sandbox.allow_private_addresses,
            response_bytes: sandbox.max_response_bytes,
            timeout: sandbox.http_timeout,
        }
    }
}

fn client(limits: &Limits, lookup: Arc<dyn Lookup>) -> Result<Client, OutboundError> {
    Client::builder()
        .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        // A proxy would resolve names itself, and so reach what we refuse.
        .no_proxy()
        .referer(false)
        .connect_timeout(limits.timeout)
        .pool_idle_timeout(Duration::from_mins(1))
        .pool_max_idle_per_host(8)
        .dns_resolver(Checked { lookup, allow_private: limits.allow_private })
        .build()
        .map_err(|e| OutboundError::Setup(e.to_string()))
}

/// Where a redirect leads, or nothing when the response is the answer.
fn redirect(url: &Url, response: &reqwest::Response) -> Result<Option<Url>, OutboundError> {
    let moved = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = response.headers().get(LOCATION).filter(|_| moved) else {
        return Ok(None);
    };
    let next = location.to_str().ok().and_then(|to| url.join(to).ok());
    next.map(Some).ok_or_else(|| OutboundError::BadRedirect { url: shown(url) })
}

fn address_of(request: &Get<'_>) -> Result<Url, OutboundError> {
    let mut url = Url::parse(request.url).map_err(|why| OutboundError::NoUrl {
        given: request.url.split(['?', '#']).next().unwrap_or("").chars().take(200).collect(),
        why: why.to_string(),
    })?;
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(request.query);
    }
    url.set_fragment(None);
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(OutboundError::LongUrl { url: shown(&url), limit: MAX_URL_BYTES });
    }
    Ok(url)
}

fn headers_of(given: &[(String, String)]) -> Result<HeaderMap, OutboundError> {
    /// These belong to the connection; a script that set them could smuggle a second request.
    const OURS: [&str; 9] = [
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refused = |why| OutboundError::Header { name: name.chars().take(80).collect(), why };
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused("this is no header name"))?;
        if OURS.contains(&key.as_str()) || key.as_str().starts_with("proxy-") {
            return Err(refused("the client sets it itself"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| refused("its value has a line break or other control characters"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

/// A URL for people: without its query, which may hold a secret, and without credentials.
fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    // Both fail only for URLs that cannot have credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    let text = bare.to_string();
    match text.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
