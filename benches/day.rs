//! A busy day in short: messages at 1,000 a second on 1,000 hubs, 50 pages open in Chromium, from bus to page.
//!
//! `cargo bench --bench day`. Half of the messages are awards for the people of the hubs, each of which belongs on one page;
//! the other half are those of tests/recordings, or of the files that `HUBS_BENCH_RECORDINGS` names, separated by colons. A time is
//! from handing a message to the server until the page's document has its line. Needs chromium and chromedriver.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "milliseconds of a minute"
)]

#[path = "../tests/it/chromium/driver.rs"]
mod chromium;
mod served;

use anyhow::Context;
use chromium::Driver;
use fantoccini::Client;
use jiff::Timestamp;
use serde_json::{Value, json};
use served::Served;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const HUBS: usize = 1_000;
const PAGES: usize = 50;
/// Messages that are handed in together, and how often.
const AT_ONCE: usize = 20;
const EVERY: Duration = Duration::from_millis(20);
const SECONDS: usize = 30;

/// Notes when a line of a feed comes into the document.
const WATCH: &str = "
    window.lines = [];
    new MutationObserver((changes) => {
        const now = performance.timeOrigin + performance.now();
        for (const change of changes) for (const node of change.addedNodes) {
            if (node.nodeType !== 1) continue;
            const rows = node.matches('[data-key]') ? [node] : node.querySelectorAll('[data-key]');
            for (const row of rows) window.lines.push([row.dataset.key, now]);
        }
    }).observe(document.body, { subtree: true, childList: true });";

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let served = served()?;
    let driver = Driver::start().context("chromedriver is not on this machine")?;
    let browser = driver.browser().await;
    for page in 0..PAGES {
        if page > 0 {
            let window = browser.new_window(false).await?;
            browser.switch_to_window(window.handle).await?;
        }
        browser.goto(&format!("http://{}/{}", served.address, name(page * HUBS / PAGES))).await?;
        until_live(&browser).await?;
        browser.execute(WATCH, vec![]).await?;
    }
    println!("{PAGES} pages are open, of {}", served.folder.path().display());
    let sent = send(&served).await?;
    // What is not drawn by then is counted as lost.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut times = Vec::new();
    for window in browser.windows().await? {
        browser.switch_to_window(window).await?;
        let lines = browser.execute("return window.lines;", vec![]).await?;
        for line in lines.as_array().into_iter().flatten() {
            let (key, at) = (line[0].as_str().unwrap_or_default(), line[1].as_f64().unwrap_or(0.0));
            times.extend(sent.get(key).map(|then| at - then));
        }
    }
    let expected = sent.keys().filter(|key| is_watched(key)).count();
    times.sort_unstable_by(f64::total_cmp);
    anyhow::ensure!(!times.is_empty(), "no page was redrawn");
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{} of {expected} lines seen: median {:.0} ms, p95 {:.0} ms, p99 {:.0} ms, slowest {:.0} ms",
        times.len(),
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    browser.close().await?;
    Ok(())
}

fn name(hub: usize) -> String {
    format!("person{hub}")
}

/// Whether an award is for a hub whose page is open.
fn is_watched(id: &str) -> bool {
    let hub = id.rsplit('-').next().and_then(|hub| hub.parse::<usize>().ok());
    hub.is_some_and(|hub| hub.is_multiple_of(HUBS / PAGES))
}

/// Hands in messages, and returns when each award was, in milliseconds since 1970, by its id.
async fn send(served: &Served) -> anyhow::Result<HashMap<String, f64>> {
    let recorded = recorded()?;
    let mut others = (0..).flat_map(|round| recorded.iter().map(move |message| (round, message)));
    let client = reqwest::Client::new();
    let url = format!("http://{}/api/messages", served.address);
    let mut sent = HashMap::new();
    let mut ticks = tokio::time::interval(EVERY);
    let batches = SECONDS * 1_000 / EVERY.as_millis() as usize;
    let mut answers = tokio::task::JoinSet::new();
    for batch in 0..batches {
        ticks.tick().await;
        let mut body = String::new();
        let now = Timestamp::now().as_microsecond() as f64 / 1_000.0;
        for n in 0..AT_ONCE {
            if n.is_multiple_of(2) {
                let count = batch * AT_ONCE + n;
                // Far apart, so that the pages take turns.
                let hub = count * 7 % HUBS;
                let id = format!("2026-day-{count}-{hub}");
                let _ = writeln!(body, "{}", award(&id, &name(hub), now / 1_000.0));
                sent.insert(id, now);
            } else if let Some((round, message)) = others.next() {
                let mut message: Value = message.clone();
                let key = if message.get("msg_id").is_some() { "msg_id" } else { "id" };
                message[key] = format!("{}-{round}", message[key]).into();
                let _ = writeln!(body, "{message}");
            }
        }
        let request = client.post(&url).header("content-type", "application/x-ndjson").body(body);
        answers.spawn(request.send());
        while let Some(answer) = answers.try_join_next() {
            answer??.error_for_status()?;
        }
    }
    while let Some(answer) = answers.join_next().await {
        answer??.error_for_status()?;
    }
    println!("{} messages in {SECONDS} s", batches * AT_ONCE);
    Ok(sent)
}

fn award(id: &str, username: &str, at: f64) -> Value {
    json!({
        "topic": "org.fedoraproject.prod.fedbadges.badge.award", "msg_id": id, "timestamp": at,
        "msg": {
            "badge": { "name": "Something on your mind", "badge_id": "something-on-your-mind",
                "description": "Started a thread", "image_url": "https://badges.fedoraproject.org/pngs/mind.png" },
            "user": { "username": username, "badges_user_id": 7 },
        },
    })
}

fn recorded() -> anyhow::Result<Vec<Value>> {
    let files: Vec<PathBuf> = if let Ok(given) = std::env::var("HUBS_BENCH_RECORDINGS") {
        std::env::split_paths(&given).collect()
    } else {
        let folder = std::fs::read_dir("tests/recordings")?;
        folder.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?
    };
    let mut messages = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        messages.extend(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
    }
    Ok(messages)
}

async fn until_live(browser: &Client) -> anyhow::Result<()> {
    const LIVE: &str = "
        const done = arguments[0];
        const look = () => {
            if (document.querySelector('#live')?.dataset.state === 'live' && !document.querySelector('.loading')) done();
            else setTimeout(look, 20);
        };
        look();";
    browser.execute_async(LIVE, vec![]).await?;
    Ok(())
}

/// A hub for each person, with a feed of what they do and what it is about them.
fn served() -> anyhow::Result<Served> {
    let folder = TempDir::new()?;
    let mut text = String::new();
    for hub in 0..HUBS {
        let name = name(hub);
        let _ = write!(
            text,
            "[[hub]]\nname = \"{name}\"\nowners = [\"{name}\"]\n[[hub.widget]]\nwidget = \"feed\"\nconfig = {{ username = \"{name}\" }}\n\
             [[hub.widget]]\nwidget = \"stats\"\n[[hub.widget]]\nwidget = \"about\"\n"
        );
    }
    std::fs::write(folder.path().join("hubs.toml"), text)?;
    Ok(Served::on(folder))
}
