//! Who is rebuilt next: instances with viewers first, each at most once in line, one more round if it came up while
//! it ran. Bounded by the number of instances: whoever is in line already is not put there again.

use crate::hub::InstanceId;
use std::collections::{BTreeSet, HashMap, VecDeque};
use tokio::sync::oneshot;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    InLine,
    Running,
    /// Something happened while it ran: the result may be old already.
    RunningOnceMore,
}

#[derive(Debug)]
struct Slot {
    stage: Stage,
    urgent: bool,
    waiters: Vec<oneshot::Sender<()>>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    urgent: VecDeque<InstanceId>,
    calm: VecDeque<InstanceId>,
    slots: HashMap<InstanceId, Slot>,
    /// Refreshes and retries, by time; one an instance.
    later: BTreeSet<(Instant, InstanceId)>,
    times: HashMap<InstanceId, Instant>,
}

impl Queue {
    /// Puts an instance in line. `urgent`: somebody looks at it.
    pub(super) fn push(&mut self, id: InstanceId, urgent: bool) {
        match self.slots.get_mut(&id) {
            None => {
                self.slots.insert(id, Slot { stage: Stage::InLine, urgent, waiters: Vec::new() });
                if urgent { self.urgent.push_back(id) } else { self.calm.push_back(id) }
            }
            Some(slot) if slot.stage == Stage::InLine => {
                if urgent && !slot.urgent {
                    // Its place in the calm line is passed over when it comes up.
                    slot.urgent = true;
                    self.urgent.push_back(id);
                }
            }
            Some(slot) => {
                slot.stage = Stage::RunningOnceMore;
                slot.urgent |= urgent;
            }
        }
    }

    /// Whether it is in line or runs.
    pub(super) fn has(&self, id: InstanceId) -> bool {
        self.slots.contains_key(&id)
    }

    /// Somebody found an instance old. One that runs is not made to run again: its result is what was missing. That is
    /// what makes a thousand requests one call.
    pub(super) fn ask(&mut self, id: InstanceId) {
        if self.slots.get(&id).is_none_or(|slot| slot.stage == Stage::InLine) {
            self.push(id, true);
        }
    }

    /// Asks, and waits for the next result.
    pub(super) fn wait(&mut self, id: InstanceId) -> oneshot::Receiver<()> {
        self.ask(id);
        let (done, wait) = oneshot::channel();
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.waiters.push(done);
        }
        wait
    }

    /// The next to run, which is running from now on.
    pub(super) fn pop(&mut self) -> Option<InstanceId> {
        while let Some((id, from_urgent)) = self
            .urgent
            .pop_front()
            .map(|id| (id, true))
            .or_else(|| self.calm.pop_front().map(|id| (id, false)))
        {
            if let Some(slot) = self.slots.get_mut(&id)
                && slot.stage == Stage::InLine
                && slot.urgent == from_urgent
            {
                slot.stage = Stage::Running;
                return Some(id);
            }
        }
        None
    }

    /// A run has ended: whoever waited is told, and it goes in line again if something happened meanwhile.
    pub(super) fn finish(&mut self, id: InstanceId) {
        let Some(slot) = self.slots.remove(&id) else { return };
        for waiter in slot.waiters {
            // Whoever no longer waits does not mind.
            let _ = waiter.send(());
        }
        if slot.stage == Stage::RunningOnceMore {
            self.push(id, slot.urgent);
        }
    }

    /// Nothing is in line and nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.slots.is_empty()
    }

    /// Instances in line.
    pub(super) fn len(&self) -> usize {
        self.slots.values().filter(|slot| slot.stage != Stage::Running).count()
    }

    /// Plans the next refresh or retry of an instance, instead of the one that it had.
    pub(super) fn plan(&mut self, id: InstanceId, at: Instant) {
        if let Some(old) = self.times.insert(id, at) {
            self.later.remove(&(old, id));
        }
        self.later.insert((at, id));
    }

    pub(super) fn unplan(&mut self, id: InstanceId) {
        if let Some(old) = self.times.remove(&id) {
            self.later.remove(&(old, id));
        }
    }

    /// The instances whose time has come, and when the next one's will.
    pub(super) fn due(&mut self, now: Instant) -> (Vec<InstanceId>, Option<Instant>) {
        let mut due = Vec::new();
        while let Some(&(at, id)) = self.later.first() {
            if at > now {
                return (due, Some(at));
            }
            self.unplan(id);
            due.push(id);
        }
        (due, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const A: InstanceId = InstanceId(1);
    const B: InstanceId = InstanceId(2);

    #[test]
    fn the_watched_come_first_and_nobody_stands_in_line_twice() {
        let mut queue = Queue::default();
        queue.push(A, false);
        queue.push(A, false);
        queue.push(B, true);
        assert_eq!(queue.len(), 2);
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(B), Some(A), None));
    }

    #[test]
    fn a_viewer_who_comes_later_moves_an_instance_forward() {
        let mut queue = Queue::default();
        queue.push(B, false);
        queue.push(A, false);
        queue.push(A, true);
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(A), Some(B), None));
    }

    #[test]
    fn several_messages_during_a_run_make_one_more() {
        let mut queue = Queue::default();
        queue.push(A, false);
        assert_eq!(queue.pop(), Some(A));
        queue.push(A, false);
        queue.push(A, true);
        assert_eq!(queue.pop(), None, "one at a time");
        queue.finish(A);
        assert_eq!((queue.pop(), queue.pop()), (Some(A), None));
    }

    #[tokio::test]
    async fn a_thousand_who_wait_are_told_by_one_run() {
        let mut queue = Queue::default();
        let mut waiting: Vec<_> = (0..500).map(|_| queue.wait(A)).collect();
        assert_eq!(queue.pop(), Some(A));
        waiting.extend((0..500).map(|_| queue.wait(A)));
        queue.finish(A);
        for wait in waiting {
            wait.await.unwrap();
        }
        assert_eq!(queue.pop(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_plan_takes_the_place_of_the_old_one() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.plan(A, now + Duration::from_secs(5));
        queue.plan(A, now + Duration::from_secs(9));
        queue.plan(B, now + Duration::from_secs(7));
        assert_eq!(queue.due(now), (vec![], Some(now + Duration::from_secs(7))));
        assert_eq!(
            queue.due(now + Duration::from_secs(8)),
            (vec![B], Some(now + Duration::from_secs(9)))
        );
        assert_eq!(queue.due(now + Duration::from_secs(10)), (vec![A], None));
    }
}
