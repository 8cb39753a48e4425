//! The envelope around each value: enough to notice that bytes are not what was written.
//!
//! sled does not see a flipped bit. So a record says its version, whose it is, until when it holds and what it adds up
//! to; one that does not fit is damaged, and damaged is a miss. Long values are cut into parts, as sled likes them.

use super::CacheStore;
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// Another layout gets another number; what has an old one is a miss.
const VERSION: u8 = 1;

/// sled keeps longer values in files of their own, which it handles badly.
const PART_BYTES: usize = 64 << 10;

/// version, parts beside this one, hash of the key, expiry in microseconds, checksum.
const HEAD_BYTES: usize = 1 + 1 + 8 + 8 + 8;

/// The expiry of what does not expire.
const NEVER: i64 = i64::MAX;

pub(super) enum Found {
    Value(Vec<u8>),
    /// Never written, or its time is over.
    Nothing,
    Damaged,
}

struct Head {
    parts: u8,
    expiry: i64,
    checksum: u64,
}

/// Writes a value, and takes away what is left of a longer one before it.
pub(super) fn write(store: &dyn CacheStore, key: &[u8], value: &[u8], expiry: Option<Timestamp>) {
    let (first, rest) = value.split_at(value.len().min(PART_BYTES));
    let parts = u8::try_from(rest.chunks(PART_BYTES).count()).expect("MAX_VALUE_BYTES in parts");
    let expiry = expiry.map_or(NEVER, Timestamp::as_microsecond);
    let mut record = Vec::with_capacity(HEAD_BYTES + first.len());
    record.extend([VERSION, parts]);
    record.extend(xxh3_64(key).to_be_bytes());
    record.extend(expiry.to_be_bytes());
    record.extend(checksum(value, expiry, parts).to_be_bytes());
    record.extend(first);
    let mut changes = vec![(key.to_vec(), Some(record))];
    for (number, part) in (1..).zip(rest.chunks(PART_BYTES)) {
        changes.push((part_key(key, number), Some(part.to_vec())));
    }
    let before = parts_of(store, key);
    changes.extend((parts + 1..=before).map(|number| (part_key(key, number), None)));
    store.apply(changes);
}

pub(super) fn remove(store: &dyn CacheStore, key: &[u8]) {
    let parts = (1..=parts_of(store, key)).map(|number| (part_key(key, number), None));
    store.apply(std::iter::once((key.to_vec(), None)).chain(parts).collect());
}

pub(super) fn read(store: &dyn CacheStore, key: &[u8], now: Timestamp) -> Found {
    let Some(record) = store.get(key) else { return Found::Nothing };
    let Some((head, first)) = open(&record, key) else { return Found::Damaged };
    let mut value = first.to_vec();
    for number in 1..=head.parts {
        let Some(part) = store.get(&part_key(key, number)) else { return Found::Damaged };
        value.extend(part);
    }
    if checksum(&value, head.expiry, head.parts) != head.checksum {
        return Found::Damaged;
    }
    if head.expiry <= now.as_microsecond() {
        remove(store, key);
        return Found::Nothing;
    }
    Found::Value(value)
}

fn open<'r>(record: &'r [u8], key: &[u8]) -> Option<(Head, &'r [u8])> {
    let (&[version, parts], rest) = record.split_first_chunk::<2>()?;
    let (hash, rest) = rest.split_first_chunk::<8>()?;
    let (expiry, rest) = rest.split_first_chunk::<8>()?;
    let (checksum, first) = rest.split_first_chunk::<8>()?;
    let fits = version == VERSION && u64::from_be_bytes(*hash) == xxh3_64(key);
    let (expiry, checksum) = (i64::from_be_bytes(*expiry), u64::from_be_bytes(*checksum));
    fits.then_some((Head { parts, expiry, checksum }, first))
}

fn parts_of(store: &dyn CacheStore, key: &[u8]) -> u8 {
    let record = store.get(key);
    record.and_then(|record| open(&record, key).map(|(head, _)| head.parts)).unwrap_or(0)
}

fn checksum(value: &[u8], expiry: i64, parts: u8) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(value, expiry.unsigned_abs() ^ u64::from(parts))
}

/// Keys of values begin with a letter, those of parts with a `+`: they never meet.
fn part_key(key: &[u8], number: u8) -> Vec<u8> {
    [b"+", key, &[number]].concat()
}
