//! How a whole house treats other servers: many readers, few requests; and that it says so.

use crate::harness::{PATIENCE, TestHouse};
use futures_util::StreamExt;
use hubs::outbound::Kindness;
use serde_json::json;
use std::fmt::Write;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

const WIDGETS: usize = 100;
const URLS: usize = 5;
const VIEWS: usize = 10_000;
/// Of them at once.
const AT_ONCE: usize = 500;

/// Shows what a server says under one of five addresses.
const NEWS: &str = r#"
//! What is new.
const HOSTS = ["PLACE"];
const PARAMETERS = #{ number: #{ kind: "integer", help: "Which page" } };
fn should_invalidate(message, widget) { message.topic.ends_with("news.changed") }
fn data(widget) { #{ text: http::get("http://PLACE/" + widget.config.number).text() } }
"#;

/// A server whose pages all change at once; each is fresh for an hour, says its server.
struct News {
    server: MockServer,
    edition: Arc<AtomicUsize>,
}

impl News {
    async fn start() -> Self {
        let (server, edition) = (MockServer::start().await, Arc::new(AtomicUsize::new(1)));
        let printed = edition.clone();
        let answer = move |request: &Request| {
            let tag = format!("\"{}\"", printed.load(Ordering::SeqCst));
            let kept = request.headers.get("if-none-match").is_some_and(|it| *it == tag.as_str());
            let answer = ResponseTemplate::new(if kept { 304 } else { 200 })
                .insert_header("Cache-Control", "max-age=3600")
                .insert_header("ETag", tag.as_str());
            if kept { answer } else { answer.set_body_string(format!("edition {tag}")) }
        };
        Mock::given(matchers::any()).respond_with(answer).mount(&server).await;
        Self { server, edition }
    }

    fn place(&self) -> String {
        self.server.address().to_string()
    }

    async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    async fn house(&self) -> TestHouse {
        let mut hubs =
            "[sandbox]\nallow_private_addresses = true\n[[hub]]\nname = \"town\"\n".to_owned();
        for n in 0..WIDGETS {
            let number = n % URLS;
            let _ = write!(
                hubs,
                "[[hub.widget]]\nwidget = \"news\"\nconfig = {{ number = {number} }}\n"
            );
        }
        TestHouse::with(&[
            ("hubs.toml", &hubs),
            ("widgets/news.rhai", &NEWS.replace("PLACE", &self.place())),
            ("templates/widgets/news.html", "<p>{{ text }}</p>"),
        ])
        .await
    }
}

fn message(id: &str) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.news.changed", "id": id,
        "headers": { "sent-at": "2026-11-01T12:00:00+00:00" }, "body": {},
    });
    format!("{message}\n")
}

/// Ten thousand looks at the widgets, in turn; how many showed this edition.
async fn view(house: &TestHouse, ids: &[u64], edition: usize) -> usize {
    let text = format!("edition \"{edition}\"");
    let views = futures_util::stream::iter((0..VIEWS).map(|n| {
        let url = house.url(&format!("/town/{}/json", ids[n % ids.len()]));
        let request = house.client().get(url).send();
        async move { request.await.unwrap().json::<serde_json::Value>().await.unwrap() }
    }));
    let views = views.buffer_unordered(AT_ONCE);
    let showing = views.filter(|view| std::future::ready(view["data"]["text"] == text.as_str()));
    tokio::time::timeout(4 * PATIENCE, showing.count()).await.expect("all views are answered")
}

async fn doctor(house: &TestHouse, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
    command
        .args(["doctor", "kindness", "--to", &house.url("")])
        .args(arguments)
        .env_remove("HUBS_INGEST_TOKEN");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_views_of_a_hundred_widgets_ask_once_for_each_address_and_change() {
    let news = News::start().await;
    let house = news.house().await;
    let ids = house.json("/town/json").await["widgets"].clone();
    let ids: Vec<u64> = ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    assert_eq!(ids.len(), WIDGETS);
    // All come while nothing is built yet.
    view(&house, &ids, 1).await;
    house.idle().await;
    assert_eq!(view(&house, &ids, 1).await, VIEWS);
    assert_eq!(news.requests().await, URLS);

    // A change: one more request for each address, though all of them are fresh for an hour.
    news.edition.store(2, Ordering::SeqCst);
    tokio::join!(house.replay(message("m-1")), view(&house, &ids, 1));
    assert_eq!(view(&house, &ids, 2).await, VIEWS);
    assert_eq!(news.requests().await, 2 * URLS);

    // A message behind which nothing changed: asked once, answered without a body.
    house.replay(message("m-2")).await;
    assert_eq!(view(&house, &ids, 2).await, VIEWS);
    assert_eq!(news.requests().await, 3 * URLS);

    let (code, said) = doctor(&house, &["--format", "json"]).await;
    assert_eq!(code, 0, "{said}");
    let kindness: Kindness = serde_json::from_str(&said).unwrap();
    let [host] = &kindness.hosts[..] else { panic!("{said}") };
    assert_eq!(host.host, news.place());
    assert_eq!((host.requests, host.revalidated, host.retried), (3 * URLS as u64, URLS as u64, 0));
    let spared = 3 * (WIDGETS - URLS) as u64;
    assert_eq!(host.from_cache + host.shared, spared, "every other rebuild was spared it: {said}");

    let (_, metrics) = house.get("/metrics").await;
    let line = metrics.lines().find(|line| {
        line.starts_with("hubs_outbound_total")
            && line.contains(&news.place())
            && line.contains("\"requests\"")
    });
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    // The counters are the process's: another test may have had a server on the same port.
    assert!(count.is_some_and(|count| count >= 3 * URLS), "{line:?}");
}

#[tokio::test]
async fn a_doctor_tells_a_person_or_says_that_nobody_is_there() {
    let news = News::start().await;
    let mut house = news.house().await;
    let (code, said) = doctor(&house, &[]).await;
    assert_eq!((code, said.as_str()), (0, "no other server was asked since this one started\n"));
    let id = house.instance("town", "news").await;
    house.get(&format!("/town/{id}/json")).await;
    house.idle().await;
    let (code, said) = doctor(&house, &[]).await;
    assert_eq!(code, 0, "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("host ") && lines[0].contains("revalidated"), "{said}");
    assert!(lines[1].starts_with(&news.place()), "{said}");

    let (code, said) = doctor(&house, &["--token", "wrong"]).await;
    assert_eq!(code, 2);
    assert!(said.contains("answers 401") && said.contains("ingest_token"), "{said}");
    // What is kept outlives a new start.
    let asked = news.requests().await;
    house.restart().await;
    assert_eq!(doctor(&house, &[]).await.0, 0);
    assert_eq!(news.requests().await, asked);
}

/// Shows what is new at an address that its owner set.
const FEED: &str = r#"
//! What is new elsewhere.
const HOSTS = ["config.url"];
const REFRESH = "1h";
const PARAMETERS = #{ url: #{ kind: "url", help: "Which feed" } };
fn data(widget) { #{ title: http::get(widget.config.url).feed().title } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_widget_reaches_the_host_that_its_owner_set_and_no_other() {
    let (set, other) = (MockServer::start().await, MockServer::start().await);
    let feed = "<rss version=\"2.0\"><channel><title>News</title></channel></rss>";
    let feed = ResponseTemplate::new(200).set_body_raw(feed, "application/rss+xml");
    Mock::given(matchers::path("/feed")).respond_with(feed.clone()).mount(&set).await;
    Mock::given(matchers::any()).respond_with(feed).expect(0).mount(&other).await;
    for (at, to) in [("/moved", "/feed".into()), ("/away", format!("{}/feed", other.uri()))] {
        let answer = ResponseTemplate::new(302).insert_header("Location", to.as_str());
        Mock::given(matchers::path(at)).respond_with(answer).mount(&set).await;
    }
    let mut hubs =
        "[sandbox]\nallow_private_addresses = true\n[[hub]]\nname = \"town\"\n".to_owned();
    for at in ["/feed", "/moved", "/away"] {
        let _ = write!(
            hubs,
            "[[hub.widget]]\nwidget = \"elsewhere\"\nconfig = {{ url = \"{}{at}\" }}\n",
            set.uri()
        );
    }
    let house = TestHouse::with(&[
        ("hubs.toml", &hubs),
        ("widgets/elsewhere.rhai", FEED),
        ("templates/widgets/elsewhere.html", "<p>{{ title }}</p>"),
    ])
    .await;
    let ids = house.json("/town/json").await["widgets"].clone();
    let mut said = Vec::new();
    for id in ids.as_array().unwrap() {
        house.json(&format!("/town/{id}/json")).await;
        house.idle().await;
        let view = house.json(&format!("/town/{id}/json")).await;
        let found = view["data"]["title"].as_str().or(view["error"].as_str());
        said.push(found.unwrap_or_else(|| panic!("{view}")).to_owned());
    }
    assert_eq!(said[..2], ["News", "News"]);
    let place = other.address();
    assert!(
        said[2].contains(&format!("there it ends: `{place}` is not in the script's HOSTS"))
            && said[2].contains("or give the address that it leads to"),
        "{}",
        said[2]
    );
}

/// Shows what FAS says of somebody.
const PERSON: &str = r#"
//! Who somebody is.
const PARAMETERS = #{ username: #{ kind: "username", help: "Who" } };
fn should_invalidate(message, widget) {
    message.topic.ends_with(".fas.user.update") && message.msg.user == widget.config.username
}
fn data(widget) { #{ name: fas::user(widget.config.username).human_name } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fas_said_is_kept_until_a_message_tells_of_a_change() {
    let server = MockServer::start().await;
    for human_name in ["Before", "After"] {
        let body = json!({ "result": { "username": "ralph", "human_name": human_name } });
        let answer = ResponseTemplate::new(200).set_body_json(body);
        let asked = Mock::given(matchers::path("/v1/users/ralph/"));
        asked.respond_with(answer).up_to_n_times(1).expect(1).mount(&server).await;
    }
    let widget = "[[hub.widget]]\nwidget = \"person\"\nconfig = { username = \"ralph\" }\n";
    let settings = format!(
        "[sandbox]\nallow_private_addresses = true\n[fas]\nurl = \"{}\"\nusername = \"hubs\"\npassword = \"hunter2\"\n\
         [[hub]]\nname = \"town\"\n{widget}{widget}",
        server.uri()
    );
    let house = TestHouse::with(&[
        ("hubs.toml", &settings),
        ("widgets/person.rhai", PERSON),
        ("templates/widgets/person.html", "<p>{{ name }}</p>"),
    ])
    .await;
    let ids = house.json("/town/json").await["widgets"].clone();
    let ids: Vec<u64> = ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    let names = async || {
        let mut names = Vec::new();
        for id in &ids {
            house.json(&format!("/town/{id}/json")).await;
            house.idle().await;
            let view = house.json(&format!("/town/{id}/json")).await;
            names
                .push(view["data"]["name"].as_str().unwrap_or_else(|| panic!("{view}")).to_owned());
        }
        names.join(" ")
    };
    // One question for two cards.
    assert_eq!(names().await, "Before Before");
    let update = |id: &str, user: &str| {
        json!({
            "topic": "org.fedoraproject.prod.fas.user.update", "id": id,
            "headers": { "sent-at": "2026-11-01T12:00:00+00:00" },
            "body": { "agent": user, "user": user, "fields": ["human_name"] },
        })
    };
    house.replay(format!("{}\n", update("1", "mizmo"))).await;
    house.idle().await;
    assert_eq!(names().await, "Before Before");
    house.replay(format!("{}\n", update("2", "ralph"))).await;
    house.idle().await;
    assert_eq!(names().await, "After After");
}
