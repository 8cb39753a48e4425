//! `hubs widget test`: what it finds, and how it tells it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command.current_dir(folder).args(["widget", "test"]).args(arguments);
    command.env_remove("RUST_LOG").env_remove("CI").env("NO_COLOR", "1");
    command
}

/// Exit code, then what was said on stdout and on stderr; times redacted.
fn check(folder: &Path, arguments: &[&str]) -> String {
    said(folder, command(folder, arguments))
}

fn said(folder: &Path, mut command: Command) -> String {
    let output = command.output().unwrap();
    let mut text = format!("exit {}", output.status.code().unwrap());
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let stream = String::from_utf8_lossy(bytes);
        if !stream.trim().is_empty() {
            write!(text, "\n--- {name}\n{}", stream.trim_end()).unwrap();
        }
    }
    timeless(&text.replace(&*folder.to_string_lossy(), "[folder]"))
}

/// `"seconds":0.0123` and `time="0.012"` differ from run to run.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, mark)) = ["\"seconds\":", "time=\""]
        .into_iter()
        .filter_map(|mark| Some((rest.find(mark)?, mark)))
        .min()
    {
        let end = at + mark.len();
        out.push_str(&rest[..end]);
        out.push_str("[time]");
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_digit() || ".e-".contains(c));
    }
    out + rest
}

fn site(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        put(folder.path(), path, text);
    }
    folder
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const SCRIPT: &str = r#"//! How often somebody was greeted.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };
const HOSTS = ["greetings.example.org"];

fn should_invalidate(message, widget) {
    message.topic.ends_with("greetings.sent")
        && message.msg.to.name == widget.config.username
}

fn data(widget) {
    #{ name: widget.config.username, list: ["a", "b"] }
}
"#;

const TEMPLATE: &str = "<p>Hello {{ name }}</p>\n";

/// Two greetings, one of them to ralph, and something else.
const MESSAGES: &str = concat!(
    r#"{"topic":"org.fedoraproject.prod.greetings.sent","msg_id":"1-ralph","timestamp":1767268800,"i":1,"msg":{"to":{"name":"ralph"}}}"#,
    "\n",
    r#"{"topic":"org.fedoraproject.prod.greetings.sent","msg_id":"2-duffy","timestamp":1767268860,"i":2,"msg":{"to":{"name":"duffy"}}}"#,
    "\n",
    r#"{"topic":"org.fedoraproject.prod.greetings.lost","msg_id":"3-lost","timestamp":1767268920,"i":3,"msg":{"to":{"name":"ralph"}}}"#,
    "\n",
);

const CASE: &str = r#"[[case]]
name = "a greeting redraws it"
config = { username = "ralph" }
messages = ["greetings.jsonl"]
invalidated_by = ["1-ralph"]
data = { name = "ralph" }
"#;

/// The widget `greeted` with a script, its recording and a case file.
fn greeted(script: &str, case: &str) -> TempDir {
    site(&[
        ("widgets/greeted.rhai", script),
        ("templates/widgets/greeted.html", TEMPLATE),
        ("tests/recordings/greetings.jsonl", MESSAGES),
        ("tests/widgets/greeted.toml", case),
    ])
}

fn check_greeted(script: &str, case: &str) -> String {
    check(greeted(script, case).path(), &["greeted"])
}

#[test]
fn a_case_that_holds_passes() {
    insta::assert_snapshot!(check_greeted(SCRIPT, CASE));
}

#[test]
fn what_is_built_in_passes_its_own_cases_and_reaches_its_lines() {
    let said = check(site(&[]).path(), &["--coverage", "--min-coverage", "90"]);
    assert!(said.starts_with("exit 0") && said.ends_with(", 0 failed"), "{said}");
}

#[test]
fn another_set_of_messages_is_told_with_what_decided_it() {
    let case = CASE.replace("\"1-ralph\"", "\"2-duffy\"");
    insta::assert_snapshot!("another set for people", check_greeted(SCRIPT, &case));
    let folder = greeted(SCRIPT, &case);
    insta::assert_snapshot!(
        "another set for programs",
        check(folder.path(), &["--format", "json", "greeted"])
    );
    insta::assert_snapshot!(
        "another set as junit",
        check(folder.path(), &["--format", "junit", "greeted"])
    );
}

#[test]
fn an_id_that_no_message_has_is_told_with_the_nearest() {
    let case = CASE.replace("\"1-ralph\"", "\"1-ralph\", \"2-dufy\"");
    insta::assert_snapshot!(check_greeted(SCRIPT, &case));
}

#[test]
fn hints_that_leave_out_a_message_are_told_with_the_condition_at_fault() {
    let script =
        format!("{SCRIPT}\nfn hints(widget) {{ #{{ topics: [\"greetings.recieved\"] }} }}\n");
    insta::assert_snapshot!(check_greeted(&script, CASE));
}

#[test]
fn data_that_is_not_what_the_case_says_is_told_by_its_path() {
    let case = CASE.replace(
        "data = { name = \"ralph\" }",
        "data = { name = \"duffy\", \"list.2\" = \"c\", lst = 1, list = [\"a\", \"c\"] }",
    );
    insta::assert_snapshot!(check_greeted(SCRIPT, &case));
}

#[test]
fn a_script_that_throws_on_a_message_fails_its_case() {
    let script = SCRIPT.replace("message.msg.to.name ==", "1 / message.msg.none ==");
    insta::assert_snapshot!(check_greeted(&script, CASE));
}

#[test]
fn a_limit_that_is_broken_is_named() {
    let script = SCRIPT.replace("#{ name:", "loop {}\n    #{ name:");
    insta::assert_snapshot!(check_greeted(&script, CASE));
}

#[test]
fn a_template_that_fails_is_told_at_its_place() {
    let folder = greeted(SCRIPT, CASE);
    put(folder.path(), "templates/widgets/greeted.html", "<p>\n{{ nmae }}</p>\n");
    insta::assert_snapshot!(check(folder.path(), &["greeted"]));
}

#[test]
fn a_request_that_is_not_on_the_cassette_names_its_url() {
    let script = SCRIPT.replace(
        "#{ name:",
        "let answer = http::get(\"https://greetings.example.org/to?name=ralph\");\n    #{ name:",
    );
    insta::assert_snapshot!("case without cassette", check_greeted(&script, CASE));
    let case = format!("{CASE}cassette = \"greetings.json\"\n");
    insta::assert_snapshot!("missing cassette", check_greeted(&script, &case));
    let folder = greeted(&script, &case);
    let exchange = |path: &str| {
        format!(
            r#"{{ "exchanges": [{{ "request": {{ "method": "GET", "url": "https://greetings.example.org/{path}" }}, "response": {{ "status": 200, "headers": {{}}, "json": [] }} }}] }}"#
        )
    };
    put(folder.path(), "tests/cassettes/greetings.json", &exchange("from?name=ralph"));
    insta::assert_snapshot!("url off the cassette", check(folder.path(), &["greeted"]));
    put(folder.path(), "tests/cassettes/greetings.json", &exchange("to?name=ralph"));
    let said = check(folder.path(), &["greeted"]);
    assert!(said.ends_with("1 passed, 0 failed"), "{said}");
    put(
        folder.path(),
        "tests/cassettes/greetings.json",
        "{ \"exchanges\": [\n{ \"request\": 1 }] }",
    );
    insta::assert_snapshot!("broken cassette", check(folder.path(), &["greeted"]));
}

/// Greetings of the history: what is new in there must redraw it.
const READS_HISTORY: &str = r#"//! The last greetings.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };

fn should_invalidate(message, widget) {
    message.topic.ends_with("greetings.sent") && message.msg.to.name == widget.config.username
}

fn data(widget) {
    let found = datanommer::grep(#{ categories: ["greetings"], rows_per_page: 5, order: "desc" });
    #{ name: widget.config.username, ids: found.messages.map(|message| message.id) }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_cassette_is_recorded_without_addresses_and_played_again() {
    let server = wiremock::MockServer::start().await;
    let answer = serde_json::json!([{ "name": "duffy", "email": "duffy@mail.example" }]);
    wiremock::Mock::given(wiremock::matchers::path("/to"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let address = server.address().to_string();
    let script = SCRIPT.replace("greetings.example.org", &address).replace(
        "#{ name:",
        &format!("let greeted = http::get(\"http://{address}/to\").json();\n    #{{ by: greeted[0].name, name:"),
    );
    let case = format!("{CASE}cassette = \"greetings.json\"\n")
        .replace("data = {", "data = { by = \"duffy\",");
    let folder = greeted(&script, &case);
    put(folder.path(), "hubs.toml", "[sandbox]\nallow_private_addresses = true\n");
    let recorded = check(folder.path(), &["greeted", "--record"]);
    assert!(
        recorded.contains("tests/cassettes/greetings.json is recorded")
            && recorded.ends_with("1 passed, 0 failed"),
        "{recorded}"
    );
    let cassette = std::fs::read_to_string(folder.path().join("tests/cassettes/greetings.json"));
    let cassette = cassette.unwrap();
    assert!(!cassette.contains("mail.example") && cassette.contains("/to"), "{cassette}");
    drop(server);
    let played = check(folder.path(), &["greeted"]);
    assert!(played.ends_with("1 passed, 0 failed"), "{played}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fas_says_is_recorded_without_the_login_and_played_without_any() {
    let server = wiremock::MockServer::start().await;
    let ralph = serde_json::json!({ "result": { "username": "ralph", "human_name": "Ralph Bean", "website": "mailto:ralph@mail.example" } });
    let answer = wiremock::ResponseTemplate::new(200)
        .set_body_json(ralph)
        .insert_header("set-cookie", "session=hunter3")
        .insert_header("ipasession", "MagBearerToken=hunter3");
    // "hubs:hunter2"
    wiremock::Mock::given(wiremock::matchers::path("/v1/users/ralph/"))
        .and(wiremock::matchers::header("authorization", "Basic aHViczpodW50ZXIy"))
        .respond_with(answer)
        .mount(&server)
        .await;
    // `HOSTS` need not name it.
    let script = SCRIPT
        .replace("const HOSTS = [\"greetings.example.org\"];\n", "")
        .replace("#{ name:", "#{ by: fas::user(\"ralph\").human_name, name:");
    let case = format!("{CASE}cassette = \"people.json\"\n")
        .replace("data = {", "data = { by = \"Ralph Bean\",");
    let folder = greeted(&script, &case);
    let unset = check(folder.path(), &["greeted", "--record"]);
    assert!(unset.contains("FAS is not asked, as it answers nobody without a login"), "{unset}");
    let settings = format!(
        "[sandbox]\nallow_private_addresses = true\n[fas]\nurl = \"{}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n",
        server.uri()
    );
    put(folder.path(), "hubs.toml", &settings);
    let recorded = check(folder.path(), &["greeted", "--record"]);
    assert!(
        recorded.contains("tests/cassettes/people.json is recorded")
            && recorded.ends_with("1 passed, 0 failed"),
        "{recorded}"
    );
    let cassette = std::fs::read_to_string(folder.path().join("tests/cassettes/people.json"));
    let cassette = cassette.unwrap();
    // Whoever it was: the same case is played where another FAS is set, or none.
    assert!(cassette.contains("https://fasjson.fedoraproject.org/v1/users/ralph/"), "{cassette}");
    for secret in ["hunter", "aHViczpodW50ZXIy", "mail.example", &server.uri()] {
        assert!(!cassette.contains(secret), "{secret}: {cassette}");
    }
    drop(server);
    put(folder.path(), "hubs.toml", "");
    let played = check(folder.path(), &["greeted"]);
    assert!(played.ends_with("1 passed, 0 failed"), "{played}");
}

#[test]
fn an_update_that_is_missed_is_told_with_the_message_and_the_change() {
    insta::assert_snapshot!(check_greeted(READS_HISTORY, CASE));
    let sound = READS_HISTORY.replace(" && message.msg.to.name == widget.config.username", "");
    let sound = sound
        .replace("greetings.sent\")", "greetings.sent\") || message.category == \"greetings\"");
    let case = CASE.replace("\"1-ralph\"", "\"1-ralph\", \"2-duffy\", \"3-lost\"");
    insta::assert_snapshot!("precision of what is sound", check_greeted(&sound, &case));
}

#[test]
fn work_on_missed_updates_is_bounded_and_says_so() {
    let line = |at: usize| {
        format!(
            r#"{{"topic":"org.fedoraproject.prod.greetings.sent","msg_id":"{at:04}","timestamp":{},"i":{at},"msg":{{"to":{{"name":"ralph"}}}}}}"#,
            1_767_268_800 + at
        )
    };
    let many: Vec<String> = (0..300).map(line).collect();
    let case = CASE.replace("invalidated_by = [\"1-ralph\"]\n", "");
    let folder = greeted(READS_HISTORY, &case);
    put(folder.path(), "tests/recordings/greetings.jsonl", &many.join("\n"));
    let said = check(folder.path(), &["greeted"]);
    assert!(said.contains("198 of 198 invalidations changed the data"), "{said}");
    assert!(said.contains("until `data` had been called 200 times"), "{said}");
    // Those that do not invalidate go in together, so that the one among them is found all the same.
    let others = many.iter().map(|line| line.replace("greetings.sent", "sales.made"));
    let mut lines: Vec<String> = others.collect();
    lines[271] = lines[271].replace("sales.made", "greetings.lost");
    put(folder.path(), "tests/recordings/greetings.jsonl", &lines.join("\n"));
    let said = check(folder.path(), &["greeted"]);
    assert!(said.contains("missed update: `0271` changes what `data` returns"), "{said}");
    assert!(!said.contains("had been called"), "{said}");
}

#[test]
fn an_exchange_that_no_case_asks_for_is_a_warning() {
    let script = SCRIPT.replace(
        "#{ name:",
        "let answer = http::get(\"https://greetings.example.org/to\");\n    #{ name:",
    );
    let folder = greeted(&script, &format!("{CASE}cassette = \"greetings.json\"\n"));
    let exchange = |path: &str| {
        format!(
            r#"{{ "request": {{ "method": "GET", "url": "https://greetings.example.org/{path}" }}, "response": {{ "status": 200, "headers": {{}}, "json": [] }} }}"#
        )
    };
    let cassette = format!("{{ \"exchanges\": [{}, {}] }}", exchange("to"), exchange("from"));
    put(folder.path(), "tests/cassettes/greetings.json", &cassette);
    let said = check(folder.path(), &[]);
    let warning = "warning: no case asks for https://greetings.example.org/from, which is on the cassette tests/cassettes/greetings.json";
    assert!(said.contains(warning) && said.contains("hubs widget test --record"), "{said}");
    assert!(said.ends_with(" passed, 0 failed"), "{said}");
}

#[test]
fn a_message_that_is_not_as_it_should_be_is_a_warning_with_its_place() {
    let script = SCRIPT.replace(
        "message.msg.to.name == widget.config.username",
        "message.msg.to.name.len() == 5 && message.msg.to.name == widget.config.username",
    );
    insta::assert_snapshot!(check_greeted(&script, CASE));
}

#[test]
fn what_is_wrong_with_a_case_file_is_told_at_its_place() {
    let case = CASE.replace("username = \"ralph\"", "usernmae = \"ralph\"");
    insta::assert_snapshot!("case with a wrong setting", check_greeted(SCRIPT, &case));
    let case = CASE
        .replace("greetings.jsonl", "greetigns.jsonl")
        .replace("invalidated_by", "invalidatedby");
    insta::assert_snapshot!("case with a wrong key", check_greeted(SCRIPT, &case));
    let case = CASE.replace("greetings.jsonl", "greetigns.jsonl");
    insta::assert_snapshot!("case without its recording", check_greeted(SCRIPT, &case));
    let folder = greeted(SCRIPT, CASE);
    put(folder.path(), "tests/recordings/greetings.jsonl", &format!("{MESSAGES}\n{{nonsense}}\n"));
    insta::assert_snapshot!("recording with a bad line", check(folder.path(), &["greeted"]));
    put(folder.path(), "tests/widgets/greted.toml", CASE);
    insta::assert_snapshot!("case file without a widget", check(folder.path(), &["greted"]));
}

#[test]
fn a_script_that_does_not_compile_fails_its_cases() {
    insta::assert_snapshot!(check_greeted(&SCRIPT.replace("&& message", "&& && message"), CASE));
}

#[test]
fn wrong_use_is_refused_with_the_way_out() {
    let folder = greeted(SCRIPT, CASE);
    let check = |arguments: &[&str]| check(folder.path(), arguments);
    insta::assert_snapshot!("test of no widget", check(&["greted"]));
    insta::assert_snapshot!("test of no case", check(&["greeted", "--case", "^nothing$"]));
    insta::assert_snapshot!("test by no expression", check(&["greeted", "--case", "(a"]));
    insta::assert_snapshot!(
        "test of too many percent",
        check(&["greeted", "--min-coverage", "120"])
    );
    insta::assert_snapshot!(
        "test with a setting alone",
        check(&["greeted", "--config", "username=ralph"])
    );
    std::fs::remove_file(folder.path().join("tests/widgets/greeted.toml")).unwrap();
    insta::assert_snapshot!("test without cases", check(&["greeted"]));
}

#[test]
fn files_are_not_written_where_ci_is_set() {
    let folder = greeted(SCRIPT, CASE);
    for option in ["--update", "--record"] {
        let mut command = command(folder.path(), &["greeted", option]);
        command.env("CI", "true");
        insta::assert_snapshot!(format!("{option} in CI"), said(folder.path(), command));
    }
}

#[test]
fn a_snapshot_is_written_compared_and_removed() {
    let folder = greeted(SCRIPT, &format!("{CASE}snapshot = true\n"));
    let check = |arguments: &[&str]| check(folder.path(), arguments);
    insta::assert_snapshot!("snapshot not there yet", check(&["greeted"]));
    insta::assert_snapshot!("snapshot written", check(&["greeted", "--update"]));
    let said = check(&["greeted"]);
    assert!(said.ends_with("1 passed, 0 failed"), "{said}");
    put(folder.path(), "widgets/greeted.rhai", &SCRIPT.replace("\"b\"", "\"c\""));
    put(folder.path(), "templates/widgets/greeted.html", "<p>Hi {{ name }}</p>\n");
    insta::assert_snapshot!("snapshot of something else", check(&["greeted"]));
    put(folder.path(), "tests/widgets/greeted.toml", CASE);
    insta::assert_snapshot!("snapshot that is unused", check(&["greeted"]));
    insta::assert_snapshot!("snapshot removed", check(&["greeted", "--update"]));
    assert!(!folder.path().join("tests/widgets/greeted/a-greeting-redraws-it.json").exists());
}

#[test]
fn lines_that_no_case_reaches_are_named() {
    let script = SCRIPT.replace(
        "    #{ name:",
        "    if widget.config.username == \"nobody\" {\n        return #{ name: \"\" };\n    }\n    #{ name:",
    );
    let script = format!(
        "{script}\nfn hints(widget) {{ #{{ topics: [\"greetings.sent\", \"greetings.kept\"] }} }}\n"
    );
    let folder = greeted(&script, CASE);
    insta::assert_snapshot!("coverage", check(folder.path(), &["greeted", "--coverage"]));
    insta::assert_snapshot!(
        "coverage too little",
        check(folder.path(), &["greeted", "--min-coverage", "99", "--format", "json"])
    );
}

#[test]
fn without_a_case_each_message_says_what_it_would_do() {
    let folder = greeted(SCRIPT, CASE);
    let recording = "tests/recordings/greetings.jsonl";
    let arguments = ["greeted", "--config", "username=ralph", "--messages", recording];
    insta::assert_snapshot!("adhoc for people", check(folder.path(), &arguments));
    let as_json = [&arguments[..], &["--format", "json"]].concat();
    insta::assert_snapshot!("adhoc for programs", check(folder.path(), &as_json));
    insta::assert_snapshot!(
        "adhoc without recording",
        check(
            folder.path(),
            &["greeted", "--config", "username=ralph", "--messages", "none.jsonl"]
        )
    );
    insta::assert_snapshot!(
        "adhoc for no widget",
        check(folder.path(), &["--messages", recording])
    );
    insta::assert_snapshot!(
        "adhoc as junit",
        check(folder.path(), &[&arguments[..], &["--format", "junit"]].concat())
    );
}

#[test]
fn what_changes_is_run_again() {
    let folder = greeted(SCRIPT, CASE);
    let mut running =
        command(folder.path(), &["greeted", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut total = || lines.find_map(|line| line.ok().filter(|l| l.ends_with(" failed"))).unwrap();
    assert_eq!(total(), "1 passed, 0 failed");
    put(folder.path(), "widgets/greeted.rhai", &SCRIPT.replace("greetings.sent", "greetings.gone"));
    assert_eq!(total(), "0 passed, 1 failed");
    put(folder.path(), "widgets/greeted.rhai", SCRIPT);
    assert_eq!(total(), "1 passed, 0 failed");
    running.kill().unwrap();
    running.wait().unwrap();
}

/// Hints that leave out what the widget's own cases have, one in each copy: by widget, and by what they are.
const UNSOUND: [(&str, &str); 15] = [
    ("about", "#{ topics: [\"hubs.widget.update\"] }"),
    ("about", "#{ usernames: [\"duffy\"] }"),
    ("avatar", "#{ usernames: [widget.config.username + \"x\"] }"),
    ("avatar", "#{ body: #{ agent: \"duffy\", user: widget.config.username } }"),
    ("badges", "#{ categories: [\"badges\"] }"),
    ("badges", "#{ topics: [\"fedbadges.*\"] }"),
    ("badges", "#{ body: #{ \"badge.badge_id\": \"baby-badger\" } }"),
    ("cobwebs", "#{ topics: [\"hubs.hub.*\"] }"),
    ("dummy", "#{ body: #{ widget_id: `${widget.id}` } }"),
    ("feed", "#{ categories: [\"git\"] }"),
    ("rules", "[#{ topics: [\"hubs.hub.updated\"] }, #{ topics: [\"hubs.hub.created\"] }]"),
    ("stats", "#{ body: #{ \"hub.name\": widget.hub.name } }"),
    ("sticky", "#{ packages: [\"hubs\"] }"),
    ("subscriptions", "#{ usernames: [], categories: [\"hubs\"] }"),
    ("subscriptions", "#{ categories: [\"hub\"] }"),
];

#[test]
fn hints_that_are_unsound_are_found_in_every_copy_and_in_no_original() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    for (widget, hints) in UNSOUND {
        let original = read(&format!("widgets/{widget}.rhai"));
        let script = match original.split_once("fn hints(widget) {") {
            Some((before, rest)) => {
                let (_, after) = rest.split_once("\n}").unwrap();
                format!("{before}fn hints(widget) {{\n    {hints}\n}}{after}")
            }
            None => format!("{original}\nfn hints(widget) {{\n    {hints}\n}}\n"),
        };
        let folder = site(&[(&format!("widgets/{widget}.rhai"), &script)]);
        let said = check(folder.path(), &[widget]);
        assert!(
            said.starts_with("exit 1") && said.contains("unsound hints: the hints leave out"),
            "{widget} with {hints}\n{said}"
        );
        assert!(said.contains(&format!("--> widgets/{widget}.rhai:")), "{said}");
    }
    let said = check(site(&[]).path(), &[]);
    assert!(!said.contains("unsound") && said.ends_with(", 0 failed"), "{said}");
}
