//! Each service that hubs.toml names, asked once: whether it lets hubs in, what it may do there, and what is missing.
//!
//! All are asked at the same time, nothing is tried again, and nothing is written. What is found is read by people and by
//! programs; no secret is in it.

use crate::bus::{Amqp, Fedmsg, QueueSeen, QueueState};
use crate::config::{self, DatanommerSettings, OutboundSettings, Settings};
use crate::datanommer::Datanommer;
use crate::outbound::{Datagrepper, Fas, Github, Outbound, github::Standing};
use crate::render::commas;
use futures_util::future::join_all;
use serde::Serialize;
use std::fmt::Display;
use std::time::Duration;
use tokio::time::Instant;

/// Who has not answered by then does not work.
const PATIENCE: Duration = Duration::from_secs(15);

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub service: &'static str,
    /// Its address, without passwords; nothing where hubs.toml names none.
    pub at: Option<String>,
    /// Nothing where hubs.toml does not name it.
    pub works: Option<bool>,
    /// As whom hubs is let in.
    pub who: Option<String>,
    pub may: Vec<String>,
    pub missing: Vec<Missing>,
}

/// What does not work, or would with more, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    pub what: String,
    pub help: String,
}

/// All services, in the order of the tables of hubs.toml.
pub async fn online(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    let once = OutboundSettings { tries: 1, ..settings.outbound.clone() };
    let outbound = Outbound::new(&settings.sandbox)?.within(&once);
    let (datanommer, fedmsg, amqp, fas, github) = tokio::join!(
        datanommer(&settings.datanommer),
        fedmsg(settings.bus.fedmsg.as_ref()),
        amqp(settings.bus.amqp.as_ref()),
        fas(settings.fas.as_ref(), &outbound),
        github(&settings.github, &outbound),
    );
    Ok([vec![datanommer], fedmsg, vec![amqp, fas, github]].concat())
}

impl Finding {
    fn unset(service: &'static str, what: &str, help: &str) -> Self {
        let finding =
            Self { service, at: None, works: None, who: None, may: vec![], missing: vec![] };
        finding.lacking(what, help)
    }

    fn works(service: &'static str, at: impl Display, who: Option<String>) -> Self {
        let (at, works) = (Some(at.to_string()), Some(true));
        Self { service, at, works, who, may: vec![], missing: vec![] }
    }

    fn fails(service: &'static str, at: impl Display, what: impl Display, help: &str) -> Self {
        let finding = Self { works: Some(false), ..Self::works(service, at, None) };
        finding.lacking(what, help)
    }

    fn allowed(mut self, may: impl Into<String>) -> Self {
        self.may.push(may.into());
        self
    }

    fn lacking(mut self, what: impl Display, help: &str) -> Self {
        self.missing.push(Missing { what: what.to_string(), help: help.into() });
        self
    }
}

/// The outcome, or why there is none.
async fn in_time<T, E: Display>(work: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it does not answer: nothing came within {PATIENCE:?}")),
    }
}

async fn fas(settings: Option<&config::Fas>, outbound: &Outbound) -> Finding {
    let Some(settings) = settings else {
        let what =
            "nobody is asked about accounts: widgets that want to know of people and groups say so";
        return Finding::unset("fas", what, "set `url` and a login in [fas] of hubs.toml");
    };
    let fas = Fas::new(outbound, Some(settings));
    match in_time(fas.who(Instant::now() + PATIENCE)).await {
        Ok(who) => Finding::works("fas", &settings.url, Some(who))
            .allowed("ask about people, groups and their members"),
        Err(why) => {
            Finding::fails("fas", &settings.url, why, "[fas] of hubs.toml has its `url` and login")
        }
    }
}

async fn github(settings: &config::Github, outbound: &Outbound) -> Finding {
    let github = Github::new(outbound, settings);
    let standing = match in_time(github.standing(Instant::now() + PATIENCE)).await {
        Ok(standing) => standing,
        Err(why) => {
            let help = "[github] of hubs.toml has its `url` and `token`";
            return Finding::fails("github", &settings.url, why, help);
        }
    };
    let has_token = settings.token.is_some();
    let who = match &standing.login {
        None if has_token => Some("an app".into()),
        login => login.clone(),
    };
    let mut finding = Finding::works("github", &settings.url, who).allowed(limits(&standing));
    if !standing.scopes.is_empty() {
        let scopes = standing.scopes.join(", ");
        finding = finding.allowed(format!(
            "do more than it needs to ({scopes}): a token without any scope is enough for all that widgets ask"
        ));
    }
    if !has_token {
        finding = finding.lacking(
            "a token, with which GitHub takes 5,000 requests an hour, and `github::graphql` works",
            "set `token` in [github] of hubs.toml; it needs no scopes",
        );
    }
    if settings.webhook_secret.is_none() {
        finding = finding.lacking(
            "webhooks: what happens at GitHub is seen when a widget is next refreshed",
            "set `webhook_secret` in [github] of hubs.toml, and send webhooks to /hooks/github",
        );
    }
    finding
}

fn limits(standing: &Standing) -> String {
    let figure = |number: u64| commas(i64::try_from(number).unwrap_or(i64::MAX));
    let Some(limit) = standing.limit else { return "ask as often as it likes".into() };
    let left = standing.remaining.map(|left| format!(", {} of them are left", figure(left)));
    let until = standing.reset.map(|at| format!(" until {}", at.strftime("%H:%M:%S UTC")));
    let until = until.filter(|_| left.is_some());
    let (left, until) = (left.unwrap_or_default(), until.unwrap_or_default());
    format!("ask {} times an hour{left}{until}", figure(limit))
}

async fn datanommer(settings: &DatanommerSettings) -> Finding {
    let (service, at) = ("datanommer", &settings.url);
    let unset = || {
        let what = "hubs keeps the messages itself, from when it began to listen";
        let help = "set `url` of a datanommer's database in [datanommer] of hubs.toml, or `hubs datanommer import` what was before";
        Finding::unset(service, what, help)
    };
    if !at.is_postgres() {
        // Not opened: a server that runs has it.
        return unset();
    }
    let asking = async {
        let datanommer = Datanommer::of(settings).await?;
        let seen = datanommer.inspect().await;
        datanommer.close().await;
        seen
    };
    match in_time(asking).await {
        Ok(None) => unset(),
        Ok(Some(seen)) => {
            let figure = commas(i64::try_from(seen.messages).unwrap_or(i64::MAX));
            let latest = seen.latest.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            let finding = Finding::works(service, at, Some(seen.user));
            let version = seen.version;
            match latest {
                Some(latest) => finding.allowed(format!(
                    "read about {figure} messages, the last one of {latest} (PostgreSQL {version})"
                )),
                None => finding
                    .allowed(format!("read all tables (PostgreSQL {version})"))
                    .lacking("messages: there is none", "does datanommer's consumer run?"),
            }
        }
        Err(why) => {
            let help = "[datanommer] of hubs.toml has its `url` and `password`";
            Finding::fails(service, at, why, help)
        }
    }
}

async fn amqp(settings: Option<&config::Amqp>) -> Finding {
    let Some(settings) = settings else {
        let what = "no message comes by AMQP";
        return Finding::unset("amqp", what, "set `url` in [bus.amqp] of hubs.toml");
    };
    let at = &settings.url;
    let queues = match in_time(Amqp::probe(settings)).await {
        Ok(queues) => queues,
        Err(why) => {
            let help =
                "does the broker run? [bus.amqp] of hubs.toml has its `url`, `tls` and `queue`";
            return Finding::fails("amqp", at, why, help);
        }
    };
    let is_external = at.tls && settings.tls.certfile.is_some();
    let who = if is_external { "its certificate".into() } else { at.user.clone() };
    let mut finding = Finding::works("amqp", at, Some(who));
    if queues.is_empty() {
        finding = finding.lacking(
            "a queue of its own: what is sent while hubs is away is lost",
            "name one as `queue` in [bus.amqp] of hubs.toml",
        );
    }
    for QueueSeen { name, state } in queues {
        finding = finding.allowed(match state {
            QueueState::There { messages, consumers } => {
                format!(
                    "read the queue `{name}`, which has {messages} messages and {consumers} readers"
                )
            }
            QueueState::NotYet => format!("read the queue `{name}`, which it makes when it starts"),
            QueueState::Held => {
                format!("read the queue `{name}`, which a running hubs has for itself")
            }
        });
    }
    finding
}

/// Each endpoint by itself: one may be away while the others are not.
async fn fedmsg(settings: Option<&config::Fedmsg>) -> Vec<Finding> {
    let Some(settings) = settings else {
        let what = "no message comes by fedmsg";
        let help = "set `endpoints` in [bus.fedmsg] of hubs.toml";
        return vec![Finding::unset("fedmsg", what, help)];
    };
    let listen = settings.endpoints.iter().map(|endpoint| (endpoint, "listen", "`endpoints`"));
    let relay = settings.publish.as_ref().filter(|publish| publish.active);
    let relay = relay.map(|publish| (&publish.endpoint, "publish", "`endpoint` of `publish`"));
    let reaching = listen.chain(relay).map(async |(endpoint, may, key)| {
        match in_time(Fedmsg::reach(endpoint)).await {
            Ok(()) => Finding::works("fedmsg", endpoint, None).allowed(may),
            Err(why) => {
                let help = format!("{key} in [bus.fedmsg] of hubs.toml names it");
                Finding::fails("fedmsg", endpoint, why, &help)
            }
        }
    });
    let archive = datagrepper(settings);
    let (mut findings, archive) = tokio::join!(join_all(reaching), archive);
    findings.push(archive);
    findings
}

async fn datagrepper(settings: &config::Fedmsg) -> Finding {
    let service = "datagrepper";
    let Some(address) = &settings.datagrepper_url else {
        let what = "what fedmsg sends while hubs is away is lost; widgets that it may have concerned are refreshed instead";
        let help = "set `datagrepper_url` in [bus.fedmsg] of hubs.toml";
        return Finding::unset(service, what, help);
    };
    let help = "`datagrepper_url` in [bus.fedmsg] of hubs.toml names it";
    let archive = match Datagrepper::at(address) {
        Ok(archive) => archive.of_fedmsg(),
        Err(why) => return Finding::fails(service, "an address that is none", why, help),
    };
    let at = archive.shown();
    match in_time(archive.probe()).await {
        Ok(()) => Finding::works(service, at, None).allowed("be told what hubs missed"),
        Err(why) => Finding::fails(service, at, why, help),
    }
}
