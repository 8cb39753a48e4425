//! `hubs widget bench`: what a widget costs, message by message and rebuild by rebuild.

mod measure;
mod report;

use super::sample::{self, Setting, Unusable};
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::{self, Problems};
use crate::cli::{Format, Outcome};
use crate::diagnostic::Diagnostic;
use crate::hub::{Config, WidgetName};
use crate::message::Message;
use crate::outbound::Cassette;
use crate::widget::{At, Case, Definition, cases_of};
use jiff::Timestamp;
use measure::Bench as Measurement;
use report::Report;
use std::io::Write;
use std::path::PathBuf;

/// Measure `should_invalidate` and `data` over recordings, and compare with an earlier time
///
/// Configuration, recordings, stored messages and cassette are those of the widget's first case, as far as no option
/// says otherwise. Nothing is asked of the network.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Bench {
    /// Which widget, as in `badges` or `workflow.updates2stable`
    name: WidgetName,
    /// A recording to ask about; repeat for more. Without one those of its first case, else all in tests/recordings/
    #[arg(long, value_name = "FILE")]
    messages: Vec<PathBuf>,
    /// One parameter; repeat for more, as in `--config username=ralph --config limit=5`
    #[arg(long = "config", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// What other servers answer; without it that of its first case
    #[arg(long, value_name = "FILE")]
    cassette: Option<PathBuf>,
    /// Compare with what was saved there; without it with bench/NAME.json below the storage path
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Save these figures there, to compare with later; without FILE where the next run looks
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "")]
    save: Option<String>,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Bench {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let definition = match sample::find(&library, &self.name) {
            Ok(definition) => definition,
            Err(Unusable::Broken(problems)) => return Err(Problems(problems).into()),
            Err(Unusable::Unknown(problems)) => return Err(problems.into()),
        };
        let case = cases_of(&found.site, &self.name).into_iter().next().unwrap_or_default();
        let place = found.settings.storage.path.join(format!("bench/{}.json", self.name));
        let baseline = match &self.baseline {
            Some(file) => Some(Report::load(file)?),
            None => Report::load(&place).ok(),
        };
        let config = self.config(&definition, &case)?;
        let measurement = Measurement {
            placed: sample::place(&definition, config)?,
            definition,
            now: case.now.unwrap_or_else(Timestamp::now),
            messages: sample::described(&found, &library, self.recordings(&found, &case)?),
            stored: sample::described(&found, &library, stored(&found, &case)),
            cassette: self.answers(&found, &case)?,
        };
        let report = measurement.run(&found)?;
        match self.format {
            Format::Human => report.human(out, baseline.as_ref())?,
            Format::Json => writeln!(out, "{}", report.json(baseline.as_ref()))?,
        }
        if let Some(file) = self.save {
            let file = if file.is_empty() { place } else { file.into() };
            report.save(&file)?;
            print::note(&format!("saved to {}", file.display()));
        } else if baseline.is_none() && self.format == Format::Human {
            print::note("nothing to compare with yet: `--save` keeps these figures");
        }
        Ok(Outcome::Fine)
    }

    /// That of the case, with what the command line says in its place.
    fn config(&self, definition: &Definition, case: &Case) -> Result<Config, Problems> {
        let mut config = case.config.clone();
        config.extend(sample::config(&self.settings, definition)?);
        Ok(config)
    }

    fn recordings(&self, found: &Place, case: &Case) -> anyhow::Result<Vec<Message>> {
        if !self.messages.is_empty() {
            let mut messages = Vec::new();
            for file in &self.messages {
                messages.extend(sample::recording(file)?);
            }
            return Ok(messages);
        }
        let paths = if case.messages.is_empty() {
            found.site.list("tests/recordings", ".jsonl")
        } else {
            case.messages.iter().map(path_of).collect()
        };
        Ok(paths.iter().flat_map(|path| of_site(found, path)).collect())
    }

    fn answers(&self, found: &Place, case: &Case) -> anyhow::Result<Cassette> {
        if let Some(file) = &self.cassette {
            return Ok(Cassette::load(file)?);
        }
        let Some(At { value: name, .. }) = &case.cassette else { return Ok(Cassette::empty()) };
        let path = format!("tests/cassettes/{name}");
        let Some(text) = found.site.read_text(&path)? else {
            let message =
                format!("the first case of `{}` names {path}, which is not there", self.name);
            let help = "`hubs widget test --record` writes it; `--cassette` names another";
            return Err(Problems(vec![Diagnostic::error(message).help(help)]).into());
        };
        Ok(Cassette::parse(&path, &text)?)
    }
}

fn stored(found: &Place, case: &Case) -> Vec<Message> {
    case.datanommer.iter().flat_map(|name| of_site(found, &path_of(name))).collect()
}

fn path_of(recording: &At<String>) -> String {
    format!("tests/recordings/{}", recording.value)
}

fn of_site(found: &Place, path: &str) -> Vec<Message> {
    let Some(bytes) = found.site.read(path) else {
        print::complaint(&format!("{path} is not there, so it is left out"));
        return Vec::new();
    };
    sample::messages(path, &bytes)
}
