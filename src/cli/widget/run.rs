//! `hubs widget run`: one call of `data()`, from the command line.

use crate::bindings;
use crate::cache::Cache;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::{self, Problems};
use crate::cli::{Format, Outcome};
use crate::datanommer::Datanommer;
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::hub::{Column, Config, Hub, HubKind, Instance, InstanceId, Visibility, WidgetName};
use crate::outbound::Outbound;
use crate::render::{Renderer, WidgetHtml};
use crate::script::{Pool, Tier};
use crate::store::Store;
use crate::widget::{Definition, Parameter};
use jiff::Timestamp;
use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

/// One `key=value`.
#[derive(Debug, Clone)]
struct Setting {
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

/// Call `data()` once and print what it returns
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Run {
    /// Which widget, as in `badges` or `workflow.updates2stable`
    name: WidgetName,
    /// One parameter; repeat for more, as in `--config username=ralph --config limit=5`
    #[arg(long = "config", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// Print the rendered widget instead of its data
    #[arg(long)]
    html: bool,
    #[command(flatten)]
    site: SiteOption,
    /// How diagnostics are printed; the data is JSON in any case
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Run {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let definition = match library.get(&self.name) {
            Ok(definition) => definition.clone(),
            Err(unknown) => {
                let broken = library.problems_of(&self.name);
                if broken.is_empty() {
                    let problem = Diagnostic::error(unknown.to_string())
                        .help("`hubs widget list` names them all");
                    return Err(Problems(vec![problem]).into());
                }
                return self.failed(out, broken);
            }
        };
        let config = self.config(&definition)?;
        let instance = instance(&self.name, config);
        let hub = Arc::new(hub(&instance));
        let placed = match definition.place(&instance, hub) {
            Ok(placed) => placed,
            Err(wrong) => {
                let problems = wrong.iter().map(|error| Diagnostic::error(error.to_string()));
                return Err(Problems(problems.collect()).into());
            }
        };
        let now = Timestamp::now();
        let runtime = tokio::runtime::Runtime::new()?;
        let sandbox = &found.settings.sandbox;
        let pool = runtime.block_on(async {
            let install = bindings::install(host(&found).await?);
            anyhow::Ok(Pool::start(Tier::Data, sandbox.data.clone(), 1, Some(install)))
        })?;
        let (called, with) = (definition.clone(), placed.clone());
        let run = pool.run(
            move |interpreter| called.data(interpreter, &with, now),
            sandbox.data.deadline * 2,
        );
        let result = runtime.block_on(run);
        runtime.shutdown_background();
        let data = match result? {
            Ok(data) => data,
            Err(failure) => return self.failed(out, &[failure.diagnostic]),
        };
        if !self.html {
            serde_json::to_writer_pretty(&mut *out, &data)?;
            writeln!(out)?;
            return Ok(Outcome::Fine);
        }
        let (renderer, problems) = Renderer::new(&found.site);
        let widget = placed.to_json(now);
        let job = WidgetHtml { name: &self.name, data: &data, widget: &widget };
        match renderer.widget(&job) {
            Ok(html) => writeln!(out, "{html}")?,
            Err(problem) => {
                let own: Vec<_> = problems.into_iter().filter(|p| p.file == problem.file).collect();
                return self.failed(
                    out,
                    if own.is_empty() { std::slice::from_ref(&problem) } else { &own },
                );
            }
        }
        Ok(Outcome::Fine)
    }

    fn failed(&self, out: &mut impl Write, problems: &[Diagnostic]) -> anyhow::Result<Outcome> {
        for problem in problems {
            print::diagnostic(out, problem, self.format)?;
        }
        Ok(Outcome::Failed)
    }

    fn config(&self, definition: &Definition) -> anyhow::Result<Config> {
        let mut config = Config::new();
        for Setting { key, value } in &self.settings {
            let Some(parameter) = definition.parameters.iter().find(|p| p.name == *key) else {
                let names: Vec<_> =
                    definition.parameters.iter().map(|p: &Parameter| p.name.as_str()).collect();
                let meant = did_you_mean(nearest(key, names.iter().copied()));
                let message = format!("widget `{}` has no parameter `{key}`{meant}", self.name);
                let help = format!("it has: {}", names.join(", "));
                return Err(Problems(vec![Diagnostic::error(message).help(help)]).into());
            };
            config.insert(key.clone(), parameter.read(value));
        }
        Ok(config)
    }
}

/// What scripts may reach. A server may be running on the same data: its cache is left alone.
async fn host(found: &Place) -> anyhow::Result<bindings::Host> {
    let settings = &found.settings;
    let open = |url: &crate::config::StoreUrl| {
        if url.exists() { url.as_str().to_owned() } else { "sqlite::memory:".to_owned() }
    };
    Ok(bindings::Host {
        outbound: Outbound::new(&settings.sandbox)?,
        datanommer: Datanommer::open(&open(&settings.datanommer.url)).await?,
        cache: Cache::memory(),
        store: Store::open(&open(&settings.store)).await?,
        runtime: tokio::runtime::Handle::current(),
        sandbox: settings.sandbox.clone(),
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
