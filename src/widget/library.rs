//! All widgets and processors of a site, as one immutable picture; a reload makes the next.

use super::definition::Definition;
use super::lint::{self, Subject};
use super::processors::{Processor, Processors};
use crate::config::Site;
use crate::diagnostic::{Diagnostic, Severity, did_you_mean, nearest};
use crate::hub::{NameError, WidgetName};
use crate::script::{self, Facts, Interpreter, Lint, Module, Role, Source};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Modules that one script may reach, its imports' imports included.
const MAX_MODULES: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no widget `{name}`{}", did_you_mean(.nearest.as_deref()))]
pub struct UnknownWidget {
    pub name: WidgetName,
    pub nearest: Option<String>,
}

/// One picture of a site's scripts.
#[derive(Debug, Default)]
pub struct Library {
    widgets: BTreeMap<WidgetName, Arc<Definition>>,
    processors: Processors,
    /// What the modules of widgets/lib/ say of themselves, by file.
    modules: BTreeMap<String, Facts>,
    /// What is wrong, by file; a file with an error serves its last good version, if it had one.
    problems: BTreeMap<String, Vec<Diagnostic>>,
}

impl Library {
    /// Reads and compiles what a site has. What is unchanged since `previous` is taken from it; what no longer
    /// compiles keeps the version it had there.
    pub fn load(site: &Site, interpreter: &mut Interpreter, previous: Option<&Library>) -> Self {
        let mut loading = Loading { site, interpreter, previous, library: Library::default() };
        for file in site.list("widgets", ".rhai") {
            let below = file.trim_start_matches("widgets/").trim_end_matches(".rhai").to_owned();
            match below.split_once('/') {
                Some(("lib", _)) => loading.module(&file),
                Some(("messages", family)) => loading.processor(&file, family),
                _ => loading.widget(&file, &below),
            }
        }
        loading.library
    }

    pub fn get(&self, name: &WidgetName) -> Result<&Arc<Definition>, UnknownWidget> {
        self.widgets.get(name).ok_or_else(|| {
            let nearest = nearest(name.as_str(), self.widgets.keys().map(WidgetName::as_str));
            UnknownWidget { name: name.clone(), nearest: nearest.map(Into::into) }
        })
    }

    /// By name.
    pub fn widgets(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.widgets.values()
    }

    pub fn processors(&self) -> &Processors {
        &self.processors
    }

    /// The modules of widgets/lib/ by file, and what they say of themselves.
    pub fn modules(&self) -> impl Iterator<Item = (&str, &Facts)> {
        self.modules.iter().map(|(file, facts)| (file.as_str(), facts))
    }

    /// What is wrong with the latest version of the files, by file.
    pub fn problems(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.values().flatten()
    }

    /// What is wrong with one widget's script, or with its template.
    pub fn problems_of(&self, name: &WidgetName) -> &[Diagnostic] {
        self.problems.get(&format!("widgets/{}.rhai", name.path())).map_or(&[], Vec::as_slice)
    }

    /// The same, and what is wrong with the modules that its script imports.
    pub fn problems_reaching(&self, name: &WidgetName) -> Vec<Diagnostic> {
        let mut found = self.problems_of(name).to_vec();
        let modules = self.widgets.get(name).map_or(&[][..], |widget| &widget.source.modules);
        for module in modules {
            for problem in self.problems.get(&module.file).into_iter().flatten() {
                if !found.contains(problem) {
                    found.push(problem.clone());
                }
            }
        }
        found
    }

    /// Every widget that has a script, also one that never worked.
    pub fn names(&self) -> BTreeSet<WidgetName> {
        let broken = self.problems.keys().filter_map(|file| {
            let below = file.strip_prefix("widgets/")?.strip_suffix(".rhai")?;
            let folder = below.split_once('/').map(|(folder, _)| folder);
            let is_widget = !matches!(folder, Some("lib" | "messages"));
            is_widget.then(|| below.replace('/', ".").parse().ok()).flatten()
        });
        self.widgets.keys().cloned().chain(broken).collect()
    }

    /// The widgets whose script is another one than in `previous`, and those that only one of the two has.
    pub fn changed_since(&self, previous: &Library) -> Vec<WidgetName> {
        let names: BTreeSet<_> = self.widgets.keys().chain(previous.widgets.keys()).collect();
        let version = |library: &Library, name| {
            library.widgets.get(name).map(|d: &Arc<Definition>| d.source.version)
        };
        names
            .into_iter()
            .filter(|name| version(self, name) != version(previous, name))
            .cloned()
            .collect()
    }
}

/// Where a template of a widget lies in its site.
pub fn template_of(name: &WidgetName) -> String {
    format!("templates/widgets/{}.html", name.path())
}

struct Loading<'a> {
    site: &'a Site,
    interpreter: &'a mut Interpreter,
    previous: Option<&'a Library>,
    library: Library,
}

impl Loading<'_> {
    fn widget(&mut self, file: &str, below: &str) {
        let name = match below.replace('/', ".").parse::<WidgetName>() {
            Ok(name) => name,
            Err(NameError::Widget(given)) => {
                let message =
                    format!("`{given}` can't be the name of a widget, so this script is left out");
                let help = "words of a-z, 0-9 and `_` make one: rename the file";
                self.problem(file, Diagnostic::error(message).in_file(file).help(help));
                return;
            }
            Err(other) => {
                return self.problem(file, Diagnostic::error(other.to_string()).in_file(file));
            }
        };
        let old = self.previous.and_then(|library| library.widgets.get(&name)).cloned();
        let template = template_of(&name);
        let text =
            self.site.read(&template).map(|text| String::from_utf8_lossy(&text).into_owned());
        let read = self.latest(
            file,
            old.as_ref(),
            |definition| &definition.source,
            Role::Widget,
            |source, facts, lint| {
                let text = text.as_deref();
                let about = Subject { source: &source, facts, lint, template: text };
                let found = lint::widget(&about);
                let (read, mut problems) = Definition::read(name.clone(), source, facts, lint);
                problems.extend(found);
                (read, problems)
            },
        );
        if let Some(new) =
            read.as_ref().filter(|new| !old.as_ref().is_some_and(|old| Arc::ptr_eq(old, new)))
        {
            new.read_reach(self.interpreter);
            // Where something is wrong with the script, that may be all the reason.
            if self.library.problems.get(file).is_none_or(Vec::is_empty) {
                let problems = new.check_reach(self.interpreter);
                self.problems(file, problems);
            }
        }
        if text.is_none() {
            let message = format!("widget `{name}` has no template");
            let help = format!("write {template}: it sees the fields of what `data` returned");
            self.problem(file, Diagnostic::error(message).in_file(template).help(help));
        }
        if let Some(definition) = read.or(old) {
            self.library.widgets.insert(name, definition);
        }
    }

    fn processor(&mut self, file: &str, family: &str) {
        let old = self.previous.and_then(|library| library.processors.of(family)).cloned();
        let read = self.latest(
            file,
            old.as_ref(),
            |processor| &processor.source,
            Role::Processor,
            |source, facts, lint| {
                let unread = lint::unread(&source, lint);
                let (read, mut problems) = Processor::read(family, source, facts);
                problems.extend(unread);
                (read, problems)
            },
        );
        if let Some(processor) = read.or(old) {
            self.library.processors.add(processor);
        }
    }

    /// A file as it is now: what it was where its version is the same, else read anew; `None` where it is broken.
    fn latest<T>(
        &mut self,
        file: &str,
        old: Option<&Arc<T>>,
        source_of: impl Fn(&T) -> &Arc<Source>,
        role: Role,
        read: impl FnOnce(Arc<Source>, &Facts, &Lint) -> (Option<T>, Vec<Diagnostic>),
    ) -> Option<Arc<T>> {
        let source = match self.source(file) {
            Ok(source) => source,
            Err(problem) => {
                self.problem(file, problem);
                return None;
            }
        };
        // One that is back after an error is read again for its warnings.
        let is_same = |old: &&Arc<T>| source_of(old).version == source.version;
        if let Some(same) = old.filter(is_same).filter(|_| !self.was_broken(file)) {
            self.keep_findings(file);
            return Some(same.clone());
        }
        let facts = self.compiled(file, &source)?;
        let mut lint = self.interpreter.lint(&source, role);
        self.problems(file, std::mem::take(&mut lint.problems));
        let (latest, problems) = read(source, &facts, &lint);
        self.problems(file, problems);
        latest.map(Arc::new)
    }

    /// A module is compiled for itself too, so that one which nobody imports yet is checked.
    fn module(&mut self, file: &str) {
        match self.source(file) {
            Ok(source) => {
                if let Some(facts) = self.compiled(file, &source) {
                    self.library.modules.insert(file.into(), facts);
                    let found = self.interpreter.lint(&source, Role::Module).problems;
                    self.problems(file, found);
                }
            }
            Err(problem) => self.problem(file, problem),
        }
    }

    fn compiled(&mut self, file: &str, source: &Arc<Source>) -> Option<Facts> {
        match self.interpreter.check(source) {
            Ok(facts) => Some(facts),
            Err(problems) => {
                self.problems(file, problems);
                None
            }
        }
    }

    fn was_broken(&self, file: &str) -> bool {
        let old = self.previous.and_then(|library| library.problems.get(file));
        old.into_iter().flatten().any(|problem| problem.severity == Severity::Error)
    }

    /// An unchanged script has the findings that it had. None of them kept it from being read.
    fn keep_findings(&mut self, file: &str) {
        let old = self.previous.and_then(|library| library.problems.get(file));
        let own = old.into_iter().flatten().filter(|p| p.file.as_deref() == Some(file)).cloned();
        self.library.problems.entry(file.into()).or_default().extend(own);
    }

    fn problems(&mut self, file: &str, problems: Vec<Diagnostic>) {
        self.library.problems.entry(file.into()).or_default().extend(problems);
    }

    fn problem(&mut self, file: &str, problem: Diagnostic) {
        self.library.problems.entry(file.into()).or_default().push(problem);
    }

    /// The script with all modules that it imports, dependencies first.
    fn source(&self, file: &str) -> Result<Arc<Source>, Diagnostic> {
        let text = self.text(file)?;
        let mut modules = Vec::new();
        let mut open = HashSet::new();
        self.gather(file, &text, &mut modules, &mut open)?;
        Ok(Arc::new(Source::new(file, text, modules)))
    }

    fn text(&self, file: &str) -> Result<Arc<str>, Diagnostic> {
        let text = self.module_text(file)?;
        text.ok_or_else(|| Diagnostic::error(format!("`{file}` is gone")).in_file(file))
    }

    fn module_text(&self, file: &str) -> Result<Option<Arc<str>>, Diagnostic> {
        let read = self.site.read_text(file);
        let text = read.map_err(|problem| Diagnostic::error(problem.to_string()).in_file(file))?;
        Ok(text.map(Into::into))
    }

    fn gather(
        &self,
        file: &str,
        text: &str,
        modules: &mut Vec<Arc<Module>>,
        open: &mut HashSet<String>,
    ) -> Result<(), Diagnostic> {
        for import in script::imports(file, text)? {
            let here = |message: String| {
                Diagnostic::error(message).in_file(file).at(text, import.line, import.column)
            };
            if modules.iter().any(|m| m.path == import.path) {
                continue;
            }
            let target = format!("widgets/{}.rhai", import.path);
            let Some(found) = self.module_text(&target)? else {
                let known = self.site.list("widgets/lib", ".rhai");
                let known =
                    known.iter().filter_map(|f| f.strip_prefix("widgets/")?.strip_suffix(".rhai"));
                let meant = did_you_mean(nearest(&import.path, known));
                return Err(here(format!("there is no module `{}`{meant}", import.path))
                    .help(format!("a module is a script in widgets/lib/: write {target}")));
            };
            if !open.insert(import.path.clone()) {
                return Err(here(format!("`{}` imports itself, by way of others", import.path))
                    .help("move what both need into a third module"));
            }
            self.gather(&target, &found, modules, open)?;
            open.remove(&import.path);
            if modules.len() >= MAX_MODULES {
                return Err(here(format!("more than {MAX_MODULES} modules in one script"))
                    .help("put some of them together"));
            }
            modules.push(Arc::new(Module { path: import.path, file: target, text: found }));
        }
        Ok(())
    }
}

/// The library that everybody reads, exchanged as a whole on reload.
#[derive(Debug)]
pub struct Shelf {
    site: Site,
    current: ArcSwap<Library>,
}

impl Shelf {
    pub fn new(site: Site, interpreter: &mut Interpreter) -> Self {
        let library = Library::load(&site, interpreter, None);
        Self { site, current: ArcSwap::from_pointee(library) }
    }

    pub fn library(&self) -> Arc<Library> {
        self.current.load_full()
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Reads the site anew. Returns the picture before and after.
    pub fn reload(&self, interpreter: &mut Interpreter) -> (Arc<Library>, Arc<Library>) {
        let before = self.library();
        let after = Arc::new(Library::load(&self.site, interpreter, Some(&before)));
        self.current.store(after.clone());
        (before, after)
    }
}
