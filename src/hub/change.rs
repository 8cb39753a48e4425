//! What people change here, as far as others must know.

use super::{HubName, Role};

/// Told once it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    PersonCame {
        username: String,
    },
    HubMade {
        hub: HubName,
    },
    /// Of a hub, each with who got or lost it.
    Roles {
        hub: HubName,
        given: Vec<(String, Role)>,
        taken: Vec<(String, Role)>,
    },
}
