//! What the history needs of others: sentences for messages that have none, and somebody who throws old ones away.

use crate::config::DatanommerSettings;
use crate::datanommer::Datanommer;
use crate::message::Message;
use crate::script::Pool;
use crate::widget::Shelf;
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Messages that keep a script thread from its other work; new ones wait behind them.
const DESCRIBED_AT_ONCE: usize = 20;
/// A thread that has not read so many messages by then does not come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever set it up wrongly is told at the start. One that is away may come back: widgets that ask it say so till then.
pub(super) async fn prepare(
    datanommer: &Datanommer,
    shelf: &Arc<Shelf>,
    pure: &Pool,
) -> anyhow::Result<()> {
    let (shelf, pure) = (shelf.clone(), pure.clone());
    datanommer.described_by(Arc::new(move |messages| {
        Box::pin(describe(shelf.clone(), pure.clone(), messages))
    }));
    match datanommer.check().await {
        Err(error) if error.may_pass() => {
            tracing::warn!(%error, "the history can't be asked; widgets do without it till it is back");
            Ok(())
        }
        checked => Ok(checked?),
    }
}

/// What people read in messages that were kept without it: all of a datanommer's, and ours that concerned nobody.
async fn describe(shelf: Arc<Shelf>, pure: Pool, messages: Vec<Message>) -> Vec<Message> {
    let mut described = Vec::with_capacity(messages.len());
    for some in messages.chunks(DESCRIBED_AT_ONCE) {
        let (shelf, mut work) = (shelf.clone(), some.to_vec());
        let done = pure.run(
            move |interpreter| {
                let library = shelf.library();
                for message in &mut work {
                    library.processors().word(interpreter, message);
                }
                work
            },
            PATIENCE,
        );
        // Where no thread could read them they are as they were kept.
        described.extend(done.await.unwrap_or_else(|_| some.to_vec()));
    }
    described
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
