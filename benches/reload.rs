//! Hot reload as its author sees it: from saving a file to the widget that is drawn anew in Chromium.
//!
//! `cargo bench --bench reload`. Each time ends when the page has drawn a frame with the change in it and its driver has
//! heard of that. Prints medians and the slowest; needs chromium and chromedriver.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that fails says where, and prints"
)]

#[path = "../tests/it/chromium.rs"]
mod chromium;

use chromium::Driver;
use fantoccini::Client;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SAVES: usize = 25;
/// Far enough from the last change to be one of its own.
const APART: Duration = Duration::from_millis(300);

const SCRIPT: &str = "widgets/hello.rhai";
const TEMPLATE: &str = "templates/widgets/hello.html";
const MODULE: &str = "widgets/lib/greeting.rhai";

/// A file with some text in it.
type Written = fn(&str) -> String;

fn script(text: &str) -> String {
    format!(
        "import \"lib/greeting\" as greeting;\nconst REFRESH = \"1h\";\nconst CHROME = #{{ style: \"panel\" }};\n\
         fn data(widget) {{ #{{ text: greeting::to(\"{text}\") }} }}\n"
    )
}

fn template(text: &str) -> String {
    format!("<p>{{{{ text }}}}, {text}</p>")
}

fn module(text: &str) -> String {
    format!("fn to(name) {{ \"{text}, \" + name }}\n")
}

fn broken(text: &str) -> String {
    script("x").replace("1h", text)
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let served = Served::start();
    let driver = Driver::start().expect("chromedriver is on this machine");
    let browser = driver.browser().await;
    browser.goto(&format!("http://{}/x", served.address)).await.unwrap();
    wait(&browser, "document.querySelector('#live').dataset.state === 'live' && !document.querySelector('.loading')").await;
    let saved: [(&str, &str, Written); 4] = [
        ("a saved script", SCRIPT, script),
        ("a saved module", MODULE, module),
        ("a saved template", TEMPLATE, template),
        ("a script that breaks, to its code frame", SCRIPT, broken),
    ];
    for (name, file, text) in saved {
        let mut times = Vec::new();
        for round in 0..SAVES {
            tokio::time::sleep(APART).await;
            let sign = format!("round {round} of {file}");
            watch(&browser, &sign).await;
            let started = Instant::now();
            fs::write(served.folder.path().join(file), text(&sign)).unwrap();
            seen(&browser).await;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        println!("{name:<46} {:>8.1?}, slowest {:.1?}", times[SAVES / 2], times[SAVES - 1]);
    }
    browser.close().await.unwrap();
}

/// From now on the page waits for a text in its widget, and then for the frame that shows it.
async fn watch(browser: &Client, sign: &str) {
    const WATCH: &str = "
        const sign = arguments[0];
        const card = document.querySelector('[data-widget=hello]');
        window.seen = new Promise((done) => {
            const look = () => {
                if (!card.textContent.includes(sign)) return;
                observer.disconnect();
                requestAnimationFrame(() => setTimeout(done, 0));
            };
            const observer = new MutationObserver(look);
            observer.observe(card, { subtree: true, childList: true, characterData: true });
        });";
    browser.execute(WATCH, vec![sign.into()]).await.unwrap();
}

async fn seen(browser: &Client) {
    let seen = "const done = arguments[0]; window.seen.then(done);";
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, browser.execute_async(seen, vec![]))
        .await
        .expect("the change is seen")
        .unwrap();
}

async fn wait(browser: &Client, condition: &str) {
    let script = format!(
        "const done = arguments[0]; const look = () => {{ if ({condition}) done(); else setTimeout(look, 20); }}; look();"
    );
    browser.execute_async(&script, vec![]).await.unwrap();
}

/// A folder with a hub that has one widget, served.
struct Served {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let hub = "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"hello\"\n".to_owned();
        for (path, text) in [
            ("hubs.toml", hub),
            (SCRIPT, script("you")),
            (TEMPLATE, template("hello")),
            (MODULE, module("good morning")),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_hubs"))
            .current_dir(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| {
                let said: serde_json::Value = serde_json::from_str(&line).ok()?;
                Some(said["address"].as_str()?.to_owned())
            })
            .unwrap();
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
