//! A real browser in edit mode: what somebody writes never runs, and widgets are moved, set and removed by keyboard alone.

use crate::chromium::{driver, text, wait_for};
use crate::harness::TestHouse;
use crate::visitor::Visitor;
use fantoccini::{Client, Locator};
use reqwest::{Method, header};
use serde_json::{Value, json};

/// Texts that would run as a script where something is not escaped. Each would set `window.pwned`, or fetch from elsewhere.
const SCRIPTS: [&str; 46] = [
    "<script>pwned=1</script>",
    "</p><script>pwned=1</script>",
    "\"><script>pwned=1</script>",
    "'><script>pwned=1</script>",
    "</textarea><script>pwned=1</script>",
    "</title><script>pwned=1</script>",
    "</article></main><script>pwned=1</script>",
    "<script src=//127.0.0.1:9/x.js></script>",
    "<ScRiPt>pwned=1</sCrIpT>",
    "<scr<script>ipt>pwned=1</scr</script>ipt>",
    "<script\u{a0}>pwned=1</script>",
    "<script/x>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<img src=x onerror=\"pwned=1\"//",
    "\" onfocus=pwned=1 autofocus=\"",
    "' onfocus=pwned=1 autofocus='",
    "x onmouseover=pwned=1 x=",
    "<svg onload=pwned=1>",
    "<svg><script>pwned=1</script></svg>",
    "<svg><animate onbegin=pwned=1 attributeName=x dur=1s>",
    "<math><mtext><script>pwned=1</script></mtext></math>",
    "<body onload=pwned=1>",
    "<details open ontoggle=pwned=1>",
    "<video><source onerror=pwned=1></video>",
    "<audio src=x onerror=pwned=1>",
    "<input autofocus onfocus=pwned=1>",
    "<select autofocus onfocus=pwned=1>",
    "<marquee onstart=pwned=1>",
    "<iframe src=\"javascript:parent.pwned=1\"></iframe>",
    "<iframe srcdoc=\"<script>parent.pwned=1</script>\"></iframe>",
    "<object data=\"javascript:pwned=1\"></object>",
    "<embed src=\"javascript:pwned=1\">",
    "<a href=\"javascript:pwned=1\">x</a>",
    "[x](javascript:pwned=1)",
    "[x](JaVaScRiPt:pwned=1)",
    "[x](data:text/html,<script>pwned=1</script>)",
    "[x]( \u{1}javascript:pwned=1)",
    "![x](x\" onerror=\"pwned=1)",
    "<javascript:pwned=1>",
    "<base href=\"//127.0.0.1:9/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:pwned=1\">",
    "<link rel=stylesheet href=\"data:text/css,*{color:red}\">",
    "<style>@import 'data:text/css,*{color:red}';</style>",
    "<p style=\"background:url(javascript:pwned=1)\">x</p>",
    "{{ 7 * 7 }}{% raw %}<script>pwned=1</script>{% endraw %}",
    "\u{202e}<script>pwned=1</script>\0<!--<script>pwned=1</script>-->",
];

const HUBS: &str = r#"
[[hub]]
name = "team"
owners = ["duffy"]
[[hub.widget]]
widget = "sticky"
column = "left"
config = { text = "first" }
[[hub.widget]]
widget = "about"
column = "left"
config = { text = "second" }
[[hub.widget]]
widget = "dummy"
column = "right"
config = { text = "third" }

[[hub]]
name = "one"
owners = ["duffy"]
[[hub]]
name = "two"
owners = ["duffy"]
"#;

/// Somebody who is logged in, and their browser.
pub(crate) async fn logged_in(browser: &Client, house: &TestHouse) -> (Visitor, String) {
    browser.goto(&house.url("/login")).await.unwrap();
    press(browser, "button[name=username][value=duffy]", ENTER).await;
    wait_for(browser, "document.querySelector('.bookmarks') !== null").await;
    let mut duffy = Visitor::named(house, "duffy").await;
    let token = duffy.form_token().await;
    (duffy, token)
}

async fn post(visitor: &mut Visitor, token: &str, to: &str, body: Value) -> Value {
    let request = visitor.request(Method::POST, to).header(header::ACCEPT, "application/json");
    let said = visitor.send(request.header("x-csrf-token", token).json(&body)).await;
    assert_eq!(said.status, 200, "{to} {body}: {}", said.text);
    said.json()
}

/// How many times the page's policy refused something, and whether anything ran.
async fn reports(browser: &Client) -> (u64, Value) {
    let script = "
        const seen = new ReportingObserver(() => {}, { types: ['csp-violation'], buffered: true });
        seen.observe();
        return [seen.takeRecords().length, window.pwned ?? null];";
    let found = browser.execute(script, vec![]).await.unwrap();
    (found[0].as_u64().unwrap(), found[1].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_owners_write_runs_in_the_browsers_of_others() {
    let Some(driver) = driver() else { return };
    let house = TestHouse::with(&[("hubs.toml", HUBS)]).await;
    let browser = driver.browser().await;
    let (mut duffy, token) = logged_in(&browser, &house).await;
    let mut ids = Vec::new();
    for text in SCRIPTS {
        for (hub, widget, config) in [
            ("one", "sticky", json!({ "text": text })),
            ("one", "about", json!({ "text": text })),
            ("two", "dummy", json!({ "text": text })),
            ("two", "rules", json!({ "schedule_text": text })),
        ] {
            let to = format!("/{hub}/widgets");
            let done =
                post(&mut duffy, &token, &to, json!({ "widget": widget, "config": config })).await;
            ids.push((hub, done["id"].as_u64().unwrap()));
        }
        let summary: String = text.chars().filter(|letter| !letter.is_control()).collect();
        post(&mut duffy, &token, "/one/details", json!({ "summary": summary })).await;
    }
    let first = SCRIPTS[0];
    post(&mut duffy, &token, "/two/details", json!({ "summary": format!("\" {first} '") })).await;
    for (hub, id) in &ids {
        house.json(&format!("/{hub}/{id}/json")).await;
    }
    house.idle().await;
    // That a refusal would be counted.
    browser.goto(&house.url("/one")).await.unwrap();
    let inline = "const it = document.createElement('script'); it.textContent = 'pwned=1'; document.body.append(it)";
    browser.execute(inline, vec![]).await.unwrap();
    let (refused, ran) = reports(&browser).await;
    assert!(refused == 1 && ran.is_null(), "the policy itself holds: {refused} {ran}");
    let mut pages: Vec<String> =
        ["/one", "/two", "/one/edit", "/two/edit", "/", "/?q=script"].map(Into::into).into();
    for before in (20..200).step_by(28) {
        pages.push(format!("/one/edit?before={before}"));
    }
    // The form and the card of each text.
    for (hub, id) in ids.iter().filter(|(hub, _)| *hub == "one").step_by(2) {
        pages.push(format!("/{hub}/{id}/edit"));
    }
    for (at, text) in SCRIPTS.iter().enumerate() {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        pages.push(match at % 4 {
            0 => format!("/?q={query}"),
            1 => format!("/one/edit?q={query}"),
            2 => format!("/one/edit?add={query}"),
            _ => format!("/{}", query.replace('+', "%20")),
        });
    }
    for page in pages {
        browser.goto(&house.url(&page)).await.unwrap();
        assert_eq!(reports(&browser).await, (0, Value::Null), "{page}");
    }
    browser.close().await.unwrap();
}

/// As a keyboard sends them.
const UP: &str = "\u{E013}";
const DOWN: &str = "\u{E015}";
const RIGHT: &str = "\u{E014}";
const ENTER: &str = "\u{E007}";

async fn press(browser: &Client, at: &str, keys: &str) {
    browser.find(Locator::Css(at)).await.unwrap().send_keys(keys).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn by_keyboard_alone_widgets_are_moved_added_set_and_removed_and_others_see_it() {
    let Some(driver) = driver() else { return };
    let house = TestHouse::with(&[("hubs.toml", HUBS)]).await;
    for id in 1..=3 {
        house.json(&format!("/team/{id}/json")).await;
    }
    house.idle().await;
    let browser = driver.browser().await;
    logged_in(&browser, &house).await;
    let editing = browser.window().await.unwrap();
    let looking = browser.new_window(true).await.unwrap().handle;
    browser.switch_to_window(looking.clone()).await.unwrap();
    browser.goto(&house.url("/team")).await.unwrap();
    wait_for(&browser, "document.querySelector('#live').dataset.state === 'live'").await;
    browser.execute("window.unreloaded = true", vec![]).await.unwrap();
    browser.switch_to_window(editing.clone()).await.unwrap();
    browser.goto(&house.url("/team/edit")).await.unwrap();
    wait_for(&browser, "document.querySelector('#live').dataset.state === 'live'").await;
    browser.execute("window.unreloaded = true", vec![]).await.unwrap();

    press(&browser, "#place-1 [data-handle]", DOWN).await;
    assert_eq!(text(&browser, "#said").await, "Sticky note: left column, place 2 of 2");
    wait_for(&browser, "!document.querySelector('#undo').hidden").await;
    assert_eq!(house.json("/team/json").await["columns"]["left"], json!([2, 1]));
    // The handle keeps the focus.
    wait_for(&browser, "document.activeElement.closest('.place')?.id === 'place-1'").await;
    press(&browser, "#place-1 [data-handle]", &format!("{RIGHT}{UP}")).await;
    wait_for(&browser, "document.querySelector('main').dataset.version === '2'").await;
    assert_eq!(house.json("/team/json").await["columns"]["right"], json!([1, 3]));
    let order =
        "return [...document.querySelectorAll('.card')].map((card) => card.dataset.id).join(' ')";
    browser.switch_to_window(looking.clone()).await.unwrap();
    wait_for(&browser, "document.querySelector('[data-key=right] > article')?.dataset.id === '1'")
        .await;
    assert_eq!(browser.execute(order, vec![]).await.unwrap(), "2 1 3");
    browser.switch_to_window(editing.clone()).await.unwrap();

    // Undone by its button, and all without a reload.
    press(&browser, "#undo button", ENTER).await;
    wait_for(&browser, "document.querySelector('main').dataset.version === '3'").await;
    assert_eq!(house.json("/team/json").await["columns"]["right"], json!([3]));
    press(&browser, "#place-3 form[action$='/delete'] button", ENTER).await;
    wait_for(&browser, "!document.querySelector('#place-3')").await;
    assert_eq!(browser.execute("return window.unreloaded", vec![]).await.unwrap(), true);

    // A widget is added; its preview follows what is typed.
    press(&browser, "a[href='/team/edit?add=sticky']", ENTER).await;
    wait_for(&browser, "document.querySelector('#field-text') !== null").await;
    press(&browser, "#field-text", "Hello **everybody**").await;
    wait_for(&browser, "document.querySelector('#preview strong')?.textContent === 'everybody'")
        .await;
    press(&browser, "button.main", ENTER).await;
    wait_for(&browser, "document.querySelector('.done') !== null").await;
    assert!(
        text(&browser, ".done").await.contains("You added"),
        "{}",
        text(&browser, ".done").await
    );

    browser.switch_to_window(looking).await.unwrap();
    wait_for(&browser, "document.querySelector('#main').textContent.includes('Hello everybody')")
        .await;
    assert!(!text(&browser, "#main").await.contains("third"), "what was removed is gone");
    assert_eq!(browser.execute("return window.unreloaded", vec![]).await.unwrap(), true);
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_saved_while_somebody_typed_is_shown_beside_it() {
    let Some(driver) = driver() else { return };
    let house = TestHouse::with(&[("hubs.toml", HUBS)]).await;
    let browser = driver.browser().await;
    let (mut duffy, token) = logged_in(&browser, &house).await;
    browser.goto(&house.url("/team/edit")).await.unwrap();
    wait_for(&browser, "document.querySelector('#live').dataset.state === 'live'").await;
    press(&browser, "#summary", "mine").await;
    post(&mut duffy, &token, "/team/details", json!({ "summary": "theirs" })).await;
    wait_for(&browser, "document.querySelector('main').dataset.version === '1'").await;
    press(&browser, "#details button.main", ENTER).await;
    wait_for(&browser, "document.querySelector('.theirs pre')?.textContent === 'theirs'").await;
    let typed = browser.execute("return document.querySelector('#summary').value", vec![]).await;
    assert_eq!(typed.unwrap(), "mine");
    browser.close().await.unwrap();
}
