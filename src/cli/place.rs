//! Where a command works: the site, and its hubs.toml if it has one.

use super::print::Problems;
use crate::bindings;
use crate::config::{Settings, Site};
use crate::outbound::Posting;
use crate::script::{Interpreter, Tier};
use crate::widget::Library;
use anyhow::bail;
use std::path::{Path, PathBuf};

/// Options of every command that reads a site.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SiteOption {
    /// The folder with widgets/, templates/ and hubs.toml; without it the working folder
    #[arg(long = "site", value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Options of every command that talks to a running server.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServerOption {
    /// The server; without it the one that `[server] listen` names
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// The server's `[server] ingest_token`; not needed from the same machine under the dev login
    #[arg(long, env = "HUBS_INGEST_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    site: SiteOption,
}

impl ServerOption {
    pub(super) fn posting(self) -> anyhow::Result<Posting> {
        let Settings { server, auth, .. } = self.site.open()?.settings;
        // Under the dev login this machine needs none, and a token would be refused by a server that knows of none.
        let is_elsewhere = self.to.is_some() || self.token.is_some() || !auth.is_dev();
        let known = server.ingest_token.map(|token| token.reveal().to_owned());
        let token = self.token.or(known).filter(|_| is_elsewhere);
        let to = self.to.unwrap_or_else(|| format!("http://{}", server.listen));
        Ok(Posting::to(&to, token)?)
    }
}

pub(super) struct Place {
    pub(super) site: Site,
    pub(super) settings: Settings,
    pub(super) file: Option<PathBuf>,
}

impl Place {
    /// The site's widgets and processors, compiled but never run.
    pub(super) fn library(&self) -> Library {
        Library::load(&self.site, &mut self.interpreter(), None)
    }

    /// Of the pure tier: it can compile any script, and call what asks nobody.
    pub(super) fn interpreter(&self) -> Interpreter {
        let limits = self.settings.sandbox.pure.clone();
        Interpreter::new(Tier::Pure, limits, Some(bindings::pure()))
    }
}

impl SiteOption {
    /// The folder that was named.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// As it was given, for commands that are named in an answer: ` --site demo`, or nothing.
    pub(super) fn again(&self) -> String {
        match &self.folder {
            Some(folder) => format!(" --site {}", folder.display()),
            None => String::new(),
        }
    }

    pub(super) fn open(&self) -> anyhow::Result<Place> {
        let folder = match &self.folder {
            Some(folder) if !folder.is_dir() => {
                bail!("--site: there is no folder {}", folder.display())
            }
            Some(folder) => folder.clone(),
            None => PathBuf::from("."),
        };
        at_folder(&folder)
    }
}

/// A folder, with its hubs.toml if it has one.
pub(super) fn at_folder(folder: &Path) -> anyhow::Result<Place> {
    let file = folder.join("hubs.toml");
    if file.is_file() { at_file(&file) } else { Ok(bare(folder)) }
}

/// A hubs.toml, which must be there; its folder is the site.
pub(super) fn at_file(file: &Path) -> anyhow::Result<Place> {
    let settings = Settings::load(file).map_err(Problems)?;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Ok(Place { site: Site::at(folder), settings, file: Some(file.to_path_buf()) })
}

fn bare(folder: &Path) -> Place {
    Place { site: Site::at(folder), settings: Settings::default(), file: None }
}
