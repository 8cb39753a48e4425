//! What the history needs of others: sentences for messages that have none, and somebody who throws old ones away.

use crate::config::DatanommerSettings;
use crate::datanommer::Datanommer;
use crate::widget::Wording;
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// Whoever set it up wrongly is told at the start. One that is away may come back: widgets that ask it say so till then.
pub(super) async fn prepare(datanommer: &Datanommer, wording: &Wording) -> anyhow::Result<()> {
    datanommer.worded_by(Arc::new(wording.clone()));
    match datanommer.check().await {
        Err(error) if error.may_pass() => {
            tracing::warn!(%error, "the history can't be asked; widgets do without it till it is back");
            Ok(())
        }
        checked => Ok(checked?),
    }
}

/// Messages that are older than they are kept for, or too many, go, hour by hour.
pub(super) async fn prune_on_and_on(
    datanommer: Datanommer,
    settings: DatanommerSettings,
    clock: fn() -> Timestamp,
    stop: CancellationToken,
) {
    let bytes = u64::try_from(settings.keep_bytes).unwrap_or(u64::MAX);
    let mut ticks = tokio::time::interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => match datanommer.prune(settings.keep, bytes, clock()).await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "messages past [datanommer] keep_days and keep_bytes are gone"),
                Err(error) => tracing::warn!(%error, "old messages could not be removed"),
            },
            () = stop.cancelled() => return,
        }
    }
}
