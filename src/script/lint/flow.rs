//! Reads a script along its ways without running it: which fields of `widget` and of a message are read, which
//! addresses are asked for, and what its functions return. What it is not sure of it leaves open.

use super::nodes::{Link, chain};
use super::outline::{Body, Outline};
use super::value::Value;
use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt, StmtBlock};
use std::collections::{BTreeMap, BTreeSet};

/// Whose field it is that a script reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Widget,
    Config,
    Hub,
    Message,
}

/// A comparison of two values, one of which says that it can't come true.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) operator: String,
    pub(super) left: Value,
    pub(super) right: Value,
    pub(super) at: Position,
}

/// All that was seen on the way.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) fields: BTreeSet<(Place, Owner, String)>,
    /// Parameters that are asked for by name in a way that may miss them: `.get("x")`.
    pub(super) asked: BTreeSet<String>,
    /// The configuration was handed on whole: any parameter may be read.
    pub(super) whole_config: bool,
    /// Addresses that `http` is asked for: how they begin, whether that is all, and where.
    pub(super) addresses: BTreeSet<(Place, Option<String>, bool)>,
    pub(super) compared: Vec<Compared>,
}

/// Line and column.
pub(super) type Place = (usize, usize);

/// What a function returned on one way out of it, and where.
pub(super) type Returned = (Value, Position);

pub(super) struct Flow<'a> {
    outline: &'a Outline,
    constants: &'a serde_json::Map<String, serde_json::Value>,
    pub(super) seen: Seen,
    done: BTreeMap<(String, usize, Vec<Value>), Option<Value>>,
    visited: BTreeSet<(String, usize)>,
    scopes: Vec<BTreeMap<String, Value>>,
    returned: Vec<Returned>,
}

/// So deep calls are followed, and so many are looked at; what is beyond stays open.
const DEPTH: usize = 12;
const CALLS: usize = 400;

impl<'a> Flow<'a> {
    pub(super) fn new(
        outline: &'a Outline,
        constants: &'a serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        Self {
            outline,
            constants,
            seen: Seen::default(),
            done: BTreeMap::new(),
            visited: BTreeSet::new(),
            scopes: Vec::new(),
            returned: Vec::new(),
        }
    }

    /// Follows a function from its first line. Returns what it returns on each way.
    pub(super) fn enter(&mut self, body: &'a Body, arguments: Vec<Value>) -> Vec<Returned> {
        self.visited.insert((body.name.clone(), body.parameters.len()));
        let scopes = std::mem::take(&mut self.scopes);
        let before = std::mem::take(&mut self.returned);
        let names = body.parameters.iter().cloned();
        let arguments = arguments.into_iter().chain(std::iter::repeat(Value::Unknown));
        self.scopes = vec![names.zip(arguments).collect()];
        let last = self.block(&body.statements, true);
        if body.statements.is_empty() {
            self.returned.push((last, Position::NONE));
        }
        self.scopes = scopes;
        std::mem::replace(&mut self.returned, before)
    }

    /// Functions that nothing called so far are looked into too, with whatever arguments.
    pub(super) fn enter_the_rest(&mut self) {
        for body in &self.outline.bodies {
            if !self.visited.contains(&(body.name.clone(), body.parameters.len())) {
                self.enter(body, Vec::new());
            }
        }
    }

    fn call(&mut self, body: &'a Body, arguments: Vec<Value>) -> Value {
        let key = (body.name.clone(), body.parameters.len(), arguments.clone());
        if let Some(known) = self.done.get(&key) {
            return known.clone().unwrap_or(Value::Unknown); // `None`: it calls itself
        }
        if self.done.len() >= CALLS || self.done.values().filter(|v| v.is_none()).count() >= DEPTH {
            if arguments.contains(&Value::Config) || arguments.contains(&Value::Widget) {
                self.seen.whole_config = true;
            }
            return Value::Unknown;
        }
        self.done.insert(key.clone(), None);
        let returned = self.enter(body, arguments);
        let value = returned.into_iter().map(|(value, _)| value).reduce(Value::or);
        let value = value.unwrap_or(Value::Unknown);
        self.done.insert(key, Some(value.clone()));
        value
    }

    fn block(&mut self, statements: &'a [Stmt], is_tail: bool) -> Value {
        self.scopes.push(BTreeMap::new());
        let mut last = Value::Nothing;
        for (at, statement) in statements.iter().enumerate() {
            last = self.statement(statement, is_tail && at + 1 == statements.len());
        }
        self.scopes.pop();
        last
    }

    fn branch(&mut self, block: &'a StmtBlock, is_tail: bool, at: Position) -> Value {
        if block.is_empty() && is_tail {
            let at = if block.position().is_none() { at } else { block.position() };
            self.returned.push((Value::Nothing, at));
        }
        self.block(block.statements(), is_tail)
    }

    /// `is_tail`: its value is what the function returns.
    fn statement(&mut self, statement: &'a Stmt, is_tail: bool) -> Value {
        let value = match statement {
            Stmt::If(flow, at) => {
                self.used(&flow.expr);
                let then = self.branch(&flow.body, is_tail, *at);
                return then.or(self.branch(&flow.branch, is_tail, *at));
            }
            Stmt::Block(block) => return self.branch(block, is_tail, block.position()),
            Stmt::Switch(parts, _) => {
                self.used(&parts.0);
                let mut value = parts.1.def_case.is_none().then_some(Value::Nothing);
                for arm in &parts.1.expressions {
                    self.used(&arm.lhs);
                    let one = match &arm.rhs {
                        Expr::Stmt(block) if is_tail => self.branch(block, true, block.position()),
                        other => {
                            let one = self.value(other);
                            if is_tail {
                                self.returned.push((one.clone(), other.start_position()));
                            }
                            one
                        }
                    };
                    value = Some(value.map_or(one.clone(), |value| value.or(one)));
                }
                if is_tail && parts.1.def_case.is_none() {
                    // Whether the arms are all there are, only who wrote them knows.
                    self.returned.push((Value::Unknown, statement.position()));
                }
                return value.unwrap_or(Value::Nothing);
            }
            Stmt::TryCatch(flow, at) => {
                let tried = self.branch(&flow.body, is_tail, *at);
                self.scopes.push(BTreeMap::new());
                if let Expr::Variable(variable, ..) = &flow.expr {
                    self.set(&variable.1, Value::Unknown);
                }
                let caught = self.branch(&flow.branch, is_tail, *at);
                self.scopes.pop();
                return tried.or(caught);
            }
            Stmt::While(flow, _) => {
                self.used(&flow.expr);
                self.block(flow.body.statements(), false);
                // A loop has the value of its `break`.
                if flow.expr.is_unit() { Value::Unknown } else { Value::Nothing }
            }
            Stmt::Do(flow, ..) => {
                self.block(flow.body.statements(), false);
                self.used(&flow.expr);
                Value::Unknown
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &**parts;
                let item = match self.used(&flow.expr) {
                    Value::List(item) if *item != Value::Nothing => *item,
                    _ => Value::Unknown,
                };
                self.scopes.push(BTreeMap::new());
                self.set(&name.name, item);
                if let Some(counter) = counter {
                    self.set(&counter.name, Value::Number);
                }
                self.block(flow.body.statements(), false);
                self.scopes.pop();
                Value::Unknown
            }
            Stmt::Var(parts, ..) => {
                let value = self.value(&parts.1);
                self.set(&parts.0.name, value);
                Value::Nothing
            }
            Stmt::Assignment(parts) => {
                let value = self.used(&parts.1.rhs);
                self.assign(&parts.1.lhs, value, parts.0.is_op_assignment());
                Value::Nothing
            }
            Stmt::FnCall(call, at) => self.function_call(call, *at),
            Stmt::Expr(expr) => match &**expr {
                Expr::Stmt(block) if is_tail => return self.branch(block, true, block.position()),
                other => self.value(other),
            },
            Stmt::Return(expr, flags, at) => {
                let value = expr.as_ref().map_or(Value::Nothing, |expr| self.value(expr));
                if !flags.intersects(ASTFlags::BREAK) {
                    let at = expr.as_ref().map_or(*at, |expr| expr.start_position());
                    self.returned.push((value, at));
                }
                return Value::Unknown;
            }
            Stmt::BreakLoop(Some(expr), ..) => {
                self.used(expr);
                return Value::Unknown;
            }
            Stmt::Share(captured) => {
                // A closure may change what it captures.
                for (name, _) in captured.iter() {
                    let may_change =
                        matches!(self.get(&name.name), Some(Value::Map(_) | Value::List(_)));
                    if may_change {
                        self.change(&name.name, Value::Unknown);
                    }
                }
                return Value::Nothing;
            }
            _ => Value::Nothing,
        };
        if is_tail {
            let at = match statement {
                Stmt::Expr(expr) => expr.start_position(),
                other => other.position(),
            };
            self.returned.push((value.clone(), at));
        }
        value
    }

    /// A value of which this reader loses sight.
    fn used(&mut self, expr: &'a Expr) -> Value {
        let value = self.value(expr);
        self.lose(&value);
        value
    }

    fn lose(&mut self, value: &Value) {
        match value {
            Value::Config | Value::Widget => self.seen.whole_config = true,
            Value::List(item) => self.lose(item),
            Value::Map(fields) => fields.values().for_each(|value| self.lose(value)),
            _ => {}
        }
    }

    fn value(&mut self, expr: &'a Expr) -> Value {
        if let Some((base, links)) = chain(expr) {
            return self.chain(base, &links);
        }
        match expr {
            Expr::BoolConstant(..) => Value::Boolean,
            Expr::IntegerConstant(..) | Expr::FloatConstant(..) => Value::Number,
            Expr::StringConstant(text, _) => Value::Text { start: text.to_string(), whole: true },
            Expr::CharConstant(one, _) => Value::Text { start: one.to_string(), whole: true },
            Expr::Unit(_) => Value::Nothing,
            Expr::DynamicConstant(value, _) => match value.read_lock::<rhai::FnPtr>() {
                Some(function) => {
                    Value::Closure { name: function.fn_name().into(), captured: Vec::new() }
                }
                None => Value::Unknown,
            },
            Expr::InterpolatedString(parts, _) => {
                let parts: Vec<Value> = parts.iter().map(|part| self.used(part)).collect();
                let text = Value::Text { start: String::new(), whole: true };
                parts.into_iter().fold(text, joined)
            }
            Expr::Array(items, _) => {
                let items: Vec<Value> = items.iter().map(|item| self.used(item)).collect();
                let item = items.into_iter().reduce(Value::or).unwrap_or(Value::Nothing);
                Value::List(Box::new(item))
            }
            Expr::Map(parts, _) => {
                let fields = parts.0.iter();
                Value::Map(fields.map(|(n, v)| (n.name.to_string(), self.used(v))).collect())
            }
            Expr::Variable(variable, ..) if variable.2.is_empty() => self.variable(&variable.1),
            Expr::And(parts, _) | Expr::Or(parts, _) => {
                parts.iter().for_each(|part| drop(self.used(part)));
                Value::Boolean
            }
            Expr::Coalesce(parts, _) => {
                parts.iter().for_each(|part| drop(self.used(part)));
                Value::Unknown
            }
            Expr::Stmt(block) => self.block(block.statements(), false),
            Expr::FnCall(call, at) => self.function_call(call, *at),
            _ => Value::Unknown,
        }
    }

    fn function_call(&mut self, call: &'a FnCallExpr, at: Position) -> Value {
        if call.is_qualified() {
            let arguments: Vec<Value> = call.args.iter().map(|arg| self.used(arg)).collect();
            if call.namespace.to_string().trim_end_matches(':') == "http" {
                self.addresses(call, &arguments);
            }
            self.run_closures(&arguments, &Value::Unknown);
            return Value::Unknown;
        }
        let name = call.name.as_str();
        let arguments: Vec<Value> = call.args.iter().map(|arg| self.value(arg)).collect();
        if call.is_operator_call() {
            return self.operator(name, arguments, at);
        }
        if name == "curry" {
            let mut arguments = arguments.into_iter();
            if let Some(Value::Closure { name, .. }) = arguments.next() {
                return Value::Closure { name, captured: arguments.collect() };
            }
            return Value::Unknown;
        }
        if let Some(body) = self.outline.function(name, arguments.len()) {
            return self.call(body, arguments);
        }
        arguments.iter().for_each(|value| self.lose(value));
        // A function may change its first argument.
        if let Some(Expr::Variable(variable, ..)) = call.args.first()
            && !KEEPS.contains(&name)
            && matches!(arguments[0], Value::Map(_) | Value::List(_))
        {
            self.change(&variable.1, Value::Unknown);
        }
        let (first, rest) = match arguments.split_first() {
            Some((first, rest)) => (first.clone(), rest.to_vec()),
            None => (Value::Unknown, Vec::new()),
        };
        self.method(&first, name, &rest)
    }

    fn operator(&mut self, name: &str, arguments: Vec<Value>, at: Position) -> Value {
        arguments.iter().for_each(|value| self.lose(value));
        match (name, arguments.as_slice()) {
            ("==" | "!=" | "<" | ">" | "<=" | ">=" | "contains", [left, right]) => {
                let (left, right) = (left.clone(), right.clone());
                self.seen.compared.push(Compared { operator: name.into(), left, right, at });
                Value::Boolean
            }
            ("!", _) | ("in" | "!in", _) => Value::Boolean,
            ("+", [left @ Value::Text { .. }, right]) => joined(left.clone(), right.clone()),
            ("+" | "-" | "*" | "/" | "%", [Value::Number, Value::Number]) => Value::Number,
            ("+", [Value::List(a), Value::List(b)]) => {
                Value::List(a.clone()).or(Value::List(b.clone()))
            }
            _ => Value::Unknown,
        }
    }

    fn addresses(&mut self, call: &'a FnCallExpr, arguments: &[Value]) {
        let Some((expr, value)) = call.args.first().zip(arguments.first()) else { return };
        match (call.name.as_str(), expr) {
            ("get_all", Expr::Array(items, _)) => {
                for item in items {
                    let value = self.value(item);
                    self.address(item, &value);
                }
            }
            ("get_all", _) => self.address(expr, &Value::Unknown),
            _ => self.address(expr, value),
        }
    }

    fn address(&mut self, expr: &Expr, value: &Value) {
        let at = crate::script::facts::place(expr.start_position());
        self.seen.addresses.insert(match value {
            Value::Text { start, whole } => (at, Some(start.clone()), *whole),
            _ => (at, None, false),
        });
    }

    fn chain(&mut self, base: &'a Expr, links: &[Link<'a>]) -> Value {
        let mut value = self.value(base);
        let root = match base {
            Expr::Variable(variable, ..) if variable.2.is_empty() => Some(variable.1.as_str()),
            _ => None,
        };
        for (at, link) in links.iter().enumerate() {
            value = match *link {
                Link::Field(name, place) => self.field(&value, name, place),
                Link::Item(item) => {
                    let by = self.used(item);
                    match (&value, by, item) {
                        (
                            Value::Widget
                            | Value::Config
                            | Value::Hub
                            | Value::Message
                            | Value::Map(_),
                            Value::Text { start, whole: true },
                            Expr::StringConstant(_, place),
                        ) => self.field(&value, &start, *place),
                        (Value::List(item), Value::Number, _) if **item != Value::Nothing => {
                            (**item).clone()
                        }
                        _ => {
                            self.lose(&value);
                            Value::Unknown
                        }
                    }
                }
                Link::Method(call, place) => {
                    let arguments: Vec<Value> =
                        call.args.iter().map(|arg| self.value(arg)).collect();
                    let name = call.name.as_str();
                    if let Some(root) = root
                        && !KEEPS.contains(&name)
                        && matches!(self.get(root), Some(Value::Map(_) | Value::List(_)))
                        && at == 0
                    {
                        self.change(root, Value::Unknown);
                    }
                    self.compare_by_method(&value, name, &arguments, place);
                    if let Some(body) = self.outline.function(name, arguments.len()) {
                        self.lose(&value);
                        self.call(body, arguments)
                    } else {
                        arguments.iter().for_each(|value| self.lose(value));
                        self.method(&value, name, &arguments)
                    }
                }
            };
        }
        value
    }

    fn compare_by_method(&mut self, on: &Value, name: &str, with: &[Value], at: Position) {
        if let (Value::Topic | Value::Category, [one]) = (on, with)
            && matches!(name, "starts_with" | "ends_with" | "contains")
        {
            self.seen.compared.push(Compared {
                operator: name.into(),
                left: on.clone(),
                right: one.clone(),
                at,
            });
        }
    }

    fn field(&mut self, of: &Value, name: &str, at: Position) -> Value {
        let mut read = |owner: Owner| {
            let at = crate::script::facts::place(at);
            self.seen.fields.insert((at, owner, name.to_string()));
        };
        match of {
            Value::Widget => {
                read(Owner::Widget);
                match name {
                    "config" => Value::Config,
                    "hub" => Value::Hub,
                    _ => Value::Unknown,
                }
            }
            Value::Config => {
                read(Owner::Config);
                Value::Unknown
            }
            Value::Hub => {
                read(Owner::Hub);
                Value::Unknown
            }
            Value::Message => {
                read(Owner::Message);
                match name {
                    "topic" => Value::Topic,
                    "category" => Value::Category,
                    _ => Value::Unknown,
                }
            }
            Value::Map(fields) => fields.get(name).cloned().unwrap_or(Value::Unknown),
            _ => Value::Unknown,
        }
    }

    fn method(&mut self, on: &Value, name: &str, arguments: &[Value]) -> Value {
        match on {
            Value::Config => match (name, arguments) {
                ("get" | "contains", [Value::Text { start, whole: true }]) => {
                    self.seen.asked.insert(start.clone());
                    return Value::Unknown;
                }
                _ => self.seen.whole_config = true,
            },
            Value::Widget => self.seen.whole_config = true,
            _ => {}
        }
        let item = match on {
            Value::List(item) if **item != Value::Nothing => (**item).clone(),
            _ => Value::Unknown,
        };
        let made = self.run_closures(arguments, &item);
        match (name, on) {
            ("map", _) if !arguments.is_empty() => {
                Value::List(Box::new(made.unwrap_or(Value::Unknown)))
            }
            ("filter" | "sorted_by" | "reversed" | "unique" | "extract", Value::List(_)) => {
                on.clone()
            }
            ("first", Value::List(_)) if arguments.len() == 1 => on.clone(),
            ("len", _) => Value::Number,
            ("starts_with" | "ends_with" | "contains" | "is_empty" | "some" | "all", _) => {
                Value::Boolean
            }
            ("series" | "commas" | "humanize" | "avatar" | "markdown" | "to_string", _) => {
                Value::Text { start: String::new(), whole: false }
            }
            _ => Value::Unknown,
        }
    }

    /// Closures that are handed over are called with an item, as far as anybody can tell. Returns what the last made.
    fn run_closures(&mut self, arguments: &[Value], item: &Value) -> Option<Value> {
        let mut made = None;
        for argument in arguments {
            let Value::Closure { name, captured } = argument else { continue };
            let Some(body) = self.outline.closure(name) else { continue };
            let mut with = captured.clone();
            // Of `reduce` the first is no item.
            if body.parameters.len() == with.len() + 1 {
                with.push(item.clone());
            }
            made = Some(self.call(body, with));
        }
        made
    }

    fn assign(&mut self, to: &'a Expr, value: Value, with_operator: bool) {
        if let Expr::Variable(variable, ..) = to {
            let value = match self.get(&variable.1) {
                Some(known) if !with_operator => known.clone().or(value),
                _ => Value::Unknown,
            };
            return self.change(&variable.1, value);
        }
        let Some((base, links)) = chain(to) else { return drop(self.used(to)) };
        for link in &links {
            if let Link::Item(item) = link {
                self.used(item);
            }
        }
        let Expr::Variable(variable, ..) = base else { return drop(self.used(base)) };
        let Some(Value::Map(mut fields)) = self.get(&variable.1).cloned() else {
            if links.len() > 1 {
                self.chain(base, &links[..links.len() - 1]);
            }
            return;
        };
        let name = match links.as_slice() {
            [Link::Field(name, _)] => Some((*name).to_string()),
            [Link::Item(Expr::StringConstant(name, _))] => Some(name.to_string()),
            _ => None,
        };
        let changed = match name {
            Some(name) => {
                let value = if with_operator { Value::Unknown } else { value };
                let value = match fields.remove(&name) {
                    Some(known) => known.or(value),
                    None => value,
                };
                fields.insert(name, value);
                Value::Map(fields)
            }
            None => Value::Unknown,
        };
        self.change(&variable.1, changed);
    }

    fn variable(&self, name: &str) -> Value {
        if let Some(value) = self.get(name) {
            return value.clone();
        }
        match self.constants.get(name) {
            Some(serde_json::Value::String(text)) => {
                Value::Text { start: text.clone(), whole: true }
            }
            Some(serde_json::Value::Bool(_)) => Value::Boolean,
            Some(serde_json::Value::Number(_)) => Value::Number,
            _ => Value::Unknown,
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.into(), value);
        }
    }

    fn change(&mut self, name: &str, value: Value) {
        let found = self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name));
        if let Some(place) = found {
            *place = value;
        }
    }
}

/// Functions that leave their receiver as it is.
const KEEPS: [&str; 31] = [
    "all",
    "commas",
    "contains",
    "filter",
    "find",
    "find_map",
    "first",
    "for_each",
    "get",
    "group_by",
    "index_of",
    "is_empty",
    "join",
    "keys",
    "last",
    "len",
    "log",
    "map",
    "reduce",
    "reversed",
    "series",
    "some",
    "sorted_by",
    "sub_string",
    "to_debug",
    "to_json",
    "to_string",
    "type_of",
    "unique",
    "values",
    "zip",
];

/// Two texts one behind the other.
fn joined(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Text { start, whole: true }, Value::Text { start: more, whole }) => {
            Value::Text { start: start + more.as_str(), whole }
        }
        (Value::Text { start, .. }, _) => Value::Text { start, whole: false },
        _ => Value::Unknown,
    }
}
