//! `hubs message explain`: how each message is read, and whom it concerns.

use crate::bus::Recording;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::Plain;
use crate::cli::{Format, Outcome};
use crate::config::Settings;
use crate::message::{Message, Words as _};
use crate::script::{Interpreter, Pool, Tier};
use crate::server;
use crate::store::Store;
use crate::triage::{Judged, Triage};
use crate::widget::Shelf;
use crate::{bindings, bus};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Messages that are read at a time.
const BATCH: usize = 512;

/// Show how each message of a recording is read: title, sentence, people, packages, and which instances it concerns
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Explain {
    /// A recording: one message a line, as fedmsg, datagrepper or fedora-messaging writes it
    file: PathBuf,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Explain {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let recording = Recording::open(&self.file)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let triage = triage(&found).await?;
            let mut outcome = Outcome::Fine;
            let mut batch: Vec<Message> = Vec::with_capacity(BATCH);
            for line in recording {
                let bus::Line { number, message, .. } = line?;
                match message {
                    Ok(message) => batch.push(message),
                    Err(error) => {
                        outcome = Outcome::Failed;
                        print_all(out, &triage, std::mem::take(&mut batch), self.format).await?;
                        crate::cli::print::complaint(&format!(
                            "{}:{number}: {error}",
                            self.file.display()
                        ));
                    }
                }
                if batch.len() == BATCH {
                    print_all(out, &triage, std::mem::take(&mut batch), self.format).await?;
                }
            }
            print_all(out, &triage, batch, self.format).await?;
            Ok(outcome)
        })
    }
}

/// Triage over the instances of this site's store; without one over the hubs that a first start would make.
async fn triage(found: &Place) -> anyhow::Result<Triage> {
    let Settings { sandbox, store, .. } = &found.settings;
    let install = bindings::pure();
    let mut reader = Interpreter::new(Tier::Pure, sandbox.pure.clone(), Some(install.clone()));
    let shelf = Arc::new(Shelf::new(found.site.clone(), &mut reader));
    let pool = Pool::start(Tier::Pure, sandbox.pure.clone(), sandbox.pure_threads, Some(install));
    let triage = Triage::new(shelf, pool, sandbox.pure_threads, Timestamp::now);
    let store = if store.exists() {
        Store::open(store.as_str()).await?
    } else {
        let fresh = Store::open("sqlite::memory:").await?;
        server::seed(&fresh, &found.settings, Timestamp::now()).await?;
        fresh
    };
    triage.fill(&store).await?;
    Ok(triage)
}

async fn print_all(
    out: &mut impl Write,
    triage: &Triage,
    batch: Vec<Message>,
    format: Format,
) -> anyhow::Result<()> {
    let judged = triage.judge(batch).await;
    let messages = judged.iter().map(|one| Message::clone(&one.message)).collect();
    let messages = triage.wording().word(messages).await;
    for (judged, message) in judged.into_iter().zip(messages) {
        let judged = Judged { message: Arc::new(message), ..judged };
        match format {
            Format::Json => writeln!(out, "{}", row(&judged))?,
            Format::Human => human(&mut Plain(&mut *out), &judged)?,
        }
    }
    Ok(())
}

fn row(judged: &Judged) -> Value {
    let message = &judged.message;
    let said = &message.description;
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let instances: Vec<_> = judged.invalidated.iter().map(|one| one.id).collect();
    json!({
        "id": message.id,
        "topic": message.topic.as_str(),
        "title": said.title,
        "summary": said.summary,
        "link": text(&said.link),
        "icon": text(&said.icon),
        "secondary_icon": text(&said.secondary_icon),
        "usernames": said.usernames,
        "packages": said.packages,
        "objects": said.objects,
        "instances": instances,
    })
}

fn human(out: &mut impl Write, judged: &Judged) -> anyhow::Result<()> {
    let message = &judged.message;
    let said = &message.description;
    writeln!(out, "{}  {}", message.sent_at, said.title)?;
    writeln!(out, "    {}", said.summary)?;
    let lists =
        [("people", &said.usernames), ("packages", &said.packages), ("objects", &said.objects)];
    for (word, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        writeln!(out, "    {word}: {}", names.join(", "))?;
    }
    if !said.link.is_empty() {
        writeln!(out, "    {}", said.link)?;
    }
    if !judged.invalidated.is_empty() {
        let places = judged.invalidated.iter().map(|one| format!("{}/{}", one.hub, one.id));
        writeln!(out, "    redraws {}", places.collect::<Vec<_>>().join(", "))?;
    }
    writeln!(out)?;
    Ok(())
}
