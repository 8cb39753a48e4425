//! `hubs widget run`: one call of `data()`, from the command line.

use super::sample::{self, Setting, Unusable};
use crate::bindings;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print;
use crate::cli::{Format, Outcome};
use crate::datanommer::Datanommer;
use crate::diagnostic::Diagnostic;
use crate::hub::{Placed, WidgetName};
use crate::message::Message;
use crate::render::{Renderer, WidgetHtml, plain, refresh_ages};
use crate::script::{Failure, Pool, Tier, Used};
use crate::widget::Definition;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Call `data()` once and print what it returns
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Run {
    /// Which widget, as in `badges` or `workflow.updates2stable`
    name: WidgetName,
    /// One parameter; repeat for more, as in `--config username=ralph --config limit=5`
    #[arg(long = "config", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// A recording that `datanommer` finds instead of the messages that the server has kept; repeat for more
    #[arg(long, value_name = "FILE")]
    messages: Vec<PathBuf>,
    /// Print the rendered widget instead of its data
    #[arg(long, conflicts_with = "text")]
    html: bool,
    /// Print the rendered widget as plain text
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    site: SiteOption,
    /// How diagnostics are printed; the data is JSON in any case
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One call: what came of it, how long it took, and what it used of its budget.
struct Called {
    result: Result<Value, Failure>,
    took: Duration,
    used: Used,
}

impl Run {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let definition = match sample::find(&library, &self.name) {
            Ok(definition) => definition,
            Err(Unusable::Broken(problems)) => return self.failed(out, &problems),
            Err(Unusable::Unknown(problems)) => return Err(problems.into()),
        };
        let config = sample::config(&self.settings, &definition)?;
        let placed = sample::place(&definition, config)?;
        let now = Timestamp::now();
        let mut recorded = Vec::new();
        for file in &self.messages {
            recorded.extend(sample::recording(file)?);
        }
        let stored =
            (!self.messages.is_empty()).then(|| sample::described(&found, &library, recorded));
        let called = call(&found, &definition, &placed, stored, now)?;
        if self.format == Format::Human {
            print::note(&budget(&called, &found));
        }
        let data = match called.result {
            Ok(data) => data,
            Err(failure) => return self.failed(out, &[failure.diagnostic]),
        };
        if !self.html && !self.text {
            serde_json::to_writer_pretty(&mut *out, &data)?;
            writeln!(out)?;
            return Ok(Outcome::Fine);
        }
        let (renderer, problems) = Renderer::new(&found.site);
        let widget = placed.to_json(now);
        let job = WidgetHtml { name: &self.name, data: &data, widget: &widget };
        match renderer.widget(&job) {
            Ok(html) if self.text => writeln!(out, "{}", plain(&refresh_ages(&html, now)))?,
            Ok(html) => writeln!(out, "{html}")?,
            Err(problem) => {
                let own: Vec<_> = problems.into_iter().filter(|p| p.file == problem.file).collect();
                return self.failed(
                    out,
                    if own.is_empty() { std::slice::from_ref(&problem) } else { &own },
                );
            }
        }
        Ok(Outcome::Fine)
    }

    fn failed(&self, out: &mut impl Write, problems: &[Diagnostic]) -> anyhow::Result<Outcome> {
        for problem in problems {
            print::diagnostic(out, problem, self.format)?;
        }
        Ok(Outcome::Failed)
    }
}

/// On a thread like the server's, with the stack that a hostile script may need.
fn call(
    found: &Place,
    definition: &Arc<Definition>,
    placed: &Placed,
    stored: Option<Vec<Arc<Message>>>,
    now: Timestamp,
) -> anyhow::Result<Called> {
    let runtime = tokio::runtime::Runtime::new()?;
    let limits = &found.settings.sandbox.data;
    let pool = runtime.block_on(async {
        let mut host = sample::host(found).await?;
        if let Some(messages) = stored {
            host.datanommer = Datanommer::open("sqlite::memory:").await?;
            host.datanommer.add(&messages).await?;
        }
        let install = bindings::install(host);
        anyhow::Ok(Pool::start(Tier::Data, limits.clone(), 1, Some(install)))
    })?;
    let (called, with) = (definition.clone(), placed.clone());
    let run = pool.run(
        move |interpreter| {
            let began = Instant::now();
            let result = called.data(interpreter, &with, now);
            Called { result, took: began.elapsed(), used: interpreter.used() }
        },
        limits.deadline * 2,
    );
    let called = runtime.block_on(run);
    runtime.shutdown_background();
    Ok(called?)
}

/// `took 3.1 ms; 1,204 of 1,000,000 operations, 48 KiB of 32 MiB, 1 of 16 requests (12 KiB of 2 MiB)`.
fn budget(called: &Called, found: &Place) -> String {
    let sandbox = &found.settings.sandbox;
    let Called { took, used, .. } = called;
    let mut text = format!(
        "took {}; {} of {} operations, {} of {}",
        print::duration(*took),
        print::number(used.operations),
        print::number(sandbox.data.operations),
        print::bytes(used.bytes),
        print::bytes(sandbox.data.memory_bytes as u64),
    );
    if used.requests > 0 {
        let _ = write!(
            text,
            ", {} of {} requests ({} of {})",
            used.requests,
            sandbox.max_requests,
            print::bytes(used.response_bytes as u64),
            print::bytes(sandbox.max_response_bytes as u64),
        );
    }
    text
}
