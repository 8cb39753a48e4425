//! The service as a whole: start, memory, cached widgets against a bare route, reload and stop.
//!
//! `cargo bench --bench service`. Prints medians; each ratio is of rounds that took turns in one run.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that fails says where, and prints"
)]

mod served;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use served::Served;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ROUNDS: usize = 15;
const CONNECTIONS: usize = 16;
const REQUESTS: usize = 1_000;
const STARTS: usize = 11;

fn main() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(start_to_first_page());
    runtime.block_on(cached_json());
    runtime.block_on(saved_to_seen());
    runtime.block_on(stop_with_open_streams());
}

/// The demo, on an empty folder.
fn demo() -> Served {
    Served::on(TempDir::new().unwrap())
}

fn resident_kib(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// One connection that asks the same again and again.
struct Asking {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Asking {
    async fn of(address: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        Self { stream, request, answer: Vec::with_capacity(1 << 16) }
    }

    /// The body of the answer.
    async fn ask(&mut self) -> &[u8] {
        self.stream.write_all(&self.request).await.unwrap();
        self.answer.clear();
        loop {
            assert_ne!(
                self.stream.read_buf(&mut self.answer).await.unwrap(),
                0,
                "the server hung up"
            );
            let Some(head) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.answer[..head]).unwrap().to_lowercase();
            let length = text.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if self.answer.len() >= head + 4 + length.parse::<usize>().unwrap() {
                assert!(text.starts_with("http/1.1 200"), "{text}");
                return &self.answer[head + 4..];
            }
        }
    }
}

async fn start_to_first_page() {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = Instant::now();
        let served = demo();
        Asking::of(served.address, "/").await.ask().await;
        times.push(started.elapsed());
        // What a first look at every hub leaves behind.
        for hub in ["designteam", "infrastructure", "marketing", "i18n"] {
            Asking::of(served.address, &format!("/{hub}")).await.ask().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.push(resident_kib(&served));
    }
    times.sort_unstable();
    memory.sort_unstable();
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_hubs")).unwrap().len();
    println!("start to first page, demo on an empty folder   {:>8.1?}", times[STARTS / 2]);
    println!(
        "resident memory, idle after a look at each hub {:>6.1} MB",
        mebi(memory[STARTS / 2] * 1024)
    );
    println!("binary                                         {:>6.1} MB", mebi(size));
}

fn mebi(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap()) / 1024.0
}

/// One instance's JSON from memory, and the same bytes from a route that does nothing else.
async fn cached_json() {
    let served = demo();
    let path = "/infrastructure/17/json";
    let body = Asking::of(served.address, path).await.ask().await.to_vec();
    let bare = bare(Bytes::from(body)).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(rate(bare, path).await);
        ours.push(rate(served.address, path).await);
    }
    let mut ratios: Vec<f64> =
        ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    for list in [&mut ours, &mut theirs, &mut ratios] {
        list.sort_by(f64::total_cmp);
    }
    let middle = ROUNDS / 2;
    println!("cached widget JSON                             {:>8.0} requests/s", ours[middle]);
    println!("the same bytes from a bare route               {:>8.0} requests/s", theirs[middle]);
    println!("ratio                                          {:>8.2}", ratios[middle]);
}

/// A hub with one widget of our own.
fn site() -> TempDir {
    let folder = TempDir::new().unwrap();
    let files = [
        ("hubs.toml", "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"hello\"\n"),
        (
            "widgets/hello.rhai",
            "const REFRESH = \"1h\";\nfn data(widget) { #{ text: \"first\" } }\n",
        ),
        ("templates/widgets/hello.html", "<p>{{ text }}</p>"),
    ];
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// An open event stream.
async fn listen(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /x/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    hear(&mut stream, "retry:").await;
    stream
}

async fn hear(stream: &mut TcpStream, what: &str) {
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(what) {
        assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0, "the stream ended");
    }
}

/// How a file with some text in it is written.
type Written<'a> = &'a dyn Fn(String) -> String;

/// From writing a file to its event at an open page.
async fn saved_to_seen() {
    let served = Served::on(site());
    Asking::of(served.address, "/x/1/json").await.ask().await;
    let mut stream = listen(served.address).await;
    let script = |text: String| {
        format!("const REFRESH = \"1h\";\nfn data(widget) {{ #{{ text: \"{text}\" }} }}\n")
    };
    let template = |text: String| format!("<b>{text} {{{{ text }}}}</b>");
    let kinds: [(&str, &str, Written<'_>); 2] = [
        ("script", "widgets/hello.rhai", &script),
        ("template", "templates/widgets/hello.html", &template),
    ];
    for (kind, path, written) in kinds {
        let mut times = Vec::new();
        for round in 0..STARTS {
            // Far enough from the last change to be one of its own.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let text = format!("{kind} {round}.");
            let started = Instant::now();
            std::fs::write(served.folder.path().join(path), written(text.clone())).unwrap();
            hear(&mut stream, &text).await;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        println!("{:<46} {:>8.1?}", format!("a saved {kind} in an open page"), times[STARTS / 2]);
    }
}

async fn stop_with_open_streams() {
    let mut served = Served::on(site());
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        streams.push(listen(served.address).await);
    }
    let started = Instant::now();
    let id = served.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(served.child.wait().unwrap().success());
    println!("SIGTERM to the end, 1,000 open streams         {:>8.1?}", started.elapsed());
}

async fn rate(address: SocketAddr, path: &str) -> f64 {
    let mut asking = Vec::new();
    for _ in 0..CONNECTIONS {
        asking.push(Asking::of(address, path).await);
    }
    let started = Instant::now();
    let tasks = asking.into_iter().map(|mut asking| {
        tokio::spawn(async move {
            for _ in 0..REQUESTS / CONNECTIONS * 4 {
                asking.ask().await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    f64::from(u32::try_from(REQUESTS / CONNECTIONS * 4 * CONNECTIONS).unwrap())
        / started.elapsed().as_secs_f64()
}

/// In a process of its own, as the service is: a thread with a runtime like that of `hubs serve`.
async fn bare(body: Bytes) -> SocketAddr {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let route =
                get(move || async move { ([(header::CONTENT_TYPE, "application/json")], body) });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, Router::new().route("/{hub}/{id}/json", route)).await.unwrap();
        });
    });
    told.await.unwrap()
}
