//! Retries, the limits of each host and its breaker, against servers that count.

use super::*;

/// A client on a clock that stands, and a server that gives these answers, one after another, the last again and again.
struct Bench {
    outbound: Outbound,
    clock: Arc<Standing>,
    place: String,
    asked: Arc<AtomicUsize>,
}

impl Bench {
    async fn new(settings: OutboundSettings, answers: &[&str]) -> Self {
        let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let place = server(move |mut stream, _| {
            let at = counted.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let answer = answers[at].clone();
            async move {
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await;
        let clock = Standing::new();
        let outbound =
            Outbound { clock: clock.clone(), ..client(true, "127.0.0.1") }.within(&settings);
        Self { outbound, clock, place, asked }
    }

    async fn get(&self) -> Result<Answer, OutboundError> {
        get(&self.outbound, &format!("http://{}/x?key=secret", self.place), &[&self.place]).await
    }

    async fn status(&self) -> u16 {
        self.get().await.unwrap().status
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn waited_millis(&self) -> Vec<u128> {
        self.clock.waited().iter().map(Duration::as_millis).collect()
    }
}

fn says(status: u16, headers: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: 2\r\n\r\nok")
}

#[tokio::test]
async fn a_passing_failure_is_asked_again_after_doubling_waits() {
    for status in [429, 502, 503, 504] {
        let (bad, good) = (says(status, ""), says(200, ""));
        let bench = Bench::new(OutboundSettings::default(), &[&bad, &bad, &good]).await;
        assert_eq!(bench.status().await, 200);
        assert_eq!(bench.waited_millis(), [400, 800], "{status}");
        let kindness = bench.outbound.kindness();
        let host = &kindness.hosts[0];
        assert_eq!((host.requests, host.retried, &host.host), (3, 2, &bench.place));
        assert_eq!(kindness.left_alone, []);
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_asked_again() {
    for status in [200, 304, 400, 401, 403, 404, 410, 500, 501] {
        let bench = Bench::new(OutboundSettings::default(), &[&says(status, "")]).await;
        assert_eq!(bench.status().await, status);
        assert_eq!(bench.asked(), 1, "{status}");
    }
}

#[tokio::test]
async fn tries_come_to_an_end_and_then_the_last_answer_counts() {
    let bench = Bench::new(OutboundSettings::default(), &[&says(503, "X-Last: yes\r\n")]).await;
    let answer = bench.get().await.unwrap();
    assert_eq!((answer.status, answer.header("x-last")), (503, Some("yes")));
    assert_eq!(bench.asked(), 3);
    let once = OutboundSettings { tries: 1, ..OutboundSettings::default() };
    let bench = Bench::new(once, &[&says(503, "")]).await;
    assert_eq!((bench.status().await, bench.asked()), (503, 1));
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let bench = Bench::new(OutboundSettings::default(), &["", &says(200, "")]).await;
    assert_eq!((bench.status().await, bench.asked()), (200, 2));
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it";
    let bench = Bench::new(OutboundSettings::default(), &[half, &says(200, "")]).await;
    assert_eq!((bench.status().await, bench.asked()), (200, 2));
}

#[tokio::test]
async fn a_server_that_says_when_is_asked_then() {
    // The clock shows 2026-01-01T12:01:40Z.
    for (when, millis) in [("7", 7_400), ("Thu, 01 Jan 2026 12:01:45 GMT", 5_400), ("0", 400)] {
        let busy = says(429, &format!("Retry-After: {when}\r\n"));
        let bench = Bench::new(OutboundSettings::default(), &[&busy, &says(200, "")]).await;
        assert_eq!(bench.status().await, 200);
        assert_eq!(bench.waited_millis(), [millis], "{when}");
    }
}

#[tokio::test]
async fn what_can_not_begin_before_the_deadline_is_not_waited_for() {
    let busy = says(503, "Retry-After: 20\r\n");
    let bench = Bench::new(OutboundSettings::default(), &[&busy, &says(200, "")]).await;
    assert_eq!((bench.status().await, bench.asked()), (503, 1));
    assert_eq!(bench.waited_millis(), []);
}

#[tokio::test]
async fn a_host_that_fails_again_and_again_is_left_alone_until_one_try_succeeds() {
    let settings =
        OutboundSettings { tries: 1, breaker_failures: 3, ..OutboundSettings::default() };
    let (bad, good) = (says(503, ""), says(200, ""));
    let bench = Bench::new(settings, &[&bad, &bad, &bad, &bad, &good]).await;
    for _ in 0..3 {
        assert_eq!(bench.status().await, 503);
    }
    let said = bench.get().await.unwrap_err().to_string();
    let place = &bench.place;
    assert_eq!(
        said,
        format!(
            "`{place}` failed 3 times in a row and is left alone since 2026-01-01T12:01:40Z; the next try is at \
             2026-01-01T12:02:10Z (`[outbound] breaker_failures`, `breaker_pause`). What it failed with: status 503"
        )
    );
    assert_eq!(bench.asked(), 3);
    let kindness = bench.outbound.kindness();
    assert_eq!((kindness.hosts[0].refused, kindness.left_alone.len()), (1, 1));
    assert_eq!(kindness.left_alone[0].host, *place);

    bench.clock.go_on(Duration::from_secs(30));
    assert_eq!(bench.status().await, 503, "the one that tries");
    assert!(bench.get().await.is_err(), "it failed, so the host is left alone for longer");
    bench.clock.go_on(Duration::from_mins(1));
    assert_eq!(bench.status().await, 200);
    assert_eq!(bench.status().await, 200);
    assert_eq!(bench.outbound.kindness().left_alone, []);
}

#[tokio::test]
async fn the_breaker_ends_retries_too() {
    let settings =
        OutboundSettings { tries: 9, breaker_failures: 2, ..OutboundSettings::default() };
    let bench = Bench::new(settings, &[&says(502, "")]).await;
    assert_eq!((bench.status().await, bench.asked()), (502, 2));
}

#[tokio::test]
async fn answers_that_are_no_failures_do_not_open_the_breaker() {
    let settings = OutboundSettings { breaker_failures: 1, ..OutboundSettings::default() };
    let bench = Bench::new(settings, &[&says(404, "")]).await;
    for _ in 0..5 {
        assert_eq!(bench.status().await, 404);
    }
}

#[tokio::test]
async fn a_host_is_asked_no_more_than_so_often_a_minute() {
    let settings = OutboundSettings { requests_per_minute: 8, ..OutboundSettings::default() };
    let bench = Bench::new(settings, &[&says(200, "")]).await;
    for _ in 0..4 {
        assert_eq!(bench.status().await, 200);
    }
    assert_eq!(bench.waited_millis(), [7_500, 7_500], "two at once, then evenly");
    let kindness = bench.outbound.kindness();
    assert_eq!((kindness.hosts[0].requests, kindness.hosts[0].waited), (4, 2));

    let url = format!("http://{}/x", bench.place);
    let hosts = [bench.place.clone()];
    let deadline = Instant::now() + Duration::from_secs(5);
    let hurried = Get { url: &url, headers: &[], query: &[], hosts: &hosts, deadline };
    assert_eq!(
        bench.outbound.get(&hurried).await.unwrap_err().to_string(),
        format!(
            "`{}` is asked as often as it may be, 8 times a minute (`[outbound] requests_per_minute`): the next turn \
             is in 7.5 s, and the script's deadline is before",
            bench.place
        )
    );
}

#[tokio::test]
async fn a_host_has_no_more_requests_at_once_than_it_may() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (go, wait) = tokio::sync::watch::channel(false);
    let counted = (now.clone(), most.clone());
    let place = server(move |mut stream, _| {
        let (now, most) = counted.clone();
        let mut wait = wait.clone();
        async move {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(count, Ordering::SeqCst);
            let _ = wait.wait_for(|&go| go).await;
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(says(200, "").as_bytes()).await;
        }
    })
    .await;
    let settings = OutboundSettings { requests_at_once: 2, ..OutboundSettings::default() };
    let outbound = client(true, "127.0.0.1").within(&settings);
    let urls: Vec<String> = (0..10).map(|n| format!("http://{place}/{n}")).collect();
    let hosts = [place.as_str()];
    let all = futures_util::future::join_all(urls.iter().map(|url| get(&outbound, url, &hosts)));
    let opened = async {
        while now.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        go.send_replace(true);
    };
    let (answers, ()) = tokio::join!(all, opened);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(outbound.kindness().hosts[0].waited, 8);
}

#[tokio::test]
async fn a_cassette_that_is_played_is_neither_asked_again_nor_counted() {
    let text = r#"{ "exchanges": [
        { "request": { "method": "GET", "url": "https://example.org/" }, "response": { "status": 503, "text": "" } },
        { "request": { "method": "GET", "url": "https://example.org/" }, "response": { "status": 200, "text": "" } }
    ] }"#;
    let cassette = Cassette::parse("c.json", text).unwrap();
    let outbound = Outbound::replaying(&sandbox(false), cassette);
    let status =
        async || get(&outbound, "https://example.org/", &["example.org"]).await.unwrap().status;
    assert_eq!((status().await, status().await), (503, 200));
    assert_eq!(outbound.kindness(), Kindness::default());
}

#[tokio::test]
async fn of_what_is_recorded_the_last_try_is_kept() {
    let (bad, good) = (says(503, ""), says(200, ""));
    let bench = Bench::new(OutboundSettings::default(), &[&bad, &good]).await;
    let recording = Outbound::recording(&sandbox(true), Cassette::empty());
    let outbound = timed(recording, bench.clock.clone());
    let url = format!("http://{}/", bench.place);
    assert_eq!(get(&outbound, &url, &[&bench.place]).await.unwrap().status, 200);
    assert_eq!(outbound.cassette().unwrap().len(), 1);
    let played = Outbound::replaying(&sandbox(true), outbound.cassette().unwrap());
    assert_eq!(get(&played, &url, &[&bench.place]).await.unwrap().status, 200);
}
