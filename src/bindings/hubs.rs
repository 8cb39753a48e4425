//! `hubs`: which hubs a person belongs to.

use super::{Fallible, Host, failed, waiting};
use crate::hub::{Hub, HubKind, Role, Visibility};
use crate::script::host;
use crate::store::{Store, StoreError};
use rhai::{Array, Dynamic, Map, Module, NativeCallContext};

/// Nobody reads a longer list, and each hub is a question to the store.
const MAX_HUBS: usize = 200;

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    let all = host.clone();
    module.set_native_fn("of", move |at: NativeCallContext<'_>, username: &str| {
        host::serve(&at, || of(&all, username))
    });
    module
}

/// `hubs::of(username)` → `#{ owner, member, subscriber, stargazer }`, each a list of `#{ name, summary, kind }`.
///
/// `kind` is `"user"` or `"group"`. Hubs that are not public are left out: whoever looks at a widget sees what everybody
/// sees. At most 200 hubs. A name that nobody has gives empty lists.
fn of(host: &Host, username: &str) -> Fallible<Map> {
    let (store, username) = (host.store.clone(), username.to_string());
    let found = waiting::wait(&host.runtime, "hubs", async move {
        roles(&store, &username).await.map_err(|error| error.to_string())
    })?;
    let found = found.map_err(|error| failed("hubs", 0, error))?;
    let mut lists: Map = ["owner", "member", "subscriber", "stargazer"]
        .into_iter()
        .map(|name| (name.into(), Array::new().into()))
        .collect();
    for (role, hub) in found {
        let name = match role {
            Role::Owner => "owner",
            Role::Member => "member",
            Role::Subscriber => "subscriber",
            Role::Stargazer => "stargazer",
        };
        if let Some(mut list) = lists.get_mut(name).and_then(|list| list.as_array_mut().ok()) {
            list.push(row(&hub));
        }
    }
    Ok(lists)
}

async fn roles(store: &Store, username: &str) -> Result<Vec<(Role, Hub)>, StoreError> {
    let mut found = Vec::new();
    for (name, role) in store.roles_of(username).await?.into_iter().take(MAX_HUBS) {
        let hub = store.hub(&name).await?;
        found.extend(hub.filter(|hub| hub.visibility == Visibility::Public).map(|hub| (role, hub)));
    }
    Ok(found)
}

fn row(hub: &Hub) -> Dynamic {
    let kind = match hub.kind {
        HubKind::User => "user",
        HubKind::Group => "group",
    };
    let fields: [(&str, Dynamic); 3] = [
        ("name", hub.name.as_str().into()),
        ("summary", hub.summary.as_str().into()),
        ("kind", kind.into()),
    ];
    Dynamic::from_map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}
