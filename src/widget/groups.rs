//! Messages that a processor's `group` puts together: "lmacken ran two playbooks 7 times".

use super::processors::{Processor, Processors, failed, names_of, text_of};
use crate::message::{Description, Group, Message};
use crate::script::{Call, Interpreter};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Processors {
    /// The messages of a feed, in its order, those that belong together as one. A group is where its first message was. A
    /// processor that fails leaves its messages single.
    pub fn group(&self, interpreter: &mut Interpreter, messages: Vec<Message>) -> Vec<Group> {
        let mut families: FxHashMap<&str, (&Arc<Processor>, Vec<usize>)> = FxHashMap::default();
        for (at, message) in messages.iter().enumerate() {
            if let Some(processor) = self.processor_for(message).filter(|p| p.has("group")) {
                families.entry(&processor.family).or_insert((processor, vec![])).1.push(at);
            }
        }
        let groups = families
            .into_values()
            .flat_map(|(processor, places)| grouped(processor, interpreter, &messages, &places))
            .collect();
        joined(messages, groups)
    }

    /// Whether any message is of a family that puts messages together.
    pub fn groups_any(&self, messages: &[Message]) -> bool {
        messages.iter().any(|message| self.processor_for(message).is_some_and(|p| p.has("group")))
    }
}

/// What the `group` of one processor says of its messages, which are at `places`.
fn grouped(
    processor: &Processor,
    interpreter: &mut Interpreter,
    messages: &[Message],
    places: &[usize],
) -> Vec<(Vec<usize>, Description)> {
    let arguments: Vec<_> = places.iter().map(|at| interpreter.message(&messages[*at])).collect();
    let call = Call::at(places.iter().map(|at| messages[*at].sent_at).max().unwrap_or_default());
    let said = interpreter.call_about(&processor.source, "group", &arguments, &call);
    let said = match said {
        Ok(Value::Array(said)) => said,
        Ok(_) => return vec![],
        Err(failure) => {
            failed(processor, "group", &failure);
            return vec![];
        }
    };
    let mut taken = vec![false; places.len()];
    let mut groups = Vec::new();
    for mut group in said.into_iter().filter_map(object) {
        let Some(Value::Array(members)) = group.remove("messages") else { continue };
        // A place that there is not, or that another group has, is left out.
        let mut members: Vec<usize> = members
            .iter()
            .filter_map(|at| usize::try_from(at.as_u64()?).ok())
            .filter(|at| taken.get_mut(*at).is_some_and(|taken| !std::mem::replace(taken, true)))
            .map(|at| places[at])
            .collect();
        members.sort_unstable();
        if let Some(first) = members.first() {
            let description = description_of(&mut group, &messages[*first]);
            groups.push((members, description));
        }
    }
    groups
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// What a group does not say, its first message says.
fn description_of(said: &mut Map<String, Value>, first: &Message) -> Description {
    let own = &first.description;
    let mut text = |name: &str, otherwise: &str| match said.remove(name) {
        None => otherwise.to_owned(),
        given => text_of(given),
    };
    let summary = text("summary", &own.summary);
    let link = text("link", &own.link);
    let icon = text("icon", &own.icon);
    let secondary_icon = text("secondary_icon", &own.secondary_icon);
    let mut names = |name: &str, otherwise: &[String]| match said.remove(name) {
        None => otherwise.to_vec(),
        given => names_of(given),
    };
    Description {
        title: own.title.clone(),
        summary,
        link,
        icon,
        secondary_icon,
        usernames: names("usernames", &own.usernames),
        packages: names("packages", &own.packages),
        objects: names("objects", &own.objects),
    }
}

/// Groups and what is in none, by the places of their first messages.
fn joined(messages: Vec<Message>, groups: Vec<(Vec<usize>, Description)>) -> Vec<Group> {
    let mut left: Vec<Option<Message>> = messages.into_iter().map(Some).collect();
    let mut entries: Vec<(usize, Group)> = groups
        .into_iter()
        .map(|(places, description)| {
            let messages = places.iter().filter_map(|at| left[*at].take()).collect();
            (places[0], Group { messages, description })
        })
        .collect();
    let single = left.into_iter().enumerate();
    entries.extend(single.filter_map(|(at, message)| Some((at, Group::single(message?)))));
    entries.sort_unstable_by_key(|(at, _)| *at);
    entries.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::{Limits, Site};
    use crate::message::{Group, parse_line};
    use crate::script::{Interpreter, Tier};
    use crate::widget::Library;

    const BY_USER: &str = r#"
        const TOPICS = ["own.#"];
        fn summary(message) { message.msg.user }
        fn usernames(message) { [message.msg.user] }
        fn group(messages) {
            let groups = [];
            let seen = [];
            for (message, at) in messages {
                if message.msg.user in seen { continue; }
                seen.push(message.msg.user);
                let same = [];
                for (other, place) in messages {
                    if other.msg.user == message.msg.user { same.push(place); }
                }
                if same.len() > 1 {
                    groups.push(#{ messages: same, summary: `${message.msg.user}, ${same.len()} times` });
                }
            }
            groups
        }
    "#;

    fn check(script: &str, topics_and_users: &[(&str, &str)]) -> Vec<(String, Vec<usize>)> {
        let folder = tempfile::tempdir().unwrap();
        let messages = folder.path().join("widgets/messages");
        std::fs::create_dir_all(&messages).unwrap();
        std::fs::write(messages.join("own.rhai"), script).unwrap();
        let mut interpreter = Interpreter::new(Tier::Pure, Limits::pure(), None);
        let library = Library::load(&Site::at(folder.path()), &mut interpreter, None);
        let mut feed = Vec::new();
        for (at, (topic, user)) in topics_and_users.iter().enumerate() {
            let line = format!(
                r#"{{"topic":"org.example.prod.{topic}","msg_id":"{at}","timestamp":{at},"msg":{{"user":"{user}"}}}}"#
            );
            let mut message = parse_line(line.as_bytes()).unwrap();
            library.processors().describe(&mut interpreter, &mut message);
            feed.push(message);
        }
        let groups = library.processors().group(&mut interpreter, feed);
        let places = |group: &Group| group.messages.iter().map(|m| m.id.parse().unwrap()).collect();
        groups.iter().map(|group| (group.description.summary.clone(), places(group))).collect()
    }

    #[test]
    fn a_group_stands_where_its_first_message_was() {
        let feed = [
            ("own.a", "ann"),
            ("else.b", "x"),
            ("own.a", "bob"),
            ("own.c", "ann"),
            ("own.a", "cy"),
        ];
        assert_eq!(
            check(BY_USER, &feed),
            [
                ("ann, 2 times".to_owned(), vec![0, 3]),
                ("org.example.prod.else.b".to_owned(), vec![1]),
                ("bob".to_owned(), vec![2]),
                ("cy".to_owned(), vec![4]),
            ]
        );
    }

    #[test]
    fn what_a_group_does_not_say_its_first_message_says() {
        let script = r#"
            const TOPICS = ["own.#"];
            fn summary(message) { `of ${message.msg.user}` }
            fn group(messages) { [#{ messages: [1, 0] }] }
        "#;
        let feed = [("own.a", "ann"), ("own.a", "bob")];
        assert_eq!(check(script, &feed), [("of ann".to_owned(), vec![0, 1])]);
    }

    #[test]
    fn nonsense_and_failures_lose_no_message() {
        let feed = [("own.a", "ann"), ("own.a", "bob")];
        let single = [0, 1].map(|at| ("org.example.prod.own.a".to_owned(), vec![at]));
        for answer in [
            "7",
            "[7, ()]",
            "[#{ summary: `of nobody` }]",
            "[#{ messages: [] }, #{ messages: [2, -1, `0`] }]",
            "throw 1",
            "messages[9].msg",
            "loop { }",
        ] {
            let script = format!("const TOPICS = [\"own.#\"];\nfn group(messages) {{ {answer} }}");
            assert_eq!(check(&script, &feed), single, "{answer}");
        }
        let twice = "const TOPICS = [\"own.#\"];\nfn group(messages) { [#{ messages: [0, 0], summary: `a` }, #{ messages: [0, 1], summary: `b` }] }";
        assert_eq!(check(twice, &feed), [("a".to_owned(), vec![0]), ("b".to_owned(), vec![1])]);
    }
}
