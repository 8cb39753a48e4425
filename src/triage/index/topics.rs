//! All topic patterns as one tree of words: a topic walks it once, however many patterns there are.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// Words are known by their hash. Two that collide share a branch: a candidate too many, never one too few.
type Word = u64;
const ONE: Word = 0;
const ANY: Word = 1;
const ROOT: u32 = 0;

pub(super) struct Topics {
    nodes: Vec<Node>,
    branches: FxHashMap<(u32, Word), u32>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Node {
    parent: u32,
    word: Word,
    children: u32,
    /// The shapes of which a pattern ends here.
    shapes: SmallVec<[u32; 4]>,
}

type Nodes = SmallVec<[u32; 16]>;

impl Default for Topics {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], branches: FxHashMap::default(), free: Vec::new() }
    }
}

impl Topics {
    pub(super) fn insert(&mut self, pattern: &str, shape: u32) {
        let mut node = ROOT;
        for word in pattern.split('.').map(word) {
            node = match self.branches.get(&(node, word)) {
                Some(&child) => child,
                None => self.grow(node, word),
            };
        }
        self.nodes[node as usize].shapes.push(shape);
    }

    pub(super) fn remove(&mut self, pattern: &str, shape: u32) {
        let mut node = ROOT;
        for word in pattern.split('.').map(word) {
            let Some(&child) = self.branches.get(&(node, word)) else { return };
            node = child;
        }
        self.nodes[node as usize].shapes.retain(|known| *known != shape);
        self.prune(node);
    }

    /// Tells the shapes of all patterns that match. A shape is told once for each of its patterns.
    pub(super) fn matching(&self, suffix: &str, mut tell: impl FnMut(u32)) {
        // The nodes where a pattern can stand after the words so far: as in `TopicPattern`, no pattern is a trap.
        let (mut here, mut next) = (Nodes::new(), Nodes::new());
        self.enter(ROOT, &mut here);
        for literal in suffix.split('.').map(literal) {
            for &node in &here {
                if self.nodes[node as usize].word == ANY {
                    self.enter(node, &mut next); // `#` takes this word too
                }
                for word in [literal, ONE] {
                    if let Some(&child) = self.branches.get(&(node, word)) {
                        self.enter(child, &mut next);
                    }
                }
            }
            std::mem::swap(&mut here, &mut next);
            next.clear();
        }
        here.iter()
            .flat_map(|&node| &self.nodes[node as usize].shapes)
            .copied()
            .for_each(&mut tell);
    }

    /// Stands on a node, and behind every `#` below it that takes no word.
    fn enter(&self, node: u32, into: &mut Nodes) {
        let mut at = Some(&node);
        while let Some(&node) = at {
            // Only a `#` is reached in two ways.
            if self.nodes[node as usize].word == ANY && into.contains(&node) {
                return;
            }
            into.push(node);
            at = self.branches.get(&(node, ANY));
        }
    }

    fn grow(&mut self, parent: u32, word: Word) -> u32 {
        let node = Node { parent, word, ..Node::default() };
        let child = if let Some(child) = self.free.pop() {
            self.nodes[child as usize] = node;
            child
        } else {
            self.nodes.push(node);
            u32::try_from(self.nodes.len() - 1).expect("memory ends before four billion words")
        };
        self.nodes[parent as usize].children += 1;
        self.branches.insert((parent, word), child);
        child
    }

    fn prune(&mut self, mut node: u32) {
        while node != ROOT {
            let Node { parent, word, children, ref shapes } = self.nodes[node as usize];
            if children > 0 || !shapes.is_empty() {
                return;
            }
            self.branches.remove(&(parent, word));
            self.nodes[parent as usize].children -= 1;
            self.free.push(node);
            node = parent;
        }
    }
}

fn word(text: &str) -> Word {
    match text {
        "*" => ONE,
        "#" => ANY,
        text => literal(text),
    }
}

fn literal(text: &str) -> Word {
    xxh3_64(text.as_bytes()) | 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicPattern;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_tree_finds_what_each_pattern_alone_would_match(
            patterns in prop::collection::vec("([ab*#]\\.){0,4}[ab*#]", 0..12),
            gone in prop::collection::vec(any::<bool>(), 12),
            suffix in "([abc]\\.){0,5}[abc]",
        ) {
            let mut topics = Topics::default();
            for (shape, pattern) in (0..).zip(&patterns) {
                topics.insert(pattern, shape);
            }
            let mut expected = Vec::new();
            for ((shape, pattern), gone) in (0..).zip(&patterns).zip(gone) {
                if gone {
                    topics.remove(pattern, shape);
                } else if TopicPattern::new(pattern).matches_suffix(&suffix) {
                    expected.push(shape);
                }
            }
            let mut found = Vec::new();
            topics.matching(&suffix, |shape| found.push(shape));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_tree_without_patterns_keeps_nothing_and_a_wild_one_ends() {
        let mut topics = Topics::default();
        let wild = "#.a.".repeat(60) + "#";
        for round in 0..3 {
            topics.insert(&wild, round);
            topics.insert("a.#", round);
            let mut found = 0;
            topics.matching(&["a"; 120].join("."), |_| found += 1);
            assert_eq!(found, 2);
            topics.remove(&wild, round);
            topics.remove("a.#", round);
        }
        assert!(topics.branches.is_empty());
        assert_eq!(topics.free.len() + 1, topics.nodes.len());
        assert!(topics.nodes.len() < 130);
    }
}
