//! A TOML document under reading: tables that know which keys they were asked for, and every problem with its place.
//!
//! Also for files that other rooms read, such as the cases of `hubs widget test`.

use super::{secret, value::Misfit};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use std::{
    cell::{Cell, RefCell},
    ops::Range,
    path::Path,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// More problems than these help nobody; the rest is counted.
const MAX_PROBLEMS: usize = 50;

/// Where an entry is in its file, for problems that are found later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Diagnostic);

impl Place {
    /// The place of an entry that no file has.
    pub(crate) fn built_in() -> Self {
        Self(Diagnostic::error("").in_file("built in"))
    }

    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic { message: message.into(), ..self.0.clone() }
    }

    /// `file:line:column`.
    pub fn shown(&self) -> String {
        self.0.place().unwrap_or_default()
    }
}

/// What of the world around the file its values may name.
pub(crate) struct Surroundings<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
}

pub(crate) struct Document<'d> {
    text: &'d str,
    /// The text with secrets blotted out, line by line and character by character the same: excerpts are of this.
    shown: String,
    file: &'d str,
    pub(crate) around: &'d Surroundings<'d>,
    problems: RefCell<Vec<Diagnostic>>,
}

/// The parsed text, or all that is wrong with it as TOML.
pub(crate) fn tree<'d>(text: &'d str, file: &str) -> Result<Spanned<DeTable<'d>>, Vec<Diagnostic>> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(tree);
    }
    let shown = secret::blotted(text);
    let problems = errors.iter().take(MAX_PROBLEMS).map(|error| {
        let message = format!("no TOML: {}", error.message().trim_end());
        let span = error.span().unwrap_or(0..0);
        placed(Diagnostic::error(message), text, &shown, span).in_file(file)
    });
    Err(problems.collect())
}

fn placed(problem: Diagnostic, text: &str, shown: &str, span: Range<usize>) -> Diagnostic {
    let mut problem = problem.at_span(text, span);
    problem.excerpt = problem.line.and_then(|line| shown.lines().nth(line - 1)).map(Into::into);
    problem
}

impl<'d> Document<'d> {
    pub(crate) fn new(text: &'d str, file: &'d str, around: &'d Surroundings<'d>) -> Self {
        let (shown, problems) = (secret::blotted(text), RefCell::default());
        Self { text, shown, file, around, problems }
    }

    pub(crate) fn root<'r>(&'r self, tree: &'r Spanned<DeTable<'r>>) -> Table<'r> {
        Table::new(self, String::new(), 0..0, tree.get_ref())
    }

    fn at(&self, span: Range<usize>, message: String) -> Diagnostic {
        placed(Diagnostic::error(message), self.text, &self.shown, span).in_file(self.file)
    }

    /// Problems of another file that this one names.
    pub(crate) fn adopt(&self, problems: Vec<Diagnostic>) {
        self.problems.borrow_mut().extend(problems);
    }

    /// What was read, if nothing was wrong with it.
    pub(crate) fn into_result<T>(self, read: T) -> Result<T, Vec<Diagnostic>> {
        let mut problems = self.problems.into_inner();
        if problems.is_empty() {
            return Ok(read);
        }
        let elsewhere = |problem: &Diagnostic| problem.file.as_deref() != Some(self.file);
        problems.sort_by_key(|problem| (elsewhere(problem), problem.line, problem.column));
        if problems.len() > MAX_PROBLEMS {
            let more = format!("{} more problems are not shown", problems.len() - MAX_PROBLEMS);
            problems.truncate(MAX_PROBLEMS);
            problems.push(Diagnostic::error(more).in_file(self.file));
        }
        Err(problems)
    }
}

/// A table of the document. Each key that is asked for counts as known; [`Table::finish`] refuses the others.
pub(crate) struct Table<'d> {
    pub(crate) document: &'d Document<'d>,
    /// Without brackets, as in `bus.fedmsg`; empty at the top.
    name: String,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
    known: RefCell<Vec<&'static str>>,
    /// Its keys are names of somebody's choice.
    is_free: Cell<bool>,
}

/// One value, with what its parser needs to say what is wrong.
pub(crate) struct Item<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) value: &'d DeValue<'d>,
    pub(crate) span: Range<usize>,
}

impl Item<'_> {
    /// As it stands in the file, shortened.
    pub(crate) fn given(&self) -> String {
        let text = self.document.text.get(self.span.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        match line.char_indices().nth(60) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None if line.len() < text.trim_end().len() => format!("{line} …"),
            None => line.into(),
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place(self.document.at(self.span.clone(), String::new()))
    }
}

impl<'d> Table<'d> {
    fn new(
        document: &'d Document<'d>,
        name: String,
        span: Range<usize>,
        entries: &'d DeTable<'d>,
    ) -> Self {
        let (known, is_free) = (RefCell::default(), Cell::default());
        Self { document, name, span, entries, known, is_free }
    }

    fn within(&self, key: &str) -> String {
        if self.name.is_empty() { key.into() } else { format!("{}.{key}", self.name) }
    }

    /// `` `listen` of [server] ``.
    fn called(&self, key: &str) -> String {
        if self.name.is_empty() {
            format!("`{key}`")
        } else {
            format!("`{key}` of [{}]", self.name)
        }
    }

    /// Writes down what is wrong; without a span it concerns the whole table.
    pub(crate) fn problem(
        &self,
        span: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) {
        let mut problem = self.document.at(span.unwrap_or_else(|| self.span.clone()), message);
        problem.help = help;
        self.document.problems.borrow_mut().push(problem);
    }

    pub(crate) fn item(&self, key: &'static str) -> Option<Item<'d>> {
        self.known.borrow_mut().push(key);
        let (document, value) = (self.document, self.entries.get(key)?);
        Some(Item { document, value: value.get_ref(), span: value.span() })
    }

    pub(crate) fn span_of(&self, key: &'static str) -> Option<Range<usize>> {
        self.item(key).map(|item| item.span)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The value of a key, if it is there and fits.
    pub(crate) fn read<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&Item<'d>) -> Result<T, Misfit>,
    ) -> Option<T> {
        let item = self.item(key)?;
        match parse(&item) {
            Ok(read) => Some(read),
            Err(Misfit::MustBe { fits, span, given }) => {
                let given = given.unwrap_or_else(|| item.given());
                let message = format!("{} is {given}, but must be {fits}", self.called(key));
                self.problem(Some(span.unwrap_or(item.span)), message, None);
                None
            }
            Err(Misfit::Says { message, span, help }) => {
                let message = format!("{}: {message}", self.called(key));
                self.problem(Some(span.unwrap_or(item.span)), message, help);
                None
            }
        }
    }

    /// Sets a place that has a default.
    pub(crate) fn set<T>(
        &self,
        key: &'static str,
        place: &mut T,
        parse: impl FnOnce(&Item<'d>) -> Result<T, Misfit>,
    ) {
        if let Some(read) = self.read(key, parse) {
            *place = read;
        }
    }

    /// As [`Table::read`]; that the key is not there is a problem.
    pub(crate) fn require<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&Item<'d>) -> Result<T, Misfit>,
    ) -> Option<T> {
        if !self.has(key) {
            self.problem(None, format!("[{}] has no `{key}`, which it must have", self.name), None);
        }
        self.read(key, parse)
    }

    pub(crate) fn table(&self, key: &'static str) -> Option<Table<'d>> {
        self.read(key, |item| match item.value {
            DeValue::Table(entries) => {
                Ok(Table::new(self.document, self.within(key), item.span.clone(), entries))
            }
            _ => Err(Misfit::must_be(format!("a table, as in `[{}]`", self.within(key)))),
        })
    }

    /// An array of tables; empty when the key is not there.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Table<'d>> {
        let fits = format!("tables, as in `[[{}]]`", self.within(key));
        let read = self.read(key, |item| {
            let array = item.value.as_array().ok_or_else(|| Misfit::must_be(fits.clone()))?;
            let tables = array.iter().map(|value| match value.get_ref() {
                DeValue::Table(entries) => {
                    Ok(Table::new(self.document, self.within(key), value.span(), entries))
                }
                _ => Err(Misfit::must_be(fits.clone()).at(value.span())),
            });
            tables.collect()
        });
        read.unwrap_or_default()
    }

    /// All that is there, of a table whose keys are free.
    pub(crate) fn items(&self) -> Vec<(String, Item<'d>)> {
        self.is_free.set(true);
        let item = |value: &'d Spanned<DeValue<'d>>| Item {
            document: self.document,
            value: value.get_ref(),
            span: value.span(),
        };
        self.entries.iter().map(|(key, value)| (key.get_ref().to_string(), item(value))).collect()
    }

    /// As [`Table::items`], where each must be a table.
    pub(crate) fn tables_by_name(&self) -> Vec<(String, Table<'d>)> {
        let tables = self.items().into_iter().filter_map(|(key, item)| {
            let within = self.within(&key);
            if let DeValue::Table(entries) = item.value {
                return Some((key, Table::new(self.document, within, item.span, entries)));
            }
            let message = format!("`{key}` of [{}] must be a table, as in `[{within}]`", self.name);
            self.problem(Some(item.span), message, None);
            None
        });
        tables.collect()
    }

    /// Refuses the keys that nobody asked for.
    pub(crate) fn finish(self) {
        if self.is_free.get() {
            return;
        }
        let known = self.known.borrow();
        for key in self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let given: &str = key.get_ref();
            let near = nearest(given, known.iter().copied());
            let message = match self.name.as_str() {
                "" => {
                    let file = self.document.file;
                    format!("{file} has no table `{given}`{}", did_you_mean(near))
                }
                name => format!("[{name}] has no key `{given}`{}", did_you_mean(near)),
            };
            let mut names: Vec<&str> = known.clone();
            names.sort_unstable();
            names.dedup();
            let help = near.is_none().then(|| format!("it may have: {}", names.join(", ")));
            let mut problem = self.document.at(key.span(), message);
            problem.help = help;
            if near.is_some_and(secret::is_secret) {
                // A slip in the name of a secret: what follows is the secret.
                let end = problem.column.unwrap_or(1) + problem.width - 1;
                problem.excerpt = problem.excerpt.map(|line| line.chars().take(end).collect());
            }
            self.document.problems.borrow_mut().push(problem);
        }
    }
}
