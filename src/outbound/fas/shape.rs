//! What is handed on of people and groups: FASJSON's names, each field always there, and nothing that is private.

use super::answer::text;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Map, Value, json};

/// A longer text is cut.
const MAX_TEXT_BYTES: usize = 4 << 10;
/// Of a list in a field this many are handed on.
const MAX_ITEMS: usize = 64;

/// Of a person: texts, then lists of texts. Neither addresses, keys nor certificates, which FASJSON has too.
const TEXTS: [&str; 9] = [
    "human_name",
    "givenname",
    "surname",
    "locale",
    "timezone",
    "github_username",
    "gitlab_username",
    "website",
    "rssurl",
];
const LISTS: [&str; 4] = ["ircnicks", "pronouns", "websites", "rssurls"];

const GROUP_TEXTS: [&str; 5] =
    ["groupname", "description", "mailing_list", "url", "discussion_url"];

/// `X-Fields` for a person. FASJSON hides nothing private unless `is_private` is asked for too.
pub(super) fn person_mask() -> String {
    let fields = ["username", "creation", "is_private", "locked"];
    format!("{{{}}}", [&fields[..], &TEXTS, &LISTS].concat().join(","))
}

pub(super) const GROUP_MASK: &str = "{groupname,description,mailing_list,url,irc,discussion_url}";
pub(super) const MEMBER_MASK: &str = "{username,human_name,is_private}";
pub(super) const GROUPS_MASK: &str = "{groupname,description}";

pub(super) fn person(from: &Value) -> Option<Value> {
    let username = text(from, "username")?;
    let is_private = from["is_private"] == true;
    let mut person = Map::from_iter([
        ("username".to_owned(), json!(username)),
        ("creation".to_owned(), json!(text(from, "creation").and_then(time))),
        ("is_private".to_owned(), json!(is_private)),
    ]);
    // Whatever the server thinks of it: who wants to be private has none of these.
    let from = if is_private { &Value::Null } else { from };
    person.extend(TEXTS.map(|field| (field.to_owned(), short(from, field))));
    person.extend(LISTS.map(|field| (field.to_owned(), list(&from[field]))));
    Some(person.into())
}

pub(super) fn group(from: &Value) -> Option<Value> {
    text(from, "groupname")?;
    let mut group = Map::from_iter(GROUP_TEXTS.map(|field| (field.to_owned(), short(from, field))));
    group.insert("irc".into(), list(&from["irc"]));
    Some(group.into())
}

/// One of a list of people.
pub(super) fn member(from: &Value) -> Option<Value> {
    let human_name =
        if from["is_private"] == true { Value::Null } else { short(from, "human_name") };
    Some(json!({ "username": text(from, "username")?, "human_name": human_name }))
}

/// One of a person's groups.
pub(super) fn membership(from: &Value) -> Option<Value> {
    Some(
        json!({ "groupname": text(from, "groupname")?, "description": short(from, "description") }),
    )
}

fn short(from: &Value, field: &str) -> Value {
    text(from, field).map_or(Value::Null, |text| cut(text).into())
}

fn list(from: &Value) -> Value {
    let texts = from.as_array().map(Vec::as_slice).unwrap_or_default();
    texts.iter().filter_map(Value::as_str).take(MAX_ITEMS).map(cut).collect()
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_TEXT_BYTES)])
}

/// RFC 3339 in UTC. FASJSON's times have an offset or none; FAS2's have a space in them.
fn time(given: &str) -> Option<String> {
    let at = given
        .parse::<Timestamp>()
        .ok()
        .or_else(|| TimeZone::UTC.to_timestamp(given.parse::<civil::DateTime>().ok()?).ok())?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc_with_an_offset_or_without() {
        for (given, expected) in [
            ("2009-06-19T14:09:39+00:00", Some("2009-06-19T14:09:39Z")),
            ("2009-06-19T14:09:39", Some("2009-06-19T14:09:39Z")),
            ("2009-06-19 16:09:39.612845+02:00", Some("2009-06-19T14:09:39Z")),
            ("2009-06-19 14:09:39.612845", Some("2009-06-19T14:09:39Z")),
            ("long ago", None),
        ] {
            assert_eq!(time(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_a_list_has_an_end() {
        let many = vec!["x"; 1_000];
        let told =
            person(&json!({ "username": "a", "website": "ü".repeat(9_000), "ircnicks": many }));
        let told = told.unwrap();
        assert_eq!(told["website"].as_str().unwrap().chars().count(), 2_049);
        assert_eq!(told["ircnicks"].as_array().unwrap().len(), MAX_ITEMS);
    }
}
