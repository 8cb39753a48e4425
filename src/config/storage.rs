//! `[storage]`, `[store]` and `[datanommer]`: where things are kept.

use super::document::{Item, Table};
use super::value::{Misfit, number, text};
use std::{fmt, path::Path, path::PathBuf, time::Duration};

/// The folder of the cache, the journal and the embedded databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub path: PathBuf,
}

/// The address of a database: `sqlite:PATH`, with the path as the process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// The history of messages: where it is, and how long messages stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatanommerSettings {
    pub url: StoreUrl,
    pub keep: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Storage {
    fn default() -> Self {
        Self { path: "var".into() }
    }
}

impl StoreUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the database is there already. Opening one that is not makes it.
    pub fn exists(&self) -> bool {
        self.0.strip_prefix("sqlite:").is_some_and(|path| Path::new(path).is_file())
    }

    /// The default: `hubs.db` in the storage folder.
    pub fn below(storage: &Storage) -> Self {
        Self::sqlite(&storage.path.join("hubs.db"))
    }

    fn sqlite(path: &Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DatanommerSettings {
    /// The default: `datanommer.db` in the storage folder, messages of a year.
    pub fn below(storage: &Storage) -> Self {
        Self { url: StoreUrl::sqlite(&storage.path.join("datanommer.db")), keep: 365 * DAY }
    }
}

pub(super) fn read(root: &Table<'_>) -> Storage {
    let folder = root.document.around.folder;
    let mut storage = Storage { path: folder.join(Storage::default().path) };
    let Some(table) = root.table("storage") else { return storage };
    table.set("path", &mut storage.path, |item| {
        let path = text(item)?;
        if path.is_empty() { Err(Misfit::must_be("a folder")) } else { Ok(folder.join(path)) }
    });
    table.finish();
    storage
}

pub(super) fn read_store(root: &Table<'_>, storage: &Storage) -> StoreUrl {
    let mut url = StoreUrl::below(storage);
    let Some(table) = root.table("store") else { return url };
    table.set("url", &mut url, |item| database(item, "the hubs"));
    table.finish();
    url
}

pub(super) fn read_datanommer(root: &Table<'_>, storage: &Storage) -> DatanommerSettings {
    let mut settings = DatanommerSettings::below(storage);
    let Some(table) = root.table("datanommer") else { return settings };
    table.set("url", &mut settings.url, |item| database(item, "the messages"));
    if let Some(days) = table.read("keep_days", number(1..=36_500)) {
        settings.keep = days * DAY;
    }
    table.finish();
    settings
}

fn database(item: &Item<'_>, what: &str) -> Result<StoreUrl, Misfit> {
    let url = text(item)?;
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        // Not repeated: there may be a password in it.
        let message = format!("PostgreSQL can't keep {what} yet: it comes with a later version");
        return Err(Misfit::advises(message, "leave it out, or give a file: \"sqlite:hubs.db\""));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok(StoreUrl(url)),
        Some(path) if !path.is_empty() && !path.starts_with("//") && !path.contains('?') => {
            Ok(StoreUrl::sqlite(&item.document.around.folder.join(path)))
        }
        _ => Err(Misfit::must_be("the address of a file, as in \"sqlite:hubs.db\"")),
    }
}
