//! How many bytes this thread holds: a counting allocator, the only memory limit that Rhai's values can't slip past.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Signed: what another thread allocated and this one frees takes it below zero. Only differences mean anything.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

#[cfg(test)]
thread_local! {
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Bytes that this thread has allocated less those that it has freed, since it began.
pub(super) fn live() -> isize {
    LIVE.get()
}

struct Counting;

fn count(bytes: isize) {
    // A constant initial value without a destructor: reading it neither allocates nor fails at a thread's end.
    let live = LIVE.get().wrapping_add(bytes);
    LIVE.set(live);
    #[cfg(test)]
    PEAK.set(PEAK.get().max(live));
}

/// The most that this thread held while the work was done, above what it held before.
#[cfg(test)]
pub(super) fn peak_of<R>(work: impl FnOnce() -> R) -> (R, isize) {
    let before = live();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get() - before)
}

#[expect(clippy::cast_possible_wrap, reason = "a layout's size never passes isize::MAX")]
fn size(bytes: usize) -> isize {
    bytes as isize
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a plain thread-local number only.
#[expect(
    unsafe_code,
    reason = "a global allocator can't be written without; nothing else here may"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let at = unsafe { System.alloc(layout) };
        if !at.is_null() {
            count(size(layout.size()));
        }
        at
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let at = unsafe { System.alloc_zeroed(layout) };
        if !at.is_null() {
            count(size(layout.size()));
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) };
        count(-size(layout.size()));
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let moved = unsafe { System.realloc(at, layout, new_size) };
        if !moved.is_null() {
            count(size(new_size) - size(layout.size()));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_allocates_and_frees_is_counted_on_it() {
        let before = live();
        let held = vec![0_u8; 1 << 20];
        assert!(live() - before >= 1 << 20);
        let freed_there = std::thread::spawn(move || {
            let before = live();
            drop(held);
            live() - before
        });
        assert_eq!(freed_there.join().unwrap(), -(1 << 20));
    }
}
