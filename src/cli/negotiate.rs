//! `hubs negotiate`: what hubs starts itself, to make a token for another server by Kerberos.

use super::Outcome;
use crate::outbound::initiate;
use std::io::Write;

/// Make a token by Kerberos, and prove the server's answer
#[derive(Debug, clap::Args)]
pub(super) struct Negotiate {
    /// As `HTTP@fasjson.example.org`
    service: String,
    /// As whom; without it the one whose ticket or keytab is there
    #[arg(long)]
    principal: Option<String>,
}

impl Negotiate {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let mut input = std::io::stdin().lock();
        initiate(&self.service, self.principal.as_deref(), &mut input, out)?;
        Ok(Outcome::Fine)
    }
}
