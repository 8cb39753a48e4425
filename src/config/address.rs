//! Addresses of servers that get a secret of ours.

use super::{document::Item, value::Misfit};
use url::Url;

/// Without a slash at its end. `instead` is the key that credentials belong to.
pub(super) fn of_server(item: &Item<'_>, example: &str, instead: &str) -> Result<Url, Misfit> {
    let text = item.value.as_str().map(|text| text.trim_end_matches('/'));
    let given = text.and_then(|text| text.parse::<Url>().ok());
    if given.as_ref().is_some_and(has_credentials) {
        // Not repeated: a password is in it.
        let said = format!("it has a user name or password in it: set `{instead}` instead");
        return Err(Misfit::says(said));
    }
    given.filter(is_safe).ok_or_else(|| {
        Misfit::must_be(format!("an https address without query, as in \"{example}\""))
    })
}

/// A secret travels there: in the clear only on this very machine.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let scheme_fits = url.scheme() == "https" || (url.scheme() == "http" && here);
    scheme_fits && url.query().is_none() && url.fragment().is_none()
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
