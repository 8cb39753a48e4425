//! Takes people out of recordings: names become pseudonyms, addresses and secrets go.
//!
//! A name is known by the key that it stands under, or by the message's headers, and from then on replaced wherever it
//! stands as a word: one pseudonym for each name, throughout the file. Names that stand in running text alone are not
//! seen. Topics stay, and so do the names of packages.

use crate::message::Message;
use crate::outbound::redact_json;
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Keys of fields, in messages of Fedora's services, whose text is somebody's name.
const NAMES: [&str; 33] = [
    "agent",
    "agent_name",
    "assignee",
    "author",
    "author_name",
    "changed_by",
    "commenter",
    "committer",
    "committer_name",
    "creator",
    "display_name",
    "fas",
    "fas_name",
    "fasname",
    "full_name",
    "fullname",
    "human_name",
    "login",
    "manager",
    "member",
    "nick",
    "nickname",
    "owner",
    "owner_name",
    "packager",
    "real_name",
    "reporter",
    "requester",
    "sponsor",
    "submitter",
    "user",
    "user_name",
    "username",
];
/// A `name` below one of these is a person's.
const PEOPLE: [&str; 12] = [
    "agent",
    "assignee",
    "author",
    "closed_by",
    "commenter",
    "committer",
    "creator",
    "owner",
    "reporter",
    "submitter",
    "user",
    "users",
];
const USER_HEADER: &str = "fedora_messaging_user_";
/// Shorter ones are initials: to replace them everywhere would spoil more than it hides.
const MIN_NAME: usize = 2;
/// Topics are what a recording is read by; ids tell messages apart; the schema says what the body is.
const LEFT_ALONE: [&str; 5] =
    ["topic", "id", "msg_id", "fedora_messaging_schema", "fedora_messaging_schema_package"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("written here, and tried by the tests")
}

static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{L}\p{N}_][\p{L}\p{N}_.+-]*"));
static IPV4: LazyLock<Regex> = LazyLock::new(|| {
    // Not behind a dash: there it is the version of a package.
    pattern(r"(^|[^\w.-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b")
});
/// Whole, or with its zeros left out; three words with single colons are a time.
static IPV6: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}\b",
    )
});

/// What was replaced so far; of one recording.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    /// Nobody can tell which name a pseudonym is of by trying names.
    dice: RandomState,
    known: HashMap<String, String>,
}

impl Redaction {
    /// A line that is to be written, and the message that it is of.
    pub(super) fn redact(&mut self, line: &mut Value, message: &Message) {
        for name in &message.description.usernames {
            self.learn(name);
        }
        self.find(line, false);
        redact_json(line);
        self.replace(line);
    }

    fn learn(&mut self, name: &str) {
        let name = name.trim();
        if name.chars().count() < MIN_NAME || name.len() > 200 || name.parse::<f64>().is_ok() {
            return;
        }
        if !self.known.contains_key(name) {
            let pseudonym = format!("person-{:08x}", self.dice.hash_one(name) >> 32);
            self.known.insert(name.into(), pseudonym);
        }
    }

    /// Learns the names that keys tell of.
    fn find(&mut self, value: &Value, is_person: bool) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let key = key.to_ascii_lowercase();
                    if let Some(name) = key.strip_prefix(USER_HEADER) {
                        self.learn(name);
                    }
                    let names = NAMES.contains(&key.as_str()) || (is_person && key == "name");
                    match value {
                        Value::String(name) if names => self.learn_text(name),
                        Value::Array(items) if names || PEOPLE.contains(&key.as_str()) => {
                            for name in items.iter().filter_map(Value::as_str) {
                                self.learn_text(name);
                            }
                        }
                        _ => {}
                    }
                    self.find(value, PEOPLE.contains(&key.as_str()));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.find(item, is_person)),
            _ => {}
        }
    }

    /// `Ralph Bean <ralph@example.org>` is a name and an address.
    fn learn_text(&mut self, text: &str) {
        let text = text.split('<').next().unwrap_or(text).trim();
        if let Some((local, _)) = text.split_once('@') {
            self.learn(local);
        } else if !text.contains(['/', ':', '\n']) {
            self.learn(text);
        }
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item)),
            Value::Object(fields) => {
                let mut replaced = Map::new();
                for (key, mut value) in std::mem::take(fields) {
                    if !LEFT_ALONE.contains(&key.as_str()) {
                        self.replace(&mut value);
                    }
                    replaced.insert(self.key(key), value);
                }
                *fields = replaced;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A key that is a name, and the header that tells of one. Others are part of the format.
    fn key(&self, key: String) -> String {
        match key.strip_prefix(USER_HEADER) {
            Some(name) => format!("{USER_HEADER}{}", self.name(name).unwrap_or(name)),
            None if NAMES.contains(&key.as_str()) || PEOPLE.contains(&key.as_str()) => key,
            None => self.name(&key).map(Into::into).unwrap_or(key),
        }
    }

    fn name(&self, name: &str) -> Option<&str> {
        self.known.get(name).map(String::as_str)
    }

    fn text(&self, text: &str) -> String {
        if let Some(pseudonym) = self.name(text) {
            return pseudonym.into();
        }
        // Names of several words first: their words may be names too.
        let mut clean = text.to_owned();
        for (name, pseudonym) in &self.known {
            if name.contains(' ') && clean.contains(name.as_str()) {
                clean = clean.replace(name.as_str(), pseudonym);
            }
        }
        let clean = IPV4.replace_all(&clean, "${1}192.0.2.1");
        let clean = IPV6.replace_all(&clean, "2001:db8::1");
        let clean = WORD.replace_all(&clean, |found: &Captures<'_>| {
            let word = &found[0];
            let bare = word.trim_end_matches(['.', '-', '+']);
            match (self.name(word), self.name(bare)) {
                (Some(pseudonym), _) => pseudonym.to_owned(),
                (None, Some(pseudonym)) => format!("{pseudonym}{}", &word[bare.len()..]),
                (None, None) => word.to_owned(),
            }
        });
        clean.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{parse_line, to_line};
    use serde_json::json;

    fn redacted(redaction: &mut Redaction, line: &Value) -> Value {
        let message = parse_line(line.to_string().as_bytes()).unwrap();
        let mut line = to_line(&message);
        redaction.redact(&mut line, &message);
        line
    }

    #[test]
    fn people_get_other_names_the_same_ones_throughout() {
        let mut redaction = Redaction::default();
        let first = redacted(
            &mut redaction,
            &json!({
                "topic": "org.fedoraproject.prod.bodhi.update.comment", "id": "1",
                "headers": { "fedora_messaging_user_lmacken": true, "fedora_messaging_rpm_kernel": true, "sent-at": "2024-06-01T12:00:00+00:00" },
                "body": {
                    "agent": "lmacken",
                    "update": { "title": "kernel-6.9-1.fc40", "user": { "name": "ralph", "email": "ralph@example.com" }, "submitter": "Ralph Bean <ralph@example.com>" },
                    "text": "lmacken pushed it for Ralph Bean, seen at /user/ralph. From 10.3.2.1 and fe80::1:2 at 12:00:00, not 6.9.1",
                    "votes": { "ralph": 1 }, "password": "hunter2",
                },
            }),
        );
        let text = first.to_string();
        for gone in ["lmacken", "ralph", "Ralph", "example.com", "hunter2", "10.3.2.1", "fe80"] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        let lmacken = first["body"]["agent"].as_str().unwrap();
        let ralph = first["body"]["update"]["user"]["name"].as_str().unwrap();
        assert_ne!(lmacken, ralph);
        let said = first["body"]["text"].as_str().unwrap();
        assert!(said.starts_with(&format!("{lmacken} pushed it for person-")), "{said}");
        assert!(said.ends_with("From 192.0.2.1 and 2001:db8::1 at 12:00:00, not 6.9.1"), "{said}");
        assert!(said.contains(&format!("/user/{ralph}. From")), "{said}");
        assert_eq!(first["body"]["votes"][ralph], 1);
        assert_eq!(first["headers"][format!("fedora_messaging_user_{lmacken}")], true);
        assert_eq!(first["headers"]["fedora_messaging_rpm_kernel"], true);
        assert_eq!(first["headers"]["sent-at"], "2024-06-01T12:00:00+00:00");
        assert_eq!(first["body"]["update"]["title"], "kernel-6.9-1.fc40");
        let second = redacted(
            &mut redaction,
            &json!({ "topic": "org.fedoraproject.prod.ralph.x", "msg_id": "2", "msg": { "to": ["ralph"], "note": "for lmacken." }, "timestamp": 1 }),
        );
        assert_eq!(second["msg"]["to"][0], ralph);
        assert_eq!(second["msg"]["note"], format!("for {lmacken}."));
        assert_eq!(second["topic"], "org.fedoraproject.prod.ralph.x");
    }

    #[test]
    fn nobody_can_guess_who_somebody_was() {
        let line = json!({ "topic": "a.b.c.d", "id": "1", "body": { "user": "ralph" } });
        let name = |redaction: &mut Redaction| redacted(redaction, &line)["body"]["user"].clone();
        assert_ne!(name(&mut Redaction::default()), name(&mut Redaction::default()));
    }
}
