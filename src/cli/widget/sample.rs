//! A widget without a page: found by name, configured from the command line, on an example of a hub.

use crate::bindings;
use crate::bus::{Line, Lines};
use crate::cache::Cache;
use crate::cli::place::Place;
use crate::cli::print::{self, Problems};
use crate::config::{Limits, StoreUrl};
use crate::datanommer::Datanommer;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::hub::{Column, Config, Hub, Instance, InstanceId, Placed, WidgetName};
use crate::message::Message;
use crate::outbound::{Fas, Github, Outbound};
use crate::script::{Interpreter, Tier};
use crate::store::Store;
use crate::widget::{Definition, Library};
use jiff::Timestamp;
use std::path::Path;
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

/// The messages of a recording; a line that is none is named on stderr and left out.
pub(super) fn messages(file: &str, bytes: &[u8]) -> Vec<Message> {
    let mut lines = Lines::default();
    let mut found = lines.push(bytes);
    found.extend(lines.finish());
    let message = |line: Line| match line.message {
        Ok(message) => Some(message),
        Err(error) => {
            print::complaint(&format!("{file}:{}: {error}", line.number));
            None
        }
    };
    found.into_iter().filter_map(message).collect()
}

/// As [`messages`], of a file that must be there.
pub(super) fn recording(file: &Path) -> Result<Vec<Message>, Problems> {
    let bytes = std::fs::read(file).map_err(|error| {
        let message = format!("the recording {} can't be read: {error}", file.display());
        let help = "a recording has one message a line, as JSON; tests/recordings/ is their place";
        Problems(vec![Diagnostic::error(message).help(help)])
    })?;
    Ok(messages(&file.display().to_string(), &bytes))
}

/// The limits of the pure tier, less its deadline: on a machine that is busy with something else, and with no server
/// waiting, time is not what a script should be stopped for. Operations are.
pub(super) fn patient(found: &Place) -> Limits {
    let pure = &found.settings.sandbox.pure;
    Limits { deadline: pure.deadline * 200, ..pure.clone() }
}

/// With what their processors read in them, as the server keeps them.
pub(super) fn described(
    found: &Place,
    library: &Library,
    mut messages: Vec<Message>,
) -> Vec<Arc<Message>> {
    let mut interpreter = Interpreter::new(Tier::Pure, patient(found), Some(bindings::pure()));
    for message in &mut messages {
        library.processors().describe(&mut interpreter, message);
    }
    messages.into_iter().map(Arc::new).collect()
}

/// What scripts may reach. A server may be running on the same data: its cache is left alone.
pub(super) async fn host(found: &Place) -> anyhow::Result<bindings::Host> {
    let settings = &found.settings;
    let open = |url: &StoreUrl| {
        if url.exists() { url.as_str().to_owned() } else { "sqlite::memory:".to_owned() }
    };
    let outbound = Outbound::new(&settings.sandbox)?.within(&settings.outbound);
    Ok(bindings::Host {
        fas: Fas::new(&outbound, settings.fas.as_ref()),
        github: Github::new(&outbound, &settings.github),
        outbound,
        datanommer: if settings.datanommer.url.exists() {
            Datanommer::of(&settings.datanommer).await?
        } else {
            Datanommer::open("sqlite::memory:").await?
        },
        cache: Cache::memory(),
        store: Store::open(&open(&settings.store)).await?,
        runtime: tokio::runtime::Handle::current(),
        sandbox: settings.sandbox.clone(),
    })
}

pub(super) fn instance(name: &WidgetName, config: Config) -> Instance {
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
pub(super) fn hub(instance: &Instance) -> Hub {
    Hub::example(instance.hub.clone(), Timestamp::now())
}
