//! From a source to a program: imports, constants and checks, module by module, then the script itself.

use super::{
    Tier, convert,
    engine::Parts,
    facts::{self, Facts, place},
    failure, panics, parsing,
    placed::Settings,
    program::{Functions, Program},
    run::{self, Call, Running},
    source::{self, Source, without_imports},
    tree::Tree,
    watch::Watch,
};
use crate::{
    config::Limits,
    diagnostic::{Diagnostic, did_you_mean, nearest},
};
use jiff::Timestamp;
use rhai::{
    AST, ASTFlags, ASTNode, Dynamic, Engine, Expr, FLOAT, INT, ImmutableString, Module, ParseError,
    Scope, Stmt,
};
use std::collections::{BTreeMap, BTreeSet};
use std::{rc::Rc, time::Duration};

pub(super) fn program(
    source: &Source,
    parts: &Parts,
    tier: Tier,
    limits: &Limits,
    watch: &Watch,
) -> Result<Program, Vec<Diagnostic>> {
    let mut unit = Unit::new(source, parts, tier, limits, watch);
    for module in &source.modules {
        let loaded = unit.load(&module.file, &module.text);
        let (ast, _) = loaded.map_err(|first| unit.others(first, &module.file, &module.text))?;
        unit.keep_module(module, ast).map_err(|d| vec![d])?;
    }
    let loaded = unit.load(&source.file, &source.text);
    let (ast, mut facts) =
        loaded.map_err(|first| unit.others(first, &source.file, &source.text))?;
    facts.functions = facts::functions(&ast);
    let Unit { mut engine, properties, constants, captures, aliases, functions, .. } = unit;
    for name in properties {
        register_getters(&mut engine, &name, tier);
    }
    let constants: BTreeMap<String, Dynamic> =
        constants.iter().map(|(name, _, value)| (name.into(), value)).collect();
    if captures {
        let known = constants.clone();
        #[expect(deprecated, reason = "volatile by its own words; the version of Rhai is pinned")]
        engine.on_var(move |name, index, _| match index {
            0 => Ok(known.get(name).cloned()),
            _ => Ok(None),
        });
    }
    let module = |(alias, path): (String, String)| Some((alias, functions.get(&path)?.clone()));
    let modules = aliases.into_iter().filter_map(module).collect();
    Ok(Program { engine, facts, own: Functions::new(ast, source.text.clone()), modules, constants })
}

/// The files of a source as trees, modules first.
pub(super) fn trees(
    source: &Source,
    parts: &Parts,
    tier: Tier,
    limits: &Limits,
) -> Result<Vec<(String, AST)>, Diagnostic> {
    let mut unit = Unit::new(source, parts, tier, limits, &Watch::Nothing);
    let mut trees = Vec::new();
    for module in &source.modules {
        let (ast, _) = unit.load(&module.file, &module.text)?;
        unit.keep_module(module, ast.clone())?;
        trees.push((module.file.clone(), ast));
    }
    let (ast, _) = unit.load(&source.file, &source.text)?;
    trees.push((source.file.clone(), ast));
    Ok(trees)
}

/// The top of a file runs once, and nobody waits for it: a busy machine must not make a good script a broken one.
const TOP_DEADLINE: Duration = Duration::from_secs(1);

/// Properties that Rhai's own texts and numbers have.
pub(super) const GETTERS_OF_LEAVES: [&str; 16] = [
    "bits",
    "bytes",
    "ceiling",
    "chars",
    "floor",
    "fraction",
    "int",
    "is_empty",
    "is_even",
    "is_finite",
    "is_infinite",
    "is_nan",
    "is_odd",
    "is_zero",
    "len",
    "round",
];

/// A field that the script names somewhere is read by a getter of its own: a third faster than by an indexer.
fn register_getters(engine: &mut Engine, name: &str, tier: Tier) {
    let field = name.to_string();
    engine.register_get(name, move |tree: &mut Tree| tree.field(&field));
    let field = name.to_string();
    engine.register_get(name, move |settings: &mut Settings| settings.field(&field));
    if tier == Tier::Data {
        return;
    }
    engine.register_get(name, |(): &mut ()| Dynamic::UNIT);
    if !GETTERS_OF_LEAVES.contains(&name) {
        // Where one message has an object another may have a text: there is no field in it either.
        engine.register_get(name, |_: &mut ImmutableString| Dynamic::UNIT);
        engine.register_get(name, |_: &mut INT| Dynamic::UNIT);
        engine.register_get(name, |_: &mut FLOAT| Dynamic::UNIT);
        engine.register_get(name, |_: &mut bool| Dynamic::UNIT);
    }
}

/// A compilation on its way.
struct Unit<'s> {
    source: &'s Source,
    parts: &'s Parts,
    tier: Tier,
    limits: &'s Limits,
    watch: &'s Watch,
    engine: Engine,
    /// By path, as imported.
    modules: BTreeMap<String, rhai::Shared<Module>>,
    /// Which path an alias stands for.
    aliases: BTreeMap<String, String>,
    /// By path, to be read as functions are.
    functions: BTreeMap<String, Rc<Functions>>,
    /// Constants of all files: functions find them by name, wherever they stand.
    constants: Scope<'static>,
    defined_in: BTreeMap<String, String>,
    properties: BTreeSet<String>,
    /// A closure names a constant. Rhai takes that for a variable to capture, and finds none.
    captures: bool,
}

impl<'s> Unit<'s> {
    fn new(
        source: &'s Source,
        parts: &'s Parts,
        tier: Tier,
        limits: &'s Limits,
        watch: &'s Watch,
    ) -> Self {
        Self {
            source,
            parts,
            tier,
            limits,
            watch,
            engine: parts.engine(tier, limits, watch),
            modules: BTreeMap::new(),
            aliases: BTreeMap::new(),
            functions: BTreeMap::new(),
            constants: Scope::new(),
            defined_in: BTreeMap::new(),
            properties: BTreeSet::new(),
            captures: false,
        }
    }

    fn load(&mut self, file: &str, text: &str) -> Result<(AST, Facts), Diagnostic> {
        let (imports, code) = without_imports(file, text)?;
        for import in imports {
            let refuse = |said: String| {
                Diagnostic::error(said).in_file(file).at(text, import.line, import.column)
            };
            let Some(module) = self.modules.get(&import.path) else {
                let known = self.modules.keys().map(String::as_str);
                let hint = did_you_mean(nearest(&import.path, known));
                return Err(refuse(format!("there is no module `{}`{hint}", import.path))
                    .help(format!("it would be the file widgets/{}.rhai", import.path)));
            };
            if self.parts.has_module(&import.alias) {
                let said = format!("`{}` is a module that every script has", import.alias);
                return Err(refuse(said).help("choose another name behind `as`"));
            }
            match self.aliases.get(&import.alias) {
                Some(path) if *path != import.path => {
                    let said = format!("`{}` already names the module `{path}`", import.alias);
                    return Err(refuse(said).help("choose another name behind `as`"));
                }
                _ => {}
            }
            self.engine.register_static_module(&import.alias, module.clone());
            self.aliases.insert(import.alias.clone(), import.path.clone());
        }
        let unread = |error: ParseError| {
            let modules: Vec<&str> = self.parts.modules().collect();
            parsing::diagnostic(&error, file, text, &modules)
        };
        self.engine.set_strict_variables(false);
        let first = self.engine.compile(&code).map_err(unread)?;
        only_constants(&first, file, text)?;
        self.watch.open(&mut self.engine, file, &first);
        let facts = self.evaluate(first, file, text)?;
        self.engine.set_strict_variables(true);
        let compiled = self.engine.compile_with_scope(&self.constants, &code);
        self.watch.close();
        let mut ast = compiled.map_err(unread)?;
        ast.set_source(file);
        self.note_properties(&ast);
        Ok((ast, facts))
    }

    /// The error that stopped a file from being loaded, and what else the parser finds in it.
    fn others(&self, first: Diagnostic, file: &str, text: &str) -> Vec<Diagnostic> {
        parsing::all(first, text, |rest| {
            let (_, code) = without_imports(file, rest).ok()?;
            // Before the constants are known a name may be one of them.
            let read = if self.engine.strict_variables() {
                self.engine.compile_with_scope(&self.constants, &code)
            } else {
                self.engine.compile(&code)
            };
            let modules: Vec<&str> = self.parts.modules().collect();
            Some(parsing::diagnostic(&read.err()?, file, rest, &modules))
        })
    }

    /// Runs the top of a file once, under the limits, for its constants.
    fn evaluate(&mut self, mut ast: AST, file: &str, text: &str) -> Result<Facts, Diagnostic> {
        ast.set_source(file);
        let mut scope = Scope::new();
        let call = Call::at(Timestamp::UNIX_EPOCH);
        let limits =
            Limits { deadline: self.limits.deadline.max(TOP_DEADLINE), ..self.limits.clone() };
        let running = Running::begin(&limits, self.tier, &call);
        let ran = panics::catch(|| self.engine.run_ast_with_scope(&mut scope, &ast));
        let stopped = run::stopped();
        drop(running);
        let context = failure::Context {
            source: self.source,
            file,
            tier: self.tier,
            limits: &limits,
            engine: &self.engine,
            line: None,
            scope: None,
        };
        match ran {
            Ok(Ok(())) if stopped.is_none() => {}
            Ok(Ok(())) => return Err(context.stopped(stopped).diagnostic),
            Ok(Err(error)) => return Err(context.failure(*error, stopped).diagnostic),
            Err(()) => return Err(context.panicked("the top of the file").diagnostic),
        }
        let mut facts = Facts { doc: facts::doc_lines(ast.doc(), "//!"), ..Facts::default() };
        let places = facts::constant_places(&ast);
        let mut shared = Module::new();
        for (name, _, value) in scope.iter() {
            let (line, column) = places.get(name).copied().unwrap_or((1, 1));
            let refuse =
                |said: String| Diagnostic::error(said).in_file(file).at(text, line, column);
            let json = convert::to_json(&value, self.limits.memory_bytes).map_err(|_| {
                refuse(format!("the constant `{name}` is no data"))
                    .help("a constant holds text, numbers, booleans, lists and maps")
            })?;
            if let Some(other) = self.defined_in.insert(name.into(), file.into())
                && other != file
            {
                return Err(refuse(format!("`{name}` is a constant of {other} too")).help(
                    "a script and its modules share their constants: rename one of the two",
                ));
            }
            // Read-only and shared: reading a large table costs no copy.
            let value = if value.is_map() || value.is_array() {
                value.into_read_only().into_shared()
            } else {
                value
            };
            shared.set_var(name, value.clone());
            self.constants.push_constant_dynamic(name, value);
            facts.constants.insert(name.into(), json);
            facts.places.insert(name.into(), (line, column));
        }
        if !facts.constants.is_empty() {
            shared.build_index();
            self.engine.register_global_module(shared.into());
        }
        Ok(facts)
    }

    fn keep_module(&mut self, source: &source::Module, mut ast: AST) -> Result<(), Diagnostic> {
        let (path, file) = (source.path.as_str(), source.file.as_str());
        ast.clear_statements();
        let mut module = Module::eval_ast_as_new(Scope::new(), &ast, &self.engine)
            .map_err(|error| Diagnostic::error(error.to_string()).in_file(file))?;
        for (name, _, value) in self.constants.iter() {
            if self.defined_in.get(name).is_some_and(|defined| defined == file) {
                module.set_var(name, value);
            }
        }
        module.build_index();
        self.functions.insert(path.into(), Rc::new(Functions::new(ast, source.text.clone())));
        self.modules.insert(path.into(), module.into());
        Ok(())
    }

    fn note_properties(&mut self, ast: &AST) {
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Expr(Expr::Property(property, _))) => {
                    self.properties.insert(property.2.to_string());
                }
                Some(ASTNode::Stmt(Stmt::Share(captured))) => {
                    self.captures |= captured.iter().any(|(name, index)| {
                        index.is_none() && self.constants.contains(&name.name)
                    });
                }
                _ => {}
            }
            true
        });
    }
}

/// A function can't see a variable of the top, and nothing may happen when a file is loaded.
fn only_constants(ast: &AST, file: &str, text: &str) -> Result<(), Diagnostic> {
    for statement in ast.statements() {
        let constant = match statement {
            Stmt::Noop(_) => true,
            Stmt::Var(_, flags, _) => flags.intersects(ASTFlags::CONSTANT),
            _ => false,
        };
        if !constant {
            let (line, column) = place(statement.position());
            return Err(Diagnostic::error(
                "only `import`, `const` and `fn` may stand at the top of a file",
            )
            .in_file(file)
            .at(text, line, column)
            .help("make it a `const`, or move it into the function that needs it"));
        }
    }
    Ok(())
}
