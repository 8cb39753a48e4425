//! The dev login: whoever sits at this machine picks a name.

use super::super::errors::PageError;
use super::super::viewer::{Asker, Viewer};
use super::super::{Services, pages};
use super::next::Next;
use super::{Known, begin};
use crate::hub::HubName;
use crate::render::{LoginPage, Somebody};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// People that the page offers; others are typed.
const OFFERED: u32 = 200;

/// `problem`: why a name was not taken.
pub(super) async fn page(
    services: &Services,
    asker: &Asker,
    viewer: &Viewer,
    next: &Next,
    problem: Option<&str>,
) -> Result<Response, PageError> {
    if !asker.is_local() {
        return Err(PageError::DevElsewhere);
    }
    let people = services.store.people(OFFERED).await.map_err(PageError::internal)?;
    let offered = people.iter().filter(|person| person.username.parse::<HubName>().is_ok());
    let people = offered
        .map(|person| Somebody { username: &person.username, full_name: &person.full_name })
        .collect();
    let context = LoginPage { people, next: next.as_str(), problem };
    pages::page(services, viewer, "login.html", context)
}

pub(super) async fn enter(
    services: &Arc<Services>,
    asker: &Asker,
    viewer: &Viewer,
    form: &str,
) -> Result<Response, PageError> {
    if !asker.is_local() {
        return Err(PageError::DevElsewhere);
    }
    let made = services.accounts.attempts.make(asker, (services.clock)());
    made.map_err(PageError::TooOften)?;
    let field = |wanted: &str| {
        let mut fields = url::form_urlencoded::parse(form.as_bytes());
        fields.find(|(name, _)| name == wanted).map(|(_, value)| value.trim().to_owned())
    };
    let next = field("next").map(Next::from).unwrap_or_default();
    match field("username").unwrap_or_default().parse::<HubName>() {
        Ok(name) => {
            let nothing = String::new();
            let known =
                Known { name, full_name: nothing.clone(), groups: Vec::new(), id_token: nothing };
            begin(services, viewer, known, &next).await
        }
        Err(unfit) => {
            let page = page(services, asker, viewer, &next, Some(&unfit.to_string())).await?;
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
    }
}
