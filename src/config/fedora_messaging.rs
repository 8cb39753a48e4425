//! fedora-messaging's own configuration, for whoever has it already: `[bus.amqp] config = "…/config.toml"`.
//!
//! It says the same things in other words. As there, a table replaces the whole of its default, and keys that nobody
//! knows are errors. What only its own consumer needs is accepted and passed over. Problems name that file.

use super::amqp::{self, Amqp, AmqpBinding, AmqpQueue, AmqpTls, AmqpUrl};
use super::document::{self, Document, Item, Surroundings, Table};
use super::value::{Misfit, flag, number, text};
use std::collections::BTreeMap;

/// Of its own consumer and its log.
const PASSED_OVER: [&str; 4] = ["callback", "consumer_config", "log_config", "monitoring"];

pub(super) fn load(item: &Item<'_>) -> Result<Amqp, Misfit> {
    let path = item.document.around.folder.join(text(item)?);
    let name = path.display().to_string();
    let content = std::fs::read_to_string(&path)
        .map_err(|error| Misfit::says(format!("`{name}` can't be read: {error}")))?;
    let folder = path.parent().unwrap_or(item.document.around.folder);
    let around = Surroundings { folder, env: item.document.around.env };
    match read(&content, &name, &around) {
        Ok(amqp) => Ok(amqp),
        Err(problems) => {
            item.document.adopt(problems);
            Ok(Amqp::at(AmqpUrl::local()))
        }
    }
}

fn read(
    content: &str,
    name: &str,
    around: &Surroundings<'_>,
) -> Result<Amqp, Vec<crate::diagnostic::Diagnostic>> {
    let tree = document::tree(content, name)?;
    let document = Document::new(content, name, around);
    let root = document.root(&tree);
    let mut amqp = Amqp::at(AmqpUrl::local());
    root.set("amqp_url", &mut amqp.url, amqp::url);
    if let Some(tls) = root.table("tls") {
        let given = amqp::read_tls(&tls);
        tls.finish();
        // Its defaults are there for any address; they count for encrypted ones only.
        amqp.tls = if amqp.url.tls { given } else { AmqpTls::default() };
    }
    if let Some(queues) = root.table("queues") {
        amqp.queues = queues.tables_by_name().into_iter().map(queue).collect();
    }
    if amqp.queues.is_empty() {
        let message = "`queues` is empty: there would be nothing to read".into();
        root.problem(
            root.span_of("queues"),
            message,
            Some("leave it out for a queue of its own".into()),
        );
    }
    if root.has("bindings") {
        amqp.bindings = root.tables("bindings").into_iter().map(binding).collect();
    }
    if let Some(qos) = root.table("qos") {
        // It takes 0 for "as many as you like": that is more than memory has.
        qos.set("prefetch_count", &mut amqp.prefetch, number(1..=10_000));
        let _: Option<u32> = qos.read("prefetch_size", number(0..=u32::MAX));
        qos.finish();
    } else {
        amqp.prefetch = 10;
    }
    root.set("passive_declares", &mut amqp.passive_declares, flag);
    root.set("topic_prefix", &mut amqp.topic_prefix, amqp::topic_prefix);
    amqp.publish_priority = root.read("publish_priority", number(0..=255));
    root.set("publish_exchange", &mut amqp.publish_exchange, amqp::name);
    // Its consumer never declares exchanges either.
    root.span_of("exchanges");
    if let Some(given) = root.table("client_properties") {
        amqp.client_properties = BTreeMap::from([("app".into(), "hubs".into())]);
        amqp.client_properties.extend(amqp::client_properties(&given));
        given.finish();
    }
    for key in PASSED_OVER {
        root.span_of(key);
    }
    root.finish();
    document.into_result(amqp)
}

/// All four must be there, as fedora-messaging has it.
fn queue((name, table): (String, Table<'_>)) -> AmqpQueue {
    if name.len() > 255 {
        table.problem(None, "the name of this queue is longer than 255 bytes".into(), None);
    }
    let queue = AmqpQueue {
        name,
        durable: table.require("durable", flag).unwrap_or_default(),
        auto_delete: table.require("auto_delete", flag).unwrap_or_default(),
        exclusive: table.require("exclusive", flag).unwrap_or_default(),
        arguments: table.require("arguments", amqp::arguments).unwrap_or_default(),
    };
    table.finish();
    queue
}

fn binding(table: Table<'_>) -> AmqpBinding {
    let binding = AmqpBinding {
        queue: table.read("queue", amqp::name),
        exchange: table.require("exchange", amqp::name).unwrap_or_default(),
        topics: table.require("routing_keys", amqp::topics).unwrap_or_default(),
    };
    table.finish();
    binding
}
