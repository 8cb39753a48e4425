//! One run of a widget for a page: the limits of any rebuild, and never more than one at a time.

use super::super::Services;
use super::example::Example;
use crate::bindings;
use crate::config::Sandbox;
use crate::diagnostic::Diagnostic;
use crate::hub::{Column, Config, Hub, Instance, InstanceId, Placed, Visibility};
use crate::render::{Preview, Problem, WidgetHtml, is_empty};
use crate::script::{Pool, Tier};
use crate::widget::{Case, Definition, example_hub};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// So long a preview waits for those before it; then its visitor is asked to come again.
const TURN: Duration = Duration::from_secs(5);

/// Runs previews, one after another: hubs that people look at have the other threads.
pub struct Previews {
    data: Pool,
    sandbox: Sandbox,
    turn: Arc<Semaphore>,
}

/// Where a widget is run: with a visitor's settings on what the server has, or in the world of a case.
pub(in super::super) enum Setting<'a> {
    Here(&'a Config),
    /// On a hub as it is, in an instance's stead.
    On(&'a Hub, InstanceId, &'a Config),
    In(&'a Case),
}

enum Trouble {
    Busy,
    Failed(Box<Diagnostic>),
}

impl Previews {
    pub fn new(data: Pool, sandbox: Sandbox) -> Self {
        Self { data, sandbox, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The widget with a configuration that fits it.
    pub(in super::super) async fn of(
        &self,
        services: &Services,
        definition: &Arc<Definition>,
        setting: Setting<'_>,
    ) -> Preview {
        let chrome = definition.chrome.as_ref();
        let style = serde_json::to_value(chrome.map(|chrome| chrome.style)).ok();
        let style = style.as_ref().and_then(Value::as_str).unwrap_or("plain").to_owned();
        let blank = Preview { style, ..Preview::default() };
        let began = Instant::now();
        let (placed, now, data) = match self.run(services, definition, setting).await {
            Ok(run) => run,
            Err(Trouble::Busy) => {
                let note = "Other previews are being made. Load the page again in a moment.";
                return Preview { note: Some(note.into()), ..blank };
            }
            Err(Trouble::Failed(found)) => return failed(blank, "Its script failed.", &found),
        };
        let took = format!("{} ms", began.elapsed().as_millis().max(1));
        let hides = chrome.and_then(|chrome| chrome.hide_when_empty.clone());
        let hidden_by = hides.filter(|field| is_empty(data.get(field)));
        let shown = serde_json::to_string_pretty(&data).ok();
        let blank = Preview { hidden_by, data: shown, took: Some(took), ..blank };
        let widget = placed.to_json(now);
        let job = WidgetHtml { name: &definition.name, data: &data, widget: &widget };
        match services.renderer.widget(&job) {
            Ok(html) => Preview { html: Some(html), ..blank },
            Err(found) => failed(blank, "Its template failed.", &found),
        }
    }

    async fn run(
        &self,
        services: &Services,
        definition: &Arc<Definition>,
        setting: Setting<'_>,
    ) -> Result<(Placed, Timestamp, Value), Trouble> {
        let turn = tokio::time::timeout(TURN, self.turn.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Trouble::Busy) };
        let mut id = InstanceId(1);
        let (config, hub, now, pool) = match setting {
            Setting::Here(config) => {
                (config, kept_hub(services, config).await, (services.clock)(), self.data.clone())
            }
            Setting::On(hub, instance, config) => {
                id = instance;
                (config, Some(hub.clone()), (services.clock)(), self.data.clone())
            }
            Setting::In(case) => {
                let example = Example::of(services, &self.sandbox, case).await;
                let Example { host, hub, now } = example.map_err(|error| fault(&error))?;
                let install = bindings::install(host);
                let pool = Pool::start(Tier::Data, self.sandbox.data.clone(), 1, Some(install));
                (&case.config, hub, now, pool)
            }
        };
        let placed = place(definition, (id, config), hub, now)?;
        let (called, with) = (definition.clone(), placed.clone());
        let patience = self.sandbox.data.deadline * 2;
        // A task of its own: a visitor who leaves does not let the next one in before the run is over.
        let run = tokio::spawn(async move {
            let _turn = turn;
            pool.run(move |interpreter| called.data(interpreter, &with, now), patience).await
        });
        match run.await {
            Ok(Ok(Ok(data))) => Ok((placed, now, data)),
            Ok(Ok(Err(failure))) => Err(Trouble::Failed(Box::new(failure.diagnostic))),
            Ok(Err(lost)) => Err(fault(&lost)),
            Err(_) => Err(Trouble::Busy),
        }
    }
}

/// The hub of a `username` as it is, if it is there for everybody: widgets about hubs have something to show.
async fn kept_hub(services: &Services, config: &Config) -> Option<Hub> {
    let name = config.get("username")?.as_str()?.parse().ok()?;
    let kept = services.store.hub(&name).await.ok().flatten();
    kept.filter(|hub| hub.visibility == Visibility::Public)
}

fn place(
    definition: &Definition,
    (id, config): (InstanceId, &Config),
    hub: Option<Hub>,
    now: Timestamp,
) -> Result<Placed, Trouble> {
    let hub = hub.unwrap_or_else(|| example_hub(config, now));
    let instance = Instance {
        id,
        hub: hub.name.clone(),
        widget: definition.name.clone(),
        column: Column::Left,
        position: 0,
        config: config.clone(),
    };
    definition.place(&instance, Arc::new(hub)).map_err(|wrong| {
        let said: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        Trouble::Failed(Box::new(Diagnostic::error(said.join("; "))))
    })
}

fn fault(error: &impl ToString) -> Trouble {
    Trouble::Failed(Box::new(Diagnostic::error(error.to_string())))
}

fn failed(blank: Preview, what: &str, found: &Diagnostic) -> Preview {
    Preview { note: Some(what.into()), problems: vec![Problem::from(found)], ..blank }
}
