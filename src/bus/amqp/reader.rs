//! One queue, read for ever: declared, bound, consumed, and begun anew whatever happens.

use super::super::skipped::{Skipped, Voice};
use super::{
    SOURCE, backoff::Backoff, connection::connect, properties, trouble::Doing, trouble::Trouble,
    unacknowledged::Unacknowledged,
};
use crate::bus::Delivery;
use crate::config::{self, AmqpQueue};
use crate::message::{Message, Properties, WireError, parse_delivery};
use crate::telemetry;
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer};
use metrics::counter;
use std::{sync::Arc, time::Duration, time::Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a stop waits for messages that are under way.
const FINISH: Duration = Duration::from_millis(600);
/// What a stop waits for the broker to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

pub(super) struct Reader {
    pub(super) settings: Arc<config::Amqp>,
    pub(super) queue: AmqpQueue,
    pub(super) deliveries: mpsc::Sender<Delivery>,
    pub(super) stop: CancellationToken,
    pub(super) skipped: Skipped,
}

impl Reader {
    pub(super) async fn read(mut self) {
        let mut backoff = Backoff::new(self.settings.reconnect);
        let mut voice = Voice::default();
        while let Err(trouble) = self.session(&mut backoff).await {
            counter!(telemetry::RECONNECTS, "source" => SOURCE.0).increment(1);
            let wait = backoff.wait();
            if let Some(unsaid) = voice.turn(Instant::now()) {
                let broker = &self.settings.url;
                tracing::warn!(
                    %broker,
                    queue = self.queue.name,
                    unsaid,
                    "no messages from the broker at {broker}: {trouble}; trying again in {wait:.1?}"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// From one connection to its end. Ends well only when it is time to stop.
    async fn session(&mut self, backoff: &mut Backoff) -> Result<(), Trouble> {
        let stop = self.stop.clone();
        let (connection, channel, mut consumer) = tokio::select! {
            opened = self.open() => opened?,
            () = stop.cancelled() => return Ok(()),
        };
        // Not sooner: a broker that lets us in and refuses the rest shall not be asked every second.
        backoff.reset();
        let (broker, queue) = (&self.settings.url, consumer.queue());
        tracing::info!(%broker, %queue, "reading the queue `{queue}` of the broker at {broker}");
        self.pass_on(&channel, &mut consumer).await?;
        // Whatever the broker has to say now changes nothing.
        let _ = tokio::time::timeout(GOODBYE, connection.close(200, "OK".into())).await;
        Ok(())
    }

    /// A connection whose queue is read.
    async fn open(&self) -> Result<(Connection, Channel, Consumer), Trouble> {
        let connection = connect(&self.settings).await?;
        let consuming = Doing::Consuming { queue: self.queue.name.clone() };
        let channel = connection.create_channel().await.map_err(consuming.failed())?;
        let queue = self.declare(&channel).await?;
        let consumer = self.consume(&channel, &queue).await?;
        Ok((connection, channel, consumer))
    }

    /// The queue with what goes into it; returns its name, which the broker may have made up.
    async fn declare(&self, channel: &Channel) -> Result<ShortString, Trouble> {
        let is_passive = self.settings.passive_declares;
        let name = short(&self.queue.name);
        let options = QueueDeclareOptions {
            passive: is_passive,
            durable: self.queue.durable,
            exclusive: self.queue.exclusive,
            auto_delete: self.queue.auto_delete,
            nowait: false,
        };
        let arguments = properties::to_table(&self.queue.arguments);
        let doing = Doing::Declaring { queue: self.queue.name.clone(), is_passive };
        let declared = channel.queue_declare(name, options, arguments).await;
        let name = declared.map_err(doing.failed())?.name().clone();
        for binding in &self.settings.bindings {
            if binding.queue.as_ref().is_some_and(|queue| *queue != self.queue.name) {
                continue;
            }
            for topic in &binding.topics {
                let doing =
                    Doing::Binding { queue: name.to_string(), exchange: binding.exchange.clone() };
                let (exchange, topic) = (short(&binding.exchange), short(topic));
                let options = QueueBindOptions::default();
                let bound = channel.queue_bind(
                    name.clone(),
                    exchange,
                    topic,
                    options,
                    FieldTable::default(),
                );
                bound.await.map_err(doing.failed())?;
            }
        }
        Ok(name)
    }

    async fn consume(&self, channel: &Channel, queue: &ShortString) -> Result<Consumer, Trouble> {
        let doing = || Doing::Consuming { queue: queue.to_string() };
        let qos = channel.basic_qos(self.settings.prefetch, BasicQosOptions::default());
        qos.await.map_err(doing().failed())?;
        let consumer = channel.basic_consume(
            queue.clone(),
            "hubs".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        consumer.await.map_err(doing().failed())
    }

    /// Hands on what comes and acknowledges what is on disk, until it is time to stop.
    async fn pass_on(&mut self, channel: &Channel, consumer: &mut Consumer) -> Result<(), Trouble> {
        let queue = consumer.queue().to_string();
        let doing = || Doing::Consuming { queue: queue.clone() };
        let mut unacknowledged = Unacknowledged::default();
        // One that came and found no room: the broker keeps the others.
        let mut held: Option<(u64, Message)> = None;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                settled = unacknowledged.settled(), if !unacknowledged.is_empty() => match settled {
                    Some(tag) => acknowledge(channel, tag).await.map_err(doing().failed())?,
                    // Nobody takes messages any more.
                    None => return Ok(()),
                },
                room = self.deliveries.reserve(), if held.is_some() => {
                    let Ok(room) = room else { return Ok(()) };
                    if let Some((tag, message)) = held.take() {
                        let (delivery, receipt) = Delivery::acknowledged(message, SOURCE);
                        unacknowledged.push(tag, receipt);
                        room.send(delivery);
                    }
                }
                next = consumer.next(), if held.is_none() => match next {
                    Some(Ok(delivery)) => match parse(&delivery) {
                        Ok(message) => held = Some((delivery.delivery_tag, message)),
                        Err(why) => {
                            let topic = delivery.routing_key.as_str();
                            self.skipped.add(topic, why.reason(), &why, Instant::now());
                            refuse(channel, delivery.delivery_tag).await.map_err(doing().failed())?;
                        }
                    },
                    Some(Err(error)) => return Err(doing().failed()(error)),
                    None => return Err(Trouble::Cancelled(queue)),
                },
            }
        }
        let finish = async {
            let _ = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await;
            while !unacknowledged.is_empty() {
                let Some(tag) = unacknowledged.settled().await else { return };
                if acknowledge(channel, tag).await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(FINISH, finish).await.is_err() {
            tracing::warn!("messages of AMQP are not on disk yet: the broker will send them again");
        }
        Ok(())
    }
}

/// This one and all before it.
async fn acknowledge(channel: &Channel, tag: u64) -> lapin::Result<()> {
    channel.basic_ack(tag, BasicAckOptions { multiple: true }).await
}

/// It would be no better the next time; where the queue has a dead-letter exchange it goes there.
async fn refuse(channel: &Channel, tag: u64) -> lapin::Result<()> {
    channel.basic_nack(tag, BasicNackOptions { multiple: false, requeue: false }).await
}

fn parse(delivery: &lapin::message::Delivery) -> Result<Message, WireError> {
    let given = &delivery.properties;
    let properties = Properties {
        topic: delivery.routing_key.as_str(),
        id: given.message_id().as_ref().map(ShortString::as_str),
        content_encoding: given.content_encoding().as_ref().map(ShortString::as_str),
        headers: given.headers().as_ref().map(properties::to_json).unwrap_or_default(),
    };
    parse_delivery(properties, &delivery.data)
}

/// Names from hubs.toml, whose length was looked at there.
fn short(name: &str) -> ShortString {
    ShortString::try_new(name).unwrap_or_default()
}
