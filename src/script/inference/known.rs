//! What the widget and the script's constants say is computed as Rhai would compute it.

use super::{Inference, value::Val};
use crate::script::placed::{HubView, Settings, Widget};
use crate::script::program::{Entry, Functions};
use rhai::{Array, Dynamic, FnPtr, Map, Scope};

/// Functions that leave their arguments as they are.
const PURE: [&str; 31] = [
    "all",
    "commas",
    "contains",
    "ends_with",
    "filter",
    "find",
    "first",
    "get",
    "group_by",
    "index_of",
    "is_empty",
    "join",
    "keys",
    "len",
    "map",
    "max",
    "min",
    "parse_int",
    "reversed",
    "series",
    "some",
    "sorted_by",
    "split",
    "starts_with",
    "sub_string",
    "to_lower",
    "to_map",
    "to_string",
    "to_upper",
    "unique",
    "values",
];

pub(super) fn field(value: &Dynamic, name: &str) -> Val {
    let found = if let Some(widget) = value.read_lock::<Widget>() {
        widget.field(name)
    } else if let Some(settings) = value.read_lock::<Settings>() {
        settings.field(name)
    } else if let Some(hub) = value.read_lock::<HubView>() {
        hub.field(name)
    } else if let Ok(map) = value.as_map_ref() {
        Ok(map.get(name).cloned().unwrap_or(Dynamic::UNIT))
    } else if value.is_unit() {
        Ok(Dynamic::UNIT)
    } else {
        return Val::Open;
    };
    found.map_or(Val::Open, Val::Known)
}

pub(super) fn item(value: &Dynamic, at: i64) -> Val {
    let Ok(list) = value.as_array_ref() else { return Val::Open };
    let found = usize::try_from(at).ok().and_then(|at| list.get(at));
    found.map_or(Val::Open, |found| Val::Known(found.clone()))
}

/// The items of a list that is known.
pub(super) fn items(value: &Dynamic) -> Option<Vec<Dynamic>> {
    value.as_array_ref().ok().map(|list| list.to_vec())
}

pub(super) fn is_pure(name: &str) -> bool {
    PURE.contains(&name)
}

/// Values that are known all, or nothing.
pub(super) fn all(values: &[Val]) -> Option<Vec<Dynamic>> {
    values
        .iter()
        .map(|value| match value {
            Val::Known(value) => Some(value.clone()),
            Val::List(items) => Some(Dynamic::from_array(all(items)?)),
            Val::Closure(name, captured) => {
                let mut function = FnPtr::new(name.clone()).ok()?;
                function.set_curry(all(captured)?);
                Some(Dynamic::from(function))
            }
            _ => None,
        })
        .collect()
}

impl Inference<'_> {
    /// One of the host's functions, with values that are known.
    pub(super) fn native(&self, functions: &Functions, name: &str, values: Vec<Dynamic>) -> Val {
        let Ok(function) = FnPtr::new(name) else { return Val::Open };
        let answer = function.call::<Dynamic>(&self.program.engine, &functions.ast, values);
        answer.map_or(Val::Open, Val::Known)
    }

    /// One of the script's own functions, with values that are known.
    pub(super) fn run(&self, entry: &Entry, values: Vec<Dynamic>) -> Val {
        let answer = entry.call(&self.program.engine, &mut Scope::new(), values.into_iter());
        answer.map_or(Val::Open, Val::Known)
    }

    pub(super) fn map(fields: Vec<(&str, Val)>) -> Val {
        let known = |(name, value): (&str, Val)| match value {
            Val::Known(value) => Some((name.into(), value)),
            _ => None,
        };
        fields
            .into_iter()
            .map(known)
            .collect::<Option<Map>>()
            .map_or(Val::Open, |map| Val::Known(map.into()))
    }

    pub(super) fn list(items: Vec<Val>) -> Val {
        match all(&items) {
            Some(known) => Val::Known(Array::from(known).into()),
            None => Val::List(items),
        }
    }
}
