//! Answers of other servers: bytes by a hash, so many and no more; those that were not asked for longest go first.
//!
//! What is there is known by small records beside the answers, which are read once, at the start. A record without its
//! answer is a miss; an answer that is damaged is one too. Knows nothing of HTTP: `outbound` judges what still holds.

use super::envelope::{self, Found};
use super::{CacheStore, count, count_as};
use jiff::Timestamp;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use std::sync::Arc;

/// A larger one is not kept.
pub const MAX_ANSWER_BYTES: usize = 2 << 20;

/// What an answer costs beside its bytes: keys, heads, records.
const OVERHEAD_BYTES: usize = 256;

type Key = [u8; 32];

/// A handle; clones share the place.
#[derive(Clone)]
pub struct Answers {
    store: Arc<dyn CacheStore>,
    /// The size of each answer that is there.
    sizes: moka::sync::Cache<Key, u32>,
}

impl Answers {
    pub(super) fn over(store: Arc<dyn CacheStore>, most_bytes: usize) -> Self {
        let evicting = Arc::clone(&store);
        let sizes = moka::sync::Cache::builder()
            .max_capacity(most_bytes as u64)
            .weigher(|_, bytes: &u32| *bytes)
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |key: Arc<Key>, _, cause| {
                if cause == RemovalCause::Size {
                    remove(&*evicting, &key);
                }
            })
            .build();
        let mut there: Vec<(i64, Key, u32)> =
            store.below(b"i").iter().filter_map(|(key, record)| read(key, record)).collect();
        there.sort_unstable();
        for (_, key, bytes) in there {
            sizes.insert(key, bytes);
        }
        sizes.run_pending_tasks();
        Self { store, sizes }
    }

    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        if self.sizes.get(key).is_none() {
            return count_as("miss");
        }
        // What outbound keeps does not expire here, so any time will do.
        match envelope::read(&*self.store, &answer_key(key), Timestamp::UNIX_EPOCH) {
            Found::Value(bytes) => {
                count("hit");
                Some(bytes)
            }
            Found::Nothing => count_as("miss"),
            Found::Damaged => {
                self.forget(key);
                count_as("damaged")
            }
        }
    }

    /// Keeps an answer, unless it is too large. `now` orders answers when the next run begins.
    pub fn keep(&self, key: &Key, answer: &[u8], now: Timestamp) {
        if answer.len() > MAX_ANSWER_BYTES {
            return self.forget(key);
        }
        let bytes = u32::try_from(answer.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX);
        // The record first: one without an answer is a miss, an answer without a record would stay for ever.
        let record = [&now.as_microsecond().to_be_bytes()[..], &bytes.to_be_bytes()].concat();
        self.store.apply(vec![(record_key(key), Some(record))]);
        envelope::write(&*self.store, &answer_key(key), answer, None);
        self.sizes.insert(*key, bytes);
        // Now and not some time: the bound holds.
        self.sizes.run_pending_tasks();
    }

    pub fn forget(&self, key: &Key) {
        self.sizes.invalidate(key);
        remove(&*self.store, key);
    }
}

fn remove(store: &dyn CacheStore, key: &Key) {
    envelope::remove(store, &answer_key(key));
    store.apply(vec![(record_key(key), None)]);
}

fn answer_key(key: &Key) -> Vec<u8> {
    [b"h", &key[..]].concat()
}

fn record_key(key: &Key) -> Vec<u8> {
    [b"i", &key[..]].concat()
}

fn read(key: &[u8], record: &[u8]) -> Option<(i64, Key, u32)> {
    let key = key.strip_prefix(b"i")?.try_into().ok()?;
    let (at, bytes) = record.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*at), key, u32::from_be_bytes(bytes.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::super::{Cache, MemoryStore};
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(1_700_000_000, 0) + jiff::SignedDuration::from_secs(second)
    }

    fn key(n: u8) -> Key {
        [n; 32]
    }

    const KIB: usize = 1 << 10;

    #[test]
    fn an_answer_is_there_after_a_new_start() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let long = vec![7; 300 * KIB];
        let answers = cache.answers(1 << 20);
        answers.keep(&key(1), b"short", at(1));
        answers.keep(&key(2), &long, at(2));
        answers.forget(&key(1));
        cache.close().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let answers = cache.answers(1 << 20);
        assert_eq!(answers.get(&key(1)), None);
        assert_eq!(answers.get(&key(2)), Some(long));
    }

    #[test]
    fn there_is_a_bound_and_what_is_least_used_goes() {
        let store = Arc::new(MemoryStore::default());
        let answers = Answers::over(store.clone(), 10 * KIB);
        let bytes = vec![0; 3 * KIB];
        for n in 1..=3 {
            answers.keep(&key(n), &bytes, at(n.into()));
        }
        assert!(answers.get(&key(1)).is_some());
        answers.keep(&key(4), &bytes, at(4));
        let there = [1, 2, 3, 4].map(|n| answers.get(&key(n)).is_some());
        assert_eq!(there, [true, false, true, true]);
        assert_eq!(store.len(), 6, "nothing is left behind of what went");
        // A smaller place, the next time: what was kept last stays.
        let answers = Answers::over(store.clone(), 4 * KIB);
        assert_eq!([1, 3, 4].map(|n| answers.get(&key(n)).is_some()), [false, false, true]);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_takes_the_old_one_away() {
        let answers = Cache::memory().answers(64 << 20);
        answers.keep(&key(1), b"old", at(1));
        answers.keep(&key(1), &vec![0; MAX_ANSWER_BYTES + 1], at(2));
        assert_eq!(answers.get(&key(1)), None);
        answers.keep(&key(1), &vec![0; MAX_ANSWER_BYTES], at(3));
        assert!(answers.get(&key(1)).is_some());
        let none = Cache::memory().answers(0);
        none.keep(&key(1), b"x", at(1));
        assert_eq!(none.get(&key(1)), None);
    }

    #[test]
    fn what_is_damaged_is_a_miss_and_goes() {
        let store = Arc::new(MemoryStore::default());
        let answers = Answers::over(store.clone(), 1 << 20);
        answers.keep(&key(1), &[1; 1_000], at(1));
        let mut record = store.get(&answer_key(&key(1))).unwrap();
        record[500] ^= 1;
        store.apply(vec![(answer_key(&key(1)), Some(record))]);
        assert_eq!(answers.get(&key(1)), None);
        assert_eq!(store.len(), 0);
        answers.keep(&key(1), b"again", at(2));
        assert_eq!(answers.get(&key(1)).unwrap(), b"again");
        // A record that is no record is nobody's.
        store.apply(vec![(b"inonsense".to_vec(), Some(vec![1, 2]))]);
        assert_eq!(Answers::over(store, 1 << 20).get(&key(1)).unwrap(), b"again");
    }
}
