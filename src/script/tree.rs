//! What lies inside a message, as scripts read it: immutable, shared without copying, and `()` where nothing is.
//!
//! A part points into the message's own JSON, and only what a script reads becomes a value of Rhai's: most scripts read
//! two or three fields of a message that has a hundred.

use super::{convert, run};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Module, NativeCallContext};
use serde_json::{Map, Value};
use std::{any::TypeId, fmt, ptr, rc::Rc, sync::Arc};
use yoke::Yoke;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// An object or a list of JSON; numbers, texts and booleans are Rhai's own.
#[derive(Clone)]
pub(crate) enum Tree {
    Fields(Part<Map<String, Value>>),
    Items(Part<[Value]>),
    /// What is in no message's JSON: the names in it, the message itself.
    Object(Rc<[(ImmutableString, Dynamic)]>),
    List(Rc<[Dynamic]>),
}

/// A piece of a message's JSON and what keeps it alive. That is counted on this thread alone, so that threads which
/// read the same message do not slow each other down.
pub(crate) type Part<T> = Yoke<&'static T, Rc<Json>>;

/// The JSON of a message.
pub(crate) enum Json {
    Body(Arc<Value>),
    Headers(Arc<Map<String, Value>>),
}

impl Json {
    pub(super) fn into_dynamic(self) -> Dynamic {
        let is_list = match &self {
            Self::Body(body) if body.is_array() => true,
            Self::Body(body) if !body.is_object() => return convert::leaf(body),
            _ => false,
        };
        Dynamic::from(if is_list {
            Tree::Items(Yoke::attach_to_cart(Rc::new(self), |json| match json {
                Self::Body(body) => items_of(body),
                Self::Headers(_) => &[],
            }))
        } else {
            Tree::Fields(Yoke::attach_to_cart(Rc::new(self), |json| match json {
                Self::Body(body) => fields_of(body),
                Self::Headers(fields) => fields,
            }))
        })
    }
}

/// One level of a tree.
pub(super) enum Level {
    Object(Vec<(ImmutableString, Dynamic)>),
    List(Array),
}

impl Tree {
    pub(super) fn list(items: impl Iterator<Item = Dynamic>) -> Self {
        Self::List(items.collect())
    }

    pub(super) fn object(mut fields: Vec<(ImmutableString, Dynamic)>) -> Self {
        fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self::Object(fields.into())
    }

    /// A field of an object, the length of a list, or `()`.
    pub(crate) fn field(&self, name: &str) -> Dynamic {
        match self {
            Self::Fields(fields) => below(fields, |fields| fields.get(name)),
            Self::Object(fields) => {
                place_of(fields, name).map_or(Dynamic::UNIT, |at| fields[at].1.clone())
            }
            Self::Items(_) | Self::List(_) if name == "len" => length(self.len()),
            Self::Items(_) | Self::List(_) => Dynamic::UNIT,
        }
    }

    /// An item of a list, from its end where the index is negative, or `()`.
    fn item(&self, index: i64) -> Dynamic {
        let at = usize::try_from(index).ok().or_else(|| {
            self.len().checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
        });
        at.map_or(Dynamic::UNIT, |at| self.nth(at))
    }

    fn nth(&self, at: usize) -> Dynamic {
        match self {
            Self::Items(items) => below(items, |items| items.get(at)),
            Self::List(items) => items.get(at).cloned().unwrap_or(Dynamic::UNIT),
            Self::Fields(_) | Self::Object(_) => Dynamic::UNIT,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Fields(fields) => fields.get().len(),
            Self::Items(items) => items.get().len(),
            Self::Object(fields) => fields.len(),
            Self::List(items) => items.len(),
        }
    }

    fn is_list(&self) -> bool {
        matches!(self, Self::Items(_) | Self::List(_))
    }

    /// Whether a list has this item, or an object this key.
    fn has(&self, wanted: &Dynamic) -> bool {
        if self.is_list() {
            return (0..self.len()).any(|at| same(&self.nth(at), wanted));
        }
        let Some(name) = wanted.read_lock::<ImmutableString>() else { return false };
        match self {
            Self::Fields(fields) => fields.get().contains_key(name.as_str()),
            Self::Object(fields) => place_of(fields, &name).is_some(),
            Self::Items(_) | Self::List(_) => false,
        }
    }

    /// Items of a list, keys of an object.
    pub(crate) fn items(&self) -> Array {
        match self.level() {
            Level::List(items) => items,
            Level::Object(fields) => fields.into_iter().map(|(key, _)| key.into()).collect(),
        }
    }

    pub(super) fn level(&self) -> Level {
        match self {
            Self::Fields(fields) => {
                let names = fields.get().keys();
                Level::Object(names.map(|name| (name.into(), self.field(name))).collect())
            }
            Self::Object(fields) => Level::Object(fields.to_vec()),
            Self::Items(_) | Self::List(_) => {
                Level::List((0..self.len()).map(|at| self.nth(at)).collect())
            }
        }
    }

    fn is_same_part(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fields(a), Self::Fields(b)) => ptr::eq(*a.get(), *b.get()),
            (Self::Items(a), Self::Items(b)) => ptr::eq(*a.get(), *b.get()),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// What is found below a part: a part of its own, or a value of Rhai's.
fn below<T: ?Sized + 'static>(
    part: &Part<T>,
    find: impl for<'j> Fn(&'j T) -> Option<&'j Value>,
) -> Dynamic {
    let there = "it was just found";
    match find(part.get()) {
        None => Dynamic::UNIT,
        Some(Value::Object(_)) => Dynamic::from(Tree::Fields(
            part.map_project_cloned(|whole, _| fields_of(find(whole).expect(there))),
        )),
        Some(Value::Array(_)) => Dynamic::from(Tree::Items(
            part.map_project_cloned(|whole, _| items_of(find(whole).expect(there))),
        )),
        Some(leaf) => convert::leaf(leaf),
    }
}

fn fields_of(object: &Value) -> &Map<String, Value> {
    object.as_object().expect("whoever asks has looked")
}

fn items_of(list: &Value) -> &[Value] {
    list.as_array().expect("whoever asks has looked")
}

fn place_of(fields: &[(ImmutableString, Dynamic)], name: &str) -> Option<usize> {
    fields.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()
}

fn length(len: usize) -> Dynamic {
    i64::try_from(len).unwrap_or(i64::MAX).into()
}

/// Equality of JSON: an integer equals a number of the same value.
pub(crate) fn same(a: &Dynamic, b: &Dynamic) -> bool {
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>())
    {
        return *a == *b;
    }
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return (a - b).abs() < f64::EPSILON;
    }
    if let (Ok(a), Ok(b)) = (a.as_bool(), b.as_bool()) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Tree>(), b.read_lock::<Tree>()) {
        return a.equals(&b);
    }
    a.is_unit() && b.is_unit()
}

fn number(value: &Dynamic) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "compared with a float, as JSON does")]
    value.as_float().ok().or_else(|| value.as_int().ok().map(|n| n as f64))
}

impl Tree {
    fn equals(&self, other: &Self) -> bool {
        if self.is_same_part(other) {
            return true;
        }
        match (self.level(), other.level()) {
            (Level::List(a), Level::List(b)) => {
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b))
            }
            (Level::Object(a), Level::Object(b)) => {
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&convert::shown(&Dynamic::from(self.clone()), 200))
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Functions of Rhai's arrays that a list of a message answers too, by a copy: name and number of arguments.
const LIKE_ARRAYS: [(&str, usize); 23] = [
    ("all", 2),
    ("extract", 2),
    ("extract", 3),
    ("filter", 2),
    ("find", 2),
    ("find", 3),
    ("find_map", 2),
    ("first", 2),
    ("for_each", 2),
    ("group_by", 2),
    ("index_of", 2),
    ("index_of", 3),
    ("join", 2),
    ("map", 2),
    ("reduce", 2),
    ("reduce", 3),
    ("reversed", 1),
    ("series", 1),
    ("some", 2),
    ("sorted_by", 2),
    ("unique", 1),
    ("zip", 3),
    ("order", 1),
];

/// What scripts can do with the inside of a message, beside reading fields.
pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Tree>("part of a message");
    // Comments that begin with a call are the reference that authors read: bindings/reference.rs takes them from here.
    module.set_indexer_get_fn(|tree: &mut Tree, name: ImmutableString| Ok(tree.field(&name)));
    module.set_indexer_get_fn(|tree: &mut Tree, index: i64| Ok(tree.item(index)));
    // `part.len()` → the number of items of a list, or of fields of an object.
    module.set_native_fn("len", |tree: &mut Tree| Ok(length(tree.len())));
    // `part.is_empty()` → whether it has no items or fields.
    module.set_native_fn("is_empty", |tree: &mut Tree| Ok(tree.len() == 0));
    // `part.contains(value)` → whether a list has this item, or an object a field of this name. `value in part` is the same.
    module.set_native_fn("contains", |tree: &mut Tree, wanted: Dynamic| -> Fallible<bool> {
        spend(tree.len())?;
        Ok(tree.has(&wanted))
    });
    // `part.get(which)` → the field of this name, or the item of this number, from the end where it is negative; else `()`.
    module.set_native_fn("get", |tree: &mut Tree, name: ImmutableString| Ok(tree.field(&name)));
    module.set_native_fn("get", |tree: &mut Tree, index: i64| Ok(tree.item(index)));
    // `part.keys()` → the names of an object's fields, sorted; for a list an empty list.
    module.set_native_fn("keys", |tree: &mut Tree| -> Fallible<Array> {
        spend(tree.len())?;
        Ok(if tree.is_list() { Array::new() } else { tree.items() })
    });
    // `part.values()` → the values of an object in the order of their names, or the items of a list.
    module.set_native_fn("values", |tree: &mut Tree| -> Fallible<Array> {
        spend(tree.len())?;
        Ok(match tree.level() {
            Level::List(items) => items,
            Level::Object(fields) => fields.into_iter().map(|(_, value)| value).collect(),
        })
    });
    module.set_native_fn("==", |a: &mut Tree, b: Tree| Ok(a.equals(&b)));
    module.set_native_fn("!=", |a: &mut Tree, b: Tree| Ok(!a.equals(&b)));
    module.set_native_fn("==", |a: &mut Tree, b: Array| Ok(matches_array(a, &b)));
    module.set_native_fn("!=", |a: &mut Tree, b: Array| Ok(!matches_array(a, &b)));
    // `part.to_string()`, `part.to_debug()`, `print(part)`, `debug(part)` → the part written out like JSON.
    for name in ["to_string", "to_debug", "print", "debug"] {
        module.set_native_fn(name, |tree: &mut Tree| -> Fallible<ImmutableString> {
            super::guards::text_of(&Dynamic::from(tree.clone()))
        });
    }
    // `part.all(f)`, `part.extract(from[, length])`, `part.filter(f)`, `part.find(f[, from])`, `part.find_map(f)`,
    // `part.first(n)`, `part.for_each(f)`, `part.group_by(path)`, `part.index_of(value[, from])`, `part.join(between)`,
    // `part.map(f)`, `part.order()`, `part.reduce(f[, initial])`, `part.reversed()`, `part.series()`, `part.some(f)`,
    // `part.sorted_by(path)`, `part.unique()`, `part.zip(list, f)` → what a list answers, of a copy of a message's list.
    for (name, arity) in LIKE_ARRAYS {
        let mut types = vec![TypeId::of::<Dynamic>(); arity];
        types[0] = TypeId::of::<Tree>();
        rhai::FuncRegistration::new(name).in_global_namespace().set_into_module_raw(
            module,
            types,
            rhai::RhaiFunc::Method {
                func: rhai::Shared::new(
                    |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
                        let context = context.expect("asked for with `has_context`");
                        as_array(&context, args)
                    },
                ),
                has_context: true,
                is_pure: true,
                is_volatile: false,
            },
        );
    }
    module.set_iter(TypeId::of::<Tree>(), |tree| Box::new(tree.cast::<Tree>().items().into_iter()));
}

fn as_array(context: &NativeCallContext<'_>, args: &mut [&mut Dynamic]) -> Fallible<Dynamic> {
    let (list, rest) = args.split_first_mut().expect("registered with at least one argument");
    let items = list.read_lock::<Tree>().map(|tree| tree.items()).unwrap_or_default();
    spend(items.len())?;
    let mut copy = Dynamic::from(items);
    let mut all: Vec<&mut Dynamic> = vec![&mut copy];
    all.extend(rest.iter_mut().map(|arg| &mut **arg));
    context.call_native_fn_raw(context.fn_name(), true, &mut all)
}

fn matches_array(tree: &Tree, array: &Array) -> bool {
    tree.is_list()
        && tree.len() == array.len()
        && array.iter().enumerate().all(|(at, item)| same(&tree.nth(at), item))
}

fn spend(operations: usize) -> Fallible<()> {
    run::charge(operations).map_err(super::guards::ended)
}

/// In the pure tier nothing is as forgiving as a message: what is missing has no fields, no items, no length.
pub(super) fn register_nothing(module: &mut Module) {
    // `().len()`, `().is_empty()`, `().contains(value)`, `().starts_with(text)`, `().ends_with(text)`, `().to_lower()`,
    // `().to_upper()`, `().index_of(value)`, `().split(at)`, `().keys()`, `().values()`, `().some(f)`, `().filter(f)`,
    // `().map(f)` → what an empty text or list answers: a check needs no guards for what a message lacks.
    //
    // Only in `should_invalidate`, `hints` and processors. In `data` only a message is so forgiving.
    module.set_indexer_get_fn(|(): &mut (), _: ImmutableString| Ok(Dynamic::UNIT));
    module.set_indexer_get_fn(|(): &mut (), _: i64| Ok(Dynamic::UNIT));
    module.set_native_fn("get", |(): (), _: Dynamic| Ok(()));
    module.set_native_fn("len", |(): ()| Ok(0_i64));
    module.set_native_fn("is_empty", |(): ()| Ok(true));
    module.set_native_fn("contains", |(): (), _: Dynamic| Ok(false));
    module.set_native_fn("starts_with", |(): (), _: &str| Ok(false));
    module.set_native_fn("ends_with", |(): (), _: &str| Ok(false));
    module.set_native_fn("to_lower", |(): ()| Ok(()));
    module.set_native_fn("to_upper", |(): ()| Ok(()));
    module.set_native_fn("index_of", |(): (), _: Dynamic| Ok(-1_i64));
    module.set_native_fn("split", |(): (), _: &str| Ok(Array::new()));
    module.set_native_fn("keys", |(): ()| Ok(Array::new()));
    module.set_native_fn("values", |(): ()| Ok(Array::new()));
    module.set_native_fn("some", |(): (), _: rhai::FnPtr| Ok(false));
    module.set_native_fn("all", |(): (), _: rhai::FnPtr| Ok(true));
    module.set_native_fn("filter", |(): (), _: rhai::FnPtr| Ok(Array::new()));
    module.set_native_fn("map", |(): (), _: rhai::FnPtr| Ok(Array::new()));
    module.set_iter(TypeId::of::<()>(), |_| Box::new(std::iter::empty()));
}
