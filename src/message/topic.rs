//! Topics, and patterns on them.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// `org.fedoraproject.prod.bodhi.update.comment`: three words of prefix, the category, the rest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Topic(Arc<str>);

impl Topic {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words behind the first three: `bodhi.update.comment`. A topic of three words or fewer is its own suffix.
    pub fn suffix(&self) -> &str {
        let behind = self.0.match_indices('.').nth(2).map(|(at, _)| at + 1);
        behind.map_or(&*self.0, |at| &self.0[at..])
    }

    /// The fourth word: `bodhi`. Empty when there is none.
    pub fn category(&self) -> &str {
        self.0.split('.').nth(3).unwrap_or("")
    }
}

impl From<String> for Topic {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> String {
        topic.0.as_ref().into()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pattern on a topic's suffix: words split by dots, `*` is one word, `#` any number, as on an AMQP topic exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TopicPattern(Arc<str>);

impl TopicPattern {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The suffix itself when the pattern has neither `*` nor `#`: such a pattern is looked up, not matched.
    pub fn literal(&self) -> Option<&str> {
        (!self.0.split('.').any(|word| word == "*" || word == "#")).then_some(&*self.0)
    }

    pub fn matches(&self, topic: &Topic) -> bool {
        self.matches_suffix(topic.suffix())
    }

    /// In time O(words of the pattern × words of the suffix), whatever the pattern: `#.#.#.#` is no trap.
    pub fn matches_suffix(&self, suffix: &str) -> bool {
        let words: smallvec::SmallVec<[&str; 12]> = suffix.split('.').collect();
        // `reached[n]`: the pattern read so far can have used up the first n words.
        let mut reached: smallvec::SmallVec<[bool; 13]> =
            smallvec::smallvec![false; words.len() + 1];
        reached[0] = true;
        for part in self.0.split('.') {
            if part == "#" {
                let first = reached.iter().position(|&r| r).unwrap_or(reached.len());
                reached.iter_mut().skip(first).for_each(|r| *r = true);
            } else {
                for n in (1..reached.len()).rev() {
                    reached[n] = reached[n - 1] && (part == "*" || part == words[n - 1]);
                }
                reached[0] = false;
            }
        }
        reached[words.len()]
    }
}

impl From<String> for TopicPattern {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<TopicPattern> for String {
    fn from(pattern: TopicPattern) -> String {
        pattern.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_knows_its_suffix_and_category() {
        let topic = Topic::new("org.fedoraproject.prod.bodhi.update.comment");
        assert_eq!((topic.suffix(), topic.category()), ("bodhi.update.comment", "bodhi"));
        assert_eq!((Topic::new("a.b.c").suffix(), Topic::new("a.b.c").category()), ("a.b.c", ""));
    }

    #[test]
    fn patterns_match_as_on_a_topic_exchange() {
        let check = |pattern: &str, suffix: &str| TopicPattern::new(pattern).matches_suffix(suffix);
        for (pattern, suffix, fits) in [
            ("bodhi.update.comment", "bodhi.update.comment", true),
            ("bodhi.update.comment", "bodhi.update", false),
            ("bodhi.*.comment", "bodhi.update.comment", true),
            ("bodhi.*", "bodhi.update.comment", false),
            ("bodhi.#", "bodhi.update.comment", true),
            ("bodhi.#", "bodhi", true),
            ("#", "anything.at.all", true),
            ("#.comment", "bodhi.update.comment", true),
            ("#.update.#", "bodhi.update.comment", true),
            ("*.#.*", "one", false),
            ("bodhi", "bodhi2", false),
        ] {
            assert_eq!(check(pattern, suffix), fits, "{pattern} on {suffix}");
        }
        assert!(!check(&format!("{}b", "#.".repeat(200)), &"a.".repeat(2000)));
    }
}
