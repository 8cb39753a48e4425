//! A source compiled for one thread, ready to be called.

use super::facts::Facts;
use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, ImmutableString, Scope};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

pub(super) struct Program {
    pub(super) engine: Engine,
    pub(super) facts: Facts,
    ast: AST,
    /// What it imports, by the name behind `as`.
    modules: BTreeMap<String, AST>,
    /// Made when first called, by name.
    entries: RefCell<FxHashMap<String, SmallVec<[Rc<Entry>; 1]>>>,
}

/// A function whose body is the program. Called from outside as a function, it would lose the place of what a limit
/// ended: Rhai puts the call's place there, and this call has none. It is a little faster, too.
pub(super) struct Entry {
    body: AST,
    parameters: SmallVec<[ImmutableString; 2]>,
    pub(super) line: usize,
}

impl Entry {
    pub(super) fn call(
        &self,
        engine: &Engine,
        scope: &mut Scope<'static>,
        args: impl Iterator<Item = Dynamic>,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        for (name, value) in self.parameters.iter().zip(args) {
            scope.push_dynamic(name.clone(), value);
        }
        engine.eval_ast_with_scope(scope, &self.body)
    }
}

impl Program {
    pub(super) fn new(
        engine: Engine,
        ast: AST,
        facts: Facts,
        modules: BTreeMap<String, AST>,
    ) -> Self {
        Self { engine, facts, ast, modules, entries: RefCell::default() }
    }

    pub(super) fn ast(&self) -> &AST {
        &self.ast
    }

    /// The modules that it imports, for whoever reads the script without running it.
    pub(super) fn imported(&self) -> impl Iterator<Item = (&str, &AST)> {
        self.modules.iter().map(|(alias, ast)| (alias.as_str(), ast))
    }

    /// The function of this name with so many parameters.
    pub(super) fn entry(&self, name: &str, parameters: usize) -> Option<Rc<Entry>> {
        if let Some(known) = self.entries.borrow().get(name)
            && let Some(entry) = known.iter().find(|entry| entry.parameters.len() == parameters)
        {
            return Some(entry.clone());
        }
        let function = self.ast.shared_lib().get_script_fn(name, parameters)?;
        let mut alone = self.ast.clone_functions_only();
        alone.retain_functions(|_, _, known, count| known == name && count == parameters);
        let mut statements = Vec::new();
        alone.walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                statements.push((*statement).clone());
            }
            true
        });
        let mut body = AST::new(statements, self.ast.shared_lib().clone());
        if let Some(file) = self.ast.source() {
            body.set_source(file);
        }
        let line = function.body.start_position().line().unwrap_or(1);
        let parameters = function.params.iter().cloned().collect();
        let entry = Rc::new(Entry { body, parameters, line });
        self.entries.borrow_mut().entry(name.into()).or_default().push(entry.clone());
        Some(entry)
    }
}
