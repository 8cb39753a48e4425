//! A whole `hubs` on empty folders, and an ear on its event stream.

use futures_util::StreamExt;
use hubs::config::{DatanommerSettings, Settings, Site, StoreUrl};
use hubs::server::{self, Running, Start};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Long enough for a loaded machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a test may use something that not every machine has; says so plainly when it is skipped. In the project's
/// own checks nothing may be: `HUBS_TEST_REQUIRE` names what must be there.
pub(crate) fn have(what: &str, there: bool) -> bool {
    let required = std::env::var("HUBS_TEST_REQUIRE").unwrap_or_default();
    assert!(
        there || !required.split(',').any(|name| name == what),
        "{what} is required here, but missing"
    );
    if !there {
        eprintln!("skipped: this test needs {what}, which is not on this machine");
    }
    there
}

pub(crate) struct TestHouse {
    folder: TempDir,
    running: Option<Running>,
    /// Where it listened first; open pages find it there again.
    address: SocketAddr,
    client: reqwest::Client,
}

impl TestHouse {
    /// The demo: no configuration at all.
    pub(crate) async fn demo() -> Self {
        Self::with(&[]).await
    }

    /// A site of these files, by path below it; `hubs.toml` may be among them.
    pub(crate) async fn with(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            write(&folder.path().join(path), text);
        }
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let mut house = Self { folder, running: None, address, client: reqwest::Client::new() };
        house.start().await;
        house
    }

    /// Starts one that was stopped, on the same folders and address.
    pub(crate) async fn start(&mut self) {
        let file = self.path("hubs.toml");
        let file = file.is_file().then_some(file);
        let mut settings = match &file {
            Some(file) => Settings::load(file).unwrap_or_else(|problems| panic!("{problems:#?}")),
            None => Settings::default(),
        };
        settings.server.listen = self.address;
        settings.storage.path = self.path("var");
        settings.store = StoreUrl::below(&settings.storage);
        settings.datanommer.url = DatanommerSettings::below(&settings.storage).url;
        let site = Site::at(self.folder.path());
        let start = Start { settings, site, file, clock: Timestamp::now };
        let running = server::start(start).await.expect("the house starts");
        self.address = running.address;
        self.running = Some(running);
    }

    /// Stops and starts it on the same folders.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().expect("it runs").stop().await;
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file of the site while it is served.
    pub(crate) fn write(&self, below: &str, text: &str) {
        write(&self.path(below), text);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running().address)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// As a browser does whose reader goes there.
    pub(crate) async fn get_as_page(&self, path: &str) -> (u16, String) {
        let request = self.client.get(self.url(path)).header("accept", "text/html");
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The id of the first instance of a widget on a hub.
    pub(crate) async fn instance(&self, hub: &str, widget: &str) -> u64 {
        let ids = self.json(&format!("/{hub}/json")).await["widgets"].clone();
        for id in ids.as_array().unwrap() {
            let found = self.json(&format!("/{hub}/{id}/json")).await;
            if found["widget"] == widget {
                return id.as_u64().unwrap();
            }
        }
        panic!("no {widget} on {hub}")
    }

    /// Posts messages, one a line; returns status and answer.
    pub(crate) async fn post(&self, lines: impl Into<String>) -> (u16, Value) {
        let request = self
            .client
            .post(self.url("/api/messages"))
            .header("content-type", "application/x-ndjson");
        let answer = request.body(lines.into()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// Posts messages and returns when the last rebuild that they cause is announced.
    pub(crate) async fn replay(&self, lines: impl Into<String>) {
        let (status, answer) = self.post(lines).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["refused"], 0, "{answer}");
        self.idle().await;
    }

    pub(crate) async fn idle(&self) {
        tokio::time::timeout(PATIENCE, self.running().rebuild.idle())
            .await
            .expect("rebuilding comes to an end");
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) async fn listen(&self, hub: &str) -> Ear {
        self.listen_since(hub, None).await
    }

    pub(crate) async fn listen_since(&self, hub: &str, last_id: Option<&str>) -> Ear {
        let mut request = self.client.get(self.url(&format!("/{hub}/events")));
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let pieces = answer
            .bytes_stream()
            .map(|piece| piece.map(|bytes| bytes.to_vec()).map_err(|e| e.to_string()));
        let mut ear = Ear {
            pieces: Box::pin(pieces),
            begun: Vec::new(),
            heard: VecDeque::new(),
            ended: false,
        };
        // The opening is there once the server counts this stream.
        ear.fill().await;
        ear
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// One event as a browser would get it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

type Pieces = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Vec<u8>, String>> + Send>>;

/// An open event stream.
pub(crate) struct Ear {
    pieces: Pieces,
    begun: Vec<u8>,
    heard: VecDeque<Event>,
    ended: bool,
}

impl Ear {
    /// The next event; waits for it.
    pub(crate) async fn next(&mut self) -> Event {
        let waiting = async {
            while self.heard.is_empty() {
                assert!(self.fill().await, "the stream ended before the next event");
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("an event comes");
        self.heard.pop_front().unwrap()
    }

    /// Waits for the next event of a widget whose data fits.
    pub(crate) async fn next_where(&mut self, fits: impl Fn(&Value) -> bool) -> Event {
        loop {
            let event = self.next().await;
            if fits(&event.data) {
                return event;
            }
        }
    }

    /// Reads until the stream ends.
    pub(crate) async fn until_the_end(&mut self) {
        let end = async { while self.fill().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("the stream ends");
    }

    async fn fill(&mut self) -> bool {
        match self.pieces.next().await {
            Some(Ok(piece)) => self.begun.extend_from_slice(&piece),
            Some(Err(_)) | None => self.ended = true,
        }
        while let Some(at) = self.begun.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = self.begun.drain(..at + 2).collect();
            self.heard.extend(event(std::str::from_utf8(&frame).unwrap()));
        }
        !self.ended
    }
}

fn event(frame: &str) -> Option<Event> {
    let field = |name: &str| {
        let values: Vec<_> =
            frame.lines().filter_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    };
    let data = field("data")?;
    Some(Event {
        id: field("id").unwrap_or_default(),
        kind: field("event").unwrap_or_default(),
        data: serde_json::from_str(&data).unwrap_or(Value::Null),
    })
}
