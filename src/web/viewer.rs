//! Who looks at a page, and what that lets them see and do.
//!
//! Each answer about rights is given here and nowhere else. A hub that somebody may not even know of is, to them, not
//! there.

use super::Services;
use super::errors::PageError;
use super::security;
use super::session::{Cookie, FormToken};
use crate::hub::{Hub, HubKind, HubName, Role, Visibility, idle_word};
use crate::render::{Bookmark, Frame, Who};
use crate::store::Session;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::Timestamp;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What is known of whoever asks before the store is asked who they are.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) peer: Option<IpAddr>,
    pub(super) headers: HeaderMap,
    /// Path and query.
    pub(super) here: String,
}

impl Asker {
    pub(super) fn of(parts: &Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
        Self { peer, headers: parts.headers.clone(), here }
    }

    pub(super) fn is_local(&self) -> bool {
        self.peer.is_some_and(|peer| security::is_local(peer, &self.headers))
    }
}

impl FromRequestParts<Arc<Services>> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Somebody, or nobody in particular.
#[derive(Debug, Clone, Default)]
pub(super) struct Viewer {
    session: Option<Session>,
    form: FormToken,
    is_admin: bool,
    bookmarks: Vec<Bookmark>,
    /// Where anybody is who they say, and this is the machine itself.
    is_at_home: bool,
    here: String,
}

impl Viewer {
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    pub(super) fn username(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.username.as_str())
    }

    /// Sees what is wrong with scripts and templates, with names of files and lines of their source; tries widgets out
    /// with settings of their own.
    pub(super) fn may_mend(&self) -> bool {
        self.is_admin || self.is_at_home
    }

    /// Sees that a hub is there, its name and its summary.
    pub(super) fn may_know(&self, hub: &Hub) -> bool {
        hub.visibility != Visibility::Private || self.may_read(hub)
    }

    /// Sees what is on a hub, and who.
    pub(super) fn may_read(&self, hub: &Hub) -> bool {
        hub.visibility == Visibility::Public
            || self.is_admin
            || self.username().is_some_and(|name| hub.has_member(name))
    }

    /// Changes a hub.
    pub(super) fn may_edit(&self, hub: &Hub) -> bool {
        self.is_admin || self.username().is_some_and(|name| hub.has_owner(name))
    }

    /// Becomes a member of a hub by saying so. Where members see more than others, somebody must let them in.
    pub(super) fn may_join(&self, hub: &Hub) -> bool {
        self.session.is_some() && hub.visibility == Visibility::Public
    }

    pub(super) fn roles_on(&self, hub: &Hub) -> Vec<Role> {
        self.username().map(|name| hub.roles_of(name)).unwrap_or_default()
    }

    /// Whether this is the person whose page a hub is.
    pub(super) fn is_own(&self, hub: &Hub) -> bool {
        hub.kind == HubKind::User && self.username() == Some(hub.name.as_str())
    }

    /// The viewer's part of each page.
    pub(super) fn frame(&self) -> Frame<'_> {
        let who = |session| {
            let session: &Session = session;
            Who {
                username: &session.username,
                full_name: &session.full_name,
                is_admin: self.is_admin,
            }
        };
        Frame {
            viewer: self.session.as_ref().map(who),
            csrf: self.form.as_str(),
            bookmarks: &self.bookmarks,
            login: super::login::address(&self.here),
        }
    }
}

impl Services {
    /// Asks the store who somebody is. One without a session's cookie costs nothing.
    pub(super) async fn viewer(&self, asker: &Asker) -> Result<Viewer, PageError> {
        let accounts = &self.accounts;
        let nobody = Viewer {
            is_at_home: accounts.auth().is_dev() && asker.is_local(),
            here: asker.here.clone(),
            ..Viewer::default()
        };
        let Some(token) = Cookie::Session.of(&asker.headers, accounts.is_https()) else {
            return Ok(nobody);
        };
        // A form of a session that is over is told from one of another site.
        let form = token.form_token();
        let (hash, now) = (token.hash(), (self.clock)());
        let found = self.store.session(&hash, accounts.lifetime(), now).await;
        let session = found.map_err(PageError::internal)?;
        // Who was somebody while anybody could be is nobody now.
        let session = session.filter(|session| session.issuer == accounts.issuer());
        let is_admin = session.as_ref().is_some_and(|session| accounts.is_admin(session));
        let bookmarks = match &session {
            Some(session) => self.bookmarks(&session.username).await?,
            None => Vec::new(),
        };
        Ok(Viewer { session, form, is_admin, bookmarks, ..nobody })
    }

    async fn bookmarks(&self, username: &str) -> Result<Vec<Bookmark>, PageError> {
        let now = (self.clock)();
        let kept = self.store.bookmarks(username).await.map_err(PageError::internal)?;
        let days = |at: Timestamp| (now.as_second() - at.as_second()).max(0) / 86_400;
        let bookmark = |kept: crate::store::Bookmark| Bookmark {
            idle: idle_word(days(kept.last_active)),
            name: kept.hub,
        };
        Ok(kept.into_iter().map(bookmark).collect())
    }

    /// The hub of a path. One that the viewer may not know of is not there.
    pub(super) async fn find(&self, viewer: &Viewer, name: &str) -> Result<Hub, PageError> {
        let no_such = || PageError::NoSuchHub(name.to_owned());
        let parsed: HubName = name.parse().map_err(|_| no_such())?;
        let found = self.store.hub(&parsed).await.map_err(PageError::internal)?;
        found.filter(|hub| viewer.may_know(hub)).ok_or_else(no_such)
    }
}

impl FromRequestParts<Arc<Services>> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &Arc<Services>,
    ) -> Result<Self, PageError> {
        services.viewer(&Asker::of(parts)).await
    }
}
