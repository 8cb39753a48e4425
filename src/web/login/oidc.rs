//! Logging in at a provider, by OpenID Connect.
//!
//! A login is remembered in the store until its person is back: once, for a quarter of an hour, and for the browser in
//! which it began. So nobody is logged in as somebody else by a link, and no answer counts twice.

use super::super::Services;
use super::super::errors::PageError;
use super::super::session::{Cookie, Token};
use super::super::viewer::{Asker, Viewer};
use super::next::Next;
use super::{Known, begin};
use crate::hub::HubName;
use crate::outbound::oidc::{Answer, Identity, Oidc, OidcError};
use crate::store::PendingLogin;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Sends somebody to the provider.
pub(super) async fn leave_for(
    services: &Services,
    provider: &Oidc,
    asker: &Asker,
    next: &Next,
) -> Result<Response, PageError> {
    let accounts = &services.accounts;
    accounts.attempts.make(asker, (services.clock)()).map_err(PageError::TooOften)?;
    let state = Token::random();
    let begun = provider.begin(state.reveal()).await.map_err(PageError::login)?;
    // One for all logins of a browser, so that two of its tabs don't spoil each other's.
    let known = Cookie::Login.of(&asker.headers, accounts.is_https());
    let browser = known.unwrap_or_else(Token::random);
    let login = PendingLogin {
        browser: browser.hash(),
        nonce: begun.nonce,
        verifier: begun.verifier,
        next: next.as_str().into(),
    };
    let hash = state.hash();
    let remembered = services.store.begin_login(&hash, &login, (services.clock)()).await;
    remembered.map_err(PageError::internal)?;
    let keep = Cookie::Login.keep(&browser, accounts.is_https());
    let headers = [
        (header::SET_COOKIE, keep),
        (header::CACHE_CONTROL, header::HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Redirect::to(begun.url.as_str())).into_response())
}

#[derive(Deserialize)]
pub(in crate::web) struct Back {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
}

/// `GET /login/callback`: where the provider sends people back to. 303 to where they wanted to go; else a page that says
/// what happened.
pub(in crate::web) async fn callback(
    State(services): State<Arc<Services>>,
    asker: Asker,
    viewer: Viewer,
    Query(back): Query<Back>,
) -> Result<Response, PageError> {
    let accounts = &services.accounts;
    let Some(provider) = accounts.provider() else {
        return Err(PageError::NoSuchPage("/login/callback".into()));
    };
    accounts.attempts.make(&asker, (services.clock)()).map_err(PageError::TooOften)?;
    let login = pending(&services, &asker, back.state.as_deref()).await?;
    if let Some(error) = back.error {
        let refused = OidcError::refused(provider.host(), &error, &back.error_description);
        return Err(PageError::login(refused));
    }
    let answer = Answer {
        code: back.code.as_deref().unwrap_or_default(),
        iss: back.iss.as_deref(),
        nonce: &login.nonce,
        verifier: &login.verifier,
    };
    let identity = provider.finish(&answer).await.map_err(PageError::login)?;
    let known = known(&services, identity).await?;
    begin(&services, &viewer, known, &Next::from(login.next)).await
}

/// The login that somebody comes back from: of this browser, in time, and for the first time.
async fn pending(
    services: &Services,
    asker: &Asker,
    state: Option<&str>,
) -> Result<PendingLogin, PageError> {
    let Some(state) = state.and_then(Token::parse) else { return Err(PageError::NoLogin) };
    let found = services.store.take_login(&state.hash(), (services.clock)()).await;
    let login = found.map_err(PageError::internal)?.ok_or(PageError::NoLogin)?;
    let browser = Cookie::Login.of(&asker.headers, services.accounts.is_https());
    if browser.is_none_or(|browser| browser.hash() != login.browser) {
        return Err(PageError::NoLogin);
    }
    Ok(login)
}

/// Who that is here.
async fn known(services: &Services, identity: Identity) -> Result<Known, PageError> {
    let Identity { subject, username, full_name, groups, id_token } = identity;
    let wanted: HubName =
        username.parse().map_err(|unfit| PageError::UnfitUsername { username, unfit })?;
    let issuer = services.accounts.issuer();
    let found =
        services.store.identify(issuer, &subject, wanted.as_str(), (services.clock)()).await;
    let Some(username) = found.map_err(PageError::internal)? else {
        tracing::warn!(
            username = wanted.as_str(),
            "somebody else of the provider has this name here"
        );
        return Err(PageError::TakenUsername(wanted));
    };
    let name = username.parse()?;
    Ok(Known { name, full_name, groups, id_token })
}
