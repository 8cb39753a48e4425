//! One call of a script while it lasts: what it has used, and where it is stopped.
//!
//! It lives in a thread-local, because Rhai's own counters start anew inside the callbacks of natives. Once a limit is
//! passed the call is stopped for good: whatever swallows the error, the very next operation stops again.

use super::{LimitName, Tier, Used, memory};
use crate::{config::Limits, hub::WidgetName};
use jiff::Timestamp;
use rhai::Dynamic;
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::{Duration, Instant},
};

/// What a call is told beside its arguments.
#[derive(Debug, Clone)]
pub struct Call {
    /// The clock that the script sees.
    pub now: Timestamp,
    /// Whose corner of the cache it is.
    pub widget: Option<WidgetName>,
    /// The hosts that its `HOSTS` names.
    pub hosts: Arc<[String]>,
    /// When that changed which makes the call necessary; what was fetched before is old.
    pub changed: Option<Timestamp>,
}

impl Call {
    pub fn at(now: Timestamp) -> Self {
        Self { now, widget: None, hosts: Arc::default(), changed: None }
    }
}

/// Lines and bytes that one call may log; what is beyond is dropped.
const LOG_LINES: usize = 64;
const LOG_LINE_BYTES: usize = 512;

thread_local! {
    static RUN: Run = const { Run::idle() };
}

struct Run {
    operations: Cell<u64>,
    max_operations: Cell<u64>,
    deadline: Cell<Option<Instant>>,
    /// A thread that the machine did not let run is not the script's fault: where the deadline is shorter than such a
    /// pause, it is set anew once.
    second_chance: Cell<Option<Duration>>,
    /// The clock is read when the count of operations has none of these bits.
    clock_mask: Cell<u64>,
    base_bytes: Cell<isize>,
    /// What host functions have made for the script.
    for_script: Cell<isize>,
    max_bytes: Cell<isize>,
    /// The most that was held, as far as it was looked at: see [`Used::bytes`].
    peak_bytes: Cell<isize>,
    string_bytes: Cell<usize>,
    array_items: Cell<usize>,
    stopped: Cell<Option<LimitName>>,
    requests: Cell<usize>,
    response_bytes: Cell<usize>,
    log_lines: Cell<usize>,
    /// Something looked at what the call was told, the time above all: another call may be told otherwise.
    looked: Cell<bool>,
    call: RefCell<Option<Call>>,
}

impl Run {
    const fn idle() -> Self {
        Self {
            operations: Cell::new(0),
            max_operations: Cell::new(u64::MAX),
            deadline: Cell::new(None),
            second_chance: Cell::new(None),
            clock_mask: Cell::new(63),
            base_bytes: Cell::new(0),
            for_script: Cell::new(0),
            max_bytes: Cell::new(isize::MAX),
            peak_bytes: Cell::new(0),
            string_bytes: Cell::new(usize::MAX),
            array_items: Cell::new(usize::MAX),
            stopped: Cell::new(None),
            requests: Cell::new(0),
            response_bytes: Cell::new(0),
            log_lines: Cell::new(0),
            looked: Cell::new(false),
            call: RefCell::new(None),
        }
    }

    fn tick(&self, more: u64) -> Option<LimitName> {
        let count = self.operations.get().saturating_add(more);
        self.operations.set(count);
        if let stopped @ Some(_) = self.stopped.get() {
            return stopped;
        }
        let held = memory::live().wrapping_sub(self.base_bytes.get());
        let broken = if count > self.max_operations.get() {
            LimitName::Operations
        } else if held > self.max_bytes.get() {
            self.look_at(held);
            LimitName::Memory
        } else if count & self.clock_mask.get() == 0 || more > 1 {
            self.look_at(held);
            if !self.is_late() {
                return None;
            }
            LimitName::Deadline
        } else {
            return None;
        };
        self.stopped.set(Some(broken));
        Some(broken)
    }

    fn look_at(&self, held: isize) {
        self.peak_bytes.set(self.peak_bytes.get().max(held));
    }

    fn is_late(&self) -> bool {
        let now = Instant::now();
        if self.deadline.get().is_none_or(|deadline| now <= deadline) {
            return false;
        }
        let again = self.second_chance.take().map(|deadline| now + deadline);
        if again.is_some() {
            self.deadline.set(again);
        }
        again.is_none()
    }
}

/// Open while a call lasts.
pub(super) struct Running;

impl Running {
    pub(super) fn begin(limits: &Limits, tier: Tier, call: &Call) -> Self {
        RUN.with(|run| {
            run.operations.set(0);
            run.max_operations.set(limits.operations);
            run.deadline.set(Some(Instant::now() + limits.deadline));
            run.second_chance.set((tier == Tier::Pure).then_some(limits.deadline));
            run.clock_mask.set(tier.clock_mask());
            run.base_bytes.set(memory::live());
            run.max_bytes.set(isize::try_from(limits.memory_bytes).unwrap_or(isize::MAX));
            run.peak_bytes.set(0);
            run.string_bytes.set(limits.string_bytes);
            run.array_items.set(limits.array_items);
            run.stopped.set(None);
            run.requests.set(0);
            run.response_bytes.set(0);
            run.log_lines.set(0);
            run.looked.set(false);
            run.call.replace(Some(call.clone()));
        });
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUN.with(|run| {
            run.max_operations.set(u64::MAX);
            run.deadline.set(None);
            run.max_bytes.set(isize::MAX);
            run.string_bytes.set(usize::MAX);
            run.array_items.set(usize::MAX);
            run.stopped.set(None);
            run.call.replace(None);
        });
    }
}

/// The limit that stopped the running call, were its error swallowed or not.
pub(super) fn stopped() -> Option<LimitName> {
    RUN.with(|run| run.stopped.get())
}

/// Rhai asks before every operation; a value ends the script.
pub(super) fn on_progress(_: u64) -> Option<Dynamic> {
    RUN.with(|run| run.tick(1)).map(|_| Dynamic::UNIT)
}

/// A native that does the work of many operations says so, before it does it.
pub(crate) fn charge(operations: usize) -> Result<(), LimitName> {
    RUN.with(|run| run.tick(operations as u64)).map_or(Ok(()), Err)
}

/// Ends the running call, whatever the script makes of the error.
pub(crate) fn stop(limit: LimitName) -> LimitName {
    RUN.with(|run| {
        run.stopped.get().unwrap_or_else(|| {
            run.stopped.set(Some(limit));
            limit
        })
    })
}

/// The longest text and list that the running call may make.
pub(crate) fn sizes() -> (usize, usize) {
    RUN.with(|run| (run.string_bytes.get(), run.array_items.get()))
}

/// What the running call was told, and when it must be over. `None` where none runs.
pub(crate) fn current() -> Option<(Call, Instant)> {
    RUN.with(|run| {
        run.looked.set(true);
        Some((run.call.borrow().clone()?, run.deadline.get()?))
    })
}

/// Whether [`current`] was asked since the call began: what was computed may be another value next time.
pub(super) fn looked() -> bool {
    RUN.with(|run| run.looked.get())
}

/// Counts one HTTP request, and the bytes of answers, against what a run may have.
pub(crate) fn count_requests(more: usize, most: usize) -> Result<(), LimitName> {
    RUN.with(|run| within(&run.requests, more, most)).map_err(|()| stop(LimitName::Requests))
}

pub(crate) fn count_response_bytes(more: usize, most: usize) -> Result<(), LimitName> {
    RUN.with(|run| within(&run.response_bytes, more, most))
        .map_err(|()| stop(LimitName::ResponseBytes))
}

fn within(used: &Cell<usize>, more: usize, most: usize) -> Result<(), ()> {
    let total = used.get().saturating_add(more);
    used.set(total);
    if total > most { Err(()) } else { Ok(()) }
}

/// Runs host code whose memory is the host's: what it keeps, brings along and drops is neither the script's budget nor
/// its leak. What it hands to the script it makes in [`for_script`].
pub(crate) fn on_the_house<R>(work: impl FnOnce() -> R) -> R {
    let (before, counted) = (memory::live(), RUN.with(|run| run.for_script.get()));
    let result = work();
    let grown = memory::live().wrapping_sub(before);
    RUN.with(|run| {
        let scripts = run.for_script.get().wrapping_sub(counted);
        run.base_bytes.set(run.base_bytes.get().wrapping_add(grown.wrapping_sub(scripts)));
    });
    result
}

/// Inside of [`on_the_house`]: what this makes is the script's.
pub(crate) fn for_script<R>(work: impl FnOnce() -> R) -> R {
    let before = memory::live();
    let result = work();
    let grown = memory::live().wrapping_sub(before);
    RUN.with(|run| run.for_script.set(run.for_script.get().wrapping_add(grown)));
    result
}

/// Bytes that the running call holds, less what was on the house.
pub(super) fn held() -> isize {
    RUN.with(|run| memory::live().wrapping_sub(run.base_bytes.get()))
}

/// Notes what the running call holds now.
pub(super) fn look() {
    let held = held();
    RUN.with(|run| run.look_at(held));
}

/// What the running call has used so far.
pub(super) fn used() -> Used {
    RUN.with(|run| Used {
        operations: run.operations.get(),
        bytes: u64::try_from(run.peak_bytes.get()).unwrap_or(0),
        requests: run.requests.get(),
        response_bytes: run.response_bytes.get(),
    })
}

/// Takes back operations that are ours and not the script's.
pub(super) fn refund(operations: u64) {
    RUN.with(|run| run.operations.set(run.operations.get().saturating_sub(operations)));
}

/// `print`, `debug` and `log` of a script: a bounded number of bounded lines, to our own log.
pub(crate) fn log(line: &str) {
    RUN.with(|run| {
        let lines = run.log_lines.get();
        run.log_lines.set(lines.saturating_add(1));
        if lines >= LOG_LINES {
            return;
        }
        let call = run.call.borrow();
        let widget = call.as_ref().and_then(|c| c.widget.as_ref()).map(WidgetName::as_str);
        let said = &line[..line.floor_char_boundary(LOG_LINE_BYTES)];
        on_the_house(|| tracing::info!(widget, said, "a script says something"));
    });
}
