//! Answers that are kept: what is given without asking, what is asked again and how, and to whom it is given.

use super::*;
use crate::cache::{Cache, MAX_ANSWER_BYTES};
use parking_lot::Mutex;

/// A client with a cache on a clock that stands, and a server whose answer changes; it keeps what it was asked.
struct Bench {
    outbound: Outbound,
    clock: Arc<Standing>,
    place: String,
    says: Arc<Mutex<Box<Answering>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

type Answering = dyn Fn(&str) -> String + Send;

impl Bench {
    async fn new(answering: impl Fn(&str) -> String + Send + 'static) -> Self {
        let says: Arc<Mutex<Box<Answering>>> = Arc::new(Mutex::new(Box::new(answering)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answers, questions) = (says.clone(), asked.clone());
        let place = server(move |mut stream, request| {
            let request = request.to_ascii_lowercase();
            let answer = answers.lock()(&request);
            questions.lock().push(request);
            async move {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await;
        let clock = Standing::new();
        let once =
            OutboundSettings { tries: 1, breaker_failures: 99, ..OutboundSettings::default() };
        let outbound = Outbound { clock: clock.clone(), ..client(true, "127.0.0.1") }
            .within(&once)
            .keeping(Cache::memory().answers(8 << 20));
        Self { outbound, clock, place, says, asked }
    }

    /// The server says this to everybody.
    async fn saying(headers: &str) -> Self {
        let answer = ok(headers, "one");
        Self::new(move |_| answer.clone()).await
    }

    fn now_says(&self, answering: impl Fn(&str) -> String + Send + 'static) {
        *self.says.lock() = Box::new(answering);
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, OutboundError> {
        self.ask_with(&self.outbound, path, headers).await
    }

    async fn ask_with(
        &self,
        outbound: &Outbound,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, OutboundError> {
        let url = format!("http://{}{path}", self.place);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let hosts = [self.place.clone()];
        let deadline = Instant::now() + Duration::from_secs(20);
        let get = Get { url: &url, headers: &headers, query: &[], hosts: &hosts, deadline };
        outbound.get(&get).await
    }

    async fn text(&self, path: &str, headers: &[(&str, &str)]) -> String {
        body(&self.ask(path, headers).await.unwrap())
    }

    fn requests(&self) -> usize {
        self.asked.lock().len()
    }

    fn last(&self) -> String {
        self.asked.lock().last().cloned().unwrap_or_default()
    }

    fn go_on(&self, seconds: u64) {
        self.clock.go_on(Duration::from_secs(seconds));
    }
}

fn body(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn ok(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn status(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n")
}

#[tokio::test]
async fn what_is_fresh_is_not_asked_for() {
    let bench = Bench::saying("Cache-Control: max-age=60\r\nX-Kept: yes\r\n").await;
    assert_eq!(bench.text("/", &[]).await, "one");
    bench.go_on(59);
    let answer = bench.ask("/", &[]).await.unwrap();
    assert_eq!((body(&answer).as_str(), answer.header("x-kept")), ("one", Some("yes")));
    assert_eq!(answer.header("age"), Some("59"));
    assert_eq!(bench.requests(), 1);
    bench.go_on(1);
    bench.ask("/", &[]).await.unwrap();
    assert_eq!(bench.requests(), 2);
    let kindness = bench.outbound.kindness();
    assert_eq!((kindness.hosts[0].requests, kindness.hosts[0].from_cache), (2, 1));
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_for_each_time() {
    for headers in [
        "",
        "Cache-Control: no-store\r\n",
        "Cache-Control: no-store, max-age=60\r\n",
        "Cache-Control: max-age=0\r\n",
        "Cache-Control: max-age=60\r\nAge: 60\r\n",
        "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        "Cache-Control: max-age=60\r\nVary: *\r\n",
        "Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\n",
    ] {
        let bench = Bench::saying(headers).await;
        bench.ask("/", &[]).await.unwrap();
        bench.ask("/", &[]).await.unwrap();
        assert_eq!(bench.requests(), 2, "{headers}");
    }
    let bench = Bench::new(|_| status(500, "Cache-Control: max-age=60\r\n")).await;
    bench.ask("/", &[]).await.unwrap();
    bench.ask("/", &[]).await.unwrap();
    assert_eq!(bench.requests(), 2);
}

#[tokio::test]
async fn a_validator_makes_asking_again_cheap_and_the_answer_fresh() {
    for (headers, condition) in [
        ("ETag: \"v1\"\r\n", "if-none-match: \"v1\""),
        ("ETag: W/\"v1\"\r\n", "if-none-match: w/\"v1\""),
        (
            "Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\n",
            "if-modified-since: thu, 01 jan 2015 00:00:00 gmt",
        ),
    ] {
        let bench =
            Bench::saying(&format!("Cache-Control: max-age=10\r\n{headers}X-Left: 9\r\n")).await;
        bench.ask("/", &[]).await.unwrap();
        bench.go_on(11);
        bench.now_says(|_| status(304, "Cache-Control: max-age=10\r\nX-Left: 8\r\n"));
        let answer = bench.ask("/", &[]).await.unwrap();
        assert!(bench.last().contains(condition), "{}", bench.last());
        assert_eq!((answer.status, body(&answer).as_str()), (200, "one"));
        assert_eq!(answer.header("x-left"), Some("8"), "headers are those of the 304");
        bench.go_on(9);
        assert_eq!(bench.text("/", &[]).await, "one");
        assert_eq!(bench.requests(), 2, "it is fresh again");
        assert_eq!(bench.outbound.kindness().hosts[0].revalidated, 1);
        // And a change comes through.
        bench.go_on(9);
        bench.now_says(|_| ok("ETag: \"v2\"\r\n", "two"));
        assert_eq!(bench.text("/", &[]).await, "two");
    }
}

#[tokio::test]
async fn a_304_about_something_else_is_not_believed() {
    let bench = Bench::saying("ETag: \"v1\"\r\n").await;
    bench.ask("/", &[]).await.unwrap();
    bench.now_says(|request| {
        if request.contains("if-none-match") {
            status(304, "ETag: \"v9\"\r\n")
        } else {
            ok("ETag: \"v9\"\r\n", "nine")
        }
    });
    assert_eq!(bench.text("/", &[]).await, "nine");
}

#[tokio::test]
async fn nobody_gets_what_another_token_opened() {
    let bench = Bench::new(|request| {
        let whose =
            request.lines().find(|line| line.starts_with("authorization")).unwrap_or("nobody");
        ok("Cache-Control: private, max-age=60\r\n", whose)
    })
    .await;
    let one = [("Authorization", "Bearer one")];
    let two = [("Authorization", "Bearer two")];
    for _ in 0..2 {
        assert_eq!(bench.text("/", &one).await, "authorization: bearer one");
        assert_eq!(bench.text("/", &two).await, "authorization: bearer two");
        assert_eq!(bench.text("/", &[]).await, "nobody");
        assert_eq!(bench.text("/", &[("Cookie", "a=b")]).await, "nobody");
    }
    assert_eq!(bench.requests(), 4);
}

#[tokio::test]
async fn no_secret_of_a_request_is_kept() {
    let bench = Bench::saying("Cache-Control: max-age=60\r\n").await;
    let outbound = bench.outbound.clone();
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    let outbound = outbound.keeping(cache.answers(1 << 20));
    let headers = [("Authorization", "Bearer s3cr3t-header"), ("X-Key", "s3cr3t-other")];
    bench.ask_with(&outbound, "/?token=s3cr3t-query", &headers).await.unwrap();
    cache.close().unwrap();
    let mut files = 0;
    let mut folders = vec![folder.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = std::fs::read(&entry).unwrap();
            assert!(!bytes.windows(6).any(|word| word == b"s3cr3t"), "{}", entry.display());
            files += 1;
        }
    }
    assert!(files > 0);
}

#[tokio::test]
async fn what_varies_is_kept_for_each() {
    let bench = Bench::new(|request| {
        let german = request.contains("accept-language: de");
        ok(
            "Cache-Control: max-age=60\r\nVary: Accept-Language\r\n",
            if german { "eins" } else { "one" },
        )
    })
    .await;
    for _ in 0..2 {
        assert_eq!(bench.text("/", &[("Accept-Language", "de")]).await, "eins");
        assert_eq!(bench.text("/", &[("Accept-Language", "en")]).await, "one");
        assert_eq!(bench.text("/", &[]).await, "one");
    }
    assert_eq!(bench.requests(), 3);
}

#[tokio::test]
async fn a_script_may_ask_past_what_is_kept() {
    let bench = Bench::saying("Cache-Control: max-age=60\r\nETag: \"v1\"\r\n").await;
    bench.ask("/", &[]).await.unwrap();
    bench.ask("/", &[("Cache-Control", "no-cache")]).await.unwrap();
    assert!(bench.last().contains("if-none-match"));
    bench.now_says(|_| status(304, ""));
    let own = bench.ask("/", &[("If-None-Match", "\"mine\"")]).await.unwrap();
    assert_eq!(own.status, 304, "who brings a condition wants its answer");
    assert_eq!(bench.requests(), 3);
    assert_eq!(bench.text("/", &[]).await, "one");
    assert_eq!(bench.requests(), 3);
}

#[tokio::test]
async fn an_old_answer_stands_in_for_a_failure_where_the_server_said_so() {
    for (said, stands_in) in [
        ("max-age=10, stale-if-error=60", true),
        ("max-age=10", false),
        ("max-age=10, must-revalidate, stale-if-error=60", false),
        ("max-age=10, stale-if-error=20", false),
    ] {
        let bench = Bench::saying(&format!("Cache-Control: {said}\r\nETag: \"v1\"\r\n")).await;
        bench.ask("/", &[]).await.unwrap();
        bench.go_on(40);
        bench.now_says(|_| status(503, ""));
        let answer = bench.ask("/", &[]).await.unwrap();
        assert_eq!(answer.status, if stands_in { 200 } else { 503 }, "{said}");
        bench.now_says(|_| String::new());
        assert_eq!(bench.ask("/", &[]).await.is_ok(), stands_in, "{said}");
        bench.now_says(|_| status(404, ""));
        assert_eq!(bench.ask("/", &[]).await.unwrap().status, 404, "that is no failure");
    }
}

#[tokio::test]
async fn who_knows_of_a_change_gets_nothing_from_before() {
    let bench = Bench::saying("Cache-Control: max-age=600, stale-if-error=600\r\n").await;
    bench.ask("/", &[]).await.unwrap();
    bench.go_on(10);
    let changed = bench.outbound.since(bench.clock.wall());
    bench.now_says(|_| status(503, ""));
    assert_eq!(bench.ask_with(&changed, "/", &[]).await.unwrap().status, 503);
    bench.now_says(|_| ok("Cache-Control: max-age=600\r\n", "two"));
    assert_eq!(body(&bench.ask_with(&changed, "/", &[]).await.unwrap()), "two");
    let before = bench.requests();
    for _ in 0..10 {
        assert_eq!(body(&bench.ask_with(&changed, "/", &[]).await.unwrap()), "two");
    }
    assert_eq!(bench.requests(), before, "one request for all who know of the change");
}

#[tokio::test]
async fn each_redirect_is_kept_by_itself_and_looked_at_each_time() {
    let bench = Bench::new(|request| {
        if request.starts_with("get /old") {
            let headers = "Cache-Control: max-age=60\r\nLocation: /new\r\nContent-Length: 0\r\n";
            format!("HTTP/1.1 301 Moved\r\nConnection: close\r\n{headers}\r\n")
        } else {
            ok("Cache-Control: no-store\r\n", "new")
        }
    })
    .await;
    assert_eq!(bench.text("/old", &[]).await, "new");
    assert_eq!(bench.text("/old", &[]).await, "new");
    assert_eq!(bench.requests(), 3);
}

#[tokio::test]
async fn what_no_longer_holds_is_forgotten() {
    let bench = Bench::saying("Cache-Control: max-age=10\r\nETag: \"v1\"\r\n").await;
    bench.ask("/", &[]).await.unwrap();
    bench.go_on(11);
    bench.now_says(|_| ok("Cache-Control: no-store\r\n", "two"));
    bench.ask("/", &[]).await.unwrap();
    bench.ask("/", &[]).await.unwrap();
    assert!(!bench.last().contains("if-none-match"));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_given_but_not_kept() {
    let long = "x".repeat(MAX_ANSWER_BYTES + 1);
    let bench = Bench::new(move |_| ok("Cache-Control: max-age=60\r\n", &long)).await;
    let limits = Limits { response_bytes: 8 << 20, ..bench.outbound.limits };
    let outbound = Outbound { limits, ..bench.outbound.clone() };
    for _ in 0..2 {
        let answer = bench.ask_with(&outbound, "/", &[]).await.unwrap();
        assert_eq!(answer.body.len(), MAX_ANSWER_BYTES + 1);
    }
    assert_eq!(bench.requests(), 2);
}

#[tokio::test]
async fn many_who_ask_whether_it_still_holds_ask_once() {
    let bench = Bench::saying("ETag: \"v1\"\r\n").await;
    bench.ask("/", &[]).await.unwrap();
    bench.now_says(|_| status(304, ""));
    let all = futures_util::future::join_all((0..50).map(|_| bench.ask("/", &[]))).await;
    assert!(all.into_iter().all(|answer| body(&answer.unwrap()) == "one"));
    assert_eq!(bench.requests(), 2);
    let kindness = bench.outbound.kindness();
    assert_eq!((kindness.hosts[0].revalidated, kindness.hosts[0].shared), (1, 49));
}

#[tokio::test]
async fn what_is_recorded_comes_from_the_server() {
    let bench = Bench::saying("Cache-Control: max-age=60\r\n").await;
    let answers = bench.outbound.answers.clone().unwrap();
    bench.ask("/", &[]).await.unwrap();
    let recording = Outbound::recording(&sandbox(true), Cassette::empty()).keeping(answers);
    bench.ask_with(&timed(recording, bench.clock.clone()), "/", &[]).await.unwrap();
    assert_eq!(bench.requests(), 2);
}
