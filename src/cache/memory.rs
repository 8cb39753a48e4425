//! A store that ends with the process.

use super::{CacheError, CacheStore};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Not bounded: for tests and single runs of the command line.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<HashMap<Vec<u8>, Vec<u8>>>);

#[cfg(test)]
impl MemoryStore {
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl CacheStore for MemoryStore {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.lock().get(key).cloned()
    }

    fn apply(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let mut values = self.0.lock();
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
    }

    fn below(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let values = self.0.lock();
        let below = values.iter().filter(|(key, _)| key.starts_with(prefix));
        below.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn flush(&self) -> Result<(), CacheError> {
        Ok(())
    }

    fn close(&self) -> Result<(), CacheError> {
        Ok(())
    }
}
