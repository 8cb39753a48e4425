//! The connection's bytes, encrypted or not, with the guard in front of the AMQP library.
//!
//! The library asks a "reactor" for its stream and its clock; ours is Tokio's, but for the stream.

use super::guard::Guard;
use async_rs::{Runtime, Tokio, traits::Reactor, util::RuntimeParts};
use futures_util::{
    Stream,
    io::{AsyncRead, AsyncWrite},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Of a broker: plain, or encrypted where there is something to encrypt with.
pub(super) async fn open(
    host: &str,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
) -> io::Result<Guarded> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Guarded::new(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Guarded::new(TlsConnector::from(tls).connect(name, stream).await?))
}

/// What the AMQP library runs on: the runtime that we are in.
pub(super) fn runtime() -> Runtime<RuntimeParts<Tokio, Ours>> {
    Runtime::new(RuntimeParts::new(Tokio::current(), Ours(Tokio::current())))
}

trait Both: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Both for S {}

pub(super) struct Guarded {
    inner: Box<dyn Both>,
    guard: Guard,
    /// Frames that nobody has read yet, from `at` on.
    ready: Vec<u8>,
    at: usize,
}

impl Guarded {
    fn new(inner: impl Both + 'static) -> Self {
        Self { inner: Box::new(inner), guard: Guard::default(), ready: Vec::new(), at: 0 }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        while this.at == this.ready.len() {
            let mut piece = [0; PIECE_BYTES];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(0));
            }
            this.ready.clear();
            this.at = 0;
            this.guard.pass(piece.filled(), &mut this.ready)?;
        }
        let length = into.len().min(this.ready.len() - this.at);
        into[..length].copy_from_slice(&this.ready[this.at..this.at + length]);
        this.at += length;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Ours(Tokio);

impl Reactor for Ours {
    type TcpStream = Guarded;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(time)
    }

    /// As [`open`], which is what is used: it knows of names and of encryption.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` would borrow the reactor")]
    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Guarded>> + Send + 'static {
        async move { Ok(Guarded::new(TcpStream::connect(address).await?)) }
    }
}
