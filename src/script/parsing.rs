//! Rhai's parse errors in the words of these docs: what is wrong, where it is mended, and how.
//!
//! Rhai points at the first token that no longer fits. What is missing belongs behind the token before, and a brace
//! that is never closed is best shown where it opens: the text is read again, token by token, for that.

use super::facts::place;
use super::source;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use rhai::{Engine, LexError, ParseError, ParseErrorType, Token};
use std::collections::BTreeSet;

/// Line and column, from 1.
type Place = (usize, usize);

/// Words with which a statement begins.
const KEYWORDS: [&str; 14] = [
    "break", "const", "continue", "else", "for", "if", "let", "loop", "private", "return",
    "switch", "throw", "try", "while",
];

/// Words of other languages, and what they are here.
const FOREIGN: [(&str, &str); 16] = [
    ("and", "`&&`"),
    ("def", "`fn`"),
    ("elif", "`else if`"),
    ("elseif", "`else if`"),
    ("elsif", "`else if`"),
    ("except", "`catch`"),
    ("func", "`fn`"),
    ("function", "`fn`"),
    ("match", "`switch`"),
    ("null", "`()`"),
    ("nil", "`()`"),
    ("None", "`()`"),
    ("not", "`!`"),
    ("or", "`||`"),
    ("undefined", "`()`"),
    ("var", "`let`"),
];

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

/// The tokens of a text, as far as it can be read.
fn tokens(text: &str) -> Vec<(Token, Place)> {
    let engine = Engine::new_raw();
    let (tokens, control) = engine.lex([&text]);
    let mut found = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    let mut text_opens = false;
    for (token, at) in tokens {
        match &token {
            Token::EOF | Token::LexError(_) => break,
            Token::InterpolatedString(_) => text_opens = true,
            Token::LeftBrace | Token::MapStart => open.push(std::mem::take(&mut text_opens)),
            Token::RightBrace if open.pop() == Some(true) => {
                control.borrow_mut().is_within_text = true;
            }
            _ => {}
        }
        found.push((token, place(at)));
    }
    found
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
            E::DuplicatedVariable(name) => Finding::new(
                format!("the variable `{name}` stands twice here"),
                "give each its own name",
            ),
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
            E::VariableExists(name) => {
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
            other => self.by_words(&other.to_string()),
        }
    }

    fn by_words(&self, said: &str) -> Finding {
        Finding::new(lower_first(said), "docs/widgets/guide.md shows how scripts are written")
    }

    /// Just behind the token before the error: where what is missing belongs.
    fn before(&self) -> Place {
        behind(self.text, self.at).unwrap_or(self.at)
    }

    /// Behind the last character of the text.
    fn end(&self) -> Place {
        behind(self.text, (usize::MAX, 1)).unwrap_or((1, 1))
    }

    fn token_before(&self) -> Option<&(Token, Place)> {
        self.tokens.iter().rev().find(|(_, at)| *at < self.at)
    }

    fn token_here(&self) -> Option<&(Token, Place)> {
        self.tokens.iter().find(|(_, at)| *at == self.at)
    }

    fn missing(&self, token: &str) -> Finding {
        if let Some(found) = self.misspelt_word() {
            return found;
        }
        let here = self.token_here().map(|(token, _)| token);
        if token == "}" && here.is_none() {
            return self.end_of_file();
        }
        if token == ";" && here == Some(&Token::Colon) {
            // `{ name: value }`: a block, in which `name` is a statement.
            let open = self
                .tokens
                .iter()
                .rev()
                .find(|(token, at)| *token == Token::LeftBrace && *at < self.at);
            if let Some((_, at)) = open {
                return Finding::new("a map begins with `#{`", "write `#{ name: value }`").at(*at);
            }
        }
        // Before the end of a statement or block no comma is missing but the bracket's end.
        let token = match (token, here) {
            ("," | ")" | "]", None | Some(Token::SemiColon | Token::RightBrace)) => {
                self.open(self.at).last().map_or(token, |(bracket, _)| closing(bracket))
            }
            _ => token,
        };
        let help = match token {
            ";" => "end the statement with `;`",
            "," => "put a `,` between the two",
            ")" => "close the `(`",
            "]" => "close the `[`",
            "}" => "close the `{`",
            "{" => "write `{` here, and `}` behind the last line",
            "(" => "write what belongs here between `(` and `)`",
            ":" => "write `name: value`, and a `,` before the next",
            "=>" => "write `value => result,`",
            "in" => "write `for item in list { … }`",
            "=" => "write `name = value`",
            "while" | "until" => "end it with `while` and a condition",
            "catch" => "write `try { … } catch (error) { … }`",
            _ => "write it before this",
        };
        Finding::new(format!("a `{token}` is missing here"), help).at(self.before())
    }

    /// `retrun x`, `a and b`, `function f()`: a word that Rhai took for a name.
    fn misspelt_word(&self) -> Option<Finding> {
        let here = self.token_here();
        let before = self.token_before();
        for (token, at) in here.into_iter().chain(before) {
            let (Token::Identifier(_) | Token::Reserved(_)) = token else { continue };
            let (Token::Identifier(word) | Token::Reserved(word)) = token else { continue };
            let word = word.as_str();
            let width = word.chars().count();
            if let Some((_, meant)) = FOREIGN.iter().find(|(foreign, _)| *foreign == word) {
                let said = format!("`{word}` is a word of other languages");
                return Some(Finding::new(said, format!("write {meant}")).at(*at).wide(width));
            }
            // What stands before the error begins the statement, or it is no keyword.
            let begins =
                self.tokens.iter().rev().find(|(_, other)| other < at).is_none_or(|(token, _)| {
                    matches!(token, Token::SemiColon | Token::LeftBrace | Token::RightBrace)
                });
            let is_known = self.tokens.iter().filter(|(other, _)| other == token).count() > 1;
            if begins
                && !is_known
                && let Some(meant) = nearest(word, KEYWORDS.into_iter().chain(["fn", "import"]))
            {
                let said = format!("there is no word `{word}`{}", did_you_mean(Some(meant)));
                return Some(Finding::new(said, format!("write `{meant}`")).at(*at).wide(width));
            }
        }
        None
    }

    /// Brackets that are open at a place, outermost first.
    fn open(&self, until: Place) -> Vec<(&'static str, Place)> {
        let mut open = Vec::new();
        for (token, at) in self.tokens.iter().take_while(|(_, at)| *at < until) {
            match token {
                Token::LeftBrace => open.push(("{", *at)),
                Token::MapStart => open.push(("#{", *at)),
                Token::LeftParen => open.push(("(", *at)),
                Token::LeftBracket => open.push(("[", *at)),
                Token::RightBrace | Token::RightParen | Token::RightBracket => {
                    open.pop();
                }
                _ => {}
            }
        }
        open
    }

    /// The bracket that most likely has no end: where what closes it stands further to the left than its line, it is
    /// another's; else the one that was opened last.
    fn unclosed(&self, until: Place) -> Option<(&'static str, Place)> {
        let indent = |line: usize| {
            let text = self.text.lines().nth(line - 1).unwrap_or("");
            text.chars().take_while(|c| c.is_whitespace()).count()
        };
        let mut open: Vec<(&'static str, Place)> = Vec::new();
        for (token, at) in self.tokens.iter().take_while(|(_, at)| *at < until) {
            match token {
                Token::LeftBrace => open.push(("{", *at)),
                Token::MapStart => open.push(("#{", *at)),
                Token::LeftParen => open.push(("(", *at)),
                Token::LeftBracket => open.push(("[", *at)),
                Token::RightBrace | Token::RightParen | Token::RightBracket => {
                    let (bracket, opened) = open.pop()?;
                    let begins_line = at.1 == indent(at.0) + 1;
                    if begins_line && opened.0 != at.0 && indent(at.0) < indent(opened.0) {
                        return Some((bracket, opened));
                    }
                }
                _ => {}
            }
        }
        open.pop()
    }

    fn end_of_file(&self) -> Finding {
        match self.unclosed((usize::MAX, 1)) {
            Some((bracket, at)) => Finding::new(
                format!("this `{bracket}` is never closed"),
                format!("put a `{}` behind what belongs into it", closing(bracket)),
            )
            .at(at)
            .wide(bracket.len()),
            None => Finding::new(
                "the file ends in the middle of a statement",
                "write the rest of it, or remove its beginning",
            )
            .at(self.end()),
        }
    }

    fn nested_function(&self) -> Finding {
        let said = "a function can't stand inside another";
        match self.unclosed(self.at) {
            Some((bracket, (line, _))) => Finding::new(
                said,
                format!(
                    "a `{}` is missing before it: the `{bracket}` of line {line} is still open",
                    closing(bracket)
                ),
            ),
            None => Finding::new(said, "move it to the top of the file"),
        }
        .wide(2)
    }

    fn bad_input(&self, error: &LexError) -> Finding {
        match error {
            LexError::UnterminatedString => Finding::new(
                "this text is never closed",
                "close it with the quote that it begins with; over several lines a text stands between backticks",
            ),
            LexError::MalformedEscapeSequence(sequence) => Finding::new(
                format!("`{sequence}` means nothing in a text"),
                "write `\\\\` for a backslash; `\\n`, `\\t`, `\\\"` and `\\u00e9` have a meaning",
            ),
            LexError::MalformedNumber(number) => Finding::new(
                format!("`{number}` is no number"),
                "digits make one, with a `.` before decimals; a name can't begin with a digit",
            ),
            LexError::MalformedChar(_) => Finding::new(
                "between single quotes stands one character",
                "write texts between double quotes: `\"text\"`",
            ),
            LexError::MalformedIdentifier(name) => Finding::new(
                format!("`{name}` can't be a name"),
                "a name has a letter in it: letters, digits and `_`",
            ),
            LexError::UnexpectedInput(what) => self.unexpected(what),
            LexError::ImproperSymbol(symbol, said) => match symbol.as_str() {
                "=" => Finding::new(
                    "`=` sets a value, and here one is compared",
                    "write `==` to compare",
                ),
                "===" | "!==" => Finding::new(
                    format!("there is no operator `{symbol}`"),
                    format!("write `{}`", &symbol[..2]),
                )
                .wide(3),
                ":=" => Finding::new("there is no operator `:=`", "write `=`").wide(2),
                "->" => Finding::new(
                    "there is no operator `->`",
                    "a case of `switch` is written with `=>`, a field is read with `.`",
                )
                .wide(2),
                symbol if symbol.contains('(') || symbol.contains(')') => {
                    Finding::new("this is no comment", "write `// …`, or `/* … */`").wide(2)
                }
                "eval" | "export" => self.reserved(symbol),
                _ if said.is_empty() => Finding::new(
                    format!("`{symbol}` can't stand here"),
                    "remove it, or write what is meant",
                ),
                _ => Finding::new(lower_first(said), "write what is meant instead"),
            },
            other => self.by_words(&other.to_string()),
        }
    }

    fn unexpected(&self, what: &str) -> Finding {
        if let Some(found) = self.misspelt_word() {
            return found;
        }
        let width = what.chars().count();
        if matches!(what, "}" | ")" | "]") {
            return match self.open(self.at).last() {
                None => Finding::new(
                    format!("this `{what}` closes nothing"),
                    "remove it, or look for one too many before it",
                ),
                Some((bracket, (line, _))) if closing(bracket) != what => Finding::new(
                    format!(
                        "this `{what}` closes nothing: the `{bracket}` of line {line} is still open"
                    ),
                    format!("close that first with `{}`", closing(bracket)),
                ),
                Some(_) => Finding::new(
                    format!("a value is missing before this `{what}`"),
                    "write it, or remove what stands before",
                ),
            };
        }
        let help = match what {
            "'" => "write texts between double quotes: `\"text\"`",
            "else" => "`else` follows the `}` of an `if`, with no `;` between",
            "=>" => "`=>` is for the cases of a `switch`",
            "++" => "write `x += 1`",
            "--" => "write `x -= 1`",
            "$" | "@" | "#" | "?" | "~" | "\\" => "remove it: it means nothing here",
            _ => "a value is due here: write it, or remove this",
        };
        Finding::new(format!("`{what}` can't stand here"), help).wide(width)
    }

    fn no_name(&self) -> Finding {
        let before = self.token_before().map(|(token, _)| token);
        match before {
            Some(Token::Period | Token::Elvis) => Finding::new(
                "the name of a field is due behind the `.`",
                "write `map.name`; another name stands in brackets: `map[\"a-b\"]`",
            ),
            _ => Finding::new(
                "the name of a field is due here",
                "write `name: value`; a name with other signs stands in quotes: `\"a-b\": value`",
            ),
        }
    }

    fn reserved(&self, word: &str) -> Finding {
        let width = word.chars().count();
        match word {
            "eval" => Finding::new(
                "`eval` is off: a script's text is all that it runs",
                "call a function, or keep functions in a map",
            ),
            "export" => Finding::new(
                "`export` is off",
                "whoever imports a module sees all its functions and constants anyway",
            ),
            word => match FOREIGN.iter().find(|(foreign, _)| *foreign == word) {
                Some((_, meant)) => Finding::new(
                    format!("`{word}` is a word of other languages"),
                    format!("write {meant}"),
                ),
                None if word.starts_with(|c: char| c.is_alphabetic()) => Finding::new(
                    format!("`{word}` is a word that Rhai keeps for itself"),
                    "choose another name",
                ),
                None => match word {
                    "===" | "!==" | "->" | ":=" | "(*" | "*)" | "<-" => {
                        self.bad_input(&LexError::ImproperSymbol(word.into(), String::new()))
                    }
                    word => self.unexpected(word),
                },
            },
        }
        .wide(width)
    }

    fn no_variable(&self, name: &str) -> Finding {
        let width = name.chars().count();
        let said = format!("there is no variable `{name}`");
        let foreign = FOREIGN.iter().chain(&[
            ("True", "`true`"),
            ("False", "`false`"),
            ("self", "the name of the parameter"),
            ("TRUE", "`true`"),
            ("FALSE", "`false`"),
        ]);
        if let Some((_, meant)) = foreign.into_iter().find(|(foreign, _)| *foreign == name) {
            return Finding::new(said, format!("write {meant}")).wide(width);
        }
        let names = self.names();
        let names = names.iter().map(String::as_str).filter(|known| *known != name);
        if let Some(meant) = nearest(name, names) {
            return Finding::new(
                format!("{said}{}", did_you_mean(Some(meant))),
                format!("write `{meant}`"),
            )
            .wide(width);
        }
        if self.has_parameter(name) {
            let help = format!("the parameter is `widget.config.{name}`");
            return Finding::new(said, help).wide(width);
        }
        Finding::new(
            said,
            "a function sees its parameters, its own variables and the constants at the top",
        )
        .wide(width)
    }

    /// All names that the file gives to variables, parameters and constants.
    fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut parameters = false;
        for (at, (token, _)) in self.tokens.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &self.tokens[at].0);
            match token {
                Token::Fn | Token::Pipe => parameters = !parameters || *token == Token::Fn,
                Token::RightParen | Token::LeftBrace => parameters = false,
                Token::Identifier(name) => {
                    let declared = matches!(before, Some(Token::Let | Token::Const | Token::For));
                    let is_parameter = parameters
                        && matches!(before, Some(Token::LeftParen | Token::Comma | Token::Pipe));
                    if declared || is_parameter {
                        names.insert(name.to_string());
                    }
                }
                _ => {}
            }
        }
        names
    }

    fn has_parameter(&self, name: &str) -> bool {
        let start = self.text.find("const PARAMETERS");
        start.is_some_and(|start| {
            let text = &self.text[start..];
            let text = &text[..text.find("};").unwrap_or(text.len())];
            text.contains(&format!("{name}: #{{"))
        })
    }

    fn no_module(&self, name: &str) -> Finding {
        let imported = source::imports(self.file, self.text).unwrap_or_default();
        let names = imported.iter().map(|import| import.alias.as_str());
        let meant = nearest(name, names.chain(self.modules.iter().copied()));
        let said = format!("there is no module `{name}`{}", did_you_mean(meant));
        let help = match meant {
            Some(meant) => format!("write `{meant}::`"),
            None => "write `import \"lib/NAME\" as n;` at the top of the file".into(),
        };
        Finding::new(said, help).wide(name.chars().count())
    }
}

fn closing(bracket: &str) -> &'static str {
    match bracket {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

/// The place behind the last character that is neither space nor comment before a place.
fn behind(text: &str, (line, column): Place) -> Option<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let last = line.min(lines.len());
    (1..=last).rev().find_map(|at| {
        let whole = lines[at - 1];
        let code: String = if at == line {
            whole.chars().take(column - 1).collect()
        } else {
            without_comment(whole).into()
        };
        let code = code.trim_end();
        (!code.is_empty()).then(|| (at, code.chars().count() + 1))
    })
}

/// A line up to its `//`, unless that stands inside a text.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").map(|(at, _)| at);
    let comment = starts.into_iter().find(|at| {
        let before = &line[..*at];
        before.matches('"').count() % 2 == 0 && before.matches('`').count() % 2 == 0
    });
    comment.map_or(line, |at| &line[..at])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_belongs_behind_the_token_before() {
        let text = "let a = 1 // one; of them\n\n  let b = \"http://x\"\nlet c";
        assert_eq!(behind(text, (3, 3)), Some((1, 10)));
        assert_eq!(behind(text, (4, 1)), Some((3, 21)));
        assert_eq!(behind(text, (usize::MAX, 1)), Some((4, 6)));
        assert_eq!(behind("", (1, 1)), None);
    }
}
