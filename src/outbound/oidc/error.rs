//! Why somebody could not log in by their provider. They read these, and so may who runs the server: each says what
//! happened and what to do.

use super::short;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RequestTokenError, StandardErrorResponse};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    #[error(
        "{host}, where people log in, does not answer just now ({why}). Everything that is public is here as always; try again in a minute."
    )]
    Unreachable { host: String, why: String },
    #[error(
        "What {host}, where people log in, says of itself makes no sense: {why}. Whoever runs this server: `[auth] issuer` in hubs.toml names it."
    )]
    Strange { host: String, why: String },
    #[error(
        "People log in here at {issuer}, but what answers calls itself {found}, so nobody is logged in. Whoever runs this server: `[auth] issuer` in hubs.toml must name the one that is meant."
    )]
    AnotherIssuer { issuer: String, found: String },
    #[error(
        "You did not allow {host} to tell who you are, so you are not logged in. Nothing was changed; log in again if you change your mind."
    )]
    Denied { host: String },
    #[error("{host} did not log you in: {error}{}. Begin again from the page that you came from.", told(.description))]
    Refused { host: String, error: String, description: String },
    #[error(
        "{host} no longer knows of this login: what it sent you back with was used before, or is too old. Begin again."
    )]
    Spent { host: String },
    #[error(
        "{host} does not take us for who we are ({error}). Whoever runs this server: `client_id`, `client_secret` and `client_auth` of [auth] in hubs.toml must be as they are registered there."
    )]
    UnknownClient { host: String, error: String },
    #[error(
        "What {host} sent to log you in by is not to be believed: {why}. You are not logged in; begin again, and tell whoever runs this server if it happens again."
    )]
    Untrue { host: String, why: String },
    #[error("{host} does not say what you are called{}. Whoever runs this server: `scopes` and `username_claim` of [auth] in hubs.toml decide what it tells.", .claim.as_ref().map(|claim| format!(": there is no `{claim}`")).unwrap_or_default())]
    Nameless { host: String, claim: Option<String> },
    #[error("logging in can't be set up: {0}")]
    Setup(String),
}

fn told(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

impl OidcError {
    /// What a provider sent somebody back with instead of a code.
    pub fn refused(host: String, error: &str, description: &str) -> Self {
        match error {
            "access_denied" => Self::Denied { host },
            "unauthorized_client" => Self::UnknownClient { host, error: error.into() },
            _ => Self::Refused { host, error: short(error), description: short(description) },
        }
    }

    pub(super) fn of_exchange(
        host: String,
        error: RequestTokenError<OidcError, StandardErrorResponse<CoreErrorResponseType>>,
    ) -> Self {
        match error {
            RequestTokenError::ServerResponse(said) => {
                let description = said.error_description().map_or("", String::as_str);
                match said.error() {
                    CoreErrorResponseType::InvalidGrant => Self::Spent { host },
                    CoreErrorResponseType::InvalidClient => {
                        Self::UnknownClient { host, error: "invalid_client".into() }
                    }
                    other => Self::refused(host, other.as_ref(), description),
                }
            }
            RequestTokenError::Request(ours) => ours,
            // Its text may hold what was sent: tokens.
            RequestTokenError::Parse(_, _) | RequestTokenError::Other(_) => {
                Self::Strange { host, why: "its token endpoint answers what is no token".into() }
            }
        }
    }

    /// Whether the provider is what fails, not a person and not hubs.toml.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
