//! `kill -9` at any moment: what was invalidated is never served as fresh.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const ROUNDS: usize = 8;
const PER_ROUND: usize = 150;

/// Its data are the messages that are in the history, so an old copy is told from a new one.
pub(crate) const COUNTER: &str = r#"
const PARAMETERS = #{ username: #{ kind: "username" } };
fn should_invalidate(message, widget) { message.usernames.contains(widget.config.username) }
fn hints(widget) { #{ usernames: [widget.config.username] } }
fn data(widget) { #{ count: datanommer::count(#{ users: [widget.config.username] }) } }
"#;

pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubs"))
            .current_dir(folder)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "hubs=info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Ok(said) = serde_json::from_str::<Value>(&line)
                && let Some(address) = said["address"].as_str()
            {
                break address.to_owned();
            }
        };
        // Its log must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn message(user: usize, id: &str) -> String {
    let sent = "2026-11-01T12:00:00+00:00";
    let headers = json!({ format!("fedora_messaging_user_u{user}"): true, "sent-at": sent });
    format!(
        "{}\n",
        json!({ "topic": "org.fedoraproject.prod.copr.build.end", "id": id, "headers": headers, "body": {} })
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_nothing_that_was_invalidated_is_served_as_fresh() {
    let folder = TempDir::new().unwrap();
    let mut hubs = String::new();
    for user in 0..4 {
        write!(
            hubs,
            "[[hub]]\nname = \"u{user}\"\n[[hub.widget]]\nwidget = \"counter\"\nconfig = {{ username = \"u{user}\" }}\n"
        )
        .unwrap();
    }
    for (path, text) in [
        ("hubs.toml", &*hubs),
        ("widgets/counter.rhai", COUNTER),
        ("templates/widgets/counter.html", "{{ count }}"),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let client = reqwest::Client::new();
    let mut acknowledged = [0_usize; 4];
    for round in 0..ROUNDS {
        let served = Served::start(folder.path());
        check(&client, &served, &acknowledged, round).await;
        // It dies somewhere in the middle of these, another message each round.
        let dies_after = (round * 37 + 11) % PER_ROUND;
        for n in 0..dies_after {
            let user = n % 4;
            let answer = client
                .post(format!("http://{}/api/messages", served.address))
                .header("content-type", "application/x-ndjson")
                .body(message(user, &format!("{round}-{n}")))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200);
            acknowledged[user] += 1;
        }
        served.kill();
    }
    let served = Served::start(folder.path());
    check(&client, &served, &acknowledged, ROUNDS).await;
    served.kill();
}

/// What calls itself fresh knows of every message that was acknowledged.
async fn check(client: &reqwest::Client, served: &Served, acknowledged: &[usize; 4], round: usize) {
    for (user, sent) in acknowledged.iter().enumerate() {
        let of = |path: String| client.get(format!("http://{}{path}", served.address)).send();
        let hub: Value = of(format!("/u{user}/json")).await.unwrap().json().await.unwrap();
        let id = hub["widgets"][0].as_u64().unwrap();
        let widget: Value = of(format!("/u{user}/{id}/json")).await.unwrap().json().await.unwrap();
        let count = widget["data"]["count"].as_u64().unwrap();
        assert!(
            widget["state"] == "stale" || count >= *sent as u64,
            "round {round}: u{user} is {} with {count} of {sent} messages",
            widget["state"]
        );
    }
}
