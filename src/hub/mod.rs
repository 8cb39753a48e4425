//! The nouns of the house: a hub, its people, the instances on it, and the widget object that browsers get.
//!
//! Names and ids are types, parsed once at the edge and trusted inside. Nothing here knows where a hub is kept,
//! how a widget is run or who is looking.

mod change;
mod name;
mod view;

pub use change::Change;
pub use name::{HubName, InstanceId, NameError, RESERVED, WidgetName};
pub use view::{Cause, State, WidgetView};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a setting of a widget holds, by parameter name.
pub type Config = serde_json::Map<String, serde_json::Value>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HubKind {
    User,
    Group,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    Left,
    Right,
}

/// Who may read a hub: everybody, everybody its name and summary, or its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    #[default]
    Public,
    Preview,
    Private,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Member,
    Subscriber,
    Stargazer,
}

/// A page for a person or a team. The four lists hold usernames, sorted; `members` does not repeat the owners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hub {
    pub name: HubName,
    pub kind: HubKind,
    pub summary: String,
    /// An image's address; empty means that one is made from the name.
    pub avatar: String,
    /// An image's address; empty means that one is made from the name.
    #[serde(default)]
    pub banner: String,
    /// Width of the left column in twelfths of the page, 1 to 11; the right one has the rest.
    pub left_width: u8,
    pub visibility: Visibility,
    pub archived: bool,
    pub owners: Vec<String>,
    pub members: Vec<String>,
    pub subscribers: Vec<String>,
    pub stargazers: Vec<String>,
    pub created_at: Timestamp,
    /// When a message or a change last concerned this hub.
    pub last_active: Timestamp,
}

impl Hub {
    /// A hub that nobody keeps, to show a widget on: of a person who owns it.
    pub fn example(name: HubName, now: Timestamp) -> Self {
        Self {
            kind: HubKind::User,
            summary: "An example".into(),
            avatar: String::new(),
            banner: String::new(),
            left_width: 8,
            visibility: Visibility::Public,
            archived: false,
            owners: vec![name.to_string()],
            members: vec![],
            subscribers: vec![],
            stargazers: vec![],
            created_at: now,
            last_active: now,
            name,
        }
    }

    pub fn has_owner(&self, username: &str) -> bool {
        self.owners.iter().any(|owner| owner == username)
    }

    /// Owners are members too.
    pub fn has_member(&self, username: &str) -> bool {
        self.has_owner(username) || self.members.iter().any(|member| member == username)
    }

    /// What somebody is here, as the lists have it.
    pub fn roles_of(&self, username: &str) -> Vec<Role> {
        let lists = [
            (Role::Owner, &self.owners),
            (Role::Member, &self.members),
            (Role::Subscriber, &self.subscribers),
            (Role::Stargazer, &self.stargazers),
        ];
        let has = |list: &[String]| list.iter().any(|name| name == username);
        lists.into_iter().filter(|(_, list)| has(list)).map(|(role, _)| role).collect()
    }

    /// Whole days since something last happened here.
    pub fn days_idle(&self, now: Timestamp) -> i64 {
        (now.as_second() - self.last_active.as_second()).max(0) / 86_400
    }
}

/// How long nothing happened, as a word by which a page lets something fade: `none`, `day`, `week`, `month`, `quarter`,
/// `year`, `2years` or `5years`.
pub fn idle_word(days_idle: i64) -> &'static str {
    let limits = [
        (1_780, "5years"),
        (712, "2years"),
        (356, "year"),
        (93, "quarter"),
        (31, "month"),
        (7, "week"),
        (1, "day"),
    ];
    limits.into_iter().find(|(limit, _)| days_idle > *limit).map_or("none", |(_, word)| word)
}

/// A widget placed on a hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub id: InstanceId,
    pub hub: HubName,
    pub widget: WidgetName,
    pub column: Column,
    /// Place within its column, from 0.
    pub position: u32,
    /// As its owner wrote it: defaults are filled in when the widget is known.
    pub config: Config,
}

/// What scripts and templates see as `widget`: an instance whose defaults are filled in, on its hub.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub id: InstanceId,
    pub name: WidgetName,
    pub config: Arc<Config>,
    pub hub: Arc<Hub>,
    /// Which page of its entries is asked for, from 1.
    pub page: u32,
}

/// The fields of `widget.hub`, in the order in which an error lists them.
pub const HUB_FIELDS: [&str; 9] = [
    "name",
    "kind",
    "summary",
    "owners",
    "members",
    "subscribers",
    "stargazers",
    "days_idle",
    "archived",
];

impl Placed {
    /// `widget` as JSON, for templates: the same fields that a script may read.
    pub fn to_json(&self, now: Timestamp) -> serde_json::Value {
        let hub = &self.hub;
        serde_json::json!({
            "id": self.id,
            "name": self.name,
            "config": &*self.config,
            "page": self.page,
            "hub": {
                "name": hub.name,
                "kind": hub.kind,
                "summary": hub.summary,
                "owners": hub.owners,
                "members": hub.members,
                "subscribers": hub.subscribers,
                "stargazers": hub.stargazers,
                "days_idle": hub.days_idle(now),
                "archived": hub.archived,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_idle_fades_in_steps() {
        let words = [0, 1, 2, 8, 31, 32, 94, 400, 713, 1_781].map(idle_word);
        assert_eq!(
            words,
            ["none", "none", "day", "week", "week", "month", "quarter", "year", "2years", "5years"]
        );
    }
}
