//! A site: the folders `widgets/`, `templates/`, `static/` and `tests/` beside hubs.toml, over those in the binary.

use rust_embed::{EmbeddedFile, RustEmbed};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("`{0}` is no text: UTF-8 is what scripts and templates are written in")]
    NoText(String),
}

/// A larger file is nothing that belongs into a site; it counts as missing.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// How deep folders are looked into.
const MAX_DEPTH: usize = 8;

/// A folder of the site is found by its first word. Each is embedded alone: walking the crate's root would walk the
/// build's output too.
macro_rules! embedded {
    ($($name:ident $folder:literal $($include:literal)*;)*) => {
        $(
            #[derive(RustEmbed)]
            #[folder = $folder]
            #[allow_missing = true]
            $(#[include = $include])*
            struct $name;
        )*

        const FOLDERS: &[&str] = &[$($folder),*];

        fn built_in(path: &str) -> Option<EmbeddedFile> {
            match path.split_once('/')? {
                $(($folder, rest) => $name::get(rest),)*
                _ => None,
            }
        }

        fn all_built_in() -> impl Iterator<Item = String> {
            std::iter::empty()
                $(.chain($name::iter().map(|rest| format!(concat!($folder, "/{}"), rest))))*
        }
    };
}

embedded! {
    Widgets "widgets";
    Templates "templates";
    Static "static";
    Tests "tests" "widgets/*" "recordings/*" "cassettes/*";
}

/// Reads files by their path below the site, as in `widgets/badges.rhai`. On disk first, then in the binary.
#[derive(Debug, Clone, Default)]
pub struct Site {
    root: Option<Arc<Path>>,
}

impl Site {
    /// Only what is in the binary.
    pub fn built_in() -> Self {
        Self::default()
    }

    /// The folder of hubs.toml; it need not have any of the folders.
    pub fn at(root: &Path) -> Self {
        // Resolved once, so that links are judged against the real folder.
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.into());
        Self { root: Some(root.into()) }
    }

    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// A file's bytes. A path with `..`, an absolute one, a link that leaves the site and what is in none of its folders
    /// count as missing.
    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        is_below_a_folder(path).then_some(())?;
        if let Some(file) = self.on_disk(path) {
            return fs::read(file).ok();
        }
        built_in(path).map(|file| file.data.into_owned())
    }

    pub fn read_text(&self, path: &str) -> Result<Option<String>, SiteError> {
        let text = self.read(path).map(String::from_utf8).transpose();
        text.map_err(|_| SiteError::NoText(path.into()))
    }

    /// The paths below a folder that end so, sorted; those on disk and those in the binary together.
    pub fn list(&self, folder: &str, ending: &str) -> Vec<String> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let mut found: BTreeSet<String> = all_built_in().collect();
        if is_below_a_folder(&prefix) {
            self.walk(prefix.trim_end_matches('/'), &mut found, MAX_DEPTH);
        }
        found.into_iter().filter(|p| p.starts_with(&prefix) && p.ends_with(ending)).collect()
    }

    fn walk(&self, folder: &str, found: &mut BTreeSet<String>, depth: usize) {
        let Some(root) = self.root.as_deref().filter(|_| depth > 0) else { return };
        let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
        // A name that is no UTF-8 can't be asked for either.
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        for name in names.filter(|name| !name.starts_with('.')) {
            let path = format!("{folder}/{name}");
            match self.resolve(&path).and_then(|file| fs::metadata(file).ok()) {
                Some(kind) if kind.is_dir() => self.walk(&path, found, depth - 1),
                Some(kind) if fits(&kind) => _ = found.insert(path),
                _ => {}
            }
        }
    }

    fn on_disk(&self, path: &str) -> Option<PathBuf> {
        let file = self.resolve(path)?;
        fs::metadata(&file).is_ok_and(|kind| fits(&kind)).then_some(file)
    }

    /// Where a path really is, if that is within the site.
    fn resolve(&self, path: &str) -> Option<PathBuf> {
        let root = self.root.as_deref()?;
        let real: io::Result<PathBuf> = fs::canonicalize(root.join(path));
        real.ok().filter(|real| real.starts_with(root))
    }
}

/// Pipes and devices would block or never end.
fn fits(kind: &fs::Metadata) -> bool {
    kind.is_file() && kind.len() <= MAX_FILE_BYTES
}

/// Whether a path is plain words, the first of which is a folder of the site.
fn is_below_a_folder(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let clean = !path.contains(['\\', '\0']) && !path.split('/').any(|word| word.starts_with('.'));
    plain && clean && path.split_once('/').is_some_and(|(folder, _)| FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site_with(files: &[(&str, &str)]) -> (tempfile::TempDir, Site) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let site = Site::at(folder.path());
        (folder, site)
    }

    #[test]
    fn a_file_on_disk_is_read_and_listed_with_those_below_it() {
        let (_folder, site) = site_with(&[
            ("widgets/zz_mine.rhai", "1"),
            ("widgets/workflow/zz_mine.rhai", "2"),
            ("widgets/zz_mine.txt", "3"),
        ]);
        assert_eq!(site.read_text("widgets/zz_mine.rhai").unwrap().as_deref(), Some("1"));
        let listed = site.list("widgets", ".rhai");
        let mine: Vec<_> = listed.iter().filter(|path| path.contains("zz_mine")).collect();
        assert_eq!(mine, ["widgets/workflow/zz_mine.rhai", "widgets/zz_mine.rhai"]);
        assert!(listed.is_sorted());
        assert_eq!(site.read("widgets/zz_missing.rhai"), None);
    }

    #[test]
    fn what_is_in_the_binary_is_there_without_a_folder_and_below_one() {
        let (_folder, site) = site_with(&[]);
        let built_in = Site::built_in().list("widgets", "");
        assert_eq!(site.list("widgets", ""), built_in);
        for path in built_in {
            assert!(site.read(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn nothing_outside_of_the_folders_is_read() {
        let (folder, site) = site_with(&[("widgets/a.rhai", "1"), ("secret.txt", "s")]);
        let absolute = folder.path().join("widgets/a.rhai");
        for path in [
            "secret.txt",
            "widgets/../secret.txt",
            "../secret.txt",
            "./widgets/a.rhai",
            "widgets/./a.rhai",
            "widgets//../../secret.txt",
            "widgets/.hidden",
            "widgets\\a.rhai",
            "widgets",
            "widgets/",
            "",
            absolute.to_str().unwrap(),
        ] {
            assert_eq!(site.read(path), None, "{path}");
        }
        assert_eq!(site.list("..", ""), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leaves_the_site_is_as_good_as_missing() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("passwd.rhai"), "root").unwrap();
        let (folder, site) = site_with(&[("widgets/a.rhai", "1")]);
        let widgets = folder.path().join("widgets");
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, widgets.join(name));
        link(&outside.path().join("passwd.rhai"), "zz_out.rhai").unwrap();
        link(outside.path(), "zz_folder").unwrap();
        link(&widgets.join("a.rhai"), "zz_in.rhai").unwrap();
        link(&widgets, "zz_circle").unwrap();
        assert_eq!(site.read("widgets/zz_out.rhai"), None);
        assert_eq!(site.read("widgets/zz_folder/passwd.rhai"), None);
        assert_eq!(site.read("widgets/zz_in.rhai").as_deref(), Some(&b"1"[..]));
        let listed = site.list("widgets", ".rhai");
        assert!(!listed.iter().any(|path| path.contains("zz_out") || path.contains("passwd")));
    }

    #[test]
    fn a_file_that_is_no_text_is_named() {
        let (folder, site) = site_with(&[("widgets/a.rhai", "")]);
        fs::write(folder.path().join("widgets/a.rhai"), [0xff, 0xfe]).unwrap();
        assert_eq!(
            site.read_text("widgets/a.rhai").unwrap_err().to_string(),
            "`widgets/a.rhai` is no text: UTF-8 is what scripts and templates are written in"
        );
    }
}
