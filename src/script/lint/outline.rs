//! The functions of one compiled file, each with its statements.

use super::nodes::{Node, walk};
use crate::script::facts::place;
use rhai::{AST, ASTNode, FnAccess, Position, Stmt};
use std::collections::HashMap;

/// A function or closure.
pub(in crate::script) struct Body {
    pub(super) name: String,
    /// Of a closure what it captures comes first.
    pub(super) parameters: Vec<String>,
    pub(super) statements: Vec<Stmt>,
    pub(super) is_private: bool,
    start: Position,
    end: Position,
}

impl Body {
    pub(super) fn is_closure(&self) -> bool {
        self.name.contains('$')
    }

    pub(super) fn walk<'a>(&'a self, each: &mut dyn FnMut(Node<'a>)) {
        for statement in &self.statements {
            walk(Node::Stmt(statement), each);
        }
    }

    /// Line and column of its name, looked for before its brace: Rhai does not keep it.
    pub(super) fn place(&self, text: &str) -> (usize, usize) {
        let (line, column) = place(self.start);
        let lines: Vec<&str> = text.lines().collect();
        let wanted = format!("fn {}", self.name);
        (1..=line)
            .rev()
            .take(8)
            .find_map(|at| {
                let found = lines.get(at - 1)?.find(&wanted)?;
                Some((at, lines[at - 1][..found].chars().count() + 4))
            })
            .unwrap_or((line, column))
    }

    fn holds(&self, at: Position) -> bool {
        !self.end.is_none() && place(self.start) < place(at) && place(at) <= place(self.end)
    }
}

pub(in crate::script) struct Outline {
    pub(super) bodies: Vec<Body>,
    by_name: HashMap<(String, usize), usize>,
    closures: HashMap<String, usize>,
}

impl Outline {
    pub(super) fn empty() -> Self {
        Self { bodies: Vec::new(), by_name: HashMap::new(), closures: HashMap::new() }
    }

    pub(super) fn of(ast: &AST) -> Self {
        let mut bodies: Vec<Body> = ast
            .iter_fn_def()
            .map(|function| Body {
                name: function.name.to_string(),
                parameters: function.params.iter().map(ToString::to_string).collect(),
                statements: Vec::new(),
                is_private: function.access == FnAccess::Private,
                start: function.body.start_position(),
                end: function.body.end_position(),
            })
            .collect();
        bodies.sort_by_key(|body| place(body.start));
        let mut top = ast.statements().len();
        ast.walk(&mut |path| {
            let [ASTNode::Stmt(statement)] = path else { return true };
            if top > 0 {
                top -= 1;
                return true;
            }
            // A body cannot be named outside of Rhai: whose a statement is, its place says. A closure without braces
            // begins with its one statement; else the function that begins last before it, and ends behind it.
            let at = statement.position();
            let alone = bodies.iter().position(|body| body.start == at);
            let owner = alone.or_else(|| bodies.iter().rposition(|body| body.holds(at)));
            if let Some(owner) = owner {
                bodies[owner].statements.push((*statement).clone());
            }
            true
        });
        let by_name = bodies.iter().enumerate().filter(|(_, body)| !body.is_closure());
        let by_name =
            by_name.map(|(at, body)| ((body.name.clone(), body.parameters.len()), at)).collect();
        let closures = bodies.iter().enumerate().filter(|(_, body)| body.is_closure());
        let closures = closures.map(|(at, body)| (body.name.clone(), at)).collect();
        Self { bodies, by_name, closures }
    }

    pub(super) fn function(&self, name: &str, parameters: usize) -> Option<&Body> {
        self.by_name.get(&(name.to_string(), parameters)).map(|at| &self.bodies[*at])
    }

    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Body> {
        self.bodies.iter().filter(move |body| body.name == name)
    }

    pub(super) fn closure(&self, name: &str) -> Option<&Body> {
        self.closures.get(name).map(|at| &self.bodies[*at])
    }

    /// What the file defines by name.
    pub(super) fn functions(&self) -> impl Iterator<Item = &Body> {
        self.bodies.iter().filter(|body| !body.is_closure())
    }
}
