//! The cache on healthy, damaged and occupied folders.

use super::*;
use serde_json::json;
use std::fs;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn entry(html: &str) -> Entry {
    Entry {
        config: u64::MAX,
        script: 1,
        template: 2,
        sequence: 3,
        built_at: NOW,
        cause: Some(Cause { id: "2023-1".into(), topic: "a.b.c".into() }),
        data: json!({ "badges": [1, 2.5, "ü"] }),
        html: html.into(),
        version: "v".into(),
    }
}

/// A store that the test sees too; no value in it is longer than sled likes.
struct Shared(Arc<MemoryStore>);

impl CacheStore for Shared {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }
    fn apply(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        assert!(changes.iter().flat_map(|(_, value)| value).all(|value| value.len() < 65 << 10));
        self.0.apply(changes);
    }
    fn below(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.0.below(prefix)
    }
    fn flush(&self) -> Result<(), CacheError> {
        Ok(())
    }

    fn close(&self) -> Result<(), CacheError> {
        self.flush()
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("var/cache");
    (parent, folder)
}

/// A folder with two hundred entries, closed again.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let (parent, folder) = folder();
    let cache = Cache::open(&folder).unwrap();
    for id in 1..=200 {
        cache.keep(InstanceId(id), entry(&format!("{id} {}", "x".repeat(2_000))));
    }
    cache.flush().unwrap();
    (parent, folder)
}

/// How many folders lie aside.
fn aside(folder: &Path) -> usize {
    let entries = fs::read_dir(folder.parent().unwrap()).unwrap();
    entries
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains(".broken-"))
        .count()
}

/// Whatever happened to the folder: the cache opens, reads without a crash, and keeps again.
fn works(folder: &Path) {
    let cache = Cache::open(folder).unwrap();
    for id in 1..=200 {
        if let Some(found) = cache.entry(InstanceId(id)) {
            assert!(found.html.starts_with(&id.to_string()), "another's entry");
        }
    }
    cache.keep(InstanceId(1), entry("1 again"));
    assert_eq!(cache.entry(InstanceId(1)).unwrap().html, "1 again");
}

#[test]
fn an_entry_outlives_the_process() {
    let (_parent, folder) = folder();
    let cache = Cache::open(&folder).unwrap();
    cache.keep(InstanceId(7), entry("<p>"));
    cache.keep(InstanceId(8), entry("<p>"));
    cache.forget(InstanceId(8));
    assert_eq!(*cache.entry(InstanceId(7)).unwrap(), entry("<p>"));
    drop(cache);
    let cache = Cache::open(&folder).unwrap();
    assert_eq!(*cache.entry(InstanceId(7)).unwrap(), entry("<p>"));
    assert_eq!(cache.entry(InstanceId(8)), None);
    assert_eq!(aside(&folder), 0);
}

#[test]
fn a_long_entry_is_kept_in_parts_and_a_shorter_one_leaves_none_behind() {
    let store = Arc::new(MemoryStore::default());
    let long = entry(&"x".repeat(1 << 20));
    Cache::over(Shared(Arc::clone(&store))).keep(InstanceId(1), long.clone());
    let cold = Cache::over(Shared(Arc::clone(&store)));
    assert_eq!(*cold.entry(InstanceId(1)).unwrap(), long);
    cold.keep(InstanceId(1), entry("short"));
    assert_eq!(store.len(), 1);
    cold.keep(InstanceId(1), long);
    cold.forget(InstanceId(1));
    assert_eq!(store.len(), 0);
    cold.keep(InstanceId(1), entry(&"x".repeat(MAX_VALUE_BYTES)));
    assert_eq!(cold.entry(InstanceId(1)), None);
}

#[test]
fn a_scripts_key_is_its_widgets_own_and_ends_in_time() {
    let cache = Cache::memory();
    let (badges, feed) = ("badges".parse().unwrap(), "feed".parse().unwrap());
    let minute = Duration::from_mins(1);
    cache.own_set(&badges, "a", &json!({ "n": 1 }), minute, NOW).unwrap();
    assert_eq!(cache.own_get(&badges, "a", NOW), Some(json!({ "n": 1 })));
    assert_eq!(cache.own_get(&badges, "b", NOW), None);
    assert_eq!(cache.own_get(&feed, "a", NOW), None);
    assert_eq!(cache.own_get(&badges, "a", NOW + minute), None);
    assert_eq!(cache.own_get(&badges, "a", NOW), None, "it is gone, not hidden");
    cache.own_set(&badges, "a", &json!(1), Duration::MAX, NOW).unwrap();
    assert_eq!(cache.own_get(&badges, "a", NOW), Some(json!(1)));
    let said = cache
        .own_set(&badges, "big", &json!("x".repeat(MAX_OWN_VALUE_BYTES)), minute, NOW)
        .unwrap_err();
    assert_eq!(said.to_string(), "`big` of 65542 bytes is too large to keep: 65536 is the limit");
}

#[test]
fn keys_without_end_fill_a_corner_and_no_more() {
    let store = Arc::new(MemoryStore::default());
    let cache = Cache::over(Shared(Arc::clone(&store)));
    let badges = "badges".parse().unwrap();
    for n in 0..20_000 {
        let key = n.to_string();
        cache.own_set(&badges, &key, &json!(n), Duration::from_mins(1), NOW).unwrap();
        assert_eq!(cache.own_get(&badges, &key, NOW), Some(json!(n)));
    }
    assert!(store.len() <= 4_096);
}

#[test]
fn a_record_of_which_any_bit_is_flipped_is_a_miss() {
    let store = MemoryStore::default();
    envelope::write(&store, b"key", b"value", Some(NOW));
    let record = store.get(b"key").unwrap();
    for bit in 0..record.len() * 8 {
        let mut flipped = record.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        store.apply(vec![(b"key".to_vec(), Some(flipped))]);
        let found = envelope::read(&store, b"key", Timestamp::UNIX_EPOCH);
        assert!(!matches!(found, Found::Value(_)), "bit {bit}");
    }
    for length in 0..record.len() {
        store.apply(vec![(b"key".to_vec(), Some(record[..length].to_vec()))]);
        assert!(matches!(envelope::read(&store, b"key", Timestamp::UNIX_EPOCH), Found::Damaged));
    }
    store.apply(vec![(b"other".to_vec(), Some(record))]);
    assert!(matches!(envelope::read(&store, b"other", Timestamp::UNIX_EPOCH), Found::Damaged));
}

#[test]
fn an_unfinished_snapshot_is_removed_and_nothing_is_lost() {
    for content in ["", "half a snap"] {
        let (_parent, folder) = filled();
        fs::write(folder.join("snap.0000000000000001.generating"), content).unwrap();
        let cache = Cache::open(&folder).unwrap();
        assert!((1..=200).all(|id| cache.entry(InstanceId(id)).is_some()));
        assert_eq!(aside(&folder), 0);
    }
}

#[test]
fn a_truncated_database_is_set_aside_or_misses() {
    for part in [2, 3, 50] {
        let (_parent, folder) = filled();
        let db = fs::OpenOptions::new().write(true).open(folder.join("db")).unwrap();
        db.set_len(db.metadata().unwrap().len() / part).unwrap();
        works(&folder);
        works(&folder);
        assert!(aside(&folder) <= 1);
    }
}

#[test]
fn flipped_bits_are_misses_never_another_value() {
    for seed in 0..4_u64 {
        let (_parent, folder) = filled();
        let mut bytes = fs::read(folder.join("db")).unwrap();
        for n in 0..100_u64 {
            let at = xxh3_64(&(seed * 1_000 + n).to_be_bytes());
            let at = usize::try_from(at % u64::try_from(bytes.len()).unwrap()).unwrap();
            bytes[at] ^= 1 << (n % 8);
        }
        fs::write(folder.join("db"), bytes).unwrap();
        works(&folder);
        works(&folder);
    }
}

#[test]
fn what_is_no_sled_folder_is_set_aside_and_of_those_only_the_last_is_kept() {
    let (_parent, folder) = filled();
    for _ in 0..3 {
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "a file").unwrap();
        works(&folder);
        assert_eq!(aside(&folder), 1);
    }
}

#[test]
fn a_database_of_other_content_is_begun_anew() {
    let (_parent, folder) = filled();
    fs::write(folder.join("db"), "no database ".repeat(50_000)).unwrap();
    fs::write(folder.join("conf"), "nonsense").unwrap();
    works(&folder);
}

#[test]
fn a_folder_in_use_is_refused_and_left_alone() {
    let (_parent, folder) = folder();
    let cache = Cache::open(&folder).unwrap();
    cache.keep(InstanceId(1), entry("1"));
    let said = Cache::open(&folder).err().unwrap().to_string();
    let expected = format!(
        "the cache {} is used by another process; stop that one, or give this one its own `[storage] path`",
        folder.display()
    );
    assert_eq!(said, expected);
    // One that sled alone has locked, as another program would.
    drop(cache);
    let other = sled::open(&folder).unwrap();
    assert_eq!(Cache::open(&folder).err().unwrap().to_string(), expected);
    drop(other);
    assert_eq!(aside(&folder), 0);
    assert_eq!(Cache::open(&folder).unwrap().entry(InstanceId(1)).unwrap().html, "1");
}

#[test]
fn a_store_that_was_given_up_is_set_aside_at_the_next_start() {
    let (_parent, folder) = filled();
    let store = SledStore::open(&folder).unwrap();
    assert_eq!(store.call::<()>(|_| panic!("as sled does")), None);
    assert_eq!(store.get(b"anything"), None);
    let said = store.flush().unwrap_err().to_string();
    assert_eq!(
        said,
        format!("the cache can't be written: the folder {} is damaged", folder.display())
    );
    drop(store);
    works(&folder);
    assert_eq!(aside(&folder), 1);
    works(&folder);
    assert_eq!(aside(&folder), 1);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("var"), "a file").unwrap();
    let folder = parent.path().join("var/cache");
    let said = Cache::open(&folder).err().unwrap().to_string();
    assert!(
        said.starts_with(&format!("the cache {} can't be opened: ", folder.display())),
        "{said}"
    );
}

#[test]
fn a_closed_cache_is_on_disk_and_free_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let first = Cache::open(&path).unwrap();
    let still_held = first.clone();
    first.keep(InstanceId(1), entry("x"));
    first.close().unwrap();
    let second = Cache::open(&path).unwrap();
    assert!(second.entry(InstanceId(1)).is_some());
    still_held.keep(InstanceId(2), entry("x"));
    assert!(second.entry(InstanceId(2)).is_none());
}
