//! What a message must be like for `should_invalidate` to answer `true`, read out of the script itself.
//!
//! The function is followed once with the instance's own widget and an unknown message: what depends on the widget
//! alone is computed, as Rhai would; what depends on the message becomes a [`Condition`]; what can't be followed stays
//! open. So a condition never leaves out a message for which the script would answer `true`. A script that fails does
//! not answer `true`. Knows no index and no hints.

mod expression;
mod known;
mod literals;
mod statement;
mod value;

use super::facts::place;
use super::program::{Functions, Program};
use crate::message::Condition;
use rhai::{Dynamic, ImmutableString, Position};
use value::Val;

/// Expressions and statements that are followed; what is longer stays open.
const STEPS: usize = 4_000;
const DEPTH: usize = 16;

/// What was seen in a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    pub condition: Condition,
    /// The first place that could not be followed: file, line and column, from 1.
    pub unclear: Option<(String, usize, usize)>,
}

impl Inferred {
    pub(super) fn nothing() -> Self {
        Self { condition: Condition::Open, unclear: None }
    }
}

pub(super) fn infer(program: &Program, function: &str, widget: Dynamic) -> Inferred {
    let Some(entry) = program.entry(function, 2) else { return Inferred::nothing() };
    let mut inference = Inference {
        program,
        steps: 0,
        depth: 0,
        elements: 0,
        floor: 0,
        lost: false,
        unclear: None,
    };
    let arguments = vec![Val::Message, Val::Known(widget)];
    let answer = inference.enter(&program.own, &entry, arguments);
    let condition = if inference.lost { Condition::Open } else { answer.truth() };
    Inferred { condition, unclear: inference.unclear }
}

struct Inference<'p> {
    program: &'p Program,
    steps: usize,
    /// Functions that are open.
    depth: usize,
    /// Lists of the message that are being walked through.
    elements: usize,
    /// Variables below must not be written: they belong to who is not ready for it.
    floor: usize,
    /// It can't be followed: nothing that was found counts.
    lost: bool,
    unclear: Option<(String, usize, usize)>,
}

/// Where names are looked up.
struct Frame<'p> {
    functions: &'p Functions,
    variables: Variables,
    /// Variables that a function without a name has captured: whoever gets one may change it.
    shared: Vec<ImmutableString>,
}

type Variables = Vec<(ImmutableString, Val)>;

impl Inference<'_> {
    /// Counts a step; false when there were too many.
    fn goes_on(&mut self) -> bool {
        self.steps += 1;
        self.lost |= self.steps > STEPS;
        !self.lost
    }

    /// Keeps the place of what can't be followed; the innermost comes first.
    fn unclear(&mut self, frame: &Frame<'_>, at: Position) {
        if self.unclear.is_none() {
            let (line, column) = place(at);
            self.unclear = Some((frame.functions.ast.source().unwrap_or("").into(), line, column));
        }
    }

    fn lose(&mut self) -> Val {
        self.lost = true;
        Val::Open
    }
}

#[cfg(test)]
mod tests;
