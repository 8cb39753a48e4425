//! Hubs of people, for benchmarks that need many.

use hubs::hub::{Hub, HubKind, Visibility};
use jiff::Timestamp;

pub(crate) fn hub(name: &str, subscribers: Vec<String>) -> Hub {
    Hub {
        name: name.parse().expect("it is a name"),
        kind: HubKind::User,
        summary: format!("The hub of {name}"),
        avatar: String::new(),
        banner: String::new(),
        left_width: 8,
        visibility: Visibility::Public,
        archived: false,
        owners: vec![name.into()],
        members: vec![],
        subscribers,
        stargazers: vec![],
        created_at: Timestamp::UNIX_EPOCH,
        last_active: Timestamp::UNIX_EPOCH,
    }
}
