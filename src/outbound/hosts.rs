//! HOSTS: which servers a script may ask.

use std::fmt;
use url::{Host, Url};

/// `example.org` is that host at the scheme's own port, `*.example.org` every host below it (itself not),
/// `example.org:8080` that port.
#[derive(Debug, Clone)]
pub(super) struct HostList(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    below: bool,
    host: String,
    port: Option<u16>,
}

impl HostList {
    /// What is no host allows nothing; `hubs widget check` complains of it.
    pub(super) fn new(given: &[String]) -> Self {
        Self(given.iter().filter_map(|text| Entry::parse(text)).collect())
    }

    /// The entry that allows a URL, as HOSTS has it: few, however many hosts it stands for.
    pub(super) fn allowing(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        let entry = self.0.iter().find(|entry| {
            let port_fits = match entry.port {
                Some(port) => url.port_or_known_default() == Some(port),
                None => url.port().is_none(),
            };
            port_fits && entry.names(host)
        });
        entry.map(ToString::to_string)
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // In `[::1]` the colons are the address's own.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (text, None),
        };
        let (below, host) = host.strip_prefix("*.").map_or((false, host), |host| (true, host));
        // As URLs are read: lower case, punycode, one way to write an address.
        let host = Host::parse(host).ok()?.to_string();
        (!host.is_empty()).then_some(Self { below, host, port })
    }

    fn names(&self, host: &str) -> bool {
        if self.below {
            let front = host.strip_suffix(&self.host).and_then(|front| front.strip_suffix('.'));
            front.is_some_and(|front| !front.is_empty())
        } else {
            host == self.host
        }
    }
}

/// `"a", "b"`, or `none`.
impl fmt::Display for HostList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (n, entry) in self.0.iter().enumerate() {
            write!(f, "{}\"{entry}\"", if n > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What HOSTS would have to say to allow a URL.
pub(super) fn entry_for(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.into(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_allowed_by_its_name_and_port() {
        let check = |entry: &str, url: &str| {
            HostList::new(&[entry.to_string()]).allowing(&Url::parse(url).unwrap()).is_some()
        };
        for (entry, url, allowed) in [
            ("example.org", "https://example.org/x", true),
            ("Example.ORG", "http://example.org./", true),
            ("example.org", "https://example.org:443/", true),
            ("example.org", "https://example.org:8443/", false),
            ("example.org", "https://www.example.org/", false),
            ("example.org", "https://example.org.evil.com/", false),
            ("example.org", "https://evil.com/example.org", false),
            ("example.org", "https://evilexample.org/", false),
            ("*.example.org", "https://a.b.example.org/", true),
            ("*.example.org", "https://example.org/", false),
            ("*.example.org", "https://evilexample.org/", false),
            ("example.org:8080", "http://example.org:8080/", true),
            ("example.org:8080", "http://example.org/", false),
            ("example.org:443", "https://example.org/", true),
            ("bücher.example", "https://xn--bcher-kva.example/", true),
            ("[::1]:80", "http://[::1]:8080/", false),
            ("[::1]:8080", "http://[0::1]:8080/", true),
            ("[::1]", "http://[::1]/", true),
            ("127.0.0.1", "http://2130706433/", true),
            ("*", "https://example.org/", false),
            ("", "https://example.org/", false),
        ] {
            assert_eq!(check(entry, url), allowed, "{entry} for {url}");
        }
    }
}
