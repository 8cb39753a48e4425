//! What is there for nothing: functions that nobody calls, imports and variables that nobody reads; and names that
//! hide others.

use super::calls::{closures, sites};
use super::nodes::{Node, children, walk};
use super::outline::Body;
use super::{Reader, Spot};
use crate::diagnostic::Diagnostic;
use crate::script::{Source, imports, program::Program};
use rhai::{Expr, Position, Stmt};
use std::collections::BTreeSet;

pub(super) fn check(reader: &mut Reader<'_>, source: &Source, entries: Option<&[(&str, usize)]>) {
    let mut found = Vec::new();
    unused_functions(reader, entries, &mut found);
    unused_imports(reader, source, &mut found);
    for body in &reader.outline.bodies {
        constants_changed(reader, body, &mut found);
        for (name, at) in unused_variables(body) {
            let said = format!("the variable `{name}` is never read");
            let problem = reader.at(Diagnostic::warning(said), at, name.chars().count());
            found.push(problem.help(format!("remove it, or call it `_{name}` if it is meant")));
        }
    }
    hiding(reader, entries.is_some(), &mut found);
    reader.problems.append(&mut found);
}

fn unused_functions(
    reader: &Reader<'_>,
    entries: Option<&[(&str, usize)]>,
    found: &mut Vec<Diagnostic>,
) {
    let outline = &reader.outline;
    let is_entry = |body: &Body| match entries {
        Some(entries) => {
            entries.iter().any(|(name, n)| *name == body.name && *n == body.parameters.len())
        }
        // Of a module everybody may call what is not private.
        None => !body.is_private,
    };
    let mut reached: BTreeSet<(String, usize)> = BTreeSet::new();
    let mut texts: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<&Body> = outline.functions().filter(|body| is_entry(body)).collect();
    while let Some(body) = waiting.pop() {
        if !reached.insert((body.name.clone(), body.parameters.len())) {
            continue;
        }
        waiting.extend(closures(body).iter().filter_map(|name| outline.closure(name)));
        for site in sites(body).iter().filter(|site| site.module.is_none()) {
            // Called with too many arguments it is called nevertheless: that is said where it is.
            waiting.extend(outline.named(site.name));
        }
        // `Fn("name")`, and whatever else calls by name.
        body.walk(&mut |node| {
            if let Node::Expr(Expr::StringConstant(text, _)) = node {
                texts.insert(text.to_string());
            }
            if let Node::Expr(Expr::Variable(variable, ..)) = node {
                waiting.extend(outline.named(&variable.1));
            }
        });
    }
    for body in outline.functions() {
        let key = (body.name.clone(), body.parameters.len());
        if reached.contains(&key) || texts.contains(&body.name) || body.name.starts_with('_') {
            continue;
        }
        let known = ["should_invalidate", "data", "hints"];
        let meant = entries.and_then(|_| crate::diagnostic::nearest(&body.name, known));
        // What a widget can't be without is missed by whoever reads it as a widget.
        let is_missed = match meant {
            Some("data") => true,
            Some("should_invalidate") => {
                body.name == "should_invalidate" || !reader.constants.contains_key("REFRESH")
            }
            Some(meant) => body.name == meant,
            None => false,
        };
        if is_missed {
            continue;
        }
        let said = format!("nothing calls the function `{}`", body.name);
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`? That is what the engine calls"),
            None => "remove it, or call it".into(),
        };
        found.push(reader.named(Diagnostic::warning(said), body).help(help));
    }
}

fn unused_imports(reader: &Reader<'_>, source: &Source, found: &mut Vec<Diagnostic>) {
    let used: BTreeSet<String> = reader
        .outline
        .bodies
        .iter()
        .flat_map(|body| {
            let mut modules: Vec<String> =
                sites(body).into_iter().filter_map(|site| site.module).collect();
            body.walk(&mut |node| {
                if let Node::Expr(Expr::Variable(variable, ..)) = node {
                    modules.extend(variable.2.path.iter().map(|part| part.name.to_string()));
                }
            });
            modules
        })
        .collect();
    for import in imports(reader.file, reader.text).unwrap_or_default() {
        // Constants of a module are seen by their bare names.
        let module = source.modules.iter().find(|module| module.path == import.path);
        let gives_constants =
            module.is_some_and(|module| module.text.lines().any(|line| line.starts_with("const ")));
        if !used.contains(&import.alias) && !gives_constants {
            let said = format!("nothing of `{}` is used", import.path);
            let mut problem = Diagnostic::warning(said)
                .in_file(reader.file)
                .at(reader.text, import.line, import.column)
                .help("remove the `import`");
            problem.width = "import".len();
            found.push(problem);
        }
    }
}

/// Constants that nothing reads, at their places.
pub(super) fn unread_constants(reader: &Reader<'_>, program: &Program) -> Vec<Spot> {
    let mut read: BTreeSet<String> = BTreeSet::new();
    let mut note = |node: Node<'_>| match node {
        Node::Expr(Expr::Variable(variable, ..)) => drop(read.insert(variable.1.to_string())),
        Node::Stmt(Stmt::Share(captured)) => {
            read.extend(captured.iter().map(|(name, _)| name.name.to_string()));
        }
        _ => {}
    };
    for body in &reader.outline.bodies {
        body.walk(&mut note);
    }
    for statement in program.ast().statements() {
        walk(Node::Stmt(statement), &mut note);
    }
    let places = &program.facts.places;
    let unread = places.iter().filter(|(name, _)| !read.contains(*name));
    unread
        .map(|(name, (line, column))| Spot { name: name.clone(), line: *line, column: *column })
        .collect()
}

/// `LIMIT = 3;` would change nothing: Rhai finds out when it runs.
fn constants_changed(reader: &Reader<'_>, body: &Body, found: &mut Vec<Diagnostic>) {
    let mut own: BTreeSet<&str> = body.parameters.iter().map(String::as_str).collect();
    body.walk(&mut |node| match node {
        Node::Stmt(Stmt::Var(parts, ..)) => drop(own.insert(parts.0.name.as_str())),
        Node::Stmt(Stmt::For(parts, _)) => drop(own.insert(parts.0.name.as_str())),
        _ => {}
    });
    body.walk(&mut |node| {
        let Node::Stmt(Stmt::Assignment(parts)) = node else { return };
        let Expr::Variable(variable, _, at) = &parts.1.lhs else { return };
        let name = variable.1.as_str();
        if reader.constants.contains_key(name) && !own.contains(name) {
            let said = format!("`{name}` is a constant: it can't be changed");
            let problem = reader.at(Diagnostic::error(said), *at, name.chars().count());
            found.push(problem.help("make a variable of it with `let` inside the function"));
        }
    });
}

/// A variable on its way through a body.
struct Variable {
    name: String,
    at: Position,
    is_read: bool,
    is_reported: bool,
}

fn unused_variables(body: &Body) -> Vec<(String, Position)> {
    let mut open: Vec<Variable> = Vec::new();
    let mut unread = Vec::new();
    block(&body.statements, &mut open, &mut unread);
    unread.sort_by_key(|(_, at): &(String, Position)| crate::script::facts::place(*at));
    unread
}

fn block(statements: &[Stmt], open: &mut Vec<Variable>, unread: &mut Vec<(String, Position)>) {
    let before = open.len();
    for statement in statements {
        read(Node::Stmt(statement), open, unread);
    }
    close(before, open, unread);
}

fn close(before: usize, open: &mut Vec<Variable>, unread: &mut Vec<(String, Position)>) {
    for gone in open.drain(before..) {
        if !gone.is_read && gone.is_reported && !gone.name.starts_with('_') {
            unread.push((gone.name, gone.at));
        }
    }
}

fn read(node: Node<'_>, open: &mut Vec<Variable>, unread: &mut Vec<(String, Position)>) {
    match node {
        Node::Stmt(Stmt::Var(parts, ..)) => {
            read(Node::Expr(&parts.1), open, unread);
            declare(&parts.0, true, open);
        }
        Node::Stmt(Stmt::Assignment(parts)) => {
            read(Node::Expr(&parts.1.rhs), open, unread);
            // To write is not to read.
            if !matches!(parts.1.lhs, Expr::Variable(..)) {
                read(Node::Expr(&parts.1.lhs), open, unread);
            }
        }
        Node::Stmt(Stmt::For(parts, _)) => {
            let (name, counter, flow) = &**parts;
            read(Node::Expr(&flow.expr), open, unread);
            let before = open.len();
            declare(name, false, open);
            if let Some(counter) = counter {
                declare(counter, true, open);
            }
            block(flow.body.statements(), open, unread);
            close(before, open, unread);
        }
        Node::Stmt(Stmt::If(flow, _) | Stmt::While(flow, _)) => {
            read(Node::Expr(&flow.expr), open, unread);
            block(flow.body.statements(), open, unread);
            block(flow.branch.statements(), open, unread);
        }
        Node::Stmt(Stmt::Do(flow, ..)) => {
            block(flow.body.statements(), open, unread);
            read(Node::Expr(&flow.expr), open, unread);
        }
        Node::Stmt(Stmt::TryCatch(flow, _)) => {
            block(flow.body.statements(), open, unread);
            block(flow.branch.statements(), open, unread);
        }
        Node::Stmt(Stmt::Block(inner)) | Node::Expr(Expr::Stmt(inner)) => {
            block(inner.statements(), open, unread);
        }
        Node::Stmt(Stmt::Share(captured)) => {
            captured.iter().for_each(|(name, _)| mark(&name.name, open));
        }
        Node::Expr(Expr::Variable(variable, ..)) => mark(&variable.1, open),
        other => {
            // A variable that holds a function is called by its name.
            if let Node::Expr(Expr::FnCall(call, _)) | Node::Stmt(Stmt::FnCall(call, _)) = other {
                mark(&call.name, open);
            }
            children(other, &mut |below| read(below, open, unread));
        }
    }
}

fn declare(name: &rhai::Ident, is_reported: bool, open: &mut Vec<Variable>) {
    let (name, at) = (name.name.to_string(), name.pos);
    open.push(Variable { name, at, is_read: false, is_reported });
}

fn mark(name: &str, open: &mut [Variable]) {
    if let Some(variable) = open.iter_mut().rev().find(|variable| variable.name == name) {
        variable.is_read = true;
    }
}

fn hiding(reader: &Reader<'_>, is_entered: bool, found: &mut Vec<Diagnostic>) {
    for body in reader.outline.functions() {
        let (name, parameters) = (&body.name, body.parameters.len());
        let is_known = reader.known.global.get(name).is_some_and(|takes| takes.has(parameters));
        // Rhai has some for values of its own making, which nobody misses. A module's are called by its alias.
        let is_missed = !["name", "set_tag", "tag"].contains(&name.as_str());
        if is_known && is_missed && is_entered {
            let said =
                format!("the function `{name}` hides the one of this name that every script has");
            let help = format!("call it something else: here `{name}` would mean this one");
            found.push(reader.named(Diagnostic::warning(said), body).help(help));
        }
        for parameter in &body.parameters {
            if reader.constants.contains_key(parameter) {
                let said = format!(
                    "the parameter `{parameter}` of `{name}` hides the constant `{parameter}`"
                );
                let help = "rename one of the two: inside the function the constant can't be read";
                found.push(reader.named(Diagnostic::warning(said), body).help(help));
            }
        }
    }
}
