//! Questions that are posted: those of GraphQL, which are too long for a URL, and those of FAS2, which has no others.

use super::{
    Answer, Get, Outbound, OutboundError, address_of, flight::Horizon, headers_of, hop::Hop,
    hosts::HostList, kindness::Deed, retry::Verdict, shown,
};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::Instant;

/// One POST that changes nothing where it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Body<'a>,
    pub hosts: &'a [String],
    pub deadline: Instant,
}

/// What is posted.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    Json(&'a str),
    /// What opens the door is sent along, and is on no cassette.
    Form {
        fields: &'a [(&'a str, &'a str)],
        secret: &'a [(&'a str, &'a str)],
    },
}

impl Body<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Form { .. } => "application/x-www-form-urlencoded",
        }
    }

    fn without_secrets(self) -> String {
        match self {
            Self::Json(text) => text.into(),
            Self::Form { fields, .. } => encoded(&[fields]),
        }
    }

    fn whole(self) -> String {
        match self {
            Self::Json(text) => text.into(),
            Self::Form { fields, secret } => encoded(&[fields, secret]),
        }
    }
}

fn encoded(parts: &[&[(&str, &str)]]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parts.iter().copied().flatten());
    form.finish()
}

impl Outbound {
    /// Posts, under the rules of [`Outbound::get`], but is not sent elsewhere by the answer. A cassette has it as the URL
    /// with its body in the query.
    pub async fn post(&self, request: &Post<'_>) -> Result<Answer, OutboundError> {
        let Post { url, headers, body, hosts, deadline } = *request;
        let listed = HostList::new(hosts);
        let url = address_of(&Get { url, headers, query: &[], hosts, deadline })?;
        let entry = self.check(&url, &listed)?;
        let hop = Hop { url: url.clone(), headers: headers_of(headers)?, entry };
        let mut on_tape = url.clone();
        on_tape.query_pairs_mut().append_pair("body", &body.without_secrets());
        match &self.tape {
            None => self.posted(hop, body, deadline).await,
            Some(tape) if tape.records => {
                let answer = self.posted(hop, body, deadline).await?;
                Ok(tape.record(&on_tape, &answer))
            }
            Some(tape) => {
                let answer = tape.play(&on_tape)?;
                self.fits(&url, answer.body.len())?;
                Ok(answer)
            }
        }
    }

    /// Whether a cassette stands for the network.
    pub fn is_replaying(&self) -> bool {
        self.tape.as_ref().is_some_and(|tape| !tape.records)
    }

    /// In its turn like any other request, but made once: what it asks for may be much work over there.
    async fn posted(
        &self,
        mut hop: Hop,
        body: Body<'_>,
        deadline: Instant,
    ) -> Result<Answer, OutboundError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        hop.headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.kind()));
        let left = deadline.saturating_duration_since(Instant::now());
        let horizon = Horizon::at(self.clock.elapsed() + left);
        let pass = self.gates.enter(&hop.host(), &horizon).await?;
        if pass.waited {
            self.tally.count(&hop.entry, Deed::Waited);
        }
        self.tally.count(&hop.entry, Deed::Request);
        let whole = async {
            let request = client.post(hop.url.clone()).headers(hop.headers).body(body.whole());
            let sent = request.send().await;
            let response = sent.map_err(|error| OutboundError::from_client(&hop.url, &error))?;
            self.read(&hop.url, response).await
        };
        let own = Instant::now() + self.limits.timeout;
        let limit =
            if deadline < own { "the script's deadline" } else { "`[sandbox] http_timeout`" };
        let outcome = tokio::time::timeout_at(deadline.min(own), whole)
            .await
            .unwrap_or_else(|_| Err(OutboundError::TooSlow { url: shown(&hop.url), limit }));
        pass.tell(&Verdict::of(&outcome, self.clock.wall()));
        outcome
    }
}
