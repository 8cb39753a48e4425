//! Which names a template reads, and where: for whoever knows what there will be.
//!
//! Tera keeps its tree to itself, so the tags are read here, as far as they are plain: paths such as `item.name`, loops
//! over them, and `set`. A name that the template itself tests for (`is defined`, `default`) is not listed, and of a
//! template with components nothing is.

use std::collections::BTreeSet;

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `*` is an item of a list.
    pub name: String,
    /// From 1.
    pub line: usize,
    pub column: usize,
}

/// A path that a template reads, from a name that it does not give itself: `items.*.name`.
pub type Read = Vec<Part>;

pub(super) fn read(text: &str) -> Vec<Read> {
    let mut reader = Reader { scopes: vec![Vec::new()], ..Reader::default() };
    for tag in tags(text) {
        match tag {
            Tag::Print(tokens) => reader.expression(&tokens),
            Tag::Statement(tokens) => {
                if reader.statement(&tokens).is_none() {
                    return Vec::new();
                }
            }
        }
    }
    let Reader { mut reads, guarded, .. } = reader;
    reads.retain(|path| {
        let whole: Vec<&str> = path.iter().map(|part| part.name.as_str()).collect();
        !guarded
            .iter()
            .any(|guard| whole.starts_with(&guard.iter().map(String::as_str).collect::<Vec<_>>()))
    });
    reads
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String, usize, usize),
    Text(String, usize, usize),
    Number,
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(given, ..) if given == word)
    }
}

enum Tag {
    Print(Vec<Token>),
    Statement(Vec<Token>),
}

/// The tags of a template, less comments and what is raw.
fn tags(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    let mut is_raw = false;
    while let Some(open) = text[at..].find('{').map(|found| at + found) {
        let rest = &text[open..];
        let (close, is_print) = match rest.as_bytes().get(1) {
            Some(b'#') => {
                at = rest.find("#}").map_or(text.len(), |end| open + end + 2);
                continue;
            }
            Some(b'{') if !is_raw => ("}}", true),
            Some(b'%') => ("%}", false),
            _ => {
                at = open + 1;
                continue;
            }
        };
        let Some(end) = end_of(&rest[2..], close) else { return tags };
        let tokens = tokens(text, open + 2, open + 2 + end);
        at = open + 2 + end + 2;
        match tokens.first() {
            Some(word) if word.is("endraw") => is_raw = false,
            _ if is_raw => {}
            Some(word) if !is_print && word.is("raw") => is_raw = true,
            _ if is_print => tags.push(Tag::Print(tokens)),
            _ => tags.push(Tag::Statement(tokens)),
        }
    }
    tags
}

/// Where a tag ends: not inside a text.
fn end_of(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            None if "\"'`".contains(letter) => quote = Some(letter),
            None if text[at..].starts_with(close) => return Some(at),
            _ => {}
        }
    }
    None
}

fn tokens(text: &str, from: usize, to: usize) -> Vec<Token> {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let column_of = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |start| start + 1);
        text[start..at].chars().count() + 1
    };
    let mut tokens = Vec::new();
    let mut letters = text[from..to].char_indices().map(|(at, c)| (from + at, c)).peekable();
    while let Some((at, letter)) = letters.next() {
        let mut more = |is_part: &dyn Fn(char) -> bool| {
            let mut end = at + letter.len_utf8();
            while let Some((next, c)) = letters.next_if(|(_, c)| is_part(*c)) {
                end = next + c.len_utf8();
            }
            end
        };
        if letter.is_alphabetic() || letter == '_' {
            let end = more(&|c| c.is_alphanumeric() || c == '_');
            tokens.push(Token::Word(text[at..end].into(), line_of(at), column_of(at)));
        } else if letter.is_ascii_digit() {
            more(&|c| c.is_ascii_digit() || c == '_');
            tokens.push(Token::Number);
        } else if "\"'`".contains(letter) {
            let end = more(&|c| c != letter);
            letters.next();
            tokens.push(Token::Text(text[at + 1..end].into(), line_of(at), column_of(at) + 1));
        } else if !letter.is_whitespace() {
            tokens.push(Token::Sign(letter));
        }
    }
    // `{%-` and `-%}` only eat spaces.
    if tokens.first() == Some(&Token::Sign('-')) {
        tokens.remove(0);
    }
    if tokens.last() == Some(&Token::Sign('-')) {
        tokens.pop();
    }
    tokens
}

/// What a name of the template's own stands for: a path of the data, or anything.
type Alias = (String, Option<Read>);

#[derive(Default)]
struct Reader {
    scopes: Vec<Vec<Alias>>,
    reads: Vec<Read>,
    /// Paths that the template itself tests for.
    guarded: BTreeSet<Vec<String>>,
}

const WORDS: [&str; 15] = [
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "True", "False", "none", "None",
    "null", "for",
];

impl Reader {
    /// `None` for what this reader does not understand.
    fn statement(&mut self, tokens: &[Token]) -> Option<()> {
        let Some(Token::Word(word, ..)) = tokens.first() else { return Some(()) };
        let rest = &tokens[1..];
        match word.as_str() {
            "for" => self.loops(rest)?,
            "endfor" => drop(self.scopes.pop()),
            "if" | "elif" => self.expression(rest),
            "set" | "set_global" => self.sets(rest),
            "include" | "extends" | "else" | "endif" | "block" | "endblock" | "endset"
            | "endfilter" | "break" | "continue" => {}
            "filter" => self.arguments(rest),
            // Components have names of their own, and see others than the page.
            _ => return None,
        }
        Some(())
    }

    fn loops(&mut self, tokens: &[Token]) -> Option<()> {
        let at = tokens.iter().position(|token| token.is("in"))?;
        let (names, over) = (&tokens[..at], &tokens[at + 1..]);
        self.expression(over);
        let names: Vec<String> = names
            .iter()
            .filter_map(|token| match token {
                Token::Word(word, ..) => Some(word.clone()),
                _ => None,
            })
            .collect();
        let item = match self.path(over, 0) {
            Some((Some(mut path), end)) if end == over.len() && names.len() == 1 => {
                let last = path.last()?.clone();
                path.push(Part { name: "*".into(), ..last });
                Some(path)
            }
            _ => None,
        };
        let mut scope: Vec<Alias> = vec![("loop".into(), None)];
        scope.extend(names.into_iter().map(|name| (name, item.clone())));
        self.scopes.push(scope);
        Some(())
    }

    fn sets(&mut self, tokens: &[Token]) {
        let Some(Token::Word(name, ..)) = tokens.first() else { return };
        if tokens.get(1) == Some(&Token::Sign('=')) {
            self.expression(&tokens[2..]);
        }
        // It may be set in one branch and read behind it: it is known everywhere from now on.
        if let Some(scope) = self.scopes.first_mut() {
            scope.push((name.clone(), None));
        }
    }

    /// The values of `f(name=value)`.
    fn arguments(&mut self, tokens: &[Token]) {
        if let Some(open) = tokens.iter().position(|token| *token == Token::Sign('(')) {
            self.expression(&tokens[open..]);
        }
    }

    fn expression(&mut self, tokens: &[Token]) {
        // `[x for x in xs]` gives names of its own, `<component …>` is no expression.
        if tokens.first() == Some(&Token::Sign('<')) || tokens.iter().any(|token| token.is("for")) {
            return;
        }
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map(|at| &tokens[at]);
            let names_a_function = before == Some(&Token::Sign('|'))
                || before.is_some_and(|token| token.is("is"))
                || (before.is_some_and(|token| token.is("not"))
                    && at >= 2
                    && tokens[at - 2].is("is"));
            let Token::Word(word, ..) = &tokens[at] else {
                at += 1;
                continue;
            };
            if WORDS.contains(&word.as_str()) || names_a_function || is_argument(tokens, at) {
                at += 1;
                continue;
            }
            match self.path(tokens, at) {
                Some((path, end)) => {
                    if let Some(path) = path {
                        self.note(path, &tokens[end..]);
                    }
                    at = end;
                }
                None => at += 1,
            }
        }
    }

    fn note(&mut self, path: Read, behind: &[Token]) {
        let is_tested = match behind {
            [is, test, ..] if is.is("is") => {
                test.is("defined") || test.is("undefined") || test.is("not")
            }
            [Token::Sign('|'), filter, ..] => filter.is("default"),
            _ => false,
        };
        if is_tested {
            self.guarded.insert(path.iter().map(|part| part.name.clone()).collect());
        } else {
            self.reads.push(path);
        }
    }

    /// The path that begins at a token, as one of the data, and where it ends. A path of something else is `None`
    /// inside; what is no path is `None`.
    fn path(&self, tokens: &[Token], from: usize) -> Option<(Option<Read>, usize)> {
        let Token::Word(first, line, column) = tokens.get(from)? else { return None };
        let mut parts = vec![Part { name: first.clone(), line: *line, column: *column }];
        let mut at = from + 1;
        loop {
            // `a?.b` is a path too.
            let skip = usize::from(tokens.get(at) == Some(&Token::Sign('?')));
            match (tokens.get(at + skip), tokens.get(at + skip + 1), tokens.get(at + skip + 2)) {
                (Some(Token::Sign('.')), Some(Token::Word(name, line, column)), _) => {
                    parts.push(Part { name: name.clone(), line: *line, column: *column });
                    at += skip + 2;
                }
                (
                    Some(Token::Sign('[')),
                    Some(Token::Text(name, line, column)),
                    Some(Token::Sign(']')),
                ) => {
                    parts.push(Part { name: name.clone(), line: *line, column: *column });
                    at += skip + 3;
                }
                (Some(Token::Sign('[')), Some(Token::Number), Some(Token::Sign(']'))) => {
                    let last = parts.last()?.clone();
                    parts.push(Part { name: "*".into(), ..last });
                    at += skip + 3;
                }
                // A function, not a value.
                (Some(Token::Sign('(')), ..) => return Some((None, at)),
                _ => break,
            }
        }
        let alias = self.scopes.iter().rev().flat_map(|scope| scope.iter().rev());
        let alias = alias.into_iter().find(|(name, _)| name == first);
        let path = match alias {
            None => Some(parts),
            Some((_, Some(path))) => {
                let mut path = path.clone();
                path.extend(parts.drain(1..));
                Some(path)
            }
            Some((_, None)) => None,
        };
        Some((path, at))
    }
}

/// Whether a word is the name of an argument, `size=32`, or of a field, `{ size: 32 }`.
fn is_argument(tokens: &[Token], at: usize) -> bool {
    let sign = |at: usize| match tokens.get(at) {
        Some(Token::Sign(sign)) => Some(*sign),
        _ => None,
    };
    match sign(at + 1) {
        Some('=') => sign(at + 2) != Some('='),
        Some(':') => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let path = |read: Read| {
            let last = read.last().unwrap().clone();
            let names: Vec<String> = read.into_iter().map(|part| part.name).collect();
            format!("{}:{}:{}", names.join("."), last.line, last.column)
        };
        read(text).into_iter().map(path).collect()
    }

    #[test]
    fn paths_are_read_through_loops_to_what_data_returned() {
        let text = "{% if items %}\n{% for item in items %}\n<p>{{ item.who or item.name | avatar(size=side) }}</p>{% endfor %}{% endif %}{{ item }}";
        assert_eq!(
            paths(text),
            [
                "items:1:7",
                "items:2:16",
                "items.*.who:3:12",
                "items.*.name:3:24",
                "side:3:43",
                "item:3:81"
            ]
        );
    }

    #[test]
    fn names_of_functions_filters_tests_and_arguments_are_no_reads() {
        assert_eq!(paths("{{ icon(name=\"x\") }}{{ a | b }}{{ a is odd }}"), ["a:1:24", "a:1:35"]);
        assert_eq!(
            paths("{{ 'a.b' }}{# c #}{% raw %}{{ d }}{% endraw %}{{- e[0].f[\"g\"] -}}"),
            ["e.*.f.g:1:59"]
        );
    }

    #[test]
    fn what_the_template_tests_for_may_be_missing() {
        assert!(
            paths("{% if a is defined %}{{ a.b }}{% endif %}{{ c | default(value=1) }}").is_empty()
        );
    }

    #[test]
    fn names_of_the_templates_own_are_no_reads() {
        assert_eq!(
            paths(
                "{% set x = a %}{{ x.y }}{% for k, v in b %}{{ k }}{{ v.w }}{{ loop.index }}{% endfor %}"
            ),
            ["a:1:12", "b:1:40"]
        );
        assert!(paths("{% component c(x) %}{{ x }}{% endcomponent c %}{{ y }}").is_empty());
    }
}
