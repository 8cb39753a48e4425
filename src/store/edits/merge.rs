//! Settings that several people change: what each of them changed counts, and only the same setting is a conflict.

use super::{Clash, Conflict};
use crate::hub::Config;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a writer started from, what there is now, and what they want.
pub(super) struct Three<'a> {
    /// `None`: the history does not reach back so far.
    pub(super) base: Option<&'a Config>,
    pub(super) current: &'a Config,
    pub(super) wanted: &'a Config,
}

impl Three<'_> {
    /// All settings, or the clashes. A setting that `wanted` lacks is one that is to go.
    pub(super) fn merged(&self) -> Result<Config, Vec<Clash>> {
        let maps = [self.base, Some(self.current), Some(self.wanted)];
        let names: BTreeSet<&String> = maps.into_iter().flatten().flat_map(Config::keys).collect();
        let mut merged = Config::new();
        let mut clashes = Vec::new();
        for name in names {
            match self.one(name) {
                Ok(Some(value)) => drop(merged.insert(name.clone(), value.clone())),
                Ok(None) => {}
                Err(clash) => clashes.push(clash),
            }
        }
        if clashes.is_empty() { Ok(merged) } else { Err(clashes) }
    }

    fn one(&self, name: &str) -> Result<Option<&Value>, Clash> {
        let (current, wanted) = (self.current.get(name), self.wanted.get(name));
        if wanted == current {
            return Ok(current);
        }
        match self.base.map(|base| base.get(name)) {
            Some(base) if base == wanted => Ok(current),
            Some(base) if base == current => Ok(wanted),
            base => {
                let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
                Err(Clash {
                    name: name.to_owned(),
                    before: value(base.flatten()),
                    theirs: value(current),
                    yours: value(wanted),
                })
            }
        }
    }
}

impl Conflict {
    pub(super) fn boxed(seen: u64, version: u64, by: &str, clashes: Vec<Clash>) -> Box<Self> {
        Box::new(Self { seen, version, by: by.to_owned(), clashes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(base: Value, current: Value, wanted: Value) -> Result<Value, Vec<String>> {
        let [base, current, wanted] = [base, current, wanted].map(|value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        });
        let three = Three {
            base: base.as_ref(),
            current: current.as_ref().unwrap(),
            wanted: wanted.as_ref().unwrap(),
        };
        let merged = three.merged().map(Value::Object);
        merged.map_err(|clashes| clashes.into_iter().map(|clash| clash.name).collect())
    }

    #[test]
    fn what_each_changed_counts_and_the_same_setting_is_a_clash() {
        let base = json!({ "a": 1, "b": 1, "c": 1 });
        let theirs = json!({ "a": 2, "b": 1, "c": 1 });
        let (mine, both) = (json!({ "a": 1, "b": 2 }), json!({ "a": 2, "b": 2 }));
        assert_eq!(check(base.clone(), theirs.clone(), mine), Ok(both));
        let mine = json!({ "a": 3, "b": 1, "c": 1 });
        assert_eq!(check(base.clone(), theirs.clone(), mine), Err(vec!["a".into()]));
        let gone = json!({ "b": 1, "c": 1 });
        assert_eq!(check(base.clone(), gone.clone(), theirs.clone()), Err(vec!["a".into()]));
        assert_eq!(check(base.clone(), theirs.clone(), theirs.clone()), Ok(theirs));
        assert_eq!(check(base.clone(), gone.clone(), base), Ok(gone));
    }

    #[test]
    fn without_a_base_whatever_differs_is_a_clash() {
        let (theirs, mine) = (json!({ "a": 1, "b": 1 }), json!({ "a": 1, "b": 2 }));
        assert_eq!(check(Value::Null, theirs, mine), Err(vec!["b".into()]));
    }
}
