//! What a program tells beside its answers: nothing, the comparisons that it makes, or each step that it takes.
//!
//! A program that is watched is one of its own, compiled for it: all others pay nothing.

use super::{coverage::Hits, trace::Marks};
use rhai::{AST, Engine};
use std::rc::Rc;

pub(super) enum Watch {
    Nothing,
    Comparisons(Rc<Marks>),
    Steps(Hits),
}

impl Watch {
    pub(super) fn comparisons() -> Self {
        Self::Comparisons(Rc::default())
    }

    /// What renames the tokens of a file while it is read.
    pub(super) fn marks(&self) -> Option<&Rc<Marks>> {
        match self {
            Self::Comparisons(marks) => Some(marks),
            Self::Nothing | Self::Steps(_) => None,
        }
    }

    pub(super) fn begin(&self, engine: &mut Engine) {
        if let Self::Steps(hits) = self {
            hits.watch(engine);
        }
    }

    /// Before a file is read for good; `first` is how it reads unwatched.
    pub(super) fn open(&self, engine: &mut Engine, file: &str, first: &AST) {
        if let Self::Comparisons(marks) = self {
            marks.open(engine, file, first);
        }
    }

    pub(super) fn close(&self) {
        if let Self::Comparisons(marks) = self {
            marks.close();
        }
    }
}
