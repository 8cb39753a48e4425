//! Rhai's values to JSON and back. What leaves a script is measured while it is made.

use super::{
    placed::Settings,
    tree::{Level, Tree},
};
use rhai::{Array, Dynamic, ImmutableString, Map};
use serde_json::{Number, Value};

/// Deeper data is refused: whoever walks it next has a stack too.
const MAX_DEPTH: usize = 64;

/// Why a value can't leave the script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    TooLarge,
    /// Where it is, and what it is.
    NoJson {
        path: String,
        what: String,
    },
}

impl Unfit {
    /// The same, seen from one level further out.
    fn below(self, step: &str) -> Self {
        match self {
            Self::NoJson { path, what } => {
                let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
                Self::NoJson { path: cut(&format!("{step}{dot}{path}"), 200), what }
            }
            Self::TooLarge => Self::TooLarge,
        }
    }
}

/// Objects and lists as maps and arrays, which a script may change.
pub(crate) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Array(items) => items.iter().map(to_dynamic).collect::<Array>().into(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.as_str().into(), to_dynamic(value)));
            Dynamic::from_map(fields.collect::<Map>())
        }
        leaf => self::leaf(leaf),
    }
}

/// A number that Rhai's integers can't hold becomes a float; null is `()`.
pub(super) fn leaf(value: &Value) -> Dynamic {
    match value {
        Value::Bool(on) => (*on).into(),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => n.into(),
            (None, Some(n)) => n.into(),
            (None, None) => Dynamic::UNIT,
        },
        Value::String(text) => text.as_str().into(),
        Value::Null | Value::Array(_) | Value::Object(_) => Dynamic::UNIT,
    }
}

/// At most `bytes` of JSON.
pub(crate) fn to_json(value: &Dynamic, bytes: usize) -> Result<Value, Unfit> {
    Measured { left: bytes }.walk(value, 0)
}

/// A value for a reader of an error: JSON, cut at so many bytes.
pub(super) fn shown(value: &Dynamic, bytes: usize) -> String {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return cut(text.as_str(), bytes);
    }
    match to_json(value, bytes.saturating_mul(8)) {
        Ok(json) => cut(&json.to_string(), bytes),
        Err(Unfit::TooLarge) => format!("a large {}", kind_of(value)),
        Err(Unfit::NoJson { .. }) => format!("a {}", kind_of(value)),
    }
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes)])
}

/// The kind of a value in the words of these docs.
pub(super) fn kind_of(value: &Dynamic) -> &'static str {
    if value.is_unit() {
        "nothing, `()`"
    } else if value.is_string() {
        "text"
    } else if value.is_int() {
        "integer"
    } else if value.is_float() {
        "number"
    } else if value.is_bool() {
        "boolean"
    } else if value.is_array() {
        "list"
    } else if value.is_map() {
        "map"
    } else if value.is_fnptr() {
        "function"
    } else if value.is::<Tree>() {
        "part of a message"
    } else {
        "value that is no JSON"
    }
}

struct Measured {
    left: usize,
}

impl Measured {
    fn spend(&mut self, bytes: usize) -> Result<(), Unfit> {
        self.left = self.left.checked_sub(bytes).ok_or(Unfit::TooLarge)?;
        Ok(())
    }

    fn walk(&mut self, value: &Dynamic, depth: usize) -> Result<Value, Unfit> {
        if depth > MAX_DEPTH {
            return Err(unfit(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if value.is_shared() {
            return self.walk(&value.flatten_clone(), depth);
        }
        if value.is_unit() {
            self.spend(4)?;
            return Ok(Value::Null);
        }
        if let Ok(on) = value.as_bool() {
            self.spend(5)?;
            return Ok(on.into());
        }
        if let Ok(n) = value.as_int() {
            self.spend(8)?;
            return Ok(n.into());
        }
        if let Ok(n) = value.as_float() {
            self.spend(8)?;
            return Number::from_f64(n).map(Value::Number).ok_or_else(|| unfit(format!("{n}")));
        }
        if let Ok(c) = value.as_char() {
            self.spend(6)?;
            return Ok(c.to_string().into());
        }
        if let Some(text) = value.read_lock::<ImmutableString>() {
            self.spend(text.len() + 2)?;
            return Ok(text.as_str().into());
        }
        if let Ok(items) = value.as_array_ref() {
            return self.items(items.iter(), depth);
        }
        if let Ok(fields) = value.as_map_ref() {
            return self.fields(fields.iter().map(|(k, v)| (k.as_str(), v)), depth);
        }
        if let Some(tree) = value.read_lock::<Tree>() {
            return match tree.level() {
                Level::List(items) => self.items(items.iter(), depth),
                Level::Object(fields) => {
                    self.fields(fields.iter().map(|(k, v)| (k.as_str(), v)), depth)
                }
            };
        }
        if let Some(settings) = value.read_lock::<Settings>() {
            let copy = Value::Object((*settings.0).clone());
            self.spend(copy.to_string().len())?;
            return Ok(copy);
        }
        Err(unfit(kind_of(value)))
    }

    fn items<'v>(
        &mut self,
        items: impl Iterator<Item = &'v Dynamic>,
        depth: usize,
    ) -> Result<Value, Unfit> {
        self.spend(2)?;
        let mut all = Vec::new();
        for (at, item) in items.enumerate() {
            self.spend(1)?;
            all.push(self.walk(item, depth + 1).map_err(|unfit| unfit.below(&format!("[{at}]")))?);
        }
        Ok(Value::Array(all))
    }

    fn fields<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v str, &'v Dynamic)>,
        depth: usize,
    ) -> Result<Value, Unfit> {
        self.spend(2)?;
        let mut all = serde_json::Map::new();
        for (name, value) in fields {
            self.spend(name.len() + 4)?;
            let value = self.walk(value, depth + 1).map_err(|unfit| unfit.below(name))?;
            all.insert(name.into(), value);
        }
        Ok(Value::Object(all))
    }
}

fn unfit(what: impl Into<String>) -> Unfit {
    Unfit::NoJson { path: String::new(), what: what.into() }
}
