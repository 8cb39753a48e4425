//! HTTP's Negotiate, by Kerberos: a token for a host, and the proof that it was the host that took it.
//!
//! GSSAPI waits for other machines, and finds its keytab and its tickets by its process's environment. So each token is
//! made by a process of its own, this very program with `hubs negotiate`: it blocks no thread of ours, has the environment
//! that `[fas]` asks for, and is gone when the deadline is. What both say to each other is a line each way.

mod error;
mod initiator;

pub use initiator::initiate;

pub use error::NegotiateError;

use crate::config::Kerberos;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Tickets with many groups in them have tens of kilobytes.
const MAX_LINE: u64 = 256 << 10;

/// A token is under way: the host's answer to it is still to come.
pub(super) struct Negotiation {
    /// It is killed with this.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    has_keytab: bool,
}

impl Negotiation {
    /// A token for `host`, in base64.
    pub(super) async fn begin(
        host: &str,
        kerberos: &Kerberos,
    ) -> Result<(Self, String), NegotiateError> {
        let mut command = Command::new(this_program()?);
        command.arg("negotiate").arg(format!("HTTP@{host}"));
        if let Some(principal) = &kerberos.principal {
            command.args(["--principal", principal]);
        }
        if let Some(keytab) = &kerberos.keytab {
            command.env("KRB5_CLIENT_KTNAME", keytab);
            // Its tickets are nobody else's.
            command.env("KRB5CCNAME", "MEMORY:hubs");
        }
        if let Some(ccache) = &kerberos.ccache {
            command.env("KRB5CCNAME", ccache);
        }
        if kerberos.use_gssproxy {
            command.env("GSS_USE_PROXY", "yes");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.kill_on_drop(true).spawn().map_err(|error| NegotiateError::start(&error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(NegotiateError::Broken);
        };
        let mut begun = Self {
            _child: child,
            input,
            output: BufReader::new(output),
            has_keytab: kerberos.keytab.is_some(),
        };
        let token = begun.line().await?;
        Ok((begun, token))
    }

    /// Whether the host, by its answer to the token, is who it should be.
    pub(super) async fn proven(mut self, answer: &str) -> Result<(), NegotiateError> {
        let sent = self.input.write_all(format!("{answer}\n").as_bytes()).await;
        sent.map_err(|_| NegotiateError::Broken)?;
        self.line().await.map(drop)
    }

    async fn line(&mut self) -> Result<String, NegotiateError> {
        let mut line = String::new();
        let mut limited = (&mut self.output).take(MAX_LINE);
        limited.read_line(&mut line).await.map_err(|_| NegotiateError::Broken)?;
        match line.trim_end_matches(['\r', '\n']).split_once(' ') {
            Some(("well", rest)) => Ok(rest.to_owned()),
            Some(("failed", said)) => Err(NegotiateError::said(said, self.has_keytab)),
            _ => Err(NegotiateError::Broken),
        }
    }
}

/// As it was started, also when its file was replaced since.
fn this_program() -> Result<PathBuf, NegotiateError> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe().map_err(|error| NegotiateError::start(&error))
}
