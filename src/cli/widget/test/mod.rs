//! `hubs widget test`: cases of widgets, run and reported.

mod adhoc;
mod watch;

use super::sample::Setting;
use crate::cases::{self, CasesError, Mode, Report, Request};
use crate::cli::Outcome;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::{self, Problems};
use crate::diagnostic::Diagnostic;
use crate::hub::WidgetName;
use clap::ValueEnum;
use regex::Regex;
use std::io::Write;
use std::path::PathBuf;

/// What a case file may say.
const CASES: &str = r#"Cases are in tests/widgets/NAME.toml, below the site:

  [[case]]
  name = "an award to its user redraws it"
  config = { username = "ralph" }
  messages = ["badges.jsonl"]              # in tests/recordings/: one message a line
  invalidated_by = ["2026-…-id"]           # exactly these, by their id; left out: not looked at
  cassette = "badges-ralph.json"           # in tests/cassettes/: answers of other servers; --record writes it
  datanommer = ["badges.jsonl"]            # what the history holds from the start
  data = { "assertions.0.name" = "Baby Badger" }   # paths into the data, and what is there
  snapshot = true                          # data and HTML in tests/widgets/NAME/; --update writes them
  now = "2026-01-01T12:00:00Z"             # the clock; else the time of the last message
  hub = { name = "ralph", kind = "user", owners = ["ralph"], days_idle = 3 }   # else an example
  hubs = [{ name = "infra", owners = ["ralph"] }]   # more hubs that there are

The widget's id is 1. Beside what a case says, every run checks that hints leave out no message for which
should_invalidate is true (unsound hints), that data which changes with a message means an invalidation (missed
update, for widgets that read datanommer), and warns where should_invalidate fails on messages with fields that are
missing or of another type.

Exit 0: all passed; 1: a case, a case file or the coverage failed; 2: wrong use."#;

/// Run the cases of widgets: tests/widgets/NAME.toml
///
/// A case gives a widget a configuration, messages and recorded answers of other servers, and says which messages
/// redraw it, what is in its data and how it looks. Nothing touches the network without `--record`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
#[command(after_long_help = CASES)]
pub(in crate::cli) struct Test {
    /// Which widgets, as in `badges` or `workflow.updates2stable`; without one all that have cases
    names: Vec<WidgetName>,
    /// Only cases whose name matches, as in `--case '^an award'`
    #[arg(long = "case", value_name = "REGEX")]
    only: Option<String>,
    /// Write the snapshots anew and remove those without a case
    #[arg(long, conflicts_with = "record")]
    update: bool,
    /// Write the cassettes anew, from the network
    #[arg(long)]
    record: bool,
    /// Show the lines and branches of the scripts that no case reached
    #[arg(long)]
    coverage: bool,
    /// Fail when the cases reach less of the scripts' lines together, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_coverage: Option<f64>,
    /// Run again whatever changes, until it is stopped
    #[arg(long, conflicts_with_all = ["record", "messages"])]
    watch: bool,
    /// With --messages: one parameter of the widget; repeat for more
    #[arg(long = "config", value_name = "KEY=VALUE", requires = "messages")]
    settings: Vec<Setting>,
    /// Without a case file: show what each message of a recording would do; repeat for more
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "update", "record", "coverage", "min_coverage"])]
    messages: Vec<PathBuf>,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// For whom the report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ReportFormat {
    /// For people
    #[default]
    Human,
    /// For programs: one object a line
    Json,
    /// For programs that read test reports in XML
    Junit,
}

impl Test {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        self.refuse_in_ci()?;
        let only = self.only.as_deref().map(pattern).transpose()?;
        let found = self.site.open()?;
        if !self.messages.is_empty() {
            return adhoc::execute(&self, &found, out);
        }
        if self.watch {
            return watch::execute(&self, &found, only.as_ref(), out);
        }
        self.run(&found, &self.names, only.as_ref(), out)
    }

    /// Runs the cases once, and writes the report.
    fn run(
        &self,
        found: &Place,
        names: &[WidgetName],
        only: Option<&Regex>,
        out: &mut impl Write,
    ) -> anyhow::Result<Outcome> {
        let mode = match (self.update, self.record) {
            (true, _) => Mode::Update,
            (_, true) => Mode::Record,
            _ => Mode::Check,
        };
        let coverage = self.coverage || self.min_coverage.is_some();
        let (site, sandbox) = (&found.site, &found.settings.sandbox);
        let options = self.site.again();
        let (options, threads) = (options.as_str(), None);
        let fas = found.settings.fas.as_ref();
        let request = Request { site, sandbox, fas, names, only, mode, coverage, options, threads };
        let mut report = cases::run(&request).map_err(|error| match error {
            CasesError::Unusable(problem) => Problems(vec![problem]).into(),
            CasesError::Setup(error) => error,
        })?;
        if report.cases.is_empty() {
            return Err(nothing_to_run(only).into());
        }
        let too_little = self.too_little(&report);
        let failed = report.failed() > 0 || too_little.is_some();
        report.warnings.extend(too_little);
        match self.format {
            ReportFormat::Human => cases::report::human(out, &report, &print::shown)?,
            ReportFormat::Json => cases::report::json(out, &report)?,
            ReportFormat::Junit => cases::report::junit(out, &report)?,
        }
        out.flush()?;
        Ok(if failed { Outcome::Failed } else { Outcome::Fine })
    }

    /// A machine that builds must not make its own expectations.
    fn refuse_in_ci(&self) -> Result<(), Problems> {
        let option = match (self.update, self.record) {
            (true, _) => "--update",
            (_, true) => "--record",
            _ => return Ok(()),
        };
        if std::env::var_os("CI").is_none_or(|value| value.is_empty()) {
            return Ok(());
        }
        let said = format!("{option} writes files, which is refused where CI is set");
        let help = "run it on a machine of your own, look at what it writes, and commit that";
        Err(Problems(vec![Diagnostic::error(said).help(help)]))
    }

    fn too_little(&self, report: &Report) -> Option<Diagnostic> {
        let (least, covered) = (self.min_coverage?, report.coverage.as_ref()?);
        let percent = covered.percent();
        (percent < least).then(|| {
            let said = format!(
                "the cases reach {percent:.1} % of the scripts' lines, but --min-coverage asks for {least} %"
            );
            Diagnostic::error(said).help("write cases that reach the lines which `coverage` names")
        })
    }
}

fn nothing_to_run(only: Option<&Regex>) -> Problems {
    let problem = match only {
        Some(only) => Diagnostic::error(format!("no case has a name that matches `{only}`"))
            .help("without --case all of them run, each with its name"),
        None => Diagnostic::error("there are no cases")
            .help("a widget's cases are in tests/widgets/NAME.toml, below the site"),
    };
    Problems(vec![problem])
}

fn pattern(text: &str) -> Result<Regex, Problems> {
    Regex::new(text).map_err(|error| {
        let said = format!("--case `{text}` is no regular expression: {}", reason(&error));
        let help = "to match a text as it is, put a \\ before each of . + * ? ( ) | [ ] { } ^ $";
        Problems(vec![Diagnostic::error(said).help(help)])
    })
}

/// The last line of what the parser says; before it, it shows the pattern.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).into()
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "a number from 0 to 100 is due, as in `90`".into())
}
