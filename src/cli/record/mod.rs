//! `hubs record`: messages from the configured buses into a file.

mod redact;
mod target;

use super::Outcome;
use super::place::SiteOption;
use super::print::{count, note};
use crate::bus::{self, Amqp, Delivery, Fedmsg, Gap};
use crate::config::Bus;
use crate::message::{Topic, TopicPattern, to_line};
use crate::server::signatures;
use crate::telemetry;
use anyhow::{Context, bail};
use jiff::Timestamp;
use redact::Redaction;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;
use target::Target;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How often a person who looks on is told how far it is.
const PROGRESS: Duration = Duration::from_millis(250);

/// Keep messages from the configured buses in a file, one a line
///
/// Each is written as its own bus has it: as fedora-messaging records them, and as fedmsg's envelopes. `hubs replay`,
/// `hubs widget test` and `fedora-messaging publish` read the file. From AMQP they come by a queue of its own, which
/// takes no message away from a server. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub(super) struct Record {
    /// The file; `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Only these, whole or behind the first three words: `*` is one word, `#` any number, as in `fedbadges.#`
    #[arg(long = "topic", value_name = "PATTERN")]
    topics: Vec<String>,
    /// Give people other names, the same ones throughout, and take out e-mail and IP addresses, tokens and passwords
    #[arg(long)]
    redact: bool,
    /// Write over a file that is there
    #[arg(long, conflicts_with = "append")]
    force: bool,
    /// Go on at the end of a file that is there
    #[arg(long)]
    append: bool,
    #[command(flatten)]
    site: SiteOption,
}

impl Record {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let place = self.site.open()?;
        let bus = place.settings.bus;
        if bus == Bus::default() {
            let file = place.file.unwrap_or_else(|| "hubs.toml".into());
            bail!("no bus is configured: {} needs [bus.amqp] or [bus.fedmsg]", file.display());
        }
        telemetry::start_log();
        let target = Target::open(&self.output, self.force, self.append, out)?;
        let mut recorder = Recorder {
            target,
            patterns: self.topics.iter().map(|pattern| TopicPattern::new(pattern)).collect(),
            redaction: self.redact.then(Redaction::default),
            kept: 0,
            most: self.count.unwrap_or(u64::MAX),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(record(&bus, &mut recorder))?;
        recorder.target.finish()?;
        note(&format!("{} kept", count(usize::try_from(recorder.kept)?, "message")));
        Ok(Outcome::Fine)
    }
}

/// Until there are enough, or somebody has enough.
async fn record<W: Write>(bus: &Bus, recorder: &mut Recorder<'_, W>) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be waited for")?;
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be waited for")?;
    let (sender, mut deliveries) = bus::channel();
    // A recording has gaps where the bus had.
    let gap = Gap::default();
    let signatures = match &bus.fedmsg {
        Some(fedmsg) => signatures(fedmsg, Timestamp::now).await?,
        None => None,
    };
    let fedmsg = bus.fedmsg.as_ref();
    let fedmsg = fedmsg.map(|fedmsg| Fedmsg::start(fedmsg, signatures, sender.clone(), gap));
    let amqp = bus.amqp.clone().map(|amqp| Amqp::start(&amqp.aside(), &sender));
    let (fedmsg, amqp) = (fedmsg.transpose()?, amqp.transpose()?);
    let mut ticks = tokio::time::interval(PROGRESS);
    let is_watched = std::io::stderr().is_terminal();
    let ended = loop {
        if recorder.kept >= recorder.most {
            break Ok(());
        }
        tokio::select! {
            _ = interrupt.recv() => break Ok(()),
            _ = terminate.recv() => break Ok(()),
            delivery = deliveries.recv() => {
                let Some(delivery) = delivery else { break Ok(()) };
                if let Err(error) = recorder.take(delivery, &mut deliveries) {
                    break Err(error);
                }
            }
            _ = ticks.tick(), if is_watched => progress(recorder.kept),
        }
    };
    drop(deliveries);
    if is_watched {
        progress(recorder.kept);
        note("");
    }
    if let Some(fedmsg) = fedmsg {
        fedmsg.stop().await;
    }
    if let Some(amqp) = amqp {
        amqp.stop().await;
    }
    ended
}

/// One line that is written over and over.
fn progress(kept: u64) {
    let kept = count(usize::try_from(kept).unwrap_or(usize::MAX), "message");
    // Where stderr is closed nobody reads it.
    let _ = write!(std::io::stderr(), "\r{kept} so far; Ctrl-C ends ");
}

struct Recorder<'o, W> {
    target: Target<'o, W>,
    /// None are all.
    patterns: Vec<TopicPattern>,
    redaction: Option<Redaction>,
    kept: u64,
    most: u64,
}

impl<W: Write> Recorder<'_, W> {
    /// This one and those that wait behind it; a source is told when its messages are in the file.
    fn take(
        &mut self,
        first: Delivery,
        waiting: &mut mpsc::Receiver<Delivery>,
    ) -> anyhow::Result<()> {
        let mut receipts = Vec::new();
        let mut next = Some(first);
        while let Some(Delivery { message, done, .. }) = next {
            if self.wants(&message.topic) {
                let mut line = to_line(&message);
                if let Some(redaction) = &mut self.redaction {
                    redaction.redact(&mut line, &message);
                }
                self.target.line(&line)?;
                self.kept += 1;
            }
            receipts.extend(done);
            next = if self.kept < self.most { waiting.try_recv().ok() } else { None };
        }
        self.target.flush()?;
        for receipt in receipts {
            let _ = receipt.send(());
        }
        Ok(())
    }

    fn wants(&self, topic: &Topic) -> bool {
        self.patterns.is_empty()
            || self.patterns.iter().any(|p| p.matches(topic) || p.matches_suffix(topic.as_str()))
    }
}
