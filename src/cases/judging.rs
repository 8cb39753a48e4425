//! What each message of a case does, by the server's own path: index, then `should_invalidate`.
//!
//! The script is asked about every message, also about those that the index leaves out: that is how hints which are
//! not sound are found.

use super::outcome::{Failure, Kind};
use super::recordings::{Recorded, Recording};
use super::world::World;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::hub::InstanceId;
use crate::message::{self, Condition, Message};
use crate::script::{FailureKind, Interpreter, MessageArgument, Traced};
use crate::triage::Index;
use crate::triage::memory::Answer;
use crate::widget::{At, Case, CheckFailed, Hint};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Failures of one kind that a case reports; more of the same help nobody.
const MOST_OF_A_KIND: usize = 10;

/// Arguments that a thread keeps; beyond that it begins anew.
const MOST_ARGUMENTS: usize = 16_384;

/// Messages as scripts read them, made once a thread. The messages outlive it: so an address is an identity.
#[derive(Default)]
pub(super) struct Arguments(FxHashMap<usize, MessageArgument>);

impl Arguments {
    pub(super) fn of(
        &mut self,
        interpreter: &mut Interpreter,
        message: &Arc<Message>,
    ) -> &MessageArgument {
        if self.0.len() >= MOST_ARGUMENTS {
            self.0.clear();
        }
        let address = Arc::as_ptr(message) as usize;
        self.0.entry(address).or_insert_with(|| interpreter.message(message))
    }
}

/// What one message does.
pub(super) struct Verdict<'r> {
    pub(super) recording: &'r Recording,
    pub(super) recorded: &'r Recorded,
    /// The index names the instance.
    pub(super) is_candidate: bool,
    /// Either the index or `hints` alone leaves it out: where the two overlap, one may hide what is wrong with the other.
    is_left_out: bool,
    pub(super) answer: Answer,
}

impl Verdict<'_> {
    /// As the server has it.
    pub(super) fn invalidates(&self) -> bool {
        self.is_candidate && self.answer.invalidates()
    }

    fn is_unsound(&self) -> bool {
        self.answer == Answer::Yes && self.is_left_out
    }
}

/// What all messages do, and what went wrong on the way.
#[derive(Default)]
pub(super) struct Judged<'r> {
    /// Of the script's own `hints`.
    pub(super) hints: Vec<Hint>,
    /// What was read out of `should_invalidate`.
    pub(super) condition: Condition,
    /// The script contradicts that, which is told once.
    pub(super) is_contradicted: bool,
    pub(super) verdicts: Vec<Verdict<'r>>,
    pub(super) failures: Vec<Failure>,
    /// Where `should_invalidate` failed.
    pub(super) failed_at: BTreeSet<Spot>,
}

/// File, line and column.
pub(super) type Spot = (Option<String>, Option<usize>, Option<usize>);

/// Puts every message of the case to the index and to the script.
pub(super) fn judge<'r>(
    world: &World<'r>,
    interpreter: &mut Interpreter,
    arguments: &mut Arguments,
) -> Judged<'r> {
    let World { definition, placed, now, .. } = world;
    let mut judged = Judged::default();
    if !definition.has_check {
        return judged;
    }
    let narrowed = definition.narrow(interpreter, placed, *now);
    if let Some(error) = narrowed.error {
        let problem = match error {
            crate::widget::HintError::Failed(problem) => problem,
            other => at_function(world, "hints", other.to_string()),
        };
        judged.failures.push(Failure::new(Kind::Script, problem));
    }
    judged.hints = narrowed.explicit;
    judged.condition = narrowed.inferred.condition;
    let mut index = Index::new();
    index.insert(InstanceId(1), &narrowed.hints);
    let mut found = Vec::new();
    for (recording, recorded) in world.messages() {
        index.candidates(&recorded.message, &mut found);
        let argument = arguments.of(interpreter, &recorded.message);
        let said = definition.should_invalidate(interpreter, argument, placed, *now);
        if contradicts(&judged.condition, &recorded.message, &said) && !judged.is_contradicted {
            judged.is_contradicted = true;
            let failure = contradiction(world, &judged.condition, "");
            judged.failures.push(failure.about(recording.about(recorded)));
        }
        let answer = match said {
            Ok(true) => Answer::Yes,
            Ok(false) => Answer::No,
            Err(failure) => {
                let problem = failure.0.diagnostic;
                // The same place fails for many messages: the first of them tells enough.
                if judged.failed_at.insert((problem.file.clone(), problem.line, problem.column)) {
                    let about = recording.about(recorded);
                    judged.failures.push(Failure::new(Kind::Script, problem).about(about));
                }
                Answer::Failed
            }
        };
        let is_candidate = !found.is_empty();
        let is_left_out =
            !is_candidate || !judged.hints.iter().any(|hint| hint.matches(&recorded.message));
        judged.verdicts.push(Verdict { recording, recorded, is_candidate, is_left_out, answer });
    }
    judged
}

/// The server answers by what was inferred: it must be what the script says. One that throws says neither yes nor no; one
/// that a limit stopped might have said either.
pub(super) fn contradicts(
    condition: &Condition,
    message: &Message,
    said: &Result<bool, CheckFailed>,
) -> bool {
    let said = match said {
        Ok(said) => Some(*said),
        Err(failure) if matches!(failure.0.kind, FailureKind::Limit(_)) => return false,
        Err(_) => None,
    };
    match condition.judge(message) {
        message::Verdict::Yes => said != Some(true),
        message::Verdict::No => said != Some(false),
        message::Verdict::Ask => false,
    }
}

/// `when`: about which message, where it is not one as it came, as in ` when …`.
pub(super) fn contradiction(world: &World<'_>, condition: &Condition, when: &str) -> Failure {
    let said =
        format!("`should_invalidate` contradicts what was read out of it{when}: {condition}");
    let problem = at_function(world, "should_invalidate", said);
    Failure::new(
        Kind::UnsoundHints,
        problem
            .help("this is a mistake of hubs, not of the script: please report it with the script"),
    )
}

/// Whether the right messages invalidate, and the hints leave none of them out.
pub(super) fn check(
    world: &World<'_>,
    case: &Case,
    judged: &mut Judged<'_>,
    interpreter: &mut Interpreter,
    arguments: &mut Arguments,
) {
    let mut failures = Failures::default();
    for verdict in judged.verdicts.iter().filter(|verdict| verdict.is_unsound()) {
        if failures.is_full(Kind::UnsoundHints) {
            continue;
        }
        let traced = trace(world, verdict, interpreter, arguments);
        failures.push(unsound(world, verdict, &judged.hints, &traced));
    }
    if let Some(expected) = &case.invalidated_by {
        let listed: BTreeSet<&str> = expected.value.iter().map(|id| id.value.as_str()).collect();
        for verdict in judged.verdicts.iter().filter(|verdict| !verdict.is_unsound()) {
            let is_listed = listed.contains(verdict.recorded.message.id.as_str());
            // One that fails has been told of already.
            if verdict.answer == Answer::Failed || is_listed == verdict.invalidates() {
                continue;
            }
            if failures.is_full(Kind::Invalidation) {
                continue;
            }
            let traced = trace(world, verdict, interpreter, arguments);
            failures.push(unexpected(world, expected, verdict, is_listed, &traced));
        }
        for id in &expected.value {
            if judged.verdicts.iter().all(|verdict| verdict.recorded.message.id != id.value) {
                failures.push(unheard(id, judged));
            }
        }
    }
    judged.failures.extend(failures.into_all());
}

/// Asks again, noting what is compared.
pub(super) fn trace(
    world: &World<'_>,
    verdict: &Verdict<'_>,
    interpreter: &mut Interpreter,
    arguments: &mut Arguments,
) -> Traced {
    let argument = arguments.of(interpreter, &verdict.recorded.message);
    world.definition.trace_check(interpreter, argument, &world.placed, world.now)
}

fn unexpected(
    world: &World<'_>,
    expected: &At<Vec<At<String>>>,
    verdict: &Verdict<'_>,
    is_listed: bool,
    traced: &Traced,
) -> Failure {
    let (said, help) = if is_listed {
        let said = "does not invalidate the widget, but `invalidated_by` names it";
        let help = "mend `should_invalidate`, or strike the id from";
        (said, help)
    } else {
        let said = "invalidates the widget, but `invalidated_by` does not name it";
        let help = "mend `should_invalidate`, or add the id to";
        (said, help)
    };
    let about = verdict.recording.about(verdict.recorded);
    let listed = expected.place.shown();
    let said = format!("`{}` {said}", about.id);
    let problem = decided_at(world, traced, said).help(format!("{help} {listed}"));
    Failure::new(Kind::Invalidation, problem).about(about).decided_by(decisive(traced))
}

fn unheard(id: &At<String>, judged: &Judged<'_>) -> Failure {
    let known = judged.verdicts.iter().map(|verdict| verdict.recorded.message.id.as_str());
    let meant = did_you_mean(nearest(&id.value, known));
    let said = format!("no message of this case has the id `{}`{meant}", id.value);
    let help = "`invalidated_by` lists ids of messages in the recordings that `messages` names";
    Failure::new(Kind::Case, id.place.error(said).help(help))
}

fn unsound(world: &World<'_>, verdict: &Verdict<'_>, hints: &[Hint], traced: &Traced) -> Failure {
    let about = verdict.recording.about(verdict.recorded);
    let said = format!(
        "the hints leave out `{}`, for which `should_invalidate` is true: {}",
        about.id,
        at_fault(hints, &verdict.recorded.message)
    );
    let problem = if world.definition.has_hints {
        at_function(world, "hints", said)
            .help("widen `hints`, or leave the function out: conditions are read from `should_invalidate` too")
    } else {
        at_function(world, "should_invalidate", said)
            .help("this was inferred, and is a mistake of hubs: please report it with the script")
    };
    Failure::new(Kind::UnsoundHints, problem).about(about).decided_by(decisive(traced))
}

/// Which conditions a message does not meet; of several hints those of each.
pub(super) fn at_fault(hints: &[Hint], message: &Message) -> String {
    match hints {
        [] => "they match no message at all".into(),
        [hint] => lacking(hint, message).join(", and "),
        several => {
            let each = several.iter().enumerate().map(|(at, hint)| {
                format!("hint {}: {}", at + 1, lacking(hint, message).join(", and "))
            });
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Those of the hint; beside them only the index itself could be wrong.
fn lacking(hint: &Hint, message: &Message) -> Vec<String> {
    let lacking = hint.lacking(message);
    if lacking.is_empty() { vec!["a condition that was inferred".into()] } else { lacking }
}

pub(super) fn decisive(traced: &Traced) -> Vec<crate::script::Comparison> {
    traced.decisive().into_iter().cloned().collect()
}

/// At the comparison that decided; where nothing was compared at the function.
fn decided_at(world: &World<'_>, traced: &Traced, said: String) -> Diagnostic {
    let first = traced.decisive().first().copied();
    let text = first.and_then(|first| Some((first, world.definition.source.text_of(&first.file)?)));
    match text {
        Some((first, text)) => {
            Diagnostic::error(said).in_file(&*first.file).at(text, first.line, first.column)
        }
        None => at_function(world, "should_invalidate", said),
    }
}

/// At the line where a function of the script begins.
pub(super) fn at_function(world: &World<'_>, function: &str, said: String) -> Diagnostic {
    let source = &world.definition.source;
    let begins = |line: &str| {
        line.trim_start()
            .strip_prefix("fn ")
            .is_some_and(|rest| rest.trim_start().starts_with(&format!("{function}(")))
    };
    let problem = Diagnostic::error(said).in_file(&*source.file);
    match source.text.lines().position(begins) {
        Some(line) => {
            let indent = source
                .text
                .lines()
                .nth(line)
                .map_or(0, |text| text.len() - text.trim_start().len());
            problem.at(&source.text, line + 1, indent + 1)
        }
        None => problem,
    }
}

/// Failures with a limit of each kind; the rest is counted.
#[derive(Default)]
struct Failures {
    all: Vec<Failure>,
    kept_back: usize,
}

impl Failures {
    fn is_full(&mut self, kind: Kind) -> bool {
        let is_full =
            self.all.iter().filter(|failure| failure.kind == kind).count() >= MOST_OF_A_KIND;
        self.kept_back += usize::from(is_full);
        is_full
    }

    fn push(&mut self, failure: Failure) {
        self.all.push(failure);
    }

    fn into_all(mut self) -> Vec<Failure> {
        if let Some(last) = self.all.last_mut().filter(|_| self.kept_back > 0) {
            let more = self.kept_back;
            let help = last.diagnostic.help.take().unwrap_or_default();
            last.diagnostic.help =
                Some(format!("{help}\n{more} more messages like these are not shown"));
        }
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Place, Root, Test};
    use crate::script::{Failure, LimitName};

    #[test]
    fn what_was_read_out_of_a_script_must_be_what_it_says() {
        let topic = Place { root: Root::Topic, steps: vec![] };
        let award = || Condition::Is(topic.clone(), Test::EndsWith("badge.award".into()));
        let message = |topic: &str| {
            let topic = crate::message::Topic::new(&format!("org.fedoraproject.prod.{topic}"));
            Message::own(topic, serde_json::Value::Null, jiff::Timestamp::UNIX_EPOCH)
        };
        let thrown = || Err(CheckFailed(Failure::error(Diagnostic::error("no"))));
        let late = || {
            let failure = Failure::error(Diagnostic::error("late"));
            Err(CheckFailed(Failure { kind: FailureKind::Limit(LimitName::Deadline), ..failure }))
        };
        let cases = [
            (award(), "fedbadges.badge.award", Ok(true), false),
            (award(), "fedbadges.badge.award", Ok(false), true),
            (award(), "fedbadges.badge.award", thrown(), true),
            (award(), "fedbadges.badge.award", late(), false),
            (award(), "git.receive", Ok(false), false),
            (award(), "git.receive", Ok(true), true),
            (award(), "git.receive", thrown(), true),
            (Condition::Open, "git.receive", Ok(true), false),
            (Condition::Open, "git.receive", thrown(), false),
        ];
        for (condition, topic, said, expected) in cases {
            let found = contradicts(&condition, &message(topic), &said);
            assert_eq!(found, expected, "{condition} on {topic}: {said:?}");
        }
    }
}
