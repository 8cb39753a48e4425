//! Hot reload as its author sees it: from saving a file to the widget that is drawn anew in Chromium.
//!
//! `cargo bench --bench reload`. Each time ends when the page has drawn a frame with the change in it and its driver has
//! heard of that. Prints medians and the slowest; needs chromium and chromedriver.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../tests/it/chromium/driver.rs"]
mod chromium;
mod served;

use anyhow::Context;
use chromium::Driver;
use fantoccini::Client;
use served::Served;
use std::fs;
use std::path::Path;
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

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let served = served()?;
    let driver = Driver::start().expect("chromedriver is on this machine");
    let browser = driver.browser().await;
    browser.goto(&format!("http://{}/x", served.address)).await?;
    wait(&browser, "document.querySelector('#live').dataset.state === 'live' && !document.querySelector('.loading')").await?;
    let saved: [(&str, &str, Written); 4] = [
        ("a saved script", SCRIPT, script),
        ("a saved module", MODULE, module),
        ("a saved template", TEMPLATE, template),
        ("a script that breaks, to its code frame", SCRIPT, broken),
    ];
    for (name, file, text) in saved {
        let mut times = Vec::new();
        for round in 0..SAVES {
            // Not to wait for anything: two saves in a row would count as one.
            tokio::time::sleep(APART).await;
            let sign = format!("round {round} of {file}");
            watch(&browser, &sign).await?;
            let started = Instant::now();
            fs::write(served.folder.path().join(file), text(&sign))?;
            seen(&browser).await?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        println!("{name:<46} {:>8.1?}, slowest {:.1?}", times[SAVES / 2], times[SAVES - 1]);
    }
    browser.close().await?;
    Ok(())
}

/// From now on the page waits for a text in its widget, and then for the frame that shows it.
async fn watch(browser: &Client, sign: &str) -> anyhow::Result<()> {
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
    browser.execute(WATCH, vec![sign.into()]).await?;
    Ok(())
}

async fn seen(browser: &Client) -> anyhow::Result<()> {
    let seen = "const done = arguments[0]; window.seen.then(done);";
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, browser.execute_async(seen, vec![]))
        .await
        .context("the change is not seen")??;
    Ok(())
}

async fn wait(browser: &Client, condition: &str) -> anyhow::Result<()> {
    let script = format!(
        "const done = arguments[0]; const look = () => {{ if ({condition}) done(); else setTimeout(look, 20); }}; look();"
    );
    browser.execute_async(&script, vec![]).await?;
    Ok(())
}

/// A folder with a hub that has one widget, served.
fn served() -> anyhow::Result<Served> {
    let folder = TempDir::new()?;
    let hub = "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"hello\"\n".to_owned();
    for (path, text) in [
        ("hubs.toml", hub),
        (SCRIPT, script("you")),
        (TEMPLATE, template("hello")),
        (MODULE, module("good morning")),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, text)?;
    }
    Ok(Served::on(folder))
}
