//! `hubs serve`: everything in one process.

use super::{Outcome, place};
use crate::server::{self, Start};
use crate::telemetry;
use anyhow::Context;
use jiff::Timestamp;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Serve the hubs: everything in one process
///
/// Without a configuration it serves demo hubs on <http://127.0.0.1:5000>/ and keeps its data in ./var.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The configuration; without it ./hubs.toml if there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on, instead of `[server] listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) fn execute(self) -> anyhow::Result<Outcome> {
        let mut found = match &self.config {
            Some(file) => place::at_file(file)?,
            None => place::at_folder(&PathBuf::from("."))?,
        };
        if let Some(listen) = self.listen {
            if let Some(problem) = found.settings.listen_problem(listen) {
                return Err(super::print::Problems(vec![problem]).into());
            }
            found.settings.server.listen = listen;
        }
        telemetry::start_log();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let mut terminate =
                signal(SignalKind::terminate()).context("SIGTERM can't be waited for")?;
            let mut interrupt =
                signal(SignalKind::interrupt()).context("SIGINT can't be waited for")?;
            let start = Start {
                settings: found.settings,
                site: found.site,
                file: found.file,
                clock: Timestamp::now,
            };
            let running = server::start(start).await?;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            running.stop().await;
            Ok(Outcome::Fine)
        });
        // A script thread may hang in a call; it must not keep the process.
        runtime.shutdown_background();
        served
    }
}
