//! `hubs message group`: messages as the entries of a feed.

use crate::bus::{Line, Recording};
use crate::cases::read_in_group;
use crate::cli::place::SiteOption;
use crate::cli::print::{self, Plain};
use crate::cli::{Format, Outcome};
use crate::message::Group as Entry;
use std::io::Write;
use std::path::PathBuf;

/// Messages that are put together at once: what a feed shows at most.
const AT_ONCE: usize = 200;

/// Put the messages of a recording together as a feed does: those that belong together in one sentence
///
/// Messages are taken in the order of the file, 200 at a time.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Group {
    /// A recording: one message a line, as fedmsg, datagrepper or fedora-messaging writes it
    file: PathBuf,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Group {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let mut interpreter = found.interpreter();
        let (mut outcome, mut messages) = (Outcome::Fine, Vec::new());
        for line in Recording::open(&self.file)? {
            let Line { number, message, .. } = line?;
            match message {
                Ok(mut message) => {
                    library.processors().describe(&mut interpreter, &mut message);
                    messages.push(message);
                }
                Err(error) => {
                    outcome = Outcome::Failed;
                    let file = self.file.display();
                    print::complaint(&format!("{file}:{number}: {error}"));
                }
            }
            if messages.len() == AT_ONCE {
                let page = std::mem::take(&mut messages);
                self.print(out, &library.processors().group(&mut interpreter, page))?;
            }
        }
        self.print(out, &library.processors().group(&mut interpreter, messages))?;
        Ok(outcome)
    }

    fn print(&self, out: &mut impl Write, entries: &[Entry]) -> anyhow::Result<()> {
        for entry in entries {
            if self.format == Format::Json {
                writeln!(out, "{}", serde_json::Value::Object(read_in_group(entry)))?;
                continue;
            }
            let said = &entry.description;
            let mut out = Plain(&mut *out);
            writeln!(out, "{}  {}", entry.span().1, said.summary)?;
            if !said.link.is_empty() {
                writeln!(out, "    {}", said.link)?;
            }
            if entry.messages.len() > 1 {
                for message in &entry.messages {
                    writeln!(out, "    - {}", message.description.summary)?;
                }
            }
        }
        Ok(())
    }
}
