//! What happens to a message once it is here: read, archived, judged, its invalidations on disk, then acknowledged.

use crate::bus::Delivery;
use crate::datanommer::Datanommer;
use crate::hub::HubName;
use crate::message::Message;
use crate::rebuild::{Due, Rebuild};
use crate::store::{Journal, Seen, Store};
use crate::triage::{Judged, Triage};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Messages that share one transaction: on a quiet bus one, in a flood so many that the disk is no bottleneck.
const BATCH: usize = 256;
/// How long a disk that refuses to write is given before the next try.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Intake {
    pub(super) triage: Triage,
    pub(super) datanommer: Datanommer,
    pub(super) journal: Arc<Journal>,
    pub(super) rebuild: Rebuild,
    pub(super) store: Store,
}

impl Intake {
    /// Takes messages until it is told to stop. What was not acknowledged by then is sent again by whoever sent it.
    pub(super) async fn run(self, mut receiver: mpsc::Receiver<Delivery>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let taken = tokio::select! {
                taken = receiver.recv_many(&mut batch, BATCH) => taken,
                () = stop.cancelled() => return,
            };
            if taken == 0 {
                return;
            }
            let mut messages = Vec::with_capacity(taken);
            let mut receipts = Vec::new();
            for Delivery { message, done, .. } in batch.drain(..) {
                messages.push(message);
                receipts.extend(done);
            }
            if !self.take(messages, receipts, &stop).await {
                return;
            }
        }
    }

    /// One batch, whole. `false` when it is time to stop and the disk has not taken it.
    async fn take(
        &self,
        messages: Vec<Message>,
        receipts: Vec<oneshot::Sender<()>>,
        stop: &CancellationToken,
    ) -> bool {
        let judged = self.triage.judge(messages).await;
        while let Err(error) = self.keep(&judged).await {
            tracing::error!(
                error = format!("{error:#}"),
                messages = judged.len(),
                "messages could not be put on disk; trying again"
            );
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = stop.cancelled() => return false,
            }
        }
        for receipt in receipts {
            // Whoever no longer waits does not mind.
            let _ = receipt.send(());
        }
        true
    }

    async fn keep(&self, judged: &[Judged]) -> anyhow::Result<()> {
        let messages: Vec<Arc<Message>> = judged.iter().map(|one| one.message.clone()).collect();
        // Before the invalidations: a feed that is rebuilt must find the message that caused it.
        self.datanommer.add(&messages).await?;
        let due: Vec<Due> = judged
            .iter()
            .flat_map(|one| {
                let concerned = one.invalidated.iter();
                concerned.map(|c| Due { id: c.id, hub: c.hub.clone(), cause: one.cause() })
            })
            .collect();
        let latest = judged.iter().map(|one| &one.message).max_by_key(|message| message.sent_at);
        let seen = latest.map(|message| Seen { id: message.id.clone(), sent_at: message.sent_at });
        let invalidations: Vec<_> = due.iter().map(|one| (one.id, one.cause.clone())).collect();
        let sequence = self.journal.invalidate(&invalidations, seen.as_ref()).await?;
        self.touch(judged).await?;
        self.rebuild.invalidate(&due, sequence);
        Ok(())
    }

    /// A hub that messages concern is alive.
    async fn touch(&self, judged: &[Judged]) -> anyhow::Result<()> {
        let mut active: HashMap<HubName, Timestamp> = HashMap::new();
        for one in judged {
            for concerned in &one.invalidated {
                let at = active.entry(concerned.hub.clone()).or_insert(one.message.sent_at);
                *at = (*at).max(one.message.sent_at);
            }
        }
        Ok(self.store.touch(&active.into_iter().collect::<Vec<_>>()).await?)
    }
}
