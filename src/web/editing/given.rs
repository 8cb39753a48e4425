//! What an edit was asked with: a form of a page, or JSON of a program.

use super::super::Services;
use super::super::errors::{PageError, wants_page};
use crate::hub::Config;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;

/// All fields together, each of which has a limit of its own.
const BYTES: usize = 512 << 10;

/// A body, before it is known whether its sender may send any.
pub(in super::super) struct Sent {
    pub(super) headers: HeaderMap,
    fields: Result<Fields, PageError>,
}

impl Sent {
    /// What it has; or what is wrong with it.
    pub(super) fn given(self) -> Result<Given, Response> {
        match self.fields {
            Ok(fields) => Ok(Given { headers: self.headers, fields }),
            Err(error) => Err(error.answer(&self.headers)),
        }
    }
}

/// Fields by name.
#[derive(Debug)]
pub(super) struct Given {
    headers: HeaderMap,
    fields: Fields,
}

#[derive(Debug)]
enum Fields {
    Form(Vec<(String, String)>),
    Json(Config),
}

impl Given {
    /// For a browser: what follows is a page, not JSON.
    pub(super) fn is_for_page(&self) -> bool {
        wants_page(&self.headers)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn is_form(&self) -> bool {
        matches!(self.fields, Fields::Form(_))
    }

    pub(super) fn value(&self, name: &str) -> Option<Value> {
        match &self.fields {
            Fields::Form(pairs) => {
                pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone().into())
            }
            Fields::Json(map) => map.get(name).cloned(),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// The version that its sender has seen. Who says none has seen the last: theirs counts.
    pub(super) fn seen(&self) -> u64 {
        self.text("version").and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX)
    }

    /// The fields whose names begin so, without that, as a form has them.
    pub(super) fn below(&self, prefix: &str) -> Vec<(String, String)> {
        let Fields::Form(pairs) = &self.fields else { return Vec::new() };
        let below = pairs.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
        });
        below.collect()
    }
}

impl FromRequest<Arc<Services>> for Sent {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Arc<Services>) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        let headers = parts.headers;
        let fields = match to_bytes(body, BYTES).await {
            Ok(body) => read(&headers, &body),
            Err(_) => Err(PageError::TooLarge(BYTES)),
        };
        Ok(Self { headers, fields })
    }
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Fields, PageError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("missing").split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(Fields::Form(url::form_urlencoded::parse(body).into_owned().collect()));
    }
    if kind.eq_ignore_ascii_case("application/json") {
        let map = serde_json::from_slice(body);
        return map.map(Fields::Json).map_err(|error| PageError::BadJson(error.to_string()));
    }
    Err(PageError::BadKind(kind.chars().take(80).collect()))
}
