//! What a debugger sees, counted: how often each node of each file was reached.

use crate::script::run;
use rhai::{
    ASTNode, Engine, Expr, Position, Stmt,
    debugger::{DebuggerCommand, DebuggerEvent},
};
use rustc_hash::FxHashMap;
use std::{cell::RefCell, mem::Discriminant, rc::Rc};

/// A node by its place and its kind: no two of one kind stand in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) at: Position,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Statement(Discriminant<Stmt>),
    Expression(Discriminant<Expr>),
}

impl Node {
    pub(super) fn statement(statement: &Stmt) -> Self {
        Self { at: statement.position(), kind: Kind::Statement(std::mem::discriminant(statement)) }
    }

    pub(super) fn expression(expression: &Expr) -> Self {
        Self {
            at: expression.position(),
            kind: Kind::Expression(std::mem::discriminant(expression)),
        }
    }
}

/// By file, then by node. Clones share the counts.
#[derive(Clone, Default)]
pub(in crate::script) struct Hits(Rc<RefCell<FxHashMap<Box<str>, Counts>>>);

type Counts = FxHashMap<Node, u64>;

impl Hits {
    /// Steps into everything; what an engine runs from now on is counted.
    pub(in crate::script) fn watch(&self, engine: &mut Engine) {
        let hits = self.clone();
        #[expect(deprecated, reason = "volatile by its own words; the version of Rhai is pinned")]
        engine.register_debugger(
            |_, debugger| debugger,
            move |_, event, node, file, _| {
                if matches!(event, DebuggerEvent::Start | DebuggerEvent::Step) {
                    hits.count(file.unwrap_or_default(), node);
                }
                Ok(DebuggerCommand::StepInto)
            },
        );
    }

    fn count(&self, file: &str, node: ASTNode<'_>) {
        let node = match node {
            ASTNode::Stmt(statement) => Node::statement(statement),
            ASTNode::Expr(expression) => Node::expression(expression),
            _ => return,
        };
        let mut files = self.0.borrow_mut();
        if let Some(count) = files.get_mut(file).and_then(|nodes| nodes.get_mut(&node)) {
            *count += 1;
            return;
        }
        // What is kept is ours, not the script's.
        run::on_the_house(|| {
            files.entry(file.into()).or_default().insert(node, 1);
        });
    }

    /// Each node that was reached, with the file that ran then and how often.
    pub(super) fn each(&self, mut with: impl FnMut(&str, Node, u64)) {
        for (file, nodes) in self.0.borrow().iter() {
            for (node, count) in nodes {
                with(file, *node, *count);
            }
        }
    }
}
