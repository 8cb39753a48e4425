//! The settings of one widget: a form made from its parameters, with a preview; and taking it away.

use super::super::errors::PageError;
use super::super::form::{self, Lists};
use super::super::gallery::Setting;
use super::super::openapi::{ErrorJson, SettingsJson};
use super::super::viewer::Viewer;
use super::super::{Services, pages};
use super::given::{Given, Sent};
use super::{Editor, Refused, conflict_of, page, problems, status, with_status};
use crate::hub::{Config, Instance, InstanceId, WidgetName};
use crate::render::{EditWidgetPage, Field, Preview};
use crate::store::{Conflict, Edit, EditError};
use crate::widget::{Definition, Kind, ParameterError};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /{hub}/{id}/edit`: the settings of a widget as a form; `{version, id, widget, title, parameters, config}` for a
/// program. 404 when it is gone.
pub(in super::super) async fn settings(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    let shown = async {
        let editor = Editor::of(&services, viewer, &hub).await?;
        let (instance, version) = find(&services, &editor, &id).await?;
        let definition = definition(&services, &instance.widget)?;
        if !super::super::errors::wants_page(&headers) {
            return Ok(Json(SettingsJson {
                version,
                id: instance.id,
                widget: &instance.widget,
                title: &definition.title,
                parameters: &definition.parameters,
                config: &instance.config,
            })
            .into_response());
        }
        let wrong = definition.complete(&instance.config).err().unwrap_or_default();
        let form = Form {
            id: Some(instance.id),
            version,
            wrong: &wrong,
            ..Form::new(&definition, &instance.config)
        };
        form.page(&services, &editor).await
    };
    shown.await.unwrap_or_else(|error: PageError| error.answer(&headers))
}

/// `POST /{hub}/{id}/edit`: other settings (`config.NAME` in a form, `config` in JSON) instead of those that `version` had.
/// With `preview` nothing is stored, and what the widget would look like is shown. 422 with what does not fit by setting,
/// 409 where somebody else changed the same meanwhile, with both texts.
pub(in super::super) async fn configure(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let (editor, given) = match Editor::with(&services, viewer, &hub, sent).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let done = async {
        let (instance, version) = find(&services, &editor, &id).await?;
        let definition = definition(&services, &instance.widget)?;
        let config = config(&given, &definition)?;
        let seen = given.seen();
        let form = Form {
            id: Some(instance.id),
            version: seen.min(version),
            ..Form::new(&definition, &config)
        };
        if let Some(answer) = form.unfit_or_preview(&services, &editor, &given).await? {
            return Ok(answer);
        }
        let edit = Edit::Configure { id: instance.id, config: config.clone(), seen };
        match editor.edit(&services, edit).await {
            Ok(done) => {
                editor.answer(&services, &given, done, &format!("place-{}", instance.id)).await
            }
            Err(Refused::Edit(error)) if given.is_for_page() => {
                form.refused(&services, &editor, &error).await
            }
            Err(other) => Err(other),
        }
    };
    done.await.unwrap_or_else(|refused: Refused| refused.plainly(&given))
}

/// `POST /{hub}/{id}/delete`: takes a widget off the hub; its history has it, and `POST /{hub}/revert` puts it back.
pub(in super::super) async fn delete(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    viewer: Viewer,
    sent: Sent,
) -> Response {
    let (editor, given) = match Editor::with(&services, viewer, &hub, sent).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let done = async {
        let id: InstanceId = id.parse().map_err(PageError::from)?;
        match editor.edit(&services, Edit::Remove { id }).await {
            Ok(done) => editor.answer(&services, &given, done, "widgets").await,
            Err(Refused::Edit(error)) if given.is_for_page() => {
                super::hub::again(&services, &editor, None, &error).await
            }
            Err(other) => Err(other),
        }
    };
    done.await.unwrap_or_else(|refused: Refused| refused.plainly(&given))
}

async fn find(
    services: &Services,
    editor: &Editor,
    id: &str,
) -> Result<(Instance, u64), PageError> {
    let id: InstanceId = id.parse()?;
    let sheet = services.sheet(editor.name()).await?;
    let found = sheet.instances.into_iter().find(|instance| instance.id == id);
    let instance =
        found.ok_or_else(|| PageError::NoSuchWidget { hub: editor.name().clone(), id })?;
    Ok((instance, sheet.version))
}

pub(super) fn definition(
    services: &Services,
    name: &WidgetName,
) -> Result<Arc<Definition>, PageError> {
    let library = services.shelf.library();
    library.get(name).cloned().map_err(|_| PageError::NoSuchKind(name.clone()))
}

/// The settings that were sent.
pub(super) fn config(given: &Given, definition: &Definition) -> Result<Config, PageError> {
    if given.is_form() {
        return Ok(form::read(definition, &given.below("config."), Lists::Lines));
    }
    match given.value("config") {
        Some(Value::Object(config)) => Ok(config),
        None => Ok(Config::new()),
        Some(other) => {
            let kind =
                format!("`config` is {}", other.to_string().chars().take(60).collect::<String>());
            Err(PageError::BadJson(format!("{kind}, but must be an object of settings")))
        }
    }
}

/// The form of a widget's settings, on the hub already or to be added.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    pub(super) definition: &'a Arc<Definition>,
    pub(super) config: &'a Config,
    /// `None`: it is to be added.
    pub(super) id: Option<InstanceId>,
    pub(super) version: u64,
    pub(super) column: &'a str,
    pub(super) wrong: &'a [ParameterError],
    pub(super) conflict: Option<&'a Conflict>,
    pub(super) notice: Option<&'a str>,
}

impl<'a> Form<'a> {
    pub(super) fn new(definition: &'a Arc<Definition>, config: &'a Config) -> Self {
        Self {
            definition,
            config,
            id: None,
            version: 0,
            column: "left",
            wrong: &[],
            conflict: None,
            notice: None,
        }
    }

    /// The form with a preview of what it holds, or without one where that does not fit.
    pub(super) async fn page(
        &self,
        services: &Services,
        editor: &Editor,
    ) -> Result<Response, PageError> {
        let preview = if self.definition.complete(self.config).is_ok() {
            self.preview(services, editor).await
        } else {
            let note = "What it looks like is shown here once its settings fit.";
            Preview { note: Some(note.into()), ..Preview::default() }
        };
        self.with(services, editor, preview).await
    }

    async fn preview(&self, services: &Services, editor: &Editor) -> Preview {
        let id = self.id.unwrap_or(InstanceId(0));
        let setting = Setting::On(&editor.hub, id, self.config);
        services.previews.of(services, self.definition, setting).await
    }

    pub(super) async fn with(
        &self,
        services: &Services,
        editor: &Editor,
        preview: Preview,
    ) -> Result<Response, PageError> {
        let context = EditWidgetPage {
            hub: &editor.hub,
            version: self.version,
            id: self.id,
            widget: &self.definition.name,
            title: &self.definition.title,
            doc: &self.definition.doc,
            fields: self.fields(services).await?,
            column: self.column,
            preview,
            notice: self.notice,
            by: self.conflict.map(|conflict| conflict.by.as_str()),
        };
        let mut page = pages::page(services, &editor.viewer, "edit-widget.html", context)?;
        pages::keep_nowhere(&mut page);
        Ok(page)
    }

    async fn fields(&self, services: &Services) -> Result<Vec<Field>, PageError> {
        let mut fields = form::fields(self.definition, self.config, self.wrong, Lists::Lines);
        let has = |kind| self.definition.parameters.iter().any(|it| it.kind == kind && !it.many);
        let people =
            if has(Kind::Username) { page::known_people(services).await? } else { Vec::new() };
        for field in &mut fields {
            let clash = self.conflict.and_then(|conflict| {
                conflict.clashes.iter().find(|clash| clash.name == field.name)
            });
            field.theirs = clash.map(|clash| form::theirs(&clash.theirs));
            let parameter = self.definition.parameters.iter().find(|it| it.name == field.name);
            if parameter.is_some_and(|it| it.kind == Kind::Username && !it.many) {
                field.suggestions.clone_from(&people);
            }
        }
        Ok(fields)
    }

    /// The answer where nothing is to be stored: what does not fit, or what was only to be looked at.
    pub(super) async fn unfit_or_preview(
        &self,
        services: &Services,
        editor: &Editor,
        given: &Given,
    ) -> Result<Option<Response>, Refused> {
        let wrong = self.definition.complete(self.config).err().unwrap_or_default();
        if !wrong.is_empty() {
            if given.is_for_page() {
                let page = Form { wrong: &wrong, ..*self }.page(services, editor).await?;
                return Ok(Some(with_status(StatusCode::UNPROCESSABLE_ENTITY, page)));
            }
            let said: Vec<_> = wrong.iter().map(ToString::to_string).collect();
            let problems = problems(wrong.iter().map(|it| (it.name(), it)));
            let body =
                ErrorJson { error: said.join("; "), problems: Some(problems), conflict: None };
            return Ok(Some((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()));
        }
        if given.value("preview").is_none() {
            return Ok(None);
        }
        services.pace_of(editor)?;
        if given.is_for_page() {
            return Ok(Some(self.page(services, editor).await?));
        }
        let preview = self.preview(services, editor).await;
        Ok(Some(Json(json!({ "preview": preview })).into_response()))
    }

    /// The form with what was sent and why it was not stored.
    pub(super) async fn refused(
        &self,
        services: &Services,
        editor: &Editor,
        error: &EditError,
    ) -> Result<Response, Refused> {
        let said = error.to_string();
        let conflict = conflict_of(error);
        let version = conflict.map_or(self.version, |conflict| conflict.version);
        let form = Form { notice: Some(&said), conflict, version, ..*self };
        Ok(with_status(status(error), form.page(services, editor).await?))
    }
}

impl Services {
    /// A preview runs a script: that counts as a change.
    fn pace_of(&self, editor: &Editor) -> Result<(), PageError> {
        self.pace.take(editor.who(), (self.clock)()).map_err(PageError::TooManyEdits)
    }
}
