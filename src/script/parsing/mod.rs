//! Rhai's parse errors in the words of these docs: what is wrong, where it is mended, and how.
//!
//! Rhai points at the first token that no longer fits. What is missing belongs behind the token before, and a brace
//! that is never closed is best shown where it opens: the text is read again, token by token, for that.

mod names;
mod several;
mod syntax;
mod text;

use super::facts::place;
use crate::diagnostic::Diagnostic;
use rhai::{ParseError, ParseErrorType, Token};
use text::tokens;

pub(super) use several::all;

/// Line and column, from 1.
type Place = (usize, usize);

/// What is found: message, help, and where, if it is another place than Rhai's.
struct Finding {
    message: String,
    help: String,
    at: Option<Place>,
    width: usize,
}

impl Finding {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), at: None, width: 1 }
    }

    fn at(self, at: Place) -> Self {
        Self { at: Some(at), ..self }
    }

    fn wide(self, width: usize) -> Self {
        Self { width, ..self }
    }
}

/// A parse error, at the place where it is mended.
pub(super) fn diagnostic(
    error: &ParseError,
    file: &str,
    text: &str,
    modules: &[&str],
) -> Diagnostic {
    let reading =
        Reading { file, text, tokens: tokens(text), modules, at: place(error.position()) };
    let found = reading.of(error.err_type());
    let (line, column) =
        found.at.unwrap_or(if error.position().is_none() { reading.end() } else { reading.at });
    let mut placed =
        Diagnostic::error(found.message).in_file(file).at(text, line, column).help(found.help);
    placed.width = found.width.max(1);
    placed
}

struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    tokens: Vec<(Token, Place)>,
    /// Modules that every script has.
    modules: &'a [&'a str],
    at: Place,
}

impl Reading<'_> {
    fn of(&self, error: &ParseErrorType) -> Finding {
        use ParseErrorType as E;
        match error {
            E::UnexpectedEOF => self.end_of_file(),
            E::BadInput(error) => self.bad_input(error),
            E::UnknownOperator(operator) => Finding::new(
                format!("there is no operator `{operator}`"),
                "Rhai has + - * / % ** == != < > <= >= && || ! ?? in",
            ),
            E::MissingToken(token, _) => self.missing(token),
            E::MissingSymbol(said) => {
                Finding::new(lower_first(said), "write what is due before this")
            }
            E::MalformedIndexExpr(_) => Finding::new(
                "this can't stand between `[` and `]`",
                "an item of a list is read by a whole number, `list[0]`, a field of a map by its name, `map[\"name\"]`",
            ),
            E::MalformedCapture(_) => Finding::new(
                "`!` can't stand here",
                "call the function without `!`: functions see only their parameters and the constants",
            ),
            E::DuplicatedProperty(name) => Finding::new(
                format!("the field `{name}` stands twice in this map"),
                "remove or rename one of the two",
            )
            .wide(name.chars().count()),
            E::WrongSwitchIntegerCase | E::WrongSwitchDefaultCase | E::WrongSwitchCaseCondition => {
                of_switch(error)
            }
            E::PropertyExpected => self.no_name(),
            E::VariableExpected => Finding::new(
                "the name of a variable is due here",
                "letters, digits and `_` make a name",
            ),
            E::ForbiddenVariable(name) => Finding::new(
                format!("`{name}` can't be the name of a variable"),
                "choose another name",
            ),
            E::Reserved(word) => self.reserved(word),
            E::MismatchedType(wanted, given) => Finding::new(
                format!("{wanted} is due here, not {given}"),
                match wanted.as_str() {
                    "a boolean expression" => {
                        "compare with something, as in `x == 1`, or `x != ()`"
                    }
                    _ => "walk through a list, a map's `.keys()`, or a range such as `0..10`",
                },
            ),
            E::ExprExpected(what) => Finding::new(
                match what.as_str() {
                    "" | "value" => "a value is due here".to_string(),
                    what => format!("{} is due here", article(what)),
                },
                "write the condition or the value that is meant before this",
            ),
            E::WrongDocComment
            | E::WrongFnDefinition
            | E::FnDuplicatedDefinition(..)
            | E::FnMissingName
            | E::FnMissingParams(_)
            | E::FnDuplicatedParam(..)
            | E::FnMissingBody(_) => self.of_function(error),
            E::WrongExport => Finding::new(
                "`export` is off",
                "whoever imports a module sees all its functions and constants anyway",
            ),
            E::AssignmentToConstant(name) => Finding::new(
                match name.as_str() {
                    "" => "a value can't be changed".to_string(),
                    name => format!("`{name}` is a constant: it can't be changed"),
                },
                "make a variable of it with `let`; to compare write `==`",
            ),
            E::AssignmentToInvalidLHS(_) => Finding::new(
                "nothing can be put into this",
                "`=` sets a variable or a field; to compare write `==`",
            ),
            E::DuplicatedVariable(name) | E::VariableExists(name) => {
                Finding::new(format!("there is a variable `{name}` already"), "choose another name")
            }
            E::VariableUndefined(name) => self.no_variable(name),
            E::ModuleUndefined(name) => self.no_module(name),
            E::ExprTooDeep => Finding::new(
                "this is nested too deeply",
                "keep parts of it in variables or functions of their own",
            ),
            E::TooManyFunctions => Finding::new(
                "the script has too many functions",
                "move some of them to a module in widgets/lib",
            ),
            E::LiteralTooLarge(what, most) => Finding::new(
                format!("{} is larger than its limit of {most}", lower_first(what)),
                "keep large tables out of scripts, or split them",
            ),
            E::LoopBreak => Finding::new(
                "this can only stand inside a loop",
                "`return` leaves a function; `break` and `continue` are for `for`, `while` and `loop`",
            ),
            other => by_words(&other.to_string()),
        }
    }

    /// Errors in how a function is written.
    fn of_function(&self, error: &ParseErrorType) -> Finding {
        use ParseErrorType as E;
        match error {
            E::WrongDocComment => Finding::new(
                "`///` describes a function, and none follows",
                "write `//` for other comments",
            )
            .wide(3),
            E::WrongFnDefinition => self.nested_function(),
            E::FnDuplicatedDefinition(name, parameters) => Finding::new(
                format!("the function `{name}` is defined twice with {}", count(*parameters)),
                "remove or rename one of the two",
            ),
            E::FnMissingName => {
                Finding::new("a function has no name here", "write `fn name(a, b) { … }`")
            }
            E::FnMissingParams(name) => Finding::new(
                format!("the parameters of `{name}` are missing"),
                match name.as_str() {
                    "data" | "hints" => format!("write `fn {name}(widget) {{ … }}`"),
                    "should_invalidate" => format!("write `fn {name}(message, widget) {{ … }}`"),
                    _ => format!(
                        "write `fn {name}(a, b) {{ … }}`, or `fn {name}() {{ … }}` for none"
                    ),
                },
            )
            .at(self.before()),
            E::FnDuplicatedParam(name, parameter) => Finding::new(
                format!("two parameters of `{name}` are called `{parameter}`"),
                "rename one of the two",
            ),
            E::FnMissingBody(name) => Finding::new(
                match name.as_str() {
                    "" => "a function without a name has no body here".to_string(),
                    name => format!("the body of `{name}` is missing"),
                },
                "write `{` here, and `}` behind its last line",
            )
            .at(self.before()),
            other => by_words(&other.to_string()),
        }
    }
}

/// Errors in how a `switch` is written.
fn of_switch(error: &ParseErrorType) -> Finding {
    use ParseErrorType as E;
    match error {
        E::WrongSwitchIntegerCase => Finding::new(
            "a number can't follow a range in a `switch`",
            "put the ranges behind the numbers",
        ),
        E::WrongSwitchDefaultCase => {
            Finding::new("`_` must be the last case of a `switch`", "move it to the end")
        }
        E::WrongSwitchCaseCondition => Finding::new(
            "`_` can't have a condition",
            "write the condition as an `if` inside, or give it to another case",
        ),
        other => by_words(&other.to_string()),
    }
}

fn by_words(said: &str) -> Finding {
    Finding::new(lower_first(said), "docs/widgets/guide.md shows how scripts are written")
}

fn article(what: &str) -> String {
    if what.starts_with("a ") || what.starts_with("an ") {
        what.into()
    } else {
        format!("a {what}")
    }
}

fn count(parameters: usize) -> String {
    match parameters {
        0 => "no parameter".into(),
        1 => "1 parameter".into(),
        more => format!("{more} parameters"),
    }
}

fn lower_first(text: &str) -> String {
    super::failure::lower_first(text)
}
