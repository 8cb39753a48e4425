//! `POST /hooks/github`: what happens at GitHub, the moment that it happens, as a message like any other.
//!
//! A delivery must be signed with `[github] webhook_secret`, over the bytes as they came; nothing else in it is believed
//! before. Each is taken once, and answered when what it invalidates is on disk.

mod delivery;
mod seen;
mod signature;

#[cfg(test)]
mod tests;

use super::Services;
use crate::bus::{Delivery, Source};
use crate::config::Secret;
use crate::telemetry;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use delivery::Head;
use futures_util::StreamExt;
use jiff::Timestamp;
use seen::Seen;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// GitHub sends up to 25 MB, but what is longer than this would be no message even without its addresses.
const MAX_BODY_BYTES: usize = 4 << 20;
/// What sending a body may take; GitHub itself gives up after ten seconds.
const READING: Duration = Duration::from_secs(10);
/// What the disk may take; GitHub should hear why before it gives up.
const KEEPING: Duration = Duration::from_secs(9);

/// Where webhooks go, and what proves that they are GitHub's.
pub struct Webhooks {
    sender: mpsc::Sender<Delivery>,
    secret: Option<Secret>,
    /// The third word of the topics.
    environment: String,
    seen: Seen,
    clock: fn() -> Timestamp,
}

impl Webhooks {
    pub fn new(
        sender: mpsc::Sender<Delivery>,
        secret: Option<Secret>,
        environment: String,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self { sender, secret, environment, seen: Seen::default(), clock }
    }

    async fn take(&self, headers: &HeaderMap, body: Body) -> Result<Taken, Refused> {
        let secret = self.secret.as_ref().ok_or(Refused::NoSecretHere)?;
        let signature = signature::given(headers)?;
        let head = Head::of(headers)?;
        let body = read(body).await?;
        if !signature::fits(secret.reveal().as_bytes(), &body, &signature) {
            return Err(Refused::WrongSignature);
        }
        let message = head.message(&body, &self.environment, (self.clock)())?;
        // Feeds and widgets show messages to everybody.
        if message.body["repository"]["private"] == true {
            return Ok(Taken::Private);
        }
        let topic = message.topic.to_string();
        if !self.seen.is_new(&head.delivery) {
            return Ok(Taken::Before { delivery: head.delivery });
        }
        let taken = Taken::Now { topic, id: message.id.clone() };
        let (delivery, done) = Delivery::acknowledged(message, Source("github"));
        let on_its_way = async {
            self.sender.send(delivery).await.map_err(|_| Refused::Stopping)?;
            done.await.map_err(|_| Refused::Stopping)
        };
        let kept = tokio::time::timeout(KEEPING, on_its_way).await;
        let kept = kept.unwrap_or(Err(Refused::DiskIsSlow));
        if kept.is_err() {
            // Sent again, it is taken: that does no harm if it got here after all.
            self.seen.forget(&head.delivery);
        }
        kept.map(|()| taken)
    }
}

/// `POST /hooks/github`: 202 once the message is on disk, or was before, or is left out since its repository is private; 401 without the right signature; 400 for what is
/// no delivery; 413 for one that is too long; 503 when it could not be kept. Each with its reason, as JSON.
pub(super) async fn github(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match services.webhooks.take(&headers, body).await {
        Ok(taken) => taken.into_response(),
        Err(refused) => {
            let (source, reason) = ("github", refused.reason());
            metrics::counter!(telemetry::MESSAGES_SKIPPED, "source" => source, "reason" => reason)
                .increment(1);
            tracing::debug!(%refused, "a webhook of GitHub was not taken");
            refused.into_response()
        }
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Refused> {
    let reading = async {
        let mut bytes = Vec::new();
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Refused::BrokeOff)?;
            if bytes.len() + piece.len() > MAX_BODY_BYTES {
                return Err(Refused::TooLong);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    tokio::time::timeout(READING, reading).await.unwrap_or(Err(Refused::BrokeOff))
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Now { topic: String, id: String },
    Before { delivery: String },
    Private,
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let answer = match self {
            Self::Now { topic, id } => json!({ "accepted": true, "topic": topic, "id": id }),
            Self::Before { delivery } => {
                let reason = format!("delivery `{delivery}` was taken before");
                json!({ "accepted": false, "reason": reason })
            }
            Self::Private => {
                let reason = "the repository is private, and the pages of hubs are for everybody";
                json!({ "accepted": false, "reason": reason })
            }
        };
        (StatusCode::ACCEPTED, Json(answer)).into_response()
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("this server takes no webhooks of GitHub: hubs.toml has no [github] webhook_secret")]
    NoSecretHere,
    #[error(
        "there is no `X-Hub-Signature-256`: give the webhook the secret of [github] webhook_secret"
    )]
    NoSignature,
    #[error("`X-Hub-Signature-256` is no signature: it is `sha256=` and 64 hexadecimal digits")]
    NoSignatureAtAll,
    #[error(
        "the signature is not made of this body and the secret of [github] webhook_secret; is the webhook's secret another?"
    )]
    WrongSignature,
    #[error("`{header}` {what}")]
    Header { header: &'static str, what: String },
    #[error("the payload is no JSON object: {0}")]
    NoPayload(String),
    #[error(
        "the delivery is too long: {MAX_BODY_BYTES} bytes are the limit, and 1048576 without addresses"
    )]
    TooLong,
    #[error("the request broke off, or took too long")]
    BrokeOff,
    #[error("the server is stopping; deliver it again")]
    Stopping,
    #[error("the message is not on disk yet; deliver it again")]
    DiskIsSlow,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSecretHere
            | Self::NoSignature
            | Self::NoSignatureAtAll
            | Self::WrongSignature => StatusCode::UNAUTHORIZED,
            Self::Header { .. } | Self::NoPayload(_) | Self::BrokeOff => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Stopping | Self::DiskIsSlow => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// For counters.
    fn reason(&self) -> &'static str {
        match self {
            Self::NoSecretHere => "no secret",
            Self::NoSignature | Self::NoSignatureAtAll | Self::WrongSignature => "forged",
            Self::TooLong => "too long",
            Self::Stopping | Self::DiskIsSlow => "not kept",
            Self::Header { .. } | Self::NoPayload(_) | Self::BrokeOff => "malformed",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}
