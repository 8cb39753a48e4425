//! The limits by name, as hubs.toml calls them.

use super::Tier;
use crate::config::Limits;
use std::fmt;

/// Which limit a script broke. Its text is the key below `[sandbox.pure]` or `[sandbox.data]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitName {
    Operations,
    Memory,
    Deadline,
    CallLevels,
    StringBytes,
    ArrayItems,
    MapItems,
    Variables,
    ReturnedBytes,
    /// Of `[sandbox]`: HTTP requests of one run.
    Requests,
    /// Of `[sandbox]`: bytes that the answers of one run may have together.
    ResponseBytes,
}

impl LimitName {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Memory => "memory_bytes",
            Self::Deadline => "deadline",
            Self::CallLevels => "call_levels",
            Self::StringBytes => "string_bytes",
            Self::ArrayItems => "array_items",
            Self::MapItems => "map_items",
            Self::Variables => "variables",
            Self::ReturnedBytes => "returned_bytes",
            Self::Requests => "max_requests",
            Self::ResponseBytes => "max_response_bytes",
        }
    }

    /// `ran past its limit of 1000000 operations ([sandbox.data] operations)`.
    pub(super) fn sentence(self, limits: &Limits, tier: Tier) -> String {
        let table = tier.as_str();
        let much = match self {
            Self::Operations => format!("{} operations", limits.operations),
            Self::Memory => format!("{} bytes of memory", limits.memory_bytes),
            Self::Deadline => format!("{:?}", limits.deadline),
            Self::CallLevels => format!("{} nested calls", limits.call_levels),
            Self::StringBytes => format!("{} bytes of text in one value", limits.string_bytes),
            Self::ArrayItems => format!("{} items in one list", limits.array_items),
            Self::MapItems => format!("{} fields in one map", limits.map_items),
            Self::Variables => format!("{} variables", limits.variables),
            Self::ReturnedBytes => format!("{} bytes of returned data", limits.returned_bytes),
            Self::Requests | Self::ResponseBytes => {
                return format!("ran past its limit of {self} ([sandbox] {self})");
            }
        };
        format!("ran past its limit of {much} ([sandbox.{table}] {self})")
    }

    /// What the author can do about it.
    pub(super) fn help(self, tier: Tier) -> &'static str {
        match (self, tier) {
            (Self::Operations | Self::Deadline, Tier::Pure) => {
                "this tier answers within a millisecond: compare a few fields here, and do the work in `data`"
            }
            (Self::Operations, Tier::Data) => "look for a loop that goes on too long",
            (Self::Deadline, Tier::Data) => "ask fewer servers, or several at once",
            (Self::CallLevels, _) => "look for a function that calls itself without an end",
            (Self::ReturnedBytes, _) => "return only what the template shows",
            (Self::Requests, _) => "ask once for all that is needed",
            _ => {
                "keep less at a time: take the fields that are shown, and the first few of a long list"
            }
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
