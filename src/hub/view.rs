//! The widget object: what `GET /{hub}/{id}/json` answers and Server-Sent Events carry.

use super::{Column, Config, HubName, InstanceId, WidgetName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How true the data is that a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing is known that would change it.
    Fresh,
    /// The last good data, known to be out of date: a rebuild is due (`error` is null) or failed (`error` says why).
    Stale,
    /// There never was data; `error` says why.
    Error,
}

/// The message that caused a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    pub id: String,
    pub topic: String,
}

/// One widget as a browser gets it. `html` is the same for every viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WidgetView {
    pub id: InstanceId,
    pub widget: WidgetName,
    pub title: String,
    pub description: String,
    pub hub: HubName,
    pub column: Column,
    pub position: u32,
    pub config: Config,
    pub state: State,
    /// Hash of the data, the template and the state; the `ETag`.
    pub version: String,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub built_at: Option<Timestamp>,
    pub invalidated_by: Option<Cause>,
    pub data: Value,
    pub html: String,
    /// A sentence for the reader.
    pub error: Option<String>,
}
