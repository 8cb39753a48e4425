//! Questions that are posted, as JSON, because they are too long for a URL: those of GraphQL.

use super::{Answer, Get, Outbound, OutboundError, address_of, headers_of, hosts::HostList, shown};
use reqwest::{
    Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::time::Instant;

/// One POST that changes nothing where it arrives.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    /// JSON.
    pub body: &'a str,
    pub hosts: &'a [String],
    pub deadline: Instant,
}

impl Outbound {
    /// Posts, under the rules of [`Outbound::get`], but is not sent elsewhere by the answer. A cassette has it as the URL
    /// with its body in the query.
    pub async fn post(&self, request: &Post<'_>) -> Result<Answer, OutboundError> {
        let Post { url, headers, body, hosts, deadline } = *request;
        let listed = HostList::new(hosts);
        let url = address_of(&Get { url, headers, query: &[], hosts, deadline })?;
        self.check(&url, &listed)?;
        let headers = headers_of(headers)?;
        let mut on_tape = url.clone();
        on_tape.query_pairs_mut().append_pair("body", body);
        match &self.tape {
            None => self.posted(url, headers, body, deadline).await,
            Some(tape) if tape.records => {
                let answer = self.posted(url, headers, body, deadline).await?;
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

    async fn posted(
        &self,
        url: Url,
        mut headers: HeaderMap,
        body: &str,
        deadline: Instant,
    ) -> Result<Answer, OutboundError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let whole = async {
            let request = client.post(url.clone()).headers(headers).body(body.to_owned());
            let response =
                request.send().await.map_err(|error| OutboundError::from_client(&url, &error))?;
            self.answer(&url, response).await
        };
        let own = Instant::now() + self.limits.timeout;
        let limit =
            if deadline < own { "the script's deadline" } else { "`[sandbox] http_timeout`" };
        tokio::time::timeout_at(deadline.min(own), whole)
            .await
            .unwrap_or_else(|_| Err(OutboundError::TooSlow { url: shown(&url), limit }))
    }
}
