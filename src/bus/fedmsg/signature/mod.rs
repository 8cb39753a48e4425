//! Whether a message of fedmsg is what its signer wrote, and whether that signer may speak on its topic.
//!
//! Judged as fedmsg's own consumers do, on the text as it came. What the judgement rests on (`trust`) is loaded at the
//! start, and once more when it is what fails: an authority may have a new certificate, a list of revoked ones runs out.

use super::trust::{Trust, Unfit};
use crate::{
    config::{self, Location},
    message::{Canonical, CanonicalError},
};
use arc_swap::ArcSwapOption;
use base64::{Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use std::{sync::Arc, time::Duration};
use url::Url;

/// Between two times of loading anew: forged messages must not make us ask without end.
const RENEWAL: SignedDuration = SignedDuration::from_mins(1);

/// What is loaded anew is waited for so long: meanwhile ZeroMQ keeps a thousand messages, and drops further ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gets what is at an address, or says why it could not: `bus` itself asks nobody.
pub type Fetch = Arc<dyn Fn(Url) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    NoJson(#[from] CanonicalError),
    #[error("it is not signed")]
    Unsigned,
    #[error("it is signed with GnuPG (`crypto` is \"gpg\"): only x509 signatures are checked")]
    Gpg,
    #[error("it is signed in a way that fedmsg does not know: `crypto` is {0}")]
    UnknownCrypto(String),
    #[error("its `{0}` is not text in base64")]
    NoBase64(&'static str),
    #[error("its `certificate` is no X.509 certificate in PEM")]
    NoCertificate,
    #[error("the certificate of its signer has no common name")]
    NoName,
    #[error("`{0}` signs with another key than RSA of 1024 to 8192 bits")]
    OtherKey(String),
    #[error("the certificate of `{0}` is not from the authority that `ca` names")]
    OtherAuthority(String),
    #[error("the certificate of `{0}` has expired")]
    Expired(String),
    #[error("the certificate of `{0}` is not valid yet")]
    NotYetValid(String),
    #[error("the certificate of `{0}` is revoked")]
    Revoked(String),
    #[error(
        "nobody is trusted: the certificate of the authority, `[bus.fedmsg] ca`, is not valid now"
    )]
    AuthorityExpired,
    #[error(
        "nobody is trusted: the list of revoked certificates, `[bus.fedmsg] crl`, is not valid now"
    )]
    ListExpired,
    #[error("nobody is trusted: `[bus.fedmsg] ca` or `crl` could not be loaded yet")]
    NothingLoaded,
    #[error("it is not what `{0}` signed")]
    Forged(String),
    #[error("`{0}` signed it without a `topic`: it could be sent on any")]
    NoTopic(String),
    #[error("`{signer}` may not send on `{topic}`, says `[bus.fedmsg] routing_policy`")]
    OutOfPolicy { signer: String, topic: String },
    #[error(
        "`[bus.fedmsg] routing_policy` has nothing on `{topic}`, and `routing_nitpicky` is true"
    )]
    NoPolicy { topic: String },
}

impl Refused {
    /// For counters: few, short, the same for every message with the same fault.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoJson(_) => "no JSON",
            Self::Unsigned => "unsigned",
            Self::Gpg => "gpg",
            Self::UnknownCrypto(_) => "unknown crypto",
            Self::NoBase64(_) => "no base64",
            Self::NoCertificate | Self::NoName | Self::OtherKey(_) => "bad certificate",
            Self::OtherAuthority(_) => "other authority",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not yet valid",
            Self::Revoked(_) => "revoked",
            Self::AuthorityExpired => "ca not valid",
            Self::ListExpired => "crl not valid",
            Self::NothingLoaded => "nothing loaded",
            Self::Forged(_) => "forged",
            Self::NoTopic(_) => "no topic",
            Self::OutOfPolicy { .. } => "out of policy",
            Self::NoPolicy { .. } => "no policy",
        }
    }

    /// Whether there is nothing to judge by: the message may be good, and has to be asked for again.
    pub fn nobody_is_trusted(&self) -> bool {
        matches!(self, Self::AuthorityExpired | Self::ListExpired | Self::NothingLoaded)
    }

    /// Whether the fault may be with what was loaded, and not with the message.
    fn may_be_ours(&self) -> bool {
        self.nobody_is_trusted() || matches!(self, Self::OtherAuthority(_))
    }
}

/// What signatures are checked against can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error(
        "`[bus.fedmsg] {key}` is {location}, which can't be loaded ({why}): \
         name a file or an https address that can, or set `validate_signatures = false`"
    )]
    Unread { key: &'static str, location: String, why: String },
    #[error("`[bus.fedmsg] {key}` is {location}, which {why}")]
    Unfit { key: &'static str, location: String, why: &'static str },
}

/// Checks signatures. Shared by all who take messages.
pub struct Signatures {
    settings: config::Signatures,
    fetch: Fetch,
    clock: fn() -> Timestamp,
    trust: ArcSwapOption<Trust>,
    /// When it was last tried to load them.
    loaded_at: tokio::sync::Mutex<Option<Timestamp>>,
}

impl Signatures {
    pub fn new(settings: config::Signatures, fetch: Fetch, clock: fn() -> Timestamp) -> Self {
        Self {
            settings,
            fetch,
            clock,
            trust: ArcSwapOption::empty(),
            loaded_at: tokio::sync::Mutex::default(),
        }
    }

    /// Loads what signatures are checked against, for the first time or anew. What was there stays when that fails.
    pub async fn load(&self) -> Result<(), TrustError> {
        let mut loaded_at = self.loaded_at.lock().await;
        *loaded_at = Some((self.clock)());
        self.trust.store(Some(Arc::new(self.read_trust().await?)));
        Ok(())
    }

    async fn read_trust(&self) -> Result<Trust, TrustError> {
        let config::Signatures { ca, crl, .. } = &self.settings;
        let authority = self.read("ca", ca).await?;
        let revoked = match crl {
            Some(location) => Some(self.read("crl", location).await?),
            None => None,
        };
        Trust::read(&authority, revoked.as_deref()).map_err(|Unfit { key, why }| {
            let location = crl.as_ref().filter(|_| key == "crl").unwrap_or(ca).to_string();
            TrustError::Unfit { key, location, why }
        })
    }

    async fn read(&self, key: &'static str, location: &Location) -> Result<Vec<u8>, TrustError> {
        let read = match location {
            Location::File(path) => tokio::fs::read(path).await.map_err(|why| why.to_string()),
            Location::Https(url) => (self.fetch)(url.clone()).await,
        };
        read.map_err(|why| TrustError::Unread { key, location: location.to_string(), why })
    }

    /// Judges an envelope as it came from the bus.
    pub fn check(&self, envelope: &[u8]) -> Result<(), Refused> {
        self.judge(&Canonical::read(envelope)?)
    }

    /// Judges a message of datagrepper, after its edits are undone. One that was signed with an empty `headers` or a
    /// fraction of a second can't be restored, and is refused as forged.
    pub fn check_archived(&self, message: &[u8]) -> Result<(), Refused> {
        let mut message = Canonical::read(message)?;
        undo_datagrepper(&mut message);
        self.judge(&message)
    }

    /// As [`Signatures::check`]. When the fault may be with the authority's certificate or the list of revoked ones,
    /// these are loaded anew, and the envelope is judged again. That is waited for two seconds.
    pub async fn check_or_renew(self: &Arc<Self>, envelope: &[u8]) -> Result<(), Refused> {
        self.again_if_renewed(|| self.check(envelope)).await
    }

    /// As [`Signatures::check_archived`], in the same way.
    pub async fn check_archived_or_renew(self: &Arc<Self>, message: &[u8]) -> Result<(), Refused> {
        self.again_if_renewed(|| self.check_archived(message)).await
    }

    async fn again_if_renewed(
        self: &Arc<Self>,
        check: impl Fn() -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let judged = check();
        if !judged.as_ref().is_err_and(Refused::may_be_ours) {
            return judged;
        }
        // There is something to judge by, and somebody sees already whether there is something else.
        let is_under_way = self.loaded_at.try_lock().is_err();
        if is_under_way && self.trust.load().is_some() {
            return judged;
        }
        // A task of its own, which goes on when nobody waits any more.
        let renewing = tokio::spawn({
            let this = self.clone();
            async move { this.renew().await }
        });
        match tokio::time::timeout(PATIENCE, renewing).await {
            Ok(Ok(true)) => check(),
            _ => judged,
        }
    }

    /// Whether there is something else to judge by than before.
    async fn renew(&self) -> bool {
        let before = self.trust.load_full();
        // Whoever loads holds it, at the start or for another message: that is waited for.
        let mut loaded_at = self.loaded_at.lock().await;
        let after = self.trust.load_full();
        if before.as_ref().map(Arc::as_ptr) != after.as_ref().map(Arc::as_ptr) {
            return true;
        }
        let now = (self.clock)();
        let soon =
            |last: Timestamp| (SignedDuration::ZERO..RENEWAL).contains(&now.duration_since(last));
        if loaded_at.is_some_and(soon) {
            return false;
        }
        let read = self.read_trust().await;
        // From its end on: a site that hangs takes long to fail.
        *loaded_at = Some((self.clock)());
        match read {
            Ok(trust) => self.trust.store(Some(Arc::new(trust))),
            Err(error) => {
                tracing::warn!("{error}");
                return false;
            }
        }
        true
    }

    fn judge(&self, message: &Canonical) -> Result<(), Refused> {
        signed_with_x509(message)?;
        let credential = |key| match (message.value(key), message.text(key)) {
            (_, Some(text)) => Ok(text),
            (Some(_), None) => Err(Refused::NoBase64(key)),
            (None, None) => Err(Refused::Unsigned),
        };
        let (signature, certificate) = (credential("signature")?, credential("certificate")?);
        let trust = self.trust.load();
        let trust = trust.as_ref().ok_or(Refused::NothingLoaded)?;
        let pem = || decode(&certificate).ok_or(Refused::NoBase64("certificate"));
        let signer = trust.signer(&certificate, pem, (self.clock)().as_second())?;
        let signature = decode(&signature).ok_or(Refused::NoBase64("signature"))?;
        let mut text = message.clone();
        text.remove("signature");
        text.remove("certificate");
        signer
            .key
            .verify_sig(&text.to_bytes(), &signature)
            .map_err(|_| Refused::Forged(signer.name.clone()))?;
        // The reader takes the first frame's topic where there is none; nobody signed that one.
        let topic = message.text("topic").ok_or_else(|| Refused::NoTopic(signer.name.clone()))?;
        self.routed(&signer.name, topic)
    }

    fn routed(&self, signer: &str, topic: String) -> Result<(), Refused> {
        match self.settings.routing_policy.get(&topic) {
            Some(signers) if signers.iter().any(|one| one == signer) => Ok(()),
            Some(_) => Err(Refused::OutOfPolicy { signer: signer.into(), topic }),
            None if self.settings.routing_nitpicky => Err(Refused::NoPolicy { topic }),
            None => Ok(()),
        }
    }
}

/// Up to fedmsg 0.7.2 nothing said which: then the fields tell.
fn signed_with_x509(message: &Canonical) -> Result<(), Refused> {
    match message.value("crypto") {
        Some("\"x509\"") => Ok(()),
        Some("\"gpg\"") => Err(Refused::Gpg),
        Some(other) => Err(Refused::UnknownCrypto(other.chars().take(40).collect())),
        None if message.value("certificate").is_some() => Ok(()),
        None if message.value("signature").is_some() => Err(Refused::Gpg),
        None => Err(Refused::Unsigned),
    }
}

/// datagrepper adds where a message is from and, mostly, empty headers; and it makes its time a float.
fn undo_datagrepper(message: &mut Canonical) {
    if message.value("source_name").is_none() || message.value("source_version").is_none() {
        return;
    }
    message.remove("source_name");
    message.remove("source_version");
    if matches!(
        message.value("headers"),
        Some("{}" | "null" | "[]" | "\"\"" | "false" | "0" | "0.0")
    ) {
        message.remove("headers");
    }
    let seconds = message.value("timestamp").and_then(|seconds| seconds.parse::<f64>().ok());
    if let Some(seconds) = seconds.filter(|seconds| seconds.abs() < 1e15) {
        message.set("timestamp", &format!("{:.0}", seconds.trunc() + 0.0));
    }
}

/// As Python decodes by default: what is not of the alphabet, line breaks above all, is passed over.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&alphabet::STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));
    let (data, padding) = text.split_once('=').unwrap_or((text, ""));
    let of_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let data: Vec<u8> = data.bytes().filter(of_alphabet).collect();
    let padded = match data.len() % 4 {
        2 => padding.contains('='),
        3 => text.contains('='),
        _ => true,
    };
    LENIENT.decode(data).ok().filter(|_| padded)
}

#[cfg(test)]
mod tests;
