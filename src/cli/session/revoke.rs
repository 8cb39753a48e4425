//! `hubs session revoke`: whoever it is has to log in again.

use super::with_store;
use crate::cli::Outcome;
use crate::cli::place::SiteOption;
use crate::cli::print::count;
use std::io::Write;

/// End sessions: one, all of a person, or all there are
///
/// A running server minds it with the next request, and ends streams of private hubs within seconds.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Revoke {
    /// The beginning of a session's id, as `hubs session list` shows it
    #[arg(required_unless_present_any = ["user", "all"])]
    id: Option<String>,
    /// All sessions of this person
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    user: Option<String>,
    /// All sessions there are
    #[arg(long, conflicts_with_all = ["id", "user"])]
    all: bool,
    #[command(flatten)]
    site: SiteOption,
}

impl Revoke {
    pub(in crate::cli) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let ended = with_store(&self.site, async |store| {
            let meant = store.sessions().await?.into_iter().filter(|session| {
                let by_user = self.user.as_ref().is_some_and(|user| *user == session.username);
                let begins = |id: &String| session.token.to_string().starts_with(id.as_str());
                self.all || by_user || self.id.as_ref().is_some_and(begins)
            });
            let meant: Vec<_> = meant.collect();
            if let Some(id) = self.id.as_ref().filter(|_| meant.len() > 1) {
                anyhow::bail!(
                    "`{id}` is the beginning of {}: give more of it",
                    count(meant.len(), "session")
                );
            }
            for session in &meant {
                store.end_session(&session.token).await?;
            }
            Ok(meant.len())
        })?;
        if ended == 0 {
            anyhow::bail!("no session is meant by that; `hubs session list` names them");
        }
        let has = if ended == 1 { "has" } else { "have" };
        writeln!(out, "{} {has} ended", count(ended, "session"))?;
        Ok(Outcome::Fine)
    }
}
