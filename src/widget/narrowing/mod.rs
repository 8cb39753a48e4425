//! From the condition that a script sets to hints that the index can look up.
//!
//! Each hint is necessary, none needs to be enough: what an index can't look up is left out, and a condition of too many
//! branches is told by its most telling part. So what the hints leave out can't meet the condition.

use super::Hint;
use crate::message::{Condition, Place, Root, Step, Test, Topic, TopicPattern};
use serde_json::Value;

/// More branches than this are not worth their place in the index.
const MOST: usize = 64;

/// Any of the hints must match; none: no message meets the condition.
pub(super) fn hints(condition: &Condition) -> Vec<Hint> {
    necessary(condition, true)
}

/// Both must hold.
pub(super) fn both(all: &[Hint], also: &[Hint]) -> Vec<Hint> {
    if all.len() * also.len() > MOST {
        // One of the two is enough to be sound: the one that has more to say.
        let open = |hints: &[Hint]| hints.iter().any(|hint| *hint == Hint::any());
        return if open(all) || (!open(also) && also.len() < all.len()) { also } else { all }
            .to_vec();
    }
    let pairs = all.iter().flat_map(|one| also.iter().map(move |other| merged(one, other)));
    settled(pairs.filter(|hint| !is_never(hint)).collect())
}

/// What must be so where the condition comes out as `wanted`.
fn necessary(condition: &Condition, wanted: bool) -> Vec<Hint> {
    match condition {
        Condition::Known(known) if *known == wanted => vec![Hint::any()],
        Condition::Known(_) => Vec::new(),
        Condition::Unsure(inner) => necessary(inner, wanted),
        Condition::Not(inner) => necessary(inner, !wanted),
        Condition::Is(place, test) if wanted => test_of(place, test),
        Condition::Open | Condition::Is(..) => vec![Hint::any()],
        Condition::All(all) if wanted => every(all, wanted),
        Condition::Any(all) if !wanted => every(all, wanted),
        Condition::All(all) | Condition::Any(all) => {
            either(all.iter().map(|one| necessary(one, wanted)))
        }
        Condition::If(parts) => {
            let [condition, then, otherwise] = &**parts;
            let first = both(&necessary(condition, true), &necessary(then, wanted));
            let second = both(&necessary(condition, false), &necessary(otherwise, wanted));
            either([first, second].into_iter())
        }
    }
}

fn every(all: &[Condition], wanted: bool) -> Vec<Hint> {
    all.iter().fold(vec![Hint::any()], |hints, one| both(&hints, &necessary(one, wanted)))
}

fn either(all: impl Iterator<Item = Vec<Hint>>) -> Vec<Hint> {
    settled(all.flatten().collect())
}

/// Alike hints as one; none of them counts where one leaves everything open.
fn settled(hints: Vec<Hint>) -> Vec<Hint> {
    if hints.iter().any(|hint| *hint == Hint::any()) {
        return vec![Hint::any()];
    }
    let mut kept: Vec<Hint> = Vec::new();
    for hint in hints {
        if !kept.iter_mut().any(|other| joins(other, &hint)) {
            kept.push(hint);
        }
    }
    if kept.len() > MOST { vec![Hint::any()] } else { kept }
}

/// Takes in another hint that differs in one list alone.
fn joins(hint: &mut Hint, other: &Hint) -> bool {
    fn list<T: Clone + PartialEq>(a: &mut Option<Vec<T>>, b: Option<&Vec<T>>) {
        if let (Some(a), Some(b)) = (a, b) {
            let new: Vec<T> = b.iter().filter(|item| !a.contains(item)).cloned().collect();
            a.extend(new);
        }
    }
    let alike = [
        hint.topics == other.topics,
        hint.categories == other.categories,
        hint.usernames == other.usernames,
        hint.packages == other.packages,
        hint.paths == other.paths,
    ];
    let differs: Vec<usize> = (0..alike.len()).filter(|at| !alike[*at]).collect();
    match differs.as_slice() {
        [] => {}
        [0] if hint.topics.is_some() && other.topics.is_some() => {
            list(&mut hint.topics, other.topics.as_ref());
        }
        [1] if hint.categories.is_some() && other.categories.is_some() => {
            list(&mut hint.categories, other.categories.as_ref());
        }
        [2] if hint.usernames.is_some() && other.usernames.is_some() => {
            list(&mut hint.usernames, other.usernames.as_ref());
        }
        [3] if hint.packages.is_some() && other.packages.is_some() => {
            list(&mut hint.packages, other.packages.as_ref());
        }
        _ => return false,
    }
    true
}

/// A list can't hold two lists of which both must be met: the shorter one says more.
fn merged(a: &Hint, b: &Hint) -> Hint {
    fn shorter<T: Clone>(a: Option<&Vec<T>>, b: Option<&Vec<T>>) -> Option<Vec<T>> {
        match (a, b) {
            (Some(a), Some(b)) if b.len() <= a.len() => Some(b.clone()),
            (Some(a), _) => Some(a.clone()),
            (None, b) => b.cloned(),
        }
    }
    let categories = match (&a.categories, &b.categories) {
        (Some(a), Some(b)) => {
            Some(a.iter().filter(|category| b.contains(category)).cloned().collect())
        }
        (a, b) => a.clone().or_else(|| b.clone()),
    };
    let mut paths = a.paths.clone();
    paths.extend(b.paths.iter().filter(|path| !a.paths.contains(path)).cloned());
    Hint {
        topics: shorter(a.topics.as_ref(), b.topics.as_ref()),
        categories,
        usernames: shorter(a.usernames.as_ref(), b.usernames.as_ref()),
        packages: shorter(a.packages.as_ref(), b.packages.as_ref()),
        paths,
    }
}

fn is_never(hint: &Hint) -> bool {
    let empty = |list: Option<&Vec<String>>| list.is_some_and(Vec::is_empty);
    empty(hint.categories.as_ref())
        || empty(hint.usernames.as_ref())
        || empty(hint.packages.as_ref())
        || hint.topics.as_ref().is_some_and(Vec::is_empty)
}

fn test_of(place: &Place, test: &Test) -> Vec<Hint> {
    let hint = match place.root {
        Root::Body => return on_body(place, test),
        _ if !place.steps.is_empty() => None,
        Root::Topic => topics(test).map(|topics| Hint { topics: Some(topics), ..Hint::any() }),
        Root::Category => equal_to(test).map(|all| Hint { categories: Some(all), ..Hint::any() }),
        Root::Usernames => mentioned(test).map(|all| Hint { usernames: Some(all), ..Hint::any() }),
        Root::Packages => mentioned(test).map(|all| Hint { packages: Some(all), ..Hint::any() }),
        _ => None,
    };
    let hint = hint.unwrap_or_else(Hint::any);
    if is_never(&hint) { Vec::new() } else { vec![hint] }
}

/// The texts of which one must be there.
fn equal_to(test: &Test) -> Option<Vec<String>> {
    match test {
        Test::Is(value) => Some(texts(std::slice::from_ref(value))),
        Test::Among(values) => Some(texts(values)),
        _ => None,
    }
}

/// No list of names and no topic holds anything but texts.
fn texts(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.as_str().map(Into::into)).collect()
}

fn mentioned(test: &Test) -> Option<Vec<String>> {
    match test {
        Test::Contains(value) => Some(texts(std::slice::from_ref(value))),
        Test::Some(each) => elements(each),
        _ => None,
    }
}

/// The texts of which an element must be one.
fn elements(each: &Condition) -> Option<Vec<String>> {
    match each {
        Condition::Is(Place { root: Root::Element(_), steps }, test) if steps.is_empty() => {
            equal_to(test)
        }
        Condition::All(all) => all.iter().find_map(elements),
        Condition::Any(all) => {
            let lists: Option<Vec<Vec<String>>> = all.iter().map(elements).collect();
            lists.map(|lists| lists.concat())
        }
        Condition::Unsure(inner) => elements(inner),
        _ => None,
    }
}

fn on_body(place: &Place, test: &Test) -> Vec<Hint> {
    let Some(path) = path(&place.steps) else { return vec![Hint::any()] };
    let one = |value: &Value| Hint { paths: vec![(path.clone(), value.clone())], ..Hint::any() };
    match test {
        Test::Is(value) => vec![one(value)],
        Test::True => vec![one(&Value::Bool(true))],
        Test::Among(values) if values.len() <= MOST => values.iter().map(one).collect(),
        _ => vec![Hint::any()],
    }
}

/// As hints write it. A name with a dot in it, or one that is a number, would be another path there.
fn path(steps: &[Step]) -> Option<String> {
    if steps.is_empty() {
        return None;
    }
    let word = |step: &Step| match step {
        Step::Field(name) | Step::Key(name) => {
            let plain = !name.is_empty() && !name.contains('.') && name.parse::<usize>().is_err();
            plain.then(|| name.to_string())
        }
        Step::Item(at) => usize::try_from(*at).ok().map(|at| at.to_string()),
    };
    steps.iter().map(word).collect::<Option<Vec<_>>>().map(|words| words.join("."))
}

fn topics(test: &Test) -> Option<Vec<TopicPattern>> {
    match test {
        Test::Is(_) | Test::Among(_) => {
            let all = equal_to(test)?;
            Some(all.iter().map(|topic| TopicPattern::new(Topic::new(topic).suffix())).collect())
        }
        Test::EndsWith(end) => ends_with(end),
        Test::StartsWith(start) => {
            // The last word may go on.
            let whole = &start[..start.rfind('.')?];
            let words: Vec<&str> = whole.split('.').skip(3).collect();
            (!words.is_empty()).then(|| vec![TopicPattern::new(&format!("{}.#", words.join(".")))])
        }
        _ => None,
    }
}

/// By the last word alone: the first may be the end of a longer one, and those between may stand in the three words that
/// patterns do not see.
fn ends_with(end: &str) -> Option<Vec<TopicPattern>> {
    let (_, last) = end.rsplit_once('.')?;
    Some(vec![TopicPattern::new(&format!("#.{last}"))])
}

#[cfg(test)]
mod tests;
