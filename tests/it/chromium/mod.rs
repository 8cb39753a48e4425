//! A real browser for tests: where there is one, and how to wait for what its page shows.

mod driver;

pub(crate) use driver::Driver;

use crate::harness::{PATIENCE, have};
use fantoccini::Client;
use std::process::Command;

/// The driver of a browser, where there is one.
pub(crate) fn driver() -> Option<Driver> {
    let driver = Driver::start();
    let browser_there = Command::new("chromium").arg("--version").output().is_ok();
    have("chromium", driver.is_some() && browser_there).then(|| driver.unwrap())
}

pub(crate) async fn text(browser: &Client, what: &str) -> String {
    browser
        .execute(&format!("return document.querySelector('{what}')?.textContent ?? ''"), vec![])
        .await
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// Waits until a script's answer is true; the page changes when it changes.
pub(crate) async fn wait_for(browser: &Client, condition: &str) {
    let script = format!(
        "const done = arguments[0]; const look = () => {{ if ({condition}) done(true); else setTimeout(look, 20); }}; look();"
    );
    let waiting = browser.execute_async(&script, vec![]);
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never came: {condition}"))
        .unwrap();
}
