//! A Rhai engine with everything off that a script must not have, and everything limited that it may.

use super::{Tier, guards, lint::Known, missed, placed, run, toolbox::Toolbox, tree, watch::Watch};
use crate::config::Limits;
use rhai::{
    Engine, Module, OptimizationLevel, Shared, Token,
    module_resolvers::DummyModuleResolver,
    packages::{
        BasicArrayPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage,
        LogicPackage, MoreStringPackage, Package,
    },
};

use std::cell::{Cell, OnceCell};

rhai::def_package! {
    /// Rhai's own functions less those that read a clock or handle raw bytes.
    Standard(module): CorePackage, BitFieldPackage, LogicPackage, BasicMathPackage,
        BasicArrayPackage, BasicMapPackage, MoreStringPackage {}
}

pub(super) fn standard() -> Shared<Module> {
    Standard::new().as_shared_module()
}

/// Words that Rhai keeps for itself and does nothing with. Messages and parameters have fields of such names.
const FREED: [&str; 26] = [
    "async",
    "await",
    "case",
    "default",
    "go",
    "goto",
    "is",
    "match",
    "module",
    "new",
    "nil",
    "null",
    "package",
    "protected",
    "public",
    "shared",
    "spawn",
    "static",
    "super",
    "sync",
    "thread",
    "use",
    "var",
    "void",
    "with",
    "yield",
];

/// Makes names of [`FREED`], and of any keyword that stands behind a dot: `repo.private`, `widget.default`. Whoever
/// watches may rename what is left.
fn read_tokens(engine: &mut Engine, watch: &Watch) {
    let marks = watch.marks().cloned();
    let behind_dot = Cell::new(false);
    let last = Cell::new((0, 0));
    #[expect(deprecated, reason = "volatile by its own words; the version of Rhai is pinned")]
    engine.on_parse_token(move |token, at, _| {
        // A text that was given up in the middle says nothing of the next one, which begins at its first line again.
        let here = (at.line().unwrap_or(0), at.position().unwrap_or(0));
        if here <= last.replace(here) {
            behind_dot.set(false);
        }
        let behind_dot = behind_dot.replace(matches!(token, Token::Period | Token::Elvis));
        let token = match token {
            Token::Reserved(word) if FREED.contains(&word.as_str()) => Token::Identifier(word),
            word if behind_dot && word.is_standard_keyword() => {
                Token::Identifier(Box::new(word.literal_syntax().into()))
            }
            other => other,
        };
        match &marks {
            Some(marks) => marks.rename(token, at),
            None => token,
        }
    });
}

/// Functions of the host, built once a thread and shared by its engines: an engine of its own costs a program little.
pub(super) struct Parts {
    /// Rhai's functions, and ours in place of some: in one module, since each call looks through all of them.
    standard: Shared<Module>,
    global: Shared<Module>,
    named: Vec<(String, Shared<Module>)>,
    /// Their names, made when first asked for.
    known: OnceCell<Known>,
}

impl Parts {
    pub(super) fn new(tier: Tier, tools: Toolbox) -> Self {
        let mut ours = Module::new();
        guards::register(&mut ours);
        tree::register(&mut ours);
        placed::register(&mut ours);
        if tier == Tier::Pure {
            tree::register_nothing(&mut ours);
        }
        ours.fill_with(&standard());
        ours.build_index();
        let Toolbox { mut global, named } = tools;
        global.build_index();
        let named = named.into_iter().map(|(name, mut module)| {
            module.build_index();
            (name, module.into())
        });
        Self {
            standard: ours.into(),
            global: global.into(),
            named: named.collect(),
            known: OnceCell::new(),
        }
    }

    /// What every script may call.
    pub(super) fn known(&self, tier: Tier, limits: &Limits) -> &Known {
        self.known.get_or_init(|| Known::of(&self.engine(tier, limits, &Watch::Nothing)))
    }

    /// The modules that every script has.
    pub(super) fn modules(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the host has a module of this name.
    pub(super) fn has_module(&self, name: &str) -> bool {
        self.named.iter().any(|(known, _)| known == name)
    }

    pub(super) fn engine(&self, tier: Tier, limits: &Limits, watch: &Watch) -> Engine {
        let mut engine = Engine::new_raw();
        if !self.global.is_empty() {
            engine.register_global_module(self.global.clone());
        }
        engine.register_global_module(self.standard.clone());
        for (name, module) in &self.named {
            engine.register_static_module(name, module.clone());
        }
        // What the optimiser would fold or drop is what positions, coverage and the inference of conditions read.
        engine.set_optimization_level(OptimizationLevel::None);
        engine.set_module_resolver(DummyModuleResolver::new());
        for word in ["eval", "import", "export"] {
            engine.disable_symbol(word);
        }
        engine.set_strict_variables(true);
        engine.set_fail_on_invalid_map_property(tier == Tier::Data);
        engine.set_max_expr_depths(64, 32);
        engine.set_max_functions(128);
        engine.set_max_modules(0);
        engine.set_max_strings_interned(0);
        // Rhai counts operations anew inside callbacks: `run` counts instead.
        engine.set_max_operations(0);
        engine.set_max_call_levels(limits.call_levels);
        engine.set_max_string_size(limits.string_bytes);
        engine.set_max_array_size(limits.array_items);
        engine.set_max_map_size(limits.map_items);
        engine.set_max_variables(limits.variables);
        read_tokens(&mut engine, watch);
        watch.begin(&mut engine);
        engine.on_progress(run::on_progress);
        #[expect(deprecated, reason = "volatile by its own words; the version of Rhai is pinned")]
        engine.on_missing_function(|name, arguments, _, _| {
            missed::note(name, arguments);
            Ok(None)
        });
        engine.on_print(run::log);
        engine.on_debug(|text, _, _| run::log(text));
        engine
    }
}
