//! `hubs session list`: who is logged in, and since when.

use super::{ID_DIGITS, with_store};
use crate::cli::place::SiteOption;
use crate::cli::print::Plain;
use crate::cli::{Format, Outcome};
use crate::render::ago;
use crate::store::Session;
use jiff::Timestamp;
use serde_json::json;
use std::io::{self, Write};

/// List who is logged in
///
/// Sessions that ended by themselves are listed until the next login.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl List {
    pub(in crate::cli) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let sessions = with_store(&self.site, async |store| Ok(store.sessions().await?))?;
        match self.format {
            Format::Json => sessions.iter().try_for_each(|it| writeln!(out, "{}", to_json(it)))?,
            Format::Human => human(&mut Plain(out), &sessions, Timestamp::now())?,
        }
        Ok(Outcome::Fine)
    }
}

fn id(session: &Session) -> String {
    session.token.to_string().chars().take(ID_DIGITS).collect()
}

fn to_json(session: &Session) -> serde_json::Value {
    json!({
        "id": id(session),
        "username": session.username,
        "issuer": session.issuer,
        "groups": session.groups,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
    })
}

fn human(out: &mut impl Write, sessions: &[Session], now: Timestamp) -> io::Result<()> {
    if sessions.is_empty() {
        return writeln!(out, "nobody is logged in");
    }
    let widest = sessions.iter().map(|it| it.username.chars().count()).max().unwrap_or(0).max(4);
    writeln!(
        out,
        "{:ID_DIGITS$}  {:widest$}  {:14}  {:14}  by",
        "id", "who", "since", "last seen"
    )?;
    for it in sessions {
        let (since, seen) = (ago(it.created_at, now), ago(it.seen_at, now));
        writeln!(out, "{}  {:widest$}  {since:14}  {seen:14}  {}", id(it), it.username, it.issuer)?;
    }
    Ok(())
}
