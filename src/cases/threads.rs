//! Work spread over the cores, on threads whose stacks a script may need.

use crate::script;
use std::io;
use std::num::NonZero;
use std::thread;

/// Runs the same work on a thread for each core, or on `most` of them, and returns when all are done. Where a thread
/// can't be started the others do its share.
pub(super) fn each_core(most: Option<usize>, work: impl Fn() + Sync) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let cores = most.map_or(cores, |most| most.min(cores));
    thread::scope(|scope| {
        let start = || -> io::Result<()> {
            thread::Builder::new()
                .name("cases".into())
                .stack_size(script::DATA_STACK_BYTES)
                .spawn_scoped(scope, &work)
                .map(drop)
        };
        let started = (0..cores).filter(|_| start().is_ok()).count();
        if started == 0 {
            work();
        }
    });
}
