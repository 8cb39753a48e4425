//! One statement after the other: variables, branches, loops, and what is returned on the way.

use super::Flow;
use crate::script::lint::nodes::{Link, chain};
use crate::script::lint::value::Value;
use rhai::{ASTFlags, Expr, FlowControl, Ident, Position, Stmt, StmtBlock, SwitchCasesCollection};
use std::collections::BTreeMap;

impl<'a> Flow<'a> {
    pub(super) fn block(&mut self, statements: &'a [Stmt], is_tail: bool) -> Value {
        self.scopes.push(BTreeMap::new());
        let mut last = Value::Nothing;
        for (at, statement) in statements.iter().enumerate() {
            last = self.statement(statement, is_tail && at + 1 == statements.len());
        }
        self.scopes.pop();
        last
    }

    pub(super) fn branch(&mut self, block: &'a StmtBlock, is_tail: bool, at: Position) -> Value {
        if block.is_empty() && is_tail {
            let at = if block.position().is_none() { at } else { block.position() };
            self.returned.push((Value::Nothing, at));
        }
        self.block(block.statements(), is_tail)
    }

    /// `is_tail`: its value is what the function returns.
    pub(super) fn statement(&mut self, statement: &'a Stmt, is_tail: bool) -> Value {
        let value = match statement {
            Stmt::If(flow, at) => {
                self.used(&flow.expr);
                let then = self.branch(&flow.body, is_tail, *at);
                return then.or(self.branch(&flow.branch, is_tail, *at));
            }
            Stmt::Block(block) => return self.branch(block, is_tail, block.position()),
            Stmt::Switch(parts, at) => return self.switch(parts, is_tail, *at),
            Stmt::TryCatch(flow, at) => return self.try_catch(flow, is_tail, *at),
            Stmt::While(flow, _) => {
                self.used(&flow.expr);
                self.block(flow.body.statements(), false);
                // A loop has the value of its `break`.
                if flow.expr.is_unit() { Value::Unknown } else { Value::Nothing }
            }
            Stmt::Do(flow, ..) => {
                self.block(flow.body.statements(), false);
                self.used(&flow.expr);
                Value::Unknown
            }
            Stmt::For(parts, _) => self.for_loop(parts),
            Stmt::Var(parts, ..) => {
                let value = self.value(&parts.1);
                self.set(&parts.0.name, value);
                Value::Nothing
            }
            Stmt::Assignment(parts) => {
                let value = self.used(&parts.1.rhs);
                self.assign(&parts.1.lhs, value, parts.0.is_op_assignment());
                Value::Nothing
            }
            Stmt::FnCall(call, at) => self.function_call(call, *at),
            Stmt::Expr(expr) => match &**expr {
                Expr::Stmt(block) if is_tail => return self.branch(block, true, block.position()),
                other => self.value(other),
            },
            Stmt::Return(expr, flags, at) => {
                let value = expr.as_ref().map_or(Value::Nothing, |expr| self.value(expr));
                if !flags.intersects(ASTFlags::BREAK) {
                    let at = expr.as_ref().map_or(*at, |expr| expr.start_position());
                    self.returned.push((value, at));
                }
                return Value::Unknown;
            }
            Stmt::BreakLoop(Some(expr), ..) => {
                self.used(expr);
                return Value::Unknown;
            }
            Stmt::Share(captured) => {
                // A closure may change what it captures.
                for (name, _) in captured.iter() {
                    let may_change =
                        matches!(self.get(&name.name), Some(Value::Map(_) | Value::List(_)));
                    if may_change {
                        self.change(&name.name, Value::Unknown);
                    }
                }
                return Value::Nothing;
            }
            _ => Value::Nothing,
        };
        if is_tail {
            let at = match statement {
                Stmt::Expr(expr) => expr.start_position(),
                other => other.position(),
            };
            self.returned.push((value.clone(), at));
        }
        value
    }

    fn switch(
        &mut self,
        parts: &'a (Expr, SwitchCasesCollection),
        is_tail: bool,
        at: Position,
    ) -> Value {
        self.used(&parts.0);
        let mut value = parts.1.def_case.is_none().then_some(Value::Nothing);
        for arm in &parts.1.expressions {
            self.used(&arm.lhs);
            let one = match &arm.rhs {
                Expr::Stmt(block) if is_tail => self.branch(block, true, block.position()),
                other => {
                    let one = self.value(other);
                    if is_tail {
                        self.returned.push((one.clone(), other.start_position()));
                    }
                    one
                }
            };
            value = Some(value.map_or(one.clone(), |value| value.or(one)));
        }
        if is_tail && parts.1.def_case.is_none() {
            // Whether the arms are all there are, only who wrote them knows.
            self.returned.push((Value::Unknown, at));
        }
        value.unwrap_or(Value::Nothing)
    }

    fn try_catch(&mut self, flow: &'a FlowControl, is_tail: bool, at: Position) -> Value {
        let tried = self.branch(&flow.body, is_tail, at);
        self.scopes.push(BTreeMap::new());
        if let Expr::Variable(variable, ..) = &flow.expr {
            self.set(&variable.1, Value::Unknown);
        }
        let caught = self.branch(&flow.branch, is_tail, at);
        self.scopes.pop();
        tried.or(caught)
    }

    fn for_loop(&mut self, parts: &'a (Ident, Option<Ident>, FlowControl)) -> Value {
        let (name, counter, flow) = parts;
        let item = match self.used(&flow.expr) {
            Value::List(item) if *item != Value::Nothing => *item,
            _ => Value::Unknown,
        };
        self.scopes.push(BTreeMap::new());
        self.set(&name.name, item);
        if let Some(counter) = counter {
            self.set(&counter.name, Value::Number);
        }
        self.block(flow.body.statements(), false);
        self.scopes.pop();
        Value::Unknown
    }

    fn assign(&mut self, to: &'a Expr, value: Value, with_operator: bool) {
        if let Expr::Variable(variable, ..) = to {
            let value = match self.get(&variable.1) {
                Some(known) if !with_operator => known.clone().or(value),
                _ => Value::Unknown,
            };
            return self.change(&variable.1, value);
        }
        let Some((base, links)) = chain(to) else { return drop(self.used(to)) };
        for link in &links {
            if let Link::Item(item) = link {
                self.used(item);
            }
        }
        let Expr::Variable(variable, ..) = base else { return drop(self.used(base)) };
        let Some(Value::Map(mut fields)) = self.get(&variable.1).cloned() else {
            if links.len() > 1 {
                self.chain(base, &links[..links.len() - 1]);
            }
            return;
        };
        let name = match links.as_slice() {
            [Link::Field(name, _)] => Some((*name).to_string()),
            [Link::Item(Expr::StringConstant(name, _))] => Some(name.to_string()),
            _ => None,
        };
        let changed = match name {
            Some(name) => {
                let value = if with_operator { Value::Unknown } else { value };
                let value = match fields.remove(&name) {
                    Some(known) => known.or(value),
                    None => value,
                };
                fields.insert(name, value);
                Value::Map(fields)
            }
            None => Value::Unknown,
        };
        self.change(&variable.1, changed);
    }
}
