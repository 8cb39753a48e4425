//! One condition of a hint as the key by which it is found, and the hashes of values.

use super::shapes::{Key, Shape};
use crate::widget::Hint;
use serde_json::Value;
use smallvec::{SmallVec, smallvec};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// The topics and categories alone.
    Shape,
    Usernames,
    Packages,
    Path(usize),
}

/// Hashes of the values of which a message must have one: sorted, no doubles.
pub(super) type Values = SmallVec<[u64; 4]>;

impl Condition {
    /// Those of a hint; at least one.
    pub(super) fn all(hint: &Hint) -> SmallVec<[Self; 4]> {
        let mut found = SmallVec::new();
        found.extend(hint.usernames.is_some().then_some(Self::Usernames));
        found.extend(hint.packages.is_some().then_some(Self::Packages));
        found.extend((0..hint.paths.len()).map(Self::Path));
        if found.is_empty() {
            found.push(Self::Shape);
        }
        found
    }

    /// `null`, `true` and `false` are what very many messages have.
    pub(super) fn is_common(self, hint: &Hint) -> bool {
        matches!(self, Self::Path(at) if matches!(hint.paths[at].1, Value::Null | Value::Bool(_)))
    }

    /// Whether an equal hash says little, as `hash` looks at the size alone.
    pub(super) fn is_rough(self, hint: &Hint) -> bool {
        matches!(self, Self::Path(at) if matches!(hint.paths[at].1, Value::Array(_) | Value::Object(_)))
    }

    pub(super) fn shape(self, hint: &Hint, guarded: bool) -> Shape {
        Shape {
            topics: hint.topics.as_deref().map(sorted),
            categories: hint.categories.as_deref().map(sorted),
            key: match self {
                Self::Shape => Key::Shape,
                Self::Usernames => Key::Username,
                Self::Packages => Key::Package,
                Self::Path(at) => Key::Path(hint.paths[at].0.as_str().into()),
            },
            guarded,
        }
    }

    pub(super) fn values(self, hint: &Hint) -> Values {
        let names = |names: &Option<Vec<String>>| -> Values {
            let mut hashes: Values = names.iter().flatten().map(|name| hash_text(name)).collect();
            hashes.sort_unstable();
            hashes.dedup();
            hashes
        };
        match self {
            Self::Shape => smallvec![0],
            Self::Usernames => names(&hint.usernames),
            Self::Packages => names(&hint.packages),
            Self::Path(at) => smallvec![hash(&hint.paths[at].1)],
        }
    }

    /// What is left to ask of a message that was found by its topic and this.
    pub(super) fn guard(self, hint: &Hint) -> Hint {
        let mut left = Hint { topics: None, categories: None, ..hint.clone() };
        match self {
            Self::Shape => {}
            Self::Usernames => left.usernames = None,
            Self::Packages => left.packages = None,
            Self::Path(_) if self.is_rough(hint) => {}
            Self::Path(at) => drop(left.paths.remove(at)),
        }
        left
    }
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Box<[T]> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    items.into()
}

/// Values that are equal have equal hashes, 1 and 1.0 too. Of lists and maps only the size counts.
pub(super) fn hash(value: &Value) -> u64 {
    let number = |kind: u64, word: u64| xxh3_64_with_seed(&word.to_le_bytes(), kind);
    match value {
        Value::Null => 1,
        Value::Bool(false) => 2,
        Value::Bool(true) => 3,
        // Adding zero makes -0.0 the 0.0 that it is equal to.
        Value::Number(n) => number(4, (n.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits()),
        Value::String(text) => hash_text(text),
        Value::Array(items) => number(5, items.len() as u64),
        Value::Object(fields) => number(6, fields.len() as u64),
    }
}

pub(super) fn hash_text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}
