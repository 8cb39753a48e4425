//! What can be said of a value without running anything.

use std::collections::BTreeMap;

/// The fields that a returned map may have, as far as the script shows them plainly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Anything.
    Open,
    /// A map that has at most these fields.
    Map(BTreeMap<String, Shape>),
    /// A list of such values.
    List(Box<Shape>),
    /// Text, numbers, booleans, nothing: no fields.
    Leaf,
}

/// A value in the eyes of a reader who does not run the script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Unknown,
    Nothing,
    Boolean,
    Number,
    /// How it begins, and whether that is all of it.
    Text {
        start: String,
        whole: bool,
    },
    /// A text of which only this is known: it is in this parameter, of the kind `url`.
    Address(String),
    List(Box<Value>),
    Map(BTreeMap<String, Value>),
    Closure {
        name: String,
        captured: Vec<Value>,
    },
    Widget,
    Config,
    Hub,
    Message,
    /// `message.topic` and `message.category`.
    Topic,
    Category,
}

impl Value {
    /// Either of two: what is true of both.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Map(mut a), Self::Map(b)) => {
                for (name, value) in b {
                    let value = match a.remove(&name) {
                        Some(known) => known.or(value),
                        None => value,
                    };
                    a.insert(name, value);
                }
                Self::Map(a)
            }
            // The empty list is a list of whatever the other is of.
            (Self::List(a), Self::List(b)) => Self::List(Box::new(match (*a, *b) {
                (Self::Nothing, value) | (value, Self::Nothing) => value,
                (a, b) => a.or(b),
            })),
            (Self::Text { .. }, Self::Text { .. }) => {
                Self::Text { start: String::new(), whole: false }
            }
            _ => Self::Unknown,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Nothing
            | Self::Boolean
            | Self::Number
            | Self::Text { .. }
            | Self::Address(_)
            | Self::Topic
            | Self::Category => Shape::Leaf,
            Self::Map(fields) => Shape::Map(
                fields.iter().map(|(name, value)| (name.clone(), value.shape())).collect(),
            ),
            Self::List(item) => Shape::List(Box::new(match item.shape() {
                // Of an empty list nothing is known: another line may fill it.
                Shape::Leaf if **item == Self::Nothing => Shape::Open,
                shape => shape,
            })),
            _ => Shape::Open,
        }
    }

    /// What it is called in a sentence, where it is known to be no boolean.
    pub(super) fn no_boolean(&self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing => "nothing",
            Self::Number => "a number",
            Self::Text { .. } | Self::Address(_) | Self::Topic | Self::Category => "text",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Widget | Self::Config | Self::Hub | Self::Message => "a map",
            Self::Closure { .. } => "a function",
            Self::Unknown | Self::Boolean => return None,
        })
    }

    /// What it is called in a sentence, where it is known to be no map.
    pub(super) fn no_map(&self) -> Option<&'static str> {
        match self {
            Self::Boolean => Some("true or false"),
            // Not plain maps, but a caller may well copy them.
            Self::Map(_) | Self::Widget | Self::Config | Self::Hub | Self::Message => None,
            other => other.no_boolean(),
        }
    }
}
