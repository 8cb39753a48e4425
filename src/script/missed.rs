//! The values of the call that failed last: Rhai's error tells their types alone.

use super::{convert, run, trace::is_mark};
use rhai::Dynamic;
use std::cell::RefCell;

/// Longer values are cut.
const SHOWN_BYTES: usize = 60;
/// Calls with more arguments say enough by their number.
const ARGUMENTS: usize = 4;

thread_local! {
    static LAST: RefCell<Option<(String, Vec<String>)>> = const { RefCell::new(None) };
}

/// Rhai asks when a function of the host failed or was not there.
pub(super) fn note(name: &str, arguments: &[&mut Dynamic]) {
    // What is watched calls the function that the script meant: that was noted already.
    if is_mark(name)
        || arguments.len() > ARGUMENTS
        || arguments.iter().any(|value| value.is_locked())
    {
        return;
    }
    run::on_the_house(|| {
        let values = arguments.iter().map(|value| shown(value)).collect();
        LAST.replace(Some((name.into(), values)));
    });
}

/// The values that a function was called with when it failed.
pub(super) fn take(name: &str, arguments: usize) -> Option<Vec<String>> {
    let (known, values) = LAST.take()?;
    (known == name && values.len() == arguments).then_some(values)
}

/// Texts in quotes; what says no more than its type does, such as `()`, is empty.
fn shown(value: &Dynamic) -> String {
    let plain = value.is_string() || value.is_int() || value.is_float() || value.is_bool();
    match plain {
        true if value.is_string() => format!("{:?}", convert::shown(value, SHOWN_BYTES)),
        true => convert::shown(value, SHOWN_BYTES),
        false if value.is_array() || value.is_map() => convert::shown(value, SHOWN_BYTES),
        false => String::new(),
    }
}
