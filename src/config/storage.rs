//! `[storage]`, `[store]` and `[datanommer]`: where things are kept.

use super::document::{Item, Table};
use super::secret::{Secret, secret};
use super::value::{Misfit, bytes, duration, number, text};
use std::{fmt, path::Path, path::PathBuf, time::Duration};

/// The folder of the cache, the journal and the embedded databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub path: PathBuf,
}

/// The address of a database: `sqlite:PATH`, with the path as the process sees it, or `postgres://…`. Shown without
/// its password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// The history of messages: where it is, and how long messages stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatanommerSettings {
    pub url: StoreUrl,
    /// Of messages that hubs keeps itself.
    pub keep: Duration,
    pub keep_bytes: usize,
    /// Of a datanommer's database; instead of one in the address.
    pub password: Option<Secret>,
    pub connections: u32,
    /// Of one statement.
    pub timeout: Duration,
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
        self.is_postgres()
            || self.0.strip_prefix("sqlite:").is_some_and(|path| Path::new(path).is_file())
    }

    pub fn is_postgres(&self) -> bool {
        is_postgres(&self.0)
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
        match self.0.split_once("://") {
            // In what follows `?` there may be a password too.
            Some((kind, rest)) if self.is_postgres() => {
                let rest = rest.split('?').next().unwrap_or(rest);
                let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
                write!(f, "{kind}://{place}")
            }
            _ => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

impl DatanommerSettings {
    /// The default: `datanommer.db` in the storage folder, messages of a year.
    pub fn below(storage: &Storage) -> Self {
        Self {
            url: StoreUrl::sqlite(&storage.path.join("datanommer.db")),
            keep: 365 * DAY,
            keep_bytes: 10 << 30,
            password: None,
            connections: 8,
            timeout: Duration::from_secs(5),
        }
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
    table.set("url", &mut settings.url, |item| match text(item)? {
        url if is_postgres(&url) => postgres(url),
        _ => database(item, "the messages"),
    });
    settings.password = table.read("password", secret);
    table.set("connections", &mut settings.connections, number(1..=100));
    let second = Duration::from_secs(1);
    table.set("timeout", &mut settings.timeout, duration(second / 10..=60 * second));
    table.set("keep_bytes", &mut settings.keep_bytes, bytes(1 << 20..=1 << 50));
    if let Some(days) = table.read("keep_days", number(1..=36_500)) {
        settings.keep = days * DAY;
    }
    table.finish();
    settings
}

/// Not repeated where it does not fit: there may be a password in it.
fn postgres(url: String) -> Result<StoreUrl, Misfit> {
    let fits = url::Url::parse(&url).is_ok_and(|parsed| {
        let is_socket = parsed.query_pairs().any(|(key, _)| key == "host");
        (parsed.host_str().is_some_and(|host| !host.is_empty()) || is_socket) && url.contains("://")
    });
    let help = "as in \"postgres://hubs@db.example.org/datanommer?sslmode=verify-full\"; the password may stand in `password`";
    let misfit = || Misfit::advises("this is no address of a PostgreSQL database", help);
    if fits { Ok(StoreUrl(url)) } else { Err(misfit()) }
}

fn database(item: &Item<'_>, what: &str) -> Result<StoreUrl, Misfit> {
    let url = text(item)?;
    if is_postgres(&url) {
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
