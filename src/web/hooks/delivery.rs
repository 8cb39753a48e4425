//! From a delivery of GitHub to a message, in the shape that fedmsg gave them: the payload without the addresses that only
//! programs follow, and with `fas_usernames`.

use super::Refused;
use crate::message::{MAX_LINE_BYTES, Message, parse_line};
use axum::http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Longer ones GitHub does not send.
const MAX_WORD_BYTES: usize = 64;

/// Addresses that people follow, or that show something. All other `…_url` are for programs, and half of a payload.
const KEPT_URLS: [&str; 4] = ["html_url", "target_url", "browser_download_url", "avatar_url"];

/// What a delivery's headers say.
pub(super) struct Head {
    pub(super) delivery: String,
    event: String,
    is_form: bool,
}

impl Head {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let event = word(headers, "X-GitHub-Event", |byte| byte == b'_')?;
        let delivery = word(headers, "X-GitHub-Delivery", |byte| byte == b'-')?;
        Ok(Self { delivery, event, is_form: is_form(headers)? })
    }

    /// The body, once its signature was found right.
    pub(super) fn message(
        &self,
        body: &[u8],
        environment: &str,
        now: Timestamp,
    ) -> Result<Message, Refused> {
        let mut payload = self.payload(body)?;
        // GitHub's own word for a new webhook; on the bus that is `webhook`.
        let event = if self.event == "ping" {
            // With it comes where the webhook leads to, which is nobody's business.
            payload.remove("hook");
            "webhook"
        } else {
            &self.event
        };
        let mut topic = format!("org.fedoraproject.{environment}.github.{event}");
        // Of a `repository_dispatch` it is whatever somebody chose: what is no word stays in the payload only.
        let is_action = |action: &&str| is_word(action, |byte| b"_-".contains(&byte));
        if let Some(action) = payload.get("action").and_then(Value::as_str).filter(is_action) {
            topic.push('.');
            topic.push_str(action);
        }
        prune(&mut payload);
        // Who has which account here is not known to GitHub.
        payload.insert("fas_usernames".into(), json!({}));
        let year = TimeZone::UTC.to_datetime(now).year();
        let line = json!({
            "topic": topic,
            "msg": payload,
            "msg_id": format!("{year}-{}", self.delivery),
            "timestamp": now.as_second(),
        });
        let line = line.to_string();
        if line.len() > MAX_LINE_BYTES {
            return Err(Refused::TooLong);
        }
        parse_line(line.as_bytes()).map_err(|error| Refused::NoPayload(error.to_string()))
    }

    fn payload(&self, body: &[u8]) -> Result<Map<String, Value>, Refused> {
        let json = if self.is_form {
            let found = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
            let (_, payload) =
                found.ok_or_else(|| Refused::NoPayload("the form has no `payload`".into()))?;
            Cow::Owned(payload.into_owned().into_bytes())
        } else {
            Cow::Borrowed(body)
        };
        match serde_json::from_slice(&json) {
            Ok(Value::Object(payload)) => Ok(payload),
            Ok(_) => Err(Refused::NoPayload("it is another kind of JSON".into())),
            Err(error) => Err(Refused::NoPayload(error.to_string())),
        }
    }
}

fn prune(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !name.ends_with("_url") || KEPT_URLS.contains(&name.as_str()));
    for value in fields.values_mut() {
        prune_below(value);
    }
}

fn prune_below(value: &mut Value) {
    match value {
        Value::Object(fields) => prune(fields),
        Value::Array(items) => items.iter_mut().for_each(prune_below),
        _ => {}
    }
}

fn word(
    headers: &HeaderMap,
    header: &'static str,
    also: fn(u8) -> bool,
) -> Result<String, Refused> {
    let wrong = |what: &str| Refused::Header { header, what: what.into() };
    let value = headers.get(header).ok_or_else(|| wrong("is missing: GitHub sends one"))?;
    let text = value.to_str().ok().filter(|text| is_word(text, also));
    text.map(Into::into).ok_or_else(|| wrong("is nothing that GitHub sends"))
}

fn is_word(text: &str, also: fn(u8) -> bool) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || also(byte);
    !text.is_empty() && text.len() <= MAX_WORD_BYTES && text.bytes().all(fits)
}

fn is_form(headers: &HeaderMap) -> Result<bool, Refused> {
    let given = headers.get(header::CONTENT_TYPE).map_or(&b"missing"[..], HeaderValue::as_bytes);
    let given = String::from_utf8_lossy(given);
    match given.split(';').next().unwrap_or_default().trim().to_lowercase().as_str() {
        "application/json" => Ok(false),
        "application/x-www-form-urlencoded" => Ok(true),
        _ => {
            let given: String = given.chars().take(80).collect();
            let what = format!("is {given}, but must be application/json");
            Err(Refused::Header { header: "Content-Type", what })
        }
    }
}
