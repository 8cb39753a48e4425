//! Points in time: read from what services write, told as people say them. Only `data` may ask for the present one.

use super::Fallible;
use crate::{render, script::host};
use jiff::{Timestamp, tz::TimeZone};
use rhai::{Dynamic, FLOAT, INT, ImmutableString, Map, Module};

pub(super) fn register(module: &mut Module) {
    module.set_native_fn("parse_time", |time: &str| parse_time(time));
    module.set_native_fn("parse_time", |time: INT| parse_time(&time.to_string()));
    module.set_native_fn("parse_time", |time: FLOAT| parse_time(&time.to_string()));
    module.set_native_fn("humanize", |time: &str| humanize(time));
    module.set_native_fn("humanize", |time: INT| humanize(&time.to_string()));
    module.set_native_fn("humanize", |time: FLOAT| humanize(&time.to_string()));
    module.set_native_fn("seconds", seconds);
    module.set_native_fn("local_time", local_time);
}

pub(super) fn register_for_data(module: &mut Module) {
    module.set_native_fn("now", now);
}

/// `now()` → the present time as RFC 3339 in UTC, the same for all of one call. A test may set it. Only in `data`.
fn now() -> Fallible<Dynamic> {
    let (call, _) = host::current().ok_or_else(|| host::thrown("nothing runs"))?;
    Ok(call.now.to_string().into())
}

/// `seconds(time)` → whole seconds since 1970, to reckon with. `time` is a text that `parse_time` reads.
fn seconds(time: &str) -> Fallible<INT> {
    Ok(moment(time)?.as_second())
}

/// `parse_time(time)` → the time as RFC 3339 in UTC: `"2026-05-05T16:00:00Z"`.
///
/// Reads RFC 3339, seconds since 1970, `2026-05-05 16:00:00` and `2026-05-05`. Throws for anything else.
fn parse_time(time: &str) -> Fallible<ImmutableString> {
    Ok(moment(time)?.to_string().into())
}

/// `humanize(time)` → `just now`, `5 min ago`, `in 3 h`, `2 days ago`, `5 May`, as seen when the script runs.
///
/// Words of the moment grow old in kept data: hand on the time itself, and a template's filter `humanize` says it anew.
/// Throws for what `parse_time` can't read.
fn humanize(time: &str) -> Fallible<ImmutableString> {
    let then = moment(time)?;
    let now = host::current().map_or(then, |(call, _)| call.now);
    Ok(render::ago(then, now).into())
}

/// `local_time(time, zone)` → `#{ zone, place, time, day, ahead }`: what clocks show in a time zone, as in
/// `#{ zone: "Europe/Prague", place: "Prague", time: "14:05", day: "Tuesday", ahead: "UTC+2" }`; `()` when there is no such zone.
///
/// `zone` is a name of the IANA's database. Throws for what `parse_time` can't read.
fn local_time(time: &str, zone: &str) -> Fallible<Dynamic> {
    let then = moment(time)?;
    let Ok(zone) = TimeZone::get(zone) else { return Ok(Dynamic::UNIT) };
    let there = then.to_zoned_datetime(zone);
    let name = there.time_zone().iana_name().unwrap_or("UTC");
    let place = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    Ok(Dynamic::from_map(Map::from([
        ("zone".into(), name.into()),
        ("place".into(), place.into()),
        ("time".into(), there.strftime("%H:%M").to_string().into()),
        ("day".into(), there.strftime("%A").to_string().into()),
        ("ahead".into(), ahead(there.offset().seconds() / 60).into()),
    ])))
}

/// `UTC`, `UTC+2`, `UTC−3:30`.
fn ahead(minutes: i32) -> String {
    let sign = if minutes < 0 { '−' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".into(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

fn moment(time: &str) -> Fallible<Timestamp> {
    render::moment(time).ok_or_else(|| {
        let shown: String = time.chars().take(40).collect();
        host::thrown(format!(
            "`{shown}` is no time: `2026-05-05T12:00:00Z`, seconds since 1970 and `2026-05-05` are"
        ))
    })
}
