//! The gallery of widgets: all of them, one with its preview, and the reference of what scripts may call.

use crate::harness::{PATIENCE, TestHouse};

const GREETING: &str = r#"//! Greets **somebody**.
const TITLE = "Greeting";
const CHROME = #{ style: "info", hide_when_empty: "names" };
const PARAMETERS = #{
    who: #{ kind: "username", help: "Whom to greet" },
    times: #{ kind: "integer", default: 1, min: 1, max: 3 },
    loud: #{ kind: "boolean", default: false },
};
const REFRESH = "1h";
fn data(widget) {
    if widget.config.who == "nobody" {
        throw "nobody is there";
    }
    #{ names: if widget.config.who == "none" { [] } else { [widget.config.who] }, loud: widget.config.loud }
}
"#;
const CASE: &str =
    "[[case]]\nname = \"a friend is greeted\"\nconfig = { who = \"duffy\" }\ninvalidated_by = []\n";

async fn house() -> TestHouse {
    TestHouse::with(&[
        ("widgets/greeting.rhai", GREETING),
        (
            "templates/widgets/greeting.html",
            "<p>Hello {{ names | series }}{% if loud %}!{% endif %}</p>",
        ),
        ("tests/widgets/greeting.toml", CASE),
        ("widgets/broken.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{ a: }\n"),
        ("templates/widgets/broken.html", ""),
    ])
    .await
}

/// The text of a page, as a reader has it.
fn plain(html: &str) -> String {
    hubs::render::plain(html)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gallery_has_every_widget_with_what_it_is_for() {
    let house = house().await;
    let (status, page) = house.get("/widgets").await;
    assert_eq!(status, 200);
    for name in ["badges", "feed", "greeting", "stats"] {
        assert!(page.contains(&format!("href=\"/widgets/{name}\"")), "{name} is missing");
    }
    assert!(plain(&page).contains("Open Badges that a contributor has earned, newest first."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_widgets_by_name_title_and_documentation() {
    let house = house().await;
    let (_, page) = house.get("/widgets?q=open+badges").await;
    assert!(page.contains("href=\"/widgets/badges\"") && !page.contains("href=\"/widgets/stats\""));
    let (_, page) = house.get("/widgets?q=%22%3E%3Cscript%3E").await;
    assert!(!page.contains("\"><script>"), "what was searched for is escaped");
    assert!(plain(&page).contains("There are none."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_is_shown_with_the_settings_of_its_first_case() {
    let house = house().await;
    let (status, page) = house.get("/widgets/greeting").await;
    assert_eq!(status, 200);
    let text = plain(&page);
    assert!(page.contains("<p>Hello duffy</p>"), "{page}");
    assert!(page.contains("class=\"card info\""));
    assert!(text.contains("As in its case “a friend is greeted”"), "{text}");
    assert!(text.contains("Whom to greet: a username, as in ralph"), "{text}");
    assert!(text.contains("every 1 h"), "{text}");
    assert!(page.contains("<strong>somebody</strong>"), "its documentation is Markdown");
    assert!(
        page.contains("name=\"times\" value=\"\" placeholder=\"1\" min=\"1\" max=\"3\" step=\"1\""),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_example_has_the_messages_answers_hub_and_clock_of_its_case() {
    let script = r#"const HOSTS = ["example.org"];
const REFRESH = "1h";
fn data(widget) {
    let stored = datanommer::grep(#{ users: ["ralph"] });
    #{
        said: stored.messages[0].summary,
        answer: http::get("https://example.org/a").json().word,
        hub: widget.hub.name,
        roles: hubs::of("ralph").owner.len(),
        now: now(),
    }
}
"#;
    let case = "[[case]]\nname = \"all\"\nnow = \"2026-01-01T12:00:00Z\"\nhub = { name = \"infra\", owners = [\"ralph\"] }\n\
        datanommer = [\"a.jsonl\"]\ncassette = \"a.json\"\ninvalidated_by = []\n";
    let award = r#"{"topic":"org.fedoraproject.prod.fedbadges.badge.award","msg_id":"2014-1","timestamp":1400000000,"i":1,"msg":{"user":{"username":"ralph"},"badge":{"name":"Kind","badge_id":"kind"}}}"#;
    let cassette = r#"{"exchanges":[{"request":{"method":"GET","url":"https://example.org/a"},"response":{"status":200,"headers":{},"json":{"word":"recorded"}}}]}"#;
    let house = TestHouse::with(&[
        ("widgets/world.rhai", script),
        (
            "templates/widgets/world.html",
            "<p>{{ said }}|{{ answer }}|{{ hub }}|{{ roles }}|{{ now }}</p>",
        ),
        ("tests/widgets/world.toml", case),
        ("tests/recordings/a.jsonl", award),
        ("tests/cassettes/a.json", cassette),
    ])
    .await;
    let (_, page) = house.get("/widgets/world").await;
    let text = plain(&page);
    assert!(
        text.contains(
            "ralph has been awarded the \"Kind\" badge|recorded|infra|1|2026-01-01T12:00:00Z"
        ),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_is_the_configuration() {
    let house = house().await;
    let (_, page) = house.get("/widgets/greeting?who=ralph&times=&loud=true").await;
    assert!(page.contains("<p>Hello ralph!</p>"), "{page}");
    assert!(page.contains("name=\"who\" value=\"ralph\""), "the form keeps what was given");
    assert!(!page.contains("As in its case"));
    let (_, page) = house.get("/widgets/greeting?who=none").await;
    assert!(plain(&page).contains("On a hub this card is hidden now: names is empty."));
    assert!(plain(&page).contains("\"names\": []"), "its data is there to look at");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_fit_are_told_beside_their_fields() {
    let house = house().await;
    let (status, page) = house.get("/widgets/greeting?who=a/b&times=9&wo=x").await;
    assert_eq!(status, 200);
    let text = plain(&page);
    for said in [
        "Greeting can't be shown with these settings.",
        "`who` of widget `greeting` is \"a/b\", but must be a username, as in `ralph`",
        "`times` of widget `greeting` is 9, but must be a whole number from 1 to 3",
        "widget `greeting` has no parameter `wo`; did you mean `who`?",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(page.matches("class=\"field wrong\"").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_fails_shows_where() {
    let house = house().await;
    let (_, page) = house.get("/widgets/greeting?who=nobody").await;
    let text = plain(&page);
    assert!(text.contains("Its script failed."), "{text}");
    assert!(
        text.contains("widgets/greeting.rhai:12:9\n12 |         throw \"nobody is there\";\n"),
        "{text}"
    );
    let (status, page) = house.get("/widgets/broken").await;
    let text = plain(&page);
    assert!(status == 200 && text.contains("widgets/broken.rhai:2"), "{text}");
    assert!(text.contains("Once its script compiles it is shown here."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_fails_shows_where() {
    let house = house().await;
    house.write("templates/widgets/failing.html", "<p>{{ nowhere.at.all }}</p>");
    house.write("widgets/failing.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{ a: 1 } }\n");
    let house = {
        let mut house = house;
        house.restart().await;
        house
    };
    let (_, page) = house.get("/widgets/failing").await;
    let text = plain(&page);
    assert!(text.contains("Its template failed."), "{text}");
    assert!(text.contains("templates/widgets/failing.html:1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_the_example_alone() {
    let house = house().await;
    for (header, value) in [
        ("x-forwarded-for", "192.0.2.7"),
        ("host", "evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = house.client().get(house.url("/widgets/greeting?who=ralph"));
        let page = request.header(header, value).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("Hello duffy") && !page.contains("Hello ralph"), "{header}: {page}");
        assert!(!page.contains("data-preview"), "{header}");
        assert!(plain(&page).contains("who: Whom to greet: a username"), "{}", plain(&page));
        let request = house.client().get(house.url("/widgets/broken"));
        let answer = request.header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_setting_says_which() {
    let house = TestHouse::with(&[
        ("widgets/bare.rhai", "const REFRESH = \"1h\";\nconst PARAMETERS = #{ who: #{ kind: \"username\" } };\nfn data(widget) { #{ a: widget.config.who } }\n"),
        ("templates/widgets/bare.html", "<p>{{ a }}</p>"),
    ])
    .await;
    let (_, page) = house.get("/widgets/bare").await;
    assert!(plain(&page).contains("Give `who` to see it here."), "{}", plain(&page));
    assert!(!page.contains("class=\"field wrong\""), "nothing was given yet, so nothing is wrong");
    let (status, page) = house.get("/widgets/bages").await;
    assert!(status == 404 && plain(&page).contains("There is no kind of widget named `bages`."));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_has_a_chapter_for_each_module() {
    let house = house().await;
    let (status, page) = house.get("/widgets/script-reference").await;
    assert_eq!(status, 200);
    for chapter in ["http", "datanommer", "lists", "message", "templates"] {
        assert!(page.contains(&format!("<h2 id=\"{chapter}\">")), "{chapter}");
    }
    assert!(plain(&page).contains("http::get(url[, #{ headers, query }])"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gallery_has_nothing_inline_that_the_policy_would_refuse() {
    let house = house().await;
    for path in [
        "/widgets",
        "/widgets/greeting",
        "/widgets/greeting?who=nobody",
        "/widgets/script-reference",
    ] {
        let answer = house.client().get(house.url(path)).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        let page = answer.text().await.unwrap();
        for inline in ["<style", " style=", " onclick=", " onload=", " onerror=", "javascript:"] {
            assert!(!page.contains(inline), "{path} has `{inline}`");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}");
    }
}

const COUNTER: &str = r#"//! How many builds of one person succeeded.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };
fn should_invalidate(message, widget) {
    message.topic.ends_with("copr.build.end")
        && message.msg.user == widget.config.username
        && message.msg.chroot.len() > 3
}
fn data(widget) { #{ count: 1 } }
"#;
const COUNTERS: &str = r#"
[[hub]]
name = "ralph"
[[hub.widget]]
widget = "counter"
config = { username = "ralph" }

[[hub]]
name = "secret"
visibility = "private"
[[hub.widget]]
widget = "counter"
config = { username = "ralph" }
"#;
const COUNTER_CASES: &str = r#"
[[case]]
name = "a build of its user redraws it"
config = { username = "ralph" }
messages = ["builds.jsonl"]
invalidated_by = ["m-1"]

[[case]]
name = "nothing redraws it"
config = { username = "ralph" }
messages = ["builds.jsonl"]
invalidated_by = []
"#;

fn build(id: &str, chroot: &str) -> String {
    let message = serde_json::json!({
        "topic": "org.fedoraproject.prod.copr.build.end",
        "id": id,
        "headers": { "sent-at": "2026-11-01T12:00:00+00:00" },
        "body": { "user": "ralph", "chroot": chroot },
    });
    format!("{message}\n")
}

async fn counters() -> TestHouse {
    TestHouse::with(&[
        ("hubs.toml", COUNTERS),
        ("widgets/counter.rhai", COUNTER),
        ("templates/widgets/counter.html", "<p>{{ count }} builds</p>"),
        ("tests/widgets/counter.toml", COUNTER_CASES),
        ("widgets/clock.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{ now: now() } }\n"),
        ("templates/widgets/clock.html", "<p>{{ now }}</p>"),
        ("tests/recordings/builds.jsonl", &build("m-1", "fedora-44")),
    ])
    .await
}

/// The page once the cases are run: each look may be the one that begins the run.
async fn with_cases(house: &TestHouse, path: &str) -> String {
    let looking = async {
        loop {
            let (_, page) = house.get(path).await;
            if !page.contains("data-running") {
                return page;
            }
            assert!(plain(&page).contains("Look again"), "{}", plain(&page));
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the cases come to an end")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_which_messages_a_widget_is_asked_about() {
    let house = counters().await;
    let (_, page) = house.get("/widgets/counter").await;
    let text = plain(&page);
    assert!(text.contains("Which messages it is asked about"), "{text}");
    assert!(text.contains("widget.config.username"), "{text}");
    assert!(
        text.contains("the script is asked about those of which this may be true"),
        "the length is not known without the script: {text}"
    );
    let (_, page) = house.get("/widgets/badges").await;
    assert!(plain(&page).contains("This alone decides, without running the script"), "{page}");
    let (_, page) = house.get("/widgets/clock").await;
    assert!(plain(&page).contains("None: time alone makes it new."), "{page}");
    assert!(!page.contains("Asked within the last hour"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_instances_were_asked_lately_leads_to_why() {
    let house = counters().await;
    let (_, page) = house.get("/widgets/counter").await;
    assert!(plain(&page).contains("No message could have concerned one on a public hub."));
    house.replay(build("m-1", "fedora-44") + build("m/2", "el9").as_str()).await;
    let (_, page) = house.get("/widgets/counter").await;
    let id = house.instance("ralph", "counter").await;
    for (message, answer) in [("m-1", "ralph: yes"), ("m%2F2", "ralph: no")] {
        let link = format!("<a href=\"/ralph/{id}/why?message={message}\">{answer}</a>");
        assert!(page.contains(&link), "{link}\n{page}");
        let (status, _) = house.get(&format!("/ralph/{id}/why?message={message}")).await;
        assert_eq!(status, 200);
    }
    assert!(!page.contains("secret"), "a hub that is not public is not named");
    assert!(!page.contains(" more</p>"), "nor counted: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_edit_sees_whether_the_cases_hold() {
    let house = counters().await;
    let text = plain(&with_cases(&house, "/widgets/counter").await);
    assert!(text.contains("a build of its user redraws it"), "{text}");
    assert!(text.contains("passed") && text.contains("failed\n"), "{text}");
    assert!(
        text.contains("`m-1` invalidates the widget, but `invalidated_by` does not name it"),
        "{text}"
    );

    // A change of the case file alone is noticed by the next page.
    let mended = COUNTER_CASES.replace("invalidated_by = []", "invalidated_by = [\"m-1\"]");
    house.write("tests/widgets/counter.toml", &mended);
    let text = plain(&with_cases(&house, "/widgets/counter").await);
    assert!(text.contains("passed") && !text.contains("failed\n"), "{text}");

    house.write("tests/widgets/counter.toml", &mended.replace("messages", "mesages"));
    let text = plain(&with_cases(&house, "/widgets/counter").await);
    assert!(text.contains("They can’t be run: tests/widgets/counter.toml:5:1"), "{text}");
    assert!(text.contains("a build of its user redraws it") && text.contains("not run"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_told_whether_cases_hold() {
    let house = counters().await;
    let request = house.client().get(house.url("/widgets/counter"));
    let request = request.header("x-forwarded-for", "192.0.2.7");
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("a build of its user redraws it"));
    for told in ["data-running", "class=\"verdict", "hubs widget test"] {
        assert!(!page.contains(told), "{told}: {page}");
    }
}
