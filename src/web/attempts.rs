//! How often somebody may begin to log in: a few times at once, then evenly.

use super::viewer::Asker;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// At once: a room full of people behind one address, each with two requests.
const BURST: i64 = 60;
const EVERY: Duration = Duration::from_secs(2);
/// Addresses that are remembered; the ones that were silent longest are forgotten.
const ADDRESSES: u64 = 16_384;

/// When each address would be back to having made no attempt at all, in microseconds.
pub(super) struct Attempts(moka::sync::Cache<IpAddr, Arc<Mutex<i64>>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(moka::sync::Cache::new(ADDRESSES))
    }
}

impl Attempts {
    /// Counts an attempt; or says how long to wait.
    pub(super) fn make(&self, who: &Asker, now: Timestamp) -> Result<(), Duration> {
        let every = i64::try_from(EVERY.as_micros()).unwrap_or(i64::MAX);
        let now = now.as_microsecond();
        let rested = self.0.get_with(address(who), Arc::default);
        let mut rested = rested.lock();
        let then = (*rested).max(now) + every;
        let early = then - now - BURST * every;
        if early > 0 {
            return Err(Duration::from_micros(early.unsigned_abs()));
        }
        *rested = then;
        Ok(())
    }
}

/// Behind a proxy of ours, whom it speaks for. Of IPv6 a network: each customer of a provider has one.
fn address(who: &Asker) -> IpAddr {
    let peer = who.peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.to_canonical());
    let line = who.headers.get_all("x-forwarded-for").iter().next_back();
    let last = line.and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    let address: IpAddr = last.filter(|_| is_inside(peer)).unwrap_or(peer);
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// On this machine or its network. Who is there could pretend to be many: here that gains little.
fn is_inside(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn from(peer: &str, forwarded: Option<&str>) -> Asker {
        let headers = forwarded.map(|by| ("x-forwarded-for".parse().unwrap(), by.parse().unwrap()));
        Asker {
            peer: Some(peer.parse().unwrap()),
            headers: headers.into_iter().collect(),
            here: "/login".into(),
        }
    }

    #[test]
    fn after_a_burst_attempts_are_spread() {
        let attempts = Attempts::default();
        let start = Timestamp::constant(1_700_000_000, 0);
        let make = |seconds: i64| {
            attempts.make(&from("192.0.2.1", None), start + SignedDuration::from_secs(seconds))
        };
        for _ in 0..BURST {
            assert_eq!(make(0), Ok(()));
        }
        assert_eq!(make(0), Err(EVERY));
        assert_eq!(make(1), Err(EVERY / 2));
        assert_eq!((make(2), make(2)), (Ok(()), Err(EVERY)));
        assert_eq!(attempts.make(&from("192.0.2.2", None), start), Ok(()), "others may");
    }

    #[test]
    fn an_address_is_that_of_whom_a_proxy_here_speaks_for() {
        for (peer, forwarded, counts) in [
            ("192.0.2.1", Some("10.0.0.1"), "192.0.2.1"),
            ("127.0.0.1", Some("10.0.0.1, 192.0.2.9"), "192.0.2.9"),
            ("10.0.0.2", Some("192.0.2.9"), "192.0.2.9"),
            ("127.0.0.1", Some("nonsense"), "127.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::"),
            ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ] {
            assert_eq!(address(&from(peer, forwarded)), counts.parse::<IpAddr>().unwrap());
        }
    }
}
