//! One thread's engines and compiled scripts. It never leaves its thread; only texts and JSON come and go.

use super::{
    Call, Coverage, Failure, FailureKind, Install, Source, Tier, Traced, Used, compile, convert,
    coverage::{self, Hits},
    engine::Parts,
    facts::Facts,
    failure::Context,
    inference::{self, Inferred},
    lint::{self, Lint, Role},
    memory,
    message::MessageArgument,
    panics,
    placed::Widget,
    program::Program,
    quarantine::Quarantine,
    run::{self, Running},
    trace,
    watch::Watch,
};
use crate::{config::Limits, diagnostic::Diagnostic, hub::Placed, message::Message};
use rhai::{Dynamic, EvalAltResult, Scope};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::{rc::Rc, sync::Arc};

/// Compiled scripts that a thread keeps; the one unused for longest makes room.
const PROGRAMS: usize = 512;

/// The same of scripts that are watched while they answer: somebody waits for one of them at a time.
const TRACED: usize = 16;

/// Watching takes time that is not the script's: so many times the deadline, where that is a matter of microseconds.
const PATIENCE: u32 = 20;

/// A debugger holds copies of the arguments of all calls that have not returned.
const COPIES: usize = 4;

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
    /// Compiled so that they tell of their comparisons.
    traced: FxHashMap<u64, Rc<Program>>,
    /// What was reached of each version, where that is wanted.
    hits: Option<FxHashMap<u64, Hits>>,
    used: Used,
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
        Self {
            tier,
            limits,
            parts,
            programs: FxHashMap::default(),
            traced: FxHashMap::default(),
            hits: None,
            used: Used::default(),
            clock: 0,
            quarantine,
        }
    }

    /// An interpreter that notes what its scripts reach, see [`Self::coverage`]: half as fast, and so with a longer
    /// deadline in the pure tier, and with more memory. All other limits hold.
    pub fn covering(tier: Tier, limits: Limits, install: Option<Install>) -> Self {
        let mut limits = patient(tier, limits);
        limits.memory_bytes = limits.memory_bytes.saturating_mul(COPIES);
        Self { hits: Some(FxHashMap::default()), ..Self::new(tier, limits, install) }
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
        self.used = Used::default();
        let program = self.program(source).map_err(broken)?;
        self.run(&program, None, source, function, args, call)
    }

    /// The same, with the comparisons that led to the answer. Slower: for a person who asks why.
    pub fn call_traced(
        &mut self,
        source: &Arc<Source>,
        function: &str,
        args: &[Argument<'_>],
        call: &Call,
    ) -> Traced {
        self.used = Used::default();
        trace::begin();
        let result = self.traced_program(source).map_err(broken).and_then(|program| {
            let limits = patient(self.tier, self.limits.clone());
            self.run(&program, Some(&limits), source, function, args, call)
        });
        Traced { result, comparisons: trace::end() }
    }

    /// Calls a function with a list of messages, which may use as much as calls about each of them.
    pub fn call_about(
        &mut self,
        source: &Arc<Source>,
        function: &str,
        messages: &[MessageArgument],
        call: &Call,
    ) -> Result<Value, Failure> {
        self.used = Used::default();
        let program = self.program(source).map_err(broken)?;
        let limits = self.limits.for_each_of(messages.len());
        self.run(&program, Some(&limits), source, function, &[Argument::Messages(messages)], call)
    }

    /// What the last call used, failed or not.
    pub fn used(&self) -> Used {
        self.used
    }

    /// What the calls of an interpreter made by [`Self::covering`] have reached of a script and its modules. Nothing is
    /// known of a script that does not compile.
    pub fn coverage(&self, source: &Source) -> Coverage {
        let trees = panics::catch(|| compile::trees(source, &self.parts, self.tier, &self.limits));
        let Ok(Ok(trees)) = trees else { return Coverage::default() };
        let hits = self.hits.as_ref().and_then(|hits| hits.get(&source.version));
        coverage::of(&source.file, &trees, hits)
    }

    fn run(
        &mut self,
        program: &Program,
        limits: Option<&Limits>,
        source: &Arc<Source>,
        function: &str,
        args: &[Argument<'_>],
        call: &Call,
    ) -> Result<Value, Failure> {
        let limits = limits.unwrap_or(&self.limits);
        let entry = program.entry(function, args.len());
        let context = Context {
            source,
            file: &source.file,
            tier: self.tier,
            limits,
            engine: &program.engine,
            line: entry.as_ref().map(|entry| entry.line),
            scope: None,
        };
        let Some(entry) = &entry else { return Err(context.missing(function, args.len())) };
        if let Some(bytes) = self.quarantine.refuses(source.version) {
            return Err(quarantined(&source.file, bytes));
        }
        let running = Running::begin(limits, self.tier, call);
        // What leaves is the caller's: neither the script's budget nor its leak.
        let mut leaves = 0;
        let mut scope = Scope::new();
        let outcome = panics::catch(|| {
            let returned = entry.call(&program.engine, &mut scope, args.iter().map(argument));
            run::look();
            let returned = returned?;
            let before = memory::live();
            let json = convert::to_json(&returned, limits.returned_bytes);
            leaves = memory::live() - before;
            Ok::<_, Box<EvalAltResult>>(json)
        });
        let stopped = run::stopped();
        self.used = run::used();
        let result = match outcome {
            Err(()) => {
                // Whatever the panic left locked belongs to this engine: it goes with it.
                self.programs.remove(&source.version);
                self.traced.remove(&source.version);
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

    /// What must be true of a message for a function of message and widget to answer `true`, as far as it is plain to
    /// see in the script; open where nothing is.
    pub fn infer(
        &mut self,
        source: &Arc<Source>,
        function: &str,
        placed: &Placed,
        call: &Call,
    ) -> Inferred {
        let Ok(program) = self.program(source) else { return Inferred::nothing() };
        // Its steps are counted; an instance must not be lost to the index because the machine was busy for a moment.
        let limits = patient(self.tier, self.limits.clone());
        let running = Running::begin(&limits, self.tier, call);
        let widget = argument(&Argument::Widget(placed));
        let inferred = panics::catch(|| inference::infer(&program, function, widget));
        // Time goes on: what depends on it must be asked when a message comes.
        let sure = run::stopped().is_none() && !run::looked();
        drop(running);
        inferred.ok().filter(|_| sure).unwrap_or_else(Inferred::nothing)
    }

    fn program(&mut self, source: &Arc<Source>) -> Result<Rc<Program>, Vec<Diagnostic>> {
        self.clock += 1;
        if let Some((program, used)) = self.programs.get_mut(&source.version) {
            *used = self.clock;
            return Ok(program.clone());
        }
        let watch = match &mut self.hits {
            Some(hits) => Watch::Steps(hits.entry(source.version).or_default().clone()),
            None => Watch::Nothing,
        };
        let program = self.compile(source, &watch)?;
        if self.programs.len() >= PROGRAMS {
            let oldest = self.programs.iter().min_by_key(|(_, (_, used))| *used).map(|(v, _)| *v);
            oldest.and_then(|oldest| self.programs.remove(&oldest));
        }
        self.programs.insert(source.version, (program.clone(), self.clock));
        Ok(program)
    }

    fn traced_program(&mut self, source: &Source) -> Result<Rc<Program>, Vec<Diagnostic>> {
        if let Some(program) = self.traced.get(&source.version) {
            return Ok(program.clone());
        }
        let program = self.compile(source, &Watch::comparisons())?;
        if self.traced.len() >= TRACED {
            self.traced.clear();
        }
        self.traced.insert(source.version, program.clone());
        Ok(program)
    }

    fn compile(&self, source: &Source, watch: &Watch) -> Result<Rc<Program>, Vec<Diagnostic>> {
        let compiled =
            panics::catch(|| compile::program(source, &self.parts, self.tier, &self.limits, watch));
        let Ok(compiled) = compiled else {
            let said = "the script makes the parser panic: please report it with the script";
            return Err(vec![Diagnostic::error(said).in_file(&*source.file)]);
        };
        compiled.map(Rc::new)
    }
}

fn broken(found: Vec<Diagnostic>) -> Failure {
    let found = found.into_iter().next();
    Failure::compile(found.unwrap_or_else(|| Diagnostic::error("does not compile")))
}

fn patient(tier: Tier, mut limits: Limits) -> Limits {
    if tier == Tier::Pure {
        limits.deadline = limits.deadline.saturating_mul(PATIENCE);
    }
    limits
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
pub(in crate::script) mod tests;
