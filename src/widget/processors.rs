//! Message processors: scripts that read people, packages and a sentence out of a message.

use super::calls::count;
use super::constants::Constants;
use crate::diagnostic::{Diagnostic, Severity};
use crate::message::{Description, Message, Topic, TopicPattern, Wire};
use crate::script::{Argument, Call, Facts, Failure, Interpreter, MessageArgument, Source};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::cmp::Reverse;
use std::sync::Arc;

/// One file of `widgets/messages/`.
#[derive(Debug)]
pub struct Processor {
    pub family: String,
    pub source: Arc<Source>,
    topics: Vec<TopicPattern>,
    /// Of Fedora Messaging: for messages whose topics their publishers choose.
    schemas: Vec<String>,
    functions: Vec<String>,
}

impl Processor {
    pub(super) fn read(
        family: &str,
        source: Arc<Source>,
        facts: &Facts,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let mut constants = Constants::new(&source, facts);
        let topics = constants.texts("TOPICS", "as in `const TOPICS = [\"fedbadges.#\"];`");
        let schemas =
            constants.texts("SCHEMAS", "as in `const SCHEMAS = [\"weblate.message.v1\"];`");
        let mut problems = constants.problems;
        if topics.is_empty() && schemas.is_empty() && problems.is_empty() {
            let message = "no `TOPICS`: which messages is this processor for?";
            let help = "name them, as in `const TOPICS = [\"fedbadges.#\"];`";
            let problem = Diagnostic::error(message).in_file(&*source.file);
            problems.push(problem.at(&source.text, 1, 1).help(help));
        }
        if problems.iter().any(|p| p.severity == Severity::Error) {
            return (None, problems);
        }
        let functions = facts.functions.iter().filter(|f| f.parameters.len() == 1);
        let read = Self {
            family: family.into(),
            topics: topics.iter().map(|text| TopicPattern::new(text)).collect(),
            schemas,
            functions: functions.map(|f| f.name.clone()).collect(),
            source,
        };
        (Some(read), problems)
    }

    pub(super) fn has(&self, function: &str) -> bool {
        self.functions.iter().any(|name| name == function)
    }

    /// How closely it names this topic: by the literal words of its best pattern.
    fn closeness(&self, topic: &Topic) -> Option<usize> {
        let literal = |p: &&TopicPattern| {
            p.as_str().split('.').filter(|word| *word != "*" && *word != "#").count()
        };
        self.topics.iter().filter(|p| p.matches(topic)).map(|p| literal(&p)).max()
    }
}

/// All processors; a message belongs to the one whose schemas or patterns name it most closely.
#[derive(Debug, Default)]
pub struct Processors {
    all: Vec<Arc<Processor>>,
    /// Those with a pattern that begins with this word, or with a wildcard, by their places in `all`: of some dozens a
    /// message is compared with two or three.
    by_category: FxHashMap<String, Vec<usize>>,
    of_any_category: Vec<usize>,
    by_schema: FxHashMap<String, usize>,
}

impl Processors {
    pub(super) fn add(&mut self, processor: Arc<Processor>) {
        let place = self.all.len();
        for schema in &processor.schemas {
            self.by_schema.entry(schema.clone()).or_insert(place);
        }
        for pattern in &processor.topics {
            let places = match pattern.as_str().split('.').next() {
                Some("*" | "#") => &mut self.of_any_category,
                word => self.by_category.entry(word.unwrap_or_default().into()).or_default(),
            };
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        self.all.push(processor);
    }

    pub(super) fn of(&self, family: &str) -> Option<&Arc<Processor>> {
        self.all.iter().find(|p| p.family == family)
    }

    /// By family.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Processor>> {
        self.all.iter()
    }

    pub(super) fn processor_for(&self, message: &Message) -> Option<&Arc<Processor>> {
        let schema = message.headers.get("fedora_messaging_schema").and_then(Value::as_str);
        if let Some(place) = schema.and_then(|schema| self.by_schema.get(schema)) {
            return self.all.get(*place);
        }
        let of_category = self.by_category.get(message.topic.category());
        let places = of_category.into_iter().flatten().chain(&self.of_any_category);
        // Of equals the first in the alphabet, which is easy to foresee.
        places
            .filter_map(|place| Some((self.all[*place].closeness(&message.topic)?, *place)))
            .max_by_key(|(closeness, place)| (*closeness, Reverse(*place)))
            .map(|(_, place)| &self.all[place])
    }

    /// Whose message it is, as in `badges`.
    pub fn family_of(&self, message: &Message) -> Option<&str> {
        self.processor_for(message).map(|processor| &*processor.family)
    }

    /// Adds to a message all that its processor reads in it. One that fails leaves out its field; without one the topic
    /// is the summary.
    pub fn describe(&self, interpreter: &mut Interpreter, message: &mut Message) {
        self.name(interpreter, message);
        self.word(interpreter, message);
    }

    /// People and packages: what the index looks up, and so read in every message.
    pub fn name(&self, interpreter: &mut Interpreter, message: &mut Message) {
        // Fedora Messaging's own headers name people and packages; the publisher knows best.
        if message.wire != Wire::Fedmsg {
            return;
        }
        let Some(processor) = self.processor_for(message) else { return };
        if processor.has("usernames") || processor.has("packages") {
            let mut reading = Reading::new(processor, interpreter, message);
            let usernames = reading.names("usernames");
            let packages = reading.names("packages");
            message.description.usernames = usernames;
            message.description.packages = packages;
        }
    }

    /// Sentence, link, icons and objects: read when somebody wants to see them. Does nothing where that was done.
    pub fn word(&self, interpreter: &mut Interpreter, message: &mut Message) {
        if message.description.is_worded() {
            return;
        }
        if let Some(processor) = self.processor_for(message) {
            let mut reading = Reading::new(processor, interpreter, message);
            message.description = Description {
                summary: reading.text("summary"),
                link: reading.text("link"),
                icon: reading.text("icon"),
                secondary_icon: reading.text("secondary_icon"),
                objects: reading.names("objects"),
                ..std::mem::take(&mut message.description)
            };
        }
        if !message.description.is_worded() {
            message.description.summary = message.topic.as_str().into();
        }
    }
}

struct Reading<'a> {
    processor: &'a Processor,
    interpreter: &'a mut Interpreter,
    message: MessageArgument,
    call: Call,
}

impl<'a> Reading<'a> {
    fn new(processor: &'a Processor, interpreter: &'a mut Interpreter, message: &Message) -> Self {
        let call = Call::at(message.sent_at);
        Self { message: interpreter.message(message), processor, interpreter, call }
    }

    fn value(&mut self, function: &'static str) -> Option<Value> {
        if !self.processor.has(function) {
            return None;
        }
        let source = &self.processor.source;
        match self.interpreter.call(
            source,
            function,
            &[Argument::Message(&self.message)],
            &self.call,
        ) {
            Ok(value) => Some(value),
            Err(failure) => {
                failed(self.processor, function, &failure);
                None
            }
        }
    }

    fn text(&mut self, function: &'static str) -> String {
        text_of(self.value(function))
    }

    fn names(&mut self, function: &'static str) -> Vec<String> {
        names_of(self.value(function))
    }
}

/// One bad message in a thousand must not fill the log; the counter tells how many there are.
pub(super) fn failed(processor: &Processor, function: &'static str, failure: &Failure) {
    let family = &processor.family;
    count(&format!("messages.{family}"), function, failure);
    tracing::debug!(processor = family, function, problem = %failure.diagnostic, "a processor failed on a message");
}

/// What is no text is written as JSON.
pub(super) fn text_of(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Sorted, without doubles and without nobody.
pub(super) fn names_of(value: Option<Value>) -> Vec<String> {
    let Some(Value::Array(items)) = value else { return Vec::new() };
    let mut names: Vec<String> = items
        .into_iter()
        .filter_map(|item| match item {
            Value::String(name) if !name.is_empty() => Some(name),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use crate::config::{Limits, Site};
    use crate::message::parse_line;
    use crate::script::{Interpreter, Tier};
    use crate::widget::Library;

    #[test]
    fn a_message_goes_to_whoever_names_it_most_closely() {
        let folder = tempfile::tempdir().unwrap();
        let messages = folder.path().join("widgets/messages");
        std::fs::create_dir_all(&messages).unwrap();
        let processor = |name: &str, constants: &str| {
            let text = format!("{constants}\nfn summary(message) {{ \"by {name}\" }}\n");
            std::fs::write(messages.join(format!("{name}.rhai")), text).unwrap();
        };
        processor("wide", r#"const TOPICS = ["own.#"];"#);
        processor("narrow", r#"const TOPICS = ["own.thing.#"];"#);
        processor("schema", r#"const SCHEMAS = ["own.v1"];"#);
        let mut interpreter = Interpreter::new(Tier::Pure, Limits::data(), None);
        let library = Library::load(&Site::at(folder.path()), &mut interpreter, None);
        let mut summary = |topic: &str, schema: &str| {
            let headers = format!(r#"{{"fedora_messaging_schema":"{schema}"}}"#);
            let line = format!(
                r#"{{"topic":"org.example.prod.{topic}","body":{{}},"headers":{headers}}}"#
            );
            let mut message = parse_line(line.as_bytes()).unwrap();
            library.processors().describe(&mut interpreter, &mut message);
            message.description.summary
        };
        assert_eq!(summary("own.other", "own.v2"), "by wide");
        assert_eq!(summary("own.thing.new", "own.v2"), "by narrow");
        assert_eq!(summary("own.thing.new", "own.v1"), "by schema");
        assert_eq!(summary("whatever.they.like", "own.v1"), "by schema");
        assert_eq!(summary("nobodys", "nobodys"), "org.example.prod.nobodys");
    }
}
