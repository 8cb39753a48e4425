//! Where somebody goes when they are logged in: a page of ours, never another site's.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::Url;

/// Paths stay readable in an address.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Whoever makes a longer one wants something else than to come back.
const LONGEST: usize = 2_000;

/// Path and query of a page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(in crate::web) struct Next(String);

impl Default for Next {
    fn default() -> Self {
        Self("/".into())
    }
}

impl From<String> for Next {
    /// What is no path of this site leads to the first page.
    fn from(given: String) -> Self {
        path(&given).map_or_else(Self::default, Self)
    }
}

impl Next {
    pub(in crate::web) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The path as a browser would take it, if it stays here: `//host`, `/\host` and `/<tab>/host` lead elsewhere.
fn path(given: &str) -> Option<String> {
    if !given.starts_with('/') || given.len() > LONGEST {
        return None;
    }
    let here = Url::parse("http://here.invalid/").ok()?;
    let url = here.join(given).ok().filter(|url| url.origin() == here.origin())?;
    let first = url.path_segments()?.next()?;
    // Both would only lead in a circle. And what a browser resolved to `//host` is another's again.
    if matches!(first, "login" | "logout") || url.path().starts_with("//") {
        return None;
    }
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

/// The link to log in from a page, with the way back.
pub(in crate::web) fn address(here: &str) -> String {
    match path(here).as_deref() {
        None | Some("/") => "/login".into(),
        Some(here) => format!("/login?next={}", utf8_percent_encode(here, ESCAPED)),
    }
}

/// The same for who sent a form: a browser does not let that lead on to another site.
pub(in crate::web) fn address_again(here: &str) -> String {
    let address = address(here);
    let and = if address.contains('?') { '&' } else { '?' };
    format!("{address}{and}again=1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_stays_on_this_site() {
        for (given, goes) in [
            ("/designteam", "/designteam"),
            ("/?q=a b", "/?q=a%20b"),
            ("/a/../ralph/12?x=//y#z", "/ralph/12?x=//y"),
            ("", "/"),
            ("designteam", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/.//evil.example", "/"),
            ("/a/..//evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/login?next=/x", "/"),
            ("/logout", "/"),
            ("/a\r\nset-cookie: x=y", "/aset-cookie:%20x=y"),
        ] {
            assert_eq!(Next::from(given.to_owned()).as_str(), goes, "{given}");
        }
        assert_eq!(Next::from(format!("/{}", "x".repeat(LONGEST))), Next::default());
    }

    #[test]
    fn a_link_carries_the_way_back() {
        assert_eq!(address("/"), "/login");
        assert_eq!(address("/login?next=/a"), "/login");
        assert_eq!(address("/ralph?a=b&c=d"), "/login?next=/ralph%3Fa%3Db%26c%3Dd");
        assert_eq!(address_again("/ralph"), "/login?next=/ralph&again=1");
        assert_eq!(address_again("/"), "/login?again=1");
    }
}
