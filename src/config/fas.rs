//! `[fas]`: whom scripts ask about accounts, and as whom.

use super::document::Table;
use super::value::{Misfit, choice, text};
use super::{Secret, address, secret::secret};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fas {
    pub kind: FasKind,
    /// Without a slash at its end.
    pub url: Url,
    pub login: FasLogin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FasKind {
    /// FASJSON, version 1.
    Fasjson,
    /// What stood in its place until 2021.
    Fas2,
}

/// As whom hubs asks; sent to `url` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FasLogin {
    /// FAS2 takes it itself, a proxy in front of FASJSON as HTTP's basic authentication.
    Password { username: String, password: Secret },
}

pub(super) fn read(root: &Table<'_>) -> Option<Fas> {
    let table = root.table("fas")?;
    let kinds = [("fasjson", FasKind::Fasjson), ("fas2", FasKind::Fas2)];
    let kind = table.read("kind", choice(&kinds)).unwrap_or(FasKind::Fasjson);
    let mut url = match kind {
        FasKind::Fasjson => "https://fasjson.fedoraproject.org",
        FasKind::Fas2 => "https://admin.fedoraproject.org/accounts",
    }
    .parse()
    .expect("a literal address");
    table.set("url", &mut url, |item| {
        address::of_server(item, "https://fasjson.example.org", "username` and `password")
    });
    let username = table.read("username", |item| {
        let name = text(item)?;
        // HTTP's basic authentication ends the name there.
        let fits = !name.is_empty() && !name.contains(|c: char| c == ':' || c.is_control());
        if fits { Ok(name) } else { Err(Misfit::must_be("the name of an account")) }
    });
    let password = table.read("password", secret);
    let login = match (username, password) {
        (Some(username), Some(password)) => Some(FasLogin::Password { username, password }),
        _ => {
            // Where one is there but does not fit, that is said already.
            for (key, other) in [("username", "password"), ("password", "username")] {
                if !table.has(key) {
                    let why = if table.has(other) {
                        format!("[fas] has a `{other}`, but no `{key}`")
                    } else {
                        format!("[fas] has no `{key}`: FAS answers nobody whom it does not know")
                    };
                    let help =
                        "set `username` and `password` of an account for hubs, or leave [fas] out";
                    table.problem(None, why, Some(help.into()));
                    break;
                }
            }
            None
        }
    };
    table.finish();
    Some(Fas { kind, url, login: login? })
}
