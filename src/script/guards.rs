//! What replaces the natives of Rhai that escape every limit: each measures first, then works.

use super::{
    LimitName,
    placed::Settings,
    run,
    tree::{Level, Tree},
};
use rhai::{
    Array, Dynamic, EvalAltResult, FLOAT, FuncRegistration, INT, ImmutableString, Map, Module,
    NativeCallContext, Position,
};
use std::fmt::Write as _;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Data nested deeper is not written out as text.
const MAX_TEXT_DEPTH: usize = 32;

/// An error of a host function in words; its place is filled in by Rhai.
pub(crate) fn thrown(sentence: impl Into<Dynamic>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(sentence.into(), Position::NONE).into()
}

/// The error of a call that a limit has ended: no script can catch it.
pub(crate) fn ended(_: LimitName) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into()
}

/// Runs a function of the host for a script: its memory is on the house, and its error gets the place of the call,
/// which Rhai gives to functions without a namespace only.
pub(crate) fn serve<R>(
    context: &NativeCallContext<'_>,
    work: impl FnOnce() -> Fallible<R>,
) -> Fallible<R> {
    run::on_the_house(work).map_err(|mut error| {
        if error.position().is_none() {
            error.set_position(context.call_position());
        }
        error
    })
}

fn too_long() -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge("Length of string".into(), Position::NONE).into()
}

fn too_many() -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge("Size of array/BLOB".into(), Position::NONE).into()
}

pub(super) fn register(module: &mut Module) {
    module.set_native_fn("sleep", |_: INT| -> Fallible<()> { Err(no_sleep()) });
    module.set_native_fn("sleep", |_: FLOAT| -> Fallible<()> { Err(no_sleep()) });
    register_changing(module);
    for name in ["to_string", "to_debug", "print", "debug"] {
        module.set_native_fn(name, |list: &mut Array| text_with(|out| out.list(list.iter(), 0)));
        module.set_native_fn(name, |map: &mut Map| {
            text_with(|out| out.map(map.iter().map(|(k, v)| (k.as_str(), v)), 0))
        });
    }
    module.set_native_fn("to_json", |map: &mut Map| -> Fallible<ImmutableString> {
        let (bytes, _) = run::sizes();
        let json = super::convert::to_json(&Dynamic::from_map(map.clone()), bytes);
        json.map(|json| json.to_string().into()).map_err(|unfit| match unfit {
            super::convert::Unfit::TooLarge => too_long(),
            super::convert::Unfit::NoJson { path, what } => {
                thrown(format!("no JSON can be made of it: `{path}` is {what}"))
            }
        })
    });
    module.set_native_fn("parse_json", |text: &str| -> Fallible<Dynamic> {
        let value = serde_json::from_str(text).map_err(|e| thrown(format!("no JSON: {e}")))?;
        Ok(super::convert::to_dynamic(&value))
    });
}

/// Functions that change their first argument must say so: else they would change a message too.
fn register_changing(module: &mut Module) {
    let changing =
        |name: &str| FuncRegistration::new(name).in_global_namespace().with_purity(false);
    changing("pad").set_into_module(module, pad_list);
    changing("pad").set_into_module(module, |text: &mut ImmutableString, len: INT, with: char| {
        pad_text(text, len, with.encode_utf8(&mut [0; 4]))
    });
    changing("pad").set_into_module(module, |text: &mut ImmutableString, len: INT, with: &str| {
        pad_text(text, len, with)
    });
    changing("replace")
        .set_into_module(module, |text: &mut ImmutableString, old: &str, new: &str| {
            replace(text, old, new)
        });
    changing("replace").set_into_module(
        module,
        |text: &mut ImmutableString, old: char, new: &str| {
            replace(text, old.encode_utf8(&mut [0; 4]), new)
        },
    );
    changing("replace").set_into_module(
        module,
        |text: &mut ImmutableString, old: &str, new: char| {
            replace(text, old, new.encode_utf8(&mut [0; 4]))
        },
    );
    changing("replace").set_into_module(
        module,
        |text: &mut ImmutableString, old: char, new: char| {
            replace(text, old.encode_utf8(&mut [0; 4]), new.encode_utf8(&mut [0; 4]))
        },
    );
}

fn no_sleep() -> Box<EvalAltResult> {
    thrown("a script can't sleep; the widget is rebuilt when a message or its `REFRESH` says so")
}

#[expect(clippy::needless_pass_by_value, reason = "Rhai hands arguments over by value")]
fn pad_list(list: &mut Array, len: INT, item: Dynamic) -> Fallible<()> {
    let len = usize::try_from(len).unwrap_or(0);
    let (_, most) = run::sizes();
    if len > most {
        return Err(too_many());
    }
    // One by one, so that copies of a large item meet the memory limit on their way.
    while list.len() < len {
        run::charge(1).map_err(ended)?;
        list.push(item.clone());
    }
    Ok(())
}

fn pad_text(text: &mut ImmutableString, len: INT, with: &str) -> Fallible<()> {
    let len = usize::try_from(len).unwrap_or(0);
    let have = text.chars().count();
    if len <= have || with.is_empty() {
        return Ok(());
    }
    let (most, _) = run::sizes();
    let padding = with.chars().cycle().take(len - have);
    let bytes = (len - have).saturating_mul(with.len()) / with.chars().count().max(1);
    if text.len().saturating_add(bytes) > most {
        return Err(too_long());
    }
    let mut padded = String::from(text.as_str());
    padded.extend(padding);
    *text = padded.into();
    Ok(())
}

fn replace(text: &mut ImmutableString, old: &str, new: &str) -> Fallible<()> {
    let (most, _) = run::sizes();
    let hits = text.matches(old).count();
    let grown = hits.saturating_mul(new.len()).saturating_add(text.len());
    if grown.saturating_sub(hits.saturating_mul(old.len())) > most {
        return Err(too_long());
    }
    *text = text.as_str().replace(old, new).into();
    Ok(())
}

/// A value as text, within the limit on texts. Rhai's own walks nested data unmeasured and swallows errors on its way.
pub(crate) fn text_of(value: &Dynamic) -> Fallible<ImmutableString> {
    text_with(|out| out.value(value, 0))
}

fn text_with(write: impl FnOnce(&mut Text) -> Fallible<()>) -> Fallible<ImmutableString> {
    let mut out = Text { text: String::new(), most: run::sizes().0 };
    write(&mut out)?;
    Ok(out.text.into())
}

struct Text {
    text: String,
    most: usize,
}

impl Text {
    fn put(&mut self, part: &str) -> Fallible<()> {
        if self.text.len() + part.len() > self.most {
            return Err(too_long());
        }
        self.text.push_str(part);
        Ok(())
    }

    fn value(&mut self, value: &Dynamic, depth: usize) -> Fallible<()> {
        run::charge(1).map_err(ended)?;
        if depth > MAX_TEXT_DEPTH {
            return self.put("…");
        }
        if let Ok(list) = value.as_array_ref() {
            return self.list(list.iter(), depth);
        }
        if let Ok(map) = value.as_map_ref() {
            return self.map(map.iter().map(|(k, v)| (k.as_str(), v)), depth);
        }
        if let Some(tree) = value.read_lock::<Tree>() {
            return match tree.level() {
                Level::List(items) => self.list(items.iter(), depth),
                Level::Object(fields) => {
                    self.map(fields.iter().map(|(k, v)| (k.as_str(), v)), depth)
                }
            };
        }
        if let Some(settings) = value.read_lock::<Settings>() {
            return self.put(&serde_json::Value::Object((*settings.0).clone()).to_string());
        }
        if let Some(text) = value.read_lock::<ImmutableString>() {
            if text.len() > self.most {
                return Err(too_long());
            }
            return self.put(&format!("{:?}", text.as_str()));
        }
        if value.is_shared() {
            return self.value(&value.flatten_clone(), depth + 1);
        }
        self.put(&value.to_string())
    }

    fn list<'v>(&mut self, items: impl Iterator<Item = &'v Dynamic>, depth: usize) -> Fallible<()> {
        self.put("[")?;
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.put(", ")?;
            }
            self.value(item, depth + 1)?;
        }
        self.put("]")
    }

    fn map<'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v str, &'v Dynamic)>,
        depth: usize,
    ) -> Fallible<()> {
        self.put("#{")?;
        for (at, (name, value)) in fields.enumerate() {
            let mut key = String::new();
            let _ = write!(key, "{}{name:?}: ", if at > 0 { ", " } else { "" });
            self.put(&key)?;
            self.value(value, depth + 1)?;
        }
        self.put("}")
    }
}
