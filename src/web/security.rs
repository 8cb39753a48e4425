//! Headers that every answer has, and who may send messages in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use std::net::IpAddr;

/// Scripts, styles and connections come from here alone and nothing is inline. Images may come from anywhere over
/// HTTPS: avatars and badges live on other servers. No other page may show ours in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; manifest-src 'self'; frame-ancestors 'none'";

/// The policy of what some pages elsewhere may show in a frame: those that `[server] frame_ancestors` names.
#[derive(Clone)]
pub struct Framing(Option<HeaderValue>);

impl Framing {
    pub fn by(origins: &[String]) -> Self {
        let by = format!("frame-ancestors {}", origins.join(" "));
        let policy = POLICY.replace("frame-ancestors 'none'", &by);
        Self(HeaderValue::from_str(&policy).ok().filter(|_| !origins.is_empty()))
    }

    /// Lets an answer be framed, as far as anybody may.
    pub(super) fn allow(&self, response: &mut Response) {
        response.extensions_mut().insert(self.clone());
    }
}

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Fences an answer in.
pub(super) fn fenced(mut response: Response) -> Response {
    let framing = response.extensions_mut().remove::<Framing>();
    let answer = response.headers_mut();
    for (name, value) in HEADERS {
        answer.insert(name, HeaderValue::from_static(value));
    }
    if let Some(Framing(Some(policy))) = framing {
        answer.insert(header::CONTENT_SECURITY_POLICY, policy);
        answer.remove(header::X_FRAME_OPTIONS);
    }
    response
}

/// The same as a layer.
pub(super) async fn fence(response: Response) -> Response {
    fenced(response)
}

/// Whether a request comes straight from this machine, and from no web page of another site.
///
/// A proxy on this machine also connects from loopback, but says for whom; and a page elsewhere could make its
/// reader's browser send here, but not without an `Origin`, nor with a `Host` that is this machine's own name.
pub(super) fn is_local(peer: IpAddr, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    peer.to_canonical().is_loopback()
        && !forwarded
        && host.is_none_or(names_loopback)
        && is_same_origin(headers)
}

/// Whether a request comes from a page of ours, or from no page at all. `base` is where browsers find us.
pub(super) fn is_own(headers: &HeaderMap, base: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let by_origin = match headers.get(header::ORIGIN) {
        Some(origin) if origin.as_bytes() == base.as_bytes() => true,
        // A proxy takes the encryption off, so the rest of it can't tell http from https.
        Some(_) if base.starts_with("https://") => false,
        _ => is_same_origin(headers),
    };
    by_origin && site.is_none_or(|site| matches!(site, b"same-origin" | b"none"))
}

/// No `Origin` (no browser, or a plain link), or the one that this server is addressed by.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text =
        |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, from)| from == host)
        }
        (Some(_), None) => false,
    }
}

fn names_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_told_from_ours() {
        let own = |base: &str, headers: &[(&str, &str)]| {
            let pairs = headers.iter().map(|(n, v)| {
                (n.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap())
            });
            is_own(&pairs.collect(), base)
        };
        let (open, safe) = ("http://127.0.0.1:5000", "https://hubs.example.org");
        assert!(own(open, &[]) && own(safe, &[]), "no browser");
        let here = [("host", "localhost:5000"), ("origin", "http://localhost:5000")];
        assert!(own(open, &here) && !own(safe, &here));
        let proxied =
            [("host", "127.0.0.1:5000"), ("origin", safe), ("sec-fetch-site", "same-origin")];
        assert!(own(safe, &proxied));
        for foreign in [
            &[("host", "hubs.example.org"), ("origin", "http://hubs.example.org")][..],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", safe), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!own(safe, foreign), "{foreign:?}");
        }
    }

    fn check(peer: &str, headers: &[(&str, &str)]) -> bool {
        let pairs = headers
            .iter()
            .map(|(n, v)| (n.parse::<HeaderName>().unwrap(), v.parse::<HeaderValue>().unwrap()));
        is_local(peer.parse().unwrap(), &pairs.collect())
    }

    #[test]
    fn only_this_machine_itself_is_local() {
        assert!(check("127.0.0.1", &[("host", "127.0.0.1:5000")]));
        assert!(check("::1", &[("host", "[::1]:5000")]));
        assert!(check(
            "::ffff:127.0.0.1",
            &[("host", "localhost:5000"), ("origin", "http://localhost:5000")]
        ));
        assert!(!check("192.0.2.7", &[("host", "localhost:5000")]));
        assert!(
            !check("127.0.0.1", &[("x-forwarded-for", "192.0.2.7")]),
            "a proxy speaks for another"
        );
        assert!(!check(
            "127.0.0.1",
            &[("host", "localhost:5000"), ("origin", "https://evil.example")]
        ));
        assert!(
            !check("127.0.0.1", &[("host", "evil.example:5000")]),
            "a name that was rebound to this machine"
        );
    }
}
