//! `[bus.*]`: where messages come from, and where those of hubs itself go.

use super::amqp::{self, Amqp};
use super::document::Table;
use super::fedmsg::{self, Fedmsg};

/// Nothing is connected to but what hubs.toml names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bus {
    pub fedmsg: Option<Fedmsg>,
    pub amqp: Option<Amqp>,
}

pub(super) fn read(root: &Table<'_>) -> Bus {
    let mut bus = Bus::default();
    let Some(table) = root.table("bus") else { return bus };
    bus.fedmsg = table.table("fedmsg").map(fedmsg::read);
    bus.amqp = table.table("amqp").map(amqp::read);
    table.finish();
    bus
}
