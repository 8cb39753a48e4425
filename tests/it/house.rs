//! Holds the floor plan: a room names rooms above it, never below, and some things are only in some rooms.
//!
//! A new door is a change to [`ROOMS`], with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// The ground floor: everybody may use it. Of each other these rooms use what stands before them.
const GROUND: [&str; 5] = ["hub", "message", "diagnostic", "config", "telemetry"];

/// Each room, and the rooms that it may name beside the ground floor.
const ROOMS: [(&str, &[&str]); 16] = [
    ("store", &[]),
    ("datanommer", &[]),
    ("cache", &[]),
    ("outbound", &["cache"]),
    ("render", &[]),
    ("script", &[]),
    // `store`: `hubs::of(username)` gives a widget the hubs that somebody belongs to. `render`: `markdown`, `avatar`,
    // `series` and the like are the same in scripts as in templates.
    ("bindings", &["script", "outbound", "datanommer", "cache", "store", "render"]),
    ("widget", &["script"]),
    ("bus", &[]),
    ("triage", &["widget", "store", "cache", "script"]),
    ("rebuild", &["widget", "render", "store", "cache", "script"]),
    ("live", &[]),
    (
        "web",
        // `bus`: what is posted goes into the channel that all sources share.
        &[
            "live",
            "rebuild",
            "bus",
            // `triage`: a page says why a widget was redrawn, or was not.
            "triage",
            "store",
            "datanommer",
            "cache",
            "outbound",
            "render",
            "script",
            "bindings",
            "widget",
        ],
    ),
    ("server", &["*"]),
    (
        "cases",
        &[
            "bus",
            "triage",
            "store",
            "datanommer",
            "cache",
            "outbound",
            "render",
            "script",
            "bindings",
            "widget",
        ],
    ),
    ("cli", &["*"]),
];

/// A crate, and the rooms that may name it.
const ONLY_IN: [(&str, &[&str]); 7] = [
    ("sqlx", &["store", "datanommer"]),
    ("rhai", &["script", "bindings", "widget"]),
    ("axum", &["web"]),
    ("reqwest", &["outbound"]),
    ("sled", &["cache"]),
    ("tera", &["render"]),
    ("lapin", &["bus"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let mut folders = vec![PathBuf::from(SRC)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(SRC).unwrap();
                let room = below
                    .iter()
                    .next()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .trim_end_matches(".rs")
                    .to_owned();
                let text = fs::read_to_string(&path).unwrap();
                files.push((room, below.to_path_buf(), text));
            }
        }
    }
    files.sort();
    files
}

/// The code of a file: without comments, and without its tests, which may look into any room.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The rooms that `crate::…` names, in paths and in `use crate::{…}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            rooms.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if c.is_whitespace() => {}
                _ if start && depth == 0 => {
                    rooms.insert(word(&list[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    rooms.remove("");
    rooms
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

#[test]
fn a_room_names_only_rooms_above_it() {
    let plan: BTreeMap<_, _> = ROOMS.into_iter().collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if room == "lib" || room == "main" || is_test(&path) {
            continue;
        }
        for named in named(&code(&text)) {
            let may = if let Some(floor) = GROUND.iter().position(|r| *r == room) {
                GROUND[..=floor].contains(&named.as_str())
            } else {
                let doors = plan
                    .get(room.as_str())
                    .unwrap_or_else(|| panic!("{room} is not on the floor plan"));
                named == room
                    || GROUND.contains(&named.as_str())
                    || doors.contains(&"*")
                    || doors.contains(&named.as_str())
            };
            if !may {
                wrong.push(format!("src/{}: `{room}` names `{named}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the floor plan:\n{}", wrong.join("\n"));
}

#[test]
fn what_is_absent_is_absent() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        for (name, rooms) in ONLY_IN {
            let uses = code(&text)
                .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                .any(|word| {
                    word.starts_with(&format!("{name}::"))
                        || word == name && text.contains(&format!("use {name};"))
                });
            if uses && !rooms.contains(&room.as_str()) {
                wrong.push(format!(
                    "src/{}: `{name}` belongs into {}",
                    path.display(),
                    rooms.join(", ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "in the wrong room:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(_, path, text)| !is_test(path) && !text.starts_with("//!"))
        .map(|(_, path, _)| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "files without `//!` at the top: {}", silent.join(", "));
}
