//! A connection to the broker, logged in.

use super::{
    stream, tls,
    trouble::{Doing, Trouble},
};
use crate::config;
use lapin::auth::AuthProvider;
use lapin::tcp::AsyncTcpStream;
use lapin::types::ShortString;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{Connection, ConnectionProperties};
use std::time::Duration;

/// A broker that has not let us in by then is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The login is the certificate.
struct External;

/// The trait's own answers are EXTERNAL's.
impl AuthProvider for External {}

pub(super) async fn connect(settings: &config::Amqp) -> Result<Connection, Trouble> {
    let (url, files) = (&settings.url, &settings.tls);
    // Read anew each time: certificates are renewed while we run.
    let tls = if url.tls { Some(tls::client(files)?) } else { None };
    let is_external = url.tls && files.certfile.is_some() && files.keyfile.is_some();
    let mut properties = ConnectionProperties::default();
    for (key, value) in &settings.client_properties {
        if let Ok(key) = ShortString::try_new(key.as_str()) {
            properties = properties.with_client_property(key, value.as_str().into());
        }
    }
    if is_external {
        properties = properties.with_auth_provider(External);
    }
    let doing = Doing::Connecting { user: url.user.clone(), vhost: url.vhost.clone(), is_external };
    let connecting = async {
        Connection::connector(
            uri(url),
            stream::runtime(),
            async move |uri, _| {
                let AMQPAuthority { host, port, .. } = uri.authority;
                Ok(AsyncTcpStream::Plain(stream::open(&host, port, tls.clone()).await?))
            },
            properties,
        )
        .await
    };
    match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(doing.failed()),
        Err(_) => Err(Trouble::Silent(PATIENCE)),
    }
}

fn uri(url: &config::AmqpUrl) -> AMQPUri {
    AMQPUri {
        scheme: if url.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: url.user.clone(),
                password: url.password.reveal().to_owned(),
            },
            host: url.host.clone(),
            port: url.port,
        },
        vhost: url.vhost.clone(),
        query: AMQPQueryString { heartbeat: url.heartbeat, ..AMQPQueryString::default() },
    }
}
