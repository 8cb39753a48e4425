//! The way in: the buses that hubs.toml names, what takes their messages, and what closes their gaps.

use super::catch_up::CatchUp;
use super::intake::Intake;
use super::mirror::Mirroring;
use super::signatures::signatures;
use super::taken::TakenBefore;
use crate::bus::{self, Amqp, Delivery, Fedmsg, Gap};
use crate::config;
use crate::datanommer::Datanommer;
use crate::rebuild::Rebuild;
use crate::store::{Journal, Store};
use crate::triage::Triage;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a message meets on its way.
pub(super) struct Parts {
    pub(super) triage: Triage,
    pub(super) datanommer: Datanommer,
    pub(super) journal: Arc<Journal>,
    pub(super) rebuild: Rebuild,
    pub(super) store: Store,
    pub(super) mirroring: Mirroring,
    pub(super) clock: fn() -> Timestamp,
}

pub(super) struct Buses {
    fedmsg: Option<Fedmsg>,
    amqp: Option<Amqp>,
}

impl Buses {
    /// Connects to the buses. What comes by them, and by the sender that is returned, is taken by tasks of `tasks`.
    pub(super) async fn open(
        settings: &config::Bus,
        parts: Parts,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<(Self, mpsc::Sender<Delivery>)> {
        let Parts { triage, datanommer, journal, rebuild, store, mirroring, clock } = parts;
        let (sender, receiver) = bus::channel();
        let gap = Gap::default();
        let intake = Intake {
            triage: triage.clone(),
            datanommer: datanommer.clone(),
            journal: journal.clone(),
            rebuild: rebuild.clone(),
            store,
            mirroring,
            taken: TakenBefore::new(&journal.marks().await?),
            gap: gap.clone(),
            clock,
        };
        tasks.spawn(intake.run(receiver, stop.clone()));
        let signatures = match &settings.fedmsg {
            Some(fedmsg) => signatures(fedmsg, clock).await?,
            None => None,
        };
        let fedmsg = settings
            .fedmsg
            .as_ref()
            .map(|fedmsg| Fedmsg::start(fedmsg, signatures.clone(), sender.clone(), gap.clone()));
        let amqp = settings.amqp.as_ref().map(|amqp| Amqp::start(amqp, &sender));
        let buses = Self { fedmsg: fedmsg.transpose()?, amqp: amqp.transpose()? };
        if let Some(settings) = settings.fedmsg.clone() {
            let sender = sender.clone();
            let catch_up = CatchUp {
                settings,
                signatures,
                gap,
                datanommer,
                journal,
                triage,
                rebuild,
                sender,
                clock,
            };
            tasks.spawn(catch_up.run(stop.clone()));
        }
        Ok((buses, sender))
    }

    /// Takes no more messages; returns when those that were taken are handed on.
    pub(super) async fn stop(self) {
        if let Some(fedmsg) = self.fedmsg {
            fedmsg.stop().await;
        }
        if let Some(amqp) = self.amqp {
            amqp.stop().await;
        }
    }
}
