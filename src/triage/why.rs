//! Why a message redrew an instance, or did not: the index, the condition, the values that decided.

use super::memory::{Answer, Remembered};
use super::{Concerned, Inner, PATIENCE, Triage};
use crate::hub::{HubName, InstanceId, Placed, Visibility, WidgetName};
use crate::message::Message;
use crate::script::{Comparison, Interpreter};
use crate::widget::Definition;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Messages that are told of when none is asked for.
const RECENT: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyError {
    #[error("there is no instance {0}")]
    NoInstance(InstanceId),
    #[error("no message `{0}` came within the last hour, or it is forgotten already")]
    Forgotten(String),
    #[error("{0}")]
    Unfit(String),
    #[error("the script thread that was asked did not come back")]
    Lost,
}

/// What an instance waits for, and what it was asked lately.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    pub instance: InstanceId,
    pub hub: HubName,
    pub widget: WidgetName,
    /// What the index looks up: any of these must match. None: no message concerns it.
    pub hints: Vec<String>,
    /// What was read out of `should_invalidate`, with this instance's values.
    pub condition: String,
    /// The condition is the whole function: the script itself is not run.
    pub without_script: bool,
    /// The newest first; when one message was asked for, none.
    pub asked: Vec<Asked>,
    pub message: Option<Explained>,
}

/// A message that an instance was asked about.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    pub id: String,
    pub topic: String,
    pub title: String,
    pub at: Timestamp,
    pub answer: Answer,
}

/// One message, step by step.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    pub id: String,
    pub topic: String,
    pub at: Timestamp,
    /// Whether the index named the instance.
    pub in_index: bool,
    /// Of each hint, which of its conditions the message does not meet; an empty list is a match.
    pub lacking: Vec<Vec<String>>,
    /// What was answered then. `None`: it was not asked.
    pub answer: Option<Answer>,
    /// What the script of now answers, asked again: `true`, `false`, or why it fails.
    pub now: String,
    /// The comparisons that decided that.
    pub decided_by: Vec<Comparison>,
}

/// A message that instances of one widget were asked about.
#[derive(Debug, Clone)]
pub struct AskedOf {
    pub asked: Arc<Remembered>,
    /// Some of them, those that are redrawn for it first.
    pub answers: Vec<(Concerned, Answer)>,
    /// How many there are beside these.
    pub others: usize,
}

impl Triage {
    /// The last messages that a widget's instances on public hubs were asked about, the newest first: at most so many,
    /// with at most so many answers each.
    pub fn asked_of(&self, widget: &WidgetName, most: usize, answers: usize) -> Vec<AskedOf> {
        let plan = self.inner.plan.read();
        let place = |id: InstanceId| {
            let spot = plan.roster.get(id).filter(|spot| spot.widget() == widget)?;
            let hub = spot.hub();
            (hub.visibility == Visibility::Public).then(|| Concerned { id, hub: hub.name.clone() })
        };
        let asked = self.memory().asked(|id| place(id).is_some(), most);
        let told = |asked: Arc<Remembered>| {
            let all = || asked.asked.iter().filter(|(id, _)| place(*id).is_some());
            let (redrawn, others): (Vec<_>, Vec<_>) =
                all().partition(|(_, answer)| answer.invalidates());
            let first = redrawn.into_iter().chain(others).take(answers);
            let answers: Vec<_> =
                first.filter_map(|&(id, answer)| Some((place(id)?, answer))).collect();
            let others = all().count() - answers.len();
            AskedOf { asked: asked.clone(), answers, others }
        };
        asked.into_iter().map(told).collect()
    }

    /// Explains what one instance does with messages, or with one message of the last hour.
    pub async fn why(&self, id: InstanceId, message: Option<&str>) -> Result<Why, WhyError> {
        let remembered = match message {
            Some(wanted) => {
                let found = self.memory().message(wanted);
                Some(found.ok_or_else(|| WhyError::Forgotten(wanted.chars().take(100).collect()))?)
            }
            None => None,
        };
        let inner = self.inner.clone();
        let explained = self
            .pool
            .run(move |interpreter| inner.why(interpreter, id, remembered.as_deref()), PATIENCE);
        explained.await.unwrap_or(Err(WhyError::Lost))
    }
}

impl Inner {
    fn why(
        &self,
        interpreter: &mut Interpreter,
        id: InstanceId,
        remembered: Option<&Remembered>,
    ) -> Result<Why, WhyError> {
        let (definition, placed) = self.placed(id)?;
        let now = (self.clock)();
        let narrowed = definition.narrow(interpreter, &placed, now);
        let (condition, hints) = (narrowed.inferred.condition, narrowed.hints);
        let library = self.shelf.library();
        let message = remembered.map(|kept| {
            let mut message = Message::clone(&kept.message);
            library.processors().word(interpreter, &mut message);
            let lacking: Vec<Vec<String>> =
                hints.iter().map(|hint| hint.lacking(&kept.message)).collect();
            let argument = interpreter.message(&message);
            let traced = definition.trace_check(interpreter, &argument, &placed, now);
            let decided_by = traced.decisive().into_iter().cloned().collect();
            Explained {
                id: kept.message.id.clone(),
                topic: kept.message.topic.to_string(),
                at: kept.at,
                in_index: lacking.iter().any(Vec::is_empty),
                lacking,
                answer: kept.answer_of(id),
                now: traced
                    .result
                    .map_or_else(|failure| failure.to_string(), |answer| answer.to_string()),
                decided_by,
            }
        });
        // When one message was asked for, the others are left out.
        let recent = if message.is_some() { 0 } else { RECENT };
        let asked = self.memory.asked(|one| one == id, recent);
        let asked = asked.iter().filter_map(|kept| self::asked(kept, id)).collect();
        Ok(Why {
            instance: id,
            hub: placed.hub.name.clone(),
            widget: definition.name.clone(),
            hints: hints.iter().map(ToString::to_string).collect(),
            condition: condition.to_string(),
            without_script: condition.is_whole(),
            asked,
            message,
        })
    }

    fn placed(&self, id: InstanceId) -> Result<(Arc<Definition>, Placed), WhyError> {
        let plan = self.plan.read();
        let spot = plan.roster.get(id).ok_or(WhyError::NoInstance(id))?;
        let library = self.shelf.library();
        let definition =
            library.get(spot.widget()).map_err(|unknown| WhyError::Unfit(unknown.to_string()))?;
        let placed =
            definition.place(&spot.to_instance(), spot.hub().clone()).map_err(|wrong| {
                WhyError::Unfit(
                    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
                )
            })?;
        Ok((definition.clone(), placed))
    }
}

/// What an instance answered to a message that is remembered.
pub fn asked(kept: &Remembered, id: InstanceId) -> Option<Asked> {
    Some(Asked {
        id: kept.message.id.clone(),
        topic: kept.message.topic.to_string(),
        title: kept.message.description.title.clone(),
        at: kept.at,
        answer: kept.answer_of(id)?,
    })
}
