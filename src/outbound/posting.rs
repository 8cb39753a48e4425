//! Sending messages to a running server: what `hubs replay` does. Its address comes from a person, not from a script.

use reqwest::{Client, Url, header};
use serde::Deserialize;

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

/// Where recordings are sent to: `POST /api/messages` of a server.
#[derive(Debug, Clone)]
pub struct Posting {
    client: Client,
    to: Url,
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
        let to = Url::parse(server)
            .and_then(|base| base.join("/api/messages"))
            .map_err(|_| no_address())?;
        if !matches!(to.scheme(), "http" | "https") {
            return Err(no_address());
        }
        let client = Client::builder()
            .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| PostingError::Unreachable {
                to: to.clone(),
                why: error.to_string(),
            })?;
        Ok(Self { client, to, token })
    }

    /// Sends lines; returns when what they invalidate is on the server's disk.
    pub async fn post(&self, lines: Vec<u8>) -> Result<Posted, PostingError> {
        let unreachable = |error: reqwest::Error| {
            // The error's own text would name the address twice.
            let why = std::error::Error::source(&error)
                .map_or_else(|| error.to_string(), ToString::to_string);
            PostingError::Unreachable { to: self.to.clone(), why }
        };
        let mut request =
            self.client.post(self.to.clone()).header(header::CONTENT_TYPE, KIND).body(lines);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + piece.len() > ANSWER_BYTES {
                return Err(PostingError::NoHubs { to: self.to.clone() });
            }
            body.extend_from_slice(&piece);
        }
        if let Ok(posted) = serde_json::from_slice::<Posted>(&body) {
            return Ok(posted);
        }
        if status.is_success() {
            return Err(PostingError::NoHubs { to: self.to.clone() });
        }
        Err(PostingError::Refused {
            to: self.to.clone(),
            status: status.as_u16(),
            said: reason(&body),
        })
    }
}

#[derive(Deserialize)]
struct Reason {
    error: String,
}

fn reason(body: &[u8]) -> String {
    match serde_json::from_slice::<Reason>(body) {
        Ok(Reason { error }) => error,
        Err(_) => {
            String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect()
        }
    }
}
