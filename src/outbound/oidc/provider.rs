//! The provider: what it says of itself, its keys, and asking it.

use super::error::OidcError;
use super::short;
use crate::outbound::body::{BodyError, bounded};
use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{HttpRequest, HttpResponse, ProviderMetadataWithLogout};
use reqwest::{Client, RequestBuilder, header, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
/// No answer of a provider is longer.
const ANSWER_BYTES: usize = 1 << 20;
/// What is known of a provider is asked for again after so long.
const KEPT: Duration = Duration::from_hours(1);
/// Of this name below the issuer is what a provider says of itself.
const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(super) struct Known {
    pub(super) metadata: ProviderMetadataWithLogout,
    pub(super) keys: CoreJsonWebKeySet,
    since: Instant,
}

impl Known {
    pub(super) fn is_old(&self) -> bool {
        self.since.elapsed() > KEPT
    }
}

/// Its own client: an operator names whom it asks, and nothing that it asks may be kept, repeated or sent on.
#[derive(Clone)]
pub(super) struct Asking(Client);

impl Asking {
    /// What began encrypted stays so.
    pub(super) fn new(issuer: &Url) -> Result<Self, OidcError> {
        let client = Client::builder()
            .user_agent(concat!("hubs/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .https_only(issuer.scheme() == "https")
            .timeout(TIMEOUT)
            .build();
        client.map(Self).map_err(|why| OidcError::Setup(why.to_string()))
    }

    /// What a provider says of itself, and its keys.
    pub(super) async fn learn(&self, issuer: &Url) -> Result<Known, OidcError> {
        let base = issuer.as_str().trim_end_matches('/');
        let host = issuer.host_str().unwrap_or_default();
        let strange = |why: String| OidcError::Strange { host: host.into(), why: short(&why) };
        let at = format!("{base}{DISCOVERY}");
        let metadata: ProviderMetadataWithLogout = self
            .read(self.0.get(&at), host)
            .await?
            .map_err(|why| strange(format!("{at}: {why}")))?;
        // Some write a slash at its end and some do not; from here on what it says itself counts.
        let found = metadata.issuer().as_str();
        if found.trim_end_matches('/') != base {
            return Err(OidcError::AnotherIssuer { issuer: base.into(), found: short(found) });
        }
        let goes_to = metadata.authorization_endpoint().url();
        if issuer.scheme() == "https" && goes_to.scheme() != "https" {
            return Err(strange(format!(
                "people would log in at {goes_to}, which is not encrypted"
            )));
        }
        let at = metadata.jwks_uri().as_str();
        let keys: CoreJsonWebKeySet = self
            .read(self.0.get(at), host)
            .await?
            .map_err(|why| strange(format!("{at}: {why}")))?;
        Ok(Known { metadata, keys, since: Instant::now() })
    }

    /// The claims about whoever an access token is for.
    pub(super) async fn userinfo(
        &self,
        at: &Url,
        token: &str,
    ) -> Result<Map<String, Value>, OidcError> {
        let host = at.host_str().unwrap_or_default();
        let request = self.0.get(at.clone()).bearer_auth(token);
        self.read(request, host).await?.map_err(|why| OidcError::Strange {
            host: host.into(),
            why: format!("what it tells of a person can't be read: {}", short(&why)),
        })
    }

    /// A request to the token endpoint. Some providers tell an error with 200.
    pub(super) async fn token(&self, request: HttpRequest) -> Result<HttpResponse, OidcError> {
        let (parts, body) = request.into_parts();
        let url: Url = parts
            .uri
            .to_string()
            .parse()
            .map_err(|_| OidcError::Setup("its token endpoint is no address".into()))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = self.0.request(parts.method, url).headers(parts.headers).body(body);
        let (status, kind, body) = self.ask(request, &host).await?;
        if status.is_server_error() {
            return Err(OidcError::Unreachable { host, why: format!("it answers {status}") });
        }
        let failed = serde_json::from_slice::<Map<String, Value>>(&body)
            .is_ok_and(|answer| answer.contains_key("error"));
        let status =
            if failed && status.is_success() { reqwest::StatusCode::BAD_REQUEST } else { status };
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        if let Some(kind) = kind {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        Ok(response)
    }

    /// An answer that must be JSON of a certain shape; or why it is not.
    async fn read<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        host: &str,
    ) -> Result<Result<T, String>, OidcError> {
        let request = request.header(header::ACCEPT, "application/json");
        let (status, _, body) = self.ask(request, host).await?;
        if status.is_server_error() {
            return Err(OidcError::Unreachable {
                host: host.into(),
                why: format!("it answers {status}"),
            });
        }
        if !status.is_success() {
            return Ok(Err(format!("it answers {status}")));
        }
        Ok(serde_json::from_slice(&body).map_err(|why| why.to_string()))
    }

    async fn ask(
        &self,
        request: RequestBuilder,
        host: &str,
    ) -> Result<(reqwest::StatusCode, Option<header::HeaderValue>, Vec<u8>), OidcError> {
        let unreachable = |error: &reqwest::Error| {
            let mut cause: &dyn std::error::Error = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            // Its outer layers would show the whole address.
            OidcError::Unreachable { host: host.into(), why: short(&cause.to_string()) }
        };
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
        let body = bounded(answer, ANSWER_BYTES).await.map_err(|error| match error {
            BodyError::Broken(error) => unreachable(&error),
            BodyError::TooLong(_) => {
                OidcError::Strange { host: host.into(), why: error.to_string() }
            }
        })?;
        Ok((status, kind, body))
    }
}
