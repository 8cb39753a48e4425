//! What is wrong, where, and what to do about it: one shape for a terminal, JSON and a page.
//!
//! A diagnostic stands alone: it names the file below the site, the line and column (from 1), and carries the
//! source line, so that whoever shows it needs nothing else. Knows no script, template or configuration.

use serde::Serialize;
use std::fmt::{self, Write as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// Its JSON is `{"severity","file","line","column","message","help"}`, `file` relative to the site.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: Option<String>,
    /// From 1.
    pub line: Option<usize>,
    /// In characters, from 1.
    pub column: Option<usize>,
    pub message: String,
    pub help: Option<String>,
    /// The source line, for the excerpt.
    #[serde(skip)]
    pub excerpt: Option<String>,
    /// How many characters the caret underlines.
    #[serde(skip)]
    pub width: usize,
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: None,
            line: None,
            column: None,
            message: message.into(),
            help: None,
            excerpt: None,
            width: 1,
        }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// At a line and column of `source`, both from 1; the excerpt is taken from it.
    #[must_use]
    pub fn at(mut self, source: &str, line: usize, column: usize) -> Self {
        self.line = Some(line);
        self.column = Some(column.max(1));
        self.excerpt = source.lines().nth(line.saturating_sub(1)).map(Into::into);
        self
    }

    /// At a byte range of `source`.
    #[must_use]
    pub fn at_span(self, source: &str, span: std::ops::Range<usize>) -> Self {
        let start = source.floor_char_boundary(span.start.min(source.len()));
        let end = source.floor_char_boundary(span.end.clamp(start, source.len()));
        let line = source[..start].matches('\n').count() + 1;
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let column = source[line_start..start].chars().count() + 1;
        let width = source[start..end].lines().next().map_or(0, |l| l.chars().count());
        let mut placed = self.at(source, line, column);
        placed.width = width.max(1);
        placed
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The excerpt with a caret below it, two lines, or nothing where no line is known.
    pub fn frame(&self) -> Option<String> {
        let (line, excerpt) = (self.line?, self.excerpt.as_deref()?);
        let gutter = line.to_string();
        let column = self.column.unwrap_or(1);
        // Tabs stay tabs below the line too, so that the caret stands under its character.
        let space = |c: char| if c == '\t' { "\t" } else { &"  "[..cells(c)] };
        let indent: String = excerpt.chars().take(column - 1).map(space).collect();
        let under = excerpt.chars().skip(column - 1).take(self.width.max(1));
        let caret = "^".repeat(under.map(cells).sum::<usize>().max(1));
        Some(format!("{gutter} | {excerpt}\n{} | {indent}{caret}", " ".repeat(gutter.len())))
    }

    /// `file:line:column`, as far as it is known.
    pub fn place(&self) -> Option<String> {
        let mut place = self.file.clone()?;
        if let Some(line) = self.line {
            let _ = write!(place, ":{line}:{}", self.column.unwrap_or(1));
        }
        Some(place)
    }
}

/// How many cells of a terminal a character takes: letters of East Asia and pictures two, marks on others none.
fn cells(letter: char) -> usize {
    match u32::from(letter) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// One line: `file:line:column: message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// A question after the nearest name (`; did you mean …?`), or nothing: the tail of many a message.
pub fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The known name that is nearest to a given one, if any is near enough to be a slip.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given_lower = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given_lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            *distance <= (name.chars().count().max(given.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_line_column_and_caret() {
        let source = "[server]\nlisten = 5000\n";
        let at = source.find("5000").unwrap();
        let found = Diagnostic::error("`listen` is a number")
            .in_file("hubs.toml")
            .at_span(source, at..at + 4);
        assert_eq!(found.to_string(), "hubs.toml:2:10: `listen` is a number");
        assert_eq!(found.frame().unwrap(), "2 | listen = 5000\n  |          ^^^^");
    }

    #[test]
    fn the_caret_stands_under_its_character_behind_tabs_and_wide_letters() {
        let frame = |source: &str, word: &str| {
            let at = source.find(word).unwrap();
            Diagnostic::error("x").at_span(source, at..at + word.len()).frame().unwrap()
        };
        assert_eq!(frame("\tlet a = b;", "b"), "1 | \tlet a = b;\n  | \t        ^");
        assert_eq!(frame("f(\"日本\", b)", "b"), "1 | f(\"日本\", b)\n  |           ^");
        assert_eq!(frame("x = 日本;", "日本"), "1 | x = 日本;\n  |     ^^^^");
        assert_eq!(frame("e\u{301} = b", "b"), "1 | e\u{301} = b\n  |     ^");
    }

    #[test]
    fn the_nearest_name_is_a_slip_not_a_guess() {
        assert_eq!(nearest("usernmae", ["username", "limit"]), Some("username"));
        assert_eq!(nearest("colour", ["username", "limit"]), None);
    }
}
