//! Why there is no connection, or none any more, in words that say what to do.

use super::TlsError;
use lapin::{Error, ErrorKind};
use std::time::Duration;

/// What was being done. It decides what a refusal means.
#[derive(Debug, Clone)]
pub(super) enum Doing {
    Connecting { user: String, vhost: String, is_external: bool },
    Declaring { queue: String, is_passive: bool },
    Binding { queue: String, exchange: String },
    Consuming { queue: String },
    Publishing { exchange: String },
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("it does not answer: nothing came within {0:?}")]
    Silent(Duration),
    #[error(
        "it cancelled the reading of the queue `{0}`: somebody deleted it, or it moved; what came meanwhile is lost"
    )]
    Cancelled(String),
    #[error("{}{}", said(.error), advice(.doing, .error))]
    Broker { doing: Doing, error: Error },
}

impl Doing {
    pub(super) fn failed(self) -> impl FnOnce(Error) -> Trouble {
        move |error| Trouble::Broker { doing: self, error }
    }
}

/// The reply code of AMQP, where the broker gave one.
pub(super) fn code(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// The broker's own words where there are some.
fn said(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        ErrorKind::IOError(error) => error.to_string(),
        _ => error.to_string(),
    }
}

fn advice(doing: &Doing, error: &Error) -> String {
    let advice = match (code(error), doing) {
        (Some(403), Doing::Connecting { is_external: true, .. }) => {
            "the broker does not take this certificate for a login: is its name a user there?".into()
        }
        (Some(403), Doing::Connecting { user, .. }) => {
            format!("is the password of `{user}` in `url` of [bus.amqp] right?")
        }
        (Some(530 | 402), Doing::Connecting { user, vhost, .. }) => {
            format!("is there a vhost `{vhost}`, and may `{user}` enter it? Its name is the path of `url`, a `/` in it is %2F")
        }
        (Some(403), Doing::Declaring { queue, is_passive: false }) => format!(
            "the user may not make the queue `{queue}`: where administrators make queues, name theirs as `queue` and set `passive_declares = true`"
        ),
        (Some(403), Doing::Declaring { queue, .. } | Doing::Consuming { queue }) => {
            format!("the user may not read the queue `{queue}`: its administrators must allow it")
        }
        (Some(403), Doing::Binding { queue, exchange }) => format!(
            "the user may not bind the queue `{queue}` to the exchange `{exchange}`: its administrators must allow it"
        ),
        (Some(403), Doing::Publishing { exchange }) => {
            format!("the user may not publish on the exchange `{exchange}`")
        }
        (Some(404), Doing::Declaring { queue, .. }) => format!(
            "there is no queue `{queue}`, and `passive_declares` says that somebody else makes it"
        ),
        (Some(404), Doing::Binding { exchange, .. } | Doing::Publishing { exchange }) => {
            format!("there is no exchange `{exchange}`: `exchange` of [bus.amqp] names another")
        }
        (Some(405), Doing::Declaring { queue, .. } | Doing::Consuming { queue }) => format!(
            "the queue `{queue}` belongs to another connection alone: give each server a queue of its own"
        ),
        (Some(406), Doing::Declaring { queue, .. }) => format!(
            "the queue `{queue}` is there with other properties: say them in [bus.amqp.queue], or set `passive_declares = true`"
        ),
        (Some(406), Doing::Consuming { .. }) => {
            "a message was not on disk within the broker's consumer_timeout: is the disk full, or too slow?".into()
        }
        _ => return String::new(),
    };
    format!(" ({advice})")
}
