//! What went wrong, for the one who asked: a page for a browser, JSON for a program.
//!
//! A visitor gets a sentence and a way on; the log gets the chain, once, here.

use super::{Services, look};
use crate::hub::{HubName, InstanceId, NameError, WidgetName};
use crate::render::{ErrorPage, Language};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;
use std::any::Any;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("There is no hub `{0}`.")]
    NoSuchHub(String),
    #[error("There is no widget {id} on the hub `{hub}`; it may have been removed.")]
    NoSuchWidget { hub: HubName, id: InstanceId },
    #[error("There is no kind of widget named `{0}`.")]
    NoSuchKind(WidgetName),
    #[error("{0}")]
    Gone(String),
    #[error("There is no page `{0}`.")]
    NoSuchPage(String),
    #[error(
        "What is wrong with a widget is shown to who may edit it: on the machine that serves it."
    )]
    NotYours,
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
            Self::NotYours => StatusCode::FORBIDDEN,
            // A name that can't be one names nothing, like one that nobody has.
            _ => StatusCode::NOT_FOUND,
        }
    }
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
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

/// Gives an answer that failed its body: a page. Routes that speak JSON use [`JsonError`].
pub(super) async fn render(State(services): State<Arc<Services>>, response: Response) -> Response {
    let Some(Failed(error)) = response.extensions().get::<Failed>().cloned() else {
        return response;
    };
    let status = response.status();
    let message = error.said(look::look().lang);
    if look::as_text() {
        return (status, format!("{message}\n")).into_response();
    }
    let context = ErrorPage { status: status.as_u16(), title: &title(status), message: &message };
    match services.renderer.page_for(look::look(), "error.html", context, (services.clock)()) {
        Ok(page) => (status, Html(page)).into_response(),
        // A broken error page must not hide the error.
        Err(problem) => {
            tracing::error!(%problem, "the error page could not be rendered");
            (status, error.to_string()).into_response()
        }
    }
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
        response.extensions_mut().remove::<Failed>();
        super::security::fenced((response.status(), body).into_response())
    }
}

fn title(status: StatusCode) -> String {
    let key = match status {
        StatusCode::NOT_FOUND => "not-here",
        StatusCode::FORBIDDEN => "not-open",
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
