//! hubs.toml: one file per table, all problems reported at once, secrets resolved.
//!
//! Without a file everything has a default that works on a bare machine. What the file says is checked here down to
//! names and addresses, each problem with its line and the nearest right name; whether a widget exists and takes a
//! parameter is known further down, so entries carry their [`Place`]. Knows no store, no script and no network.

mod address;
mod amqp;
mod auth;
mod bus;
pub(crate) mod document;
mod fas;
mod fedmsg;
mod fedora_messaging;
mod github;
pub(crate) mod hubs;
mod limits;
mod outbound;
mod sandbox;
mod secret;
mod server;
mod site;
mod storage;
pub(crate) mod value;
pub(crate) mod widgets;

pub use amqp::{Amqp, AmqpBinding, AmqpQueue, AmqpTls, AmqpUrl};
pub use auth::{Auth, AuthKind, ClientAuth, Oidc};
pub use bus::Bus;
pub use document::Place;
pub use fas::{Fas, FasKind, FasLogin, Kerberos};
pub use fedmsg::{Connection, Fedmsg, Location, Publish, Signatures};
pub use github::Github;
pub use hubs::HubEntry;
pub use limits::Limits;
pub use outbound::OutboundSettings;
pub use sandbox::Sandbox;
pub use secret::Secret;
pub use server::Server;
pub use site::{Site, SiteError};
pub use storage::{DatanommerSettings, Storage, StoreUrl};
pub use widgets::{WidgetEntry, for_user};

use crate::diagnostic::Diagnostic;
use document::{Document, Surroundings};
use std::{net::SocketAddr, path::Path};

/// All of hubs.toml; [`Settings::default`] is what holds without a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub server: Server,
    pub storage: Storage,
    pub store: StoreUrl,
    pub datanommer: DatanommerSettings,
    pub bus: Bus,
    /// Without it nobody is asked about accounts.
    pub fas: Option<Fas>,
    pub github: Github,
    pub auth: Auth,
    pub sandbox: Sandbox,
    pub outbound: OutboundSettings,
    /// The widgets of a new user's hub; `{username}` in a text of their config means the user.
    pub user_hub: Vec<WidgetEntry>,
    pub hubs: Vec<HubEntry>,
}

impl Default for Settings {
    fn default() -> Self {
        let storage = Storage::default();
        Self {
            server: Server::default(),
            store: StoreUrl::below(&storage),
            datanommer: DatanommerSettings::below(&storage),
            storage,
            bus: Bus::default(),
            fas: None,
            github: Github::default(),
            auth: Auth::default(),
            sandbox: Sandbox::default(),
            outbound: OutboundSettings::default(),
            user_hub: widgets::defaults(),
            hubs: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads a file; relative paths in it start at its folder.
    pub fn load(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let name = path.file_name().map_or("hubs.toml".into(), |name| name.to_string_lossy());
        let text = std::fs::read_to_string(path).map_err(|error| {
            let problem = Diagnostic::error(format!("{} can't be read: {error}", path.display()));
            vec![problem.in_file(&*name)]
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let env = |name: &str| std::env::var(name).ok();
        Self::read(&text, &name, &Surroundings { folder, env: &env })
    }

    /// As [`Settings::load`], from a text; `file` is how diagnostics name it, its folder is where relative paths start.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Diagnostic>> {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let env = |name: &str| std::env::var(name).ok();
        Self::read(text, file, &Surroundings { folder, env: &env })
    }

    fn read(text: &str, file: &str, around: &Surroundings<'_>) -> Result<Self, Vec<Diagnostic>> {
        let tree = document::tree(text, file)?;
        let document = Document::new(text, file, around);
        let root = document.root(&tree);
        let storage = storage::read(&root);
        let settings = Self {
            server: server::read(&root),
            store: storage::read_store(&root, &storage),
            datanommer: storage::read_datanommer(&root, &storage),
            storage,
            bus: bus::read(&root),
            fas: fas::read(&root),
            github: github::read(&root),
            auth: auth::read(&root),
            sandbox: sandbox::read(&root),
            outbound: outbound::read(&root),
            user_hub: widgets::read_user_hub(&root),
            hubs: hubs::read(&root),
        };
        if let Some(refusal) = settings.listen_problem(settings.server.listen) {
            let span = root.table("server").and_then(|server| server.span_of("listen"));
            root.problem(span, refusal.message, refusal.help);
        }
        root.finish();
        document.into_result(settings)
    }

    /// Why the way of logging in forbids to listen there, if it does; also for an address from the command line.
    pub fn listen_problem(&self, listen: SocketAddr) -> Option<Diagnostic> {
        if listen.ip().is_loopback() {
            return None;
        }
        if self.auth.is_dev() {
            let said = format!(
                "`listen` is {listen}, which other machines can reach, but `[auth] kind = \"dev\"` lets anybody log in as anybody"
            );
            return Some(Diagnostic::error(said).help(
                "listen on 127.0.0.1 or [::1], or let people log in with `[auth] kind = \"oidc\"`",
            ));
        }
        self.server.public_url.is_none().then(|| {
            Diagnostic::error(format!(
                "`listen` is {listen}, and people log in at another server, but that can't know where to send them back to"
            ))
            .help("set `[server] public_url` to where browsers find hubs")
        })
    }
}

#[cfg(test)]
mod tests;
