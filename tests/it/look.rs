//! How pages look and where else they are shown: themes, frames, terminals, badges, feeds, and how much they weigh.

use crate::harness::TestHouse;
use reqwest::{Client, redirect};

const FEEDS: &str = r#"
[server]
frame_ancestors = ["https://www.example.org", "https://*.example.net:8443"]

[[hub]]
name = "ralph"
summary = "What <ralph> does"
[[hub.widget]]
widget = "feed"
config = { users = ["ralph"] }
[[hub.widget]]
widget = "about"
config = { text = "A word about Ralph" }
[[hub.widget]]
widget = "stats"
"#;

fn award(id: &str, badge: &str) -> String {
    let message = serde_json::json!({
        "topic": "org.fedoraproject.prod.fedbadges.badge.award", "msg_id": id, "timestamp": 1_400_000_000, "i": 1,
        "msg": { "user": { "username": "ralph", "badges_user_id": 1 }, "badge": { "name": badge, "badge_id": "x", "description": "d" } }
    });
    format!("{message}\n")
}

async fn house() -> TestHouse {
    let house = TestHouse::with(&[("hubs.toml", FEEDS)]).await;
    house.get("/ralph").await;
    house.idle().await;
    house.replay([award("2014-1", "Tom & <Jerry>"), award("2014-2", "Café")].concat()).await;
    house
}

/// What a path is answered with, with one more header and without following anything.
async fn asked(house: &TestHouse, path: &str, header: (&str, &str)) -> reqwest::Response {
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    client.get(house.url(path)).header(header.0, header.1).send().await.unwrap()
}

async fn text_of(house: &TestHouse, path: &str, header: (&str, &str)) -> String {
    asked(house, path, header).await.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_theme_is_chosen_on_any_page_and_kept() {
    let house = TestHouse::demo().await;
    let plain = ("accept", "text/html");
    let chosen = asked(&house, "/designteam?theme=dark&q=a%26b", plain).await;
    assert_eq!(chosen.status(), 303);
    assert_eq!(chosen.headers()["location"], "/designteam?q=a%26b");
    assert_eq!(
        chosen.headers()["set-cookie"],
        "theme=dark; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"
    );
    let brought = ("cookie", "other=1; theme=dark");
    for path in
        ["/", "/designteam", "/designteam/1?embed", "/widgets", "/source/feed", "/nobody-here"]
    {
        let page = text_of(&house, path, brought).await;
        assert!(
            page.contains("<html lang=\"en\" dir=\"ltr\" data-theme=\"dark\""),
            "{path}: {page}"
        );
        assert!(page.contains("<meta name=\"color-scheme\" content=\"dark\">"), "{path}");
    }
    let page = text_of(&house, "/", brought).await;
    assert!(
        page.contains("<button name=\"theme\" value=\"dark\" aria-pressed=\"true\">Dark</button>"),
        "{page}"
    );
    // What is no theme is no choice, and nobody is led elsewhere.
    for (path, status) in [("/?theme=pink", 200), ("//evil.example/?theme=dark", 404)] {
        let answer = asked(&house, path, plain).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(!answer.headers().contains_key("set-cookie"), "{path}");
    }
    // An address that others are given says how it looks, and sets nothing.
    let framed = asked(&house, "/designteam?embed&theme=contrast", plain).await;
    assert!(!framed.headers().contains_key("set-cookie"));
    assert!(framed.text().await.unwrap().contains("data-theme=\"contrast\" data-embed>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_the_language_of_their_reader() {
    let house = house().await;
    let german = ("accept-language", "de-AT, en;q=0.5");
    let page = text_of(&house, "/ralph", german).await;
    for part in [
        "<html lang=\"de\" dir=\"ltr\" data-words=\"{",
        "Zum Inhalt springen",
        "aria-label=\"ralph durchsuchen\"",
        "gerade eben</time>",
        "<span data-say=\"open-alone\">Allein öffnen</span>",
        "<button name=\"lang\" value=\"de\" lang=\"de\" aria-pressed=\"true\">Deutsch</button>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    // Programs get the same whoever asks.
    let id = house.instance("ralph", "about").await;
    let json = text_of(&house, &format!("/ralph/{id}/json"), german).await;
    assert!(json.contains("Open alone") && !json.contains("Allein"), "{json}");
    // A choice goes over what the browser asks for.
    let chosen = asked(&house, "/ralph?lang=en&theme=light", german).await;
    assert_eq!(chosen.headers()["location"], "/ralph");
    let cookies: Vec<_> = chosen.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let kept = Client::new()
        .get(house.url("/ralph"))
        .header("cookie", "lang=en")
        .header(german.0, german.1);
    let page = kept.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<html lang=\"en\" dir=\"ltr\">"), "{page}");
    // Errors too, where a reader meets them.
    for (path, said) in [
        (
            "/nobody-here".to_owned(),
            "Einen Hub „nobody-here“ gibt es nicht, oder er ist nicht für dich.",
        ),
        (
            "/ralph/99999".into(),
            "Auf dem Hub „ralph“ gibt es kein Widget 99999; vielleicht wurde es entfernt.",
        ),
        ("/static/nothing".into(), "Eine Seite „/static/nothing“ gibt es nicht."),
    ] {
        let page = text_of(&house, &path, german).await;
        assert!(page.contains(said) && page.contains("<h1>Nicht hier</h1>"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_embedded_pages_may_be_framed_and_only_by_whom_the_settings_name() {
    let house = house().await;
    let id = house.instance("ralph", "about").await;
    let policy = async |path: &str| {
        let answer = asked(&house, path, ("sec-fetch-dest", "iframe")).await;
        let said = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let denied = answer.headers().contains_key("x-frame-options");
        (said, denied, answer.text().await.unwrap())
    };
    for path in ["/ralph?embed".into(), format!("/ralph/{id}?embed")] {
        let (said, denied, page) = policy(&path).await;
        let by = "frame-ancestors https://www.example.org https://*.example.net:8443";
        assert!(said.ends_with(by) && !denied, "{path}: {said}");
        assert!(
            page.contains("A word about Ralph") && page.contains("<base target=\"_top\">"),
            "{page}"
        );
        for absent in ["class=\"bar\"", "class=\"masthead\"", "class=\"page-foot\"", "data-editor"]
        {
            assert!(!page.contains(absent), "{path} has {absent}");
        }
    }
    for path in ["/ralph", "/?embed", "/source/feed?embed", "/nobody?embed"] {
        let (said, denied, _) = policy(path).await;
        assert!(said.ends_with("frame-ancestors 'none'") && denied, "{path}: {said}");
    }
    let demo = TestHouse::demo().await;
    let answer = asked(&demo, "/ralph?embed", ("sec-fetch-dest", "iframe")).await;
    let said = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(said.ends_with("frame-ancestors 'none'"), "{said}");
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_gets_text() {
    let house = house().await;
    let terminal = ("accept", "text/plain");
    let id = house.instance("ralph", "about").await;
    let alone = asked(&house, &format!("/ralph/{id}"), terminal).await;
    assert_eq!(alone.headers()["content-type"], "text/plain; charset=utf-8");
    insta::assert_snapshot!(alone.text().await.unwrap(), @r"
    About
    -----
    A word about Ralph

    just now
    ");
    let hub = text_of(&house, "/ralph", terminal).await;
    assert!(hub.starts_with("ralph\n=====\nWhat <ralph> does\n\nActivity\n--------\n"), "{hub}");
    assert!(hub.contains("Tom & <Jerry>") && hub.contains("Members: 0"), "{hub}");
    assert!(!hub.contains("Open alone") && !hub.contains("</"), "{hub}");
    let lost = asked(&house, "/nobody-here", terminal).await;
    assert_eq!(lost.status(), 404);
    assert_eq!(
        lost.text().await.unwrap(),
        "There is no hub `nobody-here`, or it is not for you.\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_badge_is_a_picture_of_a_widgets_main_figure() {
    let house = house().await;
    let id = house.instance("ralph", "feed").await;
    let path = format!("/ralph/{id}/badge.svg");
    let answer = asked(&house, &path, ("accept", "image/*")).await;
    assert_eq!(answer.headers()["content-type"], "image/svg+xml");
    assert_eq!(answer.headers()["cross-origin-resource-policy"], "cross-origin");
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let svg = answer.text().await.unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert_eq!(document.root_element().attribute("aria-label"), Some("Activity: 2"));
    assert_eq!(asked(&house, &path, ("if-none-match", &etag)).await.status(), 304);
    assert_eq!(house.get("/ralph/99999/badge.svg").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_reader_follows_a_hub_and_a_widget() {
    let house = house().await;
    let id = house.instance("ralph", "feed").await;
    let (_, page) = house.get_as_page("/ralph").await;
    assert!(
        page.contains("type=\"application/atom+xml\" title=\"ralph\" href=\"/ralph/feed.atom\"")
    );
    for path in ["/ralph/feed.atom".to_owned(), format!("/ralph/{id}/atom")] {
        let answer = asked(&house, &path, ("accept", "*/*")).await;
        assert_eq!(answer.headers()["content-type"], "application/atom+xml; charset=utf-8");
        let xml = answer.text().await.unwrap();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let entries: Vec<_> = document
            .descendants()
            .filter(|n| n.has_tag_name(("http://www.w3.org/2005/Atom", "entry")))
            .collect();
        assert_eq!(entries.len(), 2, "{xml}");
        let child = |name: &str| {
            let found = entries[0].children().find(|n| n.tag_name().name() == name).unwrap();
            found.text().unwrap_or_default().to_owned()
        };
        assert_eq!(child("updated"), "2014-05-13T16:53:20Z");
        let title = child("title");
        assert!(title.starts_with("ralph ") && title.contains("Café"), "{xml}");
        assert!(child("id").starts_with(&house.url("/ralph#2014")), "{xml}");
    }
    let about = house.instance("ralph", "about").await;
    for (path, said) in [
        (
            format!("/ralph/{about}/atom"),
            format!(
                "The widget {about} of `ralph` has no entries to follow: none of its lists has times."
            ),
        ),
        ("/nobody/feed.atom".into(), "There is no hub `nobody`, or it is not for you.".into()),
        (
            "/ralph/99999/atom".into(),
            "There is no widget 99999 on the hub `ralph`; it may have been removed.".into(),
        ),
    ] {
        let answer = asked(&house, &path, ("accept", "text/plain")).await;
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.text().await.unwrap(), format!("{said}\n"));
    }
    let empty = TestHouse::with(&[("hubs.toml", "[[hub]]\nname = \"x\"\n")]).await;
    let said = text_of(&empty, "/x/feed.atom", ("accept", "text/plain")).await;
    assert_eq!(said, "There is no page `/x/feed.atom`.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_in_a_hub_needs_no_script() {
    let house = house().await;
    let shown = async |query: &str| {
        let (_, page) = house.get_as_page(&format!("/ralph?q={query}")).await;
        let outs = page.matches("<article data-out class=").count();
        (page.matches("<article ").count() - outs, page)
    };
    let (all, page) = shown("").await;
    assert_eq!(all, 3);
    assert!(page.contains("action=\"/ralph\"") && page.contains("aria-label=\"Search ralph\""));
    let (found, page) = shown("word+ABOUT").await;
    assert_eq!(found, 1, "{page}");
    assert!(page.contains("value=\"word ABOUT\"") && page.contains("id=\"none\" hidden>"));
    // What only the menu or the foot of a card says is not on the hub.
    let (found, page) = shown("source").await;
    assert_eq!(found, 0, "{page}");
    assert!(page.contains("id=\"none\">Nothing on this hub has <q>source</q>."), "{page}");
    let (_, page) = shown("%3Cscript%3E").await;
    assert!(!page.contains("<script>") && page.contains("<q>&lt;script&gt;</q>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_for_its_members_says_so() {
    let closed =
        "[[hub]]\nname = \"ajar\"\nvisibility = \"preview\"\n[[hub.widget]]\nwidget = \"feed\"\n";
    let house = TestHouse::with(&[("hubs.toml", closed)]).await;
    let (_, page) = house.get_as_page("/ajar").await;
    assert!(
        page.contains("#lock\"") && page.contains("What is on this hub is for its members."),
        "{page}"
    );
    assert_eq!(house.get("/ajar/feed.atom").await.0, 404);
}

/// So many bytes may come over the wire for the first look at a hub, and its script may be so large.
const COLD_BYTES: usize = 60 << 10;
const SCRIPT_BYTES: usize = 10 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_look_costs_little() {
    let house = TestHouse::demo().await;
    for file in ["activity", "awards"] {
        let recording = format!("{}/tests/recordings/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
        house.replay(std::fs::read_to_string(recording).unwrap()).await;
    }
    for hub in ["designteam", "ralph"] {
        house.get(&format!("/{hub}")).await;
        house.idle().await;
        let (_, page) = house.get_as_page(&format!("/{hub}")).await;
        let linked = page.split(['"', '\'']).filter(|part| part.starts_with("/static/"));
        let mut files: Vec<&str> = linked.map(|file| file.split('#').next().unwrap()).collect();
        files.sort_unstable();
        files.dedup();
        let mut sum = packed(&house, &format!("/{hub}")).await;
        for file in files {
            let size = packed(&house, file).await;
            assert!(!file.contains(".js") || size <= SCRIPT_BYTES, "{file} has {size} bytes");
            sum += size;
        }
        assert!(sum <= COLD_BYTES, "{hub} costs {sum} bytes");
    }
}

/// Bytes of an answer as they are sent to a browser that takes gzip.
async fn packed(house: &TestHouse, path: &str) -> usize {
    let client = Client::builder().no_gzip().no_brotli().build().unwrap();
    let request =
        client.get(house.url(path)).header("accept-encoding", "gzip").header("accept", "text/html");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
    answer.bytes().await.unwrap().len()
}
