//! What went wrong, for the one who asked: a page for a browser, JSON for a program.
//!
//! A visitor gets a sentence and a way on; the log gets the chain, once, here.

use super::viewer::Asker;
use super::{Services, look, pages};
use crate::hub::{HubName, InstanceId, NameError, WidgetName};
use crate::outbound::oidc::OidcError;
use crate::render::{ErrorPage, Language};
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// The same words for one that is not there and for one that is not for everybody.
    #[error("There is no hub `{0}`, or it is not for you.")]
    NoSuchHub(String),
    #[error("There is no widget {id} on the hub `{hub}`; it may have been removed.")]
    NoSuchWidget { hub: HubName, id: InstanceId },
    #[error("There is no kind of widget named `{0}`.")]
    NoSuchKind(WidgetName),
    #[error("{0}")]
    Gone(String),
    #[error("{0}")]
    Busy(String),
    #[error("There is no page `{0}`.")]
    NoSuchPage(String),
    #[error(
        "What is wrong with a widget is shown to who may mend it: to the admins of this server, or on the machine that serves it while nobody needs a password."
    )]
    NotYours,
    #[error(
        "This was sent by a page of another site, so nothing was changed. Do it here, on the page itself."
    )]
    Foreign,
    #[error(
        "Nothing was changed: the page that this was sent from is from before you logged in or out. Load it again, and send it once more. A program sends the page's token as `csrf` or `X-CSRF-Token`."
    )]
    StaleForm,
    #[error("Nothing was changed: this is more than {0} bytes, which no form here has.")]
    TooLarge(usize),
    #[error(
        "Logging in without a password is for the machine itself: come by its own name, as in http://127.0.0.1:5000/. Whoever runs this server can let people log in from elsewhere with `[auth] kind = \"oidc\"`."
    )]
    DevElsewhere,
    #[error("Log in first: this is about who you are.")]
    NotLoggedIn,
    #[error(
        "Nobody joins `{0}` by themselves: its members see what others don't. Ask its owners to let you in."
    )]
    Closed(HubName),
    #[error(
        "You are the only owner of `{0}`, so you can't leave it: make somebody else an owner first."
    )]
    LastOwner(HubName),
    #[error(
        "Who is in `{hub}` is decided in FAS: it is like the group `{group}` there. Join or leave that one."
    )]
    Mirrored { hub: HubName, group: String },
    #[error(
        "This login did not begin in this browser, was used before, or took longer than a quarter of an hour, so it does not count. If you are not logged in, begin again."
    )]
    NoLogin,
    #[error("{0}")]
    Login(OidcError),
    #[error("Your account is called `{username}`, but {unfit}. Ask whoever runs this server.")]
    UnfitUsername { username: String, unfit: NameError },
    #[error(
        "Another account of the same provider is `{0}` here already, so you are not logged in. Ask whoever runs this server."
    )]
    TakenUsername(HubName),
    #[error("Log in to edit the hub `{0}`.")]
    MustLogIn(HubName),
    #[error(
        "The hub `{0}` is edited by its owners. Ask one of them to make you one, or to change it for you."
    )]
    NotOwner(HubName),
    #[error("{1}")]
    Edit(StatusCode, String),
    #[error("What was sent is not the JSON that is taken here: {0}")]
    BadJson(String),
    #[error(
        "`Content-Type` is {0}, but must be application/x-www-form-urlencoded or application/json."
    )]
    BadKind(String),
    #[error("Those were too many changes at once. Go on in {} s.", .0.as_secs() + 1)]
    TooManyEdits(Duration),
    #[error("That were too many tries to log in. Come back in {} s.", .0.as_secs() + 1)]
    TooOften(Duration),
    #[error("{0}")]
    BadName(#[from] NameError),
    #[error("The server could not answer. What it was is in its log.")]
    Internal(#[source] anyhow::Error),
}

impl PageError {
    /// Any failure that is not the visitor's.
    pub(super) fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::Internal(error.into())
    }

    /// For a reader, in their language where the catalogue has it: what only authors of widgets meet is in English.
    fn said(&self, language: Language) -> String {
        let translated = match self {
            _ if language == Language::English => None,
            Self::NoSuchHub(name) => language.say("no-such-hub", &[("name", name.as_str().into())]),
            Self::NoSuchWidget { hub, id } => {
                let args = [("hub", hub.as_str().into()), ("id", id.to_string().into())];
                language.say("no-such-widget", &args)
            }
            Self::NoSuchPage(path) => {
                language.say("no-such-page", &[("path", path.as_str().into())])
            }
            Self::Internal(_) => language.say("no-answer", &[]),
            _ => None,
        };
        translated.unwrap_or_else(|| self.to_string())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotYours
            | Self::NotOwner(_)
            | Self::Foreign
            | Self::StaleForm
            | Self::DevElsewhere
            | Self::Closed(_)
            | Self::Mirrored { .. }
            | Self::UnfitUsername { .. }
            | Self::TakenUsername(_) => StatusCode::FORBIDDEN,
            Self::NotLoggedIn | Self::MustLogIn(_) => StatusCode::UNAUTHORIZED,
            Self::LastOwner(_) => StatusCode::CONFLICT,
            Self::NoLogin | Self::BadJson(_) => StatusCode::BAD_REQUEST,
            Self::Login(error) if error.is_outage() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Login(_) => StatusCode::BAD_GATEWAY,
            Self::Edit(status, _) => *status,
            Self::BadKind(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooOften(_) | Self::TooManyEdits(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            // A name that can't be one names nothing, like one that nobody has.
            _ => StatusCode::NOT_FOUND,
        }
    }

    /// A login that came to nothing.
    pub(super) fn login(error: OidcError) -> Self {
        tracing::warn!(%error, "somebody could not log in");
        Self::Login(error)
    }

    /// Whether logging in may be the way on.
    fn may_log_in(&self) -> bool {
        matches!(
            self,
            Self::NoSuchHub(_)
                | Self::NoSuchWidget { .. }
                | Self::NotYours
                | Self::NoLogin
                | Self::Login(_)
                | Self::StaleForm
                | Self::NotLoggedIn
                | Self::MustLogIn(_)
        )
    }

    /// As a page for who asks for one, else as JSON.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        if wants_page(headers) { self.into_response() } else { JsonError(self).into_response() }
    }
}

/// Browsers say that they take HTML, programs seldom do.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    accepts.is_some_and(|kinds| kinds.contains("text/html"))
}

/// What [`render`] finds on an answer that is still without a body.
#[derive(Clone)]
struct Failed(Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!(error = format!("{error:#}"), "a request could not be answered");
        }
        let mut response = self.status().into_response();
        if let Self::TooOften(wait) | Self::TooManyEdits(wait) = self {
            response.headers_mut().insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
        }
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

/// Gives an answer that failed its body: a page, as its visitor gets pages. Routes that speak JSON use [`JsonError`].
pub(super) async fn render(
    State(services): State<Arc<Services>>,
    asker: Asker,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() else {
        return response;
    };
    let status = response.status();
    // Who it is does not matter so much that a page would have to wait for a store that fails.
    let viewer = services.viewer(&asker).await.unwrap_or_default();
    let message = error.said(look::look().lang);
    if look::as_text() {
        return (status, format!("{message}\n")).into_response();
    }
    let context = ErrorPage {
        status: status.as_u16(),
        title: &title(status),
        message: &message,
        may_log_in: error.may_log_in(),
    };
    let body = match pages::page(&services, &viewer, "error.html", context) {
        Ok(page) => page,
        // A broken error page must not hide the error.
        Err(_) => message.into_response(),
    };
    let (parts, body) = body.into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

/// The same as JSON, for routes that programs read.
pub(super) struct JsonError(pub PageError);

impl From<PageError> for JsonError {
    fn from(error: PageError) -> Self {
        Self(error)
    }
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.0.to_string() }));
        let mut response = self.0.into_response();
        let status = response.status();
        response.extensions_mut().remove::<Failed>();
        let (parts, body) = (status, body).into_response().into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
        super::security::fenced(response)
    }
}

fn title(status: StatusCode) -> String {
    let key = match status {
        StatusCode::NOT_FOUND => "not-here",
        StatusCode::FORBIDDEN => "not-open",
        StatusCode::UNAUTHORIZED => "who-are-you",
        StatusCode::BAD_REQUEST | StatusCode::BAD_GATEWAY => "not-logged-in",
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => "not-done",
        StatusCode::PAYLOAD_TOO_LARGE => "too-much",
        StatusCode::TOO_MANY_REQUESTS => "too-often",
        StatusCode::SERVICE_UNAVAILABLE => "not-now",
        _ => "something-failed",
    };
    look::look().lang.say(key, &[]).unwrap_or_default()
}

/// `GET` of anything else: a trailing slash is forgiven, the rest is a 404.
pub(super) async fn no_such_page(uri: Uri) -> Response {
    let path = uri.path();
    match path.strip_suffix('/') {
        // `//host/` would lead elsewhere.
        Some(trimmed) if trimmed.len() > 1 && !trimmed.starts_with("//") => {
            Redirect::permanent(trimmed).into_response()
        }
        _ => PageError::NoSuchPage(path.into()).into_response(),
    }
}

/// A handler panicked: the connection lives on and the visitor is told.
#[expect(clippy::needless_pass_by_value, reason = "the layer that catches panics hands it over")]
pub(super) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or(payload.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("without words"), "a request handler panicked");
    let mut response =
        Response::new(Body::from("The server could not answer. What it was is in its log.\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
