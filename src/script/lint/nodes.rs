//! The compiled script as a tree: what stands below a node, and `a.b().c[0]` as one chain.

use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt};

#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Stmt(&'a Stmt),
    Expr(&'a Expr),
}

/// The nodes directly below one, in the order of the text.
pub(super) fn children<'a>(node: Node<'a>, each: &mut dyn FnMut(Node<'a>)) {
    match node {
        Node::Stmt(statement) => below_statement(statement, each),
        Node::Expr(expr) => below_expr(expr, each),
    }
}

fn below_statement<'a>(statement: &'a Stmt, each: &mut dyn FnMut(Node<'a>)) {
    let all = |block: &'a rhai::StmtBlock, each: &mut dyn FnMut(Node<'a>)| {
        block.iter().for_each(|statement| each(Node::Stmt(statement)));
    };
    match statement {
        Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::TryCatch(flow, _) => {
            each(Node::Expr(&flow.expr));
            all(&flow.body, each);
            all(&flow.branch, each);
        }
        Stmt::Do(flow, ..) => {
            all(&flow.body, each);
            each(Node::Expr(&flow.expr));
        }
        Stmt::For(parts, _) => {
            each(Node::Expr(&parts.2.expr));
            all(&parts.2.body, each);
        }
        Stmt::Switch(parts, _) => {
            each(Node::Expr(&parts.0));
            for arm in &parts.1.expressions {
                each(Node::Expr(&arm.lhs));
                each(Node::Expr(&arm.rhs));
            }
        }
        Stmt::Var(parts, ..) => each(Node::Expr(&parts.1)),
        Stmt::Assignment(parts) => {
            each(Node::Expr(&parts.1.lhs));
            each(Node::Expr(&parts.1.rhs));
        }
        Stmt::FnCall(call, _) => call.args.iter().for_each(|arg| each(Node::Expr(arg))),
        Stmt::Block(block) => all(block, each),
        Stmt::Expr(expr) | Stmt::BreakLoop(Some(expr), ..) | Stmt::Return(Some(expr), ..) => {
            each(Node::Expr(expr));
        }
        _ => {}
    }
}

fn below_expr<'a>(expr: &'a Expr, each: &mut dyn FnMut(Node<'a>)) {
    match expr {
        Expr::InterpolatedString(parts, _) | Expr::Array(parts, _) => {
            parts.iter().for_each(|part| each(Node::Expr(part)));
        }
        Expr::Map(parts, _) => parts.0.iter().for_each(|(_, value)| each(Node::Expr(value))),
        Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
            parts.iter().for_each(|part| each(Node::Expr(part)));
        }
        Expr::Stmt(block) => block.iter().for_each(|statement| each(Node::Stmt(statement))),
        Expr::FnCall(call, _) | Expr::MethodCall(call, _) => {
            call.args.iter().for_each(|arg| each(Node::Expr(arg)));
        }
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => {
            each(Node::Expr(&pair.lhs));
            each(Node::Expr(&pair.rhs));
        }
        _ => {}
    }
}

/// A node, then all below it.
pub(super) fn walk<'a>(node: Node<'a>, each: &mut dyn FnMut(Node<'a>)) {
    each(node);
    children(node, &mut |below| walk(below, each));
}

/// One step of a chain.
#[derive(Clone, Copy)]
pub(super) enum Link<'a> {
    Field(&'a str, Position),
    Method(&'a FnCallExpr, Position),
    Item(&'a Expr),
}

/// `base.field.method()[item]` as its base and its steps; `None` for what is no chain.
pub(super) fn chain(expr: &Expr) -> Option<(&Expr, Vec<Link<'_>>)> {
    let (mut by_index, pair, mut flags) = match expr {
        Expr::Dot(pair, flags, _) => (false, pair, *flags),
        Expr::Index(pair, flags, _) => (true, pair, *flags),
        _ => return None,
    };
    let (base, mut rest) = (&pair.lhs, &pair.rhs);
    let mut links = Vec::new();
    loop {
        // Rhai nests a chain to the right, until a flag says that it ends.
        let ends = flags.intersects(ASTFlags::BREAK);
        let (step, next) = match rest {
            Expr::Dot(pair, flags, _) if !ends => (&pair.lhs, Some((false, &pair.rhs, *flags))),
            Expr::Index(pair, flags, _) if !ends => (&pair.lhs, Some((true, &pair.rhs, *flags))),
            _ => (rest, None),
        };
        links.push(match step {
            _ if by_index => Link::Item(step),
            Expr::Property(property, at) => Link::Field(&property.2, *at),
            Expr::MethodCall(call, at) | Expr::FnCall(call, at) => Link::Method(call, *at),
            other => Link::Item(other),
        });
        match next {
            Some((index, right, more)) => (by_index, rest, flags) = (index, right, more),
            None => return Some((base, links)),
        }
    }
}

/// Whether nothing behind a statement in its block is ever reached.
pub(super) fn leaves(statement: &Stmt) -> bool {
    let block = |block: &rhai::StmtBlock| block.iter().any(leaves);
    match statement {
        Stmt::Return(..) | Stmt::BreakLoop(..) => true,
        Stmt::If(flow, _) => block(&flow.body) && block(&flow.branch),
        Stmt::Block(inner) => block(inner),
        _ => false,
    }
}
