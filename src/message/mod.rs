//! A message from the bus: its topic, its body, and what people can read in it, however it arrived.
//!
//! `wire` turns one JSON line of any of the recording formats into a [`Message`]; processors then add what a person
//! can read (see `widget::processors`). Knows no socket, no script and no store.

mod canonical;
mod condition;
mod group;
mod topic;
mod wire;
mod words;

pub use canonical::{Canonical, CanonicalError};
pub use condition::{Condition, Place, Root, Step, Test, Verdict};
pub use group::Group;
pub use topic::{Topic, TopicPattern};
pub use wire::{
    MAX_LINE_BYTES, Properties, WireError, parse_delivery, parse_frames, parse_json, parse_line,
    to_line,
};
pub use words::Words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Which bus a message's shape belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    Fedmsg,
    FedoraMessaging,
}

/// One message. `body` is the payload: `msg` of fedmsg, `body` of Fedora Messaging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The only identity of a message. One that came without is given the hash of its topic, time and body.
    pub id: String,
    pub topic: Topic,
    pub sent_at: Timestamp,
    pub wire: Wire,
    pub body: Arc<Value>,
    pub headers: Arc<Map<String, Value>>,
    /// What people read in it: from headers at first, completed by processors; names for all, words for who needs them.
    pub description: Description,
}

impl Message {
    /// A message of this server itself, as if a bus had brought it.
    pub fn own(topic: Topic, body: Value, sent_at: Timestamp) -> Self {
        let seen = format!("{topic} {sent_at} {body}");
        Self {
            id: format!("hubs-{:032x}", xxhash_rust::xxh3::xxh3_128(seen.as_bytes())),
            description: Description { title: topic.suffix().into(), ..Description::default() },
            topic,
            sent_at,
            wire: Wire::Fedmsg,
            body: Arc::new(body),
            headers: Arc::default(),
        }
    }
}

/// What a message says to people. Lists are sorted and have no doubles; what there is none of is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    pub title: String,
    pub summary: String,
    pub link: String,
    pub icon: String,
    pub secondary_icon: String,
    pub usernames: Vec<String>,
    pub packages: Vec<String>,
    pub objects: Vec<String>,
}

impl Description {
    /// Whether it has its sentence, and with it all else that is for people: see `widget::Processors::word`.
    pub fn is_worded(&self) -> bool {
        !self.summary.is_empty()
    }
}
