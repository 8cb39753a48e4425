//! The two that are compared: hubs as `web` serves it, and a loop that writes to sockets.

use crate::COLLECT;
use crate::clients::now;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use futures_util::stream;
use hubs::hub::{HubName, InstanceId};
use hubs::live::{Announcement, Heard, Kind, Listener, Live};
use std::convert::Infallible;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// For what is on its way. Left to itself the kernel takes up to 4 MiB for a client that does not read.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// For what is not: it should wait in the ring, where it is shared and stays the newest, not in the kernel.
const UNSENT_BYTES: u32 = 8 * 1024;

pub(super) trait Server {
    fn address(&self) -> SocketAddr;
    /// Waits until that many are connected, where nobody else does.
    fn accepted(&mut self, count: usize);
    fn send(&mut self, bytes: usize);
}

fn bind() -> TcpListener {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // Accepted sockets inherit both.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES).expect("a socket can");
    socket.set_tcp_notsent_lowat(UNSENT_BYTES).expect("a socket can");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("loopback");
    socket.listen(4096).expect("a bound socket");
    socket.into()
}

/// JSON of a given length that ends with when its fan-out starts.
fn event(bytes: usize, starts: Duration) -> String {
    let tail = format!("\",\"at\":{}}}", starts.as_nanos());
    let head = "{\"html\":\"";
    format!("{head}{}{tail}", "x".repeat(bytes.saturating_sub(head.len() + tail.len())))
}

pub(super) struct HubsServer {
    live: Live,
    hub: HubName,
    address: SocketAddr,
    /// The server ends with it.
    _runtime: Runtime,
}

impl HubsServer {
    pub(super) fn start() -> Self {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let _inside = runtime.enter();
        let live = Live::new(1);
        let listener = bind();
        listener.set_nonblocking(true).expect("a socket can");
        let address = listener.local_addr().expect("it is bound");
        let listener = tokio::net::TcpListener::from_std(listener)
            .expect("it does not block")
            .tap_io(|stream| drop(stream.set_nodelay(true)));
        let routes =
            axum::Router::new().route("/{hub}/events", get(events)).with_state(live.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { live, hub: "ralph".parse().expect("a name"), address, _runtime: runtime }
    }

    /// Waits until that many listen.
    pub(super) fn viewers(&self, count: usize) {
        while self.live.viewers(&self.hub) < count {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn events(State(live): State<Live>, Path(hub): Path<HubName>) -> Response {
    let frames = stream::unfold(live.listen(&hub, None), next);
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response()
}

async fn next(mut listener: Listener) -> Option<(Result<Bytes, Infallible>, Listener)> {
    loop {
        match listener.next().await {
            Heard::Frame(frame) => return Some((Ok(frame), listener)),
            Heard::Moved | Heard::Recheck => {}
            Heard::Closed => return None,
        }
    }
}

impl Server for HubsServer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accepted(&mut self, count: usize) {
        self.viewers(count);
    }

    fn send(&mut self, bytes: usize) {
        let data = event(bytes, now() + COLLECT).into();
        self.live.announce(&self.hub, Announcement { kind: Kind::Widget(InstanceId(1)), data });
    }
}

pub(super) struct PlainServer {
    listener: TcpListener,
    streams: Vec<TcpStream>,
}

impl PlainServer {
    pub(super) fn start() -> Self {
        Self { listener: bind(), streams: Vec::new() }
    }
}

impl Server for PlainServer {
    fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    fn accepted(&mut self, count: usize) {
        let mut request = [0; 1024];
        while self.streams.len() < count {
            let (mut stream, _) = self.listener.accept().expect("a client");
            let read = stream.read(&mut request).expect("a request");
            assert!(read > 0);
            stream.set_nodelay(true).expect("a socket can");
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nretry: 3000\n\n",
                )
                .expect("it is open");
            stream.set_nonblocking(true).expect("a socket can");
            self.streams.push(stream);
        }
    }

    fn send(&mut self, bytes: usize) {
        let frame = format!("id: 1-1\nevent: widget\ndata: {}\n\n", event(bytes, now()));
        for stream in &mut self.streams {
            match stream.write(frame.as_bytes()) {
                Ok(written) => assert_eq!(written, frame.len()),
                Err(full) => assert_eq!(full.kind(), ErrorKind::WouldBlock),
            }
        }
    }
}
