//! `[auth]`: how people log in, and who may do everything.

use super::document::{Item, Table};
use super::hubs::username;
use super::value::{Misfit, choice, duration, list, text};
use super::{Secret, address, secret::secret};
use std::time::Duration;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    pub kind: AuthKind,
    /// May read and edit every hub, and see what is wrong with scripts.
    pub admins: Vec<String>,
    /// Who does not come for so long has to log in again.
    pub session: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthKind {
    /// Anybody is who they say they are: for one's own machine only.
    Dev,
    /// OpenID Connect: a provider says who they are.
    Oidc(Box<Oidc>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Without a slash at its end.
    pub issuer: Url,
    pub client_id: String,
    /// A public client has none.
    pub client_secret: Option<Secret>,
    /// How the secret is handed over; `None`: as the provider says that it takes it.
    pub client_auth: Option<ClientAuth>,
    /// Beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that is somebody's username; `None`: the first there is of `nickname`, `preferred_username` and `sub`.
    pub username_claim: Option<String>,
    /// The claim that lists somebody's groups.
    pub groups_claim: String,
    /// Groups whose members are admins.
    pub admin_groups: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// As HTTP's basic authentication.
    Basic,
    /// Among the fields of the form.
    Post,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Auth {
    fn default() -> Self {
        Self { kind: AuthKind::Dev, admins: Vec::new(), session: 14 * DAY }
    }
}

impl Auth {
    pub fn is_dev(&self) -> bool {
        self.kind == AuthKind::Dev
    }
}

pub(super) fn read(root: &Table<'_>) -> Auth {
    let mut auth = Auth::default();
    let Some(table) = root.table("auth") else { return auth };
    let is_oidc = table.read("kind", choice(&[("dev", false), ("oidc", true)])).unwrap_or(false);
    table.set("admins", &mut auth.admins, list(username));
    table.set("session", &mut auth.session, duration(Duration::from_mins(1)..=90 * DAY));
    if is_oidc {
        if let Some(oidc) = oidc(&table) {
            auth.kind = AuthKind::Oidc(Box::new(oidc));
        }
    } else if let Some(key) = OIDC.into_iter().find(|key| table.has(key)) {
        let message =
            format!("[auth] has `{key}`, which is for OpenID Connect, but its `kind` is \"dev\"");
        table.problem(table.span_of(key), message, Some("write kind = \"oidc\"".into()));
        // One complaint is enough: the others are not unknown.
        for key in OIDC {
            let _ = table.item(key);
        }
    }
    table.finish();
    auth
}

const OIDC: [&str; 8] = [
    "issuer",
    "client_id",
    "client_secret",
    "client_auth",
    "scopes",
    "username_claim",
    "groups_claim",
    "admin_groups",
];

fn oidc(table: &Table<'_>) -> Option<Oidc> {
    let issuer = table.require("issuer", |item| {
        address::of_server(item, "https://id.example.org/openidc", "client_id` and `client_secret")
    });
    let client_id = table.require("client_id", word);
    let client_secret = table.read("client_secret", secret);
    let ways = choice(&[("basic", ClientAuth::Basic), ("post", ClientAuth::Post)]);
    let client_auth = table.read("client_auth", ways);
    if client_auth.is_some() && !table.has("client_secret") {
        table.problem(
            table.span_of("client_auth"),
            "[auth] has a `client_auth`, but no `client_secret` that it could hand over".into(),
            Some("a public client needs neither".into()),
        );
    }
    let scopes = table.read("scopes", list(scope)).unwrap_or_else(|| vec!["profile".into()]);
    let username_claim = table.read("username_claim", word);
    let groups_claim = table.read("groups_claim", word).unwrap_or_else(|| "groups".into());
    let admin_groups = table.read("admin_groups", list(word)).unwrap_or_default();
    Some(Oidc {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        client_auth,
        scopes,
        username_claim,
        groups_claim,
        admin_groups,
    })
}

fn word(item: &Item<'_>) -> Result<String, Misfit> {
    let found = text(item)?;
    let fits = !found.is_empty() && !found.contains(char::is_control);
    if fits { Ok(found) } else { Err(Misfit::must_be("text in quotes")) }
}

/// The characters of RFC 6749, appendix A.4: no spaces, which stand between scopes.
fn scope(item: &Item<'_>) -> Result<String, Misfit> {
    let found = text(item)?;
    let fits = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if !found.is_empty() && found.bytes().all(fits) {
        Ok(found)
    } else {
        Err(Misfit::must_be("scopes, as in \"profile\""))
    }
}
