//! What hubs.toml and a login ask for, as hubs to be created.

use super::NewInstance;
use crate::config::{HubEntry, WidgetEntry, for_user};
use crate::hub::{Hub, HubKind, HubName, NameError, Visibility};
use jiff::Timestamp;

/// A `[[hub]]` of hubs.toml.
pub fn hub_from(entry: &HubEntry, now: Timestamp) -> (Hub, Vec<NewInstance>) {
    let hub = Hub {
        name: entry.name.clone(),
        kind: entry.kind,
        summary: entry.summary.clone(),
        avatar: entry.avatar.clone(),
        left_width: entry.left_width,
        visibility: entry.visibility,
        archived: entry.archived,
        owners: sorted(&entry.owners),
        members: sorted(&entry.members),
        subscribers: sorted(&entry.subscribers),
        stargazers: sorted(&entry.stargazers),
        created_at: now,
        last_active: now,
    };
    let widgets = entry.widgets.iter().map(|widget| NewInstance {
        widget: widget.widget.clone(),
        column: widget.column,
        config: widget.config.clone(),
    });
    (hub, widgets.collect())
}

/// The hub of a person, made of the widgets in `[user_hub]`. Not every username makes the name of a hub.
pub fn user_hub(
    username: &str,
    full_name: &str,
    widgets: &[WidgetEntry],
    now: Timestamp,
) -> Result<(Hub, Vec<NewInstance>), NameError> {
    let name: HubName = username.parse()?;
    let hub = Hub {
        name,
        kind: HubKind::User,
        summary: full_name.into(),
        avatar: String::new(),
        left_width: 8,
        visibility: Visibility::Public,
        archived: false,
        owners: vec![username.into()],
        members: vec![],
        subscribers: vec![],
        stargazers: vec![],
        created_at: now,
        last_active: now,
    };
    let widgets = widgets.iter().map(|widget| NewInstance {
        widget: widget.widget.clone(),
        column: widget.column,
        config: for_user(&widget.config, username),
    });
    Ok((hub, widgets.collect()))
}

pub(super) fn sorted(usernames: &[String]) -> Vec<String> {
    let mut usernames = usernames.to_vec();
    usernames.sort_unstable();
    usernames.dedup();
    usernames
}
