//! The card: what stands around a widget's HTML, and in its place until there is some.

use super::engine::Audience;
use super::gallery::is_empty;
use super::{Renderer, WIDGET_BYTES};
use crate::diagnostic::Diagnostic;
use crate::hub::{HubName, InstanceId, State, WidgetName, WidgetView};
use serde::{Deserialize, Serialize};

/// How a card is framed. `Plain` has no frame and shows no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    Panel,
    #[default]
    Plain,
    Info,
    Warning,
}

/// What a widget's `CHROME` says, less its title. The default is that of a widget without one: no frame.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Chrome {
    pub style: Style,
    /// A field of the data: while it is empty the card is hidden.
    pub hide_when_empty: Option<String>,
}

/// A whole card. `view` gives all but the HTML: that is `inner`, as [`Renderer::widget`] made it; empty where there is none.
pub struct CardHtml<'a> {
    pub view: &'a WidgetView,
    pub chrome: &'a Chrome,
    pub inner: &'a str,
}

/// A card whose data is not there yet: the browser fetches it, or the reader follows its link.
#[derive(Serialize)]
pub struct Skeleton<'a> {
    pub id: InstanceId,
    pub hub: &'a HubName,
    pub widget: &'a WidgetName,
    pub title: &'a str,
}

#[derive(Serialize)]
struct CardContext<'a> {
    view: &'a WidgetView,
    style: Style,
    hidden: bool,
    inner: &'a str,
}

impl Renderer {
    /// The `<article>` that a page has per instance, the same for every viewer.
    pub fn card(&self, card: &CardHtml<'_>) -> Result<String, Diagnostic> {
        let CardHtml { view, chrome, inner } = *card;
        let hidden = view.state != State::Error
            && chrome.hide_when_empty.as_ref().is_some_and(|field| is_empty(view.data.get(field)));
        let context = CardContext { view, style: chrome.style, hidden, inner };
        self.run("card.html", &context, WIDGET_BYTES * 2)
    }

    pub fn skeleton(&self, skeleton: &Skeleton<'_>) -> Result<String, Diagnostic> {
        self.run("skeleton.html", skeleton, WIDGET_BYTES)
    }

    fn run(
        &self,
        template: &str,
        context: &impl Serialize,
        limit_bytes: usize,
    ) -> Result<String, Diagnostic> {
        let context = tera::Context::from_serialize(context)
            .expect("a struct of named fields becomes a context");
        self.engine.load().render(template, &context, Audience::Page, limit_bytes)
    }
}
