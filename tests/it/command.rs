//! The command line, as a person or a program uses it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) fn hubs(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").env("NO_COLOR", "1");
    command.output().unwrap()
}

/// Exit code, then what was said on stdout and on stderr.
pub(crate) fn check(folder: &Path, arguments: &[&str]) -> String {
    let output = hubs(folder, arguments);
    // What a call took differs from run to run.
    let line = |line: &str| {
        let budget = if line.starts_with("took ") { "took [time and budget]" } else { line };
        budget.to_owned() + "\n"
    };
    let said = |bytes: &[u8]| {
        let lines: String = String::from_utf8_lossy(bytes).lines().map(line).collect();
        lines.trim_end().to_owned()
    };
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    let mut text = format!("exit {}", output.status.code().unwrap());
    for (name, stream) in [("stdout", out), ("stderr", err)] {
        if !stream.is_empty() {
            write!(text, "\n--- {name}\n{stream}").unwrap();
        }
    }
    text.replace(&*folder.to_string_lossy(), "[folder]")
}

pub(crate) fn site(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const HELLO: &str = r#"//! Says hello.
const PARAMETERS = #{ name: #{ kind: "text", default: "world", help: "Whom to greet" }, times: #{ kind: "integer", default: 1, min: 1, max: 3 } };
const REFRESH = "1h";
fn data(widget) { #{ text: `hello ${widget.config.name}`, times: widget.config.times } }
"#;

fn hello() -> TempDir {
    site(&[("widgets/hello.rhai", HELLO), ("templates/widgets/hello.html", "<p>{{ text }}</p>")])
}

#[test]
fn a_widget_is_run_and_its_data_printed() {
    insta::assert_snapshot!(check(
        hello().path(),
        &["widget", "run", "hello", "--config", "name=you"]
    ));
}

#[test]
fn a_widget_is_run_and_drawn() {
    insta::assert_snapshot!(check(hello().path(), &["widget", "run", "hello", "--html"]));
}

#[test]
fn a_setting_that_does_not_fit_says_what_does() {
    let folder = hello();
    insta::assert_snapshot!(
        "unknown setting",
        check(folder.path(), &["widget", "run", "hello", "--config", "nam=you"])
    );
    insta::assert_snapshot!(
        "unfit setting",
        check(folder.path(), &["widget", "run", "hello", "--config", "times=9"])
    );
    insta::assert_snapshot!("unknown widget", check(folder.path(), &["widget", "run", "helo"]));
}

#[test]
fn a_script_that_fails_shows_where() {
    let script = "const REFRESH = \"1h\";\nfn data(widget) {\n    let list = [];\n    #{ first: list.frist() }\n}\n";
    let folder =
        site(&[("widgets/broken.rhai", script), ("templates/widgets/broken.html", "{{ first }}")]);
    insta::assert_snapshot!(check(folder.path(), &["widget", "run", "broken"]));
}

#[test]
fn checking_finds_what_is_wrong_with_scripts_constants_and_templates() {
    let folder = site(&[
        ("widgets/hello.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{ a: 1 }\n"),
        ("templates/widgets/hello.html", "{{ a }}"),
        (
            "widgets/odd.rhai",
            "const PARAMETRS = #{};\nconst REFRESH = \"often\";\nfn data(widget) { #{} }\n",
        ),
        ("widgets/bare.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{} }\n"),
        (
            "widgets/kinds.rhai",
            "const PARAMETERS = #{ a: #{ kind: \"txt\" } };\nconst REFRESH = \"1h\";\nfn data(widget) { #{} }\n",
        ),
        ("templates/widgets/kinds.html", "{{ a"),
        ("templates/widgets/odd.html", ""),
        (
            "widgets/lost.rhai",
            "import \"lib/nowhere\" as n;\nconst REFRESH = \"1h\";\nfn data(widget) { #{} }\n",
        ),
        ("templates/widgets/lost.html", ""),
    ]);
    insta::assert_snapshot!(check(folder.path(), &["widget", "check"]));
    insta::assert_snapshot!(
        "as json",
        check(folder.path(), &["widget", "check", "odd", "--format", "json"])
    );
}

#[test]
fn what_is_built_in_passes_its_own_check() {
    let folder = site(&[]);
    insta::assert_snapshot!(check(folder.path(), &["widget", "check"]));
}

#[test]
fn a_configuration_is_checked_whole() {
    let folder = site(&[(
        "hubs.toml",
        "[server]\nlisten = \"everywhere\"\nport = 5000\n\n[[hub]]\nname = \"metrics\"\n\n[[hub]]\nname = \"infra\"\n\
         [[hub.widget]]\nwidget = \"fed\"\n[[hub.widget]]\nwidget = \"feed\"\nconfig = { limt = 5 }\n",
    )]);
    insta::assert_snapshot!("the file", check(folder.path(), &["check"]));
    let text = std::fs::read_to_string(folder.path().join("hubs.toml")).unwrap();
    let text =
        text.replace("listen = \"everywhere\"\nport = 5000\n", "").replace("\"metrics\"", "\"qa\"");
    std::fs::write(folder.path().join("hubs.toml"), text).unwrap();
    insta::assert_snapshot!("the widgets", check(folder.path(), &["check"]));
    insta::assert_snapshot!("serving", check(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
}

#[test]
fn an_open_address_is_refused_while_anybody_may_log_in() {
    let folder = site(&[]);
    insta::assert_snapshot!(check(folder.path(), &["serve", "--listen", "0.0.0.0:0"]));
}

#[test]
fn an_address_that_is_taken_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = check(site(&[]).path(), &["serve", "--listen", &address]);
    assert!(
        said.contains("can't be listened on") && said.contains("names another address"),
        "{said}"
    );
}

const MESSAGES: &str = concat!(
    r#"{"topic":"org.fedoraproject.prod.fedbadges.badge.award","msg_id":"2014-1","timestamp":1400000000,"i":1,"msg":{"user":{"username":"ralph"},"badge":{"name":"Something on your mind","badge_id":"something-on-your-mind"}}}"#,
    "\n",
    r#"{"topic":"org.fedoraproject.prod.copr.build.end","id":"7","queue":null,"body":{"user":"lmacken","owner":"@kernel","copr":"mainline","build":42,"pkg":"kernel","version":"6.12","chroot":"fedora-42-x86_64","status":1,"who":"backend","what":"build end"},"headers":{"sent-at":"2024-06-01T12:00:00+00:00","fedora_messaging_user_lmacken":true,"fedora_messaging_rpm_kernel":true}}"#,
    "\n",
);

#[test]
fn messages_are_explained_to_people_and_to_programs() {
    let folder = site(&[("messages.jsonl", MESSAGES)]);
    insta::assert_snapshot!(
        "to people",
        check(folder.path(), &["message", "explain", "messages.jsonl"])
    );
    insta::assert_snapshot!(
        "to programs",
        check(folder.path(), &["message", "explain", "messages.jsonl", "--format", "json"])
    );
}

#[test]
fn a_recording_with_a_bad_line_names_it() {
    let folder = site(&[("messages.jsonl", &format!("{MESSAGES}nonsense\n"))]);
    let said = check(folder.path(), &["message", "explain", "messages.jsonl", "--format", "json"]);
    assert!(said.starts_with("exit 1"), "{said}");
    assert!(said.contains("messages.jsonl:3: no JSON"), "{said}");
    insta::assert_snapshot!(check(folder.path(), &["message", "explain", "nowhere.jsonl"]));
}

#[test]
fn replaying_to_nobody_says_what_to_start() {
    let folder = site(&[("messages.jsonl", MESSAGES)]);
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said =
        check(folder.path(), &["replay", "messages.jsonl", "--to", &format!("http://{free}")]);
    assert!(
        said.starts_with("exit 2") && said.contains("is `hubs serve` running there?"),
        "{said}"
    );
    insta::assert_snapshot!(check(folder.path(), &["replay", "messages.jsonl", "--to", "nowhere"]));
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(check(site(&[]).path(), &["--help"]));
}
