//! `GET /source/{widget}`: what a widget is made of, as the licence owes it to its readers.

use super::errors::PageError;
use super::viewer::Viewer;
use super::{Services, pages};
use crate::hub::WidgetName;
use crate::render::{SourceFile, SourcePage};
use axum::extract::{Path, State};
use axum::response::Response;
use std::sync::Arc;

/// The script, its template and the modules that it imports.
pub(super) async fn show(
    State(services): State<Arc<Services>>,
    viewer: Viewer,
    Path(widget): Path<String>,
) -> Result<Response, PageError> {
    let name: WidgetName = widget.parse()?;
    let library = services.shelf.library();
    let definition = library.get(&name).map_err(|_| PageError::NoSuchKind(name.clone()))?;
    let template = services.renderer.template_text(&name);
    let template_file = crate::widget::template_of(&name);
    let source = &definition.source;
    let modules = source.modules.iter().map(|module| (&*module.file, &*module.text));
    let texts = [(&*source.file, &*source.text)]
        .into_iter()
        .chain(template.as_deref().map(|text| (&*template_file, text)))
        .chain(modules);
    let files =
        texts.map(|(file, text)| SourceFile { file, lines: text.lines().collect() }).collect();
    let context =
        SourcePage { widget: &name, title: &definition.title, description: &definition.doc, files };
    pages::page(&services, &viewer, "source.html", context)
}
