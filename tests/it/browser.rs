//! A real browser: only what a message concerns changes, a preview follows its form, and the focus stays where it was.

use crate::chromium::{driver, text, wait_for};
use crate::fedmsg::{Publisher, have_publisher};
use crate::harness::TestHouse;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

const HUBS: &str = r#"
[[hub]]
name = "ralph"
[[hub.widget]]
widget = "feed"
config = { users = ["ralph"] }
[[hub.widget]]
widget = "note"

[[hub]]
name = "team"
[[hub.widget]]
widget = "feed"
config = { users = ["ralph", "mizmo"] }
[[hub.widget]]
widget = "note"
"#;

fn award(user: &str, badge: &str, id: &str) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.fedbadges.badge.award", "msg_id": id, "timestamp": 1_400_000_000, "i": 1,
        "msg": { "user": { "username": user, "badges_user_id": 1 }, "badge": { "name": badge, "badge_id": "x", "description": "d" } }
    });
    format!("{message}\n")
}

async fn house(bus: &str) -> TestHouse {
    TestHouse::with(&[
        ("hubs.toml", &format!("{bus}{HUBS}")),
        ("widgets/note.rhai", "const REFRESH = \"1h\";\nconst CHROME = #{ style: \"panel\" };\nfn data(widget) { #{} }\n"),
        ("templates/widgets/note.html", "<input id=\"note-input\" aria-label=\"Note\">"),
    ])
    .await
}

/// Opens the two hubs in a window each; returns when both are live.
async fn both_hubs(browser: &Client, house: &TestHouse) -> [WindowHandle; 2] {
    let first = browser.window().await.unwrap();
    let second = browser.new_window(true).await.unwrap().handle;
    for (window, hub) in [(&first, "/ralph"), (&second, "/team")] {
        browser.switch_to_window(window.clone()).await.unwrap();
        browser.goto(&house.url(hub)).await.unwrap();
        wait_for(browser, "document.querySelector('#live').dataset.state === 'live'").await;
        // Were the page loaded anew this would be gone.
        browser.execute("window.unreloaded = true", vec![]).await.unwrap();
    }
    [first, second]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_changes_its_widget_in_both_hubs_and_leaves_the_focus_alone() {
    let Some(driver) = driver() else { return };
    let house = house("").await;
    for hub in ["ralph", "team"] {
        house.get(&format!("/{hub}")).await;
    }
    house.idle().await;
    let browser = driver.browser().await;
    let [first, second] = both_hubs(&browser, &house).await;
    // Somebody types in another widget of the second hub.
    let input = browser.find(Locator::Css("#note-input")).await.unwrap();
    input.send_keys("half a th").await.unwrap();

    house.replay(award("ralph", "Something on your mind", "2014-1")).await;
    for window in [&second, &first] {
        browser.switch_to_window(window.clone()).await.unwrap();
        wait_for(
            &browser,
            "document.querySelector('#main').textContent.includes('Something on your mind')",
        )
        .await;
        assert_eq!(
            browser.execute("return window.unreloaded", vec![]).await.unwrap(),
            Value::Bool(true)
        );
    }
    browser.switch_to_window(second.clone()).await.unwrap();
    let focus = "return [document.activeElement.id, document.activeElement.value]";
    assert_eq!(browser.execute(focus, vec![]).await.unwrap(), json!(["note-input", "half a th"]));
    browser.find(Locator::Css("#note-input")).await.unwrap().send_keys("ought").await.unwrap();
    assert_eq!(
        browser.execute(focus, vec![]).await.unwrap(),
        json!(["note-input", "half a thought"])
    );

    // A message that concerns only the second hub leaves the first one as it is.
    browser.switch_to_window(first.clone()).await.unwrap();
    let before = text(&browser, "#main").await;
    house.replay(award("mizmo", "Pixel perfect", "2014-2")).await;
    browser.switch_to_window(second).await.unwrap();
    wait_for(&browser, "document.querySelector('#main').textContent.includes('Pixel perfect')")
        .await;
    browser.switch_to_window(first).await.unwrap();
    assert!(!text(&browser, "#main").await.contains("Pixel perfect"));
    assert!(before.contains("Something on your mind"));
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_the_bus_changes_its_widget_in_both_hubs() {
    let Some(driver) = driver() else { return };
    if !have_publisher() {
        return;
    }
    let mut publisher = Publisher::start();
    let bus = format!(
        "[bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:{}\"]\nvalidate_signatures = false\n",
        publisher.says()
    );
    let house = house(&bus).await;
    for hub in ["ralph", "team"] {
        house.get(&format!("/{hub}")).await;
    }
    house.idle().await;
    assert_eq!(publisher.says(), "subscribed");
    let browser = driver.browser().await;
    let [first, second] = both_hubs(&browser, &house).await;
    let topic = "org.fedoraproject.prod.fedbadges.badge.award";
    publisher.publish(&[topic, award("ralph", "Heard on the bus", "2014-7").trim()]);
    for window in [&second, &first] {
        browser.switch_to_window(window.clone()).await.unwrap();
        wait_for(
            &browser,
            "document.querySelector('#main').textContent.includes('Heard on the bus')",
        )
        .await;
    }
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_follows_what_is_typed_into_its_form() {
    let Some(driver) = driver() else { return };
    let house = TestHouse::with(&[
        (
            "widgets/greeting.rhai",
            "const REFRESH = \"1h\";\nconst PARAMETERS = #{ who: #{ kind: \"username\", default: \"world\" } };\nfn data(widget) { #{ who: widget.config.who } }\n",
        ),
        ("templates/widgets/greeting.html", "<p>Hello {{ who }}</p>"),
    ])
    .await;
    let browser = driver.browser().await;
    browser.goto(&house.url("/widgets/greeting")).await.unwrap();
    browser.execute("window.unreloaded = true", vec![]).await.unwrap();
    assert!(text(&browser, "#preview").await.contains("Hello world"));
    let field = browser.find(Locator::Css("#field-who")).await.unwrap();
    field.send_keys("mizmo").await.unwrap();
    wait_for(&browser, "document.querySelector('#preview').textContent.includes('Hello mizmo')")
        .await;
    let now = "return [window.unreloaded, document.activeElement.id, location.search]";
    assert_eq!(
        browser.execute(now, vec![]).await.unwrap(),
        json!([true, "field-who", "?who=mizmo"])
    );
    // What does not fit is told in the preview, and the form is left to its reader.
    field.send_keys("/").await.unwrap();
    wait_for(
        &browser,
        "document.querySelector('#preview').textContent.includes('must be a username')",
    )
    .await;
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_broken_on_disk_is_framed_on_its_card_until_it_is_mended() {
    const SCRIPT: &str =
        "const REFRESH = \"1h\";\nconst CHROME = #{ style: \"panel\" };\nfn data(widget) { #{} }\n";
    let Some(driver) = driver() else { return };
    let house = house("").await;
    house.get("/ralph").await;
    house.idle().await;
    let browser = driver.browser().await;
    browser.goto(&house.url("/ralph")).await.unwrap();
    wait_for(&browser, "document.querySelector('#live').dataset.state === 'live'").await;
    browser.execute("window.unreloaded = true", vec![]).await.unwrap();
    let input = browser.find(Locator::Css("#note-input")).await.unwrap();
    input.send_keys("half a th").await.unwrap();
    let focus =
        "return [document.activeElement.id, document.activeElement.value, window.unreloaded]";
    let untouched = json!(["note-input", "half a th", true]);

    house.write("widgets/note.rhai", &SCRIPT.replace("1h", "often"));
    wait_for(&browser, "document.querySelector('[data-widget=note] > .problem .here mark')").await;
    let frame = text(&browser, ".problem").await;
    assert!(frame.contains("widgets/note.rhai:1:7") && frame.contains("help:"), "{frame}");
    assert_eq!(browser.execute(focus, vec![]).await.unwrap(), untouched);

    // Another text of the same card leaves the frame where it is.
    house.write(
        "templates/widgets/note.html",
        "<input id=\"note-input\" aria-label=\"Note\"><b>new</b>",
    );
    wait_for(&browser, "document.querySelector('[data-widget=note] .card-body b')").await;
    assert!(text(&browser, "[data-widget=note] > .problem").await.contains("note.rhai"));

    house.write("widgets/note.rhai", SCRIPT);
    wait_for(&browser, "!document.querySelector('.problem')").await;
    assert_eq!(browser.execute(focus, vec![]).await.unwrap(), untouched);
    browser.close().await.unwrap();
}
