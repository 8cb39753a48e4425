//! From a message to the instances that it may concern, whether there are a thousand or a million.
//!
//! The hints of all instances, by *shape* (topics, categories, kind of key) and then by the hash of the key's value: a
//! message is held against the shapes that its topic fits, and each of its own usernames, packages and values at the
//! shapes' paths is one look-up. Promise: none too few. A collision of hashes can name one too many, which
//! `should_invalidate` then turns down. Knows no script, no store and no lock.

mod shapes;
mod topics;

use super::by_id::{ById, NONE};
use crate::hub::InstanceId;
use crate::message::Message;
use crate::widget::Hint;
use crate::widget::hint::value_at;
use rustc_hash::FxHashMap;
use serde_json::Value;
use shapes::{Key, Shape, Shapes};
use smallvec::SmallVec;
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

#[derive(Default)]
pub struct Index {
    shapes: Shapes,
    /// From shape and value, hashed, to the first of the entries that share them.
    heads: FxHashMap<u64, u32>,
    entries: Vec<Entry>,
    /// The first unused entry; the others follow by `next`.
    free: Option<u32>,
    /// The first entry of each instance.
    instances: ById,
    /// The further conditions of entries whose shape is guarded.
    guards: FxHashMap<u32, Arc<Hint>>,
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

/// A hint taken apart.
struct Parts {
    shape: Shape,
    /// Hashes of the key's values, sorted, no doubles.
    values: SmallVec<[u64; 4]>,
    guard: Option<Arc<Hint>>,
}

impl Index {
    pub fn new() -> Self {
        Self::default()
    }

    /// Any of the hints may match. Replaces what was known of the instance; without hints no message concerns it.
    pub fn insert(&mut self, id: InstanceId, hints: &[Hint]) {
        self.remove(id);
        let mut sibling = NONE;
        for Parts { shape, values, guard } in hints.iter().map(take_apart) {
            if values.is_empty() {
                continue;
            }
            let shape = self.shapes.hold(shape, values.len());
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

    fn follow(&self, key: u64, guarded: Option<&Message>, out: &mut Vec<InstanceId>) {
        let mut at = self.heads.get(&key).copied().unwrap_or(NONE);
        while at != NONE {
            let entry = &self.entries[at as usize];
            if guarded.is_none_or(|message| self.guards[&at].matches(message)) {
                out.push(entry.id);
            }
            at = entry.next;
        }
    }

    fn link(&mut self, id: InstanceId, key: u64, shape: u32, sibling: u32) -> u32 {
        let next = self.heads.get(&key).copied().unwrap_or(NONE);
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
        self.heads.insert(key, at);
        at
    }

    /// Takes an entry out; returns its sibling.
    fn unlink(&mut self, at: u32) -> u32 {
        let Entry { key, previous, next, sibling, shape, .. } = self.entries[at as usize];
        match (previous, next) {
            (NONE, NONE) => drop(self.heads.remove(&key)),
            (NONE, next) => drop(self.heads.insert(key, next)),
            (previous, next) => self.entries[previous as usize].next = next,
        }
        if next != NONE {
            self.entries[next as usize].previous = previous;
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

/// The most telling condition becomes the key; those that neither shape nor key hold become the guard.
fn take_apart(hint: &Hint) -> Parts {
    let mut guard = Hint { topics: None, categories: None, ..hint.clone() };
    let few = |names: &Option<Vec<String>>| names.as_ref().map_or(usize::MAX, Vec::len);
    // `null`, `true` and `false` are what very many messages have.
    let telling = hint.paths.iter().position(|(_, v)| !matches!(v, Value::Null | Value::Bool(_)));
    let path = telling.or_else(|| (!hint.paths.is_empty()).then_some(0));
    let (key, mut values): (Key, SmallVec<[u64; 4]>) = match (path, &hint.usernames, &hint.packages)
    {
        (Some(at), usernames, packages)
            if telling.is_some() || (usernames.is_none() && packages.is_none()) =>
        {
            let (path, value) = &hint.paths[at];
            if !matches!(value, Value::Array(_) | Value::Object(_)) {
                guard.paths.remove(at);
            }
            (Key::Path(path.as_str().into()), SmallVec::from_slice(&[hash(value)]))
        }
        (_, Some(usernames), packages) if usernames.len() <= few(packages) => {
            guard.usernames = None;
            (Key::Username, usernames.iter().map(|name| hash_text(name)).collect())
        }
        (_, _, Some(packages)) => {
            guard.packages = None;
            (Key::Package, packages.iter().map(|name| hash_text(name)).collect())
        }
        _ => (Key::Shape, SmallVec::from_slice(&[0])),
    };
    values.sort_unstable();
    values.dedup();
    let guarded = guard != Hint::any();
    let shape = Shape {
        topics: hint.topics.as_deref().map(sorted),
        categories: hint.categories.as_deref().map(sorted),
        key,
        guarded,
    };
    Parts { shape, values, guard: guarded.then(|| Arc::new(guard)) }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Box<[T]> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    items.into()
}

/// Values that are equal have equal hashes, 1 and 1.0 too. Lists and maps count by size: their guard compares them.
fn hash(value: &Value) -> u64 {
    match value {
        Value::Null => 1,
        Value::Bool(false) => 2,
        Value::Bool(true) => 3,
        // Adding zero makes -0.0 the 0.0 that it is equal to.
        Value::Number(number) => {
            hash_words(4, (number.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits())
        }
        Value::String(text) => hash_text(text),
        Value::Array(items) => hash_words(5, items.len() as u64),
        Value::Object(fields) => hash_words(6, fields.len() as u64),
    }
}

fn hash_text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

fn mix(shape: u32, value: u64) -> u64 {
    hash_words(u64::from(shape) + 7, value)
}

fn hash_words(seed: u64, word: u64) -> u64 {
    xxh3_64_with_seed(&word.to_le_bytes(), seed)
}

#[cfg(test)]
mod tests;
