//! What people change here, as far as others must know.

use super::{HubName, InstanceId, Role};

/// Told once it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    PersonCame {
        username: String,
    },
    HubMade {
        hub: HubName,
    },
    RoleGiven {
        hub: HubName,
        username: String,
        role: Role,
    },
    RoleTaken {
        hub: HubName,
        username: String,
        role: Role,
    },
    /// `keys`: which of its details; `widgets`, `columns`, `owners` and `members` are among them.
    HubChanged {
        hub: HubName,
        keys: Vec<String>,
    },
    /// Another configuration; `keys` are the settings that differ.
    WidgetChanged {
        hub: HubName,
        id: InstanceId,
        keys: Vec<String>,
    },
    WidgetRemoved {
        hub: HubName,
        id: InstanceId,
    },
}
