//! What an expression is worth while the message is unknown.

use crate::message::{Condition, Place, Root, Step, Test};
use crate::script::{compile::GETTERS_OF_LEAVES, convert};
use rhai::{Dynamic, ImmutableString};
use serde_json::Value;

/// A value that is larger is no constant to compare with.
const MAX_BYTES: usize = 16 << 10;

#[derive(Clone)]
pub(super) enum Val {
    /// Whatever the message.
    Known(Dynamic),
    Message,
    /// What the message has there.
    At(Place),
    /// True if and only if this holds.
    Truth(Condition),
    /// A list of the script's own, some items of which the message decides.
    List(Vec<Val>),
    /// A function without a name, and what it has captured.
    Closure(ImmutableString, Vec<Val>),
    /// The first value where this holds, else the second.
    Choice(Box<(Condition, Val, Val)>),
    /// Anything, or an error.
    Open,
}

impl Val {
    pub(super) fn nothing() -> Self {
        Self::Known(Dynamic::UNIT)
    }

    /// A boolean is due.
    pub(super) fn truth(self) -> Condition {
        match self {
            Self::Known(value) => value.as_bool().map_or(Condition::Open, Condition::Known),
            Self::At(place) => Condition::Is(place, Test::True),
            Self::Truth(condition) => condition,
            Self::Choice(choice) => {
                let (condition, a, b) = *choice;
                condition.choose(a.truth(), b.truth())
            }
            Self::Message | Self::List(_) | Self::Closure(..) | Self::Open => Condition::Open,
        }
    }

    fn is_truth(&self) -> bool {
        match self {
            Self::Known(value) => value.is_bool(),
            Self::Truth(_) => true,
            _ => false,
        }
    }

    pub(super) fn choose(condition: Condition, a: Self, b: Self) -> Self {
        match condition {
            Condition::Known(true) => a,
            Condition::Known(false) => b,
            condition if a.is_truth() && b.is_truth() => {
                Self::Truth(condition.choose(a.truth(), b.truth()))
            }
            condition => Self::Choice(Box::new((condition, a, b))),
        }
    }

    /// Whether getting at it may have failed.
    pub(super) fn is_unsure(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Truth(condition) => !condition.is_whole(),
            Self::Choice(choice) => {
                !choice.0.is_whole() || choice.1.is_unsure() || choice.2.is_unsure()
            }
            Self::List(items) | Self::Closure(_, items) => items.iter().any(Self::is_unsure),
            Self::Known(_) | Self::Message | Self::At(_) => false,
        }
    }

    /// A value that everything equal to it is equal to: a text, number, boolean or nothing.
    pub(super) fn scalar(&self) -> Option<Value> {
        let Self::Known(value) = self else { return None };
        scalar(value)
    }

    pub(super) fn text(&self) -> Option<ImmutableString> {
        let Self::Known(value) = self else { return None };
        value.read_lock::<ImmutableString>().map(|text| text.clone())
    }

    /// `.name`.
    pub(super) fn field(self, name: &str) -> Self {
        match self {
            Self::Message => message_field(name),
            Self::At(_) if GETTERS_OF_LEAVES.contains(&name) => Self::Open,
            Self::At(place) => Self::At(place.then(Step::Field(name.into()))),
            Self::Known(value) => super::known::field(&value, name),
            Self::Choice(choice) => {
                let (condition, a, b) = *choice;
                Self::choose(condition, a.field(name), b.field(name))
            }
            Self::Truth(_) | Self::List(_) | Self::Closure(..) | Self::Open => Self::Open,
        }
    }

    /// `[index]`.
    pub(super) fn item(self, index: &Self) -> Self {
        let number = match index {
            Self::Known(value) => value.as_int().ok(),
            _ => None,
        };
        match (self, index.text(), number) {
            (Self::Message, Some(name), _) => message_field(&name),
            // On a list `["len"]` is its length.
            (Self::At(_), Some(name), _) if name == "len" => Self::Open,
            (Self::At(place), Some(name), _) => {
                Self::At(place.then(Step::Key(name.as_str().into())))
            }
            (Self::At(place), _, Some(at)) => Self::At(place.then(Step::Item(at))),
            (Self::Known(value), Some(name), _) if value.is_map() => {
                super::known::field(&value, &name)
            }
            (Self::Known(value), _, Some(at)) => super::known::item(&value, at),
            (Self::List(items), _, Some(at)) => usize::try_from(at)
                .ok()
                .and_then(|at| items.into_iter().nth(at))
                .unwrap_or(Self::Open),
            _ => Self::Open,
        }
    }

    pub(super) fn equals(self, other: Self) -> Self {
        if let (Some(a), Some(b)) = (self.scalar(), other.scalar()) {
            return same(&a, &b);
        }
        match (self, other) {
            (Self::At(a), Self::At(b)) => Self::Truth(Condition::Is(a, Test::Same(b))),
            (Self::At(place), known @ Self::Known(_))
            | (known @ Self::Known(_), Self::At(place)) => known
                .scalar()
                .map_or(Self::Open, |value| Self::Truth(Condition::Is(place, Test::Is(value)))),
            (Self::Truth(condition), Self::Known(value))
            | (Self::Known(value), Self::Truth(condition)) => match value.as_bool() {
                Ok(true) => Self::Truth(condition),
                Ok(false) => Self::Truth(condition.negated()),
                Err(_) => Self::Open,
            },
            (Self::Choice(choice), other) | (other, Self::Choice(choice)) => {
                let (condition, a, b) = *choice;
                Self::choose(condition, a.equals(other.clone()), b.equals(other))
            }
            _ => Self::Open,
        }
    }
}

impl Place {
    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

pub(super) fn scalar(value: &Dynamic) -> Option<Value> {
    let json = convert::to_json(value, MAX_BYTES).ok()?;
    (!json.is_array() && !json.is_object()).then_some(json)
}

/// Two values of the script: numbers of two kinds are left to Rhai.
fn same(a: &Value, b: &Value) -> Val {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_i64() != b.is_i64() => Val::Open,
        _ => Val::Known((a == b).into()),
    }
}

fn message_field(name: &str) -> Val {
    let root = match name {
        "topic" => Root::Topic,
        "category" => Root::Category,
        "id" => Root::Id,
        "title" => Root::Title,
        "summary" => Root::Summary,
        "link" => Root::Link,
        "icon" => Root::Icon,
        "secondary_icon" => Root::SecondaryIcon,
        "usernames" => Root::Usernames,
        "packages" => Root::Packages,
        "objects" => Root::Objects,
        "headers" => Root::Headers,
        "msg" | "body" => Root::Body,
        "sent_at" => return Val::Open,
        // A message is a map, and what a map has not is nothing.
        _ => return Val::nothing(),
    };
    Val::At(Place { root, steps: Vec::new() })
}
