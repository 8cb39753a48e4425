//! Talking to a running server: what `hubs replay`, `hubs why` and `hubs doctor` do. Its address comes from a person, not from a script.

use super::Kindness;
use super::body::{BodyError, bounded};
use reqwest::{Client, RequestBuilder, Url, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const KIND: &str = "application/x-ndjson";
/// A longer answer is no answer of ours.
const ANSWER_BYTES: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum PostingError {
    #[error("`{0}` is no address of a server: write `http://127.0.0.1:5000`")]
    NoAddress(String),
    #[error("{to} does not answer ({why}); is `hubs serve` running there?")]
    Unreachable { to: Url, why: String },
    #[error("{to} answers {status}: {said}")]
    Refused { to: Url, status: u16, said: String },
    #[error("{to} answers in a way that no `hubs serve` does")]
    NoHubs { to: Url },
}

/// A running server.
#[derive(Debug, Clone)]
pub struct Posting {
    client: Client,
    /// `/api/` of it.
    api: Url,
    token: Option<String>,
}

/// What became of the lines.
#[derive(Debug, Default, Deserialize)]
pub struct Posted {
    pub accepted: usize,
    #[serde(default)]
    pub refused: usize,
    #[serde(default)]
    pub errors: Vec<RefusedLine>,
}

#[derive(Debug, Deserialize)]
pub struct RefusedLine {
    /// Within what was sent, from 1.
    pub line: usize,
    pub error: String,
}

impl Posting {
    pub fn to(server: &str, token: Option<String>) -> Result<Self, PostingError> {
        let no_address = || PostingError::NoAddress(server.into());
        let api =
            Url::parse(server).and_then(|base| base.join("/api/")).map_err(|_| no_address())?;
        if !matches!(api.scheme(), "http" | "https") {
            return Err(no_address());
        }
        let client = Client::builder()
            .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| PostingError::Unreachable {
                to: api.clone(),
                why: error.to_string(),
            })?;
        Ok(Self { client, api, token })
    }

    /// Sends lines to `POST /api/messages`; returns when what they invalidate is on the server's disk.
    pub async fn post(&self, lines: Vec<u8>) -> Result<Posted, PostingError> {
        let to = self.address("messages", &[]);
        let request = self.client.post(to.clone()).header(header::CONTENT_TYPE, KIND).body(lines);
        self.answer(request, to).await
    }

    /// Asks `GET /api/why/ID`: what the server says of an instance, and of a message to it, as JSON.
    pub async fn why(&self, instance: &str, message: Option<&str>) -> Result<Value, PostingError> {
        let query: Vec<_> = message.iter().map(|message| ("message", *message)).collect();
        let to = self.address(&format!("why/{instance}"), &query);
        self.answer(self.client.get(to.clone()), to).await
    }

    /// Asks `GET /api/kindness`: how the server treats others.
    pub async fn kindness(&self) -> Result<Kindness, PostingError> {
        let to = self.address("kindness", &[]);
        self.answer(self.client.get(to.clone()), to).await
    }

    fn address(&self, below: &str, query: &[(&str, &str)]) -> Url {
        let mut to = self.api.clone();
        if let Ok(mut path) = to.path_segments_mut() {
            path.pop_if_empty().extend(below.split('/'));
        }
        if !query.is_empty() {
            to.query_pairs_mut().extend_pairs(query);
        }
        to
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        mut request: RequestBuilder,
        to: Url,
    ) -> Result<T, PostingError> {
        let unreachable = |error: reqwest::Error| {
            // The error's own text would name the address twice.
            let why = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string);
            PostingError::Unreachable { to: to.clone(), why }
        };
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = bounded(answer, ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::Broken(error) => unreachable(error),
            BodyError::TooLong(_) => PostingError::NoHubs { to: to.clone() },
        })?;
        let read = serde_json::from_slice::<T>(&body);
        match read {
            // What became of lines is told with 400 too, when none was a message.
            Ok(read) if status.is_success() || reason_in(&body).is_none() => Ok(read),
            _ if status.is_success() => Err(PostingError::NoHubs { to }),
            _ => Err(PostingError::Refused { to, status: status.as_u16(), said: reason(&body) }),
        }
    }
}

#[derive(Deserialize)]
struct Reason {
    error: String,
}

fn reason_in(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Reason>(body).ok().map(|Reason { error }| error)
}

fn reason(body: &[u8]) -> String {
    reason_in(body).unwrap_or_else(|| {
        String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect()
    })
}
