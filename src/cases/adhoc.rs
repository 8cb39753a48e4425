//! Message by message, what would have redrawn a widget: without a case file, to try things out.

use super::judging::{self, Arguments, at_fault};
use super::outcome::{About, sentence};
use super::recordings;
use super::run::pure_limits;
use crate::bindings;
use crate::bus::RecordingError;
use crate::config::Sandbox;
use crate::diagnostic::Diagnostic;
use crate::hub::Placed;
use crate::script::{Interpreter, Tier};
use crate::triage::Index;
use crate::widget::{Definition, Library};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// One message, and what the widget makes of it.
#[derive(Debug)]
pub struct Answered {
    pub about: About,
    /// Whether it would have redrawn the widget.
    pub redraws: bool,
    /// In sentences: the comparisons that decided, or which hint leaves it out.
    pub because: Vec<String>,
    /// `should_invalidate` failed, or is true where the hints leave the message out.
    pub problem: Option<Diagnostic>,
}

#[derive(Debug, Default)]
pub struct WouldRedraw {
    pub answers: Vec<Answered>,
    /// Lines that are no messages, hints that fail.
    pub problems: Vec<Diagnostic>,
}

/// Puts all messages of some files to an instance.
pub fn would_redraw(
    library: &Library,
    definition: &Arc<Definition>,
    placed: &Placed,
    files: &[PathBuf],
    sandbox: &Sandbox,
    now: Timestamp,
) -> Result<WouldRedraw, RecordingError> {
    let limits = pure_limits(&sandbox.pure);
    let recordings = recordings::of_files(files, library, &limits)?;
    let mut interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
    let mut found = WouldRedraw::default();
    let narrowed = definition.narrow(&mut interpreter, placed, now);
    found.problems.extend(narrowed.error.map(|error| Diagnostic::error(error.to_string())));
    let hints = narrowed.hints;
    let mut index = Index::new();
    index.insert(placed.id, &hints);
    let (mut candidates, mut arguments) = (Vec::new(), Arguments::default());
    for recording in &recordings {
        found.problems.extend(recording.problems.iter().cloned());
        for recorded in &recording.messages {
            let about = recording.about(recorded);
            if !definition.has_check {
                let because =
                    vec!["the widget has no `should_invalidate`: time alone redraws it".into()];
                found.answers.push(Answered { about, redraws: false, because, problem: None });
                continue;
            }
            index.candidates(&recorded.message, &mut candidates);
            let argument = arguments.of(&mut interpreter, &recorded.message);
            let traced = definition.trace_check(&mut interpreter, argument, placed, now);
            let mut because: Vec<String> =
                judging::decisive(&traced).iter().map(sentence).collect();
            let answer = match &traced.result {
                Ok(answer) => answer == &serde_json::Value::Bool(true),
                Err(_) => true,
            };
            let is_left_out = candidates.is_empty();
            let mut problem = traced.result.err().map(|failure| failure.diagnostic);
            if is_left_out && answer {
                let said = format!(
                    "the hints leave out a message for which `should_invalidate` is true: {}",
                    at_fault(&hints, &recorded.message)
                );
                problem = problem.or_else(|| Some(Diagnostic::error(said)));
            } else if is_left_out && because.is_empty() {
                because.push(format!(
                    "the hints leave it out: {}",
                    at_fault(&hints, &recorded.message)
                ));
            }
            let redraws = answer && !is_left_out;
            found.answers.push(Answered { about, redraws, because, problem });
        }
    }
    Ok(found)
}
