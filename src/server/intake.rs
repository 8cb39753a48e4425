//! What happens to a message once it is here: read, archived, judged, its invalidations on disk, then acknowledged.

use super::catch_up::CAUGHT_UP;
use super::mirror::Mirroring;
use super::taken::{Sorted, TakenBefore};
use crate::bus::{self, Delivery, Gap};
use crate::datanommer::Datanommer;
use crate::hub::HubName;
use crate::message::Message;
use crate::rebuild::{Due, Rebuild};
use crate::store::{Journal, Seen, Store, Taken, mark_of};
use crate::triage::{Judged, Triage};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
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
    pub(super) mirroring: Mirroring,
    pub(super) taken: TakenBefore,
    pub(super) gap: Gap,
    pub(super) clock: fn() -> Timestamp,
}

impl Intake {
    /// Takes messages until it is told to stop. What was not acknowledged by then is sent again by whoever sent it.
    pub(super) async fn run(
        mut self,
        mut receiver: mpsc::Receiver<Delivery>,
        stop: CancellationToken,
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let taken = tokio::select! {
                taken = receiver.recv_many(&mut batch, BATCH) => taken,
                () = stop.cancelled() => return,
            };
            if taken == 0 || !self.take(batch.drain(..), &stop).await {
                return;
            }
        }
    }

    /// One batch, whole. `false` when it is time to stop and the disk has not taken it.
    async fn take(
        &mut self,
        batch: impl Iterator<Item = Delivery>,
        stop: &CancellationToken,
    ) -> bool {
        let Sorted { new, doubles } = self.taken.sort(batch);
        let seen = self.last_seen(&new);
        let marks: Vec<u64> = new.iter().map(|delivery| mark_of(&delivery.message.id)).collect();
        let mut receipts: Vec<_> = doubles.into_iter().filter_map(|double| double.done).collect();
        let mut messages = Vec::with_capacity(new.len());
        for Delivery { message, done, .. } in new {
            messages.push(message);
            receipts.extend(done);
        }
        if !messages.is_empty() {
            let judged = self.triage.judge(messages).await;
            while let Err(error) = self.keep(&judged, seen.as_ref(), &marks).await {
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
            self.taken.note(&marks);
            for one in &judged {
                self.mirroring.hear(&one.message);
            }
        }
        for receipt in receipts {
            // Whoever no longer waits does not mind.
            let _ = receipt.send(());
        }
        true
    }

    /// Where catching up with fedmsg would begin. No message is later than now, whatever it says of itself.
    fn last_seen(&self, new: &[Delivery]) -> Option<Seen> {
        let counts = if self.gap.is_open() { CAUGHT_UP } else { bus::FEDMSG };
        let of_the_bus = new.iter().filter(|delivery| delivery.source == counts);
        let last = of_the_bus.map(|delivery| &delivery.message).max_by_key(|m| m.sent_at)?;
        let sent_at = last.sent_at.min((self.clock)());
        Some(Seen { source: bus::FEDMSG.0, id: last.id.clone(), sent_at })
    }

    async fn keep(
        &self,
        judged: &[Judged],
        seen: Option<&Seen>,
        marks: &[u64],
    ) -> anyhow::Result<()> {
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
        let invalidations = due.iter().map(|one| (one.id, one.cause.clone())).collect();
        let taken = Taken { invalidations, seen: seen.cloned(), marks: marks.to_vec() };
        let sequence = self.journal.take(taken).await?;
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
