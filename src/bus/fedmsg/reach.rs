//! Whether there is a publisher at an endpoint: a connection, and the first byte that each ZeroMQ says.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpStream, UnixStream};

/// With it begins what ZeroMQ says when somebody connects.
const GREETING: u8 = 0xff;
const PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing will come from there.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    #[error("`{0}` is no endpoint: write `tcp://host:port`")]
    NoEndpoint(String),
    #[error(
        "`{endpoint}` can't be reached ({why}): does it run, and does a firewall stand between?"
    )]
    Unreachable { endpoint: String, why: io::Error },
    #[error(
        "`{0}` can be reached, but what is there is no fedmsg: it does not say what ZeroMQ says"
    )]
    NoZeroMq(String),
}

impl super::Fedmsg {
    /// Connects to one endpoint and lets it go again. ZeroMQ itself would try for ever and say nothing.
    pub async fn reach(endpoint: &str) -> Result<(), ReachError> {
        let unreachable = |why| ReachError::Unreachable { endpoint: endpoint.into(), why };
        let late = || unreachable(io::Error::from(io::ErrorKind::TimedOut));
        let mut stream: Box<dyn AsyncRead + Unpin + Send> = match endpoint.split_once("://") {
            Some(("tcp", place)) => {
                let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(place)).await;
                Box::new(connecting.map_err(|_| late())?.map_err(unreachable)?)
            }
            Some(("ipc", path)) => Box::new(UnixStream::connect(path).await.map_err(unreachable)?),
            _ => return Err(ReachError::NoEndpoint(endpoint.into())),
        };
        match tokio::time::timeout(PATIENCE, stream.read_u8()).await {
            Ok(Ok(GREETING)) => Ok(()),
            _ => Err(ReachError::NoZeroMq(endpoint.into())),
        }
    }
}
