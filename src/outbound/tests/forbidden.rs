//! Ways to an address or a host that a script must not reach: each is refused, and by name.

use super::*;

/// What is tried, in words; the URL; where names are; what is said of it.
type Case = (&'static str, &'static str, &'static str, &'static str);

const PUBLIC: &str = "8.8.8.8";

const INSIDE: &str = "which is not on the public internet";

/// HOSTS name the host itself each time: that they do must not help.
const CASES: &[Case] = &[
    ("loopback", "http://127.0.0.1/", PUBLIC, "`127.0.0.1` is at 127.0.0.1,"),
    ("loopback, another one", "http://127.8.8.8/", PUBLIC, "is at 127.8.8.8,"),
    ("in hexadecimal", "http://0x7f.1/", PUBLIC, "is at 127.0.0.1,"),
    ("in hexadecimal, whole", "http://0x7f000001/", PUBLIC, "is at 127.0.0.1,"),
    ("in octal", "http://017700000001/", PUBLIC, "is at 127.0.0.1,"),
    ("in octal, by parts", "http://0177.0.0.01/", PUBLIC, "is at 127.0.0.1,"),
    ("as one number", "http://2130706433/", PUBLIC, "is at 127.0.0.1,"),
    ("with parts left out", "http://127.1/", PUBLIC, "is at 127.0.0.1,"),
    ("with a dot at the end", "http://127.0.0.1./", PUBLIC, "is at 127.0.0.1,"),
    ("in full-width digits", "http://１２７.０.０.１/", PUBLIC, "is at 127.0.0.1,"),
    ("with another full stop", "http://127。0。0。1/", PUBLIC, "is at 127.0.0.1,"),
    ("percent-encoded", "http://%31%32%37.0.0.1/", PUBLIC, "is at 127.0.0.1,"),
    ("any address", "http://0.0.0.0/", PUBLIC, "is at 0.0.0.0,"),
    ("nothing but zero", "http://0/", PUBLIC, "is at 0.0.0.0,"),
    ("loopback of IPv6", "http://[::1]/", PUBLIC, "is at ::1,"),
    ("IPv4 mapped into IPv6", "http://[::ffff:127.0.0.1]/", PUBLIC, "is at ::ffff:127.0.0.1,"),
    ("mapped, in hexadecimal", "http://[::ffff:7f00:1]/", PUBLIC, "is at ::ffff:127.0.0.1,"),
    ("IPv4-compatible IPv6", "http://[::127.0.0.1]/", PUBLIC, "not on the public internet"),
    ("NAT64", "http://[64:ff9b::10.0.0.1]/", PUBLIC, "is at 64:ff9b::a00:1,"),
    ("6to4", "http://[2002:7f00:1::]/", PUBLIC, "is at 2002:7f00:1::,"),
    ("private, 10", "http://10.0.0.1/", PUBLIC, "is at 10.0.0.1,"),
    ("private, 172", "http://172.16.5.4/", PUBLIC, "is at 172.16.5.4,"),
    ("private, 192", "http://192.168.1.1/", PUBLIC, "is at 192.168.1.1,"),
    ("unique local", "http://[fd00::1]/", PUBLIC, "is at fd00::1,"),
    ("link-local", "http://169.254.1.1/", PUBLIC, "is at 169.254.1.1,"),
    ("link-local of IPv6", "http://[fe80::1]/", PUBLIC, "is at fe80::1,"),
    ("metadata of clouds", "http://169.254.169.254/latest/", PUBLIC, "is at 169.254.169.254,"),
    ("metadata as a number", "http://2852039166/", PUBLIC, "is at 169.254.169.254,"),
    ("metadata of IPv6", "http://[fd00:ec2::254]/", PUBLIC, "is at fd00:ec2::254,"),
    ("metadata of another cloud", "http://100.100.100.200/", PUBLIC, "is at 100.100.100.200,"),
    ("broadcast", "http://255.255.255.255/", PUBLIC, "is at 255.255.255.255,"),
    ("multicast", "http://224.0.0.1/", PUBLIC, "is at 224.0.0.1,"),
    ("localhost", "http://localhost/", "127.0.0.1", "`localhost` is at 127.0.0.1,"),
    ("a name inside", "http://inside.example/", "10.1.2.3", "`inside.example` is at 10.1.2.3,"),
    ("a name with a dot at its end", "http://inside.example./", "10.1.2.3", "is at 10.1.2.3,"),
    ("a name in capitals", "http://INSIDE.example/", "10.1.2.3", "is at 10.1.2.3,"),
    ("a name that is mapped", "http://a.example/", "::ffff:10.0.0.1", "is at ::ffff:10.0.0.1,"),
    ("a name of metadata", "http://metadata.google.internal/", "169.254.169.254", INSIDE),
    ("a name that holds the address", "http://127.0.0.1.nip.example/", "127.0.0.1", INSIDE),
];

/// What HOSTS or the URL itself forbid; `good.example` is all that is listed.
const UNLISTED: &[(&str, &str, &str)] = &[
    ("a user name", "https://ralph@good.example/", "has a user name or password in it"),
    ("a password", "https://:x@good.example/", "has a user name or password in it"),
    (
        "a user name that looks like the host",
        "https://good.example@evil.example/",
        "has a user name",
    ),
    ("the same, with a port", "https://good.example:80@evil.example/", "has a user name"),
    (
        "a backslash",
        "https://evil.example\\@good.example/",
        "`evil.example` is not in the script's HOSTS",
    ),
    ("another port", "https://good.example:22/", "`good.example:22` is not in the script's HOSTS"),
    ("the port of the other scheme", "http://good.example:443/", "`good.example:443` is not in"),
    ("a host below it", "https://x.good.example/", "`x.good.example` is not in"),
    ("a host that begins so", "https://good.example.evil.example/", "is not in the script's HOSTS"),
    ("a host that ends so", "https://evilgood.example/", "`evilgood.example` is not in"),
    ("a letter that looks alike", "https://gооd.example/", "`xn--gd-fmca.example` is not in"),
    ("an address", "https://8.8.8.8/", "`8.8.8.8` is not in the script's HOSTS"),
    ("a file", "file:///etc/passwd", "only http and https are fetched"),
    ("a file of the host", "file://good.example/etc/passwd", "only http and https are fetched"),
    ("gopher", "gopher://good.example:6379/_FLUSHALL", "only http and https are fetched"),
    ("data", "data:text/plain,hello", "only http and https are fetched"),
    ("no host", "http://", "is no URL"),
    ("a zone", "http://[fe80::1%25eth0]/", "is no URL"),
    ("too large a number", "http://4294967296/", "is no URL"),
    ("a line break in the host", "http://good.exa\r\nmple:80x/", "is no URL"),
];

fn host_of(url: &str) -> String {
    Url::parse(url).unwrap().host_str().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[tokio::test]
async fn no_spelling_leads_inside() {
    for (what, url, address, said) in CASES {
        let outbound = client(false, address);
        let refused = refusal(&outbound, url, &[&host_of(url)]).await;
        assert!(refused.contains(said) && refused.contains(INSIDE), "{what}, {url}: {refused}");
        assert!(refused.contains("allow_private_addresses"), "{what}: {refused}");
        let asked = outbound.kindness();
        let sent = asked.hosts.first().map_or(0, |host| host.requests);
        assert!(sent == 0 || *address != PUBLIC, "{what}: what the URL shows is not even tried");
    }
}

#[tokio::test]
async fn nothing_but_what_hosts_name_is_asked() {
    for (what, url, said) in UNLISTED {
        let refused = refusal(&client(false, PUBLIC), url, &["good.example"]).await;
        assert!(refused.contains(said), "{what}, {url}: {refused}");
    }
}

/// The first server is reached by a name whose address nobody minds, so that the second hop alone is judged.
#[tokio::test]
async fn no_redirect_leads_where_a_request_may_not_go() {
    let strict = |outbound: Outbound| {
        let limits = Limits { allow_private: false, ..outbound.limits };
        Outbound { limits, ..outbound }
    };
    for (what, url, _, said) in CASES.iter().filter(|(_, _, address, _)| *address == PUBLIC) {
        let place = server_that_says(redirect_to(&ascii(url))).await;
        let first = place.replace("127.0.0.1", "first.example");
        let hosts = [first.as_str(), &host_of(url)];
        let outbound = strict(client(true, "127.0.0.1"));
        let refused = refusal(&outbound, &format!("http://{first}/"), &hosts).await;
        assert!(refused.contains(said) && refused.contains(INSIDE), "{what}, {url}: {refused}");
        assert!(refused.contains("redirects on, and there it ends"), "{what}: {refused}");
        assert_eq!(outbound.kindness().hosts[0].requests, 1, "{what}");
    }
    for (what, url, said) in UNLISTED.iter().filter(|(_, _, said)| *said != "is no URL") {
        let place = server_that_says(redirect_to(&ascii(url))).await;
        let first = place.replace("127.0.0.1", "first.example");
        let outbound = strict(client(true, "127.0.0.1"));
        let refused =
            refusal(&outbound, &format!("http://{first}/"), &[&first, "good.example"]).await;
        assert!(refused.contains(said), "{what}, {url}: {refused}");
    }
}

/// A header is ASCII: what is not is written as a server would.
fn ascii(url: &str) -> String {
    if url.is_ascii() { url.to_owned() } else { Url::parse(url).unwrap().to_string() }
}

/// Gives each address once, and counts.
struct Turns {
    asked: AtomicUsize,
    turns: Vec<IpAddr>,
}

impl Lookup for Turns {
    fn lookup(&self, _: String) -> Found {
        let at = self.asked.fetch_add(1, Ordering::SeqCst).min(self.turns.len() - 1);
        let address = self.turns[at];
        Box::pin(async move { Ok(vec![address]) })
    }
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let good = server_that_says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into()).await;
    let host = good.replace("127.0.0.1", "rebind.example");
    // Were the name looked up a second time, it would be somewhere where nobody listens.
    let turns = ["127.0.0.1", "127.99.99.99"].map(|address| address.parse().unwrap());
    let names = Arc::new(Turns { asked: AtomicUsize::new(0), turns: turns.into() });
    let outbound = Outbound::with_lookup(&sandbox(true), names.clone()).unwrap();
    let answer = get(&outbound, &format!("http://{host}/"), &[&host]).await.unwrap();
    assert_eq!((answer.status, names.asked.load(Ordering::SeqCst)), (200, 1));

    // A name that turns inside between two requests is refused at the second.
    let turns = vec!["127.0.0.1".parse().unwrap()];
    let names = Arc::new(Turns { asked: AtomicUsize::new(0), turns });
    let outbound = Outbound::with_lookup(&sandbox(false), names).unwrap();
    let refused = refusal(&outbound, &format!("http://{host}/"), &[&host]).await;
    assert!(refused.contains("`rebind.example` is at 127.0.0.1"), "{refused}");
}

#[test]
fn there_are_enough_of_them() {
    assert!(CASES.len() + UNLISTED.len() >= 50);
}
