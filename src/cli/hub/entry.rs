//! A hub as hubs.toml has it: what `export` writes and `import` reads.

use crate::hub::{Column, Config, Hub, HubKind, HubName, Instance, Visibility, WidgetName};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct File {
    pub(super) hub: Vec<Entry>,
}

#[derive(Serialize)]
pub(super) struct Entry {
    name: HubName,
    kind: HubKind,
    summary: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    banner: String,
    left_width: u8,
    visibility: Visibility,
    archived: bool,
    owners: Vec<String>,
    members: Vec<String>,
    subscribers: Vec<String>,
    stargazers: Vec<String>,
    widget: Vec<Widget>,
}

#[derive(Serialize)]
struct Widget {
    #[serde(rename = "widget")]
    name: WidgetName,
    column: Column,
    config: Config,
}

impl Entry {
    pub(super) fn of(hub: Hub, instances: Vec<Instance>) -> Self {
        let widget = |instance: Instance| Widget {
            name: instance.widget,
            column: instance.column,
            config: instance.config,
        };
        Self {
            name: hub.name,
            kind: hub.kind,
            summary: hub.summary,
            avatar: hub.avatar,
            banner: hub.banner,
            left_width: hub.left_width,
            visibility: hub.visibility,
            archived: hub.archived,
            owners: hub.owners,
            members: hub.members,
            subscribers: hub.subscribers,
            stargazers: hub.stargazers,
            widget: instances.into_iter().map(widget).collect(),
        }
    }
}
