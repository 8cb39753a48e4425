//! A real browser, driven over its own protocol. Benchmarks use it too.

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) struct Driver {
    child: Child,
    port: String,
    profile: TempDir,
}

impl Driver {
    /// `None` where there is no driver.
    pub(crate) fn start() -> Option<Self> {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?).lines();
        let port = lines.by_ref().find_map(|line| {
            let line = line.ok()?;
            Some(line.split("successfully on port ").nth(1)?.trim_end_matches('.').to_owned())
        })?;
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, port, profile: TempDir::new().ok()? })
    }

    pub(crate) async fn browser(&self) -> Client {
        self.browser_with(&[]).await
    }

    /// A browser with more arguments.
    pub(crate) async fn browser_with(&self, more: &[&str]) -> Client {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut arguments = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &profile,
        ];
        arguments.extend(more);
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        let mut builder = ClientBuilder::rustls().expect("a TLS that is not used on loopback");
        builder.capabilities(capabilities);
        builder
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .expect("the browser starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
