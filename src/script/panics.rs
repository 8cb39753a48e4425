//! Panics inside a script's call: caught, and logged once in our own words instead of Rust's.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    static IN_SCRIPT: Cell<bool> = const { Cell::new(false) };
}

/// Panics of a running script go to the log; all others to whoever listened before.
pub(super) fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if IN_SCRIPT.get() {
                let place = panic.location().map(ToString::to_string);
                tracing::warn!(
                    place,
                    said = panic.payload_as_str(),
                    "a script made the engine panic"
                );
            } else {
                before(panic);
            }
        }));
    });
}

/// `Err` when the work panicked.
pub(super) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, ()> {
    let before = IN_SCRIPT.replace(true);
    // What the work touched is dropped by whoever catches: its engine, its values.
    let result = catch_unwind(AssertUnwindSafe(work)).map_err(|_| ());
    IN_SCRIPT.set(before);
    result
}
