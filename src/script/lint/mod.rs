//! What can be said of a script without running it: calls of what there is not, names that nobody reads, conditions
//! that never come true; and what it reads of `widget`, asks of others and returns, for whoever knows more of it.
//!
//! Reads the compiled script alone. Costs about as much as compiling it, so it is for who loads a script, not for every
//! thread that runs it. What it is not sure of it leaves out: a false alarm costs more than a slip that is found later.

mod calls;
mod flow;
mod known;
mod nodes;
mod outline;
mod reach;
mod returns;
mod services;
mod tier;
mod usage;
mod value;

use super::{Source, facts::place, placed::lacks, program::Program};
use crate::diagnostic::Diagnostic;
use crate::hub::HUB_FIELDS;
use flow::{Flow, Owner};
use outline::{Body, Outline};
use rhai::Position;
use serde_json::{Map, Value as Json};
use value::Value;

pub(super) use known::Known;
pub use value::Shape;

/// What a script is for: which of its functions are called from outside, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Widget,
    Processor,
    /// Below `widgets/lib`: whoever imports it calls what is not private.
    Module,
}

/// A name that a script reads or asks for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub name: String,
    /// From 1.
    pub line: usize,
    pub column: usize,
}

/// What was found, and what the script shows of itself.
#[derive(Debug, Clone, Default)]
pub struct Lint {
    pub problems: Vec<Diagnostic>,
    /// Parameters that it reads: `widget.config.NAME`.
    pub settings: Vec<Spot>,
    /// Parameters that it asks for by name, in a way that may miss them.
    pub asked: Vec<String>,
    /// It hands the configuration on as a whole: any parameter may be read.
    pub hands_on_config: bool,
    /// Addresses that it asks for, as far as they are plain: how they begin, and a space behind what is whole.
    pub addresses: Vec<Spot>,
    /// Parameters of the kind `url` whose addresses it asks for.
    pub set_addresses: Vec<Spot>,
    /// It asks for addresses that are not plain.
    pub asks_elsewhere: bool,
    /// Constants that no function and no other constant reads.
    pub unread_constants: Vec<Spot>,
    /// What `data` returns, and `hints`.
    pub data: Option<Shape>,
    pub hints: Option<(Shape, usize, usize)>,
}

/// Fields of a message, on top.
const MESSAGE_FIELDS: [&str; 15] = [
    "body",
    "category",
    "headers",
    "icon",
    "id",
    "link",
    "msg",
    "objects",
    "packages",
    "secondary_icon",
    "sent_at",
    "summary",
    "title",
    "topic",
    "usernames",
];
const WIDGET_FIELDS: [&str; 5] = ["config", "hub", "id", "name", "page"];

const OF_WIDGETS: [(&str, usize); 3] = [("data", 1), ("hints", 1), ("should_invalidate", 2)];
const OF_PROCESSORS: [(&str, usize); 8] = [
    ("group", 1),
    ("icon", 1),
    ("link", 1),
    ("objects", 1),
    ("packages", 1),
    ("secondary_icon", 1),
    ("summary", 1),
    ("usernames", 1),
];

/// A module that the script imports.
pub(super) struct Module {
    pub(super) alias: String,
    pub(super) outline: Outline,
}

/// A script that is read, and what is wrong with it so far.
struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    outline: Outline,
    modules: Vec<Module>,
    known: &'a Known,
    constants: &'a Map<String, Json>,
    problems: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn at(&self, problem: Diagnostic, at: Position, width: usize) -> Diagnostic {
        self.at_place(problem, place(at), width)
    }

    fn at_place(
        &self,
        problem: Diagnostic,
        (line, column): (usize, usize),
        width: usize,
    ) -> Diagnostic {
        let mut placed = problem.in_file(self.file).at(self.text, line, column);
        placed.width = width.max(1);
        placed
    }

    /// At the name of a function.
    fn named(&self, problem: Diagnostic, body: &Body) -> Diagnostic {
        self.at_place(problem, body.place(self.text), body.name.chars().count())
    }

    fn imported(&self, alias: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.alias == alias)
    }
}

pub(super) fn read(program: &Program, source: &Source, known: &Known, role: Role) -> Lint {
    let modules = program
        .imported()
        .map(|(alias, ast)| Module { alias: alias.into(), outline: Outline::of(ast) });
    let mut reader = Reader {
        file: &source.file,
        text: &source.text,
        outline: Outline::of(program.ast()),
        modules: modules.collect(),
        known,
        constants: &program.facts.constants,
        problems: Vec::new(),
    };
    calls::check(&mut reader);
    let entries: Option<&[(&str, usize)]> = match role {
        Role::Widget => Some(&OF_WIDGETS),
        Role::Processor => Some(&OF_PROCESSORS),
        Role::Module => None,
    };
    match role {
        Role::Widget => tier::check(&mut reader, &OF_WIDGETS[1..]),
        Role::Processor => tier::check(&mut reader, &OF_PROCESSORS),
        Role::Module => {}
    }
    usage::check(&mut reader, source, entries);

    let unread_constants = usage::unread_constants(&reader, program);
    let mut found = Lint { unread_constants, ..Lint::default() };
    let outline = std::mem::replace(&mut reader.outline, Outline::empty());
    let mut flow = Flow::new(&outline, reader.constants);
    match role {
        Role::Widget => {
            if let Some(body) = outline.function("should_invalidate", 2) {
                let returned = flow.enter(body, vec![Value::Message, Value::Widget]);
                returns::of_check(&mut reader, &returned);
            }
            if let Some(body) = outline.function("hints", 1) {
                let returned = flow.enter(body, vec![Value::Widget]);
                let (line, column) = body.place(reader.text);
                let shape = returns::joined(&returned);
                found.hints = shape.map(|shape| (shape, line, column));
            }
            if let Some(body) = outline.function("data", 1) {
                let returned = flow.enter(body, vec![Value::Widget]);
                returns::of_data(&mut reader, &returned);
                found.data = returns::joined(&returned);
            }
        }
        Role::Processor => {
            for (name, parameters) in OF_PROCESSORS {
                if let Some(body) = outline.function(name, parameters) {
                    let messages = Value::List(Box::new(Value::Message));
                    let argument = if name == "group" { messages } else { Value::Message };
                    flow.enter(body, vec![argument]);
                }
            }
        }
        Role::Module => {}
    }
    flow.enter_the_rest();
    let seen = flow.seen;
    reader.outline = outline;
    fields(&mut reader, &seen, &mut found);
    reach::check(&mut reader, &seen.compared);
    found.asked = seen.asked.into_iter().collect();
    found.hands_on_config = seen.whole_config;
    for ((line, column), start, whole) in seen.addresses {
        match start {
            Some(name) if !name.is_empty() => {
                // Nothing of an address that is plain as a whole is missing: a space behind it says so.
                let name = if whole { name + " " } else { name };
                found.addresses.push(Spot { name, line, column });
            }
            _ => found.asks_elsewhere = true,
        }
    }
    let set = seen.set_addresses.into_iter();
    found.set_addresses = set.map(|((line, column), name)| Spot { name, line, column }).collect();
    found.asks_elsewhere |= reader.modules.iter().any(|module| {
        let mut sites = module.outline.bodies.iter().flat_map(calls::sites);
        sites.any(|site| site.module.as_deref() == Some("http"))
    });
    found.problems = reader.problems;
    found.problems.sort_by(|a, b| {
        (a.line, a.column, a.severity, &a.message).cmp(&(b.line, b.column, b.severity, &b.message))
    });
    found.problems.dedup();
    found
}

/// Fields of `widget`, of the hub and of messages that there are not.
fn fields(reader: &mut Reader<'_>, seen: &flow::Seen, found: &mut Lint) {
    for (at, owner, name) in &seen.fields {
        let (whose, known): (_, &[&str]) = match owner {
            Owner::Config => {
                let (line, column) = *at;
                found.settings.push(Spot { name: name.clone(), line, column });
                continue;
            }
            Owner::Widget => ("`widget`", &WIDGET_FIELDS),
            Owner::Hub => ("`widget.hub`", &HUB_FIELDS),
            Owner::Message => ("a message", &MESSAGE_FIELDS),
        };
        if known.contains(&name.as_str()) {
            continue;
        }
        let said = lacks(whose, name, known);
        let help = match crate::diagnostic::nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if *owner == Owner::Message => {
                format!("what the publisher sent is in `message.msg`: `message.msg.{name}`")
            }
            None if *owner == Owner::Widget => {
                format!("parameters are in `widget.config`: `widget.config.{name}`")
            }
            None => "read one of those, or get it in `data` from elsewhere".into(),
        };
        let problem = reader.at_place(Diagnostic::error(said), *at, name.chars().count());
        reader.problems.push(problem.help(help));
    }
}

#[cfg(test)]
mod tests;
