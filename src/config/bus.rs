//! `[bus.*]`: where messages come from.

use super::amqp::{self, Amqp};
use super::document::{Item, Table};
use super::value::{Misfit, flag, list, number, text};

/// Nothing is connected to but what hubs.toml names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bus {
    pub fedmsg: Option<Fedmsg>,
    pub amqp: Option<Amqp>,
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
    /// An archive to ask for what was missed.
    pub datagrepper_url: Option<String>,
    /// Missed messages that are asked for at most.
    pub catch_up_limit: usize,
}

impl Default for Fedmsg {
    fn default() -> Self {
        Self {
            endpoints: vec![],
            topics: vec![String::new()],
            validate_signatures: None,
            datagrepper_url: None,
            catch_up_limit: 100_000,
        }
    }
}

impl Fedmsg {
    /// `ZeroMQ` subscribes to prefixes, so a pattern ends at its first wildcard.
    pub fn prefix(topic: &str) -> &str {
        topic.split(['*', '#']).next().unwrap_or_default()
    }
}

pub(super) fn read(root: &Table<'_>) -> Bus {
    let mut bus = Bus::default();
    let Some(table) = root.table("bus") else { return bus };
    bus.fedmsg = table.table("fedmsg").map(read_fedmsg);
    bus.amqp = table.table("amqp").map(amqp::read);
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
    let mut fedmsg = Fedmsg { endpoints: endpoints.unwrap_or_default(), ..Fedmsg::default() };
    table.set("topics", &mut fedmsg.topics, list(text));
    fedmsg.datagrepper_url = table.read("datagrepper_url", archive);
    table.set("catch_up_limit", &mut fedmsg.catch_up_limit, number(0..=10_000_000));
    fedmsg.validate_signatures = table.read("validate_signatures", |item| {
        if flag(item)? {
            return Err(Misfit::advises(
                "this version can't check the signatures of messages",
                "write `false` if you trust the network between you and the publishers",
            ));
        }
        Ok(false)
    });
    table.finish();
    fedmsg
}

fn archive(item: &Item<'_>) -> Result<String, Misfit> {
    let given = item.value.as_str().filter(|given| {
        given
            .split_once("://")
            .is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty())
    });
    given.map(Into::into).ok_or_else(|| {
        Misfit::must_be("an address, as in \"https://apps.fedoraproject.org/datagrepper\"")
    })
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
