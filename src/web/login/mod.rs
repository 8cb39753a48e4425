//! Logging in and out.
//!
//! `[auth] kind = "dev"` takes anybody's word, on the machine itself; with "oidc" a provider says who somebody is. A login
//! begins a session of its own, whatever the
//! browser had before, and leads back to a page of ours, wherever the link to it said.

mod dev;
mod next;
mod oidc;

pub(super) use next::{address, address_again};
pub(super) use oidc::callback;

use super::errors::PageError;
use super::session::{Cookie, Token};
use super::viewer::{Asker, Viewer};
use super::{Services, pages};
use crate::hub::HubName;
use crate::render::{LoginAgainPage, LogoutPage};
use crate::store::NewSession;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use next::Next;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: Next,
    again: Option<String>,
}

/// `GET /login[?next=PATH]`: 303 to the provider; under the dev login a page to pick a name on. With `&again` a page with
/// a link comes first: a browser does not let a form lead on to another site.
pub(super) async fn show(
    State(services): State<Arc<Services>>,
    asker: Asker,
    viewer: Viewer,
    Query(Asked { next, again }): Query<Asked>,
) -> Result<Response, PageError> {
    match services.accounts.provider() {
        None => dev::page(&services, &asker, &viewer, &next, None).await,
        Some(provider) if again.is_some() => {
            let link = address(next.as_str());
            let context = LoginAgainPage { host: &provider.host(), link: &link };
            pages::page(&services, &viewer, "login-again.html", context)
        }
        Some(provider) => oidc::leave_for(&services, provider, &asker, &next).await,
    }
}

/// `POST /login` with `username` and `next`: the dev login. 303 to where its person wanted to go.
pub(super) async fn enter(
    State(services): State<Arc<Services>>,
    asker: Asker,
    viewer: Viewer,
    form: String,
) -> Result<Response, PageError> {
    if !services.accounts.auth().is_dev() {
        return Err(PageError::NoSuchPage("/login".into()));
    }
    dev::enter(&services, &asker, &viewer, &form).await
}

/// `POST /logout`: ends the session. 303 to the first page; where the provider has a place to log out at too, a page that
/// leads there.
pub(super) async fn leave(
    State(services): State<Arc<Services>>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    if let Some(session) = viewer.session() {
        services.store.end_session(&session.token).await.map_err(PageError::internal)?;
        tracing::info!(username = session.username, "somebody logged out");
        // What they had open that is not for everybody ends.
        let roles =
            services.store.roles_of(&session.username).await.map_err(PageError::internal)?;
        for (hub, _) in &roles {
            services.live.recheck(hub);
        }
    }
    let accounts = &services.accounts;
    let forget = [(header::SET_COOKIE, Cookie::Session.forget(accounts.is_https()))];
    if let (Some(provider), Some(session)) = (accounts.provider(), viewer.session())
        && let Some(there) =
            provider.logout(&session.id_token, &format!("{}/", accounts.base())).await
    {
        let context = LogoutPage { host: &provider.host(), link: there.as_str() };
        let page = pages::page(&services, &Viewer::default(), "logout.html", context)?;
        return Ok((forget, page).into_response());
    }
    Ok((forget, Redirect::to("/")).into_response())
}

/// Who logged in, as somebody vouches for it.
struct Known {
    name: HubName,
    full_name: String,
    groups: Vec<String>,
    id_token: String,
}

/// Begins a session, and sends its person on.
async fn begin(
    services: &Arc<Services>,
    before: &Viewer,
    known: Known,
    next: &Next,
) -> Result<Response, PageError> {
    let Known { name, full_name, groups, id_token } = known;
    let (working, welcomed) = (services.clone(), name.clone());
    let welcome =
        services.to_the_end(async move { working.welcome(&welcomed, &full_name).await }).await?;
    welcome.map_err(PageError::internal)?;
    let accounts = &services.accounts;
    if let Some(session) = before.session() {
        services.store.end_session(&session.token).await.map_err(PageError::internal)?;
    }
    let token = Token::random();
    let session = NewSession {
        token: token.hash(),
        username: name.to_string(),
        issuer: accounts.issuer().into(),
        groups,
        id_token,
    };
    let began = services.store.begin_session(&session, accounts.lifetime(), (services.clock)());
    began.await.map_err(PageError::internal)?;
    tracing::info!(username = name.as_str(), issuer = accounts.issuer(), "somebody logged in");
    let keep = Cookie::Session.keep(&token, accounts.is_https());
    Ok(([(header::SET_COOKIE, keep)], Redirect::to(next.as_str())).into_response())
}
