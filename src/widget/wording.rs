//! Words for messages that have none yet: for whoever shows them, on the threads that scripts run on.

use super::{Library, Shelf};
use crate::message::{Description, Group, Message, Words};
use crate::script::Pool;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};

/// Messages that keep a script thread from its other work; new ones wait behind them.
const AT_ONCE: usize = 20;
/// A thread that has not read so many messages by then does not come back.
const PATIENCE: Duration = Duration::from_secs(10);
/// Feeds show the same messages again and again.
const KEPT: u64 = 8_192;

/// Cheap to clone.
#[derive(Clone)]
pub struct Wording {
    shelf: Arc<Shelf>,
    pool: Pool,
    kept: moka::sync::Cache<(String, i64), Arc<Description>>,
    /// Whose words are kept.
    library: Arc<Mutex<Arc<Library>>>,
}

impl Wording {
    /// `pool` is of the pure tier.
    pub fn new(shelf: Arc<Shelf>, pool: Pool) -> Self {
        let library = Arc::new(Mutex::new(shelf.library()));
        Self { shelf, pool, kept: moka::sync::Cache::new(KEPT), library }
    }

    async fn worded(&self, mut messages: Vec<Message>) -> Vec<Message> {
        self.forget_old();
        let mut missing = Vec::new();
        for (at, message) in messages.iter_mut().enumerate() {
            if message.description.is_worded() {
                continue;
            }
            match self.kept.get(&key(message)) {
                Some(kept) => take(&mut message.description, &kept),
                None => missing.push(at),
            }
        }
        for some in missing.chunks(AT_ONCE) {
            let scripts = self.shelf.clone();
            let mut work: Vec<Message> = some.iter().map(|at| messages[*at].clone()).collect();
            let worded = self.pool.run(
                move |interpreter| {
                    let library = scripts.library();
                    for message in &mut work {
                        library.processors().word(interpreter, message);
                    }
                    work
                },
                PATIENCE,
            );
            let Ok(worded) = worded.await else { continue };
            for (at, message) in some.iter().zip(worded) {
                self.kept.insert(key(&message), Arc::new(message.description.clone()));
                messages[*at] = message;
            }
        }
        messages
    }

    async fn grouped(&self, messages: Vec<Message>) -> Vec<Group> {
        if !self.shelf.library().processors().groups_any(&messages) {
            return messages.into_iter().map(Group::single).collect();
        }
        let (scripts, work) = (self.shelf.clone(), messages.clone());
        let grouped = self.pool.run(
            move |interpreter| scripts.library().processors().group(interpreter, work),
            PATIENCE,
        );
        grouped.await.unwrap_or_else(|_| messages.into_iter().map(Group::single).collect())
    }

    /// Other processors may find other words.
    fn forget_old(&self) {
        let now = self.shelf.library();
        let mut then = self.library.lock();
        if !Arc::ptr_eq(&now, &then) {
            *then = now;
            self.kept.invalidate_all();
        }
    }
}

/// Messages that no thread could read stay as they are: without words, or single.
impl Words for Wording {
    fn word(&self, messages: Vec<Message>) -> BoxFuture<'static, Vec<Message>> {
        let wording = self.clone();
        Box::pin(async move { wording.worded(messages).await })
    }

    fn group(&self, messages: Vec<Message>) -> BoxFuture<'static, Vec<Group>> {
        let wording = self.clone();
        Box::pin(async move { wording.grouped(messages).await })
    }
}

/// With the topic: recordings that were put together by hand give one id to several messages.
fn key(message: &Message) -> (String, i64) {
    let name = format!("{} {}", message.id, message.topic.as_str());
    (name, message.sent_at.as_microsecond())
}

/// The words; names and title stay.
fn take(description: &mut Description, kept: &Description) {
    let Description { title, usernames, packages, .. } = std::mem::take(description);
    *description = Description { title, usernames, packages, ..kept.clone() };
}
