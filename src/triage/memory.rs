//! What was judged lately, for whoever asks why a widget was redrawn, or was not.
//!
//! The last hour, in bounded memory: where there is more of it, the oldest goes. Nothing depends on it.

use crate::hub::InstanceId;
use crate::message::Message;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Of messages, roughly.
const KEPT_BYTES: usize = 16 << 20;
/// Of a message beside its texts: maps, lists, numbers.
const NODE_BYTES: usize = 48;

/// What an instance answered to a message that it was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Yes,
    No,
    /// Its script failed, or its thread was lost: that counts as yes.
    Failed,
    /// It is not asked any more until its script is mended.
    GivenUp,
}

impl Answer {
    pub fn invalidates(self) -> bool {
        matches!(self, Self::Yes | Self::Failed)
    }
}

/// A message, and who was asked about it.
#[derive(Debug)]
pub struct Remembered {
    pub at: Timestamp,
    pub message: Arc<Message>,
    pub asked: Box<[(InstanceId, Answer)]>,
    bytes: usize,
}

impl Remembered {
    /// `None`: the index left the instance out.
    pub fn answer_of(&self, id: InstanceId) -> Option<Answer> {
        self.asked.iter().find(|(asked, _)| *asked == id).map(|(_, answer)| *answer)
    }
}

#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The oldest first.
    messages: VecDeque<Arc<Remembered>>,
    bytes: usize,
}

impl Memory {
    pub(super) fn keep(
        &self,
        message: &Arc<Message>,
        asked: Vec<(InstanceId, Answer)>,
        at: Timestamp,
    ) {
        let bytes = size_of::<Remembered>()
            + asked.len() * 16
            + weight(&message.body)
            + weight_of_texts(message);
        let remembered = Remembered { at, message: message.clone(), asked: asked.into(), bytes };
        let mut kept = self.0.lock();
        kept.bytes += bytes;
        kept.messages.push_back(Arc::new(remembered));
        while let Some(oldest) = kept.messages.front()
            && (kept.bytes > KEPT_BYTES || at.duration_since(oldest.at) > KEPT_FOR)
        {
            kept.bytes -= oldest.bytes;
            kept.messages.pop_front();
        }
    }

    /// The message of this id, if it is not forgotten; of several of one id the last.
    pub fn message(&self, id: &str) -> Option<Arc<Remembered>> {
        self.0.lock().messages.iter().rev().find(|kept| kept.message.id == id).cloned()
    }

    /// The last messages that one of some instances was asked about, the newest first.
    pub fn asked(&self, is_one: impl Fn(InstanceId) -> bool, most: usize) -> Vec<Arc<Remembered>> {
        let kept = self.0.lock();
        let concerns = |kept: &&Arc<Remembered>| kept.asked.iter().any(|(id, _)| is_one(*id));
        kept.messages.iter().rev().filter(concerns).take(most).cloned().collect()
    }

    /// How many messages are remembered.
    pub fn len(&self) -> usize {
        self.0.lock().messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn weight(value: &Value) -> usize {
    NODE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| name.len() + weight(value)).sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

fn weight_of_texts(message: &Message) -> usize {
    let said = &message.description;
    let lists = [&said.usernames, &said.packages, &said.objects];
    message.id.len()
        + said.title.len()
        + said.summary.len()
        + lists.iter().flat_map(|list| list.iter()).map(|name| name.len() + 24).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Topic;
    use serde_json::json;

    fn message(id: usize, text: &str) -> Arc<Message> {
        let topic = Topic::new("org.fedoraproject.prod.git.receive");
        let mut message = Message::own(topic, json!({ "text": text }), Timestamp::UNIX_EPOCH);
        message.id = id.to_string();
        Arc::new(message)
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn the_last_hour_is_remembered_and_no_more() {
        let memory = Memory::default();
        for at in 0..90_u32 {
            let asked = vec![(InstanceId(u64::from(at % 2)), Answer::No)];
            memory.keep(&message(at as usize, ""), asked, minute(i64::from(at)));
        }
        assert_eq!(memory.len(), 61);
        assert!(memory.message("28").is_none());
        assert_eq!(memory.message("29").unwrap().answer_of(InstanceId(1)), Some(Answer::No));
        assert_eq!(memory.message("29").unwrap().answer_of(InstanceId(0)), None);
        let asked = memory.asked(|id| id == InstanceId(0), 3);
        let ids: Vec<&str> = asked.iter().map(|one| one.message.id.as_str()).collect();
        assert_eq!(ids, ["88", "86", "84"]);
    }

    #[test]
    fn a_flood_of_large_messages_takes_bounded_memory() {
        let memory = Memory::default();
        let text = "x".repeat(1 << 20);
        for at in 0..100 {
            memory.keep(&message(at, &text), vec![], minute(0));
        }
        assert_eq!(memory.len(), 15);
        assert!(memory.message("99").is_some());
    }
}
