//! What must be true of a message, told without a script: a tree of tests on its fields, answered in nanoseconds.
//!
//! It answers as the script would from which it was read: in the same order, with the same equality, `()` where
//! nothing is. Where a script would fail, or nobody knows what it would say, the answer is [`Verdict::Ask`].

use super::Message;
use serde_json::{Number, Value};
use smallvec::SmallVec;
use std::fmt;

/// Something that a message holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub root: Root,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Topic,
    Category,
    Id,
    Title,
    Summary,
    Link,
    Icon,
    SecondaryIcon,
    Usernames,
    Packages,
    Objects,
    Headers,
    Body,
    /// What a list is walked through for: the outermost list's is 0.
    Element(usize),
}

/// One step deeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name`: nothing, where there is none.
    Field(Box<str>),
    /// `["name"]`: as a field, but an error on texts and numbers.
    Key(Box<str>),
    /// `[0]`, from the end where negative.
    Item(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Is(Value),
    /// Equal to what lies elsewhere in the same message.
    Same(Place),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    /// A text has this part, a list this item, an object this key.
    Contains(Value),
    /// Is one of these.
    Among(Vec<Value>),
    Empty,
    /// Is `true`.
    True,
    /// A list has an element of which this holds.
    Some(Box<Condition>),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub enum Condition {
    Known(bool),
    /// Nobody knows: the script must be asked.
    #[default]
    Open,
    Is(Place, Test),
    Not(Box<Condition>),
    /// In this order; the first that fails decides.
    All(Vec<Condition>),
    /// In this order; the first that holds decides.
    Any(Vec<Condition>),
    /// The first decides which of the two others counts.
    If(Box<[Condition; 3]>),
    /// Must hold, but the script may fail before it comes to it.
    Unsure(Box<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Yes,
    No,
    Ask,
}

impl Verdict {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl Condition {
    /// True where this is false.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Known(known) => Self::Known(!known),
            Self::Open => Self::Open,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Both, this one first.
    #[must_use]
    pub fn and(self, then: Self) -> Self {
        match (self, then) {
            (Self::Known(true), then) => then,
            (Self::Known(false), _) => Self::Known(false),
            (first, Self::Known(true)) => first,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), then) => {
                all.push(then);
                Self::All(all)
            }
            (first, Self::All(mut all)) => {
                all.insert(0, first);
                Self::All(all)
            }
            (first, then) => Self::All(vec![first, then]),
        }
    }

    /// Either, this one first.
    #[must_use]
    pub fn or(self, then: Self) -> Self {
        match (self, then) {
            (Self::Known(false), then) => then,
            (Self::Known(true), _) => Self::Known(true),
            (first, Self::Known(false)) => first,
            (Self::Any(mut all), Self::Any(more)) => {
                all.extend(more);
                Self::Any(all)
            }
            (Self::Any(mut all), then) => {
                all.push(then);
                Self::Any(all)
            }
            (first, Self::Any(mut all)) => {
                all.insert(0, first);
                Self::Any(all)
            }
            (first, then) => Self::Any(vec![first, then]),
        }
    }

    #[must_use]
    pub fn choose(self, then: Self, otherwise: Self) -> Self {
        match (self, &then, &otherwise) {
            (Self::Known(true), ..) => then,
            (Self::Known(false), ..) => otherwise,
            (known, Self::Known(true), Self::Known(false)) => known,
            (known, Self::Known(false), Self::Known(true)) => known.negated(),
            (known, _, Self::Known(false)) => known.and(then),
            (known, Self::Known(false), _) => known.negated().and(otherwise),
            (known, Self::Known(true), _) => known.or(otherwise),
            (known, ..) => Self::If(Box::new([known, then, otherwise])),
        }
    }

    /// Whether it is all there is: no message needs the script, unless a value in it is of a kind that makes it fail.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Open | Self::Unsure(_) => false,
            Self::Is(_, Test::Some(each)) => each.is_whole(),
            Self::Known(_) | Self::Is(..) => true,
            Self::Not(inner) => inner.is_whole(),
            Self::All(all) | Self::Any(all) => all.iter().all(Self::is_whole),
            Self::If(parts) => parts.iter().all(Self::is_whole),
        }
    }

    pub fn judge(&self, message: &Message) -> Verdict {
        Judging { message, elements: SmallVec::new() }.condition(self)
    }
}

/// Something found in a message.
#[derive(Clone, Copy)]
enum Found<'m> {
    Json(&'m Value),
    Text(&'m str),
    Texts(&'m [String]),
    Headers(&'m serde_json::Map<String, Value>),
}

const NOTHING: Found<'static> = Found::Json(&Value::Null);

struct Judging<'m> {
    message: &'m Message,
    elements: SmallVec<[Found<'m>; 2]>,
}

impl<'m> Judging<'m> {
    fn condition(&mut self, condition: &Condition) -> Verdict {
        match condition {
            Condition::Known(yes) => Verdict::of(*yes),
            Condition::Open | Condition::Unsure(_) => Verdict::Ask,
            Condition::Is(place, test) => match self.find(place) {
                Some(found) => self.test(found, test),
                None => Verdict::Ask,
            },
            Condition::Not(inner) => match self.condition(inner) {
                Verdict::Yes => Verdict::No,
                Verdict::No => Verdict::Yes,
                Verdict::Ask => Verdict::Ask,
            },
            Condition::All(all) => self.until(all, Verdict::Yes),
            Condition::Any(all) => self.until(all, Verdict::No),
            Condition::If(parts) => match self.condition(&parts[0]) {
                Verdict::Yes => self.condition(&parts[1]),
                Verdict::No => self.condition(&parts[2]),
                Verdict::Ask => Verdict::Ask,
            },
        }
    }

    fn until(&mut self, all: &[Condition], goes_on: Verdict) -> Verdict {
        let verdicts = all.iter().map(|one| self.condition(one));
        verdicts.into_iter().find(|verdict| *verdict != goes_on).unwrap_or(goes_on)
    }

    fn find(&self, place: &Place) -> Option<Found<'m>> {
        let message = self.message;
        let said = &message.description;
        let is_word = matches!(
            place.root,
            Root::Summary | Root::Link | Root::Icon | Root::SecondaryIcon | Root::Objects
        );
        // Nobody has looked for them yet: see `widget::Processors::word`.
        if is_word && !said.is_worded() {
            return None;
        }
        let root = match place.root {
            Root::Topic => Found::Text(message.topic.as_str()),
            Root::Category => Found::Text(message.topic.category()),
            Root::Id => Found::Text(&message.id),
            Root::Title => Found::Text(&said.title),
            Root::Summary => Found::Text(&said.summary),
            Root::Link => Found::Text(&said.link),
            Root::Icon => Found::Text(&said.icon),
            Root::SecondaryIcon => Found::Text(&said.secondary_icon),
            Root::Usernames => Found::Texts(&said.usernames),
            Root::Packages => Found::Texts(&said.packages),
            Root::Objects => Found::Texts(&said.objects),
            Root::Headers => Found::Headers(&message.headers),
            Root::Body => Found::Json(&message.body),
            Root::Element(depth) => *self.elements.get(depth)?,
        };
        place.steps.iter().try_fold(root, step)
    }

    fn test(&mut self, found: Found<'m>, asked: &Test) -> Verdict {
        match asked {
            Test::Is(value) => is(found, value),
            Test::Same(place) => match self.find(place) {
                Some(Found::Text(text)) => is_text(found, text),
                Some(Found::Json(other)) if !other.is_object() && !other.is_array() => {
                    is(found, other)
                }
                _ => Verdict::Ask,
            },
            Test::StartsWith(part) => on_text(found, |text| text.starts_with(&**part)),
            Test::EndsWith(part) => on_text(found, |text| text.ends_with(&**part)),
            Test::Contains(value) => contains(found, value),
            Test::Among(values) => {
                let verdicts = values.iter().map(|value| is(found, value));
                verdicts.into_iter().find(|verdict| *verdict != Verdict::No).unwrap_or(Verdict::No)
            }
            Test::Empty => match found {
                Found::Text(text) => Verdict::of(text.is_empty()),
                Found::Texts(texts) => Verdict::of(texts.is_empty()),
                Found::Json(Value::String(text)) => Verdict::of(text.is_empty()),
                Found::Json(Value::Array(items)) => Verdict::of(items.is_empty()),
                Found::Json(Value::Object(fields)) | Found::Headers(fields) => {
                    Verdict::of(fields.is_empty())
                }
                Found::Json(Value::Null) => Verdict::Yes,
                Found::Json(_) => Verdict::Ask,
            },
            Test::True => match found {
                Found::Json(Value::Bool(yes)) => Verdict::of(*yes),
                _ => Verdict::Ask,
            },
            Test::Some(each) => match found {
                Found::Json(Value::Array(items)) => self.some(items.iter().map(Found::Json), each),
                Found::Json(Value::Object(fields)) | Found::Headers(fields) => {
                    self.some(fields.keys().map(|key| Found::Text(key)), each)
                }
                Found::Texts(texts) => self.some(texts.iter().map(|text| Found::Text(text)), each),
                Found::Json(Value::Null) => Verdict::No,
                Found::Json(_) | Found::Text(_) => Verdict::Ask,
            },
        }
    }

    fn some(&mut self, items: impl Iterator<Item = Found<'m>>, each: &Condition) -> Verdict {
        for item in items {
            self.elements.push(item);
            let verdict = self.condition(each);
            self.elements.pop();
            if verdict != Verdict::No {
                return verdict;
            }
        }
        Verdict::No
    }
}

fn step<'m>(found: Found<'m>, step: &Step) -> Option<Found<'m>> {
    Some(match (found, step) {
        (
            Found::Json(Value::Object(fields)) | Found::Headers(fields),
            Step::Field(name) | Step::Key(name),
        ) => fields.get(&**name).map_or(NOTHING, Found::Json),
        (Found::Json(Value::Array(items)), Step::Item(at)) => {
            place_in(items.len(), *at).map_or(NOTHING, |at| Found::Json(&items[at]))
        }
        (Found::Texts(items), Step::Item(at)) => {
            place_in(items.len(), *at).map_or(NOTHING, |at| Found::Text(&items[at]))
        }
        (
            Found::Json(Value::String(_) | Value::Number(_) | Value::Bool(_)) | Found::Text(_),
            Step::Key(_) | Step::Item(_),
        ) => {
            return None;
        }
        _ => NOTHING,
    })
}

fn place_in(len: usize, at: i64) -> Option<usize> {
    let distance = usize::try_from(at.unsigned_abs()).ok()?;
    let at = if at < 0 { len.checked_sub(distance)? } else { distance };
    (at < len).then_some(at)
}

fn is(found: Found<'_>, value: &Value) -> Verdict {
    let found = match found {
        Found::Text(text) => return Verdict::of(value.as_str() == Some(text)),
        Found::Texts(_) | Found::Headers(_) if value.is_array() || value.is_object() => {
            return Verdict::Ask;
        }
        Found::Texts(_) | Found::Headers(_) => return Verdict::No,
        Found::Json(found) => found,
    };
    match (found, value) {
        (Value::Array(_) | Value::Object(_), Value::Array(_) | Value::Object(_)) => Verdict::Ask,
        (Value::Number(a), Value::Number(b)) => Verdict::of(is_number(a, b)),
        (a, b) => Verdict::of(a == b),
    }
}

fn is_text(found: Found<'_>, text: &str) -> Verdict {
    match found {
        Found::Text(other) => Verdict::of(other == text),
        Found::Json(other) => Verdict::of(other.as_str() == Some(text)),
        Found::Texts(_) | Found::Headers(_) => Verdict::No,
    }
}

/// Equal as a script has it: 1 and 1.0 are one number.
fn is_number(a: &Number, b: &Number) -> bool {
    // Two whole numbers that differ must not meet where floats run out of digits.
    if a.is_i64() && b.is_i64() { a == b } else { a.as_f64() == b.as_f64() }
}

fn on_text(found: Found<'_>, fits: impl FnOnce(&str) -> bool) -> Verdict {
    match found {
        Found::Text(text) => Verdict::of(fits(text)),
        Found::Json(Value::String(text)) => Verdict::of(fits(text)),
        Found::Json(Value::Null) => Verdict::No,
        _ => Verdict::Ask,
    }
}

fn contains(found: Found<'_>, value: &Value) -> Verdict {
    let part = |text: &str| match value {
        Value::String(part) => Verdict::of(text.contains(&**part)),
        _ => Verdict::Ask,
    };
    match found {
        Found::Text(text) => part(text),
        Found::Json(Value::String(text)) => part(text),
        Found::Json(Value::Null) => Verdict::No,
        Found::Json(Value::Object(fields)) | Found::Headers(fields) => {
            Verdict::of(value.as_str().is_some_and(|name| fields.contains_key(name)))
        }
        Found::Texts(texts) => {
            Verdict::of(value.as_str().is_some_and(|name| texts.iter().any(|text| text == name)))
        }
        Found::Json(Value::Array(items)) => match value {
            Value::Number(_) | Value::Array(_) | Value::Object(_) => Verdict::Ask,
            value => Verdict::of(items.contains(value)),
        },
        Found::Json(_) => Verdict::Ask,
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Topic => "message.topic",
            Root::Category => "message.category",
            Root::Id => "message.id",
            Root::Title => "message.title",
            Root::Summary => "message.summary",
            Root::Link => "message.link",
            Root::Icon => "message.icon",
            Root::SecondaryIcon => "message.secondary_icon",
            Root::Usernames => "message.usernames",
            Root::Packages => "message.packages",
            Root::Objects => "message.objects",
            Root::Headers => "message.headers",
            Root::Body => "message.msg",
            Root::Element(_) => "each",
        })?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Key(name) => write!(f, "[{name:?}]"),
            Step::Item(at) => write!(f, "[{at}]"),
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, all: &[Self], word: &str| {
            all.iter().enumerate().try_for_each(|(at, one)| {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                match one {
                    Self::All(_) | Self::Any(_) | Self::If(_) => write!(f, "({one})"),
                    one => write!(f, "{one}"),
                }
            })
        };
        match self {
            Self::Known(yes) => write!(f, "{yes}"),
            Self::Open => f.write_str("?"),
            Self::Unsure(inner) => write!(f, "? && ({inner})"),
            Self::Not(inner) => match &**inner {
                Self::Is(place, Test::Is(value)) => write!(f, "{place} != {}", Shown(value)),
                inner => write!(f, "!({inner})"),
            },
            Self::All(all) => joined(f, all, "&&"),
            Self::Any(all) => joined(f, all, "||"),
            Self::If(parts) => {
                write!(f, "if {} {{ {} }} else {{ {} }}", parts[0], parts[1], parts[2])
            }
            Self::Is(place, test) => match test {
                Test::Is(value) => write!(f, "{place} == {}", Shown(value)),
                Test::Same(other) => write!(f, "{place} == {other}"),
                Test::StartsWith(part) => write!(f, "{place}.starts_with({part:?})"),
                Test::EndsWith(part) => write!(f, "{place}.ends_with({part:?})"),
                Test::Contains(value) => write!(f, "{place}.contains({})", Shown(value)),
                Test::Among(values) => {
                    write!(f, "{place} in {}", Shown(&Value::Array(values.clone())))
                }
                Test::Empty => write!(f, "{place}.is_empty()"),
                Test::True => write!(f, "{place}"),
                Test::Some(each) => write!(f, "{place}.some(|each| {each})"),
            },
        }
    }
}

/// A value as a script writes it.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("()"),
            Value::Object(_) => write!(f, "#{}", self.0),
            other => write!(f, "{other}"),
        }
    }
}
