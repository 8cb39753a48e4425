//! Messages that were handed on and are not yet on disk, in the order in which they came.

use super::SOURCE;
use crate::telemetry;
use metrics::gauge;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// At most as many as `prefetch` says: the broker sends no more.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    waiting: VecDeque<(u64, oneshot::Receiver<()>)>,
}

impl Unacknowledged {
    pub(super) fn push(&mut self, tag: u64, receipt: oneshot::Receiver<()>) {
        self.waiting.push_back((tag, receipt));
        gauge!(telemetry::UNACKNOWLEDGED, "source" => SOURCE.0).increment(1);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits for the oldest, and says up to which one all are on disk. `None` when nobody puts them there any more.
    /// Must not be asked when there are none. To be dropped while it waits does no harm.
    pub(super) async fn settled(&mut self) -> Option<u64> {
        let (_, oldest) = self.waiting.front_mut()?;
        oldest.await.ok()?;
        let mut last = self.pop();
        while let Some((_, receipt)) = self.waiting.front_mut()
            && receipt.try_recv().is_ok()
        {
            last = self.pop();
        }
        last
    }

    fn pop(&mut self) -> Option<u64> {
        let (tag, _) = self.waiting.pop_front()?;
        gauge!(telemetry::UNACKNOWLEDGED, "source" => SOURCE.0).decrement(1);
        Some(tag)
    }
}

impl Drop for Unacknowledged {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn what_is_done_is_acknowledged_in_order_and_together() {
        let mut unacknowledged = Unacknowledged::default();
        let mut done: Vec<_> = (1..=5)
            .map(|tag| {
                let (sender, receipt) = oneshot::channel();
                unacknowledged.push(tag, receipt);
                Some(sender)
            })
            .collect();
        let mut finish = |n: usize| done[n - 1].take().unwrap().send(()).unwrap();
        finish(2);
        assert_eq!(unacknowledged.settled().now_or_never(), None, "the first is not done");
        finish(1);
        finish(4);
        assert_eq!(unacknowledged.settled().now_or_never(), Some(Some(2)));
        finish(3);
        assert_eq!(unacknowledged.settled().now_or_never(), Some(Some(4)));
        drop(done);
        assert_eq!(unacknowledged.settled().now_or_never(), Some(None), "nobody will do it");
    }
}
