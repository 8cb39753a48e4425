//! Mistakes that a widget's author makes, one a file in tests/mistakes: each is found at its line, with its help.
//!
//! What must be said stands at the end of the file: `//~ error 4:7 | help`, a template's as `//~ warning html 1:4 | …`.
//! `//~ run data` means that it is found when the function is called, not by `hubs widget check`.

use hubs::config::{Limits, Site};
use hubs::hub::{Column, Config, Hub, HubKind, Instance, InstanceId, Visibility};
use hubs::message::parse_line;
use hubs::script::{Interpreter, Tier};
use hubs::widget::Library;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mistakes");
const MARK: &str = "//~ ";
/// What the check is asked about.
const MESSAGE: &[u8] =
    br#"{"topic":"io.pagure.prod.pagure.issue.new","msg_id":"2026-1","timestamp":1767268800,
    "msg":{"issue":{"id":3,"title":"Broken","user":{"name":"ralph"}},"agent":"ralph"}}"#;

struct Mistake {
    name: String,
    text: String,
    template: Option<String>,
    /// `data`, `should_invalidate`, or `html` for the template.
    run: Option<String>,
    expected: Vec<String>,
}

fn mistakes() -> Vec<Mistake> {
    let mut found = Vec::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "rhai") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let marks: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(MARK)).collect();
        found.push(Mistake {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            template: fs::read_to_string(path.with_extension("html")).ok(),
            run: marks.iter().find_map(|mark| mark.strip_prefix("run ")).map(Into::into),
            expected: marks
                .iter()
                .filter(|mark| !mark.starts_with("run "))
                .map(ToString::to_string)
                .collect(),
            text,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// All mistakes as widgets of one site.
fn site(mistakes: &[Mistake]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for mistake in mistakes {
        let name = &mistake.name;
        write(folder.path().join(format!("widgets/{name}.rhai")), &mistake.text);
        let template = mistake.template.as_deref().unwrap_or("<p>some</p>\n");
        write(folder.path().join(format!("templates/widgets/{name}.html")), template);
    }
    let helper = fs::read_to_string(Path::new(FOLDER).join("lib/helper.rhai")).unwrap();
    write(folder.path().join("widgets/lib/helper.rhai"), &helper);
    folder
}

/// A diagnostic's JSON as the marks are written.
fn mark(found: &Value) -> (String, String) {
    let file = found["file"].as_str().unwrap_or("");
    let name = Path::new(file).file_stem().unwrap_or_default().to_str().unwrap().to_owned();
    let place = match (&found["line"], &found["column"]) {
        (Value::Number(line), Value::Number(column)) => format!(" {line}:{column}"),
        _ => String::new(),
    };
    let kind = if file.starts_with("templates/") {
        " html"
    } else if file.starts_with("widgets/lib/") {
        " lib"
    } else {
        ""
    };
    let help = found["help"].as_str().and_then(|help| help.lines().next()).unwrap_or("");
    (name, format!("{}{kind}{place} | {help}", found["severity"].as_str().unwrap()))
}

fn hubs(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    let output =
        command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn asked(folder: &Path, name: &str) -> Value {
    let mut interpreter =
        Interpreter::new(Tier::Pure, Limits::pure(), Some(hubs::bindings::pure()));
    let library = Library::load(&Site::at(folder), &mut interpreter, None);
    let definition = library.get(&name.parse().unwrap()).unwrap().clone();
    let now = "2026-01-01T12:00:00Z".parse().unwrap();
    let instance = Instance {
        id: InstanceId(1),
        hub: "ralph".parse().unwrap(),
        widget: definition.name.clone(),
        column: Column::Left,
        position: 0,
        config: Config::new(),
    };
    let hub = Hub {
        name: "ralph".parse().unwrap(),
        kind: HubKind::User,
        summary: String::new(),
        avatar: String::new(),
        banner: String::new(),
        left_width: 8,
        visibility: Visibility::Public,
        archived: false,
        owners: vec!["ralph".into()],
        members: vec![],
        subscribers: vec![],
        stargazers: vec![],
        created_at: now,
        last_active: now,
    };
    let placed = definition.place(&instance, Arc::new(hub)).unwrap();
    let message = parse_line(MESSAGE).unwrap();
    let message = interpreter.message(&message);
    let failed =
        definition.should_invalidate(&mut interpreter, &message, &placed, now).unwrap_err();
    serde_json::to_value(failed.0.diagnostic).unwrap()
}

#[test]
fn every_mistake_is_found_at_its_line_with_its_help() {
    let mistakes = mistakes();
    assert!(mistakes.len() >= 60, "only {} mistakes", mistakes.len());
    let folder = site(&mistakes);
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut whole: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let checked = hubs(folder.path(), &["widget", "check", "--format", "json"]);
    let mut found: Vec<(String, Value)> =
        checked.into_iter().map(|found| (mark(&found).0, found)).collect();
    for mistake in &mistakes {
        let name = &mistake.name;
        match mistake.run.as_deref() {
            None => {}
            Some("data") => {
                let failed = hubs(folder.path(), &["widget", "run", name, "--format", "json"]);
                found.extend(failed.into_iter().map(|found| (name.clone(), found)));
            }
            Some("html") => {
                let arguments = ["widget", "run", name, "--html", "--format", "json"];
                let failed = hubs(folder.path(), &arguments);
                found.extend(failed.into_iter().map(|found| (name.clone(), found)));
            }
            Some("should_invalidate") => found.push((name.clone(), asked(folder.path(), name))),
            Some(other) => panic!("{name}: nobody can run `{other}`"),
        }
    }
    for (name, found) in found {
        said.entry(name.clone()).or_default().push(mark(&found).1);
        whole.entry(name).or_default().push(found.to_string());
    }
    let mut wrong = Vec::new();
    for mistake in &mistakes {
        let found = said.remove(&mistake.name).unwrap_or_default();
        if found != mistake.expected || found.iter().any(|mark| mark.ends_with("| ")) {
            wrong.push(format!(
                "{}\n  expected: {:#?}\n  found:    {:#?}\n  {}",
                mistake.name,
                mistake.expected,
                found,
                whole.get(&mistake.name).map_or(String::new(), |all| all.join("\n  "))
            ));
        }
    }
    assert!(said.is_empty(), "findings that no mistake asked for: {said:#?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), mistakes.len(), wrong.join("\n"));
}

#[test]
fn nothing_is_wrong_with_what_is_built_in() {
    let folder = TempDir::new().unwrap();
    let found = hubs(folder.path(), &["widget", "check", "--format", "json"]);
    assert!(found.is_empty(), "{found:#?}");
}
