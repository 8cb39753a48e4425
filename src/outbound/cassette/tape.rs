//! A cassette while requests are made: played instead of the network, or recorded beside it.

use super::{Answer, Cassette};
use crate::outbound::{OutboundError, redact};
use parking_lot::Mutex;
use reqwest::Url;

/// URLs that are kept of those that were refused: a script asks for few, and a test shows the first.
const REFUSED: usize = 64;

/// Of a URL this much is compared to find the nearest.
const COMPARED: usize = 512;

pub(in crate::outbound) struct Tape {
    pub(in crate::outbound) records: bool,
    cassette: Mutex<Cassette>,
    refused: Mutex<Vec<String>>,
}

impl Tape {
    pub(in crate::outbound) fn new(cassette: Cassette, records: bool) -> Self {
        Self { records, cassette: Mutex::new(cassette), refused: Mutex::default() }
    }

    pub(in crate::outbound) fn play(&self, url: &Url) -> Result<Answer, OutboundError> {
        let url = redact::url(url);
        let mut cassette = self.cassette.lock();
        if let Some(answer) = cassette.play(&url) {
            return Ok(answer);
        }
        let nearest = nearest(&url, cassette.urls());
        let mut refused = self.refused.lock();
        if refused.len() < REFUSED && !refused.contains(&url) {
            refused.push(url.clone());
        }
        Err(OutboundError::NotOnCassette { url, nearest })
    }

    /// The answer as it will be played, so that what a script makes of it is the same then.
    pub(in crate::outbound) fn record(&self, url: &Url, answer: &Answer) -> Answer {
        self.cassette.lock().keep(url, answer)
    }

    pub(in crate::outbound) fn cassette(&self) -> Cassette {
        self.cassette.lock().clone()
    }

    pub(in crate::outbound) fn refused(&self) -> Vec<String> {
        self.refused.lock().clone()
    }
}

/// The most similar URL, of the same host if there is one, or nothing where the cassette is empty.
fn nearest<'u>(wanted: &str, urls: impl Iterator<Item = &'u str>) -> Option<String> {
    let cut = |url: &'u str| &url[..url.floor_char_boundary(COMPARED)];
    let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(String::from));
    let (asked, at) = (&wanted[..wanted.floor_char_boundary(COMPARED)], host(wanted));
    let near = urls.map(|url| {
        let alike = strsim::normalized_levenshtein(asked, cut(url));
        (host(url) == at, alike, url)
    });
    let best = near.max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    best.map(|(_, _, url)| url.to_string())
}
