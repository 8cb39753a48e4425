//! `[bus.amqp]`: the broker of Fedora Messaging, and what is asked of it.

use super::document::{Item, Table};
use super::fedora_messaging;
use super::secret::{Secret, secret};
use super::value::{Misfit, duration, flag, list, number, text};
use super::widgets::json;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};
use toml::de::DeValue;

/// A longer name does not fit into AMQP.
const MAX_NAME_BYTES: usize = 255;

/// A broker, the queues to read, and what goes into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amqp {
    pub url: AmqpUrl,
    pub tls: AmqpTls,
    /// Never empty.
    pub queues: Vec<AmqpQueue>,
    pub bindings: Vec<AmqpBinding>,
    /// So many messages may be on their way to the disk at once.
    pub prefetch: u16,
    /// Queues are made by somebody else.
    pub passive_declares: bool,
    /// How the broker's administrators see us.
    pub client_properties: BTreeMap<String, String>,
    /// Whether hubs publishes its own messages there.
    pub publish: bool,
    /// What goes before the topics of messages that hubs publishes; empty for nothing.
    pub topic_prefix: String,
    pub publish_exchange: String,
    /// Of messages that hubs publishes.
    pub publish_priority: Option<u8>,
    /// The first wait after a lost connection.
    pub reconnect: Duration,
}

/// `amqp[s]://user:password@host:port/vhost`, taken apart. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl {
    pub tls: bool,
    pub user: String,
    pub password: Secret,
    pub host: String,
    pub port: u16,
    pub vhost: String,
    /// In seconds; without it the broker's proposal.
    pub heartbeat: Option<u16>,
}

/// PEM files, read anew for each connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AmqpTls {
    /// The only root that is trusted; without it the system's.
    pub ca_cert: Option<PathBuf>,
    /// With `keyfile` it is also the login (SASL EXTERNAL).
    pub certfile: Option<PathBuf>,
    pub keyfile: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpQueue {
    /// Empty: the broker makes one up, another one for each connection.
    pub name: String,
    pub durable: bool,
    pub auto_delete: bool,
    pub exclusive: bool,
    pub arguments: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmqpBinding {
    /// Without one, each queue.
    pub queue: Option<String>,
    pub exchange: String,
    /// Routing keys: `*` is one word, `#` any number.
    pub topics: Vec<String>,
}

impl AmqpQueue {
    /// One that goes with its connection.
    pub fn passing() -> Self {
        let (name, arguments) = (String::new(), Map::new());
        Self { name, durable: false, auto_delete: true, exclusive: true, arguments }
    }
}

impl Amqp {
    /// A broker with all that may be left out.
    pub(super) fn at(url: AmqpUrl) -> Self {
        Self {
            url,
            tls: AmqpTls::default(),
            queues: vec![AmqpQueue::passing()],
            bindings: vec![AmqpBinding {
                queue: None,
                exchange: "amq.topic".into(),
                topics: vec!["#".into()],
            }],
            prefetch: 25,
            passive_declares: false,
            client_properties: BTreeMap::from([("app".into(), "hubs".into())]),
            publish: false,
            topic_prefix: String::new(),
            publish_exchange: "amq.topic".into(),
            publish_priority: None,
            reconnect: Duration::from_secs(1),
        }
    }

    /// The same messages by a queue of its own, which takes none away from anybody and leaves nothing behind.
    #[must_use]
    pub fn aside(mut self) -> Self {
        self.queues = vec![AmqpQueue::passing()];
        self.passive_declares = false;
        self.bindings.iter_mut().for_each(|binding| binding.queue = None);
        self
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "amqps" } else { "amqp" };
        let vhost = self.vhost.replace('/', "%2F");
        write!(f, "{scheme}://{}:{}/{vhost}", self.host, self.port)
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmqpUrl({self})")
    }
}

pub(super) fn read(table: Table<'_>) -> Amqp {
    let mut amqp =
        table.read("config", fedora_messaging::load).unwrap_or_else(|| Amqp::at(AmqpUrl::local()));
    if !table.has("config") && !table.has("url") {
        table.problem(
            None,
            "[bus.amqp] has neither `url` nor `config`".into(),
            Some("as in `url = \"amqps://user:password@broker.example.org/vhost\"`, or the file of fedora-messaging as `config`".into()),
        );
    }
    let url = table.read("url", url);
    // One that is wrong says enough.
    let is_plain = url.as_ref().is_some_and(|url| !url.tls);
    if let Some(url) = url {
        amqp.url = url;
    }
    if let Some(tls) = table.table("tls") {
        amqp.tls = read_tls(&tls);
        tls.finish();
    }
    if let Some(queue) = read_queue(&table) {
        amqp.queues = vec![queue];
        amqp.bindings.iter_mut().for_each(|binding| binding.queue = None);
    }
    if let Some(exchange) = table.read("exchange", name) {
        amqp.publish_exchange.clone_from(&exchange);
        amqp.bindings.iter_mut().for_each(|binding| binding.exchange.clone_from(&exchange));
    }
    if let Some(topics) = table.read("topics", topics) {
        amqp.bindings.iter_mut().for_each(|binding| binding.topics.clone_from(&topics));
    }
    table.set("prefetch", &mut amqp.prefetch, number(1..=10_000));
    table.set("passive_declares", &mut amqp.passive_declares, flag);
    table.set("publish", &mut amqp.publish, flag);
    table.set("topic_prefix", &mut amqp.topic_prefix, topic_prefix);
    let (from, to) = (Duration::from_millis(10), Duration::from_mins(1));
    table.set("reconnect", &mut amqp.reconnect, duration(from..=to));
    if let Some(given) = table.table("client_properties") {
        amqp.client_properties.extend(client_properties(&given));
        given.finish();
    }
    check_tls(&table, &amqp.tls, is_plain);
    table.finish();
    amqp
}

/// One half of an identity is none, and nobody should believe that it is one.
fn check_tls(table: &Table<'_>, tls: &AmqpTls, is_plain: bool) {
    if tls.certfile.is_some() != tls.keyfile.is_some() {
        let message = "`certfile` and `keyfile` of [bus.amqp.tls] belong together: one is missing";
        table.problem(table.span_of("tls"), message.into(), None);
    }
    if is_plain && *tls != AmqpTls::default() && table.has("tls") {
        let message =
            "[bus.amqp.tls] is for amqps: the `url` begins with amqp://, which is not encrypted";
        let help = "write `amqps://`, or leave the table out".to_string();
        table.problem(table.span_of("tls"), message.into(), Some(help));
    }
}

pub(super) fn read_tls(table: &Table<'_>) -> AmqpTls {
    let folder = table.document.around.folder;
    let file = |key| {
        table.read(key, |item| match text(item)? {
            path if path.is_empty() => Err(Misfit::must_be("the path of a file of PEM")),
            path => Ok(folder.join(path)),
        })
    };
    AmqpTls { ca_cert: file("ca_cert"), certfile: file("certfile"), keyfile: file("keyfile") }
}

/// `queue = "name"`, or a table with more to say. One with a name outlives a restart, so that nothing is missed.
fn read_queue(table: &Table<'_>) -> Option<AmqpQueue> {
    let kept = |name: String| match name.as_str() {
        "" => AmqpQueue::passing(),
        _ => AmqpQueue {
            name,
            durable: true,
            auto_delete: false,
            exclusive: false,
            arguments: Map::new(),
        },
    };
    let is_text = |item: &Item<'_>| matches!(item.value, DeValue::String(_));
    if table.item("queue").as_ref().is_some_and(is_text) {
        return table.read("queue", name).map(kept);
    }
    let given = table.table("queue")?;
    let mut queue = kept(given.read("name", name).unwrap_or_default());
    given.set("durable", &mut queue.durable, flag);
    given.set("auto_delete", &mut queue.auto_delete, flag);
    given.set("exclusive", &mut queue.exclusive, flag);
    given.set("arguments", &mut queue.arguments, arguments);
    given.finish();
    Some(queue)
}

pub(super) fn arguments(item: &Item<'_>) -> Result<Map<String, Value>, Misfit> {
    match json(item.value)? {
        Value::Object(arguments) => Ok(arguments),
        _ => Err(Misfit::must_be("a table, as in { x-max-length = 100000 }")),
    }
}

/// Of a queue or an exchange.
pub(super) fn name(item: &Item<'_>) -> Result<String, Misfit> {
    let name = text(item)?;
    if name.len() > MAX_NAME_BYTES {
        return Err(Misfit::says(format!("it has {} bytes: 255 is the limit", name.len())));
    }
    Ok(name)
}

pub(super) fn topics(item: &Item<'_>) -> Result<Vec<String>, Misfit> {
    let topics = list(name)(item)?;
    if topics.is_empty() {
        return Err(Misfit::advises("it names no topic", "`[\"#\"]` is all of them"));
    }
    Ok(topics)
}

/// As fedora-messaging, which takes it with a dot at its end and without.
pub(super) fn topic_prefix(item: &Item<'_>) -> Result<String, Misfit> {
    Ok(name(item)?.trim_end_matches('.').to_owned())
}

/// What the broker shows of a client. Three of them say which library it is.
pub(super) fn client_properties(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut properties = BTreeMap::new();
    for (key, item) in table.items() {
        let said = if ["product", "information", "version"].contains(&key.as_str()) {
            Err("it is set by the library that speaks AMQP: choose another name".to_string())
        } else if key.len() > MAX_NAME_BYTES {
            Err("its name is longer than 255 bytes".to_string())
        } else {
            words(item.value)
                .ok_or_else(|| "it must be text in quotes, or a list of it".to_string())
        };
        match said {
            Ok(value) => {
                properties.insert(key, value);
            }
            Err(why) => {
                table.problem(
                    Some(item.span),
                    format!("`{key}` of client_properties: {why}"),
                    None,
                );
            }
        }
    }
    properties
}

/// `app_contacts_email` is often a list.
fn words(value: &DeValue<'_>) -> Option<String> {
    let text = |value: &DeValue<'_>| value.as_str().map(ToOwned::to_owned);
    match value {
        DeValue::Array(items) => {
            let words: Option<Vec<_>> = items.iter().map(|item| text(item.get_ref())).collect();
            words.map(|words| words.join(", "))
        }
        value => text(value),
    }
}

/// Not repeated where it does not fit: there is a password in it.
pub(super) fn url(item: &Item<'_>) -> Result<AmqpUrl, Misfit> {
    let given = secret(item)?;
    AmqpUrl::parse(given.reveal()).map_err(|why| {
        let help = "as in \"amqps://user:password@broker.example.org/%2Fvhost\"; a `/` in the name of a vhost is written %2F";
        Misfit::advises(format!("this is no address of a broker: {why}"), help)
    })
}

impl AmqpUrl {
    /// Where fedora-messaging looks when nothing is said.
    pub(super) fn local() -> Self {
        Self {
            tls: false,
            user: "guest".into(),
            password: Secret::new("guest"),
            host: "localhost".into(),
            port: 5672,
            vhost: "/".into(),
            heartbeat: None,
        }
    }

    /// As fedora-messaging reads it: what is left out is `guest`, `localhost` and the vhost `/`.
    fn parse(text: &str) -> Result<Self, String> {
        let parsed = url::Url::parse(text).map_err(|why| why.to_string())?;
        let tls = match parsed.scheme() {
            "amqps" if text.contains("://") => true,
            "amqp" if text.contains("://") => false,
            _ => return Err("it begins with neither amqps:// nor amqp://".into()),
        };
        let decoded = |part: &str| {
            let text = percent_encoding::percent_decode_str(part).decode_utf8();
            text.map(String::from).map_err(|_| "what is behind a `%` is no UTF-8".to_string())
        };
        let local = Self::local();
        let or =
            |part: &str, default: String| if part.is_empty() { Ok(default) } else { decoded(part) };
        let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let path = parsed.path().trim_start_matches('/');
        if path.contains('/') {
            return Err("its path has more than one part".into());
        }
        let heartbeat = parsed.query_pairs().find(|(key, _)| key == "heartbeat");
        let heartbeat = heartbeat.map(|(_, value)| {
            value.parse().map_err(|_| "its `heartbeat` is no number of seconds".to_string())
        });
        Ok(Self {
            tls,
            user: or(parsed.username(), local.user)?,
            password: match parsed.password() {
                Some(password) => Secret::new(decoded(password)?),
                None => local.password,
            },
            host: or(host, local.host)?,
            port: parsed.port().unwrap_or(if tls { 5671 } else { 5672 }),
            vhost: or(path, local.vhost)?,
            heartbeat: heartbeat.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_fedora_messaging_reads_it() {
        let check = |text: &str, shown: &str, user: &str| {
            let url = AmqpUrl::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.user.as_str()), (shown, user), "{text}");
        };
        check("amqp://", "amqp://localhost:5672/%2F", "guest");
        check("amqp://?connection_attempts=3&retry_delay=5", "amqp://localhost:5672/%2F", "guest");
        check("amqp://me:p%40ss@[::1]:1/", "amqp://::1:1/%2F", "me");
        check(
            "amqps://fedora:@rabbitmq.fedoraproject.org/%2Fpublic_pubsub",
            "amqps://rabbitmq.fedoraproject.org:5671/%2Fpublic_pubsub",
            "fedora",
        );
        let url = AmqpUrl::parse("amqp://me:p%40ss@h/v?heartbeat=7").unwrap();
        assert_eq!((url.password.reveal(), url.heartbeat), ("p@ss", Some(7)));
        assert!(!format!("{url:?} {url}").contains("p@ss"));
        for (text, why) in [
            ("broker.example.org", "relative URL without a base"),
            ("https://broker", "it begins with neither amqps:// nor amqp://"),
            ("amqp:password", "it begins with neither amqps:// nor amqp://"),
            ("amqp://h/a/b", "its path has more than one part"),
            ("amqp://h/?heartbeat=x", "its `heartbeat` is no number of seconds"),
            ("amqp://h/%ff", "what is behind a `%` is no UTF-8"),
        ] {
            assert_eq!(AmqpUrl::parse(text).unwrap_err(), why, "{text}");
        }
    }
}
