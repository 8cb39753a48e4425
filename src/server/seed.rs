//! The hubs that are there from the start: those of hubs.toml, or the demo when nobody said which.

use crate::config::{Settings, for_user};
use crate::diagnostic::Diagnostic;
use crate::hub::HubName;
use crate::store::{Store, StoreError, demo, hub_from};
use crate::widget::Library;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Creates what is missing. What people edited stays.
pub async fn hubs(
    store: &Store,
    settings: &Settings,
    now: Timestamp,
) -> Result<Vec<HubName>, StoreError> {
    let mut new = Vec::new();
    if settings.hubs.is_empty() && store.is_empty().await? {
        for (hub, instances) in demo::hubs(&settings.user_hub, now) {
            if store.create_hub(&hub, &instances).await? {
                new.push(hub.name);
            }
        }
    }
    for entry in &settings.hubs {
        let (hub, instances) = hub_from(entry, now);
        if store.create_hub(&hub, &instances).await? {
            new.push(hub.name);
        }
    }
    Ok(new)
}

/// What hubs.toml places that no script can serve: widgets that do not exist, settings that do not fit; all at once.
pub fn misplaced(settings: &Settings, library: &Library) -> Vec<Diagnostic> {
    let of_hubs = settings
        .hubs
        .iter()
        .flat_map(|hub| &hub.widgets)
        .map(|entry| (entry, entry.config.clone()));
    // Somebody's name stands for everybody's.
    let of_users =
        settings.user_hub.iter().map(|entry| (entry, for_user(&entry.config, "somebody")));
    let mut problems = Vec::new();
    for (entry, config) in of_hubs.chain(of_users) {
        match library.get(&entry.widget) {
            Err(unknown) => {
                problems.push(entry.place.error(unknown.to_string()).help(known(library)));
            }
            Ok(definition) => {
                let wrong = definition.complete(&config).err().unwrap_or_default();
                problems.extend(
                    wrong.iter().map(|error| entry.place_of(error.name()).error(error.to_string())),
                );
            }
        }
    }
    problems
}

fn known(library: &Library) -> String {
    let names: BTreeSet<_> = library.widgets().map(|definition| definition.name.as_str()).collect();
    format!("the widgets are {}", names.into_iter().collect::<Vec<_>>().join(", "))
}
