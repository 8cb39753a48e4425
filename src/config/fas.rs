//! `[fas]`: whom scripts ask about accounts, and as whom.

use super::document::{Item, Table};
use super::value::{Misfit, choice, flag, text};
use super::{Secret, address, secret::secret};
use std::path::PathBuf;
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
    /// As FASJSON has it itself.
    Kerberos(Kerberos),
}

/// Where tickets come from; what is not named is as libkrb5 has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kerberos {
    pub principal: Option<String>,
    pub keytab: Option<PathBuf>,
    pub ccache: Option<String>,
    pub use_gssproxy: bool,
}

const KERBEROS: [&str; 4] = ["principal", "keytab", "ccache", "gss_use_proxy"];

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
    let kerberos = kerberos(&table);
    let login = match (username, password) {
        (Some(username), Some(password)) => Some(FasLogin::Password { username, password }),
        _ => kerberos.map(FasLogin::Kerberos),
    };
    if let Some((key, why, help)) = misfit(&table, kind) {
        table.problem(key.and_then(|key| table.span_of(key)), why, Some(help.into()));
    }
    table.finish();
    Some(Fas { kind, url, login: login? })
}

fn kerberos(table: &Table<'_>) -> Option<Kerberos> {
    let word = |item: &Item<'_>| {
        let found = text(item)?;
        let fits = !found.is_empty() && !found.contains(char::is_control);
        if fits { Ok(found) } else { Err(Misfit::must_be("text in quotes")) }
    };
    let mut use_gssproxy = false;
    let found = Kerberos {
        principal: table.read("principal", word),
        keytab: table.read("keytab", |item| Ok(item.document.around.folder.join(word(item)?))),
        ccache: table.read("ccache", word),
        use_gssproxy: {
            table.set("gss_use_proxy", &mut use_gssproxy, flag);
            use_gssproxy
        },
    };
    KERBEROS.iter().any(|key| table.has(key)).then_some(found)
}

/// Why nobody can log in with these keys, where it is, and the way out.
fn misfit(
    table: &Table<'_>,
    kind: FasKind,
) -> Option<(Option<&'static str>, String, &'static str)> {
    let kerberos = KERBEROS.into_iter().find(|key| table.has(key));
    let (name, password) = (table.has("username"), table.has("password"));
    match kerberos {
        Some(key) if name || password => Some((
            Some(key),
            format!(
                "[fas] has a `{key}`, which is for Kerberos, and a name or password, which is for a login without it"
            ),
            "leave one of them out",
        )),
        Some(key) if kind == FasKind::Fas2 => Some((
            Some(key),
            format!("[fas] has a `{key}`, but the old FAS knows no Kerberos"),
            "set `username` and `password`",
        )),
        Some(key) if !cfg!(feature = "kerberos") => Some((
            Some(key),
            format!("[fas] has a `{key}`, but this hubs was built without Kerberos"),
            "build it with `cargo build --release --features kerberos`, or set `username` and `password` of a proxy in front of FASJSON",
        )),
        Some(_) => None,
        None if name && password => None,
        None if name => Some((None, "[fas] has a `username`, but no `password`".into(), LOGIN)),
        None if password => Some((None, "[fas] has a `password`, but no `username`".into(), LOGIN)),
        None => Some((
            None,
            "[fas] has no login: FAS answers nobody whom it does not know".into(),
            LOGIN,
        )),
    }
}

const LOGIN: &str = "set `principal` and `keytab` for Kerberos, or `username` and `password` of an account for hubs, or leave [fas] out";
