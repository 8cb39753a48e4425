//! What many hints have in common: their topics and categories, and the kind of value that tells them apart.
//!
//! A widget has one shape or two, however many instances it has. A message is held against shapes first.

use super::topics::Topics;
use crate::message::{Topic, TopicPattern};
use crate::widget::Hint;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// The value by which instances of one shape are looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// None: a message that fits the shape concerns all of them.
    Shape,
    Username,
    Package,
    /// What lies at this path of the body.
    Path(Box<str>),
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// Sorted, no doubles.
    pub(super) topics: Option<Box<[TopicPattern]>>,
    /// Sorted, no doubles.
    pub(super) categories: Option<Box<[String]>>,
    pub(super) key: Key,
    /// Each entry has further conditions of its own.
    pub(super) guarded: bool,
}

#[derive(Default)]
pub(super) struct Shapes {
    numbers: FxHashMap<Arc<Shape>, u32>,
    held: Vec<Counted>,
    free: Vec<u32>,
    by_topic: Topics,
    /// Shapes without topics, by category.
    by_category: FxHashMap<String, Vec<u32>>,
    /// Shapes with neither.
    always: Vec<u32>,
}

struct Counted {
    shape: Arc<Shape>,
    uses: usize,
    /// The last one: where it comes from constants of the script, it is that of all instances.
    guard: Option<Arc<Hint>>,
}

pub(super) type Matching = SmallVec<[u32; 32]>;

impl Shapes {
    pub(super) fn get(&self, number: u32) -> &Shape {
        &self.held[number as usize].shape
    }

    /// The number of a shape that is held.
    pub(super) fn number(&self, shape: &Shape) -> Option<u32> {
        self.numbers.get(shape).copied()
    }

    /// The number of a shape, held until as many `release`.
    pub(super) fn hold(&mut self, shape: Shape, uses: usize) -> u32 {
        if let Some(&number) = self.numbers.get(&shape) {
            self.held[number as usize].uses += uses;
            return number;
        }
        let shape = Arc::new(shape);
        let counted = Counted { shape: Arc::clone(&shape), uses, guard: None };
        let number = if let Some(number) = self.free.pop() {
            self.held[number as usize] = counted;
            number
        } else {
            self.held.push(counted);
            u32::try_from(self.held.len() - 1).expect("memory ends before four billion shapes")
        };
        match (&shape.topics, &shape.categories) {
            (Some(topics), _) => {
                topics.iter().for_each(|topic| self.by_topic.insert(topic.as_str(), number));
            }
            (None, Some(categories)) => {
                for category in categories {
                    self.by_category.entry(category.clone()).or_default().push(number);
                }
            }
            (None, None) => self.always.push(number),
        }
        self.numbers.insert(shape, number);
        number
    }

    /// One guard for neighbours whose guards are equal.
    pub(super) fn share(&mut self, number: u32, guard: Hint) -> Arc<Hint> {
        let last = &mut self.held[number as usize].guard;
        match last {
            Some(last) if **last == guard => Arc::clone(last),
            _ => Arc::clone(last.insert(Arc::new(guard))),
        }
    }

    pub(super) fn release(&mut self, number: u32) {
        let counted = &mut self.held[number as usize];
        counted.uses -= 1;
        if counted.uses > 0 {
            return;
        }
        counted.guard = None;
        let shape = Arc::clone(&counted.shape);
        match (&shape.topics, &shape.categories) {
            (Some(topics), _) => {
                topics.iter().for_each(|topic| self.by_topic.remove(topic.as_str(), number));
            }
            (None, Some(categories)) => {
                for category in categories {
                    if let Some(shapes) = self.by_category.get_mut(category) {
                        shapes.retain(|known| *known != number);
                        if shapes.is_empty() {
                            self.by_category.remove(category);
                        }
                    }
                }
            }
            (None, None) => self.always.retain(|known| *known != number),
        }
        self.numbers.remove(&shape);
        self.free.push(number);
    }

    /// The shapes that a topic fits, each once.
    pub(super) fn matching(&self, topic: &Topic) -> Matching {
        let category = topic.category();
        let mut found = Matching::new();
        self.by_topic.matching(topic.suffix(), |number| found.push(number));
        found.sort_unstable();
        found.dedup();
        found.retain(|number| {
            let categories = self.get(*number).categories.as_deref();
            categories.is_none_or(|all| all.iter().any(|known| known == category))
        });
        found.extend(self.by_category.get(category).into_iter().flatten().copied());
        found.extend_from_slice(&self.always);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_lives_as_long_as_it_is_held() {
        let badges = || Shape {
            topics: Some([TopicPattern::new("fedbadges.#")].into()),
            categories: None,
            key: Key::Username,
            guarded: false,
        };
        let bodhi = || Shape {
            topics: None,
            categories: Some(["bodhi".to_owned()].into()),
            key: Key::Package,
            guarded: false,
        };
        let topic = Topic::new("org.fedoraproject.prod.fedbadges.badge.award");
        let mut shapes = Shapes::default();
        let first = shapes.hold(badges(), 2);
        let other = shapes.hold(bodhi(), 1);
        assert_eq!(shapes.hold(badges(), 1), first);
        assert_eq!(shapes.matching(&topic).as_slice(), [first]);
        assert_eq!(shapes.matching(&Topic::new("org.fedoraproject.prod.bodhi.x"))[..], [other]);
        for _ in 0..3 {
            shapes.release(first);
        }
        shapes.release(other);
        assert!(shapes.matching(&topic).is_empty() && shapes.by_category.is_empty());
        assert_eq!(shapes.hold(bodhi(), 1), other);
    }
}
