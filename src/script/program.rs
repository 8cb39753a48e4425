//! A source compiled for one thread, ready to be called.

use super::facts::Facts;
use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, ImmutableString, Scope};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

pub(super) struct Program {
    pub(super) engine: Engine,
    pub(super) facts: Facts,
    pub(super) own: Functions,
    /// Of the modules that it imports, and that those import, by the name behind `as`.
    pub(super) modules: BTreeMap<String, Rc<Functions>>,
    /// Of all its files: no two have one of the same name.
    pub(super) constants: BTreeMap<String, Dynamic>,
}

/// The functions of one file.
pub(super) struct Functions {
    pub(super) ast: AST,
    pub(super) text: Arc<str>,
    /// Made when first called, by name.
    entries: RefCell<FxHashMap<String, SmallVec<[Rc<Entry>; 1]>>>,
}

/// A function whose body is the program. Called from outside as a function, it would lose the place of what a limit
/// ended: Rhai puts the call's place there, and this call has none. It is a little faster, too.
pub(super) struct Entry {
    pub(super) body: AST,
    pub(super) parameters: SmallVec<[ImmutableString; 2]>,
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
    /// The function of this name with so many parameters.
    pub(super) fn entry(&self, name: &str, parameters: usize) -> Option<Rc<Entry>> {
        self.own.entry(name, parameters)
    }

    pub(super) fn ast(&self) -> &AST {
        &self.own.ast
    }

    /// The modules that it imports, for whoever reads the script without running it.
    pub(super) fn imported(&self) -> impl Iterator<Item = (&str, &AST)> {
        self.modules.iter().map(|(alias, module)| (alias.as_str(), &module.ast))
    }
}

impl Functions {
    pub(super) fn new(ast: AST, text: Arc<str>) -> Self {
        Self { ast, text, entries: RefCell::default() }
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
