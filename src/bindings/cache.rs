//! `cache`: a widget's own corner of the cache, shared by its instances.

use super::{Fallible, Host, failed};
use crate::hub::WidgetName;
use crate::script::{Call, host};
use rhai::{Dynamic, EvalAltResult, FnPtr, INT, Module, NativeCallContext};
use std::time::Duration;

/// Larger values are refused; as JSON.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// The longest time that something is kept: nothing in here is meant to last.
const MAX_SECONDS: INT = 366 * 24 * 60 * 60;

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    let all = host.clone();
    module.set_native_fn("get", move |at: NativeCallContext<'_>, key: &str| {
        host::serve(&at, || get(&all, key))
    });
    let all = host.clone();
    module.set_native_fn(
        "set",
        move |at: NativeCallContext<'_>, key: &str, value: Dynamic, ttl: Dynamic| {
            host::serve(&at, || set(&all, key, &value, &ttl))
        },
    );
    let all = host.clone();
    module.set_native_fn(
        "get_or_set",
        move |context: NativeCallContext<'_>, key: &str, ttl: Dynamic, make: FnPtr| {
            host::serve(&context, || get_or_set(&all, &context, key, &ttl, &make))
        },
    );
    module
}

/// `cache::get(key)` → what was kept, or `()` where nothing was or its time is over.
fn get(host: &Host, key: &str) -> Fallible<Dynamic> {
    let (widget, call) = corner()?;
    let value = host.cache.own_get(&widget, key, call.now);
    Ok(host::for_script(|| value.as_ref().map_or(Dynamic::UNIT, host::to_dynamic)))
}

/// `cache::set(key, value, ttl)` keeps a value for a time: `"10m"`, `"6h"`, `"2d"`, or seconds, a year at most.
///
/// The value is data that JSON can hold, of 64 KiB at most. All instances of the widget share its keys, and nothing else
/// can read them. The cache may be emptied at any time: keep only what can be had again.
fn set(host: &Host, key: &str, value: &Dynamic, ttl: &Dynamic) -> Fallible<()> {
    let (widget, call) = corner()?;
    let ttl = duration(ttl).ok_or_else(|| no_time(ttl))?;
    let json = host::to_json(value, MAX_VALUE_BYTES).map_err(|_| {
        host::thrown(format!(
            "`{key}` can't be kept: only data can, of {MAX_VALUE_BYTES} bytes at most"
        ))
    })?;
    host.cache
        .own_set(&widget, key, &json, ttl, call.now)
        .map_err(|error| failed("cache", 0, error))
}

/// `cache::get_or_set(key, ttl, || …)` → what was kept, else what the function makes, which is kept for `ttl`.
///
/// What the function throws is thrown on, and nothing is kept. It is no lock: two instances may both make it.
fn get_or_set(
    host: &Host,
    context: &NativeCallContext<'_>,
    key: &str,
    ttl: &Dynamic,
    make: &FnPtr,
) -> Fallible<Dynamic> {
    let kept = get(host, key)?;
    if !kept.is_unit() {
        return Ok(kept);
    }
    let fresh: Dynamic = host::for_script(|| make.call_within_context(context, ()))?;
    set(host, key, &fresh, ttl)?;
    Ok(fresh)
}

fn corner() -> Fallible<(WidgetName, Call)> {
    let call = host::current().map(|(call, _)| call);
    call.and_then(|call| Some((call.widget.clone()?, call)))
        .ok_or_else(|| host::thrown("only a widget has a corner of the cache"))
}

/// `"10m"`, `"6h"`, `"2d"`, or seconds; a year at most.
pub(super) fn duration(given: &Dynamic) -> Option<Duration> {
    let seconds = match (given.as_int(), given.clone().into_immutable_string()) {
        (Ok(seconds), _) => Some(seconds),
        (_, Ok(text)) => in_words(&text),
        _ => None,
    };
    let fits = seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
    fits.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
}

fn no_time(ttl: &Dynamic) -> Box<EvalAltResult> {
    host::thrown(format!(
        "`{ttl}` is no time to keep: `\"10m\"`, `\"6h\"`, `\"2d\"` or seconds are"
    ))
}

fn in_words(text: &str) -> Option<INT> {
    let unit = text.chars().next_back()?;
    let number: INT = text[..text.len() - unit.len_utf8()].trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds)
}
