//! fedmsg over ZeroMQ: one thread that waits on a SUB socket per endpoint.
//!
//! ZeroMQ's sockets are synchronous, so they have a thread to themselves. It reconnects by itself, for ever. A publisher
//! never waits for us: what an outage or a flood (`backlog`) costs is caught up with from history. What is not signed as
//! it must be (`signature`) goes no further.

mod backlog;
mod endpoint;
mod publisher;
mod reach;
mod signature;
mod trust;

pub use publisher::{FedmsgPublishError, FedmsgPublisher};
pub use reach::ReachError;
pub use signature::{Fetch, Refused, Signatures, TrustError};

use super::{Delivery, FEDMSG, Gap, skipped::Skipped};
use crate::{
    config,
    message::{Message, WireError, parse_frames},
};
use backlog::{Backlog, Closed};
use endpoint::Endpoint;
use std::{fmt::Display, sync::Arc, thread, time::Instant};
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// Messages that one endpoint may have before the others get their turn.
const AT_A_TURN: usize = 64;
/// Between looks for room, in milliseconds, while messages wait for some and no others come.
const LOOK_FOR_ROOM: i64 = 5;

/// The subscriber. Dropped, it ends soon; [`Fedmsg::stop`] waits for that.
pub struct Fedmsg {
    stop: CancellationToken,
    wake: zmq::Socket,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("`[bus.fedmsg] endpoints` has `{endpoint}` ({why}): write `tcp://host:port`")]
    Endpoint { endpoint: String, why: zmq::Error },
    #[error("ZeroMQ does not start: {0}")]
    ZeroMq(#[from] zmq::Error),
    #[error("no thread for fedmsg: {0}")]
    Thread(std::io::Error),
}

impl Fedmsg {
    /// Connects to the endpoints and hands on what comes. Must be called within a Tokio runtime. An endpoint that does
    /// not answer is no error: it is tried again until it does. Without `signatures` messages are taken as they come.
    pub fn start(
        settings: &config::Fedmsg,
        signatures: Option<Arc<Signatures>>,
        deliveries: mpsc::Sender<Delivery>,
        gap: Gap,
    ) -> Result<Self, BusError> {
        if signatures.is_none() {
            tracing::warn!(
                "fedmsg: signatures are not checked, whoever reaches us can say anything in anybody's name"
            );
        }
        let context = zmq::Context::new();
        let mut endpoints = Vec::new();
        for (n, name) in settings.endpoints.iter().enumerate() {
            endpoints.push(Endpoint::connect(&context, n, name, settings)?);
        }
        let (wake, woken) = (context.socket(zmq::PAIR)?, context.socket(zmq::PAIR)?);
        woken.bind("inproc://stop")?;
        wake.connect("inproc://stop")?;
        let stop = CancellationToken::new();
        let listener = Listener {
            endpoints,
            woken,
            signatures,
            stop: stop.clone(),
            backlog: Backlog::new(deliveries, gap.clone(), room(settings)),
            gap,
            runtime: Handle::current(),
            skipped: Skipped::new(FEDMSG),
        };
        let thread = thread::Builder::new()
            .name("fedmsg".into())
            .spawn(|| listener.listen())
            .map_err(BusError::Thread)?;
        tracing::info!(endpoints = ?settings.endpoints, "subscribed to fedmsg");
        Ok(Self { stop, wake, thread: Some(thread) })
    }

    /// Takes no more messages. Returns when the last one taken has been handed on.
    pub async fn stop(mut self) {
        let thread = self.thread.take();
        drop(self);
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(|| thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the fedmsg thread ended by a panic");
            }
        }
    }
}

impl Drop for Fedmsg {
    fn drop(&mut self) {
        // Two signals: the thread waits either for the authority's files or for a socket.
        self.stop.cancel();
        let _ = self.wake.send("stop", zmq::DONTWAIT);
    }
}

struct Listener {
    endpoints: Vec<Endpoint>,
    woken: zmq::Socket,
    signatures: Option<Arc<Signatures>>,
    stop: CancellationToken,
    backlog: Backlog,
    gap: Gap,
    runtime: Handle,
    skipped: Skipped,
}

impl Listener {
    fn listen(mut self) {
        while !self.stop.is_cancelled() {
            let readable = self.readable();
            if self.backlog.hand_on().is_err() {
                return;
            }
            for n in readable {
                self.endpoints[n].report(&self.gap);
                for _ in 0..AT_A_TURN {
                    let Some(frames) = receive(&self.endpoints[n].messages) else { break };
                    if self.take(&frames).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until an endpoint has something, and says which; also returns, with nothing, when it is time to stop.
    fn readable(&self) -> Vec<usize> {
        let sockets = self.endpoints.iter().flat_map(|e| [&e.messages, &e.events]);
        let mut waiting: Vec<zmq::PollItem<'_>> =
            sockets.chain([&self.woken]).map(|s| s.as_poll_item(zmq::POLLIN)).collect();
        let patience = if self.backlog.is_empty() { -1 } else { LOOK_FOR_ROOM };
        match zmq::poll(&mut waiting, patience) {
            Ok(_) => {
                let pairs = waiting.chunks_exact(2).enumerate();
                let readable =
                    pairs.filter(|(_, pair)| pair.iter().any(zmq::PollItem::is_readable));
                readable.map(|(n, _)| n).collect()
            }
            Err(zmq::Error::EINTR) => Vec::new(),
            Err(why) => {
                tracing::error!("fedmsg can't wait for its sockets and stops: {why}");
                self.stop.cancel();
                Vec::new()
            }
        }
    }

    fn take(&mut self, frames: &Frames) -> Result<(), Closed> {
        let message = match frames.message() {
            Ok(message) => message,
            Err(why) => {
                self.skip(frames, why.reason(), &why);
                return Ok(());
            }
        };
        match self.check(&frames.kept[1]) {
            Some(Ok(())) => self.backlog.deliver(Delivery::new(message, FEDMSG)),
            Some(Err(why)) => {
                self.skip(frames, why.reason(), &why);
                Ok(())
            }
            None => Err(Closed),
        }
    }

    fn skip(&mut self, frames: &Frames, reason: &'static str, why: &dyn Display) {
        let topic = String::from_utf8_lossy(&frames.kept[0]);
        self.skipped.add(&topic, reason, why, Instant::now());
    }

    /// What its signature says; nothing when it is time to stop.
    fn check(&self, envelope: &[u8]) -> Option<Result<(), Refused>> {
        let Some(signatures) = &self.signatures else { return Some(Ok(())) };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                checked = signatures.check_or_renew(envelope) => Some(checked),
                () = self.stop.cancelled() => None,
            }
        })
    }
}

/// What the settings let wait, of all endpoints together.
fn room(settings: &config::Fedmsg) -> usize {
    let of_each = usize::try_from(settings.connection.high_water_mark).unwrap_or(1);
    of_each.saturating_mul(settings.endpoints.len().max(1))
}

/// The frames of one message: two of them kept, all of them counted, so that a sender of thousands costs nothing.
struct Frames {
    kept: Vec<Vec<u8>>,
    count: usize,
}

impl Frames {
    fn message(&self) -> Result<Message, WireError> {
        if self.count > self.kept.len() {
            return Err(WireError::Frames(self.count));
        }
        parse_frames(&self.kept)
    }
}

/// The next message of a socket, if there is one. ZeroMQ hands out a message's frames together or not at all.
fn receive(socket: &zmq::Socket) -> Option<Frames> {
    let first = socket.recv_bytes(zmq::DONTWAIT).ok()?;
    let mut frames = Frames { kept: vec![first], count: 1 };
    while socket.get_rcvmore().ok()? {
        let frame = socket.recv_msg(0).ok()?;
        frames.count += 1;
        if frames.kept.len() < 2 {
            frames.kept.push(frame.to_vec());
        }
    }
    Some(frames)
}

#[cfg(test)]
mod tests;
