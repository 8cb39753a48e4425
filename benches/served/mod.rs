//! A server as people start it: the built binary on a folder, on an address of its own choice.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A served folder.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
}

impl Served {
    /// Starts it, and returns once it says where it listens.
    pub(crate) fn on(folder: TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubs"))
            .current_dir(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this benchmark");
        let log = child.stderr.take().expect("its log is piped");
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| {
                let said: serde_json::Value = serde_json::from_str(&line).ok()?;
                said["address"].as_str()?.parse().ok()
            })
            .expect("a server that starts says its address");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, folder }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
