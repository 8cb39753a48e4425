//! Which functions there are, by name and number of arguments.

use super::services;
use rhai::{Engine, FnAccess};
use std::collections::{BTreeMap, HashMap};

/// How many arguments a function may be given; one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arities(u32);

impl Arities {
    pub(super) fn with(self, arguments: usize) -> Self {
        Self(self.0 | 1 << arguments.min(31))
    }

    pub(super) fn has(self, arguments: usize) -> bool {
        self.0 & (1 << arguments.min(31)) != 0
    }

    /// `1 or 2`, with so many less: a method's receiver is no argument to who reads.
    pub(super) fn words(self, less: usize) -> String {
        let all: Vec<String> =
            (less..31).filter(|n| self.has(*n)).map(|n| (n - less).to_string()).collect();
        match all.as_slice() {
            [] => "none".into(),
            [one] => one.clone(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }
}

/// What every script may call. Made once a thread.
#[derive(Debug, Default)]
pub(in crate::script) struct Known {
    /// Rhai's own functions and ours.
    pub(super) global: HashMap<String, Arities>,
    /// Those of them that only `data` may call.
    pub(super) data_only: BTreeMap<String, Arities>,
    pub(super) modules: BTreeMap<String, BTreeMap<String, Arities>>,
}

/// Words that Rhai reads as calls and has no function for.
const BUILT_IN: [(&str, &[usize]); 10] = [
    ("Fn", &[1]),
    ("call", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ("curry", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("debug", &[0, 1]),
    ("eval", &[1]),
    ("is_def_fn", &[2]),
    ("is_def_var", &[1]),
    ("is_shared", &[1]),
    ("print", &[0, 1]),
    ("type_of", &[1]),
];

impl Known {
    /// `engine` is one without a script of its own.
    pub(in crate::script) fn of(engine: &Engine) -> Self {
        let mut known = Self::registered(engine);
        known.add_services();
        known
    }

    /// What this engine has.
    pub(super) fn registered(engine: &Engine) -> Self {
        let mut known = Self::default();
        let functions = engine.collect_fn_metadata(
            None,
            |function| {
                let about = function.metadata;
                let is_open = about.access == FnAccess::Public && !about.name.contains('$');
                is_open.then(|| {
                    (function.namespace.to_string(), about.name.to_string(), about.num_params)
                })
            },
            true,
        );
        for (module, name, parameters) in functions {
            let place = if module.is_empty() {
                known.global.entry(name).or_default()
            } else {
                known.modules.entry(module).or_default().entry(name).or_default()
            };
            *place = place.with(parameters);
        }
        known
    }

    fn add_services(&mut self) {
        for (name, arities) in BUILT_IN {
            self.add_global(name, arities);
        }
        for (name, arities) in services::GLOBAL {
            self.add_global(name, arities);
            self.data_only.insert(name.into(), self.global[name]);
        }
        for (module, functions) in services::MODULES {
            let module = self.modules.entry(module.into()).or_default();
            for (name, arities) in functions {
                let place = module.entry((*name).into()).or_default();
                *place = arities.iter().fold(*place, |all, n| all.with(*n));
            }
        }
    }

    fn add_global(&mut self, name: &str, arities: &[usize]) {
        let place = self.global.entry(name.into()).or_default();
        *place = arities.iter().fold(*place, |all, n| all.with(*n));
    }
}

/// Whether a module is the host's and asks others.
pub(super) fn asks_others(module: &str) -> bool {
    services::MODULES.iter().any(|(name, _)| *name == module)
}
