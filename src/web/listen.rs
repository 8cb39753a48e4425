//! The listening socket, and serving on it until it is time to stop.

use anyhow::Context;
use axum::Router;
use axum::serve::ListenerExt;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A reader who does not read costs this much of the kernel's memory instead of 4 MiB; measured to cost no speed.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// What may lie in the kernel unsent: with less waiting there, a slow reader gets a newer state sooner.
const UNSENT_BYTES: u32 = 8 << 10;
/// Connections that wait to be taken up: a restart makes every browser come back at once.
const BACKLOG: i32 = 4_096;
/// What was written and not acknowledged for so long is lost, and with it the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        // Connections inherit both from the listener.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    bound().with_context(|| {
        format!("{address} can't be listened on; --listen or [server] listen names another address")
    })
}

/// Serves until it is told to stop, then finishes the answers that are under way.
pub async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_secs(10));
    let listener = listener.tap_io(move |stream| {
        let socket = SockRef::from(&*stream);
        let set = stream
            .set_nodelay(true)
            .and_then(|()| socket.set_tcp_keepalive(&keepalive))
            .and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
        if let Err(error) = set {
            tracing::debug!(%error, "a connection was gone before it was set up");
        }
    });
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let served =
        axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "serving ended");
    }
}
