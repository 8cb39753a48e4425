//! Tera: templates to HTML, filters, reload.
//!
//! What comes from data is escaped; HTML that a template may pass on comes from this room alone (`markdown`, `icon`,
//! `avatar`, times). A template that breaks never replaces one that works. Times are written so that a page can bring
//! them up to date long after its widgets were rendered. Knows no script, no store and no browser.

mod advice;
mod atom;
mod badge;
mod card;
mod catalogue;
mod chart;
mod diagnose;
mod editing;
mod engine;
mod filters;
mod gallery;
mod login;
mod markdown;
mod names;
mod page;
mod picture;
mod plain;
mod times;
mod words;

pub use atom::{AtomEntry, AtomFeed, atom};
pub use badge::{Badge, BadgeState, badge};
pub use card::{CardHtml, Chrome, Skeleton, Style};
pub use catalogue::Language;
pub use editing::{
    Detail, EditPage, EditPlace, EditWidgetPage, HistoryPart, HistoryRow, PersonRow,
};
pub use gallery::{
    Answered, AskedAbout, AskedLately, CaseRow, Cases, Field, GalleryEntry, GalleryPage,
    GalleryWidgetPage, Preview, Problem, ReferencePage, is_empty,
};
pub use login::{Bookmark, Frame, Framed, LoginAgainPage, LoginPage, LogoutPage, Somebody, Who};
pub use markdown::markdown;
pub use names::{Part, Read};
pub use page::{
    DeedButton, ErrorPage, HubPage, HubSearch, HubSummary, IndexPage, Look, ProblemHtml,
    ProblemLine, ProblemPage, ProblemsHtml, SourceFile, SourcePage, Theme, WhyPage, WidgetPage,
};
pub use picture::{asset_version, avatar_url};
pub use plain::plain;
pub use times::{moment, refresh_ages};
pub use words::{ago, commas, series};

use crate::config::Site;
use crate::diagnostic::Diagnostic;
use crate::hub::WidgetName;
use arc_swap::ArcSwap;
use engine::{Audience, Engine};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A widget's HTML may be this long: a loop that runs away stops here.
const WIDGET_BYTES: usize = 256 << 10;
/// A page is many widgets.
const PAGE_BYTES: usize = 16 << 20;

/// The templates of a site, ready to use. Shared by all threads; a reload swaps them as a whole.
pub struct Renderer {
    engine: ArcSwap<Engine>,
}

/// What a reload found: the names of templates (`widgets/badges.html`) that render differently now, and what is broken.
#[derive(Debug, Default)]
pub struct Reloaded {
    pub changed: Vec<String>,
    pub problems: Vec<Diagnostic>,
}

/// One widget to render: `data` is what the script returned, `widget` is `Placed::to_json`.
pub struct WidgetHtml<'a> {
    pub name: &'a WidgetName,
    pub data: &'a Value,
    pub widget: &'a Value,
}

impl Renderer {
    /// What is broken is reported and left out; the others work.
    pub fn new(site: &Site) -> (Self, Vec<Diagnostic>) {
        let (engine, problems) = Engine::load(site, None);
        (Self { engine: ArcSwap::from_pointee(engine) }, problems)
    }

    /// Reads the templates again. One that is broken now stays as it was when it last worked.
    pub fn reload(&self, site: &Site) -> Reloaded {
        let before = self.engine.load_full();
        let (engine, problems) = Engine::load(site, Some(&before));
        let changed = engine.changed_since(&before);
        self.engine.store(engine.into());
        Reloaded { changed, problems }
    }

    /// `templates/widgets/<path>.html` with the fields of the data at the top level, and `widget`. The same data always
    /// make the same HTML: ages in it are dates until a page or a browser brings them up to date.
    pub fn widget(&self, job: &WidgetHtml<'_>) -> Result<String, Diagnostic> {
        let template = widget_template(job.name);
        let mut context = tera::Context::from_serialize(job.data).map_err(|_| {
            Diagnostic::error(format!("`data` of widget `{}` returned no map", job.name))
                .help("return a map, as in `#{ items: [] }`; its fields are what the template sees")
        })?;
        context.insert("widget", job.widget);
        self.engine.load().render(&template, &context, Audience::Widget, WIDGET_BYTES)
    }

    /// A whole page from one of the templates beside `widgets/`. Its ages are as of `now`, however old its widgets are.
    pub fn page(
        &self,
        template: &str,
        context: impl Serialize,
        now: Timestamp,
    ) -> Result<String, Diagnostic> {
        self.page_for(Look::default(), template, context, now)
    }

    /// The same, as its reader wants it to look.
    pub fn page_for(
        &self,
        look: Look,
        template: &str,
        context: impl Serialize,
        now: Timestamp,
    ) -> Result<String, Diagnostic> {
        let mut context = tera::Context::from_serialize(&context).map_err(|error| {
            Diagnostic::error(format!("page `{template}` has nothing to show: {error}"))
        })?;
        context.insert("look", &look);
        context.insert("lang", look.lang.code());
        context.insert("words", &look.lang.script_words());
        let html = self.engine.load().render(template, &context, Audience::Page, PAGE_BYTES)?;
        Ok(look.lang.localised(times::refresh_ages_in(look.lang, &html, now)))
    }

    /// Hash of a widget's template with all that it includes and extends, and of the card around it. `None` without one.
    pub fn template_hash(&self, name: &WidgetName) -> Option<u64> {
        self.engine.load().hash_of_widget(&widget_template(name))
    }

    /// The names that a widget's template reads, and where: what `data` should return.
    pub fn reads(&self, name: &WidgetName) -> Vec<Read> {
        self.template_text(name).map(|text| names::read(&text)).unwrap_or_default()
    }

    /// What is wrong with a widget's template, and with those that it extends and includes.
    pub fn problems_of(&self, name: &WidgetName) -> Vec<Diagnostic> {
        self.engine.load().problems_of(&widget_template(name))
    }

    /// The text of a widget's template, for its source page.
    pub fn template_text(&self, name: &WidgetName) -> Option<std::sync::Arc<str>> {
        self.engine.load().text(&widget_template(name))
    }
}

fn widget_template(name: &WidgetName) -> String {
    format!("widgets/{}.html", name.path())
}

#[cfg(test)]
mod contrast;
#[cfg(test)]
mod tests;
