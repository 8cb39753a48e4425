//! A widget without a page: found by name, configured from the command line, on an example of a hub.

use crate::cli::print::Problems;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::hub::{
    Column, Config, Hub, HubKind, Instance, InstanceId, Placed, Visibility, WidgetName,
};
use crate::widget::{Definition, Library};
use jiff::Timestamp;
use std::str::FromStr;
use std::sync::Arc;

/// One `key=value`.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    key: String,
    value: String,
}

impl FromStr for Setting {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.into(), value: value.into() })
            }
            _ => Err("`key=value` is due, as in `limit=5`".into()),
        }
    }
}

/// Why there is no widget to work with: its script is broken, or nothing has that name, which is wrong use.
pub(super) enum Unusable {
    Broken(Vec<Diagnostic>),
    Unknown(Problems),
}

pub(super) fn find(library: &Library, name: &WidgetName) -> Result<Arc<Definition>, Unusable> {
    library.get(name).cloned().map_err(|unknown| match library.problems_of(name) {
        [] => {
            let problem = Diagnostic::error(unknown.to_string());
            Unusable::Unknown(Problems(vec![problem.help("`hubs widget list` names them all")]))
        }
        broken => Unusable::Broken(broken.to_vec()),
    })
}

/// The settings of a command line, each read as its parameter's kind. A name that is no parameter is refused.
pub(super) fn config(settings: &[Setting], definition: &Definition) -> Result<Config, Problems> {
    let mut config = Config::new();
    for Setting { key, value } in settings {
        let Some(parameter) = definition.parameters.iter().find(|p| p.name == *key) else {
            let names: Vec<_> = definition.parameters.iter().map(|p| p.name.as_str()).collect();
            let meant = did_you_mean(nearest(key, names.iter().copied()));
            let message = format!("widget `{}` has no parameter `{key}`{meant}", definition.name);
            let help = match names.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has: {}", names.join(", ")),
            };
            return Err(Problems(vec![Diagnostic::error(message).help(help)]));
        };
        config.insert(key.clone(), parameter.read(value));
    }
    Ok(config)
}

/// The widget on the hub of its `username`, or on an example.
pub(super) fn place(definition: &Definition, config: Config) -> Result<Placed, Problems> {
    let instance = instance(&definition.name, config);
    let hub = Arc::new(hub(&instance));
    definition.place(&instance, hub).map_err(|wrong| {
        Problems(wrong.iter().map(|error| Diagnostic::error(error.to_string())).collect())
    })
}

fn instance(name: &WidgetName, config: Config) -> Instance {
    let hub = config.get("username").and_then(|name| name.as_str()?.parse().ok());
    Instance {
        id: InstanceId(1),
        hub: hub.unwrap_or_else(|| "example".parse().expect("a name of a hub")),
        widget: name.clone(),
        column: Column::Left,
        position: 0,
        config,
    }
}

/// The hub that the widget believes to be on: that of its `username`, or an example.
fn hub(instance: &Instance) -> Hub {
    let now = Timestamp::now();
    Hub {
        name: instance.hub.clone(),
        kind: HubKind::User,
        summary: "An example".into(),
        avatar: String::new(),
        left_width: 8,
        visibility: Visibility::Public,
        archived: false,
        owners: vec![instance.hub.to_string()],
        members: vec![],
        subscribers: vec![],
        stargazers: vec![],
        created_at: now,
        last_active: now,
    }
}
