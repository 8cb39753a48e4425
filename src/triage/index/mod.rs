//! From a message to the instances that it may concern, whether there are a thousand or a million.
//!
//! The hints of all instances, by *shape* (topics, categories, kind of key) and then by the hash of the key's value: a
//! message is held against the shapes that its topic fits, and each of its own usernames, packages and values at the
//! shapes' paths is one look-up. Promise: none too few. A collision of hashes can name one too many, which
//! `should_invalidate` then turns down. Knows no script, no store and no lock.

mod condition;
mod shapes;
mod topics;

use super::by_id::{ById, NONE};
use crate::hub::InstanceId;
use crate::message::Message;
use crate::widget::Hint;
use crate::widget::hint::value_at;
use condition::{Condition, Values, hash, hash_text};
use rustc_hash::FxHashMap;
use shapes::{Key, Shape, Shapes};
use smallvec::SmallVec;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

#[derive(Default)]
pub struct Index {
    shapes: Shapes,
    /// From shape and value, hashed, to the entries that share them.
    lists: FxHashMap<u64, List>,
    entries: Vec<Entry>,
    /// The first unused entry; the others follow by `next`.
    free: Option<u32>,
    /// The first entry of each instance.
    instances: ById,
    /// The further conditions of entries whose shape is guarded.
    guards: FxHashMap<u32, Arc<Hint>>,
}

#[derive(Clone, Copy)]
struct List {
    first: u32,
    len: u32,
}

/// One value of one hint of one instance: a link in the list of its key, and in that of its instance.
struct Entry {
    id: InstanceId,
    key: u64,
    previous: u32,
    next: u32,
    sibling: u32,
    shape: u32,
}

impl Index {
    pub fn new() -> Self {
        Self::default()
    }

    /// Any of the hints may match. Replaces what was known of the instance; without hints no message concerns it.
    pub fn insert(&mut self, id: InstanceId, hints: &[Hint]) {
        self.remove(id);
        let mut sibling = NONE;
        for hint in hints {
            let (shape, values, guard) = self.take_apart(hint);
            if values.is_empty() {
                continue;
            }
            let shape = self.shapes.hold(shape, values.len());
            let guard = guard.map(|guard| self.shapes.share(shape, guard));
            for value in values {
                sibling = self.link(id, mix(shape, value), shape, sibling);
                if let Some(guard) = &guard {
                    self.guards.insert(sibling, Arc::clone(guard));
                }
            }
        }
        if sibling != NONE {
            self.instances.set(id, sibling);
        }
    }

    pub fn remove(&mut self, id: InstanceId) {
        let mut at = self.instances.remove(id).unwrap_or(NONE);
        while at != NONE {
            at = self.unlink(at);
        }
    }

    /// Fills `out` with the instances that the message may concern: by id, each once.
    pub fn candidates(&self, message: &Message, out: &mut Vec<InstanceId>) {
        out.clear();
        let hashed = |names: &[String]| -> SmallVec<[u64; 8]> {
            names.iter().map(|name| hash_text(name)).collect()
        };
        let usernames = hashed(&message.description.usernames);
        let packages = hashed(&message.description.packages);
        for shape in self.shapes.matching(&message.topic) {
            let here;
            let values: &[u64] = match &self.shapes.get(shape).key {
                Key::Shape => &[0],
                Key::Username => &usernames,
                Key::Package => &packages,
                Key::Path(path) => {
                    here = [hash(value_at(&message.body, path))];
                    &here
                }
            };
            let guarded = self.shapes.get(shape).guarded;
            for &value in values {
                self.follow(mix(shape, value), guarded.then_some(message), out);
            }
        }
        out.sort_unstable();
        out.dedup();
    }

    /// How many instances some message may concern.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of its conditions one becomes the key, those that neither key nor shape holds the guard. The key is what fewest
    /// others have: where a script compares with a constant it is soon crowded, where with its configuration it is not.
    fn take_apart(&self, hint: &Hint) -> (Shape, Values, Option<Hint>) {
        let conditions = Condition::all(hint);
        let keyed = conditions.iter().map(|&key| {
            let guarded = conditions.len() > 1 || key.is_rough(hint);
            (key, key.shape(hint, guarded), key.values(hint))
        });
        let (key, shape, values) = keyed
            .min_by_key(|(key, shape, values)| (key.is_common(hint), self.crowd(shape, values)))
            .expect("there is at least the shape");
        let guard = shape.guarded.then(|| key.guard(hint));
        (shape, values, guard)
    }

    /// How many entries there would be where these would be looked for.
    fn crowd(&self, shape: &Shape, values: &Values) -> usize {
        let Some(number) = self.shapes.number(shape) else { return values.len() };
        let len = |value| self.lists.get(&mix(number, value)).map_or(0, |list| list.len as usize);
        values.iter().map(|&value| 1 + len(value)).sum()
    }

    fn follow(&self, key: u64, guarded: Option<&Message>, out: &mut Vec<InstanceId>) {
        let mut at = self.lists.get(&key).map_or(NONE, |list| list.first);
        while at != NONE {
            let entry = &self.entries[at as usize];
            if guarded.is_none_or(|message| self.guards[&at].matches(message)) {
                out.push(entry.id);
            }
            at = entry.next;
        }
    }

    fn link(&mut self, id: InstanceId, key: u64, shape: u32, sibling: u32) -> u32 {
        let list = self.lists.get(&key).copied().unwrap_or(List { first: NONE, len: 0 });
        let next = list.first;
        let entry = Entry { id, key, previous: NONE, next, sibling, shape };
        let at = if let Some(at) = self.free {
            let unused = std::mem::replace(&mut self.entries[at as usize], entry);
            self.free = (unused.next != NONE).then_some(unused.next);
            at
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("memory ends before four billion entries")
        };
        if next != NONE {
            self.entries[next as usize].previous = at;
        }
        self.lists.insert(key, List { first: at, len: list.len + 1 });
        at
    }

    /// Takes an entry out; returns its sibling.
    fn unlink(&mut self, at: u32) -> u32 {
        let Entry { key, previous, next, sibling, shape, .. } = self.entries[at as usize];
        if previous != NONE {
            self.entries[previous as usize].next = next;
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        let List { first, len } = self.lists[&key];
        if len == 1 {
            self.lists.remove(&key);
        } else {
            let first = if first == at { next } else { first };
            self.lists.insert(key, List { first, len: len - 1 });
        }
        if self.shapes.get(shape).guarded {
            self.guards.remove(&at);
        }
        self.shapes.release(shape);
        self.entries[at as usize].next = self.free.unwrap_or(NONE);
        self.free = Some(at);
        sibling
    }
}

fn mix(shape: u32, value: u64) -> u64 {
    xxh3_64_with_seed(&value.to_le_bytes(), u64::from(shape))
}

#[cfg(test)]
mod tests;
