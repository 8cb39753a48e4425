//! fedora-messaging itself, in an environment of its own, as the other side.

use super::broker::Vhost;
use crate::harness::have;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// `HUBS_TEST_FEDORA_MESSAGING`, or where `.ci/run` puts it.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("HUBS_TEST_FEDORA_MESSAGING").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fedora-messaging/bin/python");
    let python = named.unwrap_or(usual);
    let asked = Command::new(&python).args(["-c", "import fedora_messaging"]).output();
    asked.is_ok_and(|output| output.status.success()).then_some(python)
}

/// A folder with its configuration for one vhost.
pub(crate) struct FedoraMessaging {
    python: PathBuf,
    configuration: PathBuf,
}

impl FedoraMessaging {
    /// Nothing, once it has been said, where it is not installed.
    pub(crate) fn at(vhost: &Vhost, folder: &Path, more: &str) -> Option<Self> {
        let python = python();
        have("fedora-messaging", python.is_some());
        let configuration = folder.join("fedora-messaging.toml");
        std::fs::write(&configuration, format!("amqp_url = \"{}\"\n{more}", vhost.url())).unwrap();
        Some(Self { python: python?, configuration })
    }

    pub(crate) fn configuration(&self) -> &Path {
        &self.configuration
    }

    /// Runs a script that reads `input`.
    pub(crate) fn run(&self, script: &str, input: &str) -> String {
        let mut command = Command::new(&self.python);
        command.args(["-c", script]);
        done(&mut command, &self.configuration, input)
    }

    /// The program `fedora-messaging`.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.python.with_file_name("fedora-messaging"));
        command.args(arguments).env("FEDORA_MESSAGING_CONF", &self.configuration);
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> String {
        done(&mut self.program(arguments), &self.configuration, "")
    }
}

fn done(command: &mut Command, configuration: &Path, input: &str) -> String {
    let command = command.env("FEDORA_MESSAGING_CONF", configuration);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}
