//! Whatever changes something must come from a page of ours.
//!
//! A browser sends its cookies along with what another site makes it send. So each request that may change something is
//! looked at before its route is: who sent it must be this site, as far as the browser says, and where a session's cookie
//! comes along, so must the token that only pages of that session have. This is a layer around all routes: one that is
//! added later is behind it too, and [`SIGNED`] names the two whose senders prove themselves otherwise.

use super::errors::PageError;
use super::session::{Cookie, FormToken};
use super::{Services, security};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// Signed by GitHub, and admitted by a bearer's token or from this very machine.
pub(super) const SIGNED: [&str; 2] = ["/hooks/github", "/api/messages"];

/// A form is no longer: each of its fields has a limit of its own.
const FORM_BYTES: usize = 1 << 20;

pub(super) async fn guard(
    State(services): State<Arc<Services>>,
    request: Request,
    next: Next,
) -> Response {
    if is_safe(request.method()) || SIGNED.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match checked(&services, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => {
            let (headers, error) = *refused;
            tracing::info!(reason = %error, "a request that would have changed something was refused");
            error.answer(&headers)
        }
    }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

type Refused = Box<(HeaderMap, PageError)>;

async fn checked(services: &Services, request: Request) -> Result<Request, Refused> {
    let headers = request.headers();
    if !security::is_own(headers, services.accounts.base()) {
        return Err(Box::new((headers.clone(), PageError::Foreign)));
    }
    // Who comes without a session is nobody whom another site could act for.
    let Some(session) = Cookie::Session.of(headers, services.accounts.is_https()) else {
        return Ok(request);
    };
    let wanted = session.form_token();
    if let Some(given) = headers.get("x-csrf-token") {
        if given.to_str().is_ok_and(|given| wanted.fits(given)) {
            return Ok(request);
        }
        return Err(Box::new((headers.clone(), PageError::StaleForm)));
    }
    if !is_form(headers) {
        return Err(Box::new((headers.clone(), PageError::StaleForm)));
    }
    let (parts, body) = request.into_parts();
    let Ok(form) = axum::body::to_bytes(body, FORM_BYTES).await else {
        return Err(Box::new((parts.headers, PageError::TooLarge(FORM_BYTES))));
    };
    if !has(&form, &wanted) {
        return Err(Box::new((parts.headers, PageError::StaleForm)));
    }
    Ok(Request::from_parts(parts, Body::from(form)))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn has(form: &Bytes, wanted: &FormToken) -> bool {
    url::form_urlencoded::parse(form).any(|(name, value)| name == "csrf" && wanted.fits(&value))
}
