//! What people change here, as far as others must know.

use super::{HubName, Role};

/// Told once it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    PersonCame { username: String },
    HubMade { hub: HubName },
    RoleGiven { hub: HubName, username: String, role: Role },
    RoleTaken { hub: HubName, username: String, role: Role },
}
