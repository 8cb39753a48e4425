//! One publisher to listen to: its SUB socket, and what becomes of the connection.

use super::BusError;
use crate::{bus::Gap, bus::skipped::Voice, config, message::MAX_LINE_BYTES};
use std::time::{Duration, Instant};

/// ZeroMQ hangs up on a sender of more, to protect our memory. What lies between our own limit and this one is
/// received, counted and skipped, and costs no connection.
const HANG_UP_BYTES: usize = 4 * MAX_LINE_BYTES;

/// A publisher, and what ZeroMQ says of the connection to it.
pub(super) struct Endpoint {
    name: String,
    pub(super) messages: zmq::Socket,
    pub(super) events: zmq::Socket,
    voice: Voice,
}

impl Endpoint {
    pub(super) fn connect(
        context: &zmq::Context,
        n: usize,
        name: &str,
        settings: &config::Fedmsg,
    ) -> Result<Self, BusError> {
        let messages = subscriber(context, settings)?;
        let monitor = format!("inproc://events-{n}");
        let watched = zmq::SocketEvent::HANDSHAKE_SUCCEEDED.to_raw()
            | zmq::SocketEvent::DISCONNECTED.to_raw();
        messages.monitor(&monitor, watched.into())?;
        let events = context.socket(zmq::PAIR)?;
        events.connect(&monitor)?;
        messages.connect(name).map_err(|why| BusError::Endpoint { endpoint: name.into(), why })?;
        Ok(Self { name: name.into(), messages, events, voice: Voice::default() })
    }

    /// Tells the log of what happened to the connection, and whoever catches up with what it cost. To the log one that
    /// comes and goes all the time is not told each time.
    pub(super) fn report(&mut self, gap: &Gap) {
        while let Ok(event) = self.events.recv_multipart(zmq::DONTWAIT) {
            let Some(&[low, high, ..]) = event.first().map(Vec::as_slice) else { continue };
            let event = zmq::SocketEvent::from_raw(u16::from_le_bytes([low, high]));
            let is_connected = event == zmq::SocketEvent::HANDSHAKE_SUCCEEDED;
            if is_connected {
                gap.connected();
            } else {
                gap.open();
            }
            let Some(unsaid) = self.voice.turn(Instant::now()) else { continue };
            let endpoint = &self.name;
            if is_connected {
                tracing::info!(endpoint, unsaid, "connected to fedmsg at {endpoint}");
            } else {
                tracing::warn!(endpoint, unsaid, "lost fedmsg at {endpoint}: connecting again");
            }
        }
    }
}

fn subscriber(context: &zmq::Context, settings: &config::Fedmsg) -> zmq::Result<zmq::Socket> {
    let socket = context.socket(zmq::SUB)?;
    socket.set_rcvhwm(settings.connection.high_water_mark)?;
    socket.set_maxmsgsize(i64::try_from(HANG_UP_BYTES).expect("a few mebibytes fit"))?;
    socket.set_linger(0)?;
    configure(&socket, &settings.connection)?;
    if settings.topics.is_empty() {
        socket.set_subscribe(b"")?;
    }
    for topic in &settings.topics {
        socket.set_subscribe(config::Fedmsg::prefix(topic).as_bytes())?;
    }
    Ok(socket)
}

/// What subscribers and publishers share: a dead peer is noticed, and tried again.
pub(super) fn configure(socket: &zmq::Socket, connection: &config::Connection) -> zmq::Result<()> {
    let whole = |number: u128| i32::try_from(number).unwrap_or(i32::MAX);
    let seconds = |time: Duration| whole(time.as_secs().into());
    let millis = |time: Duration| whole(time.as_millis());
    socket.set_tcp_keepalive(i32::from(connection.tcp_keepalive))?;
    if connection.tcp_keepalive {
        socket.set_tcp_keepalive_cnt(connection.tcp_keepalive_cnt)?;
        socket.set_tcp_keepalive_idle(seconds(connection.tcp_keepalive_idle))?;
        socket.set_tcp_keepalive_intvl(seconds(connection.tcp_keepalive_intvl))?;
    }
    socket.set_reconnect_ivl(millis(connection.reconnect_ivl))?;
    socket.set_reconnect_ivl_max(millis(connection.reconnect_ivl_max))?;
    socket.set_ipv6(true)
}
