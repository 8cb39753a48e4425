//! What hubs says on fedmsg: envelopes in its form, signed, from a PUB socket with a thread of its own.
//!
//! Nobody who publishes waits: there is room for some messages, and who finds none is told. Subscribers connect to us; or,
//! when `active`, we connect to a relay, and nothing leaves before it is there. ZeroMQ drops what a slow subscriber does
//! not take, as fedmsg always did.
//!
//! ```text
//! let publisher = FedmsgPublisher::start(&settings.publish, &settings.connection)?;
//! publisher.publish(&message)?;       // its topic, id, time and body; at once
//! publisher.stop().await;             // when what was taken has left
//! ```

use super::endpoint::configure;
use crate::{
    config,
    message::{Canonical, CanonicalError, Message},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rsa::{
    PrivateKey, pkcs1::DecodeRsaPrivateKey, pkcs1v15::SigningKey, pkcs8::DecodePrivateKey,
    signature::SignatureEncoding, signature::Signer,
};
use serde_json::{Value, json};
use sha1::Sha1;
use std::{path::PathBuf, thread};
use tokio::sync::mpsc;
use x509_parser::{certificate::X509Certificate, pem::parse_x509_pem, prelude::FromDer};

/// So many messages may wait to be signed and sent; further ones are refused.
const WAITING: usize = 1024;
/// What is sent is given so long to leave when we stop, as in fedmsg.
const LINGER_MILLIS: i32 = 1000;
/// How often a thread that waits for a relay looks whether it should stop.
const LOOK_MILLIS: i64 = 100;
/// fedmsg breaks base64 there.
const LINE: usize = 76;

#[derive(Debug, thiserror::Error)]
pub enum FedmsgPublishError {
    #[error("`[bus.fedmsg.publish] certificate` is `{}`, which {why}", .path.display())]
    Certificate { path: PathBuf, why: String },
    #[error(
        "`[bus.fedmsg.publish] key` is no RSA key in PEM without a passphrase (PKCS#1 or PKCS#8)"
    )]
    Key,
    #[error(
        "`[bus.fedmsg.publish] key` is not the key of `certificate`: messages could not be verified"
    )]
    OtherKey,
    #[error(
        "`[bus.fedmsg.publish] endpoint` is `{endpoint}` ({why}): give one that is free, or set `active = true` for a relay that listens there"
    )]
    Endpoint { endpoint: String, why: zmq::Error },
    #[error("ZeroMQ does not start: {0}")]
    ZeroMq(#[from] zmq::Error),
    #[error("no thread to publish on fedmsg: {0}")]
    Thread(std::io::Error),
    #[error("{WAITING} messages wait to be published on fedmsg already: this one is not")]
    Full,
    #[error("nothing is published on fedmsg any more: it has stopped")]
    Stopped,
}

/// Signs and sends. Dropped, it ends soon; [`FedmsgPublisher::stop`] waits for that.
pub struct FedmsgPublisher {
    sender: mpsc::Sender<Outgoing>,
    endpoint: String,
    thread: thread::JoinHandle<()>,
}

struct Outgoing {
    topic: String,
    envelope: Value,
}

impl FedmsgPublisher {
    pub fn start(
        settings: &config::Publish,
        connection: &config::Connection,
    ) -> Result<Self, FedmsgPublishError> {
        let seal = Seal::read(settings)?;
        let socket = zmq::Context::new().socket(zmq::XPUB)?;
        socket.set_sndhwm(connection.high_water_mark)?;
        socket.set_linger(LINGER_MILLIS)?;
        configure(&socket, connection)?;
        let endpoint = &settings.endpoint;
        let met = if settings.active { socket.connect(endpoint) } else { socket.bind(endpoint) };
        met.map_err(|why| FedmsgPublishError::Endpoint { endpoint: endpoint.clone(), why })?;
        let bound = socket.get_last_endpoint()?;
        let endpoint = bound.unwrap_or_else(|_| endpoint.clone());
        let (sender, receiver) = mpsc::channel(WAITING);
        let sending = Sending { socket, seal, receiver, username: settings.username.clone() };
        let active = settings.active;
        let thread = thread::Builder::new()
            .name("fedmsg publisher".into())
            .spawn(move || sending.run(active))
            .map_err(FedmsgPublishError::Thread)?;
        tracing::info!(endpoint, active, "publishing on fedmsg");
        Ok(Self { sender, endpoint, thread })
    }

    /// Where it listens, or the relay.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Takes a message to be signed and sent. Never waits; what is sent is not heard of again.
    pub fn publish(&self, message: &Message) -> Result<(), FedmsgPublishError> {
        let envelope = json!({
            "topic": message.topic.as_str(),
            "msg": *message.body,
            "msg_id": message.id,
            "timestamp": message.sent_at.as_second(),
            "crypto": "x509",
        });
        let outgoing = Outgoing { topic: message.topic.as_str().to_owned(), envelope };
        self.sender.try_send(outgoing).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => FedmsgPublishError::Full,
            mpsc::error::TrySendError::Closed(_) => FedmsgPublishError::Stopped,
        })
    }

    /// Takes no more. Returns when what was taken has left, or what cannot leave is given up.
    pub async fn stop(self) {
        let Self { sender, thread, .. } = self;
        drop(sender);
        let joined = tokio::task::spawn_blocking(|| thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the thread that publishes on fedmsg ended by a panic");
        }
    }
}

struct Sending {
    socket: zmq::Socket,
    seal: Seal,
    receiver: mpsc::Receiver<Outgoing>,
    username: String,
}

impl Sending {
    fn run(mut self, active: bool) {
        if active && !self.relay_is_there() {
            return;
        }
        let mut count: u64 = 0;
        while let Some(Outgoing { topic, mut envelope }) = self.receiver.blocking_recv() {
            count += 1;
            envelope["i"] = count.into();
            envelope["username"] = self.username.as_str().into();
            // Subscriptions are told to us; they are ZeroMQ's to know.
            while self.socket.recv_bytes(zmq::DONTWAIT).is_ok() {}
            if let Err(why) = self.send(&topic, &envelope) {
                tracing::warn!(topic, "a message was not published on fedmsg: {why}");
            }
        }
    }

    fn send(&self, topic: &str, envelope: &Value) -> Result<(), String> {
        let signed = self.seal.sign(envelope).map_err(|why| why.to_string())?;
        let frames = [topic.as_bytes(), &signed];
        self.socket.send_multipart(frames, zmq::DONTWAIT).map_err(|why| why.to_string())
    }

    /// Waits until the relay has subscribed: what is sent before that is lost. False when it is time to stop.
    fn relay_is_there(&self) -> bool {
        while !self.receiver.is_closed() {
            if self.socket.poll(zmq::POLLIN, LOOK_MILLIS).is_ok_and(|events| events > 0) {
                return true;
            }
        }
        false
    }
}

/// The key, and the certificate that goes with each message.
struct Seal {
    key: SigningKey<Sha1>,
    certificate: String,
}

impl Seal {
    fn read(settings: &config::Publish) -> Result<Self, FedmsgPublishError> {
        let path = &settings.certificate;
        let unfit = |why: String| FedmsgPublishError::Certificate { path: path.clone(), why };
        let text = std::fs::read(path).map_err(|why| unfit(format!("can't be read: {why}")))?;
        let none = || unfit("holds no certificate in PEM".into());
        let (_, block) = parse_x509_pem(&text).map_err(|_| none())?;
        let (_, certificate) = X509Certificate::from_der(&block.contents).map_err(|_| none())?;
        let pem = settings.key.reveal();
        let key = PrivateKey::from_pkcs8_pem(pem)
            .or_else(|_| PrivateKey::from_pkcs1_pem(pem))
            .map_err(|_| FedmsgPublishError::Key)?;
        let public = rsa::pkcs1::EncodeRsaPublicKey::to_pkcs1_der(&key.to_public_key());
        let same = public.is_ok_and(|public| {
            public.as_bytes() == &*certificate.public_key().subject_public_key.data
        });
        if !same {
            return Err(FedmsgPublishError::OtherKey);
        }
        // One certificate, and nothing around it.
        let body = in_lines(&BASE64_STANDARD.encode(&block.contents), 64);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n");
        let certificate = in_lines(&BASE64_STANDARD.encode(pem), LINE);
        Ok(Self { key: SigningKey::new(key), certificate })
    }

    fn sign(&self, envelope: &Value) -> Result<Vec<u8>, CanonicalError> {
        let mut envelope = Canonical::read(envelope.to_string().as_bytes())?;
        let signature = self.key.sign(&envelope.to_bytes()).to_bytes();
        let text = |text: &str| Value::from(text).to_string();
        envelope.set("signature", &text(&in_lines(&BASE64_STANDARD.encode(signature), LINE)));
        envelope.set("certificate", &text(&self.certificate));
        Ok(envelope.to_bytes())
    }
}

/// Each line ends, the last one too.
fn in_lines(text: &str, width: usize) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / width + 1);
    for line in text.as_bytes().chunks(width) {
        lines.extend(line.iter().map(|byte| char::from(*byte)));
        lines.push('\n');
    }
    lines
}
