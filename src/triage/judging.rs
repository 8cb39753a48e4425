//! A message on a script thread: described, looked up in the index, put to the scripts that it may concern.

use super::{Concerned, Inner, Judged, PATIENCE, Triage};
use crate::hub::{Hub, Instance, InstanceId};
use crate::message::Message;
use crate::script::{Interpreter, MessageArgument};
use crate::telemetry;
use crate::widget::Library;
use std::sync::Arc;

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

impl Inner {
    fn judge(
        &self,
        interpreter: &mut Interpreter,
        library: &Library,
        mut message: Message,
    ) -> Judged {
        let started = std::time::Instant::now();
        library.processors().describe(interpreter, &mut message);
        let candidates = self.candidates(&message);
        let mut invalidated = Vec::new();
        if !candidates.is_empty() {
            // Made once for all that are asked: this is the dear part of it.
            let argument = interpreter.message(&message);
            let concerned = candidates.iter().filter(|(instance, hub)| {
                self.asks(interpreter, library, &argument, instance, hub)
            });
            invalidated.extend(
                concerned
                    .map(|(instance, hub)| Concerned { id: instance.id, hub: hub.name.clone() }),
            );
        }
        metrics::histogram!(telemetry::TRIAGE_SECONDS).record(started.elapsed().as_secs_f64());
        metrics::counter!(telemetry::CANDIDATES).increment(candidates.len() as u64);
        metrics::counter!(telemetry::INVALIDATIONS).increment(invalidated.len() as u64);
        Judged { message: Arc::new(message), candidates: candidates.len(), invalidated }
    }

    fn judge_without_scripts(&self, message: Message) -> Judged {
        let candidates = self.candidates(&message);
        let invalidated = candidates
            .iter()
            .map(|(instance, hub)| Concerned { id: instance.id, hub: hub.name.clone() });
        Judged {
            invalidated: invalidated.collect(),
            candidates: candidates.len(),
            message: Arc::new(message),
        }
    }

    /// Taken out of the plan, so that no script runs while it is locked.
    fn candidates(&self, message: &Message) -> Vec<(Instance, Arc<Hub>)> {
        let mut ids: Vec<InstanceId> = Vec::new();
        let plan = self.plan.read();
        plan.index.candidates(message, &mut ids);
        ids.iter()
            .filter_map(|id| plan.roster.get(*id))
            .map(|spot| (spot.to_instance(), spot.hub().clone()))
            .collect()
    }

    fn asks(
        &self,
        interpreter: &mut Interpreter,
        library: &Library,
        message: &MessageArgument,
        instance: &Instance,
        hub: &Arc<Hub>,
    ) -> bool {
        let Ok(definition) = library.get(&instance.widget) else { return false };
        // It refreshes by time until its script is mended.
        if definition.is_given_up() {
            return false;
        }
        let Ok(placed) = definition.place(instance, hub.clone()) else { return false };
        match definition.should_invalidate(interpreter, message, &placed, (self.clock)()) {
            Ok(concerned) => concerned,
            Err(failed) => {
                tracing::debug!(widget = %definition.name, instance = %instance.id, problem = %failed.0.diagnostic, "should_invalidate failed: counted as true");
                true
            }
        }
    }
}
