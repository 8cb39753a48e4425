//! One value after the other: chains, calls, closures, and what is asked of `widget` and of others on the way.

use super::{Compared, Flow, Owner};
use crate::script::facts::place;
use crate::script::lint::nodes::{Link, chain};
use crate::script::lint::value::Value;
use rhai::{Expr, FnCallExpr, Position};

impl<'a> Flow<'a> {
    pub(super) fn value(&mut self, expr: &'a Expr) -> Value {
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

    pub(super) fn function_call(&mut self, call: &'a FnCallExpr, at: Position) -> Value {
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
            return self.operator(name, &arguments, at);
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
        self.lose_all(&arguments);
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

    fn operator(&mut self, name: &str, arguments: &[Value], at: Position) -> Value {
        self.lose_all(arguments);
        match (name, arguments) {
            ("&" | "|", [Value::Boolean, Value::Boolean])
            | ("==" | "!=" | "<" | ">" | "<=" | ">=", [_, _]) => {
                let (left, right) = (&arguments[0], &arguments[1]);
                let (left, right) = (left.clone(), right.clone());
                self.seen.compared.push(Compared { operator: name.into(), left, right, at });
                Value::Boolean
            }
            ("!" | "in" | "!in", _) => Value::Boolean,
            ("+", [left @ (Value::Text { .. } | Value::Address(_)), right]) => {
                joined(left.clone(), right.clone())
            }
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
            ("get_all", _) => match value {
                Value::List(one) => self.address(expr, one),
                _ => self.address(expr, &Value::Unknown),
            },
            _ => self.address(expr, value),
        }
    }

    fn address(&mut self, expr: &Expr, value: &Value) {
        let at = place(expr.start_position());
        if let Value::Address(parameter) = value {
            self.seen.set_addresses.insert((at, parameter.clone()));
            return;
        }
        self.seen.addresses.insert(match value {
            Value::Text { start, whole } => (at, Some(start.clone()), *whole),
            _ => (at, None, false),
        });
    }

    pub(super) fn chain(&mut self, base: &'a Expr, links: &[Link<'a>]) -> Value {
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
                        self.lose_all(&arguments);
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
            self.seen.fields.insert((place(at), owner, name.to_string()));
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
                self.setting(name)
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
                    "usernames" | "packages" | "objects" => Value::List(Box::new(some_text())),
                    "id" | "sent_at" | "title" | "summary" | "link" | "icon" | "secondary_icon" => {
                        some_text()
                    }
                    _ => Value::Unknown,
                }
            }
            Value::Map(fields) => fields.get(name).cloned().unwrap_or(Value::Unknown),
            _ => Value::Unknown,
        }
    }

    /// The value of a parameter, as `PARAMETERS` declares it.
    fn setting(&self, name: &str) -> Value {
        let declared = self.constants.get("PARAMETERS").and_then(|all| all.get(name));
        let Some(declared) = declared else { return Value::Unknown };
        let one = match declared.get("kind").and_then(|kind| kind.as_str()) {
            // The empty text is how a script says "not given".
            Some("integer" | "number") if declared.get("default").is_none_or(|d| d != "") => {
                Value::Number
            }
            Some("boolean") if declared.get("default").is_none_or(|d| d != "") => Value::Boolean,
            Some("integer" | "number" | "boolean") | None => Value::Unknown,
            Some("url") => Value::Address(name.into()),
            Some(_) => some_text(),
        };
        if declared.get("many").is_some() { Value::List(Box::new(one)) } else { one }
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

/// A text of which nothing more is known.
fn some_text() -> Value {
    Value::Text { start: String::new(), whole: false }
}

/// Two texts one behind the other.
fn joined(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Text { start, whole: true }, Value::Text { start: more, whole }) => {
            Value::Text { start: start + more.as_str(), whole }
        }
        (Value::Text { start, whole: true }, address @ Value::Address(_)) if start.is_empty() => {
            address
        }
        (Value::Text { start, .. }, _) => Value::Text { start, whole: false },
        // What is put behind an address leads to its host still.
        (address @ Value::Address(_), _) => address,
        _ => Value::Unknown,
    }
}
