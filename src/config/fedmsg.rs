//! `[bus.fedmsg]`: publishers to subscribe to, whose signatures count, and what hubs publishes itself.

use super::document::{Item, Table};
use super::secret::{Secret, secret};
use super::value::{Misfit, duration, flag, list, number, text};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};
use toml::de::DeValue;
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fedmsg {
    /// As in `tcp://hub.fedoraproject.org:9940`.
    pub endpoints: Vec<String>,
    /// Beginnings of topics; the empty text is all of them, and the default.
    pub topics: Vec<String>,
    /// `None` when messages are taken as they come.
    pub signatures: Option<Signatures>,
    pub connection: Connection,
    pub publish: Option<Publish>,
    /// An archive to ask for what was missed.
    pub datagrepper_url: Option<String>,
    /// Missed messages that are asked for at most.
    pub catch_up_limit: usize,
}

/// What signatures are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// The certificate of the authority that signers' certificates come from.
    pub ca: Location,
    /// Its list of revoked ones. `None`: none is.
    pub crl: Option<Location>,
    /// By exact topic: the common names of those who may send on it.
    pub routing_policy: BTreeMap<String, Vec<String>>,
    /// Whether a topic that has no policy is refused.
    pub routing_nitpicky: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    File(PathBuf),
    Https(Url),
}

/// As fedmsg's own settings, with its defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Messages that ZeroMQ keeps for an endpoint while we are busy; further ones it drops, unseen and uncounted.
    pub high_water_mark: i32,
    pub tcp_keepalive: bool,
    pub tcp_keepalive_cnt: i32,
    pub tcp_keepalive_idle: Duration,
    pub tcp_keepalive_intvl: Duration,
    pub reconnect_ivl: Duration,
    /// Up to which the time between two tries grows.
    pub reconnect_ivl_max: Duration,
}

/// Where hubs publishes, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    pub endpoint: String,
    /// Whether a relay is there, to connect to; else subscribers connect to us.
    pub active: bool,
    pub certificate: PathBuf,
    /// In PEM.
    pub key: Secret,
    /// fedmsg names the operating system's user; it means nothing.
    pub username: String,
}

impl Default for Fedmsg {
    fn default() -> Self {
        Self {
            endpoints: vec![],
            topics: vec![String::new()],
            signatures: None,
            connection: Connection::default(),
            publish: None,
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

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Https(url) => write!(f, "`{url}`"),
        }
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            high_water_mark: 1000,
            tcp_keepalive: true,
            tcp_keepalive_cnt: 3,
            tcp_keepalive_idle: Duration::from_mins(1),
            tcp_keepalive_intvl: Duration::from_secs(5),
            reconnect_ivl: Duration::from_millis(100),
            reconnect_ivl_max: Duration::from_secs(1),
        }
    }
}

pub(super) fn read(table: Table<'_>) -> Fedmsg {
    let endpoints = table.require("endpoints", |item| {
        let endpoints = list(endpoint("addresses"))(item)?;
        if endpoints.is_empty() {
            Err(Misfit::says("it names no publisher"))
        } else {
            Ok(endpoints)
        }
    });
    let mut fedmsg = Fedmsg {
        endpoints: endpoints.unwrap_or_default(),
        signatures: read_signatures(&table),
        connection: read_connection(&table),
        publish: table.table("publish").and_then(read_publish),
        ..Fedmsg::default()
    };
    table.set("topics", &mut fedmsg.topics, list(text));
    fedmsg.datagrepper_url = table.read("datagrepper_url", archive);
    table.set("catch_up_limit", &mut fedmsg.catch_up_limit, number(0..=10_000_000));
    table.finish();
    fedmsg
}

fn read_signatures(table: &Table<'_>) -> Option<Signatures> {
    let (mut validate, mut nitpicky) = (true, false);
    table.set("validate_signatures", &mut validate, flag);
    table.set("routing_nitpicky", &mut nitpicky, flag);
    let (ca, crl) = (table.read("ca", location), table.read("crl", location));
    let routing_policy = table.read("routing_policy", policy).unwrap_or_default();
    if validate && !table.has("ca") {
        let message =
            "[bus.fedmsg] has no `ca`, and without it no signature can be checked".to_owned();
        let help = "name the certificate of the bus's authority, as in `ca = \"/etc/pki/fedmsg/ca.crt\"`; or write \
                    `validate_signatures = false` if you trust the network between you and the publishers";
        table.problem(table.span_of("validate_signatures"), message, Some(help.into()));
    }
    let ca = ca.filter(|_| validate)?;
    Some(Signatures { ca, crl, routing_policy, routing_nitpicky: nitpicky })
}

fn read_connection(table: &Table<'_>) -> Connection {
    let mut it = Connection::default();
    table.set("high_water_mark", &mut it.high_water_mark, number(1..=1_000_000));
    table.set("tcp_keepalive", &mut it.tcp_keepalive, flag);
    table.set("tcp_keepalive_cnt", &mut it.tcp_keepalive_cnt, number(1..=100));
    let seconds = || duration(Duration::from_secs(1)..=Duration::from_hours(2));
    table.set("tcp_keepalive_idle", &mut it.tcp_keepalive_idle, seconds());
    table.set("tcp_keepalive_intvl", &mut it.tcp_keepalive_intvl, seconds());
    let waits = || duration(Duration::from_millis(10)..=Duration::from_mins(10));
    table.set("reconnect_ivl", &mut it.reconnect_ivl, waits());
    table.set("reconnect_ivl_max", &mut it.reconnect_ivl_max, waits());
    it
}

fn read_publish(table: Table<'_>) -> Option<Publish> {
    let endpoint = table.require("endpoint", endpoint("an address"));
    let (mut active, mut username) = (false, "hubs".to_owned());
    table.set("active", &mut active, flag);
    table.set("username", &mut username, text);
    let certificate = table.require("certificate", |item| Ok(beside(item, &text(item)?)));
    let key = table.require("key", secret);
    table.finish();
    Some(Publish { endpoint: endpoint?, active, certificate: certificate?, key: key?, username })
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

fn endpoint(fits: &'static str) -> impl Fn(&Item<'_>) -> Result<String, Misfit> {
    move |item| {
        let given = item.value.as_str().filter(|given| match given.split_once("://") {
            Some(("tcp", rest)) => rest
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()),
            Some(("ipc", path)) => !path.is_empty(),
            _ => false,
        });
        given
            .map(Into::into)
            .ok_or_else(|| Misfit::must_be(format!("{fits}, as in \"tcp://127.0.0.1:9940\"")))
    }
}

fn location(item: &Item<'_>) -> Result<Location, Misfit> {
    let given = text(item)?;
    match given.split_once("://") {
        None if given.is_empty() => Err(Misfit::must_be("a path or an https address")),
        None => Ok(Location::File(beside(item, &given))),
        Some(("https", _)) => {
            let url: Option<Url> = given.parse().ok();
            url.map(Location::Https).ok_or_else(|| Misfit::must_be("a path or an https address"))
        }
        Some(_) => Err(Misfit::advises(
            "who can change what comes from there can sign as anybody",
            "write an https address, or a path",
        )),
    }
}

fn beside(item: &Item<'_>, path: &str) -> PathBuf {
    item.document.around.folder.join(path)
}

fn policy(item: &Item<'_>) -> Result<BTreeMap<String, Vec<String>>, Misfit> {
    const FITS: &str = "a table of topics, each with a list of names, as in \
                        { \"org.fedoraproject.prod.x.y\" = [\"x-web01.example.org\"] }";
    let DeValue::Table(topics) = item.value else { return Err(Misfit::must_be(FITS)) };
    let read = topics.iter().map(|(topic, signers)| {
        let span = signers.span();
        let signers =
            Item { document: item.document, value: signers.get_ref(), span: span.clone() };
        let names = list(text)(&signers).map_err(|_| Misfit::must_be(FITS).at(span))?;
        Ok((topic.get_ref().to_string(), names))
    });
    read.collect()
}
