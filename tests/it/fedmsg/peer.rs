//! Python's own fedmsg in another process: what it signs, and what it says of signatures.

use crate::harness::have;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(super) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Python that has fedmsg: `HUBS_TEST_FEDMSG_PYTHON`, else the one in the PATH.
fn python() -> Command {
    Command::new(std::env::var("HUBS_TEST_FEDMSG_PYTHON").unwrap_or_else(|_| "python3".into()))
}

impl Peer {
    /// Nothing when it is not on this machine.
    pub(super) fn start() -> Option<Self> {
        let asked = python().args(["-c", "import fedmsg.crypto, OpenSSL, zmq"]).output();
        if !have("python-fedmsg", asked.is_ok_and(|output| output.status.success())) {
            return None;
        }
        let mut child = python()
            .args(["-W", "ignore", "-c", include_str!("peer.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, input, output })
    }

    pub(super) fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{question} has no answer"))
    }

    pub(super) fn make_certificates(&mut self, folder: &Path) {
        assert_eq!(self.ask(&json!(["certificates", folder])), true);
    }

    /// The text that `name` sends.
    pub(super) fn sign(&mut self, folder: &Path, name: &str, envelope: &Value) -> String {
        let signed = self.ask(&json!(["sign", folder, name, envelope.to_string()]));
        signed.as_str().unwrap().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
