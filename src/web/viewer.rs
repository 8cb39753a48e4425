//! Who looks at a page. Until people log in, that is whoever uses this machine, and everybody else.

use super::{Services, security};
use crate::config::Auth;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

#[derive(Debug, Clone, Copy)]
pub(super) struct Viewer {
    /// Sees what is wrong with widgets, with names of files and lines of their source.
    pub(super) may_edit: bool,
}

impl Services {
    /// Under `[auth] kind = "dev"`, which is for one's own machine only, everybody who is on it may.
    fn may_edit(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        match self.auth {
            Auth::Dev => security::is_local(peer, headers),
        }
    }
}

impl FromRequestParts<Arc<Services>> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &Arc<Services>,
    ) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let may_edit = peer.is_some_and(|peer| services.may_edit(peer, &parts.headers));
        Ok(Self { may_edit })
    }
}
