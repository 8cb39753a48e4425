//! `[bus.*]`: where messages come from.

use super::document::{Item, Table};
use super::value::{Misfit, flag, list, text};

/// Nothing is connected to but what hubs.toml names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bus {
    pub fedmsg: Option<Fedmsg>,
}

/// `ZeroMQ` publishers to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fedmsg {
    /// As in `tcp://hub.fedoraproject.org:9940`.
    pub endpoints: Vec<String>,
    /// Beginnings of topics; the empty text is all of them, and the default.
    pub topics: Vec<String>,
    /// `None` when the file does not say.
    pub validate_signatures: Option<bool>,
}

pub(super) fn read(root: &Table<'_>) -> Bus {
    let mut bus = Bus::default();
    let Some(table) = root.table("bus") else { return bus };
    bus.fedmsg = table.table("fedmsg").map(read_fedmsg);
    table.later("amqp");
    table.finish();
    bus
}

fn read_fedmsg(table: Table<'_>) -> Fedmsg {
    let endpoints = table.require("endpoints", |item| {
        let endpoints = list(endpoint)(item)?;
        if endpoints.is_empty() {
            Err(Misfit::says("it names no publisher"))
        } else {
            Ok(endpoints)
        }
    });
    let mut topics = vec![String::new()];
    table.set("topics", &mut topics, list(text));
    let validate_signatures = table.read("validate_signatures", |item| {
        if flag(item)? {
            return Err(Misfit::advises(
                "this version can't check the signatures of messages",
                "write `false` if you trust the network between you and the publishers",
            ));
        }
        Ok(false)
    });
    table.finish();
    Fedmsg { endpoints: endpoints.unwrap_or_default(), topics, validate_signatures }
}

fn endpoint(item: &Item<'_>) -> Result<String, Misfit> {
    let given = item.value.as_str().filter(|given| match given.split_once("://") {
        Some(("tcp", rest)) => rest
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()),
        Some(("ipc", path)) => !path.is_empty(),
        _ => false,
    });
    given
        .map(Into::into)
        .ok_or_else(|| Misfit::must_be("addresses, as in \"tcp://127.0.0.1:9940\""))
}
