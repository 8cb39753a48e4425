//! `[github]`: whom scripts ask as `github`, and whose webhooks are taken.

use super::{Secret, document::Table, secret::secret, value::Misfit};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Github {
    /// Of the REST interface, without a slash at its end.
    pub url: Url,
    /// Sent to `url` alone. Without it GitHub answers 60 questions an hour, and no GraphQL.
    pub token: Option<Secret>,
    /// What `POST /hooks/github` is signed with; without it no webhook is taken.
    pub webhook_secret: Option<Secret>,
}

impl Default for Github {
    fn default() -> Self {
        let url = "https://api.github.com".parse().expect("a literal address");
        Self { url, token: None, webhook_secret: None }
    }
}

pub(super) fn read(root: &Table<'_>) -> Github {
    let mut github = Github::default();
    let Some(table) = root.table("github") else { return github };
    table.set("url", &mut github.url, |item| {
        let text = item.value.as_str().map(|text| text.trim_end_matches('/'));
        let given = text.and_then(|text| text.parse::<Url>().ok());
        if given.as_ref().is_some_and(has_credentials) {
            // Not repeated: a password is in it.
            return Err(Misfit::says("it has a user name or password in it: set `token` instead"));
        }
        given.filter(is_safe).ok_or_else(|| {
            Misfit::must_be(
                "an https address without query, as in \"https://github.example.org/api/v3\"",
            )
        })
    });
    github.token = table.read("token", secret);
    github.webhook_secret = table.read("webhook_secret", secret);
    table.finish();
    github
}

/// A token travels there: in the clear only on this very machine.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let scheme_fits = url.scheme() == "https" || (url.scheme() == "http" && here);
    scheme_fits && url.query().is_none() && url.fragment().is_none()
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
