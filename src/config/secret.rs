//! Secrets: given as text, by a variable or by a file; never shown, not even in the excerpt of a problem.

use super::{document::Item, value::Misfit};
use std::fmt;
use toml::de::DeValue;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For the one place that needs it; compare in constant time.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

const FITS: &str = "text, { env = \"NAME\" } or { file = \"path\" }";

pub(super) fn secret(item: &Item<'_>) -> Result<Secret, Misfit> {
    // A number may well be the secret, unquoted: it is not repeated.
    let unfit =
        || Misfit::MustBe { fits: FITS.into(), span: None, given: Some("something else".into()) };
    let found = match item.value {
        DeValue::String(text) => text.to_string(),
        DeValue::Table(table) if table.len() == 1 => {
            let (key, value) = table.iter().next().ok_or_else(unfit)?;
            let from = value.get_ref().as_str().ok_or_else(unfit)?;
            match key.get_ref().as_ref() {
                "env" => (item.document.around.env)(from).ok_or_else(|| {
                    Misfit::says(format!("there is no environment variable `{from}`"))
                })?,
                "file" => read_file(item, from)?,
                _ => return Err(unfit()),
            }
        }
        _ => return Err(unfit()),
    };
    if found.trim().is_empty() { Err(Misfit::says("it is empty")) } else { Ok(Secret(found)) }
}

/// Without the line ending that editors add.
fn read_file(item: &Item<'_>, path: &str) -> Result<String, Misfit> {
    let read = std::fs::read_to_string(item.document.around.folder.join(path));
    let text = read.map_err(|error| Misfit::says(format!("`{path}` can't be read: {error}")))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

/// Keys whose values are secrets, those of later versions too.
const SECRET_KEYS: [&str; 7] = [
    "amqp_url",
    "ingest_token",
    "token",
    "webhook_secret",
    "client_secret",
    "password",
    "credentials",
];

pub(super) fn is_secret(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

/// The text with `*` for each character of a secret: behind the key of one up to the end of the line (of the text when
/// a multi-line string begins there), and passwords in addresses. Works on a text that is no TOML too.
pub(super) fn blotted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // Inside of a multi-line string that began behind a secret's key: its quotes.
    let mut within: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let from = match within {
            Some(quotes) => {
                if line.contains(quotes) {
                    within = None;
                }
                Some(0)
            }
            None => behind_key(line).inspect(|&from| {
                let value = line[from..].trim_start();
                within = ["\"\"\"", "'''"]
                    .into_iter()
                    .find(|quotes| value.starts_with(quotes) && !value[3..].contains(quotes));
            }),
        };
        let from = from.unwrap_or(line.len());
        let mut blot_at = addresses(&line[..from]);
        blot_at.push(from..line.len());
        shown.extend(line.char_indices().map(|(at, c)| {
            let hidden = !c.is_whitespace() && blot_at.iter().any(|range| range.contains(&at));
            if hidden { '*' } else { c }
        }));
    }
    shown
}

/// Where the value begins of the first secret that a line sets as text; a table (`{ env = … }`) may be seen.
fn behind_key(line: &str) -> Option<usize> {
    let starts = SECRET_KEYS.iter().flat_map(|key| {
        line.match_indices(key).filter_map(|(at, _)| {
            let rest = line[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
            let value = rest.strip_prefix('=')?;
            (!value.trim_start().starts_with('{')).then_some(line.len() - value.len())
        })
    });
    starts.min()
}

/// Where `user:password` stands in addresses such as `postgres://user:password@host`.
fn addresses(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("://") {
        let rest = &line[at + 3..];
        let end =
            rest.find(|c: char| c.is_whitespace() || "/\"'".contains(c)).unwrap_or(rest.len());
        if let Some(behind) = rest[..end].rfind('@') {
            found.push(at + 3..at + 3 + behind);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        assert_eq!((format!("{secret:?}"), secret.to_string()), ("***".into(), "***".into()));
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn what_follows_the_key_of_a_secret_is_blotted_and_nothing_moves() {
        let check = |text: &str, shown: &str| assert_eq!(blotted(text), shown);
        check("ingest_token = \"abc\"\nlisten = 1\n", "ingest_token = *****\nlisten = 1\n");
        check("\"token\"='ü' # x", "\"token\"=*** * *");
        check("token = { env = \"TOKEN\" }", "token = { env = \"TOKEN\" }");
        check("token = \"\"\"\nabc\n\"\"\"\nx = 1", "token = ***\n***\n***\nx = 1");
        check("url = \"postgres://me:pass@host/db\"", "url = \"postgres://*******@host/db\"");
    }
}
