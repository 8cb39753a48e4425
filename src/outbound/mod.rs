//! Every call to another server goes through here: one client, few rights.
//!
//! A script reaches only the hosts that its HOSTS name, by http or https, and never an address inside our own network
//! (`[sandbox] allow_private_addresses`): the address that was checked is the one that is connected to, redirects are
//! followed hop by hop under the same rules, and an answer costs bounded time and memory. Identical requests share
//! one flight (`flight`), and answers are kept while they hold (`stored`). Each host is asked kindly: not too often (`gate`), again after a while (`retry`), not at all
//! while it fails (`breaker`); what was done is counted (`kindness`). With a cassette it plays or records (`cassette`).
//! Knows no script: who asks hands in its HOSTS and its deadline.

mod address;
mod body;
mod breaker;
mod cassette;
mod clock;
mod configured;
mod datagrepper;
mod error;
pub mod fas;
mod flight;
mod gate;
pub mod github;
mod hop;
mod hosts;
mod kindness;
#[cfg(feature = "kerberos")]
mod negotiate;
pub mod oidc;
mod post;
mod posting;
mod redact;
mod retry;
mod stored;
#[cfg(test)]
mod tests;

pub use cassette::{Cassette, CassetteError};
pub use configured::fetch_configured;
pub use datagrepper::{Datagrepper, DatagrepperError, Walk};
pub use error::OutboundError;
pub use fas::Fas;
pub use github::Github;
pub use kindness::{HostKindness, Kindness, LeftAlone};
#[cfg(feature = "kerberos")]
pub use negotiate::{NegotiateError, initiate};
pub use post::{Body, Post};
pub use posting::{Posted, Posting, PostingError};
pub(crate) use redact::json as redact_json;

use crate::cache::Answers;
use crate::config::{OutboundSettings, Sandbox};
use address::{Checked, Lookup, SystemLookup, is_public};
use bytes::Bytes;
use cassette::Tape;
use clock::Clock;
use flight::{Flights, Times};
use gate::Gates;
use hop::Hop;
use hosts::HostList;
use jiff::Timestamp;
use kindness::{Deed, Tally};
use reqwest::{
    Client, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A chain of more redirects is a circle, or wants to be one.
const MAX_REDIRECTS: usize = 5;
/// Servers refuse longer ones.
const MAX_URL_BYTES: usize = 8 * 1024;

/// The client. Clones share connections, flights and what is known of hosts.
#[derive(Clone)]
pub struct Outbound {
    /// Where a cassette is played there is none, so that nothing can leave.
    client: Result<Client, OutboundError>,
    tape: Option<Arc<Tape>>,
    flights: Flights,
    gates: Arc<Gates>,
    tally: Arc<Tally>,
    /// How the addresses of a server begin that is recorded, and how they begin on the cassette.
    filed: Option<Arc<(String, String)>>,
    /// Nothing is kept without one.
    answers: Option<Answers>,
    /// What was kept before is asked for again.
    since: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    tries: u32,
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

/// An answer as it came, and as it is handed on: where it is recorded, without what is on no cassette.
struct Fetched {
    #[cfg_attr(
        not(feature = "kerberos"),
        expect(dead_code, reason = "Kerberos proves itself there")
    )]
    whole: Answer,
    told: Answer,
}

impl Answer {
    /// The first header of a name, which is given in lower case.
    fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

impl Outbound {
    pub fn new(sandbox: &Sandbox) -> Result<Self, OutboundError> {
        Self::with_lookup(sandbox, Arc::new(SystemLookup))
    }

    /// With other settings than the default ones. Of what is known of hosts it begins anew.
    #[must_use]
    pub fn within(self, settings: &OutboundSettings) -> Self {
        let limits = Limits { tries: settings.tries, ..self.limits };
        let gates = Arc::new(Gates::new(settings.clone(), Arc::clone(&self.clock)));
        Self { gates, limits, ..self }
    }

    /// For what must not be sent twice.
    #[cfg(feature = "kerberos")]
    fn trying_once(&self) -> Self {
        Self { limits: Limits { tries: 1, ..self.limits }, ..self.clone() }
    }

    /// Keeps what may be kept of answers there, and gives it instead of asking, as RFC 9111 has it.
    #[must_use]
    pub fn keeping(self, answers: Answers) -> Self {
        Self { answers: Some(answers), ..self }
    }

    /// For who knows that something changed then: an answer from before is asked for again, were it fresh or not, and
    /// stands in for no other.
    #[must_use]
    pub fn since(&self, changed: Timestamp) -> Self {
        Self { since: Some(changed), ..self.clone() }
    }

    /// What was asked of each host, and what was spared it.
    pub fn kindness(&self) -> Kindness {
        Kindness::of(&self.tally, &self.gates)
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
        Self { tape: Some(Arc::new(tape)), ..Self::bare(Limits::of(sandbox), client) }
    }

    fn with_lookup(sandbox: &Sandbox, lookup: Arc<dyn Lookup>) -> Result<Self, OutboundError> {
        let limits = Limits::of(sandbox);
        let client = client(&limits, lookup)?;
        Ok(Self::bare(limits, Ok(client)))
    }

    fn bare(limits: Limits, client: Result<Client, OutboundError>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock::System(std::time::Instant::now()));
        Self {
            client,
            tape: None,
            filed: None,
            flights: Flights::default(),
            gates: Arc::new(Gates::new(OutboundSettings::default(), Arc::clone(&clock))),
            tally: Arc::default(),
            answers: None,
            since: None,
            clock,
            limits,
        }
    }

    /// Records a server under the address of another one, which stands for all of its kind.
    fn filing(&self, from: &str, to: &str) -> Self {
        Self { filed: Some(Arc::new((from.into(), to.into()))), ..self.clone() }
    }

    /// Fetches. Gives up at the request's deadline; each try after `[sandbox] http_timeout`. Of what is recorded on a
    /// cassette the last try is kept; what is played is neither tried again nor counted.
    pub async fn get(&self, request: &Get<'_>) -> Result<Answer, OutboundError> {
        self.fetched(request).await.map(|fetched| fetched.told)
    }

    async fn fetched(&self, request: &Get<'_>) -> Result<Fetched, OutboundError> {
        let hosts = HostList::new(request.hosts);
        let url = address_of(request)?;
        let entry = self.check(&url, &hosts)?;
        let headers = headers_of(request.headers)?;
        if let Some(tape) = self.tape.as_ref().filter(|tape| !tape.records) {
            let answer = tape.play(&url)?;
            self.fits(&url, answer.body.len())?;
            return Ok(Fetched { whole: answer.clone(), told: answer });
        }
        let hop = Hop { url: url.clone(), headers, entry };
        let journey = self.follow(hop, &hosts, request.deadline);
        let landed = tokio::time::timeout_at(request.deadline, journey).await;
        let whole = landed.unwrap_or_else(|_| {
            let limit = "the script's deadline";
            Err(OutboundError::TooSlow { url: shown(&url), limit })
        })?;
        let record = |tape: &Arc<Tape>| tape.record(&self.on_tape(url), &whole);
        Ok(Fetched { told: self.tape.as_ref().map_or_else(|| whole.clone(), record), whole })
    }

    fn on_tape(&self, url: Url) -> Url {
        let filed = self.filed.as_ref().and_then(|filed| {
            let rest = url.as_str().strip_prefix(&filed.0)?;
            Url::parse(&format!("{}{rest}", filed.1)).ok()
        });
        filed.unwrap_or(url)
    }

    async fn follow(
        &self,
        mut hop: Hop,
        hosts: &HostList,
        deadline: Instant,
    ) -> Result<Answer, OutboundError> {
        for _ in 0..=MAX_REDIRECTS {
            let until = self.clock.elapsed() + deadline.saturating_duration_since(Instant::now());
            let times = Times { now: self.clock.wall(), since: self.since, until };
            let (journey, joined) = self
                .flights
                .join(hop.route(), times, |horizon| self.clone().fly(hop.clone(), horizon));
            if joined {
                self.tally.count(&hop.entry, Deed::Shared);
            }
            let answer = journey.await?;
            let Some(next) = hop.redirect(&answer)? else { return Ok(answer) };
            let entry = self.check(&next, hosts).map_err(|e| e.behind_redirect(&hop.url))?;
            if next.origin() != hop.url.origin() {
                // They were meant for the first server only; a token must not travel on.
                hop.headers.clear();
            }
            hop = Hop { url: next, entry, ..hop };
        }
        Err(OutboundError::TooManyRedirects { url: shown(&hop.url), limit: MAX_REDIRECTS })
    }

    fn fits(&self, url: &Url, bytes: usize) -> Result<(), OutboundError> {
        let limit = self.limits.response_bytes;
        if bytes > limit {
            return Err(OutboundError::TooLong { url: shown(url), limit });
        }
        Ok(())
    }

    /// What a URL shows by itself; names are checked again when they are resolved. Gives the entry of HOSTS that
    /// allows it.
    fn check(&self, url: &Url, hosts: &HostList) -> Result<String, OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Scheme { scheme: url.scheme().into(), url: shown(url) });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Credentials { url: shown(url) });
        }
        let Some(entry) = hosts.allowing(url) else {
            return Err(OutboundError::HostNotListed {
                host: hosts::entry_for(url),
                listed: hosts.to_string(),
            });
        };
        let literal = match url.host() {
            Some(url::Host::Ipv4(ip)) => Some(ip.into()),
            Some(url::Host::Ipv6(ip)) => Some(ip.into()),
            _ => None,
        };
        match literal {
            Some(address) if !self.limits.allow_private && !is_public(address) => {
                Err(OutboundError::PrivateAddress { host: address.to_string(), address })
            }
            _ => Ok(entry),
        }
    }
}

impl Limits {
    fn of(sandbox: &Sandbox) -> Self {
        Self {
            tries: OutboundSettings::default().tries,
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
