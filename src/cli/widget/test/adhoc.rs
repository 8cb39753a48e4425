//! `hubs widget test NAME --config k=v --messages FILE`: message by message, what would have redrawn the widget.

use super::{ReportFormat, Test};
use crate::cases::{self, Answered, WouldRedraw};
use crate::cli::place::Place;
use crate::cli::print::{self, Problems, count};
use crate::cli::widget::sample::{self, Unusable};
use crate::cli::{Format, Outcome};
use crate::diagnostic::Diagnostic;
use jiff::Timestamp;
use serde_json::json;
use std::io::{self, Write};

pub(super) fn execute(test: &Test, found: &Place, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let [name] = test.names.as_slice() else {
        let said = format!("--messages is for one widget, but {} are named", test.names.len());
        let help = "as in: hubs widget test badges --config username=ralph --messages FILE.jsonl";
        return Err(Problems(vec![Diagnostic::error(said).help(help)]).into());
    };
    if test.format == ReportFormat::Junit {
        let problem = Diagnostic::error("--format junit is for cases, and --messages needs none");
        return Err(Problems(vec![problem.help("use --format json")]).into());
    }
    let format = if test.format == ReportFormat::Json { Format::Json } else { Format::Human };
    let library = found.library();
    let definition = match sample::find(&library, name) {
        Ok(definition) => definition,
        Err(Unusable::Unknown(problems)) => return Err(problems.into()),
        Err(Unusable::Broken(problems)) => {
            for problem in &problems {
                print::diagnostic(out, problem, format)?;
            }
            return Ok(Outcome::Failed);
        }
    };
    let config = sample::config(&test.settings, &definition)?;
    let placed = sample::place(&definition, config)?;
    let sandbox = &found.settings.sandbox;
    let said = cases::would_redraw(
        &library,
        &definition,
        &placed,
        &test.messages,
        sandbox,
        Timestamp::now(),
    )?;
    if format == Format::Json {
        json(out, &said)?;
    } else {
        human(out, &said)?;
    }
    let failed =
        !said.problems.is_empty() || said.answers.iter().any(|answer| answer.problem.is_some());
    Ok(if failed { Outcome::Failed } else { Outcome::Fine })
}

fn human(out: &mut impl Write, said: &WouldRedraw) -> anyhow::Result<()> {
    for Answered { about, redraws, because, problem } in &said.answers {
        let word = if *redraws { "redraws" } else { "       " };
        writeln!(out, "{word}  {}  {}  {}:{}", about.id, about.topic, about.recording, about.line)?;
        for reason in because {
            writeln!(out, "             {reason}")?;
        }
        if let Some(problem) = problem {
            print::diagnostic(out, problem, Format::Human)?;
        }
    }
    for problem in &said.problems {
        print::diagnostic(out, problem, Format::Human)?;
    }
    let all = count(said.answers.len(), "message");
    writeln!(out, "{} of {all} would have redrawn it", redrawn(said))?;
    Ok(())
}

fn json(out: &mut impl Write, said: &WouldRedraw) -> io::Result<()> {
    for Answered { about, redraws, because, problem } in &said.answers {
        let row = json!({
            "id": about.id,
            "topic": about.topic,
            "recording": about.recording,
            "line": about.line,
            "redraws": redraws,
            "because": because,
        });
        writeln!(out, "{row}")?;
        if let Some(problem) = problem {
            print::diagnostic(out, problem, Format::Json)?;
        }
    }
    for problem in &said.problems {
        print::diagnostic(out, problem, Format::Json)?;
    }
    let totals = json!({ "messages": said.answers.len(), "redraws": redrawn(said) });
    writeln!(out, "{totals}")
}

fn redrawn(said: &WouldRedraw) -> usize {
    said.answers.iter().filter(|answer| answer.redraws).count()
}
