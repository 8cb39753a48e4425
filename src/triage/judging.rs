//! A message on a script thread: described, looked up in the index, put to the scripts that it may concern.

use super::memory::Answer;
use super::{Concerned, Inner, Judged, PATIENCE, Plan, Triage};
use crate::hub::{InstanceId, Placed};
use crate::message::{Condition, Message, Verdict};
use crate::script::{Interpreter, MessageArgument};
use crate::telemetry;
use crate::widget::{Definition, Library};
use jiff::Timestamp;
use std::sync::{Arc, OnceLock};

impl Triage {
    /// Describes messages (processors) and finds whom they concern. In the order in which they came.
    pub async fn judge(&self, messages: Vec<Message>) -> Vec<Judged> {
        let share = messages.len().div_ceil(self.threads).max(1);
        let mut messages = messages;
        let mut shares = Vec::new();
        while !messages.is_empty() {
            let rest = messages.split_off(messages.len().min(share));
            shares.push(self.judge_share(std::mem::replace(&mut messages, rest)));
        }
        futures_util::future::join_all(shares).await.into_iter().flatten().collect()
    }

    async fn judge_share(&self, messages: Vec<Message>) -> Vec<Judged> {
        let inner = self.inner.clone();
        let spare = messages.clone();
        let judged = self.pool.run(
            move |interpreter| {
                let library = inner.shelf.library();
                messages
                    .into_iter()
                    .map(|message| inner.judge(interpreter, &library, message))
                    .collect::<Vec<_>>()
            },
            PATIENCE,
        );
        match judged.await {
            Ok(judged) => judged,
            // A thread was lost on them: whoever may be concerned counts as concerned.
            Err(_) => {
                spare.into_iter().map(|message| self.inner.judge_without_scripts(message)).collect()
            }
        }
    }
}

/// A candidate, ready to be asked: its script and its arguments.
pub(super) struct Ready {
    definition: Arc<Definition>,
    placed: Placed,
    /// What the script asks of a message, where it is plain to see: read when it is first needed.
    condition: OnceLock<Condition>,
}

impl Ready {
    fn concerned(&self) -> Concerned {
        Concerned { id: self.placed.id, hub: self.placed.hub.name.clone() }
    }
}

impl Inner {
    fn judge(
        &self,
        interpreter: &mut Interpreter,
        library: &Library,
        mut message: Message,
    ) -> Judged {
        let started = std::time::Instant::now();
        library.processors().name(interpreter, &mut message);
        let candidates = self.candidates(library, &message);
        let now = (self.clock)();
        let mut asking =
            Asking { interpreter, library, message: &mut message, argument: None, now };
        let answers = candidates.iter().map(|ready| asking.answer(ready)).collect();
        let judged = self.judged(message, &candidates, answers, now);
        metrics::histogram!(telemetry::TRIAGE_SECONDS).record(started.elapsed().as_secs_f64());
        metrics::counter!(telemetry::CANDIDATES).increment(candidates.len() as u64);
        metrics::counter!(telemetry::INVALIDATIONS).increment(judged.invalidated.len() as u64);
        judged
    }

    fn judge_without_scripts(&self, message: Message) -> Judged {
        let candidates = self.candidates(&self.shelf.library(), &message);
        let answers = vec![Answer::Failed; candidates.len()];
        self.judged(message, &candidates, answers, (self.clock)())
    }

    fn judged(
        &self,
        message: Message,
        candidates: &[Arc<Ready>],
        answers: Vec<Answer>,
        now: Timestamp,
    ) -> Judged {
        let message = Arc::new(message);
        let asked: Vec<_> = candidates.iter().map(|ready| ready.placed.id).zip(answers).collect();
        let concerned =
            candidates.iter().zip(&asked).filter(|(_, (_, answer))| answer.invalidates());
        let invalidated = concerned.map(|(ready, _)| ready.concerned()).collect();
        self.memory.keep(&message, asked, now);
        Judged { message, candidates: candidates.len(), invalidated }
    }

    /// Taken out of the plan, so that no script runs while it is locked.
    fn candidates(&self, library: &Library, message: &Message) -> Vec<Arc<Ready>> {
        let mut ids: Vec<InstanceId> = Vec::new();
        let plan = self.plan.read();
        plan.index.candidates(message, &mut ids);
        ids.into_iter().filter_map(|id| self.ready(&plan, library, id)).collect()
    }

    /// From memory where it is still true: reading a configuration costs more than asking the script. Put there under
    /// the plan's lock, so that a change, which needs it alone, takes out all that came before.
    fn ready(&self, plan: &Plan, library: &Library, id: InstanceId) -> Option<Arc<Ready>> {
        if let Some(ready) = self.ready.get(&id)
            && library.get(&ready.placed.name).is_ok_and(|now| Arc::ptr_eq(now, &ready.definition))
        {
            return Some(ready);
        }
        let spot = plan.roster.get(id)?;
        let definition = library.get(spot.widget()).ok()?.clone();
        let placed = definition.place(&spot.to_instance(), spot.hub().clone()).ok()?;
        let ready = Arc::new(Ready { definition, placed, condition: OnceLock::new() });
        self.ready.insert(id, ready.clone());
        Some(ready)
    }
}

/// One message on its way through its candidates.
struct Asking<'a> {
    interpreter: &'a mut Interpreter,
    library: &'a Library,
    message: &'a mut Message,
    /// For scripts. Making it is the dear part: it is made once, and only if a script must be asked.
    argument: Option<MessageArgument>,
    now: Timestamp,
}

impl Asking<'_> {
    fn answer(&mut self, ready: &Ready) -> Answer {
        let Ready { definition, placed, condition } = ready;
        // It refreshes by time until its script is mended.
        if definition.is_given_up() {
            return Answer::GivenUp;
        }
        let condition =
            condition.get_or_init(|| definition.condition(self.interpreter, placed, self.now));
        let mut verdict = condition.judge(self.message);
        // Words cost several times what finding a message's people does, and hardly anybody asks for them here.
        if verdict == Verdict::Ask && !self.message.description.is_worded() {
            self.library.processors().word(self.interpreter, self.message);
            verdict = condition.judge(self.message);
        }
        match verdict {
            Verdict::Yes => Answer::Yes,
            Verdict::No => Answer::No,
            Verdict::Ask => self.ask(definition, placed),
        }
    }

    fn ask(&mut self, definition: &Definition, placed: &Placed) -> Answer {
        let argument = match &self.argument {
            Some(made) => made,
            None => self.argument.insert(self.interpreter.message(self.message)),
        };
        match definition.should_invalidate(self.interpreter, argument, placed, self.now) {
            Ok(true) => Answer::Yes,
            Ok(false) => Answer::No,
            Err(failed) => {
                tracing::debug!(widget = %definition.name, instance = %placed.id, problem = %failed.0.diagnostic, "should_invalidate failed: counted as true");
                Answer::Failed
            }
        }
    }
}
