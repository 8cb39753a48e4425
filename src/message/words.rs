//! Who knows what people read in messages: processors do, and rooms that know no processors ask them by this.

use super::{Group, Message};
use futures_util::future::BoxFuture;

pub trait Words: Send + Sync {
    /// Adds sentences and links, where they are missing.
    fn word(&self, messages: Vec<Message>) -> BoxFuture<'static, Vec<Message>>;

    /// Puts together, in the order of the feed, what belongs together. Messages must have their words.
    fn group(&self, messages: Vec<Message>) -> BoxFuture<'static, Vec<Group>>;
}
