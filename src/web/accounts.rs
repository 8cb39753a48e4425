//! How people log in here, and what comes with the first time.

use super::Services;
use super::attempts::Attempts;
use crate::config::{Auth, AuthKind, HubEntry, Settings, WidgetEntry};
use crate::hub::{Change, HubName};
use crate::outbound::Fas;
use crate::outbound::fas::Question;
use crate::outbound::oidc::{Oidc, OidcError};
use crate::store::{Lifetime, Person, Session, StoreError, user_hub};
use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Whoever comes daily logs in again once in so long.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);
/// A first login does not wait longer for somebody's full name.
const FAS_TAKES: Duration = Duration::from_secs(4);

/// Tells of a change whoever must know: the index, open pages, buses. Returns once it is certain that they will.
pub type Tell = dyn Fn(Change) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// What hubs.toml says that concerns people, and may say otherwise while the server runs. Clones are one.
#[derive(Clone, Default)]
pub struct Changing {
    /// The widgets of a new person's hub.
    user_hub: Arc<ArcSwap<Vec<WidgetEntry>>>,
    /// Of hubs that mirror a group of FAS, which.
    mirrored: Arc<ArcSwap<BTreeMap<HubName, String>>>,
}

impl Changing {
    pub fn take(&self, settings: &Settings) {
        self.user_hub.store(Arc::new(settings.user_hub.clone()));
        let group = |hub: &HubEntry| Some((hub.name.clone(), hub.fas_group.clone()?));
        self.mirrored.store(Arc::new(settings.hubs.iter().filter_map(group).collect()));
    }
}

pub struct Accounts {
    auth: Auth,
    /// Where browsers find us: scheme, host and port.
    base: String,
    fas: Fas,
    changing: Changing,
    tell: Arc<Tell>,
    provider: Option<Oidc>,
    pub(super) attempts: Attempts,
}

impl Accounts {
    pub fn new(
        settings: &Settings,
        address: SocketAddr,
        fas: Fas,
        changing: Changing,
        tell: Arc<Tell>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, OidcError> {
        let public = settings.server.public_url.as_ref();
        let base = public
            .map_or_else(|| format!("http://{address}"), |url| url.origin().ascii_serialization());
        let auth = settings.auth.clone();
        let provider = match &auth.kind {
            AuthKind::Dev => {
                tracing::warn!(
                    "anybody on this machine can log in as anybody at {base}/login: `[auth] kind = \"dev\"` asks for no password"
                );
                None
            }
            AuthKind::Oidc(oidc) => {
                let back = format!("{base}/login/callback");
                tracing::info!(issuer = %oidc.issuer, back, "people log in at a provider, which must know where they come back to");
                Some(Oidc::new(oidc, &back, clock)?)
            }
        };
        Ok(Self { auth, base, fas, changing, tell, provider, attempts: Attempts::default() })
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn is_https(&self) -> bool {
        self.base.starts_with("https://")
    }

    /// Who vouches for people here.
    pub(super) fn issuer(&self) -> &str {
        match &self.auth.kind {
            AuthKind::Dev => "dev",
            AuthKind::Oidc(oidc) => oidc.issuer.as_str(),
        }
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        let idle = SignedDuration::try_from(self.auth.session).unwrap_or(LONGEST);
        Lifetime { idle, whole: LONGEST }
    }

    pub(super) fn is_admin(&self, session: &Session) -> bool {
        let by_group = match &self.auth.kind {
            AuthKind::Dev => false,
            AuthKind::Oidc(oidc) => session.groups.iter().any(|g| oidc.admin_groups.contains(g)),
        };
        by_group || self.auth.admins.contains(&session.username)
    }

    /// `None` under the dev login.
    pub(super) fn provider(&self) -> Option<&Oidc> {
        self.provider.as_ref()
    }

    /// The group of FAS whose members are those of a hub.
    pub(super) fn mirrored_group(&self, hub: &HubName) -> Option<String> {
        self.changing.mirrored.load().get(hub).cloned()
    }

    pub(super) async fn tell(&self, change: Change) {
        (self.tell)(change).await;
    }

    /// What FAS calls somebody. Where it answers, it alone counts: who wants to be private has no full name there.
    async fn full_name(&self, username: &str, claimed: &str) -> String {
        let Ok(name) = username.parse() else { return claimed.into() };
        let deadline = Instant::now() + FAS_TAKES;
        match self.fas.ask(&Question::Person(name), deadline).await {
            Ok(Some(told)) => told.value["human_name"].as_str().unwrap_or_default().into(),
            Ok(None) => claimed.into(),
            Err(error) => {
                tracing::debug!(%error, username, "FAS was not asked for a full name");
                claimed.into()
            }
        }
    }
}

impl Services {
    /// Somebody logs in: the first time they and their hub are made. `claimed`: their full name as others told it.
    pub(super) async fn welcome(&self, name: &HubName, claimed: &str) -> Result<(), StoreError> {
        let (username, now) = (name.as_str(), (self.clock)());
        let known = self.store.person(username).await?;
        let has_hub = self.store.hub(name).await?.is_some();
        if has_hub && known.as_ref().is_some_and(|person| !person.full_name.is_empty()) {
            return Ok(());
        }
        let full_name = self.accounts.full_name(username, claimed).await;
        if known.is_none() || !full_name.is_empty() {
            let person =
                Person { username: username.into(), full_name: full_name.clone(), created_at: now };
            self.store.add_person(&person).await?;
        }
        let widgets = self.accounts.changing.user_hub.load_full();
        let (hub, instances) = user_hub(name, &full_name, &widgets, now);
        let made = !has_hub && self.store.create_hub(&hub, &instances).await?;
        if made || known.is_none() {
            tracing::info!(username, "somebody came to hubs");
            self.accounts.tell(Change::PersonCame { username: username.into() }).await;
        }
        if made {
            self.accounts.tell(Change::HubMade { hub: name.clone() }).await;
        }
        Ok(())
    }
}
