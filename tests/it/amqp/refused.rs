//! What the log says when the broker does not do what hubs.toml asks of it, and that it goes on when it does.

use super::broker::{Vhost, broker};
use super::{settings, toml, until};
use crate::command::site;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A served hubs whose log is read.
struct Log {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
    _folder: TempDir,
}

impl Log {
    fn of(toml: &str) -> Self {
        let folder = site(&[("hubs.toml", toml)]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubs"))
            .current_dir(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, _folder: folder }
    }

    /// The next line about the broker.
    fn says(&mut self) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(message) =
                said["message"].as_str().filter(|message| message.contains("broker"))
            {
                return message.to_owned();
            }
        }
        panic!("nothing more is said")
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn check(toml: &str, wanted: &[&str]) {
    let said = Log::of(toml).says();
    for part in wanted {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("guest:") && !said.contains("hunter2"), "{said}");
}

fn declare(vhost: &Vhost, queue: &str, durable: bool) {
    let name = format!("rabbit_misc:r(<<\"{}\">>, queue, <<\"{queue}\">>)", vhost.name);
    vhost.broker.eval(&format!(
        "rabbit_amqqueue:declare({name}, {durable}, false, [], none, <<\"test\">>)"
    ));
}

#[test]
fn each_refusal_is_said_with_the_way_out() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("refused");
    let url = vhost.url();
    check(
        &toml(url.replace("guest:guest", "guest:hunter2"), ""),
        &[
            "no messages from the broker at amqp://127.0.0.1:",
            "ACCESS_REFUSED",
            "is the password of `guest` in `url` of [bus.amqp] right?",
            "trying again in ",
        ],
    );
    check(
        &toml(url.replace("/refused", "/%2Fnowhere"), ""),
        &["NOT_ALLOWED", "is there a vhost `/nowhere`, and may `guest` enter it?"],
    );
    check(
        &toml(&url, "queue = \"none\"\npassive_declares = true"),
        &[
            "NOT_FOUND",
            "there is no queue `none`, and `passive_declares` says that somebody else makes it",
        ],
    );
    check(
        &toml(&url, "exchange = \"nowhere\""),
        &["there is no exchange `nowhere`: `exchange` of [bus.amqp] names another"],
    );
    declare(&vhost, "other", false);
    check(
        &toml(&url, "queue = \"other\""),
        &[
            "PRECONDITION_FAILED",
            "the queue `other` is there with other properties: say them in [bus.amqp.queue], or set `passive_declares = true`",
        ],
    );
    let nobody = "amqp://guest:guest@127.0.0.1:1/";
    check(&toml(nobody, ""), &["at amqp://127.0.0.1:1/%2F: ", "onnection refused"]);
    broker.eval("rabbit_auth_backend_internal:set_permissions(<<\"hubs\">>, <<\"refused\">>, <<\"^$\">>, <<\"^$\">>, <<\".*\">>, <<\"test\">>)");
    check(
        &toml(url.replace("guest:guest", "hubs:not%20hunter2"), "queue = \"mine\""),
        &[
            "the user may not make the queue `mine`: where administrators make queues, name theirs as `queue` and set `passive_declares = true`",
        ],
    );
}

#[test]
fn who_is_not_trusted_is_said() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("trust");
    let tls =
        |ca: &str, more: &str| format!("[bus.amqp.tls]\nca_cert = \"{}\"\n{more}", broker.file(ca));
    // Another CA signed the broker's certificate than the only one that is trusted.
    check(
        &toml(vhost.tls_url("guest:guest"), &tls("other.pem", "")),
        &["invalid peer certificate: "],
    );
    // A certificate of the right CA, for another name.
    let elsewhere = vhost.tls_url("guest:guest").replace("localhost", "127.0.0.1");
    check(
        &toml(elsewhere, &tls("ca.pem", "")),
        &["invalid peer certificate: certificate not valid for name \"127.0.0.1\""],
    );
    // A certificate whose name is no user.
    let (pem, key) = (broker.file("stranger.pem"), broker.file("stranger.key"));
    let stranger = tls("ca.pem", &format!("certfile = \"{pem}\"\nkeyfile = \"{key}\""));
    check(
        &toml(vhost.tls_url("hubs:"), &stranger),
        &["the broker does not take this certificate for a login: is its name a user there?"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_or_comes_later_is_read_all_the_same() {
    let Some(broker) = broker() else { return };
    let vhost = broker.vhost("deleted");
    let mut log = Log::of(&toml(vhost.url(), "queue = \"hubs\""));
    assert!(log.says().starts_with("reading the queue `hubs` of the broker at amqp://127.0.0.1:"));
    let name = "rabbit_misc:r(<<\"deleted\">>, queue, <<\"hubs\">>)";
    broker.eval(&format!("{{ok, Q}} = rabbit_amqqueue:lookup({name}), rabbit_amqqueue:delete(Q, false, false, <<\"test\">>)"));
    let said = log.says();
    assert!(
        said.contains("it cancelled the reading of the queue `hubs`: somebody deleted it"),
        "{said}"
    );
    assert!(log.says().starts_with("reading the queue `hubs`"));

    let later = toml(vhost.url(), "queue = \"later\"\npassive_declares = true");
    let mut reading = super::Reading::start(&settings(&later));
    declare(&vhost, "later", true);
    until("it is read", || vhost.consumers("later") == 1).await;
    assert!(reading.deliveries.try_recv().is_err());
    reading.amqp.stop().await;
}
