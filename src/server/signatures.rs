//! What checks the signatures of fedmsg: `bus` judges, and gets what it judges by from a file or through `outbound`.

use crate::bus::{Fetch, Signatures};
use crate::config::{self, Location};
use crate::outbound::fetch_configured;
use jiff::Timestamp;
use std::sync::Arc;

/// A file that does not fit ends the start: with it, no message would ever be taken. An address may be there later; nobody
/// waits for it but the messages.
pub(crate) async fn signatures(
    settings: &config::Fedmsg,
    clock: fn() -> Timestamp,
) -> anyhow::Result<Option<Arc<Signatures>>> {
    let Some(settings) = settings.signatures.clone() else { return Ok(None) };
    let remote = [Some(&settings.ca), settings.crl.as_ref()]
        .into_iter()
        .flatten()
        .any(|location| matches!(location, Location::Https(_)));
    let fetch: Fetch = Arc::new(|url| Box::pin(fetch_configured(url)));
    let signatures = Arc::new(Signatures::new(settings, fetch, clock));
    if remote {
        let loading = signatures.clone();
        tokio::spawn(async move {
            if let Err(error) = loading.load().await {
                tracing::error!("{error}");
            }
        });
    } else {
        signatures.load().await?;
    }
    Ok(Some(signatures))
}
