//! `hubs datanommer import`: messages from before hubs listened, into the history that it keeps.

use crate::bindings;
use crate::bus::Recording;
use crate::cli::Outcome;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::{complaint, count, note, number};
use crate::datanommer::Datanommer;
use crate::message::{Message, parse_line};
use crate::outbound::{Datagrepper, Walk};
use crate::script::{Interpreter, Tier};
use crate::widget::Library;
use jiff::Timestamp;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Messages, and bytes of lines, that one transaction takes.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 8 << 20;
/// Pages between two words on how far it has come.
const PAGES_A_WORD: u64 = 50;
/// Time is not what a processor is stopped for here.
const PATIENCE: Duration = Duration::from_secs(1);

/// Load recordings, or page through a datagrepper, into the history
///
/// A recording has one message a line, as fedmsg, datagrepper or fedora-messaging writes it. Of a datagrepper filters
/// may be given, as in `https://apps.fedoraproject.org/datagrepper?category=bodhi`. What is there already is skipped, and an
/// import from a datagrepper that was broken off goes on where it was.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Import {
    #[arg(required = true, value_name = "FILE|URL")]
    sources: Vec<String>,
    /// From a datagrepper: the first day, as in 2026-01-31, or time; without it the last import's end, else all that is kept
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    #[command(flatten)]
    site: SiteOption,
}

fn time(text: &str) -> Result<Timestamp, String> {
    crate::render::moment(text).ok_or_else(|| "a time is due, as in 2026-01-31".into())
}

impl Import {
    pub(in crate::cli) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let place = self.site.open()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sum = runtime.block_on(async {
            let mut importing = Importing::into(&place).await?;
            let outcome = importing.all(&self.sources, self.since).await;
            importing.datanommer.close().await;
            outcome.map(|()| importing.sum)
        })?;
        let Sum { added, there, refused, old } = sum;
        writeln!(
            out,
            "{} added, {} there already, {} refused",
            count(added, "message"),
            number(there as u64),
            count(refused, "line")
        )?;
        if old > 0 {
            note(&format!(
                "{} older than [datanommer] keep_days: a server throws them away within the hour",
                count(old, "message")
            ));
        }
        Ok(if refused == 0 { Outcome::Fine } else { Outcome::Failed })
    }
}

#[derive(Default)]
struct Sum {
    added: usize,
    there: usize,
    refused: usize,
    old: usize,
}

struct Importing {
    datanommer: Datanommer,
    library: Library,
    interpreter: Interpreter,
    /// Older ones are not kept.
    kept_since: Timestamp,
    sum: Sum,
}

impl Importing {
    async fn into(place: &Place) -> anyhow::Result<Self> {
        let settings = &place.settings.datanommer;
        let datanommer = Datanommer::of(settings).await?;
        if !datanommer.is_kept_here() {
            anyhow::bail!(
                "the history is the database of a datanommer, {}: hubs only reads it; import into one of your own, `[datanommer] url = \"sqlite:…\"`",
                settings.url
            );
        }
        let mut limits = place.settings.sandbox.pure.clone();
        limits.deadline = limits.deadline.max(PATIENCE);
        let interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
        let kept_since = Timestamp::now().checked_sub(settings.keep).unwrap_or(Timestamp::MIN);
        let library = place.library();
        Ok(Self { datanommer, library, interpreter, kept_since, sum: Sum::default() })
    }

    async fn all(&mut self, sources: &[String], since: Option<Timestamp>) -> anyhow::Result<()> {
        for source in sources {
            if source.contains("://") {
                self.pages(Datagrepper::at(source)?, since).await?;
            } else {
                self.lines(Path::new(source)).await?;
            }
        }
        Ok(())
    }

    async fn lines(&mut self, file: &Path) -> anyhow::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for line in Recording::open(file)? {
            let line = line?;
            match line.message {
                Ok(message) => batch.push(message),
                Err(why) => self.refuse(&format!("{}:{}: {why}", file.display(), line.number)),
            }
            bytes += line.text.len();
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                self.add(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        self.add(batch).await
    }

    async fn pages(
        &mut self,
        mut datagrepper: Datagrepper,
        since: Option<Timestamp>,
    ) -> anyhow::Result<()> {
        let name = datagrepper.name();
        let resumed = match since {
            Some(since) => Some(since),
            None => self.datanommer.imported(&name).await?,
        };
        let mut walk = Walk::new(resumed.unwrap_or(self.kept_since), Timestamp::now());
        let mut pages = 0_u64;
        loop {
            let lines = datagrepper.page(&walk).await.map_err(|why| {
                anyhow::anyhow!("{why}; the import goes on from here when it is started again")
            })?;
            let is_last = lines.len() < datagrepper.rows();
            let mut messages = Vec::with_capacity(lines.len());
            for line in &lines {
                match parse_line(line) {
                    Ok(message) => messages.push(message),
                    Err(why) => self.refuse(&format!("{name}: {why}")),
                }
            }
            let last = messages.iter().map(|message| message.sent_at).max();
            self.add(messages).await?;
            walk.go_on(last);
            self.datanommer.note_imported(&name, walk.from()).await?;
            if is_last {
                return Ok(());
            }
            pages += 1;
            if pages.is_multiple_of(PAGES_A_WORD) {
                let from = walk.from();
                note(&format!("{} added, up to {from}", count(self.sum.added, "message")));
            }
        }
    }

    fn refuse(&mut self, why: &str) {
        self.sum.refused += 1;
        complaint(why);
    }

    async fn add(&mut self, messages: Vec<Message>) -> anyhow::Result<()> {
        let mut described = Vec::with_capacity(messages.len());
        for mut message in messages {
            self.sum.old += usize::from(message.sent_at < self.kept_since);
            // As the server keeps them.
            self.library.processors().describe(&mut self.interpreter, &mut message);
            described.push(Arc::new(message));
        }
        let added = self.datanommer.add(&described).await?;
        self.sum.added += added;
        self.sum.there += described.len() - added;
        Ok(())
    }
}
