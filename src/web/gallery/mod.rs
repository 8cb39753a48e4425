//! The gallery: every widget, and a page for each where its parameters can be tried out.

mod asked;
mod cases;
mod example;
mod preview;

pub use cases::{CaseOutcome, CaseRuns, RunCases};
pub use preview::Previews;
pub(super) use preview::Setting;

use super::errors::PageError;
use super::form::{self, Lists};
use super::viewer::Viewer;
use super::{Services, pages};
use crate::bindings::reference;
use crate::hub::{Config, WidgetName};
use crate::render::{
    Cases, GalleryEntry, GalleryPage, GalleryWidgetPage, Preview, Problem, ReferencePage, markdown,
};
use crate::widget::{Definition, ParameterError, cases_of};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /widgets`: all widgets, or those whose name, title or documentation has what `?q=` says.
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    viewer: Viewer,
    Query(Search { q }): Query<Search>,
) -> Result<Response, PageError> {
    let library = services.shelf.library();
    let words = q.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&words);
    let found = library.widgets().filter(|w| has(w.name.as_str()) || has(&w.title) || has(&w.doc));
    let entry = |widget| {
        let widget: &Definition = widget;
        GalleryEntry { name: &widget.name, title: &widget.title, summary: widget.summary() }
    };
    let widgets = found.map(|widget| entry(widget)).collect();
    pages::page(&services, &viewer, "widgets.html", GalleryPage { widgets, sought: &q })
}

/// `GET /widgets/{name}`: what a widget is for, its parameters as a form, and what it looks like with them.
///
/// The query is the configuration: a form that works without JavaScript, and a link that can be handed on. Without one
/// the widget is shown in the world of its first case: its settings, messages, cassette and clock. Only of who
/// may mend widgets, and from no other site's page, is the query heard: a run of `data` asks other servers in this server's
/// name and fills its cache, so that what it asks for is not for strangers to choose. They see the example alone, and
/// not whether its cases hold.
pub(super) async fn show(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let name: WidgetName = name.parse()?;
    let library = services.shelf.library();
    let may_try =
        viewer.may_mend() && headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site");
    let problems = |of: &WidgetName| -> Vec<Problem> {
        let found = library.problems_of(of).iter().filter(|_| may_try);
        found.map(Problem::from).collect()
    };
    let definition = match library.get(&name) {
        Ok(definition) => definition.clone(),
        Err(_) if !problems(&name).is_empty() => {
            return broken(&services, &viewer, &name, problems(&name));
        }
        Err(_) => return Err(PageError::NoSuchKind(name)),
    };
    let cases = cases_of(services.shelf.site(), &name);
    let first = cases.first().filter(|case| definition.complete(&case.config).is_ok());
    let (config, setting) = match first {
        _ if may_try && !given.is_empty() => (form::read(&definition, &given, Lists::Commas), None),
        Some(case) => (case.config.clone(), Some(case)),
        None => (Config::new(), None),
    };
    let wrong = definition.complete(&config).err().unwrap_or_default();
    let preview = if wrong.is_empty() {
        let example = setting.map(|case| case.name.value.clone());
        let setting = setting.map_or(Setting::Here(&config), Setting::In);
        Preview { example, ..services.previews.of(&services, &definition, setting).await }
    } else {
        unfit(&definition, &config, &wrong, may_try)
    };
    let context = GalleryWidgetPage {
        name: &name,
        title: &definition.title,
        doc: &definition.doc,
        fields: {
            let told = if given.is_empty() { &[][..] } else { &wrong };
            form::fields(&definition, &config, told, Lists::Commas)
        },
        may_try,
        preview,
        hosts: &definition.hosts,
        refresh: definition.refresh().map(form::period),
        asked_about: asked::about(&definition),
        lately: asked::lately(&services, &name).await,
        cases: services.cases.shown(&services, &definition, &cases, may_try),
        problems: problems(&name),
    };
    pages::page(&services, &viewer, "gallery.html", context)
}

/// Settings that do not fit are named; that some are missing is no mistake before anything was given.
fn unfit(
    definition: &Definition,
    config: &Config,
    wrong: &[ParameterError],
    may_try: bool,
) -> Preview {
    if config.is_empty() {
        let missing: Vec<_> = wrong.iter().map(|error| format!("`{}`", error.name())).collect();
        let note = if may_try {
            format!("Give {} to see it here.", missing.join(" and "))
        } else {
            format!("It needs {}, and has no case to show as an example.", missing.join(" and "))
        };
        return Preview { note: Some(note), ..Preview::default() };
    }
    let problem = |error: &ParameterError| Problem {
        message: error.to_string(),
        place: None,
        frame: None,
        help: None,
        is_warning: false,
    };
    let note = format!("{} can't be shown with these settings.", definition.title);
    Preview {
        note: Some(note),
        problems: wrong.iter().map(problem).collect(),
        ..Preview::default()
    }
}

/// A script that never compiled: what is wrong with it, for who may mend it.
fn broken(
    services: &Services,
    viewer: &Viewer,
    name: &WidgetName,
    problems: Vec<Problem>,
) -> Result<Response, PageError> {
    let note = "Once its script compiles it is shown here.".to_owned();
    let context = GalleryWidgetPage {
        name,
        title: name.as_str(),
        doc: "",
        fields: Vec::new(),
        may_try: false,
        preview: Preview { note: Some(note), ..Preview::default() },
        hosts: &[],
        refresh: None,
        asked_about: None,
        lately: Vec::new(),
        cases: Cases::default(),
        problems,
    };
    pages::page(services, viewer, "gallery.html", context)
}

/// `GET /widgets/script-reference`: what scripts and templates may call. No widget can have this name: it has a dash.
pub(super) async fn script_reference(
    State(services): State<Arc<Services>>,
    viewer: Viewer,
) -> Result<Response, PageError> {
    let chapter = |chapter: reference::Chapter| {
        let text = chapter.to_markdown(1);
        // The page has the heading itself, to link to.
        let below = text.split_once("\n\n").map_or("", |(_, below)| below);
        (chapter.name.to_owned(), markdown(below))
    };
    let chapters = reference::chapters().into_iter().map(chapter).collect();
    pages::page(&services, &viewer, "reference.html", ReferencePage { chapters })
}
