//! The text of a script token by token: which brackets are open, and what stands before a place.

use super::{Place, Reading};
use crate::script::facts::place;
use rhai::{Engine, Token};

/// A bracket without its end.
pub(super) struct Unclosed {
    pub(super) bracket: &'static str,
    pub(super) opened: Place,
    /// Where its end belongs.
    pub(super) due: Place,
    /// What closes it stands further to the left: it is meant for another.
    pub(super) is_crossed: bool,
}

/// The tokens of a text, as far as it can be read.
pub(super) fn tokens(text: &str) -> Vec<(Token, Place)> {
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
    /// Just behind the token before the error: where what is missing belongs.
    pub(super) fn before(&self) -> Place {
        behind(self.text, self.at).unwrap_or(self.at)
    }

    /// Behind the last character of the text.
    pub(super) fn end(&self) -> Place {
        behind(self.text, (usize::MAX, 1)).unwrap_or((1, 1))
    }

    pub(super) fn token_before(&self) -> Option<&(Token, Place)> {
        self.tokens.iter().rev().find(|(_, at)| *at < self.at)
    }

    pub(super) fn token_here(&self) -> Option<&(Token, Place)> {
        self.tokens.iter().find(|(_, at)| *at == self.at)
    }

    /// Brackets that are open at a place, outermost first.
    pub(super) fn open(&self, until: Place) -> Vec<(&'static str, Place)> {
        let mut open = Vec::new();
        for (token, at) in self.tokens.iter().take_while(|(_, at)| *at < until) {
            if let Some(bracket) = opening(token) {
                open.push((bracket, *at));
            } else if closes(token) {
                open.pop();
            }
        }
        open
    }

    /// The bracket that most likely has no end: where what closes it stands further to the left than its line, it is
    /// another's; else the one that was opened last.
    pub(super) fn unclosed(&self, until: Place) -> Option<Unclosed> {
        let indent = |line: usize| {
            let text = self.text.lines().nth(line - 1).unwrap_or("");
            text.chars().take_while(|c| c.is_whitespace()).count()
        };
        let mut open: Vec<(&'static str, Place)> = Vec::new();
        for (token, at) in self.tokens.iter().take_while(|(_, at)| *at < until) {
            if let Some(bracket) = opening(token) {
                open.push((bracket, *at));
            } else if closes(token) {
                let (bracket, opened) = open.pop()?;
                let begins_line = at.1 == indent(at.0) + 1;
                if begins_line && opened.0 != at.0 && indent(at.0) < indent(opened.0) {
                    let due = self.behind(*at);
                    return Some(Unclosed { bracket, opened, due, is_crossed: true });
                }
            }
        }
        let (bracket, opened) = open.pop()?;
        Some(Unclosed { bracket, opened, due: self.behind(until), is_crossed: false })
    }

    fn behind(&self, at: Place) -> Place {
        behind(self.text, at).unwrap_or(at)
    }
}

fn opening(token: &Token) -> Option<&'static str> {
    Some(match token {
        Token::LeftBrace => "{",
        Token::MapStart => "#{",
        Token::LeftParen => "(",
        Token::LeftBracket => "[",
        _ => return None,
    })
}

fn closes(token: &Token) -> bool {
    matches!(token, Token::RightBrace | Token::RightParen | Token::RightBracket)
}

pub(super) fn closing(bracket: &str) -> &'static str {
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
        before.matches('"').count().is_multiple_of(2)
            && before.matches('`').count().is_multiple_of(2)
    });
    comment.map_or(line, |at| &line[..at])
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
