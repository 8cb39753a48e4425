//! Runs docs/widgets/guide.md: its files are written and its commands run in their order, in an empty folder.
//!
//! A fenced block `console` has commands behind `$ `, and what they print below them. `…` alone on a line stands for any
//! lines, within a line for any text. `exit=N` is the code of the block's last command; the others end with 0.
//! `needs=…` names what a command needs that may not be there yet. A block with `file=PATH` is written there.

use regex::Regex;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const GUIDE: &str = include_str!("../../docs/widgets/guide.md");

/// Subcommands that this build lacks; `needs=` of a block that is left out.
const MISSING: &[&str] = &[];

struct Block<'a> {
    line: usize,
    kind: &'a str,
    options: Vec<(&'a str, &'a str)>,
    text: String,
}

impl Block<'_> {
    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

fn blocks() -> Vec<Block<'static>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for (at, line) in GUIDE.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                let mut words = info.split(' ');
                let kind = words.next().unwrap_or_default();
                let options = words.map(|word| word.split_once('=').expect("name=value"));
                let options = options.collect();
                blocks.push(Block { line: at + 1, kind, options, text: String::new() });
                open = true;
            }
            None if open => {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// A server that runs while the rest of the guide is read.
struct Serving {
    child: Child,
    url: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hubs(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command.current_dir(folder).env_remove("RUST_LOG").env_remove("CI").env("NO_COLOR", "1");
    command
}

/// Returns when it says where it is open.
fn serve(folder: &Path) -> Serving {
    let mut command = hubs(folder);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut serving = Serving { child: command.spawn().unwrap(), url: String::new() };
    let child = &mut serving.child;
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (say, said) = std::sync::mpsc::channel();
    for stream in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(err)] {
        let say = say.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
    }
    let address = Regex::new(r"hubs are open at (http://127\.0\.0\.1:\d+)/").unwrap();
    let mut heard = Vec::new();
    while let Ok(line) = said.recv_timeout(Duration::from_secs(30)) {
        if let Some(found) = address.captures(&line) {
            found[1].clone_into(&mut serving.url);
            return serving;
        }
        heard.push(line);
    }
    panic!("the server does not open:\n{}", heard.join("\n"));
}

/// What is shown, as a pattern: `…` alone on a line is any lines, within a line any text.
fn pattern(shown: &str) -> Regex {
    let mut pattern = String::from("^");
    for line in shown.lines() {
        if line == "…" {
            pattern += "(?:.*\n)*?";
        } else {
            pattern += &regex::escape(line).replace('…', ".*");
            pattern.push('\n');
        }
    }
    Regex::new(&(pattern + "$")).unwrap()
}

fn run(folder: &Path, command: &str, serving: Option<&Serving>) -> (i32, String, String) {
    let (command, into) = match command.split_once(" > ") {
        Some((command, file)) => (command, Some(file)),
        None => (command, None),
    };
    let mut words = command.split(' ');
    assert_eq!(words.next(), Some("hubs"), "the guide runs hubs and nothing else: {command}");
    let mut hubs = hubs(folder);
    hubs.args(words);
    if let Some(serving) = serving.filter(|_| command.starts_with("hubs replay ")) {
        hubs.args(["--to", &serving.url]);
    }
    let output = hubs.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some(file) = into {
        std::fs::write(folder.join(file), &output.stdout).unwrap();
        return (output.status.code().unwrap(), String::new(), text(&output.stderr));
    }
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_command_of_the_guide_does_what_it_shows() {
    let folder = TempDir::new().unwrap();
    let mut serving = None;
    let mut commands = 0;
    for block in blocks() {
        let at = format!("docs/widgets/guide.md:{}", block.line);
        if let Some(file) = block.option("file") {
            let path = folder.path().join(file);
            assert!(path.exists(), "{at}: {file} is written anew, but was not made by a command");
            std::fs::write(path, &block.text).unwrap();
        }
        if block.kind != "console" {
            assert!(!block.text.contains("$ hubs"), "{at}: a command that no test runs");
            continue;
        }
        if block.option("needs").is_some_and(|needed| MISSING.contains(&needed)) {
            continue;
        }
        let code: i32 = block.option("exit").map_or(0, |code| code.parse().unwrap());
        let text = format!("\n{}", block.text);
        let said: Vec<&str> = text.split("\n$ ").skip(1).collect();
        for (number, one) in said.iter().enumerate() {
            let (command, shown) = one.split_once('\n').unwrap_or((one, ""));
            commands += 1;
            if command == "hubs serve" {
                serving = Some(serve(folder.path()));
                continue;
            }
            let (exit, out, err) = run(folder.path(), command, serving.as_ref());
            let expected = if number + 1 == said.len() { code } else { 0 };
            assert_eq!(exit, expected, "{at}: {command}\n{out}{err}");
            // What went wrong is said on stderr, and nothing else then.
            let printed = if exit == 2 { &err } else { &out };
            let printed = printed.trim_end().to_owned() + "\n";
            let shown = shown.trim_end().to_owned() + "\n";
            assert!(
                shown.trim().is_empty() || pattern(&shown).is_match(&printed),
                "{at}: {command}\n--- shown\n{shown}--- printed\n{printed}"
            );
        }
    }
    assert!(commands > 10, "only {commands} commands were found");
}

#[test]
fn the_links_of_the_guide_lead_somewhere() {
    let reference = include_str!("../../docs/widgets/reference.md");
    let anchors = |text: &str| -> Vec<String> {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let anchor = |line: &str| {
            let bare = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            bare.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
        };
        headings.map(anchor).collect()
    };
    let (own, theirs) = (anchors(GUIDE), anchors(reference));
    let link = Regex::new(r"\]\((reference\.md)?(?:#([a-z0-9_-]+))?\)").unwrap();
    for found in link.captures_iter(GUIDE) {
        let Some(anchor) = found.get(2) else { continue };
        let known = if found.get(1).is_some() { &theirs } else { &own };
        assert!(known.iter().any(|a| a == anchor.as_str()), "{} leads nowhere", &found[0]);
    }
}

#[test]
fn two_commands_lead_from_nothing_to_a_passing_case() {
    let folder = TempDir::new().unwrap();
    let (made, ..) = run(folder.path(), "hubs widget new quick", None);
    let (passed, out, err) = run(folder.path(), "hubs widget test quick", None);
    assert!(made == 0 && passed == 0 && out.ends_with("1 passed, 0 failed\n"), "{out}{err}");
}
