//! What there is to reach in a file: the nodes that hold code, and the ways at each fork.

use super::hits::Node;
use rhai::{AST, ASTNode, Expr, FlowControl, FnPtr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet};

/// One way at a fork.
pub(super) struct Way {
    pub(super) at: Position,
    pub(super) what: &'static str,
    pub(super) taken: Taken,
}

/// When a way was taken.
pub(super) enum Taken {
    /// When this was reached: what stands first on it.
    Reached(Node),
    /// When the fork was reached more often than its other way.
    Beside { fork: Node, other: Node },
}

/// The functions of a file by name and number of parameters.
pub(super) struct Outline {
    functions: BTreeMap<(String, usize), Function>,
}

#[derive(Default)]
struct Function {
    nodes: Vec<Node>,
    ways: Vec<Way>,
    /// Functions that it names.
    names: BTreeSet<String>,
}

impl Outline {
    pub(super) fn of(tree: &AST) -> Self {
        let functions = tree.iter_functions().map(|function| {
            let (name, parameters) = (function.name, function.params.len());
            let mut alone = tree.clone_functions_only();
            alone.retain_functions(|_, _, known, count| known == name && count == parameters);
            ((name.to_string(), parameters), Function::of(&alone))
        });
        Self { functions: functions.collect() }
    }

    /// Names of the functions that have one.
    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        let names = self.functions.keys().map(|(name, _)| name.as_str());
        names.filter(|name| !name.starts_with("anon$"))
    }

    /// What the functions of this name name in turn.
    pub(super) fn named_by(&self, name: &str) -> impl Iterator<Item = &str> {
        let functions = self.functions.iter().filter(move |((known, _), _)| known == name);
        functions.flat_map(|(_, function)| function.names.iter().map(String::as_str))
    }

    pub(super) fn nodes(&self, wanted: &BTreeSet<String>) -> impl Iterator<Item = Node> {
        self.wanted(wanted).flat_map(|function| function.nodes.iter().copied())
    }

    /// What must be counted beside, to know which ways were taken.
    pub(super) fn signs(&self, wanted: &BTreeSet<String>) -> impl Iterator<Item = Node> {
        self.ways(wanted).flat_map(|way| match way.taken {
            Taken::Reached(first) => [first, first],
            Taken::Beside { fork, other } => [fork, other],
        })
    }

    pub(super) fn ways(&self, wanted: &BTreeSet<String>) -> impl Iterator<Item = &Way> {
        self.wanted(wanted).flat_map(|function| function.ways.iter())
    }

    fn wanted(&self, wanted: &BTreeSet<String>) -> impl Iterator<Item = &Function> {
        let functions = self.functions.iter().filter(|((name, _), _)| wanted.contains(name));
        functions.map(|(_, function)| function)
    }
}

impl Function {
    fn of(alone: &AST) -> Self {
        let mut function = Self::default();
        alone.walk(&mut |path| {
            if let Some((node, above)) = path.split_last()
                && !above.iter().any(is_constant)
            {
                match node {
                    ASTNode::Stmt(statement) => function.statement(statement),
                    ASTNode::Expr(expression) => function.expression(expression, above.last()),
                    _ => {}
                }
            }
            true
        });
        function
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FnCall(call, _) => self.calls(&call.name, &call.args),
            Stmt::If(fork, at) => self.choice(statement, fork, *at),
            Stmt::Switch(switch, _) => {
                for arm in &switch.1.expressions {
                    let at = arm.rhs.start_position();
                    self.way(at, "this arm of the `switch`", first_of_expression(&arm.rhs));
                }
            }
            Stmt::While(fork, at) => self.body(fork, *at, "the body of this loop"),
            Stmt::For(walk, at) => self.body(&walk.2, *at, "the body of this `for`"),
            _ => {}
        }
        let transitive =
            matches!(statement, Stmt::Noop(_) | Stmt::Share(_) | Stmt::Block(_) | Stmt::Expr(_));
        if !transitive {
            self.nodes.push(Node::statement(statement));
        }
    }

    fn expression(&mut self, expression: &Expr, above: Option<&ASTNode<'_>>) {
        match expression {
            // Reached with what stands in them.
            Expr::Dot(..) | Expr::Index(..) | Expr::Stmt(_) => return,
            Expr::FnCall(call, _) | Expr::MethodCall(call, _) => {
                self.calls(&call.name, &call.args);
            }
            Expr::DynamicConstant(value, _) => {
                if let Some(closure) = value.read_lock::<FnPtr>() {
                    self.names.insert(closure.fn_name().into());
                }
            }
            Expr::And(sides, _) => self.sides(sides, "the right-hand side of this `&&`"),
            Expr::Or(sides, _) => self.sides(sides, "the right-hand side of this `||`"),
            Expr::Coalesce(sides, _) => self.sides(sides, "the right-hand side of this `??`"),
            _ => {}
        }
        if is_evaluated(expression, above) {
            self.nodes.push(Node::expression(expression));
        }
    }

    fn calls(&mut self, name: &str, arguments: &[Expr]) {
        self.names.insert(name.into());
        if let ("Fn", [Expr::StringConstant(name, _)]) = (name, arguments) {
            self.names.insert(name.to_string());
        }
    }

    fn choice(&mut self, statement: &Stmt, fork: &FlowControl, at: Position) {
        let node = Node::statement(statement);
        let (body, other) = (first_of(fork.body.statements()), first_of(fork.branch.statements()));
        match (body, other) {
            (Some(body), Some(other)) => {
                self.way(at, "the body of this `if`", Some(body));
                self.way(at, "the `else` of this `if`", Some(other));
            }
            (Some(body), None) => {
                self.way(at, "the body of this `if`", Some(body));
                let taken = Taken::Beside { fork: node, other: body };
                self.ways.push(Way { at, what: "the way past this `if`", taken });
            }
            (None, Some(other)) => {
                let taken = Taken::Beside { fork: node, other };
                self.ways.push(Way { at, what: "the body of this `if`", taken });
                self.way(at, "the `else` of this `if`", Some(other));
            }
            (None, None) => {}
        }
    }

    fn body(&mut self, fork: &FlowControl, at: Position, what: &'static str) {
        self.way(at, what, first_of(fork.body.statements()));
    }

    fn sides(&mut self, sides: &[Expr], what: &'static str) {
        for side in sides.iter().skip(1) {
            self.way(side.start_position(), what, first_of_expression(side));
        }
    }

    /// An empty block leaves no trace: whether it was entered nobody can tell.
    fn way(&mut self, at: Position, what: &'static str, first: Option<Node>) {
        if let Some(first) = first.filter(|first| !first.at.is_none()) {
            self.ways.push(Way { at, what, taken: Taken::Reached(first) });
        }
    }
}

/// The node that is reached when these statements are.
fn first_of(statements: &[Stmt]) -> Option<Node> {
    match statements.first()? {
        Stmt::Expr(expression) => first_of_expression(expression),
        statement => Some(Node::statement(statement)),
    }
}

fn first_of_expression(expression: &Expr) -> Option<Node> {
    match expression {
        Expr::Stmt(block) => first_of(block.statements()),
        expression => Some(Node::expression(expression)),
    }
}

/// A constant list or map is reached as a whole.
fn is_constant(node: &ASTNode<'_>) -> bool {
    matches!(node, ASTNode::Expr(expression @ (Expr::Array(..) | Expr::Map(..))) if expression.is_constant())
}

/// Whether the engine says so when it comes here. It does not of what is assigned to, of a literal in brackets, and of
/// conditions that are always true.
fn is_evaluated(expression: &Expr, above: Option<&ASTNode<'_>>) -> bool {
    match (expression, above) {
        (_, Some(ASTNode::Stmt(Stmt::Assignment(it)))) => {
            !std::ptr::eq(&raw const it.1.lhs, expression)
        }
        (
            Expr::Unit(_) | Expr::BoolConstant(..),
            Some(ASTNode::Stmt(Stmt::While(..) | Stmt::Switch(..))),
        ) => false,
        (Expr::Variable(..) | Expr::Property(..) | Expr::MethodCall(..), _) => true,
        (literal, Some(ASTNode::Expr(Expr::Dot(..) | Expr::Index(..)))) => !literal.is_constant(),
        _ => true,
    }
}
