//! Case files: `tests/widgets/<name>.toml` as cases, and all that is wrong with one, each problem at its place.
//!
//! `hubs widget test` takes a file whole or not at all. Whoever shows or measures a widget on its own examples takes what
//! can be read, and leaves it to the tests to say what can't.

use crate::config::document::{self, Document, Item, Surroundings, Table};
use crate::config::value::{Misfit, choice, flag, list, name, number, text};
use crate::config::{Place, Site, hubs::username, widgets};
use crate::diagnostic::Diagnostic;
use crate::hub::{Config, Hub, HubKind, HubName, WidgetName};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use toml::de::DeValue;

/// The folder of case files, below the site.
pub const CASES: &str = "tests/widgets";

/// The path of a widget's case file: by the name as it is written, dots and all.
pub fn case_file(widget: &str) -> String {
    format!("{CASES}/{widget}.toml")
}

/// Something, and where the file says it.
#[derive(Debug, Clone)]
pub struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T: Default> Default for At<T> {
    /// What no file says.
    fn default() -> Self {
        Self { value: T::default(), place: Place::built_in() }
    }
}

/// One `[[case]]`.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub name: At<String>,
    pub config: Config,
    pub config_places: BTreeMap<String, Place>,
    /// On which the widget is; without it an example.
    pub hub: Option<CaseHub>,
    /// Others that the store has.
    pub hubs: Vec<CaseHub>,
    pub now: Option<Timestamp>,
    /// Names of recordings, below tests/recordings/.
    pub messages: Vec<At<String>>,
    /// Below tests/cassettes/.
    pub cassette: Option<At<String>>,
    /// Recordings that the history holds.
    pub datanommer: Vec<At<String>>,
    /// The exact set, by message id; `None`: the case does not say.
    pub invalidated_by: Option<At<Vec<At<String>>>>,
    /// Paths into the data, words joined by dots, and what must be there.
    pub data: Vec<(String, At<Value>)>,
    pub snapshot: bool,
}

/// What a case says of a hub.
#[derive(Debug, Clone)]
pub struct CaseHub {
    pub name: HubName,
    pub kind: HubKind,
    pub summary: String,
    pub owners: Vec<String>,
    pub members: Vec<String>,
    pub subscribers: Vec<String>,
    pub stargazers: Vec<String>,
    pub archived: bool,
    /// Since when nothing has happened on it, at the case's `now`.
    pub days_idle: u16,
}

impl CaseHub {
    /// The hub as it is at a time.
    pub fn to_hub(&self, now: Timestamp) -> Hub {
        let idle = SignedDuration::from_hours(24 * i64::from(self.days_idle));
        let then = now.checked_sub(idle).unwrap_or(now);
        Hub {
            kind: self.kind,
            summary: self.summary.clone(),
            owners: self.owners.clone(),
            members: self.members.clone(),
            subscribers: self.subscribers.clone(),
            stargazers: self.stargazers.clone(),
            archived: self.archived,
            ..Hub::example(self.name.clone(), then)
        }
    }
}

impl Case {
    /// The hub that the widget is on; where the case has none that of the person whom the configuration names, or just
    /// some hub.
    pub fn hub_at(&self, now: Timestamp) -> Hub {
        self.hub.as_ref().map_or_else(|| example_hub(&self.config, now), |hub| hub.to_hub(now))
    }

    /// The name as a file's: `an-award-to-its-user-redraws-it`.
    pub fn slug(&self) -> String {
        slug(&self.name.value)
    }
}

/// A hub for a widget of this configuration, where nothing says which.
pub fn example_hub(config: &Config, now: Timestamp) -> Hub {
    let username = config.get("username").and_then(|name| name.as_str()?.parse().ok());
    Hub::example(username.unwrap_or_else(|| "example".parse().expect("a name of a hub")), now)
}

/// The cases of a widget as far as they can be read, in the order of the file; none where there is no file.
pub fn cases_of(site: &Site, name: &WidgetName) -> Vec<Case> {
    let file = case_file(name.as_str());
    let text = site.read_text(&file).ok().flatten().unwrap_or_default();
    readable(&text, &file).0
}

/// The cases in a file's text, in its order, or all that is wrong with it.
pub fn read_cases(text: &str, file: &str) -> Result<Vec<Case>, Vec<Diagnostic>> {
    match readable(text, file) {
        (cases, problems) if problems.is_empty() => Ok(cases),
        (_, problems) => Err(problems),
    }
}

/// Each case that has a name of its own, and all that is wrong.
fn readable(text: &str, file: &str) -> (Vec<Case>, Vec<Diagnostic>) {
    let tree = match document::tree(text, file) {
        Ok(tree) => tree,
        Err(problems) => return (Vec::new(), problems),
    };
    let around = Surroundings { folder: Path::new(""), env: &|_| None };
    let document = Document::new(text, file, &around);
    let root = document.root(&tree);
    let mut cases: Vec<Case> = Vec::new();
    let tables = root.tables("case");
    if tables.is_empty() {
        let help = "a case begins with `[[case]]` and has a `name`";
        root.problem(None, format!("{file} has no case"), Some(help.into()));
    }
    for table in tables {
        let span = table.span_of("name");
        let Some(case) = read_case(table) else { continue };
        if let Some(other) = cases.iter().find(|other| other.slug() == case.slug()) {
            let said = format!(
                "`{}` is called as the case `{}` before it: their snapshots would be one file",
                case.name.value, other.name.value
            );
            root.problem(span, said, Some("give each case a name of its own".into()));
        } else {
            cases.push(case);
        }
    }
    root.finish();
    let problems = document.into_result(()).err().unwrap_or_default();
    (cases, problems)
}

fn read_case(table: Table<'_>) -> Option<Case> {
    let name = table.require("name", |item| {
        let name = text(item)?;
        if slug(&name).is_empty() {
            return Err(Misfit::must_be("a sentence, as in \"an award to its user redraws it\""));
        }
        Ok(At { value: name, place: item.place() })
    });
    let (config, config_places) = table.read("config", widgets::config).unwrap_or_default();
    let hub = table.table("hub").and_then(read_hub);
    let hubs = table.tables("hubs").into_iter().filter_map(read_hub).collect();
    let now = table.read("now", time);
    let messages = table.read("messages", list(recording)).unwrap_or_default();
    let cassette = table.read("cassette", file_name);
    let datanommer = table.read("datanommer", list(recording)).unwrap_or_default();
    let ids = |item: &Item<'_>| Ok(At { value: list(placed_text)(item)?, place: item.place() });
    let invalidated_by = table.read("invalidated_by", ids);
    let data = table.read("data", paths).unwrap_or_default();
    let snapshot = table.read("snapshot", flag).unwrap_or(false);
    table.finish();
    Some(Case {
        name: name?,
        config,
        config_places,
        hub,
        hubs,
        now,
        messages,
        cassette,
        datanommer,
        invalidated_by,
        data,
        snapshot,
    })
}

fn read_hub(table: Table<'_>) -> Option<CaseHub> {
    let kinds = choice(&[("group", HubKind::Group), ("user", HubKind::User)]);
    let people = |key| table.read(key, list(username)).unwrap_or_default();
    let [owners, members, subscribers, stargazers] =
        ["owners", "members", "subscribers", "stargazers"].map(people);
    let hub_name = table.require("name", name::<HubName>);
    let kind = table.read("kind", kinds).unwrap_or(HubKind::Group);
    let summary = table.read("summary", text).unwrap_or_default();
    let archived = table.read("archived", flag).unwrap_or(false);
    let days_idle = table.read("days_idle", number(0..=10_000)).unwrap_or(0);
    table.finish();
    Some(CaseHub {
        name: hub_name?,
        kind,
        summary,
        owners,
        members,
        subscribers,
        stargazers,
        archived,
        days_idle,
    })
}

fn time(item: &Item<'_>) -> Result<Timestamp, Misfit> {
    let given = match item.value {
        DeValue::String(text) => text.parse().ok(),
        DeValue::Datetime(time) => time.to_string().parse().ok(),
        _ => None,
    };
    given.ok_or_else(|| Misfit::must_be("a time with its zone, as in \"2026-01-01T12:00:00Z\""))
}

fn placed_text(item: &Item<'_>) -> Result<At<String>, Misfit> {
    Ok(At { value: text(item)?, place: item.place() })
}

/// A file below the folder of its kind.
fn file_name(item: &Item<'_>) -> Result<At<String>, Misfit> {
    named_file(item, "the name of a file, as in \"badges.json\"")
}

fn recording(item: &Item<'_>) -> Result<At<String>, Misfit> {
    named_file(item, "names of files, as in \"badges.jsonl\"")
}

fn named_file(item: &Item<'_>, fits: &str) -> Result<At<String>, Misfit> {
    let named = placed_text(item)?;
    let plain = |word: &str| !word.is_empty() && !word.starts_with('.') && !word.contains('\\');
    let is_plain = named.value.split('/').all(plain);
    if is_plain { Ok(named) } else { Err(Misfit::must_be(fits)) }
}

/// `"a.0.b" = 1`, and the same as tables within tables.
fn paths(item: &Item<'_>) -> Result<Vec<(String, At<Value>)>, Misfit> {
    let mut found = Vec::new();
    gather(item, "", &mut found)?;
    Ok(found)
}

fn gather(item: &Item<'_>, path: &str, found: &mut Vec<(String, At<Value>)>) -> Result<(), Misfit> {
    match item.value {
        DeValue::Table(entries) if path.is_empty() || !entries.is_empty() => {
            for (key, value) in entries {
                let (key, span) = (key.get_ref(), value.span());
                let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                let inner = Item { document: item.document, value: value.get_ref(), span };
                gather(&inner, &path, found).map_err(|misfit| misfit.at(value.span()))?;
            }
            Ok(())
        }
        _ if path.is_empty() => {
            Err(Misfit::must_be("paths and values, as in `{ \"assertions.0.name\" = \"…\" }`"))
        }
        value => {
            let at = At { value: widgets::json(value)?, place: item.place() };
            found.push((path.into(), at));
            Ok(())
        }
    }
}

/// Letters and digits, with a `-` for whatever but `'` stands between them; 80 at most.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if letter != '\'' && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(80).collect();
    slug.trim_end_matches('-').into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str) -> String {
        match read_cases(text, "tests/widgets/badges.toml") {
            Ok(cases) => cases.iter().map(Case::slug).collect::<Vec<_>>().join("\n"),
            Err(problems) => {
                let said = problems.iter().map(|problem| match &problem.help {
                    Some(help) => format!("{problem} | {help}"),
                    None => problem.to_string(),
                });
                said.collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn a_case_is_read_whole() {
        let text = r#"
            [[case]]
            name = "An award, to its user: redraws it!"
            config = { username = "ralph" }
            hub = { name = "ralph", kind = "user", owners = ["ralph"], days_idle = 3 }
            now = 2026-01-01T12:00:00Z
            messages = ["badges.jsonl"]
            cassette = "badges-ralph.json"
            datanommer = ["badges.jsonl"]
            invalidated_by = ["1", "2"]
            data = { "assertions.0.name" = "Something", total = 2, link.of = "x" }
            snapshot = true
        "#;
        let case = read_cases(text, "tests/widgets/badges.toml").unwrap().remove(0);
        assert_eq!(case.slug(), "an-award-to-its-user-redraws-it");
        assert_eq!(case.now.unwrap().to_string(), "2026-01-01T12:00:00Z");
        assert_eq!(case.hub.as_ref().unwrap().days_idle, 3);
        assert_eq!(case.invalidated_by.as_ref().unwrap().value[1].value, "2");
        let data: Vec<_> =
            case.data.iter().map(|(path, at)| (path.as_str(), at.value.clone())).collect();
        assert_eq!(
            data,
            [
                ("assertions.0.name", json!("Something")),
                ("link.of", json!("x")),
                ("total", json!(2))
            ]
        );
        assert!(case.snapshot);
    }

    #[test]
    fn whatever_does_not_fit_is_told_at_its_place() {
        insta::assert_snapshot!(check(
            "[[case]]\nname = \"one\"\nconfg = { username = \"ralph\" }\nsnapshot = \"yes\"\n\
             messages = [\"../secret\"]\nnow = \"noon\"\ninvalidated_by = [7]\ndata = [1]\n\
             [case.hub]\nname = \"a/b\"\nownres = []\n\n\
             [[case]]\n[[case]]\nname = \"One!\"\n[[case]]\nname = \"?\"\n[[cases]]\n"
        ), @r#"
        tests/widgets/badges.toml:3:1: [case] has no key `confg`; did you mean `config`?
        tests/widgets/badges.toml:4:12: `snapshot` of [case] is "yes", but must be `true` or `false`
        tests/widgets/badges.toml:5:13: `messages` of [case] is a list with "../secret", but must be a list of names of files, as in "badges.jsonl"
        tests/widgets/badges.toml:6:7: `now` of [case] is "noon", but must be a time with its zone, as in "2026-01-01T12:00:00Z"
        tests/widgets/badges.toml:7:19: `invalidated_by` of [case] is a list with 7, but must be a list of text in quotes
        tests/widgets/badges.toml:8:8: `data` of [case] is [1], but must be paths and values, as in `{ "assertions.0.name" = "…" }`
        tests/widgets/badges.toml:10:8: `name` of [case.hub]: `a/b` is no name of a hub: 1 to 50 of a-z, 0-9, `-`, `_` and `.` make one
        tests/widgets/badges.toml:11:1: [case.hub] has no key `ownres`; did you mean `owners`?
        tests/widgets/badges.toml:13:1: [case] has no `name`, which it must have
        tests/widgets/badges.toml:15:8: `One!` is called as the case `one` before it: their snapshots would be one file | give each case a name of its own
        tests/widgets/badges.toml:17:8: `name` of [case] is "?", but must be a sentence, as in "an award to its user redraws it"
        tests/widgets/badges.toml:18:3: tests/widgets/badges.toml has no table `cases`; did you mean `case`?
        "#);
    }

    #[test]
    fn a_file_without_a_case_says_how_one_begins() {
        insta::assert_snapshot!(check(""), @"tests/widgets/badges.toml:1:1: tests/widgets/badges.toml has no case | a case begins with `[[case]]` and has a `name`");
        assert!(check("[[case]\n").starts_with("tests/widgets/badges.toml:1:"));
    }

    #[test]
    fn whoever_only_shows_a_widget_gets_what_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let cases = folder.path().join("tests/widgets");
        std::fs::create_dir_all(&cases).unwrap();
        let text = "[[case]]\nname = \"one\"\nconfig = { limit = 5 }\nsnapshot = \"yes\"\n\
            now = \"2026-01-01T12:00:00Z\"\nhub = { name = \"infra\", owners = [\"ralph\"], days_idle = 2 }\n";
        std::fs::write(cases.join("a.b.toml"), text).unwrap();
        std::fs::write(cases.join("broken.toml"), "[[case]\n").unwrap();
        let site = Site::at(folder.path());
        let read = cases_of(&site, &"a.b".parse().unwrap());
        assert_eq!((read.len(), &*read[0].name.value), (1, "one"));
        assert_eq!(read[0].config["limit"], json!(5));
        let now = read[0].now.unwrap();
        let hub = read[0].hub_at(now);
        assert_eq!((hub.name.as_str(), hub.kind, hub.days_idle(now)), ("infra", HubKind::Group, 2));
        assert_eq!(hub.owners, ["ralph"]);
        assert!(cases_of(&site, &"broken".parse().unwrap()).is_empty());
        assert!(cases_of(&site, &"nowhere".parse().unwrap()).is_empty());
    }

    #[test]
    fn without_a_hub_a_widget_is_on_that_of_the_person_it_is_about() {
        let now = Timestamp::UNIX_EPOCH;
        let on = |config: Value| {
            let config = config.as_object().unwrap().clone().into_iter().collect();
            example_hub(&config, now).name.to_string()
        };
        assert_eq!(on(json!({ "username": "ralph" })), "ralph");
        assert_eq!(on(json!({ "username": 7 })), "example");
        assert_eq!(on(json!({})), "example");
    }
}
