//! `POST /api/messages`: messages over HTTP, one a line, in any of the recording formats.

use super::Services;
use super::openapi::{LineJson, TakenJson};
use super::security;
use crate::bus::{Delivery, Line, Lines, Source};
use crate::config::Secret;
use crate::telemetry;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::json;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, oneshot};

const KIND: &str = "application/x-ndjson";
/// Lines that are refused by name in one answer; what is wrong with a thousand is seen in the first hundred.
const REFUSALS: usize = 100;
/// Messages of one request that may be on their way; further lines are read when one has arrived.
const UNDER_WAY: usize = 512;

/// Where messages go, and who may send them from elsewhere.
pub struct Ingest {
    sender: mpsc::Sender<Delivery>,
    token: Option<Secret>,
    trusts_machine: bool,
}

impl Ingest {
    /// `trusts_machine`: whether who is on this machine needs no token. Behind a proxy everybody seems to be.
    pub fn new(
        sender: mpsc::Sender<Delivery>,
        token: Option<Secret>,
        trusts_machine: bool,
    ) -> Self {
        Self { sender, token, trusts_machine }
    }

    /// The answer for whoever may not ask what concerns the whole server.
    pub(super) fn refuses(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<Response> {
        self.admits(peer, headers).err().map(IntoResponse::into_response)
    }

    /// Under the dev login, which is loopback only, anybody may from this machine; from elsewhere whoever has the token.
    fn admits(&self, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Refused> {
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        match (given.and_then(|value| value.strip_prefix(b"Bearer ")), &self.token) {
            (Some(given), Some(token)) if bool::from(given.ct_eq(token.reveal().as_bytes())) => {
                Ok(())
            }
            (Some(_), Some(_)) => Err(Refused::WrongToken),
            (Some(_), None) => Err(Refused::NoTokenHere),
            (None, _) if self.trusts_machine && security::is_local(peer.ip(), headers) => Ok(()),
            (None, _) => Err(Refused::NoToken),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(
        "from another machine or a proxy, and wherever people log in at a provider, send `Authorization: Bearer` with the token of [server] ingest_token"
    )]
    NoToken,
    #[error("that is not the token of [server] ingest_token")]
    WrongToken,
    #[error("this server takes no token: hubs.toml has no [server] ingest_token")]
    NoTokenHere,
    #[error("`Content-Type` is {0}, but must be {KIND}: one message a line, as JSON")]
    WrongKind(String),
    #[error("the server is stopping; send the lines again that were not counted as accepted")]
    Stopping,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::WrongToken | Self::NoTokenHere => StatusCode::UNAUTHORIZED,
            Self::WrongKind(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// `POST /api/messages`: `{"accepted", "refused", "errors": [{"line", "error"}]}`, once what was accepted is on disk.
/// 200, or 400 when no line was a message; 401 without the right token; 415 for another content type.
pub(super) async fn messages(
    State(services): State<Arc<Services>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let ingest = &services.ingest;
    if let Err(refused) = ingest.admits(peer, &headers).and_then(|()| is_ndjson(&headers)) {
        return refused.into_response();
    }
    let mut taking = Taking::new(ingest.sender.clone());
    let mut lines = Lines::default();
    let mut pieces = body.into_data_stream();
    let mut broke_off = None;
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => {
                for line in lines.push(&piece) {
                    if let Err(refused) = taking.take(line).await {
                        return refused.into_response();
                    }
                }
            }
            Err(error) => {
                broke_off = Some(format!("the request broke off: {error}"));
                break;
            }
        }
    }
    // Half a line is no message.
    if let Some(last) = lines.finish().filter(|_| broke_off.is_none())
        && let Err(refused) = taking.take(last).await
    {
        return refused.into_response();
    }
    taking.answer(broke_off).await.into_response()
}

fn is_ndjson(headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .map_or("missing".into(), |v| String::from_utf8_lossy(v.as_bytes()));
    let kind = given.split(';').next().unwrap_or("").trim();
    if kind.eq_ignore_ascii_case(KIND) {
        Ok(())
    } else {
        Err(Refused::WrongKind(given.into_owned()))
    }
}

/// One request's lines on their way.
struct Taking {
    sender: mpsc::Sender<Delivery>,
    under_way: VecDeque<oneshot::Receiver<()>>,
    accepted: usize,
    refused: usize,
    errors: Vec<LineJson>,
}

impl Taking {
    fn new(sender: mpsc::Sender<Delivery>) -> Self {
        Self { sender, under_way: VecDeque::new(), accepted: 0, refused: 0, errors: Vec::new() }
    }

    async fn take(&mut self, line: Line) -> Result<(), Refused> {
        match line.message {
            Ok(message) => {
                let (delivery, done) = Delivery::acknowledged(message, Source("http"));
                let delivery = delivery.again();
                self.sender.send(delivery).await.map_err(|_| Refused::Stopping)?;
                self.under_way.push_back(done);
                if self.under_way.len() >= UNDER_WAY {
                    self.settle_one().await?;
                }
            }
            Err(error) => {
                metrics::counter!(telemetry::MESSAGES_SKIPPED, "source" => "http", "reason" => "malformed").increment(1);
                self.refused += 1;
                if self.errors.len() < REFUSALS {
                    self.errors.push(LineJson { line: line.number, error: error.to_string() });
                }
            }
        }
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), Refused> {
        let Some(done) = self.under_way.pop_front() else { return Ok(()) };
        done.await.map_err(|_| Refused::Stopping)?;
        self.accepted += 1;
        Ok(())
    }

    async fn answer(mut self, broke_off: Option<String>) -> Result<Response, Refused> {
        while !self.under_way.is_empty() {
            self.settle_one().await?;
        }
        let Self { accepted, refused, errors, .. } = self;
        let status =
            if accepted == 0 && refused > 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let answer = TakenJson { accepted, refused, errors, error: broke_off };
        Ok((status, Json(answer)).into_response())
    }
}
