//! `hubs replay`: recorded messages into a running server.

use super::Outcome;
use super::place::ServerOption;
use super::print::{complaint, count};
use crate::bus::{Line, Recording};
use crate::message::Message;
use crate::outbound::{Posted, Posting};
use jiff::Timestamp;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Messages that are sent in one request when nothing asks for their own pace.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 1 << 20;
/// Nights and weekends of a recording are no part of the show.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Feed recordings to a running server
///
/// A recording has one message a line, as fedmsg, datagrepper or fedora-messaging writes it.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// In the recording's own pace, X times as fast; without it as fast as the server takes them
    #[arg(long, value_name = "X", value_parser = speed)]
    speed: Option<f64>,
    #[command(flatten)]
    server: ServerOption,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed.is_finite() => Ok(speed),
        _ => {
            Err("a number above 0 is due: 1 is the recording's own pace, 10 ten times as fast"
                .into())
        }
    }
}

impl Replay {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let posting = self.server.posting()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut sending = Sending {
            posting,
            speed: self.speed,
            ready: Vec::new(),
            last: None,
            sum: Posted::default(),
        };
        runtime.block_on(async {
            for file in &self.files {
                for line in Recording::open(file)? {
                    sending.take(file, line?).await?;
                }
            }
            sending.flush().await
        })?;
        let Posted { accepted, refused, .. } = sending.sum;
        writeln!(
            out,
            "{} accepted, {} refused",
            count(accepted, "message"),
            count(refused, "line")
        )?;
        Ok(if refused == 0 { Outcome::Fine } else { Outcome::Failed })
    }
}

/// A line that waits to be sent, and where it stands.
struct Ready {
    text: Vec<u8>,
    place: String,
}

struct Sending {
    posting: Posting,
    speed: Option<f64>,
    ready: Vec<Ready>,
    last: Option<Timestamp>,
    sum: Posted,
}

impl Sending {
    async fn take(&mut self, file: &Path, line: Line) -> anyhow::Result<()> {
        let place = format!("{}:{}", file.display(), line.number);
        match line.message {
            Ok(message) => {
                self.keep_pace(&message).await?;
                self.ready.push(Ready { text: line.text, place });
            }
            Err(error) => {
                self.sum.refused += 1;
                complaint(&format!("{place}: {error}"));
            }
        }
        let bytes: usize = self.ready.iter().map(|ready| ready.text.len()).sum();
        if self.ready.len() >= BATCH || bytes >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits as long as the sender of the recording did, less what `--speed` saves.
    async fn keep_pace(&mut self, message: &Message) -> anyhow::Result<()> {
        let Some(speed) = self.speed else { return Ok(()) };
        let last = self.last.replace(message.sent_at);
        let pause = last.map(|last| message.sent_at.duration_since(last));
        let Some(pause) = pause.and_then(|pause| Duration::try_from(pause).ok()) else {
            return Ok(());
        };
        if !pause.is_zero() {
            self.flush().await?;
            tokio::time::sleep(pause.div_f64(speed).min(LONGEST_PAUSE)).await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let ready = std::mem::take(&mut self.ready);
        let mut body = Vec::new();
        for one in &ready {
            body.extend_from_slice(&one.text);
            body.push(b'\n');
        }
        let posted = self.posting.post(body).await?;
        for refused in &posted.errors {
            let place = ready.get(refused.line.saturating_sub(1)).map_or("", |ready| &ready.place);
            complaint(&format!("{place}: {}", refused.error));
        }
        self.sum.accepted += posted.accepted;
        self.sum.refused += posted.refused;
        Ok(())
    }
}
