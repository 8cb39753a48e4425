//! Lists: sorting by a field, grouping, the first few. For both tiers.

use super::Fallible;
use crate::{render, script::host};
use rhai::{Array, Dynamic, INT, ImmutableString, Map, Module};
use std::cmp::Ordering;

pub(super) fn register(module: &mut Module) {
    module.set_native_fn("sorted_by", sorted_by);
    module.set_native_fn("reversed", reversed);
    module.set_native_fn("first", first);
    module.set_native_fn("group_by", group_by);
    module.set_native_fn("unique", unique);
    module.set_native_fn("series", series);
}

/// `sorted_by(list, "path")` → a new list, ordered by a field of its items: `"issued"`, `"user.name"`.
///
/// Smallest first: `.reversed()` turns it round. Numbers before texts; items that lack the field come last, and equal
/// ones keep their order. Times sort as they should when they are RFC 3339: see `parse_time`.
#[expect(clippy::needless_pass_by_value, reason = "Rhai hands arguments over by value")]
fn sorted_by(list: &mut Array, path: ImmutableString) -> Fallible<Array> {
    spend(list.len())?;
    let mut keyed: Vec<(Dynamic, Dynamic)> =
        list.iter().map(|item| (at(item, &path), item.clone())).collect();
    keyed.sort_by(|(a, _), (b, _)| order(a, b));
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// `reversed(list)` → a new list, from its end. Rhai's own `reverse` changes the list itself.
#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn reversed(list: &mut Array) -> Fallible<Array> {
    Ok(list.iter().rev().cloned().collect())
}

/// `first(list, n)` → a new list of the first `n` items, or of all when there are fewer.
#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn first(list: &mut Array, count: INT) -> Fallible<Array> {
    Ok(list.iter().take(usize::try_from(count).unwrap_or(0)).cloned().collect())
}

/// `group_by(list, "path")` → `[#{ key, items }, …]` in the order in which each key first came.
///
/// `key` is the field's value, `()` for items that lack it.
#[expect(clippy::needless_pass_by_value, reason = "Rhai hands arguments over by value")]
fn group_by(list: &mut Array, path: ImmutableString) -> Fallible<Array> {
    let mut groups: Vec<(Dynamic, Array)> = Vec::new();
    for item in list.iter() {
        let key = at(item, &path);
        spend(groups.len() + 1)?;
        match groups.iter_mut().find(|(known, _)| host::same(known, &key)) {
            Some((_, items)) => items.push(item.clone()),
            None => groups.push((key, vec![item.clone()])),
        }
    }
    let group = |(key, items): (Dynamic, Array)| {
        Dynamic::from_map(Map::from([("key".into(), key), ("items".into(), items.into())]))
    };
    Ok(groups.into_iter().map(group).collect())
}

/// `unique(list)` → a new list with each value once, where it first came.
///
/// Values are compared as JSON: `1` equals `1.0`. Costs an operation for each pair, so it is for short lists.
fn unique(list: &mut Array) -> Fallible<Array> {
    let mut seen = Array::new();
    for item in list.iter() {
        spend(seen.len() + 1)?;
        if !seen.iter().any(|known| host::same(known, item)) {
            seen.push(item.clone());
        }
    }
    Ok(seen)
}

/// `series(list)` → the items as people say them: `a`, `a and b`, `a, b, and c`.
fn series(list: &mut Array) -> Fallible<ImmutableString> {
    spend(list.len())?;
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    Ok(render::series(&texts).into())
}

fn spend(operations: usize) -> Fallible<()> {
    host::charge(operations).map_err(host::ended)
}

/// What lies at a path below an item, or `()`.
fn at(item: &Dynamic, path: &str) -> Dynamic {
    let mut found = item.clone();
    for name in path.split('.') {
        let next = if let Ok(map) = found.as_map_ref() {
            map.get(name).cloned().unwrap_or(Dynamic::UNIT)
        } else {
            found.read_lock::<host::Tree>().map_or(Dynamic::UNIT, |tree| tree.field(name))
        };
        found = next;
    }
    found
}

fn order(a: &Dynamic, b: &Dynamic) -> Ordering {
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return a.cmp(&b);
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a.total_cmp(&b);
    }
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>())
    {
        return a.cmp(&b);
    }
    rank(a).cmp(&rank(b))
}

fn number(value: &Dynamic) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "ordered beside a float")]
    value.as_float().ok().or_else(|| value.as_int().ok().map(|n| n as f64))
}

/// Where kinds stand among each other.
fn rank(value: &Dynamic) -> u8 {
    match value {
        v if number(v).is_some() => 0,
        v if v.is_string() => 1,
        v if v.is_bool() => 2,
        v if v.is_unit() => 4,
        _ => 3,
    }
}
