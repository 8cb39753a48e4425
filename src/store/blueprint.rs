//! What hubs.toml and a login ask for, as hubs to be created.

use super::NewInstance;
use crate::config::{HubEntry, WidgetEntry, for_user};
use crate::hub::{Hub, HubKind, HubName, Visibility};
use jiff::Timestamp;

/// A `[[hub]]` of hubs.toml.
pub fn hub_from(entry: &HubEntry, now: Timestamp) -> (Hub, Vec<NewInstance>) {
    let hub = Hub {
        name: entry.name.clone(),
        kind: entry.kind,
        summary: entry.summary.clone(),
        avatar: entry.avatar.clone(),
        banner: entry.banner.clone(),
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

/// The hub of a person, which has their username as its name, made of the widgets in `[user_hub]`.
pub fn user_hub(
    name: &HubName,
    full_name: &str,
    widgets: &[WidgetEntry],
    now: Timestamp,
) -> (Hub, Vec<NewInstance>) {
    let username = name.as_str();
    let hub = Hub {
        name: name.clone(),
        kind: HubKind::User,
        summary: full_name.into(),
        avatar: String::new(),
        banner: String::new(),
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
    (hub, widgets.collect())
}

fn sorted(usernames: &[String]) -> Vec<String> {
    let mut usernames = usernames.to_vec();
    usernames.sort_unstable();
    usernames.dedup();
    usernames
}
