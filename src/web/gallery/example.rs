//! The world of a case, for a preview: its messages, its cassette, its hubs and its clock. Nothing outside is asked.

use super::super::Services;
use crate::bindings::{self, Host};
use crate::bus::Lines;
use crate::cache::Cache;
use crate::config::{Limits, Sandbox, Site};
use crate::datanommer::Datanommer;
use crate::hub::Hub;
use crate::message::Message;
use crate::outbound::{Cassette, Fas, Github, Outbound};
use crate::script::{Pool, Tier};
use crate::store::Store;
use crate::widget::{At, Case};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// What the clock of a case shows where it says nothing and has no messages.
const THEN: &str = "2026-01-01T00:00:00Z";
/// What reading the messages of a case may take.
const READING: Duration = Duration::from_secs(10);

pub(super) struct Example {
    pub(super) host: Host,
    pub(super) hub: Option<Hub>,
    pub(super) now: Timestamp,
}

impl Example {
    /// What can't be read is left out: that a case lacks its files is for `hubs widget test` to say.
    pub(super) async fn of(
        services: &Services,
        sandbox: &Sandbox,
        case: &Case,
    ) -> anyhow::Result<Self> {
        let site = services.shelf.site();
        let stored = described(services, sandbox, recorded(site, &case.datanommer)).await?;
        let heard = recorded(site, &case.messages);
        let last = heard.iter().map(|message| message.sent_at).max();
        let last = last.or_else(|| stored.iter().map(|message| message.sent_at).max());
        let now = case.now.or(last).unwrap_or_else(|| THEN.parse().expect("a literal time"));
        let datanommer = Datanommer::open("sqlite::memory:").await?;
        datanommer.worded_by(Arc::new(services.triage.wording().clone()));
        datanommer.add(&stored).await?;
        let store = Store::open("sqlite::memory:").await?;
        for hub in case.hub.iter().chain(&case.hubs) {
            store.create_hub(&hub.to_hub(now), &[]).await?;
        }
        let path = case.cassette.as_ref().map(|name| format!("tests/cassettes/{}", name.value));
        let text = path.as_ref().and_then(|path| site.read_text(path).ok().flatten());
        let cassette = match path.zip(text) {
            Some((path, text)) => Cassette::parse(&path, &text)?,
            None => Cassette::empty(),
        };
        let outbound = Outbound::replaying(sandbox, cassette);
        let host = Host {
            fas: Fas::on_cassette(&outbound, None),
            github: Github::anonymous(&outbound),
            outbound,
            datanommer,
            cache: Cache::memory(),
            store,
            runtime: Handle::current(),
            sandbox: sandbox.clone(),
        };
        Ok(Self { host, hub: case.hub.as_ref().map(|hub| hub.to_hub(now)), now })
    }
}

fn recorded(site: &Site, names: &[At<String>]) -> Vec<Message> {
    let messages = |name: &At<String>| {
        let bytes = site.read(&format!("tests/recordings/{}", name.value)).unwrap_or_default();
        let mut lines = Lines::default();
        let mut found = lines.push(&bytes);
        found.extend(lines.finish());
        found.into_iter().filter_map(|line| line.message.ok()).collect::<Vec<_>>()
    };
    names.iter().flat_map(messages).collect()
}

/// With what their processors read in them, as the server keeps them; but time is not what a processor is stopped for
/// here: an example should be the same on a busy machine.
async fn described(
    services: &Services,
    sandbox: &Sandbox,
    mut messages: Vec<Message>,
) -> anyhow::Result<Vec<Arc<Message>>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let library = services.shelf.library();
    let reading = move |interpreter: &mut crate::script::Interpreter| {
        for message in &mut messages {
            library.processors().describe(interpreter, message);
        }
        messages.into_iter().map(Arc::new).collect()
    };
    let patient = Limits { deadline: sandbox.pure.deadline * 200, ..sandbox.pure.clone() };
    let pool = Pool::start(Tier::Pure, patient, 1, Some(bindings::pure()));
    Ok(pool.run(reading, READING).await?)
}
