//! Reads a script along its ways without running it: which fields of `widget` and of a message are read, which
//! addresses are asked for, and what its functions return. What it is not sure of it leaves open.

mod statements;
mod values;

use super::outline::{Body, Outline};
use super::value::Value;
use rhai::{Expr, Position};
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
    /// Parameters whose addresses `http` is asked for, and where.
    pub(super) set_addresses: BTreeSet<(Place, String)>,
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

    fn lose_all(&mut self, values: &[Value]) {
        for value in values {
            self.lose(value);
        }
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
