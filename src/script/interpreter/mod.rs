//! One thread's engines and compiled scripts. It never leaves its thread; only texts and JSON come and go.

use super::{
    Call, Failure, FailureKind, Install, Source, Tier, compile, convert,
    engine::Parts,
    facts::Facts,
    failure::Context,
    lint::{self, Lint, Role},
    memory,
    message::MessageArgument,
    panics,
    placed::Widget,
    program::Program,
    quarantine::Quarantine,
    run::{self, Running},
};
use crate::{config::Limits, diagnostic::Diagnostic, hub::Placed, message::Message};
use rhai::{Dynamic, EvalAltResult, Scope};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::{rc::Rc, sync::Arc};

/// Compiled scripts that a thread keeps; the one unused for longest makes room.
const PROGRAMS: usize = 512;

#[derive(Clone, Copy)]
pub enum Argument<'a> {
    Message(&'a MessageArgument),
    Messages(&'a [MessageArgument]),
    Widget(&'a Placed),
    Json(&'a Value),
}

pub struct Interpreter {
    tier: Tier,
    limits: Limits,
    parts: Parts,
    programs: FxHashMap<u64, (Rc<Program>, u64)>,
    /// Counts calls, to know which program was unused for longest.
    clock: u64,
    quarantine: Quarantine,
}

impl Interpreter {
    /// Runs on whatever thread it is made; how much stack a hostile script may need only a [`super::Pool`] sees to.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a recipe is a handle, and who makes one interpreter is done with it"
    )]
    pub fn new(tier: Tier, limits: Limits, install: Option<Install>) -> Self {
        Self::with_quarantine(tier, limits, install.as_ref(), Quarantine::default())
    }

    pub(super) fn with_quarantine(
        tier: Tier,
        limits: Limits,
        install: Option<&Install>,
        quarantine: Quarantine,
    ) -> Self {
        panics::silence();
        let tools = install.map(|install| install.tools(tier)).unwrap_or_default();
        let parts = Parts::new(tier, tools);
        Self { tier, limits, parts, programs: FxHashMap::default(), clock: 0, quarantine }
    }

    /// Compiles, and tells what the script says of itself.
    pub fn check(&mut self, source: &Arc<Source>) -> Result<Facts, Vec<Diagnostic>> {
        self.program(source).map(|program| program.facts.clone())
    }

    /// Reads a script without running it, for what can be said of it so. For who loads scripts; it costs as much as
    /// compiling.
    pub fn lint(&mut self, source: &Arc<Source>, role: Role) -> Lint {
        match self.program(source) {
            Ok(program) => {
                let known = self.parts.known(self.tier, &self.limits);
                // A fault of the reader must not cost a thread that serves widgets.
                panics::catch(|| lint::read(&program, source, known, role)).unwrap_or_default()
            }
            // It does not compile: `check` says so.
            Err(_) => Lint::default(),
        }
    }

    pub fn message(&mut self, message: &Message) -> MessageArgument {
        MessageArgument::new(message, self.tier)
    }

    /// Calls a function and returns what it returned, as JSON.
    pub fn call(
        &mut self,
        source: &Arc<Source>,
        function: &str,
        args: &[Argument<'_>],
        call: &Call,
    ) -> Result<Value, Failure> {
        let program = self.program(source).map_err(|found| {
            let found = found.into_iter().next();
            Failure::compile(found.unwrap_or_else(|| Diagnostic::error("does not compile")))
        })?;
        let entry = program.entry(function, args.len());
        let context = Context {
            source,
            file: &source.file,
            tier: self.tier,
            limits: &self.limits,
            engine: &program.engine,
            line: entry.as_ref().map(|entry| entry.line),
            scope: None,
        };
        let Some(entry) = &entry else { return Err(context.missing(function, args.len())) };
        if let Some(bytes) = self.quarantine.refuses(source.version) {
            return Err(quarantined(&source.file, bytes));
        }
        let running = Running::begin(&self.limits, self.tier, call);
        // What leaves is the caller's: neither the script's budget nor its leak.
        let mut leaves = 0;
        let mut scope = Scope::new();
        let outcome = panics::catch(|| {
            let returned = entry.call(&program.engine, &mut scope, args.iter().map(argument))?;
            let before = memory::live();
            let json = convert::to_json(&returned, self.limits.returned_bytes);
            leaves = memory::live() - before;
            Ok::<_, Box<EvalAltResult>>(json)
        });
        let stopped = run::stopped();
        let result = match outcome {
            Err(()) => {
                // Whatever the panic left locked belongs to this engine: it goes with it.
                self.programs.remove(&source.version);
                Err(context.panicked(function))
            }
            Ok(Err(error)) => {
                Err(Context { scope: Some(&scope), ..context }.failure(*error, stopped))
            }
            Ok(Ok(_)) if stopped.is_some() => Err(context.stopped(stopped)),
            Ok(Ok(json)) => json.map_err(|unfit| context.unfit(function, &unfit)),
        };
        drop(scope);
        self.quarantine.note(source.version, run::held() - leaves);
        drop(running);
        result
    }

    fn program(&mut self, source: &Arc<Source>) -> Result<Rc<Program>, Vec<Diagnostic>> {
        self.clock += 1;
        if let Some((program, used)) = self.programs.get_mut(&source.version) {
            *used = self.clock;
            return Ok(program.clone());
        }
        let compiled =
            panics::catch(|| compile::program(source, &self.parts, self.tier, &self.limits));
        let program = Rc::new(compiled.unwrap_or_else(|()| {
            let said = "the script makes the parser panic: please report it with the script";
            Err(vec![Diagnostic::error(said).in_file(&*source.file)])
        })?);
        if self.programs.len() >= PROGRAMS {
            let oldest = self.programs.iter().min_by_key(|(_, (_, used))| *used).map(|(v, _)| *v);
            oldest.and_then(|oldest| self.programs.remove(&oldest));
        }
        self.programs.insert(source.version, (program.clone(), self.clock));
        Ok(program)
    }
}

fn argument(arg: &Argument<'_>) -> Dynamic {
    match arg {
        Argument::Message(message) => message.top(),
        Argument::Messages(messages) => {
            messages.iter().map(MessageArgument::tree).collect::<rhai::Array>().into()
        }
        Argument::Widget(placed) => Dynamic::from(Widget(Rc::new((*placed).clone()))),
        Argument::Json(value) => convert::to_dynamic(value),
    }
}

fn quarantined(file: &str, bytes: usize) -> Failure {
    let said = format!("is refused: its earlier calls left {bytes} bytes of memory behind");
    let diagnostic = Diagnostic::error(said)
        .in_file(file)
        .help("look for a closure that is kept in the map or list which it captures; a new version runs again");
    Failure { kind: FailureKind::Quarantined, diagnostic }
}

#[cfg(test)]
mod tests;
