//! sled, carefully: it panics on damage, when opening and later.
//!
//! A folder that does not open is renamed and an empty one begun; one that turns out damaged while it is used is given
//! up (all misses) and set aside at the next start. One that another process uses is never touched.

use super::{CacheError, CacheStore};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// sled's own cache of pages. Small: the hot entries are decoded in memory already.
const PAGES_BYTES: u64 = 16 << 20;

const FLUSH_EVERY_MS: u64 = 500;

/// How long the process that had the folder before may take to let go of it: it may be ending just now.
const LETTING_GO: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub struct SledStore {
    /// `None` once it is closed.
    open: RwLock<Option<Open>>,
    folder: PathBuf,
    given_up: AtomicBool,
}

/// In the order in which they are let go.
#[derive(Debug)]
struct Open {
    db: sled::Db,
    /// Held as long as the folder is used.
    _lock: File,
}

/// Why a folder did not open.
enum Trouble {
    /// Another process has it, or the disk does not let us: the content is not to blame.
    Refused(CacheError),
    Damaged(String),
}

impl SledStore {
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let until = Instant::now() + LETTING_GO;
        loop {
            match Self::open_now(folder) {
                Err(CacheError::Locked(_)) if Instant::now() < until => thread::sleep(LOOK_AGAIN),
                opened => return opened,
            }
        }
    }

    fn open_now(folder: &Path) -> Result<Self, CacheError> {
        let failed =
            |why: io::Error| CacheError::Open { folder: folder.into(), why: why.to_string() };
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // Our own lock, and beside the folder: sled's is inside of it and comes too late, since a leftover snapshot must
        // go before sled looks, and it may be one that another process is just writing.
        let lock = File::create(beside(folder, "lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CacheError::Locked(folder.into())),
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        if beside(folder, "damaged").exists() {
            set_aside(folder, "it was found damaged in the last run").map_err(failed)?;
            fs::remove_file(beside(folder, "damaged")).map_err(failed)?;
        }
        let db = match open(folder) {
            Ok(db) => db,
            Err(Trouble::Refused(error)) => return Err(error),
            Err(Trouble::Damaged(why)) => {
                set_aside(folder, &why).map_err(failed)?;
                open(folder).map_err(|trouble| match trouble {
                    Trouble::Refused(error) => error,
                    Trouble::Damaged(why) => CacheError::Open { folder: folder.into(), why },
                })?
            }
        };
        let open = RwLock::new(Some(Open { db, _lock: lock }));
        Ok(Self { open, folder: folder.into(), given_up: AtomicBool::new(false) })
    }

    /// Calls sled, unless it is closed or has been given up; a panic or an error of its gives it up.
    pub(super) fn call<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Option<T> {
        if self.given_up.load(Ordering::Relaxed) {
            return None;
        }
        let open = self.open.read();
        let open = open.as_ref()?;
        match guarded(|| call(&open.db)) {
            Ok(result) => Some(result),
            Err(why) => {
                if !self.given_up.swap(true, Ordering::Relaxed) {
                    // Should this fail too, the next run finds the damage by itself.
                    let _ = File::create(beside(&self.folder, "damaged"));
                    tracing::error!(
                        folder = %self.folder.display(), why,
                        "the cache is damaged; widgets are kept in memory only until the next start"
                    );
                }
                None
            }
        }
    }
}

impl CacheStore for SledStore {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.call(|db| db.get(key))?.map(|value| value.to_vec())
    }

    fn apply(&self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.call(|db| db.apply_batch(batch));
    }

    fn below(&self, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let all = self.call(|db| {
            let pair = |(key, value): (sled::IVec, sled::IVec)| (key.to_vec(), value.to_vec());
            db.scan_prefix(prefix).map(|found| found.map(pair)).collect::<sled::Result<Vec<_>>>()
        });
        all.unwrap_or_default()
    }

    fn flush(&self) -> Result<(), CacheError> {
        let flushed = self.call(|db| db.flush());
        flushed.map(|_| ()).ok_or_else(|| {
            CacheError::Write(format!("the folder {} is damaged", self.folder.display()))
        })
    }

    fn close(&self) -> Result<(), CacheError> {
        let flushed = self.flush();
        // Letting go of sled waits for its threads.
        drop(self.open.write().take());
        flushed
    }
}

fn open(folder: &Path) -> Result<sled::Db, Trouble> {
    remove_unfinished_snapshots(folder);
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(PAGES_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(why))) => Err(refused_or_damaged(folder, &why)),
        Ok(Err(why)) => Err(Trouble::Damaged(why.to_string())),
        Err(panic) => Err(Trouble::Damaged(said(&*panic))),
    }
}

fn refused_or_damaged(folder: &Path, why: &io::Error) -> Trouble {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
    let said = why.to_string();
    if said.contains("could not acquire lock") {
        return Trouble::Refused(CacheError::Locked(folder.into()));
    }
    match why.kind() {
        PermissionDenied | ReadOnlyFilesystem | StorageFull => {
            Trouble::Refused(CacheError::Open { folder: folder.into(), why: said })
        }
        _ => Trouble::Damaged(said),
    }
}

/// A snapshot that was being written when the process ended: sled takes it for a damaged one.
fn remove_unfinished_snapshots(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            // One that can't be removed makes sled fail, and is set aside with the folder.
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Renames the folder. One that was set aside earlier is deleted, so that damage does not fill the disk.
fn set_aside(folder: &Path, why: &str) -> io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let prefix = beside(folder, "broken-");
    for other in fs::read_dir(parent.unwrap_or(Path::new(".")))?.flatten() {
        let is_older = match (other.file_name().to_str(), prefix.file_name()) {
            (Some(name), Some(prefix)) => name.starts_with(&*prefix.to_string_lossy()),
            _ => false,
        };
        match other.file_type()?.is_dir() {
            true if is_older => fs::remove_dir_all(other.path())?,
            false if is_older => fs::remove_file(other.path())?,
            _ => {}
        }
    }
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ");
    let aside = beside(folder, &format!("broken-{now}"));
    fs::rename(folder, &aside)?;
    tracing::warn!(
        folder = %folder.display(), aside = %aside.display(), why,
        "the cache did not open; it is set aside, and widgets are built anew"
    );
    Ok(())
}

/// `var/cache` → `var/cache.lock`.
fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(said(&*panic)),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("sled panicked: {}", text.unwrap_or("without a word"))
}
