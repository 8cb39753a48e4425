//! A widget that is to come: its settings, an example of it, and where it goes.

use super::super::Services;
use super::super::errors::PageError;
use super::super::gallery::Setting;
use super::super::viewer::Viewer;
use super::configuring::{Form, config, definition};
use super::given::Sent;
use super::page::Look;
use super::{Editor, Refused};
use crate::hub::{Column, Config, HubKind, WidgetName};
use crate::render::Preview;
use crate::store::{Edit, NewInstance};
use crate::widget::{Kind, cases_of};
use axum::extract::{Path, State};
use axum::response::Response;
use std::sync::Arc;

/// `GET /{hub}/edit?add=WIDGET`: its settings as a form, and what it looks like in its first case.
pub(super) async fn page(
    services: &Services,
    editor: &Editor,
    widget: &str,
    look: &Look,
) -> Result<Response, PageError> {
    let name: WidgetName = widget.parse()?;
    let definition = definition(services, &name)?;
    let mut config = Config::new();
    if editor.hub.kind == HubKind::User {
        // On somebody's own page it is mostly about them.
        let names = definition.parameters.iter().filter(|it| it.kind == Kind::Username && !it.many);
        for parameter in names.filter(|it| it.default.is_none()) {
            config.insert(parameter.name.clone(), editor.name().to_string().into());
        }
    }
    let column = look.column.as_deref().filter(|column| *column == "right").unwrap_or("left");
    let form = Form { column, ..Form::new(&definition, &config) };
    let cases = cases_of(services.shelf.site(), &name);
    let first = cases.first().filter(|case| definition.complete(&case.config).is_ok());
    match first {
        Some(case) => {
            let preview = services.previews.of(services, &definition, Setting::In(case)).await;
            let example = Some(case.name.value.clone());
            form.with(services, editor, Preview { example, ..preview }).await
        }
        None => form.page(services, editor).await,
    }
}

/// `POST /{hub}/widgets`: a widget more, below those that are in its `column`: `widget`, and its settings as in
/// `POST /{hub}/{id}/edit`. 422 with what does not fit by setting.
pub(in super::super) async fn add(
    State(services): State<Arc<Services>>,
    Path(hub): Path<String>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let (editor, given) = match Editor::with(&services, viewer, &hub, sent).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let done = async {
        let name: WidgetName =
            given.text("widget").unwrap_or_default().parse().map_err(PageError::from)?;
        let definition = definition(&services, &name)?;
        let config = config(&given, &definition)?;
        let (column, word) = match given.text("column").as_deref() {
            Some("right") => (Column::Right, "right"),
            _ => (Column::Left, "left"),
        };
        let form = Form { column: word, ..Form::new(&definition, &config) };
        if let Some(answer) = form.unfit_or_preview(&services, &editor, &given).await? {
            return Ok(answer);
        }
        let new = NewInstance { widget: name, column, config: config.clone() };
        match editor.edit(&services, Edit::Add(new)).await {
            Ok(done) => {
                let id = done.as_ref().and_then(|done| done.instance);
                let anchor = id.map_or_else(|| "widgets".into(), |id| format!("place-{id}"));
                editor.answer(&services, &given, done, &anchor).await
            }
            Err(Refused::Edit(error)) if given.is_for_page() => {
                form.refused(&services, &editor, &error).await
            }
            Err(other) => Err(other),
        }
    };
    done.await.unwrap_or_else(|refused: Refused| refused.plainly(&given))
}
