//! What can be built again: widgets' entries, scripts' own keys, answers of other servers. In sled, with the hot ones in memory.
//!
//! Nothing in here is needed: what is damaged, missing or too large counts as a miss, a folder that can't be opened is
//! set aside, and up to half a second of writes may be lost with the power. Calls may read the disk but do not wait for
//! writes, save [`Cache::flush`] and dropping the last handle. Knows nothing of freshness: `rebuild` judges that.

mod answers;
mod disk;
mod envelope;
mod memory;

pub use answers::{Answers, MAX_ANSWER_BYTES};
pub use disk::SledStore;
pub use memory::MemoryStore;

use crate::hub::{Cause, InstanceId, WidgetName};
use crate::telemetry;
use envelope::Found;
use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};
use xxhash_rust::xxh3::xxh3_64;

/// A larger value is not kept at all.
pub const MAX_VALUE_BYTES: usize = 4 << 20;

/// As JSON; a script that wants to keep more is refused.
pub const MAX_OWN_VALUE_BYTES: usize = 64 << 10;

/// Entries in memory, by the size of their JSON. The least used go first; they are still on disk.
const MEMORY_BYTES: u64 = 16 << 20;

/// Places of one widget's own keys. Two keys may meet in one, and then the later wins: so a widget that makes up keys
/// without end fills its corner and no more.
const OWN_PLACES: u64 = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error(
        "the cache {folder} is used by another process; stop that one, or give this one its own `[storage] path`",
        folder = .0.display()
    )]
    Locked(PathBuf),
    #[error("the cache {folder} can't be opened: {why}", folder = .folder.display())]
    Open { folder: PathBuf, why: String },
    #[error("`{key}` of {bytes} bytes is too large to keep: {MAX_OWN_VALUE_BYTES} is the limit")]
    TooLarge { key: String, bytes: usize },
    #[error("the cache can't be written: {0}")]
    Write(String),
}

/// Bytes by key. What goes wrong with single values is logged and counts as a miss.
pub trait CacheStore: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Puts (`Some`) and removes (`None`), all or nothing.
    fn apply(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>);
    /// All keys that begin so, with their values. For few and small ones.
    fn below(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// Returns when all is on disk.
    fn flush(&self) -> Result<(), CacheError>;
    /// Returns when all is on disk and the place is free for another; from then on everything is a miss.
    fn close(&self) -> Result<(), CacheError>;
}

/// What an instance's last good run gave; one an instance. Whether it still holds is for `rebuild` to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Hash of the config that it was built with.
    pub config: u64,
    pub script: u64,
    pub template: u64,
    /// The journal's sequence when the build began: later invalidations are not in it.
    pub sequence: u64,
    pub built_at: Timestamp,
    pub cause: Option<Cause>,
    pub data: Value,
    pub html: String,
    pub version: String,
}

/// A handle; clones share the store.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn CacheStore>,
    entries: moka::sync::Cache<InstanceId, Arc<Weighed>>,
    /// Held while an instance's entry goes from disk to memory or to both: else a slow reader could put the old one
    /// over the new one. Instances share them by their id.
    turns: Arc<[Mutex<()>; 64]>,
}

struct Weighed {
    entry: Arc<Entry>,
    bytes: u32,
}

impl Cache {
    /// Opens the folder, or sets it aside and begins an empty one. Blocks.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        Ok(Self::over(SledStore::open(folder)?))
    }

    /// For tests, and where nothing needs to stay.
    pub fn memory() -> Self {
        Self::over(MemoryStore::default())
    }

    pub fn over(store: impl CacheStore) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(MEMORY_BYTES)
            .weigher(|_, weighed: &Arc<Weighed>| weighed.bytes)
            .build();
        Self { store: Arc::new(store), entries, turns: Arc::new([const { Mutex::new(()) }; 64]) }
    }

    pub fn entry(&self, id: InstanceId) -> Option<Arc<Entry>> {
        if let Some(weighed) = self.entries.get(&id) {
            count("hit");
            return Some(Arc::clone(&weighed.entry));
        }
        let _turn = self.turn(id);
        if let Some(weighed) = self.entries.get(&id) {
            count("hit");
            return Some(Arc::clone(&weighed.entry));
        }
        // An entry does not expire, so any time will do.
        let bytes = self.read(&entry_key(id), Timestamp::UNIX_EPOCH)?;
        let entry = serde_json::from_slice(&bytes).ok().map(Arc::new);
        // An entry of an older hubs, with other fields.
        let Some(entry) = entry else { return count_as("damaged") };
        let weighed = Weighed { entry: Arc::clone(&entry), bytes: weight(bytes.len()) };
        self.entries.insert(id, Arc::new(weighed));
        Some(entry)
    }

    pub fn keep(&self, id: InstanceId, entry: Entry) {
        let bytes = json(&entry);
        if bytes.len() > MAX_VALUE_BYTES {
            tracing::warn!(instance = %id, bytes = bytes.len(), "an entry is too large to keep");
            return self.forget(id);
        }
        let _turn = self.turn(id);
        envelope::write(&*self.store, &entry_key(id), &bytes, None);
        let weighed = Weighed { entry: Arc::new(entry), bytes: weight(bytes.len()) };
        self.entries.insert(id, Arc::new(weighed));
    }

    pub fn forget(&self, id: InstanceId) {
        let _turn = self.turn(id);
        envelope::remove(&*self.store, &entry_key(id));
        self.entries.invalidate(&id);
    }

    /// What a widget's scripts kept under a key, unless its time is over at `now`.
    pub fn own_get(&self, widget: &WidgetName, key: &str, now: Timestamp) -> Option<Value> {
        let (place, name) = own_place(widget, key);
        let bytes = self.read(&place, now)?;
        // The name is kept before the value: keys that meet in one place are told apart by it.
        let value = bytes.strip_prefix(name.as_slice())?;
        serde_json::from_slice(value).ok()
    }

    /// Keeps a value for a widget's scripts. Instances of the widget share its keys.
    pub fn own_set(
        &self,
        widget: &WidgetName,
        key: &str,
        value: &Value,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let (place, mut bytes) = own_place(widget, key);
        bytes.extend(json(value));
        if bytes.len() > MAX_OWN_VALUE_BYTES {
            let key = key.chars().take(80).collect();
            return Err(CacheError::TooLarge { key, bytes: bytes.len() });
        }
        // A time so far off that no clock shows it is the last one.
        let expiry = now.checked_add(ttl).unwrap_or(Timestamp::MAX);
        envelope::write(&*self.store, &place, &bytes, Some(expiry));
        Ok(())
    }

    /// The place for answers of other servers: of so many bytes, and no more. Blocks.
    pub fn answers(&self, most_bytes: usize) -> Answers {
        Answers::over(Arc::clone(&self.store), most_bytes)
    }

    /// Returns when all is on disk. Blocks: call it on a thread that may, and with a limit of time.
    pub fn flush(&self) -> Result<(), CacheError> {
        self.store.flush()
    }

    /// The last thing: whatever still holds a handle finds nothing any more. Blocks.
    pub fn close(&self) -> Result<(), CacheError> {
        self.store.close()
    }

    fn turn(&self, id: InstanceId) -> MutexGuard<'_, ()> {
        let [.., last] = id.0.to_be_bytes();
        self.turns[usize::from(last) % self.turns.len()].lock()
    }

    fn read(&self, key: &[u8], now: Timestamp) -> Option<Vec<u8>> {
        match envelope::read(&*self.store, key, now) {
            Found::Value(bytes) => {
                count("hit");
                Some(bytes)
            }
            Found::Nothing => count_as("miss"),
            Found::Damaged => count_as("damaged"),
        }
    }
}

fn entry_key(id: InstanceId) -> Vec<u8> {
    [b"e", id.0.to_be_bytes().as_slice()].concat()
}

/// A key's place in its widget's corner, and the bytes that tell it from others there.
fn own_place(widget: &WidgetName, key: &str) -> (Vec<u8>, Vec<u8>) {
    let place = xxh3_64(key.as_bytes()) % OWN_PLACES;
    let place = [b"o", widget.as_str().as_bytes(), b"\0", &place.to_be_bytes()].concat();
    (place, [key.as_bytes(), b"\0"].concat())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("entries and values have only text keys")
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn count(outcome: &'static str) {
    metrics::counter!(telemetry::CACHE, "outcome" => outcome).increment(1);
}

fn count_as<T>(outcome: &'static str) -> Option<T> {
    count(outcome);
    None
}

#[cfg(test)]
mod tests;
