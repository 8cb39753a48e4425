//! `[github]`: whom scripts ask as `github`, and whose webhooks are taken.

use super::{Secret, address, document::Table, secret::secret};
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
        address::of_server(item, "https://github.example.org/api/v3", "token")
    });
    github.token = table.read("token", secret);
    github.webhook_secret = table.read("webhook_secret", secret);
    table.finish();
    github
}
