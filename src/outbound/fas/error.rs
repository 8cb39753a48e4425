//! Why FAS was not asked, or what it said instead of an answer. A script's author reads these.

#[cfg(feature = "kerberos")]
use crate::outbound::NegotiateError;
use crate::outbound::OutboundError;

/// No message shows the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FasError {
    #[error(
        "FAS is not asked, as it answers nobody without a login: set `url` and a login in `[fas]` of hubs.toml"
    )]
    Nobody,
    #[error(
        "`{0}` is no name of FAS: it has 1 to 64 letters, digits, `-`, `_` and `.`, and begins with a letter or a digit"
    )]
    NoName(String),
    #[error(
        "FAS does not let hubs in as `{user}` ({said}): look at `username` and `password` in `[fas]` of hubs.toml"
    )]
    WrongLogin { status: u16, user: String, said: String },
    #[error("FAS does not let hubs in by Kerberos ({said}): look at `[fas]` of hubs.toml")]
    Stranger { status: u16, said: String },
    #[cfg(feature = "kerberos")]
    #[error("hubs can't log in at FAS by Kerberos (`[fas]` of hubs.toml): {0}")]
    Kerberos(#[from] NegotiateError),
    #[error(
        "there is no FAS at `{url}`, which answers 404: look at `url` and `kind` in `[fas]` of hubs.toml"
    )]
    NotThere { url: String },
    #[error("FAS does not answer for {what}: {said}")]
    Refused { what: String, status: u16, said: String },
    #[error("what FAS answers for {what} is not what it should be: {why}")]
    Nonsense { what: String, status: u16, why: &'static str },
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

impl FasError {
    /// Whether there was no time left to wait for an answer.
    pub(super) fn is_late(&self) -> bool {
        match self {
            #[cfg(feature = "kerberos")]
            Self::Kerberos(NegotiateError::TooSlow) => true,
            Self::Outbound(error) => matches!(error, OutboundError::TooSlow { .. }),
            _ => false,
        }
    }

    /// The status that FAS gave, 0 where nothing was asked.
    pub fn status(&self) -> u16 {
        match self {
            Self::WrongLogin { status, .. }
            | Self::Stranger { status, .. }
            | Self::Refused { status, .. }
            | Self::Nonsense { status, .. } => *status,
            Self::NotThere { .. } => 404,
            _ => 0,
        }
    }
}
