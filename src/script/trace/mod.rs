//! Why a script answered as it did: the comparisons that it made, with the values on both sides.

mod marks;

pub(super) use marks::{Marks, is_mark};

use super::{Failure, convert};
use rhai::Dynamic;
use serde::Serialize;
use serde_json::Value;
use std::{cell::RefCell, collections::VecDeque};

/// Of a call that makes more, the last ones are kept: the answer hangs on them.
const KEPT: usize = 64;

/// A longer value is cut.
const SHOWN_BYTES: usize = 80;

/// More of them explain nothing to a reader.
const DECISIVE: usize = 4;

/// A call with what it compared.
#[derive(Debug, Clone)]
pub struct Traced {
    pub result: Result<Value, Failure>,
    /// In the order in which they were made, the last 64.
    pub comparisons: Vec<Comparison>,
}

/// A comparison that answered yes or no. It stands where its operator stands, in whichever file that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub column: usize,
    /// `==`, `in`, `ends_with`, …
    pub operator: String,
    /// JSON, cut where it is long; `()` for nothing.
    pub left: String,
    /// Empty where the operator has one side only, as `is_empty`.
    pub right: String,
    pub answer: bool,
}

impl Traced {
    /// What the answer hangs on, at most four: the comparisons since the last one that came out otherwise. Where the
    /// last one itself came out otherwise (it was negated, or led to a `return`), and where there is no answer, that one.
    pub fn decisive(&self) -> Vec<&Comparison> {
        let answer = self.result.as_ref().ok().and_then(Value::as_bool);
        let last = self.comparisons.iter().rev();
        let like = last.take_while(|made| Some(made.answer) == answer).take(DECISIVE).count();
        let shown = like.max(1).min(self.comparisons.len());
        self.comparisons[self.comparisons.len() - shown..].iter().collect()
    }
}

thread_local! {
    /// Of the call that is traced on this thread.
    static MADE: RefCell<VecDeque<Comparison>> = const { RefCell::new(VecDeque::new()) };
}

pub(super) fn begin() {
    MADE.with(|made| made.borrow_mut().clear());
}

pub(super) fn end() -> Vec<Comparison> {
    MADE.with(|made| std::mem::take(&mut *made.borrow_mut())).into()
}

fn note(comparison: Comparison) {
    MADE.with(|made| {
        let mut made = made.borrow_mut();
        if made.len() >= KEPT {
            made.pop_front();
        }
        made.push_back(comparison);
    });
}

fn shown(value: &Dynamic) -> String {
    if value.is_unit() {
        return "()".into();
    }
    let shown = convert::shown(value, SHOWN_BYTES);
    if value.is_string() || value.is_char() { Value::String(shown).to_string() } else { shown }
}

#[cfg(test)]
mod tests;
