//! What the templates of the gallery are given: all widgets, one of them with its preview, and the reference.

use crate::hub::WidgetName;
use serde::Serialize;
use serde_json::Value;

/// `widgets.html`: all widgets, or those that a search found.
#[derive(Serialize)]
pub struct GalleryPage<'a> {
    pub widgets: Vec<GalleryEntry<'a>>,
    /// What was searched for; empty when nothing was.
    pub sought: &'a str,
}

#[derive(Serialize)]
pub struct GalleryEntry<'a> {
    pub name: &'a WidgetName,
    pub title: &'a str,
    pub summary: &'a str,
}

/// `gallery.html`: one widget.
#[derive(Serialize)]
pub struct GalleryWidgetPage<'a> {
    pub name: &'a WidgetName,
    pub title: &'a str,
    /// Markdown.
    pub doc: &'a str,
    pub fields: Vec<Field>,
    /// Whether this visitor may try settings out.
    pub may_try: bool,
    pub preview: Preview,
    pub hosts: &'a [String],
    /// In words: `every 6h`.
    pub refresh: Option<String>,
    /// Names.
    pub cases: Vec<String>,
    /// What is wrong with the latest version of the script, with code frames.
    pub problems: Vec<Problem>,
}

/// One parameter in the form.
#[derive(Debug, PartialEq, Serialize)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub help: String,
    /// In words, what fits.
    pub fits: String,
    /// `text`, `url`, `number`, `area` or `select`.
    pub input: &'static str,
    /// What is in it.
    pub value: String,
    /// What holds while nothing is.
    pub default: String,
    pub options: Vec<String>,
    pub required: bool,
    /// As HTML has them: `1`, not `1.0`.
    pub min: Option<String>,
    pub max: Option<String>,
    pub whole: bool,
    /// Why what was given does not fit.
    pub problem: Option<String>,
}

/// What the card would look like, or why there is none.
#[derive(Default, Serialize)]
pub struct Preview {
    /// The frame: `panel`, `plain`, `info` or `warning`.
    pub style: String,
    /// As [`super::Renderer::widget`] made it.
    pub html: Option<String>,
    /// The field that is empty, so that the card would be hidden.
    pub hidden_by: Option<String>,
    pub data: Option<String>,
    /// A sentence in place of the card.
    pub note: Option<String>,
    pub problems: Vec<Problem>,
    /// The settings that it was made with, where they are not the visitor's: the case that they come from.
    pub example: Option<String>,
    pub took: Option<String>,
}

/// A diagnostic for a page.
#[derive(Serialize)]
pub struct Problem {
    pub message: String,
    /// `widgets/badges.rhai:12:5`.
    pub place: Option<String>,
    /// The source line with a caret below it.
    pub frame: Option<String>,
    pub help: Option<String>,
    pub is_warning: bool,
}

impl From<&crate::diagnostic::Diagnostic> for Problem {
    fn from(found: &crate::diagnostic::Diagnostic) -> Self {
        Self {
            message: found.message.clone(),
            place: found.place(),
            frame: found.frame(),
            help: found.help.clone(),
            is_warning: found.severity == crate::diagnostic::Severity::Warning,
        }
    }
}

/// `reference.html`: chapters, each a name and HTML that [`super::markdown()`] made.
#[derive(Serialize)]
pub struct ReferencePage {
    pub chapters: Vec<(String, String)>,
}

/// Whether a field of the data counts as empty, as `hide_when_empty` takes it.
pub fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Bool(true)) => false,
    }
}
