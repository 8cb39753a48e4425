//! `[server]`: where the pages are.

use super::{
    Secret, document::Item, document::Table, secret::secret, value::Misfit, value::list,
    value::text,
};
use std::net::{Ipv4Addr, SocketAddr};
use url::Url;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub listen: SocketAddr,
    /// How browsers reach the service when it is not under `listen`.
    pub public_url: Option<Url>,
    /// Who brings it may post messages from another machine.
    pub ingest_token: Option<Secret>,
    /// The third word of the topics that hubs itself publishes; messages of all environments are read.
    pub environment: String,
    /// Whose pages may show `?embed` ones in a frame: origins, as in `https://www.example.org`.
    pub frame_ancestors: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 5000).into(),
            public_url: None,
            ingest_token: None,
            environment: "prod".into(),
            frame_ancestors: Vec::new(),
        }
    }
}

pub(super) fn read(root: &Table<'_>) -> Server {
    let mut server = Server::default();
    let Some(table) = root.table("server") else { return server };
    table.set("listen", &mut server.listen, |item| {
        let given = item.value.as_str().and_then(|text| text.parse().ok());
        given.ok_or_else(|| Misfit::must_be("an address and port, as in \"127.0.0.1:5000\""))
    });
    server.public_url = table.read("public_url", |item| {
        let given = item.value.as_str().and_then(|text| text.parse::<Url>().ok());
        let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        given
            .filter(fits)
            .ok_or_else(|| Misfit::must_be("an address, as in \"https://hubs.example.org\""))
    });
    server.ingest_token = table.read("ingest_token", secret);
    table.set("environment", &mut server.environment, |item| {
        let word = text(item)?;
        let fits = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits { Ok(word) } else { Err(Misfit::must_be("one word, as in \"prod\" or \"stg\"")) }
    });
    table.set("frame_ancestors", &mut server.frame_ancestors, list(origin));
    table.finish();
    server
}

/// `https://www.example.org`, `https://*.example.org`, with a port if need be.
fn origin(item: &Item<'_>) -> Result<String, Misfit> {
    let given = item.value.as_str().unwrap_or_default();
    let place = given.strip_prefix("https://").or_else(|| given.strip_prefix("http://"));
    // It goes into a header as it is.
    let fits = |letter: u8| letter.is_ascii_alphanumeric() || b"-.*:[]".contains(&letter);
    match place {
        Some(place) if !place.is_empty() && place.bytes().all(fits) => Ok(given.into()),
        _ => Err(Misfit::must_be("origins without a path, as in \"https://www.example.org\"")),
    }
}
