//! What a widget is: a script's constants read as title, parameters, hosts and refresh, and its functions as calls.
//!
//! A [`Library`] is one immutable picture of all widgets and message processors of a site; a reload makes the next
//! one and keeps the last good version of whatever no longer compiles. Nothing here knows an instance's page, a
//! cache or a bus: callers hand in an [`Interpreter`](crate::script::Interpreter) and get values back.

mod calls;
mod cases;
mod constants;
mod definition;
mod groups;
pub mod hint;
mod hosts;
mod library;
mod lint;
mod narrowing;
mod parameter;
mod processors;
mod reach;
mod wording;

pub use calls::{CheckFailed, HintError, Narrowed};
pub use cases::{At, CASES, Case, CaseHub, case_file, cases_of, example_hub, read_cases};
pub use definition::{Chrome, Definition, Style};
pub use hint::{Hint, value_at};
pub use library::{Library, Shelf, UnknownWidget, template_of};
pub use lint::Unreturned;
pub use parameter::{Kind, Parameter, ParameterError};
pub use processors::Processors;
pub use reach::Reach;
pub use wording::Wording;
