//! Every page in every theme, looked over by axe-core: nothing that keeps somebody out.
//!
//! `HUBS_TEST_AXE` names its `axe.min.js`, which npm's `axe-core` brings.

use crate::chromium::{driver, wait_for};
use crate::harness::{TestHouse, have};
use crate::scripted::logged_in;
use fantoccini::{Client, Locator};
use serde_json::Value;

/// The rules of WCAG 2.2 up to AA, and what axe itself counts as good practice.
const RUN: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).then(({ violations }) =>
        done(violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.html.slice(0, 160)} (${node.any[0]?.message ?? ''})`).slice(0, 3).join(' | ')}`)),
        (error) => done([String(error)]));
";

/// What is wrong with a page, one line a rule.
async fn violations(browser: &Client, axe: &str) -> Vec<String> {
    browser.execute(axe, vec![]).await.unwrap();
    let found = browser.execute_async(RUN, vec![]).await.unwrap();
    let lines = found.as_array().into_iter().flatten();
    lines.filter_map(Value::as_str).map(Into::into).collect()
}

fn axe() -> Option<String> {
    let found =
        std::env::var_os("HUBS_TEST_AXE").and_then(|file| std::fs::read_to_string(file).ok());
    have("axe", found.is_some()).then(|| found.unwrap())
}

/// Widgets in every state: one that has good data and now fails, one that never had any, one that is slow, one broken.
async fn troubled() -> TestHouse {
    let hub = "[[hub]]\nname = \"trouble\"\n";
    let names = ["late", "never", "broken", "empty"];
    let widgets = names.map(|name| format!("[[hub.widget]]\nwidget = \"{name}\"\n")).concat();
    let closed = "[[hub]]\nname = \"ajar\"\nvisibility = \"preview\"\n[[hub]]\nname = \"bare\"\n";
    let panel = "const CHROME = #{ style: \"panel\" }; const REFRESH = \"1h\";\n";
    let script = |data: &str| format!("{panel}fn data(widget) {{ {data} }}\n");
    let good = script("#{ words: \"As it was\" }");
    let never =
        script("throw #{ service: \"http\", status: 503, message: \"example.org answers 503\" };");
    let house = TestHouse::with(&[
        ("hubs.toml", &format!("{hub}{widgets}{closed}")),
        ("widgets/late.rhai", &good),
        ("widgets/never.rhai", &never),
        ("widgets/broken.rhai", &good),
        ("widgets/empty.rhai", &script("#{ words: \"\" }")),
        ("templates/widgets/late.html", "<p>{{ words }} <a href=\"/\">home</a></p>"),
        ("templates/widgets/never.html", "<p>{{ words }}</p>"),
        ("templates/widgets/broken.html", "<p>{{ words }} <a href=\"/\">home</a></p>"),
        ("templates/widgets/empty.html", "<p class=\"empty\">Nothing new since yesterday</p>"),
    ])
    .await;
    house.get("/trouble").await;
    house.idle().await;
    house.write("widgets/late.rhai", &never);
    house.write("widgets/broken.rhai", "fn data(widget) { #{ words: } }\n");
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_anybody_out_of_any_page_in_any_theme() {
    let Some(axe) = axe() else { return };
    let Some(driver) = driver() else { return };
    let demo = TestHouse::demo().await;
    for file in ["activity", "awards"] {
        let recording = format!("{}/tests/recordings/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
        demo.replay(std::fs::read_to_string(recording).unwrap()).await;
    }
    for hub in ["designteam", "i18n", "ralph"] {
        demo.get(&format!("/{hub}")).await;
    }
    demo.idle().await;
    let id = demo.instance("designteam", "stats").await;
    let alone = format!("/designteam/{id}");
    let pages = [
        "/",
        "/?q=nothing-like-it",
        "/designteam",
        "/designteam?q=fedora",
        "/designteam?q=nothing-like-it",
        "/i18n",
        "/ralph",
        "/widgets",
        "/widgets/feed",
        "/widgets/script-reference",
        "/source/feed",
        "/nobody-here",
        &alone,
        &format!("{alone}/why"),
        &format!("{alone}?embed"),
        "/designteam?tv",
    ];
    let mut wrong = Vec::new();
    let browser = driver.browser().await;
    look_over(&browser, &axe, &demo, &pages, &mut wrong).await;
    // What somebody sees who is logged in and owns a hub.
    browser.goto(&demo.url("/login?next=/designteam")).await.unwrap();
    browser.find(Locator::Css("[name=username]")).await.unwrap().send_keys("duffy").await.unwrap();
    browser.find(Locator::Css(".find button")).await.unwrap().click().await.unwrap();
    browser.wait().for_element(Locator::Css("#account")).await.unwrap();
    let configured = format!("{alone}/edit");
    let own = [
        "/login",
        "/designteam",
        "/designteam/edit",
        "/designteam/edit?q=nothing-like-it",
        "/designteam/edit?add=feed",
        &configured,
    ];
    look_over(&browser, &axe, &demo, &own, &mut wrong).await;
    let trouble = troubled().await;
    browser.goto(&trouble.url("/trouble")).await.unwrap();
    wait_for(&browser, "document.querySelector('.problem.broken')").await;
    look_over(&browser, &axe, &trouble, &["/trouble", "/ajar", "/bare"], &mut wrong).await;
    browser.close().await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_anybody_out_of_edit_mode() {
    let Some(axe) = axe() else { return };
    let Some(driver) = driver() else { return };
    let house = TestHouse::demo().await;
    let browser = driver.browser().await;
    let (mut duffy, _) = logged_in(&browser, &house).await;
    duffy.get("/designteam").await;
    house.idle().await;
    let id = house.instance("designteam", "sticky").await;
    let archive = [("version", "0"), ("archived", "true"), ("summary", "Gone")];
    duffy.post("/duffy/details", &archive).await;
    let settings = format!("/designteam/{id}/edit");
    let pages = [
        "/designteam",
        "/designteam/edit",
        &settings,
        "/designteam/edit?add=feed",
        "/duffy/edit?done=1",
    ];
    let mut wrong = Vec::new();
    look_over(&browser, &axe, &house, &pages, &mut wrong).await;
    browser.close().await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn look_over(
    browser: &Client,
    axe: &str,
    house: &TestHouse,
    pages: &[&str],
    wrong: &mut Vec<String>,
) {
    for theme in ["light", "dark", "contrast"] {
        browser.goto(&house.url(&format!("/?theme={theme}"))).await.unwrap();
        for page in pages {
            browser.goto(&house.url(page)).await.unwrap();
            wait_for(browser, "document.readyState === 'complete' && !document.querySelector('.card[data-state=loading]')").await;
            let found = violations(browser, axe).await;
            wrong.extend(found.into_iter().map(|line| format!("{page} ({theme}): {line}")));
        }
    }
}
