//! From an idea to a widget: `hubs widget new`, `show`, `docs`, `run --text`, and what editors and shells are told.

use crate::command::{check, hubs, site};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(below, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_new_widget_is_sound_and_shows_something_at_once() {
    let folder = site(&[]);
    insta::assert_snapshot!(
        "it says what comes next",
        check(folder.path(), &["widget", "new", "hello"])
    );
    insta::assert_snapshot!(check(folder.path(), &["widget", "check", "hello"]), @r"
    exit 0
    --- stdout
    hello  asked about usernames widget.config.username
    1 widget checked: 0 errors, 0 warnings
    ");
    let recording = "tests/recordings/hello.jsonl";
    let arguments =
        ["widget", "run", "hello", "--config", "username=ralph", "--messages", recording, "--text"];
    let said = check(folder.path(), &arguments);
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(said.contains("- ralph pushed to python-requests (rawhide)."), "{said}");
    assert!(said.contains("- ralph has been awarded the"), "{said}");
}

#[test]
fn the_name_of_a_widget_in_a_folder_is_its_path() {
    let folder = site(&[]);
    let said = check(folder.path(), &["widget", "new", "workflow.my_updates"]);
    assert!(said.starts_with("exit 0"), "{said}");
    let files = files(folder.path());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "templates/widgets/workflow/my_updates.html",
            "tests/recordings/workflow.my_updates.jsonl",
            "tests/widgets/workflow.my_updates.toml",
            "widgets/workflow/my_updates.rhai",
        ]
    );
    assert!(files["widgets/workflow/my_updates.rhai"].contains("const TITLE = \"My updates\";"));
    assert!(!files.values().any(|text| text.contains('@') && text.contains("@NAME@")));
    assert!(
        check(folder.path(), &["widget", "check", "workflow.my_updates"]).starts_with("exit 0")
    );
}

#[test]
fn a_name_that_can_not_be_says_why_and_what_fits() {
    let folder = site(&[("widgets/mine.rhai", ""), ("templates/widgets/half.html", "")]);
    let before = files(folder.path());
    for (name, case) in [
        ("My-Widget", "a bad name"),
        ("ü", "a hopeless name"),
        ("lib.x", "a folder of something else"),
        ("badges", "a bundled widget"),
        ("mine", "an own widget"),
        ("half", "a file that is there"),
    ] {
        insta::assert_snapshot!(case, check(folder.path(), &["widget", "new", name]));
    }
    let said = check(folder.path(), &["widget", "new", "more", "--from", "bages"]);
    assert!(said.contains("there is no widget `bages`; did you mean `badges`?"), "{said}");
    assert_eq!(files(folder.path()), before, "nothing was written");
}

#[test]
fn nothing_is_written_unless_all_can_be() {
    // A file where a folder should be: the third draft can't be written.
    let folder = site(&[("tests", "in the way")]);
    let said = check(folder.path(), &["widget", "new", "hello"]);
    assert!(said.starts_with("exit 2"), "{said}");
    assert!(
        said.contains("tests/recordings/hello.jsonl can't be written, so nothing was"),
        "{said}"
    );
    assert!(said.contains("name another folder with --site"), "{said}");
    assert_eq!(files(folder.path()).len(), 1, "what was written is gone again");
}

#[test]
fn a_copy_brings_its_cases_along_under_its_own_name() {
    let folder = site(&[
        ("widgets/first.rhai", "//! One.\nconst REFRESH = \"1h\";\nfn data(widget) { #{} }\n"),
        ("templates/widgets/first.html", "<p>one</p>"),
        (
            "tests/widgets/first.toml",
            "[[case]]\nname = \"it\"\nmessages = [\"first.jsonl\", \"shared.jsonl\"]\ncassette = \"first-ralph.json\"\n",
        ),
        ("tests/widgets/first/it.json", "{}"),
        ("tests/recordings/first.jsonl", "{}"),
        ("tests/recordings/shared.jsonl", "{}"),
        ("tests/recordings/other.jsonl", "{}"),
        ("tests/cassettes/first-ralph.json", "{}"),
    ]);
    let said = check(folder.path(), &["widget", "new", "second", "--from", "first"]);
    insta::assert_snapshot!(said);
    let files = files(folder.path());
    assert_eq!(files["widgets/second.rhai"], files["widgets/first.rhai"]);
    assert_eq!(
        files["tests/widgets/second.toml"],
        "[[case]]\nname = \"it\"\nmessages = [\"second.jsonl\", \"second-shared.jsonl\"]\ncassette = \"second-ralph.json\"\n"
    );
    assert!(files.contains_key("tests/widgets/second/it.json"));
    assert!(!files.keys().any(|path| path.contains("second-other")));
}

#[test]
fn a_bundled_widget_is_copied_out_of_the_binary() {
    let folder = site(&[]);
    let said = check(folder.path(), &["widget", "new", "medals", "--from", "badges"]);
    assert!(said.starts_with("exit 0") && said.contains("wrote widgets/medals.rhai"), "{said}");
    assert!(said.contains("hubs widget run medals --config username=ralph --text"), "{said}");
    let said = check(folder.path(), &["widget", "test", "medals"]);
    assert!(said.ends_with("3 passed, 0 failed"), "its cases pass under the new name: {said}");
}

#[test]
fn a_widget_is_shown_to_people_and_to_programs() {
    let folder = site(&[]);
    check(folder.path(), &["widget", "new", "hello"]);
    insta::assert_snapshot!("to people", check(folder.path(), &["widget", "show", "hello"]));
    let output = hubs(folder.path(), &["widget", "show", "hello", "--format", "json"]);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    insta::assert_json_snapshot!("to programs", shown, { ".description" => "[doc]", ".hints" => "[inferred]" });
    let said = check(folder.path(), &["widget", "show", "helo"]);
    assert!(said.starts_with("exit 2") && said.contains("did you mean `hello`?"), "{said}");
}

#[test]
fn a_widget_is_measured_and_compared_with_the_time_before() {
    let folder = site(&[]);
    check(folder.path(), &["widget", "new", "hello"]);
    let said = check(folder.path(), &["widget", "bench", "hello"]);
    assert!(
        said.starts_with("exit 0") && said.contains("3 messages, 2 of them redraw it"),
        "{said}"
    );
    assert!(said.contains("nothing to compare with yet: `--save` keeps these figures"), "{said}");
    let said = check(folder.path(), &["widget", "bench", "hello", "--save"]);
    assert!(said.contains("saved to ") && said.contains("bench/hello.json"), "{said}");
    let output = hubs(folder.path(), &["widget", "bench", "hello", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["config"], serde_json::json!({ "username": "ralph", "limit": 5 }));
    for function in ["should_invalidate", "data"] {
        let (now, before) = (&report[function], &report["baseline"][function]);
        assert!(now["calls"].as_u64() > Some(0) && now["p50_nanos"].as_u64() > Some(0), "{report}");
        assert_eq!(now["operations"], before["operations"], "the same work");
    }
    let said = check(folder.path(), &["widget", "bench", "hello", "--baseline", "none.json"]);
    assert!(
        said.starts_with("exit 2") && said.contains("the baseline none.json can't be read"),
        "{said}"
    );
    let said = check(folder.path(), &["widget", "bench", "hello", "--messages", "none.jsonl"]);
    assert!(said.starts_with("exit 2") && said.contains("none.jsonl can't be read"), "{said}");
}

#[test]
fn a_measured_widget_asks_no_network() {
    let folder = site(&[]);
    let said =
        check(folder.path(), &["widget", "bench", "badges", "--config", "username=somebody_else"]);
    assert!(said.starts_with("exit 0"), "{said}");
    assert!(said.contains("`data` fails, so it is not measured"), "{said}");
    assert!(said.contains("badges.fedoraproject.org/user/somebody_else/json"), "{said}");
}

#[test]
fn the_reference_is_what_hubs_prints() {
    let folder = site(&[]);
    let printed = String::from_utf8(hubs(folder.path(), &["widget", "docs"]).stdout).unwrap();
    let kept = include_str!("../../docs/widgets/reference.md");
    assert!(
        printed == kept,
        "docs/widgets/reference.md is old: cargo run -q -- widget docs > docs/widgets/reference.md"
    );
}

#[test]
fn the_reference_is_a_page_for_each_thing_in_a_folder() {
    let folder = site(&[]);
    let said = check(folder.path(), &["widget", "docs", "--out", "pages"]);
    assert!(said.contains("pages written to pages"), "{said}");
    let files = files(&folder.path().join("pages"));
    for page in ["index.md", "bindings/http.md", "lib/feeds.md", "widgets/badges.md"] {
        assert!(files.contains_key(page), "{page} is missing");
    }
    let index = &files["index.md"];
    for line in index.lines().filter(|line| line.starts_with("- [")) {
        let path = line.split(['(', ')']).nth(1).unwrap();
        assert!(files.contains_key(path), "the index leads nowhere: {line}");
    }
    assert!(files["bindings/http.md"].starts_with("# `http`\n"));
    std::fs::write(folder.path().join("file"), "").unwrap();
    let said = check(folder.path(), &["widget", "docs", "--out", "file"]);
    assert!(said.contains("can't be written") && said.contains("--out"), "{said}");
}

#[test]
fn an_editor_is_told_what_scripts_may_call() {
    let folder = site(&[]);
    let said = check(folder.path(), &["definitions", "--out", "definitions"]);
    assert!(said.contains("files written to definitions"), "{said}");
    let files = files(&folder.path().join("definitions"));
    assert!(files["http.d.rhai"].contains("fn get(url: String) -> ?;"));
    assert!(files["hubs-widgets.d.rhai"].contains("fn data(widget: widget) -> Map;"));
    let whole = check(folder.path(), &["definitions"]);
    assert!(whole.contains("// datanommer.d.rhai\nmodule datanommer;"));
}

#[test]
fn shells_complete_commands_and_widgets() {
    let folder = site(&[]);
    for (shell, expected) in
        [("bash", "_hubs_widgets"), ("fish", "hubs widget list"), ("zsh", "#compdef hubs")]
    {
        let said = check(folder.path(), &["completions", shell]);
        assert!(said.starts_with("exit 0") && said.contains(expected), "{shell}");
    }
    let said = check(folder.path(), &["completions", "csh"]);
    assert!(said.starts_with("exit 2") && said.contains("bash, elvish, fish"), "{said}");
}
