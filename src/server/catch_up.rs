//! Messages that fedmsg sent while nobody listened, from an archive: after a start, and after a lost connection.
//!
//! They go in by the same door as all others, page by page, the oldest first; doubles are left alone there. What can't
//! be had, because there is no archive or too much is missing, makes every instance stale that it may have concerned:
//! then pages are slower for a while, but none is wrong.

use crate::bus::{self, Delivery, Gap, Refused, Signatures, Source};
use crate::config::Fedmsg;
use crate::datanommer::{Datanommer, Query};
use crate::hub::Cause;
use crate::message::{Message, parse_line};
use crate::outbound::{Datagrepper, Walk};
use crate::rebuild::{Due, Rebuild};
use crate::store::{Journal, Seen, Taken};
use crate::telemetry;
use crate::triage::Triage;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Messages reach archives out of order, and clocks differ: it is asked from so long before the last one on.
const OVERLAP: Duration = Duration::from_mins(2);
/// An archive gets its messages from the bus as well, and may be behind: after so long it is asked once more.
const SETTLED: Duration = Duration::from_secs(30);
/// A connection that comes and goes all the time is not caught up with each time.
const BREATH: Duration = Duration::from_secs(1);
/// Between tries of an archive that does not answer.
const RETRY: Duration = Duration::from_secs(30);
/// Messages of a datanommer's page.
const ROWS: u32 = 200;

/// What comes from an archive.
pub(super) const CAUGHT_UP: Source = Source("catch-up");

pub(super) struct CatchUp {
    pub(super) settings: Fedmsg,
    pub(super) signatures: Option<Arc<Signatures>>,
    pub(super) gap: Gap,
    pub(super) datanommer: Datanommer,
    pub(super) journal: Arc<Journal>,
    pub(super) triage: Triage,
    pub(super) rebuild: Rebuild,
    pub(super) sender: mpsc::Sender<Delivery>,
    pub(super) clock: fn() -> Timestamp,
}

/// How a gap was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    Whole,
    /// Something is missing for good.
    NoArchive,
    TooMuch,
}

#[derive(Debug, thiserror::Error)]
enum CatchUpError {
    #[error(transparent)]
    Datagrepper(#[from] crate::outbound::DatagrepperError),
    #[error(transparent)]
    Datanommer(#[from] crate::datanommer::DatanommerError),
    #[error(transparent)]
    Journal(#[from] crate::store::StoreError),
    #[error("{0}")]
    NobodyTrusted(Refused),
    /// The server stops.
    #[error("nobody takes messages any more")]
    Stopped,
}

impl CatchUp {
    /// Closes gap after gap until it is told to stop.
    pub(super) async fn run(self, stop: CancellationToken) {
        let closing = async {
            let mut look_again = false;
            loop {
                self.close().await;
                tokio::time::sleep(BREATH).await;
                let reconnected = self.gap.reconnected();
                look_again = if look_again {
                    tokio::time::timeout(SETTLED, reconnected).await.is_ok()
                } else {
                    reconnected.await;
                    true
                };
            }
        };
        tokio::select! {
            () = closing => {}
            () = stop.cancelled() => {}
        }
    }

    /// Asks until it is answered.
    async fn close(&self) {
        let mut is_told = false;
        loop {
            let opening = self.gap.opening();
            match self.catch_up().await {
                Ok(()) => return self.gap.close(opening),
                Err(CatchUpError::Stopped) => return,
                Err(error) => {
                    metrics::counter!(telemetry::CATCH_UPS, "outcome" => "failed").increment(1);
                    // Nobody knows what is missing, nor till when: no page may pass for true meanwhile.
                    let instances =
                        if is_told { 0 } else { self.make_stale(None).await.unwrap_or(0) };
                    is_told = true;
                    tracing::warn!(
                        %error, instances,
                        "what fedmsg sent meanwhile can't be caught up with yet, and every widget that it may concern is built anew; trying again"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn catch_up(&self) -> Result<(), CatchUpError> {
        let until = (self.clock)();
        let Some(seen) = self.journal.last_seen(bus::FEDMSG.0).await? else {
            // Whoever begins to listen has missed nothing, but may miss something from now on.
            let begun = Seen { source: bus::FEDMSG.0, id: String::new(), sent_at: until };
            self.journal.take(Taken { seen: Some(begun), ..Taken::default() }).await?;
            return Ok(());
        };
        let since = seen.sent_at.checked_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let mut taken = Caught::default();
        let closed = if let Some(address) = &self.settings.datagrepper_url {
            self.ask_datagrepper(address, since, until, &mut taken).await?
        } else if self.datanommer.is_kept_here() {
            Closed::NoArchive
        } else {
            self.ask_datanommer(since, until, &mut taken).await?
        };
        let outcome = match closed {
            Closed::Whole => "whole",
            Closed::NoArchive => "no archive",
            Closed::TooMuch => "too much",
        };
        metrics::counter!(telemetry::CATCH_UPS, "outcome" => outcome).increment(1);
        if closed == Closed::Whole {
            let messages = taken.count;
            tracing::info!(%since, %until, messages, "caught up with what fedmsg sent meanwhile");
            return Ok(());
        }
        let read = Seen { sent_at: until, ..seen.clone() };
        let instances = self.make_stale(Some(read)).await?;
        let (missed_since, help) = match closed {
            Closed::TooMuch => (
                taken.last.unwrap_or(since),
                "raise [bus.fedmsg] catch_up_limit; `hubs datanommer import` fills the history",
            ),
            _ => (seen.sent_at, "[bus.fedmsg] datagrepper_url names an archive to ask"),
        };
        tracing::warn!(
            since = %missed_since, messages = taken.count, instances, help,
            "what fedmsg sent since is missed: every widget that it may concern is built anew"
        );
        Ok(())
    }

    async fn ask_datagrepper(
        &self,
        address: &str,
        since: Timestamp,
        until: Timestamp,
        taken: &mut Caught,
    ) -> Result<Closed, CatchUpError> {
        let mut archive = Datagrepper::at(address)?.of_fedmsg();
        let mut walk = Walk::new(since, until);
        loop {
            let lines = archive.page(&walk).await?;
            let is_last = lines.len() < archive.rows();
            let mut messages = Vec::with_capacity(lines.len());
            for line in &lines {
                if self.is_believed(line).await? {
                    messages.extend(parse_line(line).ok());
                }
            }
            let last = messages.iter().map(|message| message.sent_at).max();
            if !self.hand_on(messages, taken).await? {
                return Ok(Closed::TooMuch);
            }
            if is_last {
                return Ok(Closed::Whole);
            }
            walk.go_on(last);
        }
    }

    /// An archive keeps what was forged too. While there is nothing to judge by, it is asked again later.
    async fn is_believed(&self, line: &[u8]) -> Result<bool, CatchUpError> {
        let Some(signatures) = &self.signatures else { return Ok(true) };
        match signatures.check_archived_or_renew(line).await {
            Ok(()) => Ok(true),
            Err(nothing) if nothing.nobody_is_trusted() => {
                Err(CatchUpError::NobodyTrusted(nothing))
            }
            Err(why) => {
                let (source, reason) = (CAUGHT_UP.0, why.reason());
                metrics::counter!(telemetry::MESSAGES_SKIPPED, "source" => source, "reason" => reason)
                    .increment(1);
                tracing::debug!(reason, "a message of the archive is skipped: {why}");
                Ok(false)
            }
        }
    }

    async fn ask_datanommer(
        &self,
        since: Timestamp,
        until: Timestamp,
        taken: &mut Caught,
    ) -> Result<Closed, CatchUpError> {
        let (start, end) = (Some(since), Some(until));
        let mut query = Query { start, end, rows_per_page: ROWS, ..Query::default() };
        loop {
            let page = self.datanommer.grep(&query).await?;
            let is_last = u64::from(query.page) >= page.pages;
            if !self.hand_on(page.messages, taken).await? {
                return Ok(Closed::TooMuch);
            }
            if is_last {
                return Ok(Closed::Whole);
            }
            query.page += 1;
        }
    }

    /// Returns when the messages are on disk; `false` when they were too many, and some of them are left out.
    async fn hand_on(
        &self,
        messages: Vec<Message>,
        taken: &mut Caught,
    ) -> Result<bool, CatchUpError> {
        let mut receipts: Vec<oneshot::Receiver<()>> = Vec::new();
        let mut fits = true;
        for message in messages.into_iter().filter(|message| self.is_subscribed(message)) {
            if taken.count == self.settings.catch_up_limit {
                fits = false;
                break;
            }
            taken.count += 1;
            taken.last = taken.last.max(Some(message.sent_at));
            let (delivery, receipt) = Delivery::acknowledged(message, CAUGHT_UP);
            self.sender.send(delivery).await.map_err(|_| CatchUpError::Stopped)?;
            receipts.push(receipt);
        }
        for receipt in receipts {
            receipt.await.map_err(|_| CatchUpError::Stopped)?;
        }
        Ok(fits)
    }

    fn is_subscribed(&self, message: &Message) -> bool {
        let topics = &self.settings.topics;
        topics.iter().any(|topic| message.topic.as_str().starts_with(Fedmsg::prefix(topic)))
    }

    /// On disk before it counts, like any invalidation, and with it how far the bus counts as read. Returns how many
    /// instances it is.
    async fn make_stale(&self, seen: Option<Seen>) -> Result<usize, CatchUpError> {
        let cause = Cause { id: format!("gap-{}", (self.clock)()), topic: "hubs.gap".into() };
        let concerned = self.triage.concerned_by_buses();
        let due: Vec<Due> = concerned
            .into_iter()
            .map(|one| Due { id: one.id, hub: one.hub, cause: cause.clone() })
            .collect();
        let invalidations = due.iter().map(|one| (one.id, one.cause.clone())).collect();
        let sequence = self.journal.take(Taken { invalidations, seen, marks: vec![] }).await?;
        self.rebuild.invalidate(&due, sequence);
        Ok(due.len())
    }
}

/// What was taken from the archive.
#[derive(Debug, Default)]
struct Caught {
    count: usize,
    last: Option<Timestamp>,
}
