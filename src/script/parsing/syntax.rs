//! Signs that are missing, too many, or mean nothing where they stand.

use super::text::{Unclosed, closing};
use super::{Finding, Reading, by_words, lower_first};
use rhai::{LexError, Token};

impl Reading<'_> {
    pub(super) fn missing(&self, token: &str) -> Finding {
        if let Some(found) = self.misspelt_word() {
            return found;
        }
        let here = self.token_here().map(|(token, _)| token);
        let is_at_end = self.tokens.last().is_none_or(|(_, last)| *last < self.at);
        if is_at_end && self.unclosed((usize::MAX, 1)).is_some() {
            return self.end_of_file();
        }
        if here == Some(&Token::Fn)
            && let Some(unclosed) = self.unclosed(self.at)
        {
            return before_a_function(&unclosed);
        }
        if token == "}"
            && let Some(unclosed) = self.unclosed(self.at).filter(|unclosed| unclosed.is_crossed)
        {
            return never_closed(&unclosed);
        }
        if token == ";" && here == Some(&Token::Colon) {
            return self.colon();
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

    pub(super) fn end_of_file(&self) -> Finding {
        match self.unclosed((usize::MAX, 1)) {
            Some(unclosed) => never_closed(&unclosed),
            None => Finding::new(
                "the file ends in the middle of a statement",
                "write the rest of it, or remove its beginning",
            )
            .at(self.end()),
        }
    }

    /// `{ name: value }`, in which `{` begins a block, or `lib:name()`.
    fn colon(&self) -> Finding {
        let before = |at: usize| at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let here = self.tokens.iter().position(|(_, at)| *at == self.at).unwrap_or(0);
        let open = here.checked_sub(2).and_then(|at| self.tokens.get(at));
        match open {
            // The brace of a function or of an `if` begins a block for sure.
            Some((Token::LeftBrace, at))
                if !before(here - 2).is_some_and(|(token, _)| *token == Token::RightParen) =>
            {
                Finding::new("a map begins with `#{`", "write `#{ name: value }`").at(*at)
            }
            _ => Finding::new(
                "a `:` can't stand here",
                "a function of a module is called with two, `lib::name()`; a map begins with `#{`",
            ),
        }
    }

    pub(super) fn nested_function(&self) -> Finding {
        match self.unclosed(self.at) {
            Some(unclosed) => before_a_function(&unclosed),
            None => Finding::new(
                "a function can't stand inside another",
                "move it to the top of the file",
            )
            .wide(2),
        }
    }

    pub(super) fn bad_input(&self, error: &LexError) -> Finding {
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
            other => by_words(&other.to_string()),
        }
    }

    pub(super) fn unexpected(&self, what: &str) -> Finding {
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

    pub(super) fn no_name(&self) -> Finding {
        let before = self.token_before().map(|(token, _)| token);
        match before {
            Some(Token::Period | Token::Elvis) => Finding::new(
                "the name of a field is due behind the `.`",
                "write `map.name`; another name stands in brackets: `map[\"a-b\"]`",
            )
            .at(self.before()),
            _ => Finding::new(
                "the name of a field is due here",
                "write `name: value`; a name with other signs stands in quotes: `\"a-b\": value`",
            ),
        }
    }
}

fn before_a_function(unclosed: &Unclosed) -> Finding {
    let Unclosed { bracket, opened: (line, _), due, .. } = unclosed;
    let said = format!("a `{}` is missing here, before the next function", closing(bracket));
    Finding::new(said, format!("close the `{bracket}` of line {line}")).at(*due)
}

fn never_closed(unclosed: &Unclosed) -> Finding {
    let bracket = unclosed.bracket;
    let said = format!("this `{bracket}` is never closed");
    Finding::new(said, format!("put a `{}` behind what belongs into it", closing(bracket)))
        .at(unclosed.opened)
        .wide(bracket.len())
}
