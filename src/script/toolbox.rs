//! How functions of the host come to scripts: each script thread builds its own modules from one recipe.

use super::Tier;
use rhai::Module;
use std::{fmt, sync::Arc};

/// Modules of host functions for one thread.
#[derive(Default)]
pub(crate) struct Toolbox {
    /// Called by name, or as a method of the first argument.
    pub(crate) global: Module,
    /// Called as `name::function`.
    pub(crate) named: Vec<(String, Module)>,
}

/// The recipe. It runs once on each script thread; what a tier may not have it must not give.
#[derive(Clone)]
pub struct Install(Arc<Recipe>);

type Recipe = dyn Fn(Tier, &mut Toolbox) + Send + Sync;

impl Install {
    pub(crate) fn new(recipe: impl Fn(Tier, &mut Toolbox) + Send + Sync + 'static) -> Self {
        Self(Arc::new(recipe))
    }

    pub(super) fn tools(&self, tier: Tier) -> Toolbox {
        let mut tools = Toolbox::default();
        (self.0)(tier, &mut tools);
        tools
    }
}

impl fmt::Debug for Install {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Install")
    }
}
