//! Fedora Messaging over a real RabbitMQ, with the real fedora-messaging at the other end.

mod broker;
mod crash;
mod online;
mod own;
mod python;
mod reading;
mod recording;
mod refused;

use broker::Vhost;
use hubs::bus::{self, Amqp, Delivery};
use hubs::config::{self, Settings};
use std::fmt::Display;
use tokio::sync::mpsc;

/// `[bus.amqp]` of a vhost, with more lines.
pub(crate) fn toml(url: impl Display, more: &str) -> String {
    format!("[bus.amqp]\nurl = \"{url}\"\nreconnect = \"20ms\"\n{more}\n")
}

pub(crate) fn settings(text: &str) -> config::Amqp {
    let settings = Settings::parse(text, "hubs.toml");
    settings.unwrap_or_else(|problems| panic!("{problems:#?}")).bus.amqp.unwrap()
}

/// Readers without a house: what they hand on is ours to take.
pub(crate) struct Reading {
    pub(crate) amqp: Amqp,
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
}

impl Reading {
    pub(crate) fn start(settings: &config::Amqp) -> Self {
        let (sender, deliveries) = bus::channel();
        let amqp = Amqp::start(settings, &sender).unwrap();
        Self { amqp, deliveries }
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        let next = tokio::time::timeout(crate::harness::PATIENCE, self.deliveries.recv());
        next.await.expect("a message comes").unwrap()
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < crate::harness::PATIENCE, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// From then on nothing that is published is missed.
pub(crate) async fn consumed(vhost: &Vhost, queue: &str) {
    until("the queue is read", || vhost.consumers(queue) == 1).await;
}
