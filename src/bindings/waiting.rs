//! Waiting for another server from a script's thread, no longer than the script may run.

use super::{Fallible, failed};
use crate::script::host;
use std::future::Future;
use tokio::{runtime::Handle, time::Instant};

/// When the running call must be over, on tokio's clock.
pub(super) fn deadline() -> Instant {
    host::current().map_or_else(Instant::now, |(_, deadline)| Instant::from_std(deadline))
}

/// The work runs on the server's own threads; this one waits for it.
pub(super) fn wait<R: Send + 'static>(
    runtime: &Handle,
    service: &'static str,
    work: impl Future<Output = R> + Send + 'static,
) -> Fallible<R> {
    let deadline = deadline();
    let running = runtime.spawn(async move { tokio::time::timeout_at(deadline, work).await });
    let outcome = runtime.block_on(running);
    // The next operation would stop anyway; so does this one, by the name of the limit.
    host::charge(64).map_err(host::ended)?;
    match outcome {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(failed(service, 0, "did not answer before the script's deadline")),
        Err(_) => Err(failed(service, 0, "broke off")),
    }
}
