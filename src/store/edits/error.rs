//! Why an edit is not done. Each is read by the person who tried, on a page, in JSON and on a terminal.

use super::{CONFIG_BYTES, KEPT, WIDGETS};
use crate::hub::{HubName, InstanceId};
use crate::store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("there is no hub `{0}`")]
    NoSuchHub(HubName),
    #[error("there is no widget {id} on the hub `{hub}`; it may have been removed")]
    NoSuchInstance { hub: HubName, id: InstanceId },
    #[error(
        "the history of the hub `{hub}` has no change {version}; the last {KEPT} changes are kept"
    )]
    NoSuchRevision { hub: HubName, version: u64 },
    #[error(
        "the hub `{0}` is archived: nothing on it changes until an owner takes it out of the archive, in its details"
    )]
    Archived(HubName),
    #[error("the hub `{0}` has {WIDGETS} widgets, which is the most; remove one first")]
    Full(HubName),
    #[error(
        "these settings are {given} bytes long, but {CONFIG_BYTES} is the most; shorten a text"
    )]
    TooLong { given: usize },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unfit(Vec<Misfit>),
    #[error("a layout names each widget of the hub once: {0}")]
    Layout(String),
    #[error("the hub `{0}` must keep an owner; make somebody else one first")]
    LastOwner(HubName),
    #[error("the hub `{hub}` is the page of `{hub}`, who stays its owner")]
    OwnPage { hub: HubName },
    #[error("widget {0} is there again already")]
    BackAlready(InstanceId),
    #[error("{0}")]
    Conflict(Box<Conflict>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for EditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A field that can't be what was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("`{name}` is {given}, but must be {fits}")]
pub struct Misfit {
    pub name: &'static str,
    pub given: String,
    pub fits: String,
}

/// Two people changed the same. Nothing of the later one is stored.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error, JsonSchema)]
#[error(
    "{by} has changed {} meanwhile, so nothing of yours is stored yet: look at both and save again",
    named(.clashes)
)]
pub struct Conflict {
    /// The version that the later one had seen.
    pub seen: u64,
    /// The version of now.
    pub version: u64,
    /// Who made the last change that is in the way.
    pub by: String,
    pub clashes: Vec<Clash>,
}

/// One setting that both changed. `null` stands for nothing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Clash {
    pub name: String,
    pub before: Value,
    pub theirs: Value,
    pub yours: Value,
}

fn named(clashes: &[Clash]) -> String {
    let names: Vec<_> = clashes.iter().map(|clash| format!("`{}`", clash.name)).collect();
    match &names[..] {
        [] => "it".into(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
