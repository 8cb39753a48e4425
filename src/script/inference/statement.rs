//! Statements: where they lead, and on what condition.

use super::{Frame, Inference, Variables, expression::some, known, literals::Literals, value::Val};
use crate::message::{Condition, Place, Root, Test};
use rhai::{ASTFlags, Dynamic, Expr, FlowControl, Ident, Stmt, StmtBlock};

/// Where statements lead.
pub(super) enum Exit {
    /// To what comes next, with these variables; the value is that of the last expression.
    Falls(Variables, Val),
    Returns(Val),
    /// To the first where the condition holds, else to the second.
    Fork(Condition, Box<Exit>, Box<Exit>),
    /// There, if nothing failed on the way.
    Unsure(Box<Exit>),
}

impl Exit {
    fn fork(condition: Condition, a: impl FnOnce() -> Exit, b: impl FnOnce() -> Exit) -> Self {
        match condition {
            Condition::Known(true) => a(),
            Condition::Known(false) => b(),
            condition => Self::Fork(condition, Box::new(a()), Box::new(b())),
        }
    }

    /// Goes on from wherever the statements so far fall through.
    fn then(self, next: &mut impl FnMut(Variables) -> Exit) -> Self {
        match self {
            Self::Falls(variables, _) => next(variables),
            Self::Returns(value) => Self::Returns(value),
            Self::Fork(condition, a, b) => {
                Self::Fork(condition, Box::new(a.then(next)), Box::new(b.then(next)))
            }
            Self::Unsure(exit) => Self::Unsure(Box::new(exit.then(next))),
        }
    }

    /// What a function gives that ends so.
    fn value(self) -> Val {
        match self {
            Self::Falls(_, value) | Self::Returns(value) => value,
            Self::Fork(condition, a, b) => Val::choose(condition, a.value(), b.value()),
            Self::Unsure(exit) => match exit.value().truth() {
                Condition::Open => Val::Open,
                condition => Val::Truth(Condition::Unsure(Box::new(condition))),
            },
        }
    }

    fn returns(&self) -> bool {
        match self {
            Self::Falls(..) => false,
            Self::Returns(_) => true,
            Self::Fork(_, a, b) => a.returns() || b.returns(),
            Self::Unsure(exit) => exit.returns(),
        }
    }
}

impl<'p> Inference<'p> {
    pub(super) fn body(&mut self, frame: &mut Frame<'p>, statements: &[Stmt]) -> Val {
        let variables = std::mem::take(&mut frame.variables);
        self.statements(frame, statements, variables).value()
    }

    /// A block where a value is due. What it changes outside of itself can't be followed.
    pub(super) fn block_value(&mut self, frame: &mut Frame<'p>, block: &StmtBlock) -> Val {
        let variables = frame.variables.clone();
        let floor = std::mem::replace(&mut self.floor, variables.len());
        let exit = self.statements(frame, block.statements(), variables.clone());
        self.floor = floor;
        frame.variables = variables;
        if exit.returns() { self.lose() } else { exit.value() }
    }

    /// Writes a variable.
    pub(super) fn write(&mut self, frame: &mut Frame<'p>, at: usize, value: Val) {
        if at < self.floor {
            self.lost = true;
        } else {
            frame.variables[at].1 = value;
        }
    }

    fn statements(&mut self, frame: &mut Frame<'p>, all: &[Stmt], variables: Variables) -> Exit {
        let mut exit = Exit::Falls(variables, Val::nothing());
        for statement in all {
            exit = exit.then(&mut |variables| {
                frame.variables = variables;
                self.statement(frame, statement)
            });
            if self.lost {
                return Exit::Returns(Val::Open);
            }
        }
        exit
    }

    /// Statements with variables of their own.
    fn block(&mut self, frame: &mut Frame<'p>, all: &[Stmt], variables: Variables) -> Exit {
        let outer = variables.len();
        leave(self.statements(frame, all, variables), outer)
    }

    fn statement(&mut self, frame: &mut Frame<'p>, statement: &Stmt) -> Exit {
        if !self.goes_on() {
            return Exit::Returns(Val::Open);
        }
        match statement {
            Stmt::Noop(_) => Self::falls(frame, Val::nothing()),
            Stmt::Share(captured) => {
                frame.shared.extend(captured.iter().map(|(name, _)| name.name.clone()));
                Self::falls(frame, Val::nothing())
            }
            Stmt::Expr(expr) => {
                let value = self.expression(frame, expr);
                Self::falls(frame, value)
            }
            Stmt::FnCall(call, at) => {
                let value = self.expression(frame, &Expr::FnCall(call.clone(), *at));
                Self::falls(frame, value)
            }
            Stmt::Var(variable, _, _) => {
                let value = self.expression(frame, &variable.1);
                let unsure = value.is_unsure();
                frame.variables.push((variable.0.name.clone(), value));
                let exit = Self::falls(frame, Val::nothing());
                if unsure { Exit::Unsure(Box::new(exit)) } else { exit }
            }
            Stmt::Assignment(assignment) => self.assignment(frame, assignment),
            Stmt::Block(block) => {
                let variables = std::mem::take(&mut frame.variables);
                self.block(frame, block.statements(), variables)
            }
            Stmt::If(parts, _) => self.choice(frame, parts),
            Stmt::Switch(switch, _) => self.switch(frame, switch),
            Stmt::For(walk, _) => self.walk(frame, walk),
            Stmt::Return(value, flags, _) if !flags.intersects(ASTFlags::BREAK) => {
                let value =
                    value.as_ref().map_or(Val::nothing(), |value| self.expression(frame, value));
                Exit::Returns(value)
            }
            other => {
                self.unclear(frame, other.position());
                Exit::Returns(Val::Open)
            }
        }
    }

    /// The value of a statement that no other follows is that of the block; else only whether it may fail matters.
    fn falls(frame: &mut Frame<'p>, value: Val) -> Exit {
        Exit::Falls(std::mem::take(&mut frame.variables), value)
    }

    fn assignment(
        &mut self,
        frame: &mut Frame<'p>,
        assignment: &(rhai::OpAssignment, rhai::BinaryExpr),
    ) -> Exit {
        let (operation, sides) = assignment;
        let value = self.expression(frame, &sides.rhs);
        let value = if operation.is_op_assignment() { Val::Open } else { value };
        let Some(at) = holder(frame, &sides.lhs) else {
            self.lost = true;
            return Exit::Returns(Val::Open);
        };
        // A part of it: the rest is not known any more either.
        let value =
            if Self::variable_place(frame, &sides.lhs).is_some() { value } else { Val::Open };
        let unsure = value.is_unsure();
        self.write(frame, at, value);
        let exit = Self::falls(frame, Val::nothing());
        if unsure { Exit::Unsure(Box::new(exit)) } else { exit }
    }

    fn choice(&mut self, frame: &mut Frame<'p>, parts: &FlowControl) -> Exit {
        let condition = self.expression(frame, &parts.expr).truth();
        let variables = std::mem::take(&mut frame.variables);
        let otherwise = variables.clone();
        match condition {
            Condition::Known(true) => self.block(frame, parts.body.statements(), variables),
            Condition::Known(false) => self.block(frame, parts.branch.statements(), variables),
            condition => {
                let a = self.block(frame, parts.body.statements(), variables);
                let b = self.block(frame, parts.branch.statements(), otherwise);
                Exit::Fork(condition, Box::new(a), Box::new(b))
            }
        }
    }

    fn switch(
        &mut self,
        frame: &mut Frame<'p>,
        switch: &(Expr, rhai::SwitchCasesCollection),
    ) -> Exit {
        let (subject, cases) = switch;
        let subject = self.expression(frame, subject);
        let text = frame.functions.text.clone();
        let literals: Literals = self.literals(&text);
        let mut arms = Vec::new();
        for (hash, list) in &cases.cases {
            let Some(literal) = literals.get(hash) else { return self.give_up() };
            arms.push((literal.clone(), list.blocks.to_vec()));
        }
        // They exclude each other; but what is told of them must be the same each time.
        arms.sort_by_key(|(literal, _)| literal.to_string());
        let is_plain = match &subject {
            Val::At(_) => true,
            Val::Known(value) => value.is_string() || value.is_bool(),
            _ => false,
        };
        if !is_plain || !cases.ranges.is_empty() {
            return self.give_up();
        }
        let variables = std::mem::take(&mut frame.variables);
        let default = cases.def_case.map(|at| &cases.expressions[at].rhs);
        let mut exit = self.arm(frame, default, variables.clone());
        for (literal, blocks) in arms {
            let fits = match &subject {
                Val::At(place) => Condition::Is(place.clone(), Test::Is(literal)),
                known => Condition::Known(known.scalar().as_ref() == Some(&literal)),
            };
            if fits == Condition::Known(false) {
                continue;
            }
            let mut inside = self.arm(frame, default, variables.clone());
            for at in blocks.into_iter().rev() {
                let case = &cases.expressions[at];
                frame.variables.clone_from(&variables);
                let guard = self.expression(frame, &case.lhs).truth();
                let body = self.arm(frame, Some(&case.rhs), variables.clone());
                inside = Exit::fork(guard, || body, || inside);
            }
            exit = Exit::fork(fits, || inside, || exit);
        }
        exit
    }

    fn arm(&mut self, frame: &mut Frame<'p>, expr: Option<&Expr>, variables: Variables) -> Exit {
        match expr {
            None => Exit::Falls(variables, Val::nothing()),
            Some(Expr::Stmt(block)) => self.block(frame, block.statements(), variables),
            Some(expr) => {
                frame.variables = variables;
                let value = self.expression(frame, expr);
                Self::falls(frame, value)
            }
        }
    }

    fn give_up(&mut self) -> Exit {
        self.lost = true;
        Exit::Returns(Val::Open)
    }

    fn walk(&mut self, frame: &mut Frame<'p>, walk: &(Ident, Option<Ident>, FlowControl)) -> Exit {
        let (name, counter, parts) = walk;
        let list = self.expression(frame, &parts.expr);
        let variables = std::mem::take(&mut frame.variables);
        let items: Vec<Val> = match list {
            Val::At(place) if counter.is_none() => {
                return self.walk_message(frame, name, place, parts.body.statements(), variables);
            }
            Val::Known(list) if list.is_unit() => Vec::new(),
            Val::Known(list) => match known::items(&list) {
                Some(items) => items.into_iter().map(Val::Known).collect(),
                None => return self.give_up(),
            },
            Val::List(items) => items,
            _ => return self.give_up(),
        };
        let mut exit = Exit::Falls(variables, Val::nothing());
        for (at, item) in items.into_iter().enumerate() {
            exit = exit.then(&mut |mut variables| {
                let outer = variables.len();
                if let Some(counter) = counter {
                    let at = Dynamic::from(i64::try_from(at).unwrap_or(i64::MAX));
                    variables.push((counter.name.clone(), Val::Known(at)));
                }
                variables.push((name.name.clone(), item.clone()));
                leave(self.statements(frame, parts.body.statements(), variables), outer)
            });
            if self.lost {
                return Exit::Returns(Val::Open);
            }
        }
        exit
    }

    /// `for item in message.…`: it returns the one value that it can return, if there is an item for which it does.
    fn walk_message(
        &mut self,
        frame: &mut Frame<'p>,
        name: &Ident,
        place: Place,
        body: &[Stmt],
        variables: Variables,
    ) -> Exit {
        let mut inside = variables.clone();
        let floor = std::mem::replace(&mut self.floor, inside.len());
        let element = Place { root: Root::Element(self.elements), steps: Vec::new() };
        inside.push((name.name.clone(), Val::At(element)));
        self.elements += 1;
        let exit = self.statements(frame, body, inside);
        self.elements -= 1;
        self.floor = floor;
        let mut answer = None;
        match returning(exit, &mut answer) {
            Some(condition) if !self.lost => Exit::fork(
                some(place, condition),
                || Exit::Returns(answer.map_or(Val::Open, |yes| Val::Known(yes.into()))),
                || Exit::Falls(variables, Val::nothing()),
            ),
            _ => self.give_up(),
        }
    }
}

/// On what condition statements return, where all that do return the same known boolean.
fn returning(exit: Exit, answer: &mut Option<bool>) -> Option<Condition> {
    match exit {
        Exit::Falls(..) => Some(Condition::Known(false)),
        Exit::Returns(Val::Known(value)) => {
            let yes = value.as_bool().ok()?;
            (*answer.get_or_insert(yes) == yes).then_some(Condition::Known(true))
        }
        Exit::Fork(condition, a, b) => {
            Some(condition.choose(returning(*a, answer)?, returning(*b, answer)?))
        }
        Exit::Returns(_) | Exit::Unsure(_) => None,
    }
}

/// Forgets the variables of a block.
fn leave(exit: Exit, outer: usize) -> Exit {
    match exit {
        Exit::Falls(mut variables, value) => {
            variables.truncate(outer);
            Exit::Falls(variables, value)
        }
        Exit::Fork(condition, a, b) => {
            Exit::Fork(condition, Box::new(leave(*a, outer)), Box::new(leave(*b, outer)))
        }
        Exit::Unsure(exit) => Exit::Unsure(Box::new(leave(*exit, outer))),
        returns @ Exit::Returns(_) => returns,
    }
}

/// The variable that an assignment changes, whole or in part.
fn holder(frame: &Frame<'_>, expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Variable(..) => Inference::variable_place(frame, expr),
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => holder(frame, &pair.lhs),
        _ => None,
    }
}
