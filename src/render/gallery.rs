//! What the templates of the gallery are given: all widgets, one of them with its preview, and the reference.

use crate::hub::{HubName, InstanceId, WidgetName};
use jiff::Timestamp;
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
    /// Which messages it is asked about; `None` where that is none.
    pub asked_about: Option<AskedAbout>,
    /// What its instances on public hubs were asked within the last hour, the newest first.
    pub lately: Vec<AskedLately>,
    pub cases: Cases,
    /// What is wrong with the latest version of the script, with code frames.
    pub problems: Vec<Problem>,
}

/// Which messages a widget is asked about.
#[derive(Serialize)]
pub struct AskedAbout {
    /// Any of these must match.
    pub hints: Vec<String>,
    /// What must be true of a message, where that could be read out of the script.
    pub condition: Option<String>,
    /// That decides alone: the script is not run for the answer.
    pub without_script: bool,
    pub any_message: bool,
}

/// A message, and some of the answers to it.
#[derive(Serialize)]
pub struct AskedLately {
    pub id: String,
    pub topic: String,
    /// In a sentence; empty where no processor reads it.
    pub summary: String,
    pub at: Timestamp,
    pub answers: Vec<Answered>,
    /// How many answers are not among these.
    pub others: usize,
}

/// What one instance answered.
#[derive(Serialize)]
pub struct Answered {
    pub hub: HubName,
    pub instance: InstanceId,
    /// `yes`, `no`, `failed` or `given up`.
    pub answer: &'static str,
}

/// The cases of a widget; whether they hold is for who may edit.
#[derive(Default, Serialize)]
pub struct Cases {
    pub all: Vec<CaseRow>,
    /// Why none of them can be run.
    pub wrong: Option<String>,
    /// They are run now, or will be: whoever looks again sees more.
    pub running: bool,
    /// Whether this visitor sees if they hold.
    pub told: bool,
}

#[derive(Serialize)]
pub struct CaseRow {
    pub name: String,
    /// `passed`, `failed`, `running` or `not run yet`; nothing where it is not told.
    pub state: &'static str,
    /// The first line of what is wrong.
    pub wrong: Option<String>,
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
    /// What somebody else wrote here meanwhile.
    pub theirs: Option<String>,
    /// Values that are likely.
    pub suggestions: Vec<String>,
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
