//! The two Rhai engines: scripts in, JSON out, and every failure a diagnostic with file, line and column.
//!
//! A script is hostile until proven otherwise: it runs under limits on operations, time, memory and sizes, on threads
//! of its own, and fails alone. Rhai does not bound all of that by itself; `guards`, `memory` and `run` do. Knows no
//! widget and no binding: those come in through [`Install`], and names of functions from whoever calls.

mod compile;
mod convert;
mod coverage;
mod definitions;
mod engine;
mod facts;
mod failure;
mod guards;
mod inference;
mod interpreter;
mod limits;
mod lint;
mod memory;
mod message;
mod missed;
mod panics;
mod parsing;
mod placed;
mod pool;
mod program;
mod quarantine;
mod run;
mod source;
mod toolbox;
mod trace;
mod tree;
mod used;
mod watch;
mod words;

#[cfg(test)]
mod attacks;

pub use coverage::{Branch, Coverage};
pub use definitions::standard_definitions;
pub use facts::{Facts, Function};
pub use failure::{Failure, FailureKind};
pub use inference::Inferred;
pub use interpreter::{Argument, Interpreter};
pub use limits::LimitName;
pub use lint::{Lint, Role, Shape, Spot};
pub use message::MessageArgument;
pub use pool::{DATA_STACK_BYTES, Pool, PoolError};
pub use run::Call;
pub use source::{Import, MAX_SOURCE_BYTES, Module, Source, imports};
pub use toolbox::Install;
pub use trace::{Comparison, Traced};
pub use used::Used;

/// For functions of the host: what they are registered in, and what they know of the call that they serve.
pub(crate) mod host {
    pub(crate) use super::convert::{to_dynamic, to_json};
    pub(crate) use super::guards::{ended, serve, text_of, thrown};
    pub(crate) use super::message::message;
    pub(crate) use super::run::{
        charge, count_requests, count_response_bytes, current, for_script, log, on_the_house, sizes,
    };
    pub(crate) use super::toolbox::Toolbox;
    pub(crate) use super::tree::{Tree, same};

    /// What can be done with messages and widgets, for the test of the reference.
    #[cfg(test)]
    pub(crate) fn register_values(module: &mut rhai::Module) {
        super::tree::register(module);
        super::tree::register_nothing(module);
        super::placed::register(module);
    }
}

/// Which engine: the pure one has no I/O and answers in microseconds, the other may use the host's bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    Pure,
    Data,
}

impl Tier {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Data => "data",
        }
    }

    /// Reading the clock at every operation would cost a third: in the pure tier each 16th, else each 64th reads it.
    fn clock_mask(self) -> u64 {
        match self {
            Self::Pure => 15,
            Self::Data => 63,
        }
    }
}
