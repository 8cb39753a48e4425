//! Rhai's own functions, as its language server reads them.

use super::engine::standard;
use rhai::Engine;

/// Files by name: what scripts find in Rhai itself, less what the sandbox takes away.
pub fn standard_definitions() -> Vec<(String, String)> {
    let mut engine = Engine::new_raw();
    engine.register_global_module(standard());
    let definitions = engine.definitions().with_headers(true);
    definitions.iter_files().collect()
}
