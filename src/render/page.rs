//! What each page's template is given: the first argument of [`super::Renderer::page`] beside each.

use super::catalogue::Language;
use super::gallery::GalleryEntry;
use crate::diagnostic::Severity;
use crate::hub::{Hub, HubKind, HubName, InstanceId, WidgetName};
use jiff::Timestamp;
use serde::Serialize;

/// How its reader wants a page: `look` in the templates of all pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Look {
    pub theme: Theme,
    pub lang: Language,
    /// For a screen on a wall: larger, without a foot, going from card to card by itself.
    pub tv: bool,
    /// For a frame in another page: no bar, no header, no ground of its own.
    pub embed: bool,
}

/// Which colours: those that the reader's system is set to, unless they chose others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
    Contrast,
}

impl Theme {
    pub const ALL: [(&'static str, Self); 4] = [
        ("system", Self::System),
        ("light", Self::Light),
        ("dark", Self::Dark),
        ("contrast", Self::Contrast),
    ];

    pub fn name(self) -> &'static str {
        let known = Self::ALL.into_iter().find_map(|(name, theme)| (theme == self).then_some(name));
        known.unwrap_or("system")
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(known, theme)| (known == name).then_some(theme))
    }
}

/// `hub.html`. The columns hold whole cards and skeletons; `cursor` is where the page's events go on.
#[derive(Serialize)]
pub struct HubPage<'a> {
    pub hub: &'a Hub,
    pub days_idle: i64,
    pub left: &'a [String],
    pub right: &'a [String],
    pub cursor: &'a str,
    /// Whether the viewer may mend widgets: then their problems are in the cards, and kept up to date.
    pub editor: bool,
    /// Whether the viewer may edit the hub.
    pub may_edit: bool,
    /// What the viewer can become here, or cease to be.
    pub deeds: Vec<DeedButton>,
    /// Whether its widgets are for others: then there are none here.
    pub closed: bool,
    /// Where its feeds can be followed, if it has any.
    pub feed: Option<String>,
    /// The search of the page's bar is for what is on the hub.
    pub search: HubSearch<'a>,
}

#[derive(Serialize)]
pub struct HubSearch<'a> {
    /// What was searched for; empty when nothing was.
    pub query: &'a str,
    /// Whether no card has it.
    pub nothing: bool,
}

/// A button that sends `POST /api/hub/{hub}/{word}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeedButton {
    pub word: &'static str,
}

/// `index.html`: all hubs that one may see, or what a search found.
#[derive(Serialize)]
pub struct IndexPage<'a> {
    pub groups: &'a [HubSummary<'a>],
    pub users: &'a [HubSummary<'a>],
    /// Kinds of widgets that a search found.
    pub widgets: &'a [GalleryEntry<'a>],
    /// What was searched for; empty when nothing was.
    pub query: &'a str,
}

#[derive(Serialize)]
pub struct HubSummary<'a> {
    pub name: &'a HubName,
    pub kind: HubKind,
    pub summary: &'a str,
    pub avatar: &'a str,
    pub archived: bool,
    /// Owners and members.
    pub people: usize,
    pub last_active: Timestamp,
}

impl<'a> From<&'a Hub> for HubSummary<'a> {
    fn from(hub: &'a Hub) -> Self {
        Self {
            name: &hub.name,
            kind: hub.kind,
            summary: &hub.summary,
            avatar: &hub.avatar,
            archived: hub.archived,
            people: hub.owners.len() + hub.members.len(),
            last_active: hub.last_active,
        }
    }
}

/// `widget.html`: one card alone.
#[derive(Serialize)]
pub struct WidgetPage<'a> {
    pub hub: &'a Hub,
    pub id: InstanceId,
    pub title: &'a str,
    pub description: &'a str,
    pub card: &'a str,
    pub cursor: &'a str,
    pub editor: bool,
}

/// `why.html`: `account` is what triage and rebuild tell of an instance.
#[derive(Serialize)]
pub struct WhyPage<'a, A: Serialize> {
    pub hub: &'a HubName,
    pub id: InstanceId,
    pub title: &'a str,
    pub account: &'a A,
}

/// `problem.html`: what is wrong with one widget, below its card's content.
#[derive(Serialize)]
pub struct ProblemsHtml<'a> {
    pub id: InstanceId,
    /// Whether one of them is an error: then what the card shows is the last that worked.
    pub broken: bool,
    pub problems: &'a [ProblemHtml],
}

#[derive(Serialize)]
pub struct ProblemHtml {
    pub severity: Severity,
    pub message: String,
    /// `file:line:column`, as far as it is known.
    pub place: Option<String>,
    pub help: Option<String>,
    /// The lines around the place.
    pub lines: Vec<ProblemLine>,
}

/// A line of source in three parts, of which the middle one is at fault.
#[derive(Serialize)]
pub struct ProblemLine {
    pub number: usize,
    /// Whether this is the line at fault.
    pub here: bool,
    pub before: String,
    pub fault: String,
    pub after: String,
}

/// `problem-page.html`: the same as a page.
#[derive(Serialize)]
pub struct ProblemPage<'a> {
    pub hub: &'a HubName,
    pub id: InstanceId,
    pub title: &'a str,
    /// `problem.html`
    pub problem: &'a str,
}

/// `source.html`: a widget's script and template, and the modules that it imports.
#[derive(Serialize)]
pub struct SourcePage<'a> {
    pub widget: &'a WidgetName,
    pub title: &'a str,
    pub description: &'a str,
    pub files: Vec<SourceFile<'a>>,
}

#[derive(Serialize)]
pub struct SourceFile<'a> {
    /// Below the site: `widgets/badges.rhai`.
    pub file: &'a str,
    pub lines: Vec<&'a str>,
}

/// `error.html`: what happened, and a way on.
#[derive(Serialize)]
pub struct ErrorPage<'a> {
    pub status: u16,
    pub title: &'a str,
    pub message: &'a str,
    /// Whether logging in may help.
    pub may_log_in: bool,
}
