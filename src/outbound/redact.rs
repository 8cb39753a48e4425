//! Takes out of an exchange, or of a message, what must not lie in a repository: secrets, and addresses of people.
//!
//! Works on what it has worked on already without changing it, so that a URL from a cassette and the same URL from a
//! script end up alike.

use regex::{Captures, Regex};
use reqwest::Url;
use serde_json::Value;
use std::sync::LazyLock;

const GONE: &str = "redacted";
const NOBODY: &str = "redacted@example.org";

/// Of an answer's headers these are kept: scripts read them, and they tell of nobody. `x-ratelimit-*` too.
const HEADERS: [&str; 6] =
    ["cache-control", "content-type", "etag", "last-modified", "link", "retry-after"];

/// Parts of names whose value is a secret, in queries and in JSON.
const SECRET: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "authorization",
    "api_key",
    "apikey",
    "private_key",
];

/// What ends like this is a file: `logo@2x.png`, `getty@tty1.service`. `git@example.org:owner/name` is a repository.
const FILES: [&str; 12] =
    ["css", "gif", "html", "jpeg", "jpg", "js", "png", "service", "socket", "svg", "timer", "webp"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("written here, and tried by the tests")
}

static MAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[A-Za-z0-9._+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
});

/// Tokens of GitHub and GitLab, and JSON web tokens.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|gl[a-z]{2,8}-[A-Za-z0-9_.-]{16,}|eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*)",
    )
});

static BEARER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b((?i:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"));

/// A query inside of a text, as `Link` headers and bodies have it.
static QUERY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"([?&;]([A-Za-z0-9_.-]+)=)([^&\s"'<>#;]+)"#));

/// A URL with the values of secrets in its query replaced.
pub(super) fn url(url: &Url) -> String {
    let mut clean = url.clone();
    clean.set_path(&text(url.path()));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let cleaned: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| {
            (name.clone(), if is_secret_in_query(name) { GONE.into() } else { text(value) })
        })
        .collect();
    // One that hides nothing stays as it was written.
    if cleaned != pairs {
        clean.query_pairs_mut().clear().extend_pairs(cleaned);
    }
    clean.into()
}

/// A header as it is kept, or nothing.
pub(super) fn header(name: &str, value: &str) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    let kept = HEADERS.contains(&name.as_str()) || name.starts_with("x-ratelimit-");
    kept.then(|| (name, text(value)))
}

pub(super) fn text(given: &str) -> String {
    let clean = TOKEN.replace_all(given, GONE);
    let clean = BEARER.replace_all(&clean, |found: &Captures<'_>| format!("{}{GONE}", &found[1]));
    let clean = QUERY.replace_all(&clean, |found: &Captures<'_>| {
        if is_secret_in_query(&found[2]) {
            format!("{}{GONE}", &found[1])
        } else {
            found[0].to_string()
        }
    });
    let clean = MAIL.replace_all(&clean, |found: &Captures<'_>| {
        let ending = found[0].rsplit('.').next().unwrap_or_default();
        if found[0].starts_with("git@") || FILES.contains(&ending) {
            found[0].to_string()
        } else {
            NOBODY.to_string()
        }
    });
    clean.into_owned()
}

pub(crate) fn json(value: &mut Value) {
    match value {
        Value::String(given) => *given = text(given),
        Value::Array(items) => items.iter_mut().for_each(json),
        Value::Object(fields) => {
            for (name, value) in std::mem::take(fields) {
                let mut value = value;
                if is_secret(&name) {
                    hide(&mut value);
                } else {
                    json(&mut value);
                }
                fields.insert(text(&name), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Texts below a secret's name are secrets; a number there counts something.
fn hide(value: &mut Value) {
    match value {
        Value::String(given) => *given = GONE.into(),
        Value::Array(items) => items.iter_mut().for_each(hide),
        other => json(other),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET.iter().any(|part| name.contains(part))
}

fn is_secret_in_query(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret(name)
        || lower.starts_with("client_")
        || lower.ends_with("_key")
        || ["key", "sig", "auth"].contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as j;

    #[test]
    fn secrets_leave_a_url_and_nothing_else_does() {
        for (given, kept) in [
            ("https://a.b/x?q=a%20b&page=2", "https://a.b/x?q=a%20b&page=2"),
            (
                "https://a.b/x?q=a%20b&access_token=s3cret",
                "https://a.b/x?q=a+b&access_token=redacted",
            ),
            (
                "https://a.b/?key=1&client_id=2&X-Amz-Signature=3&monkey=4",
                "https://a.b/?key=redacted&client_id=redacted&X-Amz-Signature=redacted&monkey=4",
            ),
            ("https://a.b/?user=r%40c.org", "https://a.b/?user=redacted%40example.org"),
            ("https://a.b/ghp_0123456789abcdefghij/x", "https://a.b/redacted/x"),
        ] {
            let clean = url(&Url::parse(given).unwrap());
            assert_eq!(clean, kept);
            assert_eq!(url(&Url::parse(&clean).unwrap()), clean, "twice");
        }
    }

    #[test]
    fn secrets_and_addresses_leave_texts() {
        for (given, kept) in [
            ("mail ralph.b+x@lists.example.co.uk!", "mail redacted@example.org!"),
            ("pkg@1.2.3 and git@github.com:a/b.git", "pkg@1.2.3 and git@github.com:a/b.git"),
            ("logo@2x.png, getty@tty1.service", "logo@2x.png, getty@tty1.service"),
            ("token github_pat_11ABCDEFG0123456789_x", "token redacted"),
            ("glpat-abcdefghij0123456789", "redacted"),
            ("Authorization: Bearer abcdef.123456", "Authorization: Bearer redacted"),
            ("x eyJhbGciOi.eyJzdWIiOi.c2lnbmF0 y", "x redacted y"),
            (
                "<https://a.b/?page=2&access_token=s>; rel=\"next\"",
                "<https://a.b/?page=2&access_token=redacted>; rel=\"next\"",
            ),
            ("a bearer of news", "a bearer of news"),
        ] {
            assert_eq!(text(given), kept);
            assert_eq!(text(kept), kept, "twice");
        }
    }

    #[test]
    fn secrets_leave_json_by_their_names() {
        let mut value = j!({
            "name": "ralph", "email": "r@c.org", "token_count": 3, "next_page_token": "abc",
            "Private-Key": "k", "passwords": ["a", 1], "secret": { "of": "r@c.org" }, "token": null,
            "people": [{ "r@c.org": true }],
        });
        json(&mut value);
        let clean = j!({
            "name": "ralph", "email": NOBODY, "token_count": 3, "next_page_token": "redacted",
            "Private-Key": "redacted", "passwords": ["redacted", 1], "secret": { "of": NOBODY }, "token": null,
            "people": [{ "redacted@example.org": true }],
        });
        assert_eq!(value, clean);
    }

    #[test]
    fn few_headers_are_kept() {
        assert_eq!(header("Set-Cookie", "a=b"), None);
        assert_eq!(
            header("X-RateLimit-Remaining", "3"),
            Some(("x-ratelimit-remaining".into(), "3".into()))
        );
    }
}
