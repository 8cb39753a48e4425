//! Why GitHub was not asked, or what it said instead of an answer. A script's author reads these.

use super::limits::Resource;
use crate::diagnostic::did_you_mean;
use crate::outbound::OutboundError;
use jiff::{Timestamp, tz::TimeZone};

/// No message shows the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    #[error("`{0}` is no repository of GitHub: write `owner/name`")]
    NoRepository(String),
    #[error("`{0}` is no user name of GitHub: it has letters, digits and dashes")]
    NoLogin(String),
    #[error("`{0}` is no path of GitHub's interface: write `/repos/OWNER/NAME/…`")]
    NoPath(String),
    #[error("`github::{function}` has no option `{given}` (it has {known}){}", did_you_mean(.nearest.as_deref()))]
    NoOption { function: &'static str, given: String, nearest: Option<String>, known: String },
    #[error("`{name}` of `github::{function}` is {given}, but must be {fits}")]
    Unfit { function: &'static str, name: String, given: String, fits: &'static str },
    #[error("a question to GitHub's GraphQL may only read: it must not hold the word `{0}`")]
    NotReading(&'static str),
    #[error(
        "GitHub's GraphQL answers nobody without a token: set `token` in `[github]` of hubs.toml"
    )]
    NoToken,
    #[error(
        "GitHub takes no more {} until {} (all {limit} are used){}",
        .resource.words(), at(*.until), advice(*.with_token)
    )]
    LimitReached { resource: Resource, limit: u64, until: Timestamp, with_token: bool },
    #[error(
        "GitHub asks everybody here to pause until {} (its secondary rate limit): too much was asked at once",
        at(*.until)
    )]
    Paused { until: Timestamp },
    #[error(
        "GitHub does not take the token of `[github]` in hubs.toml ({0}): make a new one at GitHub's settings"
    )]
    WrongToken(String),
    #[error("GitHub has no {what}, or shows it only to those who may see it")]
    NotThere { what: String },
    #[error("GitHub does not know yet: it still computes {what}; ask again in a minute")]
    NotReady { what: String },
    #[error("GitHub does not answer for {what}: {said}")]
    Refused { what: String, status: u16, said: String },
    #[error("GitHub's GraphQL says: {said}")]
    Graphql { status: u16, said: String },
    #[error("what GitHub answers for {what} is not what it should be: {why}")]
    Nonsense { what: String, status: u16, why: String },
    #[error(
        "the next page of {what} is on another server than `[github] url`, and is not asked for"
    )]
    ForeignPage { what: String },
    #[error(transparent)]
    Outbound(#[from] OutboundError),
}

impl GithubError {
    /// The status that GitHub gave; 429 where a limit is known to be reached, 0 where nothing was asked.
    pub fn status(&self) -> u16 {
        match self {
            Self::LimitReached { .. } | Self::Paused { .. } => 429,
            Self::WrongToken(_) => 401,
            Self::NotThere { .. } => 404,
            Self::NotReady { .. } => 202,
            Self::Refused { status, .. }
            | Self::Graphql { status, .. }
            | Self::Nonsense { status, .. } => *status,
            _ => 0,
        }
    }
}

fn at(until: Timestamp) -> String {
    TimeZone::UTC.to_datetime(until).strftime("%H:%M:%S UTC").to_string()
}

fn advice(with_token: bool) -> &'static str {
    if with_token { "" } else { "; with a `token` in `[github]` of hubs.toml it would take more" }
}
