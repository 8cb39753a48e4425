//! The client against servers that wish it ill.

mod forbidden;
mod kept;
mod kind;

use super::clock::Standing;
use super::{address::Found, *};
use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// Every name is at this address.
struct Everywhere(IpAddr);

impl Lookup for Everywhere {
    fn lookup(&self, _: String) -> Found {
        let address = self.0;
        Box::pin(async move { Ok(vec![address]) })
    }
}

fn sandbox(allow_private: bool) -> Sandbox {
    Sandbox {
        allow_private_addresses: allow_private,
        max_response_bytes: 64 * 1024,
        http_timeout: Duration::from_secs(5),
        ..Sandbox::default()
    }
}

fn client(allow_private: bool, address: &str) -> Outbound {
    let names = Everywhere(address.parse().unwrap());
    let outbound = Outbound::with_lookup(&sandbox(allow_private), Arc::new(names)).unwrap();
    timed(outbound, Standing::new())
}

/// On another clock, so that nothing is waited for.
fn timed(outbound: Outbound, clock: Arc<Standing>) -> Outbound {
    Outbound { clock, ..outbound }.within(&OutboundSettings::default())
}

async fn get(outbound: &Outbound, url: &str, hosts: &[&str]) -> Result<Answer, OutboundError> {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    outbound.get(&Get { url, headers: &[], query: &[], hosts: &hosts, deadline }).await
}

async fn refusal(outbound: &Outbound, url: &str, hosts: &[&str]) -> String {
    get(outbound, url, hosts).await.unwrap_err().to_string()
}

/// A server that hands each connection, its request read, to `speak`. Gives its `host:port`.
async fn server<F>(speak: impl Fn(TcpStream, String) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            request.truncate(length);
            tokio::spawn(speak(stream, String::from_utf8_lossy(&request).into_owned()));
        }
    });
    place
}

/// The same answer to everybody.
async fn server_that_says(answer: String) -> String {
    server(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

fn redirect_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

#[tokio::test]
async fn an_answer_arrives_whatever_its_status() {
    let mock = MockServer::start().await;
    Mock::given(matchers::path("/user"))
        .and(matchers::query_param("name", "r & l"))
        .and(matchers::header("user-agent", concat!("hubs/", env!("CARGO_PKG_VERSION"))))
        .respond_with(
            ResponseTemplate::new(404).insert_header("X-Why", "gone").set_body_string("no"),
        )
        .mount(&mock)
        .await;
    let hosts = [mock.address().to_string()];
    let answer = client(true, "127.0.0.1")
        .get(&Get {
            url: &format!("{}/user", mock.uri()),
            headers: &[],
            query: &[("name".into(), "r & l".into())],
            hosts: &hosts,
            deadline: Instant::now() + Duration::from_secs(20),
        })
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (404, &b"no"[..]));
    assert!(answer.headers.contains(&("x-why".into(), "gone".into())));
}

#[tokio::test]
async fn what_must_not_be_asked_is_refused_before_anything_is_sent() {
    let outbound = client(false, "8.8.8.8");
    for (url, said) in [
        (
            "example.org",
            "`example.org` is no URL (relative URL without a base): write it whole, as in `https://example.org/path`",
        ),
        (
            "ftp://example.org/x?key=secret",
            "`ftp://example.org/x` has the scheme `ftp`: only http and https are fetched",
        ),
        (
            "file:///etc/passwd",
            "`file:///etc/passwd` has the scheme `file`: only http and https are fetched",
        ),
        (
            "https://ralph:secret@example.org/",
            "the URL of `https://example.org/` has a user name or password in it: send a header instead",
        ),
        (
            "https://other.org:81/?key=secret",
            "`other.org:81` is not in the script's HOSTS (\"example.org\", \"127.0.0.1\"): add \"other.org:81\" to them",
        ),
        (
            "http://2130706433/",
            "`127.0.0.1` is at 127.0.0.1, which is not on the public internet: scripts reach such addresses only with \
             `[sandbox] allow_private_addresses = true` in hubs.toml",
        ),
    ] {
        assert_eq!(refusal(&outbound, url, &["example.org", "127.0.0.1"]).await, said);
    }
    let long = format!("https://example.org/{}", "x".repeat(MAX_URL_BYTES));
    assert!(refusal(&outbound, &long, &["example.org"]).await.contains("longer than 8192 bytes"));
    assert!(refusal(&outbound, "https://a.b/", &[]).await.contains("HOSTS (none)"));
}

#[tokio::test]
async fn a_script_cannot_set_the_headers_of_the_connection() {
    let outbound = client(false, "8.8.8.8");
    let said = async |name: &str, value: &str| {
        let headers = [(name.to_string(), value.to_string())];
        let hosts = ["a.b".to_string()];
        let deadline = Instant::now() + Duration::from_secs(20);
        let request =
            Get { url: "https://a.b/", headers: &headers, query: &[], hosts: &hosts, deadline };
        outbound.get(&request).await.unwrap_err().to_string()
    };
    assert_eq!(
        said("Host", "evil").await,
        "header `Host` can't be sent: the client sets it itself"
    );
    assert_eq!(
        said("X-A", "b\r\nHost: evil").await,
        "header `X-A` can't be sent: its value has a line break or other control characters"
    );
    assert!(said("X A", "b").await.contains("this is no header name"));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let place = server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()).await;
    let host = place.replace("127.0.0.1", "inside.example");
    let url = format!("http://{host}/");
    let said = refusal(&client(false, "127.0.0.1"), &url, &[&host]).await;
    assert!(said.starts_with("`inside.example` is at 127.0.0.1, which is not on"), "{said}");
    assert_eq!(get(&client(true, "127.0.0.1"), &url, &[&host]).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_redirect_gets_no_further_than_a_request() {
    let outbound = client(true, "127.0.0.1");
    let secret =
        server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".into()).await;
    let to_secret = server_that_says(redirect_to(&format!("http://{secret}/?token=1"))).await;
    let from = format!("http://{to_secret}/");
    assert_eq!(
        refusal(&outbound, &from, &[&to_secret]).await,
        format!(
            "`{from}` redirects on, and there it ends: `{secret}` is not in the script's HOSTS (\"{to_secret}\"): \
             add \"{secret}\" to them, or give the address that it leads to"
        )
    );
    let answer = get(&outbound, &from, &[&to_secret, &secret]).await.unwrap();
    assert_eq!(&answer.body[..], b"secret");

    let to_file = server_that_says(redirect_to("file:///etc/passwd")).await;
    let said = refusal(&outbound, &format!("http://{to_file}/"), &[&to_file]).await;
    assert!(said.ends_with("has the scheme `file`: only http and https are fetched"), "{said}");

    let circle = server_that_says(redirect_to("/again")).await;
    assert_eq!(
        refusal(&outbound, &format!("http://{circle}/"), &[&circle]).await,
        format!("`http://{circle}/again` is still a redirect after 5 others")
    );
    let nowhere = server_that_says(redirect_to("http://[")).await;
    let said = refusal(&outbound, &format!("http://{nowhere}/"), &[&nowhere]).await;
    assert!(said.ends_with("redirects to what is no URL"), "{said}");
}

#[tokio::test]
async fn headers_do_not_travel_on_to_another_server() {
    let echo = server(|mut stream, request| async move {
        let answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let first = server_that_says(redirect_to(&format!("http://{echo}/"))).await;
    let headers = [("Authorization".to_string(), "Bearer secret".to_string())];
    let hosts = [first.clone(), echo.clone()];
    let fetch = async |url: String| {
        let deadline = Instant::now() + Duration::from_secs(20);
        let request = Get { url: &url, headers: &headers, query: &[], hosts: &hosts, deadline };
        let answer = client(true, "127.0.0.1").get(&request).await.unwrap();
        String::from_utf8_lossy(&answer.body).contains("Bearer secret")
    };
    assert!(fetch(format!("http://{echo}/")).await);
    assert!(!fetch(format!("http://{first}/")).await);
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let endless = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_eq!(
        refusal(&client(true, "127.0.0.1"), &format!("http://{endless}/"), &[&endless]).await,
        format!(
            "`http://{endless}/` answers with more than 65536 bytes (`[sandbox] max_response_bytes`)"
        )
    );
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_large_one_ends_at_the_limit() {
    // A mebibyte of zeros, by `gzip -9`: about a kilobyte.
    const ZEROS: &[u8] = include_bytes!("../zeros.gz");
    assert!(ZEROS.len() < 2048);
    let mock = MockServer::start().await;
    let packed =
        ResponseTemplate::new(200).insert_header("Content-Encoding", "gzip").set_body_bytes(ZEROS);
    Mock::given(matchers::any()).respond_with(packed).mount(&mock).await;
    let said =
        refusal(&client(true, "127.0.0.1"), &mock.uri(), &[&mock.address().to_string()]).await;
    assert!(said.contains("answers with more than 65536 bytes"), "{said}");
}

#[tokio::test]
async fn a_server_that_dawdles_costs_no_more_than_the_deadline() {
    let slow = server(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await;
        // Holds the connection for ever, and says nothing more.
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let url = format!("http://{slow}/?token=secret");
    let short = Sandbox { http_timeout: Duration::from_millis(50), ..sandbox(true) };
    let said = refusal(&Outbound::new(&short).unwrap(), &url, &[&slow]).await;
    assert_eq!(
        said,
        format!("`http://{slow}/` did not answer in time: `[sandbox] http_timeout` is over")
    );
    let hosts = [slow.clone()];
    let deadline = Instant::now() + Duration::from_millis(50);
    let request = Get { url: &url, headers: &[], query: &[], hosts: &hosts, deadline };
    let said = client(true, "127.0.0.1").get(&request).await.unwrap_err().to_string();
    assert!(said.ends_with("the script's deadline is over"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    drop(listener);
    let said = refusal(&client(true, "127.0.0.1"), &format!("http://{place}/"), &[&place]).await;
    assert!(said.starts_with("`127.0.0.1` is not reachable: "), "{said}");
    let nonsense = server_that_says("this is not HTTP\r\n\r\n".into()).await;
    let url = format!("http://{nonsense}/");
    let said = refusal(&client(true, "127.0.0.1"), &url, &[&nonsense]).await;
    assert!(
        said.starts_with(&format!("the answer of `{url}` broke off or makes no sense")),
        "{said}"
    );
}

#[tokio::test]
async fn who_asks_the_same_shares_one_flight() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (go, wait) = tokio::sync::watch::channel(false);
    let counted = asked.clone();
    let place = server(move |mut stream, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut wait = wait.clone();
        async move {
            let _ = wait.wait_for(|&go| go).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    })
    .await;
    let (outbound, url) = (client(true, "127.0.0.1"), format!("http://{place}/"));
    let hosts = [place.as_str()];
    let everybody = futures_util::future::join_all((0..20).map(|_| get(&outbound, &url, &hosts)));
    let hurried = async {
        let hosts = [place.clone()];
        let request =
            Get { url: &url, headers: &[], query: &[], hosts: &hosts, deadline: Instant::now() };
        let said = outbound.get(&request).await.unwrap_err();
        assert!(matches!(said, OutboundError::TooSlow { .. }));
        go.send_replace(true);
    };
    let (answers, ()) = tokio::join!(everybody, hurried);
    assert!(answers.iter().all(|a| a.as_ref().is_ok_and(|a| &a.body[..] == b"ok")));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // What has landed is nobody's flight any more.
    get(&outbound, &url, &hosts).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
