//! Which messages were taken: buses give some of them twice, after a crash, a lost connection or a gap caught up with.

use crate::bus::Delivery;
use crate::store::{MARKS, mark_of};
use crate::telemetry;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;

/// The marks of the last [`MARKS`] messages that are on disk.
#[derive(Debug, Default)]
pub(super) struct TakenBefore {
    marks: FxHashSet<u64>,
    order: VecDeque<u64>,
}

/// Deliveries told apart.
pub(super) struct Sorted {
    pub(super) new: Vec<Delivery>,
    /// With nothing left to do but to acknowledge them, once the new ones are on disk: they may be doubles of those.
    pub(super) doubles: Vec<Delivery>,
}

impl TakenBefore {
    /// `marks` are of what was taken by earlier runs, oldest first.
    pub(super) fn new(marks: &[u64]) -> Self {
        let mut taken = Self::default();
        taken.note(marks);
        taken
    }

    pub(super) fn sort(&self, batch: impl Iterator<Item = Delivery>) -> Sorted {
        let mut in_batch = FxHashSet::default();
        let is_new = |delivery: &Delivery| {
            let mark = mark_of(&delivery.message.id);
            let first = in_batch.insert(mark);
            // Of a message without an id a rebuild too many is cheap; one too few would be a page that is not true.
            let may_be_double = delivery.once && delivery.message.is_named();
            !may_be_double || (first && !self.marks.contains(&mark))
        };
        let (new, doubles): (Vec<_>, Vec<_>) = batch.partition(is_new);
        metrics::counter!(telemetry::DOUBLES).increment(doubles.len() as u64);
        Sorted { new, doubles }
    }

    /// Messages that are on disk now.
    pub(super) fn note(&mut self, marks: &[u64]) {
        for mark in marks {
            if self.marks.insert(*mark) {
                self.order.push_back(*mark);
            }
        }
        while self.order.len() > MARKS {
            let oldest = self.order.pop_front();
            oldest.map(|mark| self.marks.remove(&mark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Source;
    use crate::message::parse_line;

    fn delivery(id: &str) -> Delivery {
        let line = format!(r#"{{"topic":"org.example.prod.x.y","msg":{{}},"msg_id":"{id}"}}"#);
        Delivery::new(parse_line(line.as_bytes()).unwrap(), Source("fedmsg"))
    }

    fn ids(deliveries: &[Delivery]) -> Vec<&str> {
        deliveries.iter().map(|delivery| delivery.message.id.as_str()).collect()
    }

    #[test]
    fn what_was_taken_is_not_taken_again_unless_that_is_wanted() {
        let taken = TakenBefore::new(&[mark_of("old")]);
        let batch = ["old", "new", "new"].map(delivery).into_iter();
        let sorted = taken.sort(batch.chain([delivery("old").again()]));
        assert_eq!(ids(&sorted.new), ["new", "old"]);
        assert_eq!(ids(&sorted.doubles), ["old", "new"]);
    }

    #[test]
    fn messages_without_an_id_may_say_the_same_twice() {
        let unnamed = || {
            let line = br#"{"topic":"org.example.prod.x.y","body":{}}"#;
            Delivery::new(parse_line(line).unwrap(), Source("amqp"))
        };
        let taken = TakenBefore::new(&[mark_of(&unnamed().message.id)]);
        let sorted = taken.sort([unnamed(), unnamed()].into_iter());
        assert_eq!((sorted.new.len(), sorted.doubles.len()), (2, 0));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut taken = TakenBefore::new(&[mark_of("first")]);
        taken.note(&[mark_of("second")]);
        taken.note(&(0..MARKS as u64 - 1).collect::<Vec<_>>());
        let sorted = taken.sort(["first", "second"].map(delivery).into_iter());
        assert_eq!(ids(&sorted.new), ["first"]);
    }
}
