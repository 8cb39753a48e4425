//! Further pages of a widget: the entries before those on its card.
//!
//! They are made when somebody asks, by the limits of any run, a few at a time, and kept for a moment. No message
//! invalidates them and nobody is told of them: what is new comes onto the first page, which is the card.

use super::current::hash_of;
use super::worker::Unbuilt;
use super::{Current, Rebuild};
use crate::cache::Entry;
use crate::hub::InstanceId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// So many are made at a time: hubs that people look at have the other threads.
const AT_ONCE: usize = 2;
/// How long whoever asks waits for a turn.
const TURN: Duration = Duration::from_secs(5);
/// How long one may be shown again.
const KEPT_FOR: Duration = Duration::from_secs(30);
const KEPT: u64 = 256;

pub(super) struct Pages {
    turn: Semaphore,
    /// By instance, page, configuration and version of the script.
    kept: moka::sync::Cache<(InstanceId, u32, u64, u64), Arc<Current>>,
}

/// Why a page is not there.
#[derive(Debug, thiserror::Error)]
pub enum PagingError {
    #[error("This widget has no further pages.")]
    None,
    #[error("Too many ask for further pages just now. Try again in a moment.")]
    Busy,
    #[error("The page could not be made: {0}")]
    Failed(String),
    #[error("{0:#}")]
    Internal(anyhow::Error),
}

impl Default for Pages {
    fn default() -> Self {
        let kept = moka::sync::Cache::builder().max_capacity(KEPT).time_to_live(KEPT_FOR).build();
        Self { turn: Semaphore::new(AT_ONCE), kept }
    }
}

impl Rebuild {
    /// A further page of a widget, from 2, as a card.
    pub async fn page(&self, id: InstanceId, page: u32) -> Result<Arc<Current>, PagingError> {
        let inner = &*self.0;
        let loaded = self.load(id).await.map_err(PagingError::Internal)?;
        let mut loaded = match loaded {
            Some(Ok(loaded)) if loaded.definition.has_pages() => loaded,
            Some(Ok(_)) | None => return Err(PagingError::None),
            Some(Err((_, unfit))) => return Err(PagingError::Failed(unfit)),
        };
        loaded.placed.page = page;
        let config = hash_of(&loaded.placed.config);
        let key = (id, page, config, loaded.definition.source.version);
        if let Some(kept) = inner.pages.kept.get(&key) {
            return Ok(kept);
        }
        let turn = tokio::time::timeout(TURN, inner.pages.turn.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(PagingError::Busy) };
        let now = (inner.parts.clock)();
        let run = self.run_data(&loaded, now, None).await;
        let (data, html) = run.map_err(|Unbuilt { error, .. }| PagingError::Failed(error))?;
        let name = &loaded.definition.name;
        let entry = Entry {
            config,
            script: loaded.definition.source.version,
            template: inner.parts.renderer.template_hash(name).unwrap_or(0),
            sequence: 0,
            built_at: now,
            cause: None,
            data,
            html,
            version: String::new(),
        };
        let current = inner.view_of(&loaded, Some(&entry), false);
        let current = Arc::new(current.expect("an entry always gives a view"));
        inner.pages.kept.insert(key, current.clone());
        Ok(current)
    }
}
