//! What lies inside a message, as scripts read it: immutable, shared without copying, and `()` where nothing is.

use super::{convert, run};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Module, NativeCallContext};
use serde_json::Value;
use std::{any::TypeId, fmt, rc::Rc};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// An object or a list of JSON; numbers, texts and booleans are Rhai's own.
#[derive(Clone)]
pub(crate) struct Tree(Rc<Node>);

enum Node {
    List(Box<[Dynamic]>),
    /// Sorted by key.
    Object(Box<[(ImmutableString, Dynamic)]>),
}

/// A JSON value with its objects and lists as trees.
pub(super) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Array(items) => Dynamic::from(Tree::list(items.iter().map(to_dynamic))),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.as_str().into(), to_dynamic(value)));
            Dynamic::from(Tree::object(fields.collect()))
        }
        leaf => convert::leaf(leaf),
    }
}

impl Tree {
    pub(super) fn list(items: impl Iterator<Item = Dynamic>) -> Self {
        Self(Rc::new(Node::List(items.collect())))
    }

    pub(super) fn object(mut fields: Vec<(ImmutableString, Dynamic)>) -> Self {
        fields.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self(Rc::new(Node::Object(fields.into())))
    }

    /// A field of an object, the length of a list, or `()`.
    pub(crate) fn field(&self, name: &str) -> Dynamic {
        match &*self.0 {
            Node::Object(fields) => {
                place_of(fields, name).map_or(Dynamic::UNIT, |at| fields[at].1.clone())
            }
            Node::List(items) if name == "len" => length(items.len()),
            Node::List(_) => Dynamic::UNIT,
        }
    }

    /// An item of a list, from its end where the index is negative, or `()`.
    fn item(&self, index: i64) -> Dynamic {
        let Node::List(items) = &*self.0 else { return Dynamic::UNIT };
        let at = usize::try_from(index).ok().or_else(|| {
            items.len().checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
        });
        at.and_then(|at| items.get(at)).cloned().unwrap_or(Dynamic::UNIT)
    }

    fn len(&self) -> usize {
        match &*self.0 {
            Node::List(items) => items.len(),
            Node::Object(fields) => fields.len(),
        }
    }

    /// Whether a list has this item, or an object this key.
    fn has(&self, wanted: &Dynamic) -> bool {
        match &*self.0 {
            Node::List(items) => items.iter().any(|item| same(item, wanted)),
            Node::Object(fields) => wanted
                .read_lock::<ImmutableString>()
                .is_some_and(|name| place_of(fields, &name).is_some()),
        }
    }

    /// Items of a list, keys of an object.
    pub(crate) fn items(&self) -> Array {
        match &*self.0 {
            Node::List(items) => items.to_vec(),
            Node::Object(fields) => fields.iter().map(|(key, _)| key.clone().into()).collect(),
        }
    }

    pub(super) fn fields(&self) -> Option<impl Iterator<Item = (&str, &Dynamic)>> {
        match &*self.0 {
            Node::Object(fields) => Some(fields.iter().map(|(key, value)| (key.as_str(), value))),
            Node::List(_) => None,
        }
    }

    pub(super) fn list_items(&self) -> Option<&[Dynamic]> {
        match &*self.0 {
            Node::List(items) => Some(items),
            Node::Object(_) => None,
        }
    }
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
        match (&*self.0, &*other.0) {
            _ if Rc::ptr_eq(&self.0, &other.0) => true,
            (Node::List(a), Node::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Node::Object(a), Node::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
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
        Ok(if tree.list_items().is_some() { Array::new() } else { tree.items() })
    });
    // `part.values()` → the values of an object in the order of their names, or the items of a list.
    module.set_native_fn("values", |tree: &mut Tree| -> Fallible<Array> {
        spend(tree.len())?;
        Ok(match &*tree.0 {
            Node::List(items) => items.to_vec(),
            Node::Object(fields) => fields.iter().map(|(_, value)| value.clone()).collect(),
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
    module.set_iter(TypeId::of::<Tree>(), |tree| {
        let tree = tree.cast::<Tree>();
        let mut at = 0;
        Box::new(std::iter::from_fn(move || {
            let next = match &*tree.0 {
                Node::List(items) => items.get(at).cloned(),
                Node::Object(fields) => fields.get(at).map(|(key, _)| key.clone().into()),
            };
            at += 1;
            next
        }))
    });
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
    tree.list_items().is_some_and(|items| {
        items.len() == array.len() && items.iter().zip(array).all(|(a, b)| same(a, b))
    })
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
