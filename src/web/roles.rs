//! What somebody is to a hub, as they say themselves: subscriber, stargazer, member.
//!
//! Whatever is asked for twice is so after the first time: nothing here minds a role that is there or gone already.

use super::errors::{PageError, wants_page};
use super::openapi::RolesJson;
use super::viewer::{Asker, Viewer};
use super::{Services, login};
use crate::hub::{Change, Hub, HubKind, HubName, Role, Visibility};
use crate::render::DeedButton;
use crate::store::{Left, StoreError};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Subscribe,
    Unsubscribe,
    Star,
    Unstar,
    Join,
    Leave,
}

impl Deed {
    const ALL: [Self; 6] =
        [Self::Subscribe, Self::Unsubscribe, Self::Star, Self::Unstar, Self::Join, Self::Leave];

    /// As the route has it.
    fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Star => "star",
            Self::Unstar => "unstar",
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Subscribe => "Subscribe",
            Self::Unsubscribe => "Unsubscribe",
            Self::Star => "Star",
            Self::Unstar => "Unstar",
            Self::Join => "Join",
            Self::Leave => "Leave",
        }
    }
}

/// `POST /api/hub/{hub}/{subscribe,unsubscribe,star,unstar,join,leave}`: 303 back to the hub for a form, `{"hub",
/// "username", "roles", "changed"}` for a program. 401, or for a form the way to log in, for who is not logged in; 403 for
/// who would join a hub that others must let them into, or one that mirrors a group of FAS; 404 for a hub that is not there or not for them; 409 for the last
/// owner, who can't leave.
pub(super) async fn act(
    State(services): State<Arc<Services>>,
    Path((hub, deed)): Path<(String, String)>,
    asker: Asker,
    viewer: Viewer,
) -> Response {
    let page = wants_page(&asker.headers);
    match acted(&services, &viewer, &hub, &deed).await {
        Ok((hub, _)) if page => {
            let still_there = viewer.may_know(&hub);
            let back = if still_there { format!("/{}", hub.name) } else { "/".into() };
            Redirect::to(&back).into_response()
        }
        Ok((hub, changed)) => Json(RolesJson {
            hub: &hub.name,
            username: viewer.username().unwrap_or_default(),
            roles: viewer.roles_on(&hub),
            changed,
        })
        .into_response(),
        Err(PageError::NotLoggedIn) if page => {
            Redirect::to(&login::address_again(&format!("/{hub}"))).into_response()
        }
        Err(error) => error.answer(&asker.headers),
    }
}

/// The hub as it is then, and whether that was something new.
async fn acted(
    services: &Arc<Services>,
    viewer: &Viewer,
    hub: &str,
    deed: &str,
) -> Result<(Hub, bool), PageError> {
    let wanted = Deed::ALL.into_iter().find(|known| known.word() == deed);
    let deed = wanted.ok_or_else(|| PageError::NoSuchPage(format!("/api/hub/{hub}/{deed}")))?;
    let username = viewer.username().ok_or(PageError::NotLoggedIn)?.to_owned();
    let hub = services.find(viewer, hub).await?;
    let group = services.accounts.mirrored_group(&hub.name);
    if let Some(group) = group.filter(|_| matches!(deed, Deed::Join | Deed::Leave)) {
        return Err(PageError::Mirrored { hub: hub.name, group });
    }
    if deed == Deed::Join && !viewer.may_join(&hub) && !hub.has_member(&username) {
        return Err(PageError::Closed(hub.name));
    }
    let (working, name) = (services.clone(), hub.name.clone());
    let work = async move { change(&working, &name, &username, deed).await };
    let changed = services.to_the_end(work).await??;
    let found = services.store.hub(&hub.name).await.map_err(PageError::internal)?;
    Ok((found.unwrap_or(hub), changed))
}

async fn change(
    services: &Services,
    hub: &HubName,
    username: &str,
    deed: Deed,
) -> Result<bool, PageError> {
    let given =
        |role: Role| Change::RoleGiven { hub: hub.clone(), username: username.into(), role };
    let taken =
        |role: Role| Change::RoleTaken { hub: hub.clone(), username: username.into(), role };
    let store = &services.store;
    let give = async |role: Role| -> Result<Vec<Change>, StoreError> {
        let changed = store.set_role(hub, username, role, (services.clock)()).await?;
        Ok(if changed { vec![given(role)] } else { Vec::new() })
    };
    let take = async |role: Role| -> Result<Vec<Change>, StoreError> {
        let changed = store.drop_role(hub, username, role).await?;
        Ok(if changed { vec![taken(role)] } else { Vec::new() })
    };
    let changes = match deed {
        Deed::Subscribe => give(Role::Subscriber).await,
        Deed::Unsubscribe => take(Role::Subscriber).await,
        Deed::Star => give(Role::Stargazer).await,
        Deed::Unstar => take(Role::Stargazer).await,
        Deed::Join => give(Role::Member).await,
        Deed::Leave => match store.leave(hub, username).await {
            Ok(Left::LastOwner) => return Err(PageError::LastOwner(hub.clone())),
            Ok(Left::Roles(roles)) => Ok(roles.into_iter().map(taken).collect()),
            Err(error) => Err(error),
        },
    }
    .map_err(PageError::internal)?;
    for change in &changes {
        tracing::info!(username, %hub, deed = deed.word(), "somebody changed what they are to a hub");
        services.accounts.tell(change.clone()).await;
    }
    Ok(!changes.is_empty())
}

/// What this viewer can become or cease to be, as buttons for the head of a hub's page.
pub(super) fn buttons(services: &Services, viewer: &Viewer, hub: &Hub) -> Vec<DeedButton> {
    let Some(username) = viewer.username() else { return Vec::new() };
    let roles = viewer.roles_on(hub);
    let either =
        |role: Role, begin: Deed, end: Deed| if roles.contains(&role) { end } else { begin };
    let mut deeds = Vec::new();
    if !viewer.is_own(hub) {
        deeds.push(either(Role::Subscriber, Deed::Subscribe, Deed::Unsubscribe));
        deeds.push(either(Role::Stargazer, Deed::Star, Deed::Unstar));
    }
    let is_mirror = services.accounts.mirrored_group(&hub.name).is_some();
    let is_last = hub.has_owner(username) && hub.owners.len() == 1;
    if is_mirror {
        // Who is in it is decided elsewhere.
    } else if hub.has_member(username) && !is_last {
        deeds.push(Deed::Leave);
    } else if viewer.may_join(hub) && hub.kind == HubKind::Group && !hub.has_member(username) {
        deeds.push(Deed::Join);
    }
    let is_open = hub.visibility == Visibility::Public || viewer.may_read(hub);
    let button = |deed: Deed| DeedButton { word: deed.word(), label: deed.label() };
    deeds.into_iter().filter(|_| is_open).map(button).collect()
}
