//! Words and names that are not there: misspelt keywords, words of other languages, variables and modules.

use super::{Finding, Reading};
use crate::diagnostic::{did_you_mean, nearest};
use crate::script::source;
use rhai::{LexError, Token};
use std::collections::BTreeSet;

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

impl Reading<'_> {
    /// `retrun x`, `a and b`, `function f()`: a word that Rhai took for a name.
    pub(super) fn misspelt_word(&self) -> Option<Finding> {
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

    pub(super) fn reserved(&self, word: &str) -> Finding {
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

    pub(super) fn no_variable(&self, name: &str) -> Finding {
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
        if matches!(name, "widget" | "message") {
            let help = "it is a parameter: write it between the `(` and `)` of this function too, and hand it over in the call";
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

    pub(super) fn no_module(&self, name: &str) -> Finding {
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
