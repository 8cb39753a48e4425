//! What both servers' answers have in common.

use serde_json::Value;

/// Of what FAS says when it refuses, this much is repeated.
const MAX_SAID: usize = 400;

/// A reason in one line, without the secrets that it may repeat.
pub(super) fn said(reason: &str, secrets: &[&str]) -> String {
    let mut reason = reason.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        reason = reason.replace(secret, "***");
    }
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

/// The text of a field, unless it is empty.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value[field].as_str().map(str::trim).filter(|text| !text.is_empty())
}
