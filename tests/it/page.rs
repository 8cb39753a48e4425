//! A hub in a real browser: its stream, a connection that is lost, a search, a wall, and no scripts at all.

use crate::chromium::{Driver, driver, text, wait_for};
use crate::harness::TestHouse;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

const HUBS: &str = r#"
[[hub]]
name = "ralph"
[[hub.widget]]
widget = "feed"
config = { users = ["ralph"] }
[[hub.widget]]
widget = "counter"
[[hub.widget]]
widget = "about"
config = { text = "Café on Tuesdays" }
"#;

const COUNTER: &str = r#"
const TITLE = "Awards";
const CHROME = #{ style: "panel" };
fn should_invalidate(message, widget) { message.topic.ends_with("badge.award") }
fn data(widget) { #{ count: datanommer::count(#{ categories: ["fedbadges"] }) } }
"#;

fn award(id: &str, badge: &str) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.fedbadges.badge.award", "msg_id": id, "timestamp": 1_400_000_000, "i": 1,
        "msg": { "user": { "username": "ralph", "badges_user_id": 1 }, "badge": { "name": badge, "badge_id": "x", "description": "d" } }
    });
    format!("{message}\n")
}

async fn house() -> TestHouse {
    let house = TestHouse::with(&[
        ("hubs.toml", HUBS),
        ("widgets/counter.rhai", COUNTER),
        (
            "templates/widgets/counter.html",
            "<p><b data-key=\"n\">{{ count }}</b> <input id=\"field\" aria-label=\"Note\"></p>",
        ),
    ])
    .await;
    house.get("/ralph").await;
    house.idle().await;
    house.replay([award("2014-1", "Baby badger"), award("2014-2", "Crème brûlée")].concat()).await;
    house
}

async fn opened(driver: &Driver, house: &TestHouse, path: &str) -> Client {
    let browser = driver.browser().await;
    open(&browser, house, path).await;
    browser
}

async fn open(browser: &Client, house: &TestHouse, path: &str) {
    browser.goto(&house.url(path)).await.unwrap();
    wait_for(browser, LIVE).await;
    browser.execute("window.unreloaded = true", vec![]).await.unwrap();
}

const LIVE: &str = "document.querySelector('#live').dataset.state === 'live'";

async fn truth(browser: &Client, condition: &str) -> bool {
    let found = browser.execute(&format!("return Boolean({condition})"), vec![]).await.unwrap();
    found == Value::Bool(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pages_of_a_hub_share_one_stream_and_one_takes_over_from_the_other() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let hub = "ralph".parse().unwrap();
    let browser = opened(&driver, &house, "/ralph").await;
    let first = browser.window().await.unwrap();
    let second = browser.new_window(true).await.unwrap().handle;
    browser.switch_to_window(second.clone()).await.unwrap();
    open(&browser, &house, "/ralph").await;
    assert_eq!(house.running().viewers(&hub), 1);
    // Both hear it.
    house.replay(award("2014-3", "Heard by both")).await;
    for window in [&second, &first] {
        browser.switch_to_window(window.clone()).await.unwrap();
        wait_for(&browser, "document.querySelector('.feed').textContent.includes('Heard by both')")
            .await;
    }
    // The one that has the stream goes; the other has it then, and misses nothing.
    browser.close_window().await.unwrap();
    browser.switch_to_window(second).await.unwrap();
    house.replay(award("2014-4", "Heard by the other")).await;
    wait_for(
        &browser,
        "document.querySelector('.feed').textContent.includes('Heard by the other')",
    )
    .await;
    assert_eq!(house.running().viewers(&hub), 1);
    assert!(truth(&browser, "window.unreloaded").await);
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_late_is_told_what_happened_since_it_was_made() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = opened(&driver, &house, "/ralph").await;
    // As a page that was rendered before the last award and joins after it: its cursor is that of the first page.
    let early = text_attribute(&browser, "#main", "data-cursor").await;
    house.replay(award("2014-3", "Missed by one")).await;
    wait_for(&browser, "document.querySelector('.feed').textContent.includes('Missed by one')")
        .await;
    let ask = format!(
        "const channel = new BroadcastChannel('hubs:ralph'); window.told = []; \
         channel.onmessage = (event) => window.told.push(event.data.name); channel.postMessage({{ hello: '{early}' }});"
    );
    browser.execute(&ask, vec![]).await.unwrap();
    wait_for(&browser, "window.told.includes('widget')").await;
    browser.close().await.unwrap();
}

async fn text_attribute(browser: &Client, what: &str, name: &str) -> String {
    let found = browser.find(Locator::Css(what)).await.unwrap().attr(name).await.unwrap();
    found.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_told_and_caught_up_with() {
    let Some(driver) = driver() else { return };
    let mut house = house().await;
    let browser = opened(&driver, &house, "/ralph").await;
    let input = browser.find(Locator::Css("#field")).await.unwrap();
    input.send_keys("half a th").await.unwrap();
    house.stop().await;
    wait_for(&browser, "!document.querySelector('#lost').hidden").await;
    let said = text(&browser, "#lost").await;
    assert!(said.starts_with("Live updates stopped at ") && said.ends_with("Retry now"), "{said}");
    assert_eq!(text(&browser, "#live span").await, "connecting");

    // The browser may come back by itself, and have said so before anybody asks: what the bar says is noted.
    let note = "const bar = document.querySelector('#lost'); window.bar = ''; \
        new MutationObserver(() => (window.bar += bar.textContent)).observe(bar, { childList: true, subtree: true, characterData: true });";
    browser.execute(note, vec![]).await.unwrap();
    house.start().await;
    house.replay(award("2014-3", "While away")).await;
    browser.execute("document.querySelector('#lost button')?.click()", vec![]).await.unwrap();
    wait_for(&browser, "window.bar.includes('Caught up')").await;
    wait_for(&browser, "document.querySelector('#main').textContent.includes('While away')").await;
    wait_for(&browser, "document.querySelector('#lost').hidden").await;
    let kept = "return [document.querySelector('#field').value, window.unreloaded]";
    assert_eq!(browser.execute(kept, vec![]).await.unwrap(), json!(["half a th", true]));
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_shows_itself_once_and_not_while_somebody_types() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = opened(&driver, &house, "/ralph").await;
    let watch = "window.seen = []; new MutationObserver((all) => { for (const { target } of all) \
         for (const name of ['changed', 'arrived']) if (target.classList?.contains(name)) window.seen.push(name); }) \
         .observe(document.querySelector('#main'), { subtree: true, attributeFilter: ['class'], attributes: true }); \
         window.counted = new Set(); new MutationObserver(() => window.counted.add(document.querySelector('[data-key=n]').textContent)) \
         .observe(document.querySelector('[data-key=n]'), { characterData: true, subtree: true });";
    browser.execute(watch, vec![]).await.unwrap();
    let many: String = (10..60).map(|n| award(&format!("2014-{n}"), "One of many")).collect();
    house.replay(many).await;
    wait_for(&browser, "document.querySelector('[data-key=n]').textContent === '52'").await;
    wait_for(
        &browser,
        "window.seen.includes('changed') && !document.querySelector('.changed, .arrived')",
    )
    .await;
    assert!(truth(&browser, "window.counted.size > 1").await, "the number counted up");

    browser.find(Locator::Css("#field")).await.unwrap().click().await.unwrap();
    browser.execute("window.seen = []", vec![]).await.unwrap();
    house.replay(award("2014-99", "Quietly")).await;
    wait_for(&browser, "document.querySelector('.feed').textContent.includes('Quietly')").await;
    assert!(
        !truth(
            &browser,
            "window.seen.includes('changed') || document.querySelector('.changed, .arrived')"
        )
        .await
    );
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_sifts_cards_and_entries_as_one_types() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = opened(&driver, &house, "/ralph").await;
    wait_for(&browser, "window.CSS.highlights").await;
    let body = browser.find(Locator::Css("body")).await.unwrap();
    body.send_keys("/").await.unwrap();
    let input = browser.active_element().await.unwrap();
    assert_eq!(input.attr("name").await.unwrap().as_deref(), Some("q"));
    input.send_keys("cre").await.unwrap();
    let shown = "[...document.querySelectorAll('.card:not([data-out])')].map((card) => card.dataset.widget).join()";
    wait_for(&browser, &format!("{shown} === 'feed'")).await;
    let rows = "document.querySelectorAll('.feed li:not([data-out])').length";
    assert!(truth(&browser, &format!("{rows} === 1 && location.search === '?q=cre'")).await);
    assert!(truth(&browser, "CSS.highlights.get('found').size === 1").await);
    // What happens meanwhile is sifted too.
    house
        .replay([award("2014-3", "Creme caramel"), award("2014-4", "Nothing of it")].concat())
        .await;
    wait_for(&browser, &format!("{rows} === 2")).await;
    input.send_keys("zzz").await.unwrap();
    wait_for(&browser, "!document.querySelector('#none').hidden").await;
    assert!(text(&browser, "#none").await.contains("crezzz"));
    wait_for(&browser, "document.querySelector('#found').textContent === '0 of 3 boxes'").await;
    input.send_keys(&char::from(Key::Escape).to_string()).await.unwrap();
    wait_for(
        &browser,
        &format!("{shown} === 'feed,counter,about' && {rows} === 4 && location.search === ''"),
    )
    .await;

    // An address that was sent to somebody shows them the same; taken back, all is there.
    open(&browser, &house, "/ralph?q=cafe+tuesdays").await;
    wait_for(&browser, &format!("{shown} === 'about'")).await;
    assert_eq!(text_attribute(&browser, ".search input", "value").await, "cafe tuesdays");
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_nobody_looked_stands_above_a_line() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = opened(&driver, &house, "/ralph").await;
    let look_away = async |away: bool| {
        let script = format!(
            "Object.defineProperty(document, 'hidden', {{ value: {away}, configurable: true }}); \
             document.dispatchEvent(new Event('visibilitychange'));"
        );
        browser.execute(&script, vec![]).await.unwrap();
    };
    look_away(true).await;
    house.replay(award("2014-3", "Unseen")).await;
    wait_for(&browser, "document.querySelector('.feed').textContent.includes('Unseen')").await;
    look_away(false).await;
    let line = "document.querySelector('.feed [data-since]')";
    let row = format!(
        "{line}.dataset.since.startsWith('new since ') && {line}.previousElementSibling.textContent.includes('Unseen')"
    );
    assert!(truth(&browser, &row).await);
    // Another message leaves the line where it is; it goes when the reader does.
    house.replay(award("2014-4", "Seen at once")).await;
    wait_for(&browser, "document.querySelector('.feed').textContent.includes('Seen at once')")
        .await;
    assert!(truth(&browser, &row).await);
    look_away(true).await;
    assert!(!truth(&browser, line).await);
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_by_the_stream_is_said_in_the_language_of_the_page() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = opened(&driver, &house, "/ralph?lang=de").await;
    house.replay(award("2014-3", "Auf Deutsch")).await;
    wait_for(&browser, "document.querySelector('.feed').textContent.includes('Auf Deutsch')").await;
    for said in ["Allein öffnen", "nach ", "gerade eben"] {
        assert!(text(&browser, "[data-widget=feed]").await.contains(said), "{said}");
    }
    let card = text(&browser, "[data-widget=feed]").await;
    assert!(!card.contains("Open alone") && !card.contains("just now"), "{card}");
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_goes_from_card_to_card_until_it_is_stopped() {
    let Some(driver) = driver() else { return };
    let long = "and on ".repeat(150);
    let card = |n| {
        format!("[[hub.widget]]\nwidget = \"about\"\nconfig = {{ text = \"Card {n} {long}\" }}\n")
    };
    let widgets = [1, 2, 3, 4, 5, 6, 7, 8].map(card).concat();
    let house =
        TestHouse::with(&[("hubs.toml", &format!("[[hub]]\nname = \"wall\"\n{widgets}"))]).await;
    house.get("/wall").await;
    house.idle().await;
    let browser = driver.browser().await;
    browser.goto(&house.url("/wall?tv")).await.unwrap();
    wait_for(&browser, "document.querySelector('[data-off]')").await;
    let first = "document.querySelector('.column .card:not([data-off])').textContent";
    let before = text(&browser, ".column .card:not([data-off])").await;
    assert!(before.contains("Card 1 "), "{before}");
    let body = browser.find(Locator::Css("body")).await.unwrap();
    body.send_keys(" ").await.unwrap();
    wait_for(&browser, "document.querySelector('#pause').textContent === 'Go on'").await;
    body.send_keys(&char::from(Key::Right).to_string()).await.unwrap();
    wait_for(&browser, &format!("!{first}.includes('Card 1 ')")).await;
    assert!(truth(&browser, "!document.querySelector('.page-foot')").await);
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_whole_without_scripts() {
    let Some(driver) = driver() else { return };
    let house = house().await;
    let browser = driver.browser_with(&["--blink-settings=scriptEnabled=false"]).await;
    browser.goto(&house.url("/ralph")).await.unwrap();
    let page = browser.source().await.unwrap();
    for part in ["Baby badger", "Café on Tuesdays", "id=\"live\" data-state=\"off\" hidden"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    // A search and a choice of colours are forms.
    let input = browser.find(Locator::Css(".search input")).await.unwrap();
    input.send_keys("tuesdays").await.unwrap();
    input.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
    browser.wait().for_element(Locator::Css("[data-out]")).await.unwrap();
    assert_eq!(browser.current_url().await.unwrap().query(), Some("q=tuesdays"));
    let dark = Locator::Css("button[value=dark]");
    browser.find(dark).await.unwrap().click().await.unwrap();
    browser.wait().for_element(Locator::Css("[data-theme=dark]")).await.unwrap();
    browser.close().await.unwrap();
}
