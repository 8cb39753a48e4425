//! What a widget says about the messages that could concern one of its instances.

use crate::message::{Message, TopicPattern};
use serde_json::{Number, Value};
use std::fmt;

/// Conditions of which all that are given must hold. Of several hints any may match; an empty list holds for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hint {
    pub topics: Option<Vec<TopicPattern>>,
    pub categories: Option<Vec<String>>,
    /// The message mentions at least one.
    pub usernames: Option<Vec<String>>,
    /// The message mentions at least one.
    pub packages: Option<Vec<String>>,
    /// Below the body, words joined by dots (`user.username`, `commits.0.author`), with the value that is there.
    pub paths: Vec<(String, Value)>,
}

impl Hint {
    /// Leaves no message out.
    pub fn any() -> Self {
        Self::default()
    }

    /// What the index answers for a million instances at once, said of one.
    pub fn matches(&self, message: &Message) -> bool {
        let said = &message.description;
        holds(self.topics.as_deref(), |pattern| pattern.matches(&message.topic))
            && holds(self.categories.as_deref(), |category| category == message.topic.category())
            && holds(self.usernames.as_deref(), |name| said.usernames.contains(name))
            && holds(self.packages.as_deref(), |name| said.packages.contains(name))
            && self.paths.iter().all(|(path, value)| equal(value_at(&message.body, path), value))
    }

    /// Which of its conditions a message does not meet, with what it has instead; empty where it matches.
    pub fn lacking(&self, message: &Message) -> Vec<String> {
        let said = &message.description;
        let mut lacking = Vec::new();
        let mut note = |part: Hint, said: String| {
            if !part.matches(message) {
                lacking.push(said);
            }
        };
        if let Some(topics) = &self.topics {
            let names: Vec<&str> = topics.iter().map(TopicPattern::as_str).collect();
            let said =
                format!("`topics` has {}, the topic is `{}`", list(&names), message.topic.suffix());
            note(Hint { topics: self.topics.clone(), ..Hint::any() }, said);
        }
        if let Some(categories) = &self.categories {
            let said = format!(
                "`categories` has {}, it is `{}`",
                list(categories),
                message.topic.category()
            );
            note(Hint { categories: self.categories.clone(), ..Hint::any() }, said);
        }
        if let Some(usernames) = &self.usernames {
            let said = format!(
                "`usernames` has {}, the message {}",
                list(usernames),
                list(&said.usernames)
            );
            note(Hint { usernames: self.usernames.clone(), ..Hint::any() }, said);
        }
        if let Some(packages) = &self.packages {
            let said =
                format!("`packages` has {}, the message {}", list(packages), list(&said.packages));
            note(Hint { packages: self.packages.clone(), ..Hint::any() }, said);
        }
        for (path, value) in &self.paths {
            let there = match value_at(&message.body, path) {
                Value::Null => "nothing".into(),
                other => shortened(&other.to_string()),
            };
            let said =
                format!("`body` has {path} = {}, there is {there}", shortened(&value.to_string()));
            note(Hint { paths: vec![(path.clone(), value.clone())], ..Hint::any() }, said);
        }
        lacking
    }
}

fn list(items: &[impl AsRef<str>]) -> String {
    if items.is_empty() {
        return "none".into();
    }
    let shown: Vec<String> =
        items.iter().take(5).map(|item| format!("`{}`", item.as_ref())).collect();
    let more = if items.len() > 5 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// `topics #.award; body user.username = "ralph"`: what a message must have, for people.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |word: &str, list: Option<&Vec<String>>| {
            list.map(|list| format!("{word} {}", list.join(", ")))
        };
        let topics = self
            .topics
            .as_ref()
            .map(|all| all.iter().map(|topic| topic.as_str().to_owned()).collect());
        let lists = [
            named("topics", topics.as_ref()),
            named("categories", self.categories.as_ref()),
            named("usernames", self.usernames.as_ref()),
            named("packages", self.packages.as_ref()),
        ];
        let paths = self.paths.iter().map(|(path, value)| format!("body {path} = {value}"));
        let parts: Vec<String> = lists.into_iter().flatten().chain(paths).collect();
        if parts.is_empty() { f.write_str("any message") } else { f.write_str(&parts.join("; ")) }
    }
}

/// What lies at a path below the body. `null` where nothing does, as a script finds `()` there.
pub fn value_at<'a>(body: &'a Value, path: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    path.split('.').try_fold(body, step).unwrap_or(NOTHING)
}

fn step<'a>(value: &'a Value, word: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(word),
        Value::Array(items) => items.get(word.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Equal as a script has it: 1 and 1.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || is_same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

fn is_same_number(a: &Number, b: &Number) -> bool {
    // Two whole numbers that differ must not meet where floats run out of digits.
    !(a.is_i64() && b.is_i64()) && a.as_f64() == b.as_f64()
}

fn holds<T>(any_of: Option<&[T]>, condition: impl FnMut(&T) -> bool) -> bool {
    any_of.is_none_or(|options| options.iter().any(condition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse_line;
    use serde_json::json;

    fn award() -> Message {
        let line = json!({
            "topic": "org.fedoraproject.prod.fedbadges.badge.award",
            "msg_id": "1",
            "timestamp": 1,
            "msg": { "user": { "username": "ralph", "rank": 1.0 }, "commits": [{ "author": "mizmo" }] },
        });
        let mut message = parse_line(line.to_string().as_bytes()).unwrap();
        message.description.usernames = vec!["ralph".into()];
        message
    }

    #[test]
    fn all_conditions_that_are_given_must_hold() {
        let whole = Hint {
            topics: Some(vec![
                TopicPattern::new("bodhi.#"),
                TopicPattern::new("fedbadges.*.award"),
            ]),
            categories: Some(vec!["fedbadges".into()]),
            usernames: Some(vec!["mizmo".into(), "ralph".into()]),
            packages: None,
            paths: vec![("user.username".into(), json!("ralph"))],
        };
        assert!(whole.matches(&award()));
        assert!(Hint::any().matches(&award()));
        for broken in [
            Hint { topics: Some(vec![TopicPattern::new("bodhi.#")]), ..whole.clone() },
            Hint { categories: Some(vec!["bodhi".into()]), ..whole.clone() },
            Hint { usernames: Some(vec![]), ..whole.clone() },
            Hint { packages: Some(vec!["kernel".into()]), ..whole.clone() },
            Hint { paths: vec![("user.username".into(), json!("mizmo"))], ..whole.clone() },
        ] {
            assert!(!broken.matches(&award()), "{broken:?}");
        }
    }

    #[test]
    fn a_path_compares_as_a_script_does() {
        for (path, value, fits) in [
            ("user.rank", json!(1), true),
            ("user.rank", json!(1.5), false),
            ("user.rank", json!("1"), false),
            ("user.nobody.at.all", json!(null), true),
            ("user.nobody", json!(false), false),
            ("commits.0.author", json!("mizmo"), true),
            ("commits.1.author", json!("mizmo"), false),
            ("user", json!({ "username": "ralph", "rank": 1 }), true),
        ] {
            let hint = Hint { paths: vec![(path.into(), value.clone())], ..Hint::any() };
            assert_eq!(hint.matches(&award()), fits, "{path} = {value}");
        }
        let (near, next) = (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64));
        assert!(!equal(&near, &next));
    }
}
