//! Reading what GitHub says: JSON, the way to the next page, and why not.

use super::{GithubError, limits::header};
use crate::outbound::Answer;
use serde_json::Value;

/// Of what GitHub says when it refuses, this much is repeated.
const MAX_SAID: usize = 400;
const MAX_ERRORS: usize = 3;

pub(super) fn json(answer: &Answer, what: &str, with_token: bool) -> Result<Value, GithubError> {
    let (what, status) = (what.to_owned(), answer.status);
    match status {
        202 => Err(GithubError::NotReady { what }),
        200..=299 => serde_json::from_slice(&answer.body).map_err(|error| GithubError::Nonsense {
            what,
            status,
            why: format!("it is no JSON: {error}"),
        }),
        401 if with_token => Err(GithubError::WrongToken(said(answer))),
        404 => Err(GithubError::NotThere { what }),
        _ => Err(GithubError::Refused { what, status, said: said(answer) }),
    }
}

/// `message`, and which field is wrong with what.
fn said(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let Some(message) = body["message"].as_str() else {
        return format!("it answers {} without a reason", answer.status);
    };
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = errors.iter().take(MAX_ERRORS).filter_map(|error| {
        let why = [&error["message"], &error["code"], error].into_iter().find_map(Value::as_str)?;
        let field = error["field"].as_str().map(|field| format!("`{field}` "));
        Some(format!("{}{why}", field.unwrap_or_default()))
    });
    let parts: Vec<String> = std::iter::once(message.to_owned()).chain(errors).collect();
    shortened(&parts.join(": "))
}

fn shortened(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAID).collect()
}

/// The address behind `rel="next"` in `Link`, as it stands there.
pub(super) fn next(answer: &Answer) -> Option<String> {
    let mut rest = header(answer, "link")?;
    loop {
        // Addresses may have commas in them: each begins behind a `<`.
        let (_, behind) = rest.split_once('<')?;
        let (address, behind) = behind.split_once('>')?;
        let end = behind.find(',').unwrap_or(behind.len());
        let is_next = behind[..end].split(';').any(|parameter| {
            matches!(parameter.trim().to_ascii_lowercase().as_str(), "rel=\"next\"" | "rel=next")
        });
        if is_next {
            return Some(address.into());
        }
        rest = &behind[end..];
    }
}

pub(super) fn is_rate_limited(value: &Value) -> bool {
    errors(value).iter().any(|error| error["type"] == "RATE_LIMITED")
}

/// What GraphQL complains of, with its kind and its place.
pub(super) fn graphql_errors(value: &Value) -> Option<String> {
    let said = errors(value).iter().take(MAX_ERRORS).map(|error| {
        let mut about = Vec::new();
        about.extend(error["type"].as_str().map(Into::into));
        let steps = error["path"].as_array().map(Vec::as_slice).unwrap_or_default();
        let steps: Vec<String> = steps
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), Into::into))
            .collect();
        if !steps.is_empty() {
            about.push(format!("at `{}`", steps.join(".")));
        }
        if let (Some(line), Some(column)) =
            (error["locations"][0]["line"].as_u64(), error["locations"][0]["column"].as_u64())
        {
            about.push(format!("line {line}, column {column}"));
        }
        let message = error["message"].as_str().unwrap_or("something is wrong");
        let about: String = about.join(", ");
        if about.is_empty() { message.to_owned() } else { format!("{message} ({about})") }
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| shortened(&said.join("; ")))
}

fn errors(value: &Value) -> &[Value] {
    value["errors"].as_array().map(Vec::as_slice).unwrap_or_default()
}
