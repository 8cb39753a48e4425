//! How a cassette is written: JSON that people read and change by hand.

use super::{Exchange, Recorded};
use crate::outbound::redact;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) exchanges: Vec<Written>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    request: Request,
    response: Response,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "AnyRequest")]
struct Request {
    method: String,
    /// With its query.
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with `method` and `url`")]
struct AnyRequest {
    method: String,
    url: String,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "AnyResponse")]
struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(flatten)]
    body: Body,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Json(Value),
    Text(String),
    Base64(String),
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map with `status`, `headers`, and `json`, `text` or `base64`"
)]
struct AnyResponse {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// `null` is a body as well.
    #[serde(default, deserialize_with = "present")]
    json: Option<Value>,
    text: Option<String>,
    base64: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl TryFrom<AnyRequest> for Request {
    type Error = String;

    fn try_from(any: AnyRequest) -> Result<Self, String> {
        if any.method != "GET" {
            return Err(format!("the method `{}` is not played: only `GET` is", any.method));
        }
        let url = Url::parse(&any.url).map_err(|why| format!("`{}` is no URL ({why})", any.url))?;
        Ok(Self { method: any.method, url: redact::url(&url) })
    }
}

impl TryFrom<AnyResponse> for Response {
    type Error = String;

    fn try_from(any: AnyResponse) -> Result<Self, String> {
        if !(100..600).contains(&any.status) {
            return Err(format!("{} is no status: it is 100 to 599", any.status));
        }
        let body = match (any.json, any.text, any.base64) {
            (Some(json), None, None) => Body::Json(json),
            (None, Some(text), None) => Body::Text(text),
            (None, None, Some(text)) if BASE64_STANDARD.decode(&text).is_ok() => Body::Base64(text),
            (None, None, Some(_)) => return Err("`base64` is no base64".into()),
            _ => return Err("a response has one body: `json`, `text` or `base64`".into()),
        };
        let headers = any.headers.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect();
        Ok(Self { status: any.status, headers, body })
    }
}

impl From<Written> for Exchange {
    fn from(Written { request, response }: Written) -> Self {
        let body = match response.body {
            Body::Json(json) => json.to_string().into_bytes(),
            Body::Text(text) => text.into_bytes(),
            Body::Base64(text) => BASE64_STANDARD.decode(&text).unwrap_or_default(),
        };
        let recorded =
            Recorded { status: response.status, headers: response.headers, body: body.into() };
        Self { url: request.url, recorded, used: false }
    }
}

impl From<&Exchange> for Written {
    fn from(exchange: &Exchange) -> Self {
        let Recorded { status, headers, body } = &exchange.recorded;
        let body = match (json(body), std::str::from_utf8(body)) {
            (Some(json), _) => Body::Json(json),
            (None, Ok(text)) => Body::Text(text.into()),
            (None, Err(_)) => Body::Base64(BASE64_STANDARD.encode(body)),
        };
        Self {
            request: Request { method: "GET".into(), url: exchange.url.clone() },
            response: Response { status: *status, headers: headers.clone(), body },
        }
    }
}

/// A body that is an object or a list; anything less is a text.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(body).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}
