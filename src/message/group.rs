//! Messages that belong together, told in one sentence.

use super::{Description, Message, Topic};
use jiff::Timestamp;

/// One entry of a feed: a message, or several that its processor's `group` has put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// In the order of the feed, never none.
    pub messages: Vec<Message>,
    /// What people read in them all. Of a single message it is its own.
    pub description: Description,
}

impl Group {
    pub fn single(message: Message) -> Self {
        Self { description: message.description.clone(), messages: vec![message] }
    }

    /// Sorted, without doubles.
    pub fn topics(&self) -> Vec<&Topic> {
        let mut topics: Vec<&Topic> = self.messages.iter().map(|message| &message.topic).collect();
        topics.sort_unstable_by_key(|topic| topic.as_str());
        topics.dedup();
        topics
    }

    /// When the first and the last of them were sent.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let times = || self.messages.iter().map(|message| message.sent_at);
        (times().min().unwrap_or_default(), times().max().unwrap_or_default())
    }
}
