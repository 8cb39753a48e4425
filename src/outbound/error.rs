//! Why a request was not made, or got no answer. A script's author reads these, and so may a page's visitor.

use super::{address::RefusedAddress, shown};
use jiff::Timestamp;
use reqwest::Url;
use std::{error::Error, net::IpAddr, time::Duration};

/// No message shows a query string, since it may hold a secret; but that of a cassette, which holds none any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("`{given}` is no URL ({why}): write it whole, as in `https://example.org/path`")]
    NoUrl { given: String, why: String },
    #[error("`{url}` is longer than {limit} bytes with its query: no server takes that")]
    LongUrl { url: String, limit: usize },
    #[error("`{url}` has the scheme `{scheme}`: only http and https are fetched")]
    Scheme { url: String, scheme: String },
    #[error("the URL of `{url}` has a user name or password in it: send a header instead")]
    Credentials { url: String },
    #[error("`{host}` is not in the script's HOSTS ({listed}): add \"{host}\" to them")]
    HostNotListed { host: String, listed: String },
    #[error("`{from}` redirects on, and there it ends: {reason}{}", way_round(reason))]
    Redirected { from: String, reason: Box<OutboundError> },
    #[error("`{url}` redirects to what is no URL")]
    BadRedirect { url: String },
    #[error("`{url}` is still a redirect after {limit} others")]
    TooManyRedirects { url: String, limit: usize },
    #[error(
        "`{host}` is at {address}, which is not on the public internet: scripts reach such addresses only with \
         `[sandbox] allow_private_addresses = true` in hubs.toml"
    )]
    PrivateAddress { host: String, address: IpAddr },
    #[error("header `{name}` can't be sent: {why}")]
    Header { name: String, why: &'static str },
    #[error("`{host}` is not reachable: {why}")]
    Unreachable { host: String, why: String },
    #[error(
        "`{host}` failed {failures} times in a row and is left alone since {}; the next try is at {} (`[outbound] \
         breaker_failures`, `breaker_pause`). What it failed with: {why}",
        second(.since), second(.next)
    )]
    LeftAlone { host: String, failures: u32, since: Timestamp, next: Timestamp, why: String },
    #[error(
        "`{host}` is asked as often as it may be, {limit} times a minute (`[outbound] requests_per_minute`): the next \
         turn is in {:.1} s, and the script's deadline is before", .wait.as_secs_f64()
    )]
    TooOften { host: String, limit: u32, wait: Duration },
    #[error("`{url}` did not answer in time: {limit} is over")]
    TooSlow { url: String, limit: &'static str },
    #[error("`{url}` answers with more than {limit} bytes (`[sandbox] max_response_bytes`)")]
    TooLong { url: String, limit: usize },
    #[error("the answer of `{url}` broke off or makes no sense: {why}")]
    Broken { url: String, why: String },
    #[error("`{url}` is not on the cassette{}: `--record` writes it", nearest_is(.nearest.as_deref()))]
    NotOnCassette { url: String, nearest: Option<String> },
    #[error("the HTTP client does not start: {0}")]
    Setup(String),
}

fn way_round(reason: &OutboundError) -> &'static str {
    match reason {
        OutboundError::HostNotListed { .. } => ", or give the address that it leads to",
        _ => "",
    }
}

fn nearest_is(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |url| format!(" (the nearest there is `{url}`)"))
}

fn second(at: &Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%dT%H:%M:%SZ")
}

impl OutboundError {
    pub(super) fn behind_redirect(self, from: &Url) -> Self {
        Self::Redirected { from: shown(from), reason: Box::new(self) }
    }

    /// The client's error in our words. Its own text would show the whole URL.
    pub(super) fn from_client(url: &Url, error: &reqwest::Error) -> Self {
        let host = url.host_str().unwrap_or_default();
        let refused = chain(error).find_map(|e| e.downcast_ref::<RefusedAddress>());
        if let Some(&RefusedAddress(address)) = refused {
            return Self::PrivateAddress { host: host.into(), address };
        }
        // The outermost layers only say "error sending request"; the innermost names the cause.
        let why = chain(error).last().map_or_else(String::new, ToString::to_string);
        if error.is_timeout() {
            Self::TooSlow { url: shown(url), limit: "`[sandbox] http_timeout`" }
        } else if error.is_connect() {
            Self::Unreachable { host: host.into(), why }
        } else {
            Self::Broken { url: shown(url), why }
        }
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&e| e.source())
}
