//! A script's text with the modules that it imports, and how imports are found without running anything.

use crate::diagnostic::Diagnostic;
use rhai::{Engine, Position, Token};
use std::sync::Arc;

/// A longer text is refused unread: parsing time grows with the square of the worst of it.
pub const MAX_SOURCE_BYTES: usize = 64 << 10;

/// A module below `widgets/lib`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// As `import` names it: `lib/time`.
    pub path: String,
    /// As diagnostics name it: `widgets/lib/time.rhai`.
    pub file: String,
    pub text: Arc<str>,
}

/// All that one script needs, so that each thread can compile it by itself.
#[derive(Debug, Clone)]
pub struct Source {
    /// Relative to the site: `widgets/badges.rhai`.
    pub file: String,
    pub text: Arc<str>,
    /// With what modules import in turn; what others need comes first.
    pub modules: Vec<Arc<Module>>,
    /// Hash of all names and texts.
    pub version: u64,
}

impl Source {
    pub fn new(
        file: impl Into<String>,
        text: impl Into<Arc<str>>,
        modules: Vec<Arc<Module>>,
    ) -> Self {
        let (file, text) = (file.into(), text.into());
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let all = modules.iter().map(|m| (&m.file, &m.text)).chain([(&file, &text)]);
        for (name, text) in all {
            for part in [name.as_bytes(), text.as_bytes()] {
                hash.update(&part.len().to_le_bytes());
                hash.update(part);
            }
        }
        let version = hash.digest();
        Self { file, text, modules, version }
    }

    /// The text of one of its files, for excerpts.
    pub fn text_of(&self, file: &str) -> Option<&str> {
        let module = self.modules.iter().find(|m| m.file == file).map(|m| &*m.text);
        module.or_else(|| (self.file == file).then_some(&*self.text))
    }
}

/// One `import "lib/time" as t;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// `lib/time`.
    pub path: String,
    /// `t`.
    pub alias: String,
    /// From 1.
    pub line: usize,
    pub column: usize,
}

/// What a text imports, in its order. Only `import "lib/NAME" as n;` at the top of a file is an import.
pub fn imports(file: &str, text: &str) -> Result<Vec<Import>, Diagnostic> {
    scan(file, text).map(|found| found.into_iter().map(|(import, _)| import).collect())
}

/// The imports of a text, and the text with them blanked out: every other character keeps its place.
pub(super) fn without_imports(file: &str, text: &str) -> Result<(Vec<Import>, String), Diagnostic> {
    let found = scan(file, text)?;
    let mut lines: Vec<String> = text.split('\n').map(Into::into).collect();
    for (import, end) in &found {
        for at in import.line..=end.0 {
            let from = if at == import.line { import.column } else { 1 };
            let to = if at == end.0 { end.1 } else { usize::MAX };
            let blank = |(n, c)| if (from..=to).contains(&(n + 1)) { ' ' } else { c };
            lines[at - 1] = lines[at - 1].chars().enumerate().map(blank).collect();
        }
    }
    Ok((found.into_iter().map(|(import, _)| import).collect(), lines.join("\n")))
}

type Place = (usize, usize);

/// Each import with the place of its semicolon. Rhai's own tokenizer reads, so that comments and texts never mislead.
fn scan(file: &str, text: &str) -> Result<Vec<(Import, Place)>, Diagnostic> {
    if text.len() > MAX_SOURCE_BYTES {
        let size = text.len();
        let said =
            format!("the file has {size} bytes: {MAX_SOURCE_BYTES} is the limit for a script");
        return Err(Diagnostic::error(said)
            .in_file(file)
            .help("move parts of it to `widgets/lib`"));
    }
    let engine = Engine::new_raw();
    let (tokens, control) = engine.lex([&text]);
    let mut tokens = tokens.peekable();
    let mut found = Vec::new();
    // Open braces, and for each whether its end goes back into a text with `${…}` in it.
    let mut open: Vec<bool> = Vec::new();
    let mut text_opens = false;
    let mut behind_dot = false;
    while let Some((token, at)) = tokens.next() {
        let is_name =
            std::mem::replace(&mut behind_dot, matches!(token, Token::Period | Token::Elvis));
        match token {
            _ if is_name => {}
            Token::EOF | Token::LexError(_) => break, // the parser says more of an error than we could
            Token::InterpolatedString(_) => text_opens = true,
            Token::LeftBrace | Token::MapStart => open.push(std::mem::take(&mut text_opens)),
            Token::RightBrace if open.pop() == Some(true) => {
                control.borrow_mut().is_within_text = true;
            }
            Token::Import => {
                let refuse = |said: &str| Err(misplaced(file, text, at, said));
                if !open.is_empty() {
                    return refuse("`import` stands inside a function or block");
                }
                let Some((Token::StringConstant(path), _)) = tokens.next() else {
                    return refuse("`import` needs the module's name as plain text");
                };
                let (
                    Some((Token::As, _)),
                    Some((Token::Identifier(alias), _)),
                    Some((Token::SemiColon, end)),
                ) = (tokens.next(), tokens.next(), tokens.next())
                else {
                    return refuse("`import` is not complete");
                };
                if !is_module_path(&path) {
                    return refuse(&format!("`{path}` can't be imported"));
                }
                let (line, column) = place(at);
                let import =
                    Import { path: path.to_string(), alias: alias.to_string(), line, column };
                found.push((import, place(end)));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn misplaced(file: &str, text: &str, at: Position, said: &str) -> Diagnostic {
    let (line, column) = place(at);
    Diagnostic::error(said)
        .in_file(file)
        .at(text, line, column)
        .help("write `import \"lib/NAME\" as n;` at the top of the file; modules are files of `widgets/lib`")
}

fn is_module_path(path: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty()
            && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    path.strip_prefix("lib/").is_some_and(|name| name.split('/').all(word))
}

fn place(at: Position) -> Place {
    (at.line().unwrap_or(1), at.position().unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_and_blanked_and_nothing_else_moves() {
        let text = "// import \"no\"\nimport \"lib/time\" as t; const A = `x ${ if true { \"import }\" } } import`;\nfn f() { t::g() }";
        let (found, rest) = without_imports("widgets/x.rhai", text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&*found[0].path, &*found[0].alias, found[0].line, found[0].column),
            ("lib/time", "t", 2, 1)
        );
        assert_eq!(rest.len(), text.len());
        assert_eq!(rest.find("const A"), text.find("const A"));
        assert!(!rest.contains("lib/time") && rest.contains("t::g()"), "{rest}");
    }

    #[test]
    fn only_a_plain_import_at_the_top_is_one() {
        let said = |text: &str| {
            let d = imports("widgets/x.rhai", text).unwrap_err();
            format!("{d} | {}", d.help.clone().unwrap())
        };
        for (text, expected) in [
            (
                "fn f() { import \"lib/a\" as a; }",
                "widgets/x.rhai:1:10: `import` stands inside a function or block",
            ),
            ("import \"lib/\" + x as a;", "widgets/x.rhai:1:1: `import` is not complete"),
            (
                "import x as a;",
                "widgets/x.rhai:1:1: `import` needs the module's name as plain text",
            ),
            ("import \"/etc/passwd\" as a;", "widgets/x.rhai:1:1: `/etc/passwd` can't be imported"),
            ("import \"lib/../../x\" as a;", "widgets/x.rhai:1:1: `lib/../../x` can't be imported"),
            ("import \"lib/a\";", "widgets/x.rhai:1:1: `import` is not complete"),
        ] {
            let said = said(text);
            assert!(said.starts_with(expected), "{said}");
            assert!(said.contains("write `import \"lib/NAME\" as n;`"), "{said}");
        }
        let long = " ".repeat(MAX_SOURCE_BYTES + 1);
        assert!(imports("x", &long).unwrap_err().message.contains("65536 is the limit"));
    }

    #[test]
    fn a_version_is_of_all_texts() {
        let module = |text: &str| {
            Arc::new(Module {
                path: "lib/a".into(),
                file: "widgets/lib/a.rhai".into(),
                text: text.into(),
            })
        };
        let version =
            |text: &str| Source::new("widgets/x.rhai", "fn data(w) {}", vec![module(text)]).version;
        assert_eq!(version("1"), version("1"));
        assert_ne!(version("1"), version("2"));
    }
}
