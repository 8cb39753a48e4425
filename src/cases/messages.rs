//! `hubs message test`: what processors read in messages, held against what they should.
//!
//! A case is a line of `tests/messages/*.jsonl`: `{"message": …, "expect": {…}}` for one message as it travels on its bus, or
//! `{"messages": […], "expect": {"groups": [{…}]}}` for a feed that is put together. What is not expected is not looked at.

use super::run::pure_limits;
use crate::bindings;
use crate::config::{Sandbox, Site};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::message::{Group, Message, parse_line};
use crate::script::{Interpreter, Tier};
use crate::widget::Library;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The folder of these cases, below the site.
const FOLDER: &str = "tests/messages";

/// What a run found.
#[derive(Debug, Default)]
pub struct MessagesReport {
    pub passed: usize,
    pub failed: usize,
    /// What is wrong, case by case.
    pub problems: Vec<Diagnostic>,
    /// Processors that no case is about.
    pub untested: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLine {
    message: Option<Box<RawValue>>,
    messages: Option<Vec<Box<RawValue>>>,
    expect: Map<String, Value>,
}

/// Runs the cases in the files of these names (`badges` is `badges.jsonl`); without one all.
pub fn run_messages(
    site: &Site,
    sandbox: &Sandbox,
    names: &[String],
) -> Result<MessagesReport, Diagnostic> {
    let files = chosen(site, names)?;
    let limits = pure_limits(&sandbox.pure);
    let mut interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
    let library = Library::load(site, &mut interpreter, None);
    let mut reader = Reader { library: &library, interpreter, families: BTreeSet::new() };
    let mut report = MessagesReport::default();
    for file in files {
        let text = site.read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for (at, line) in text.split('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let found = reader.check(line);
            if found.is_empty() {
                report.passed += 1;
            } else {
                report.failed += 1;
            }
            report.problems.extend(found.into_iter().map(|problem| Diagnostic {
                line: Some(at + 1),
                column: Some(1),
                ..problem.in_file(&*file)
            }));
        }
    }
    if names.is_empty() {
        let all = library.processors().iter().map(|processor| processor.family.clone());
        report.untested = all.filter(|family| !reader.families.contains(family)).collect();
    }
    Ok(report)
}

fn chosen(site: &Site, names: &[String]) -> Result<Vec<String>, Diagnostic> {
    let there: Vec<String> = site.list(FOLDER, ".jsonl");
    if there.is_empty() {
        return Err(Diagnostic::error(format!("there are no cases in {FOLDER}/")).help(
            "make FAMILY.jsonl there, a line for each case: {\"message\": …, \"expect\": {\"summary\": …}}",
        ));
    }
    if names.is_empty() {
        return Ok(there);
    }
    let file_of = |name: &String| {
        let file = format!("{FOLDER}/{}.jsonl", name.trim_end_matches(".jsonl"));
        if there.contains(&file) {
            return Ok(file);
        }
        let known: Vec<&str> = there.iter().map(|file| stem(file)).collect();
        let near = did_you_mean(nearest(name, known.iter().copied()));
        Err(Diagnostic::error(format!("there is no {file}{near}"))
            .help(format!("there are cases for {}", known.join(", "))))
    };
    names.iter().map(file_of).collect()
}

fn stem(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".jsonl")
}

struct Reader<'l> {
    library: &'l Library,
    interpreter: Interpreter,
    /// Whose messages were read.
    families: BTreeSet<String>,
}

impl Reader<'_> {
    fn check(&mut self, line: &str) -> Vec<Diagnostic> {
        let case: CaseLine = match serde_json::from_str(line) {
            Ok(case) => case,
            Err(error) => return vec![no_case(&error)],
        };
        match (case.message, case.messages) {
            (Some(message), None) => match self.read(&message) {
                Ok(message) => differences("", &case.expect, &read_in(&message)),
                Err(problem) => vec![problem],
            },
            (None, Some(messages)) => {
                let messages: Result<Vec<Message>, Diagnostic> =
                    messages.iter().map(|message| self.read(message)).collect();
                messages
                    .map_or_else(|problem| vec![problem], |feed| self.grouped(feed, &case.expect))
            }
            _ => vec![no_case(&"it has either `message` or `messages`")],
        }
    }

    fn read(&mut self, text: &RawValue) -> Result<Message, Diagnostic> {
        let mut message = parse_line(text.get().as_bytes())
            .map_err(|error| Diagnostic::error(format!("its message is none: {error}")))?;
        if let Some(family) = self.library.processors().family_of(&message) {
            self.families.insert(family.to_owned());
        }
        self.library.processors().describe(&mut self.interpreter, &mut message);
        Ok(message)
    }

    fn grouped(&mut self, feed: Vec<Message>, expect: &Map<String, Value>) -> Vec<Diagnostic> {
        let Some(Value::Array(wanted)) = expect.get("groups") else {
            return vec![no_case(&"a case of `messages` expects `groups`, a list")];
        };
        let groups = self.library.processors().group(&mut self.interpreter, feed);
        if groups.len() != wanted.len() {
            let got: Vec<_> = groups.iter().map(|group| &group.description.summary).collect();
            let said = format!(
                "{} groups are expected, but there are {}: {}",
                wanted.len(),
                got.len(),
                json!(got)
            );
            return vec![Diagnostic::error(said)];
        }
        let pairs = groups.iter().zip(wanted).enumerate();
        pairs
            .flat_map(|(at, (group, wanted))| match wanted {
                Value::Object(wanted) => {
                    differences(&format!("groups.{at}."), wanted, &read_in_group(group))
                }
                _ => vec![no_case(&"each of `groups` is a map")],
            })
            .collect()
    }
}

fn no_case(why: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(format!("this line is no case: {why}"))
        .help("a case is {\"message\": …, \"expect\": {\"summary\": …}}, or has `messages` and expects `groups`")
}

/// What people read in a message, by the names that `hubs message explain` uses too.
pub fn read_in(message: &Message) -> Map<String, Value> {
    let said = &message.description;
    fields(json!({
        "title": said.title,
        "summary": said.summary,
        "link": said.link,
        "icon": said.icon,
        "secondary_icon": said.secondary_icon,
        "usernames": said.usernames,
        "packages": said.packages,
        "objects": said.objects,
    }))
}

/// The same of an entry of a feed, with the ids of its messages in their order.
pub fn read_in_group(group: &Group) -> Map<String, Value> {
    let said = &group.description;
    let ids: Vec<_> = group.messages.iter().map(|message| &message.id).collect();
    let (start, end) = group.span();
    fields(json!({
        "messages": ids,
        "topics": group.topics().iter().map(|topic| topic.as_str()).collect::<Vec<_>>(),
        "start": start,
        "end": end,
        "summary": said.summary,
        "link": said.link,
        "icon": said.icon,
        "secondary_icon": said.secondary_icon,
        "usernames": said.usernames,
        "packages": said.packages,
        "objects": said.objects,
    }))
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `null` stands for what there is none of, whatever would be there.
fn differences(
    within: &str,
    wanted: &Map<String, Value>,
    got: &Map<String, Value>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, wanted) in wanted {
        let Some(got) = got.get(name) else {
            let known: Vec<&str> = got.keys().map(String::as_str).collect();
            let near = did_you_mean(nearest(name, known.iter().copied()));
            let said = format!("`expect` has `{within}{name}`, which nothing has{near}");
            found.push(Diagnostic::error(said).help(format!("there are {}", known.join(", "))));
            continue;
        };
        let nothing = matches!(got, Value::String(text) if text.is_empty())
            || matches!(got, Value::Array(items) if items.is_empty());
        if got != wanted && !(wanted.is_null() && nothing) {
            let said = format!("`{within}{name}` is {got}, but {wanted} is expected");
            found.push(Diagnostic::error(said));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a case file, on a site with one processor.
    fn check(lines: &str, names: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "widgets/messages/own.rhai",
            r#"const TOPICS = ["own.#"];
            fn summary(message) { `${message.msg.user} did it` }
            fn usernames(message) { [message.msg.user] }
            fn group(messages) { if messages.len() > 1 { [#{ messages: [0, 1], summary: "both did it" }] } else { [] } }"#,
        );
        if !lines.is_empty() {
            write("tests/messages/own.jsonl", lines);
        }
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        match run_messages(&Site::at(folder.path()), &Sandbox::default(), &names) {
            Err(problem) => format!("{problem}\nhelp: {}", problem.help.as_deref().unwrap_or("")),
            Ok(report) => {
                let problems: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
                let own = report.untested.contains(&"own".to_owned());
                format!("{} {} {own}\n{}", report.passed, report.failed, problems.join("\n"))
            }
        }
    }

    fn message(id: u8, user: &str) -> String {
        format!(r#"{{"topic":"org.example.prod.own.a","msg_id":"{id}","msg":{{"user":"{user}"}}}}"#)
    }

    #[test]
    fn a_case_holds_when_all_that_it_expects_is_read() {
        let ann = message(1, "ann");
        let good = format!(
            r#"{{"message":{ann},"expect":{{"summary":"ann did it","usernames":["ann"],"link":null,"title":"own.a"}}}}"#
        );
        let bob = message(2, "bob");
        let group = format!(
            r#"{{"messages":[{ann},{bob}],"expect":{{"groups":[{{"summary":"both did it","messages":["1","2"]}}]}}}}"#
        );
        assert_eq!(check(&format!("{good}\n\n{group}\n"), &[]), "2 0 false\n");
    }

    #[test]
    fn what_differs_is_said_with_both_values() {
        let ann = message(1, "ann");
        let lines = [
            format!(r#"{{"message":{ann},"expect":{{"summary":"bob did it","usernames":null}}}}"#),
            format!(r#"{{"message":{ann},"expect":{{"sumary":"ann did it"}}}}"#),
            format!(r#"{{"messages":[{ann}],"expect":{{"groups":[]}}}}"#),
            format!(r#"{{"messages":[{ann}],"expect":{{"groups":[{{"link":"x"}}]}}}}"#),
            format!(r#"{{"messages":[{ann}],"expect":{{}}}}"#),
            r#"{"message":{"no":"topic"},"expect":{}}"#.to_owned(),
            r#"{"expect":{}}"#.to_owned(),
            "nonsense".to_owned(),
        ];
        insta::assert_snapshot!(check(&lines.join("\n"), &["own"]));
    }

    #[test]
    fn what_there_is_not_is_named() {
        insta::assert_snapshot!("no_cases", check("", &[]));
        insta::assert_snapshot!("no_such_file", check("nonsense", &["owm"]));
    }
}
