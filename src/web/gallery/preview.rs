//! One run of a widget for a page: the limits of any rebuild, and never more than one at a time.

use super::super::Services;
use crate::diagnostic::Diagnostic;
use crate::hub::{Column, Config, Hub, Instance, InstanceId, Placed};
use crate::render::{Preview, Problem, WidgetHtml, is_empty};
use crate::script::Pool;
use crate::widget::Definition;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// So long a preview waits for those before it; then its visitor is asked to come again.
const TURN: Duration = Duration::from_secs(5);

/// Runs previews, one after another: hubs that people look at have the other threads.
pub struct Previews {
    pool: Pool,
    patience: Duration,
    takes_settings: bool,
    turn: Arc<Semaphore>,
}

impl Previews {
    /// `patience` is how long a run may take before its thread is given up; `takes_settings`, whether anybody may choose
    /// what a widget is run with.
    pub fn new(pool: Pool, patience: Duration, takes_settings: bool) -> Self {
        Self { pool, patience, takes_settings, turn: Arc::new(Semaphore::new(1)) }
    }

    pub(super) fn takes_settings(&self) -> bool {
        self.takes_settings
    }

    /// The widget with a configuration that fits it, on an example of a hub.
    pub(super) async fn of(
        &self,
        services: &Services,
        definition: &Arc<Definition>,
        config: &Config,
    ) -> Preview {
        let chrome = definition.chrome.as_ref();
        let style = serde_json::to_value(chrome.map(|chrome| chrome.style)).ok();
        let style = style.as_ref().and_then(Value::as_str).unwrap_or("plain").to_owned();
        let blank = Preview { style, ..Preview::default() };
        let now = (services.clock)();
        let hub = config.get("username").and_then(|name| name.as_str()?.parse().ok());
        let instance = Instance {
            id: InstanceId(1),
            hub: hub.unwrap_or_else(|| "example".parse().expect("a name of a hub")),
            widget: definition.name.clone(),
            column: Column::Left,
            position: 0,
            config: config.clone(),
        };
        // The hub as it is, if it is there: widgets about hubs have something to show.
        let kept = services.store.hub(&instance.hub).await.ok().flatten();
        let public = kept.filter(|hub| hub.visibility == crate::hub::Visibility::Public);
        let hub = public.unwrap_or_else(|| Hub::example(instance.hub.clone(), now));
        let Ok(placed) = definition.place(&instance, Arc::new(hub)) else { return blank };
        let began = Instant::now();
        let data = match self.run(definition.clone(), placed.clone(), now).await {
            Ok(data) => data,
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
        definition: Arc<Definition>,
        placed: Placed,
        now: jiff::Timestamp,
    ) -> Result<Value, Trouble> {
        let turn = tokio::time::timeout(TURN, self.turn.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Trouble::Busy) };
        let (pool, patience) = (self.pool.clone(), self.patience);
        // A task of its own: a visitor who leaves does not let the next one in before the run is over.
        let run = tokio::spawn(async move {
            let _turn = turn;
            pool.run(move |interpreter| definition.data(interpreter, &placed, now), patience).await
        });
        match run.await {
            Ok(Ok(Ok(data))) => Ok(data),
            Ok(Ok(Err(failure))) => Err(Trouble::Failed(Box::new(failure.diagnostic))),
            Ok(Err(lost)) => Err(Trouble::Failed(Box::new(Diagnostic::error(lost.to_string())))),
            Err(_) => Err(Trouble::Busy),
        }
    }
}

enum Trouble {
    Busy,
    Failed(Box<Diagnostic>),
}

fn failed(blank: Preview, what: &str, found: &Diagnostic) -> Preview {
    Preview { note: Some(what.into()), problems: vec![Problem::from(found)], ..blank }
}
