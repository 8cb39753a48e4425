//! Which addresses a script may reach, checked on what a name resolves to and not on the name.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

/// From a name to its addresses; tests hand in their own.
pub(super) trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> Found;
}

pub(super) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// As the operating system resolves names.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> Found {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect())
        })
    }
}

/// A resolver that hands the client only addresses that it may connect to. The client connects to these and asks no
/// second time, so a name that changes its mind in between (DNS rebinding) gains nothing.
pub(super) struct Checked {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) allow_private: bool,
}

/// A name whose addresses are all inside our own network, and the first of them.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not on the public internet")]
pub(super) struct RefusedAddress(pub(super) IpAddr);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, allow_private) = (self.lookup.lookup(name.as_str().into()), self.allow_private);
        Box::pin(async move {
            let found = found.await?;
            let (open, inside): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|&address| allow_private || is_public(address));
            match (open.is_empty(), inside.first()) {
                (true, Some(&address)) => Err(RefusedAddress(address).into()),
                (true, None) => Err("the name has no address".into()),
                // Port 0 stands for the one in the URL.
                _ => Ok(Box::new(open.into_iter().map(|a| SocketAddr::new(a, 0))) as Addrs),
            }
        })
    }
}

/// Whether an address is somebody else's on the public internet. Addresses that only wrap an IPv4 address are judged
/// by it.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0 // this network
        || (a == 100 && b & 0xc0 == 64) // behind a provider's NAT
        || (a, b, c) == (192, 0, 0) // protocol assignments
        || (a, b, c) == (192, 88, 99) // relays from 6to4
        || (a == 198 && b & 0xfe == 18) // benchmarks
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let wrapped = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] // IPv4-mapped
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] // NAT64
        | [0x2002, high, low, ..] => wrapped(high, low), // 6to4
        [0x2001, b, ..] if b < 0x200 => false, // protocol assignments, Teredo among them
        [0x2001, 0xdb8, ..] => false,          // documentation
        [0x3fff, b, ..] if b < 0x1000 => false, // documentation
        // Global unicast; loopback, unique-local, link-local, multicast and the rest lie outside.
        [a, ..] => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The n-th look-up gives the n-th of these.
    struct Turns(parking_lot::Mutex<Vec<Vec<&'static str>>>);

    impl Lookup for Turns {
        fn lookup(&self, _: String) -> Found {
            let now = self.0.lock().remove(0);
            Box::pin(async move { Ok(now.iter().map(|a| a.parse().unwrap()).collect()) })
        }
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_is_refused_when_it_does() {
        let turns = vec![vec!["8.8.8.8"], vec!["10.0.0.1", "8.8.4.4"], vec!["10.0.0.1"], vec![]];
        let names = Checked { lookup: Arc::new(Turns(turns.into())), allow_private: false };
        let resolve = async || match names.resolve("rebind.example".parse().unwrap()).await {
            Ok(found) => found.map(|place| place.ip().to_string()).collect::<Vec<_>>().join(" "),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(resolve().await, "8.8.8.8");
        assert_eq!(resolve().await, "8.8.4.4");
        assert_eq!(resolve().await, "10.0.0.1 is not on the public internet");
        assert_eq!(resolve().await, "the name has no address");
    }

    #[test]
    fn only_the_public_internet_is_public() {
        for inside in [
            "127.0.0.1",
            "127.255.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "193.0.0.1",
            "2600::1",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
