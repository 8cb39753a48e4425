//! What a script says of itself: its doc, its constants, its functions.

use rhai::{AST, Position, Stmt};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a script says of itself without being called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The `//!` lines.
    pub doc: String,
    pub constants: Map<String, Value>,
    /// Line and column of each constant, from 1.
    pub places: BTreeMap<String, (usize, usize)>,
    /// In the order of the file.
    pub functions: Vec<Function>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub parameters: Vec<String>,
    /// Its `///` lines.
    pub doc: String,
    /// From 1.
    pub line: usize,
}

impl Facts {
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

pub(super) fn constant_places(ast: &AST) -> BTreeMap<String, (usize, usize)> {
    let constants = ast.statements().iter().filter_map(|statement| match statement {
        Stmt::Var(var, _, _) => Some((var.0.name.to_string(), place(var.0.pos))),
        _ => None,
    });
    constants.collect()
}

pub(super) fn functions(ast: &AST) -> Vec<Function> {
    let defined = ast.shared_lib();
    let mut functions: Vec<Function> = ast
        .iter_functions()
        .filter(|function| !function.name.starts_with("anon$"))
        .map(|function| Function {
            name: function.name.into(),
            parameters: function.params.iter().map(|p| (*p).to_string()).collect(),
            doc: doc_lines(&function.comments.join("\n"), "///"),
            line: defined
                .get_script_fn(function.name, function.params.len())
                .and_then(|f| f.body.start_position().line())
                .unwrap_or(1),
        })
        .collect();
    functions.sort_by(|a, b| (a.line, &a.name).cmp(&(b.line, &b.name)));
    functions
}

pub(super) fn doc_lines(doc: &str, lead: &str) -> String {
    let line = |line: &str| {
        let bare = line.trim_start();
        let bare = bare.strip_prefix(lead).unwrap_or(bare);
        bare.strip_prefix(' ').unwrap_or(bare).trim_end().to_string()
    };
    doc.lines().map(line).collect::<Vec<_>>().join("\n").trim().into()
}

pub(super) fn place(at: Position) -> (usize, usize) {
    (at.line().unwrap_or(1), at.position().unwrap_or(1).max(1))
}
