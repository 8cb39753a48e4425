//! Pages and the answers that programs read.

use crate::harness::TestHouse;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_without_configuration_shows_the_demo_hubs() {
    let house = TestHouse::demo().await;
    let (status, page) = house.get("/").await;
    assert_eq!(status, 200);
    for name in ["designteam", "infrastructure", "marketing", "i18n", "ralph", "duffy"] {
        assert!(page.contains(&format!("href=\"/{name}\"")), "{name} is missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_hubs_by_name_and_summary() {
    let house = TestHouse::demo().await;
    let (_, page) = house.get("/?q=design").await;
    assert!(page.contains("href=\"/designteam\""));
    assert!(!page.contains("href=\"/infrastructure\""));
    let (_, page) = house.get("/?q=%22%3E%3Cscript%3E").await;
    assert!(!page.contains("\"><script>"), "what was searched for is escaped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_every_cached_widget_in_it_and_skeletons_for_the_rest() {
    let house = TestHouse::demo().await;
    let (_, first) = house.get("/designteam").await;
    assert!(first.contains("data-state=\"loading\""), "nothing was ever built");
    house.idle().await;
    let (_, second) = house.get("/designteam").await;
    assert!(second.contains("We draw what Fedora looks like"));
    assert!(!second.contains("data-state=\"loading\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_is_json_with_an_etag_and_answers_304() {
    let house = TestHouse::demo().await;
    let id = house.instance("designteam", "stats").await;
    let url = house.url(&format!("/designteam/{id}/json"));
    let answer = house.client().get(&url).send().await.unwrap();
    let etag = answer.headers()["etag"].clone();
    let widget: Value = answer.json().await.unwrap();
    assert_eq!(etag.to_str().unwrap(), format!("\"{}\"", widget["version"].as_str().unwrap()));
    insta::assert_json_snapshot!(widget, {
        ".version" => "[version]", ".built_at" => "[time]", ".html" => "[html]", ".id" => "[id]", ".description" => "[doc]"
    });
    let again = house.client().get(&url).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_of_another_hub_is_not_found_there() {
    let house = TestHouse::demo().await;
    let id = house.instance("designteam", "stats").await;
    let (status, said) = house.get(&format!("/ralph/{id}/json")).await;
    assert_eq!(
        (status, said.as_str()),
        (
            404,
            &*format!(
                "{{\"error\":\"There is no widget {id} on the hub `ralph`; it may have been removed.\"}}"
            )
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_page_with_a_way_on() {
    let house = TestHouse::demo().await;
    for (path, said) in [
        ("/nobody-here", "There is no hub `nobody-here`, or it is not for you."),
        ("/designteam/99999", "There is no widget 99999 on the hub `designteam`"),
        ("/designteam/x", "`x` is no id of an instance"),
        ("/source/bages", "There is no kind of widget named `bages`."),
        ("/static/none.css", "There is no page `/static/none.css`."),
        ("/%3Cscript%3E", "There is no hub"),
    ] {
        let (status, page) = house.get(path).await;
        assert_eq!(status, 404, "{path}");
        let plain = page.replace("&#x27;", "'").replace("&#96;", "`").replace("&quot;", "\"");
        assert!(plain.contains(said), "{path}: {page}");
        assert!(page.contains("href=\"/\""), "{path} leads nowhere");
        assert!(!page.contains("<script>"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_fenced_in_by_its_headers() {
    let house = TestHouse::demo().await;
    for path in [
        "/",
        "/ralph",
        "/ralph/json",
        "/designteam/1/json",
        "/ralph/events",
        "/ralph/99999/json",
        "/nobody-here/events",
        "/nobody-here",
        "/static/hubs.js",
        "/healthz",
        "/metrics",
    ] {
        let answer = house.client().get(house.url(path)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_nothing_inline_that_the_policy_would_refuse() {
    let house = TestHouse::demo().await;
    house.get("/designteam").await;
    house.idle().await;
    for path in ["/", "/designteam", "/ralph", "/source/feed", "/nobody-here"] {
        let (_, page) = house.get(path).await;
        for inline in ["<style", " style=", " onclick=", " onload=", " onerror=", "javascript:"] {
            assert!(!page.contains(inline), "{path} has `{inline}`");
        }
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script type=\"module\" src=\"/static/").count(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_json_for_programs() {
    let house = TestHouse::demo().await;
    insta::assert_json_snapshot!(house.json("/infrastructure/json").await, { ".widgets" => "[ids]", ".columns" => "[columns]" });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_of_a_widget_is_shown_with_its_template() {
    let house = TestHouse::demo().await;
    let (status, page) = house.get("/source/feed").await;
    assert_eq!(status, 200);
    assert!(page.contains("widgets/feed.rhai") && page.contains("templates/widgets/feed.html"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailing_slash_is_forgiven() {
    let house = TestHouse::demo().await;
    let (status, page) = house.get("/designteam/").await;
    assert_eq!(status, 200);
    assert!(page.contains("data-hub=\"designteam\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counters_count_and_the_service_says_that_it_is_well() {
    let house = TestHouse::demo().await;
    house.get("/designteam").await;
    house.idle().await;
    assert_eq!(house.json("/healthz").await["status"], "ok");
    let (_, counters) = house.get("/metrics").await;
    for name in ["hubs_rebuilds_total", "hubs_rebuild_seconds_bucket", "hubs_cache_total"] {
        assert!(counters.contains(name), "{name} is missing in {counters}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_not_public_shows_nothing_to_strangers() {
    let hub = |name: &str, visibility: &str| {
        format!(
            "[[hub]]\nname = \"{name}\"\nsummary = \"The {name} one\"\nvisibility = \"{visibility}\"\n\
             [[hub.widget]]\nwidget = \"about\"\nconfig = {{ text = \"a secret\" }}\n"
        )
    };
    let file = format!("{}{}", hub("closed", "private"), hub("ajar", "preview"));
    let house = TestHouse::with(&[("hubs.toml", &file)]).await;
    for path in [
        "/closed",
        "/closed/json",
        "/closed/1",
        "/closed/1/json",
        "/closed/events",
        "/ajar/2",
        "/ajar/2/json",
        "/ajar/events",
    ] {
        let (status, said) = house.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(!said.contains("a secret"), "{path}");
    }
    let (status, page) = house.get("/ajar").await;
    assert!(status == 200 && page.contains("The ajar one") && !page.contains("a secret"), "{page}");
    let (_, index) = house.get("/").await;
    assert!(!index.contains("closed") && !index.contains("ajar"));
}
