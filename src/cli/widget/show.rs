//! `hubs widget show`: all that one widget says of itself.

use super::sample::{self, Unusable};
use crate::cli::place::{Place, SiteOption};
use crate::cli::print;
use crate::cli::{Format, Outcome};
use crate::hub::WidgetName;
use crate::script::Function;
use crate::widget::{Chrome, Definition, Parameter, Reach, case_file, cases_of, template_of};
use serde_json::{Value, json};
use std::io::Write;

/// Show one widget: parameters, hosts, functions, cases and files
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// Which widget, as in `badges` or `workflow.updates2stable`
    name: WidgetName,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Show {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let widget = match sample::find(&library, &self.name) {
            Ok(widget) => widget,
            Err(Unusable::Unknown(problems)) => return Err(problems.into()),
            Err(Unusable::Broken(problems)) => {
                for problem in &problems {
                    print::diagnostic(out, problem, self.format)?;
                }
                return Ok(Outcome::Failed);
            }
        };
        let facts = found.interpreter().check(&widget.source).unwrap_or_default();
        let cases = cases_of(&found.site, &self.name);
        let files = files(&found, &widget, !cases.is_empty());
        let cases: Vec<String> = cases.into_iter().map(|case| case.name.value).collect();
        let shown = Shown { widget: &widget, functions: &facts.functions, cases, files };
        match self.format {
            Format::Human => shown.human(out)?,
            Format::Json => writeln!(out, "{}", shown.json())?,
        }
        Ok(Outcome::Fine)
    }
}

struct Shown<'a> {
    widget: &'a Definition,
    functions: &'a [Function],
    cases: Vec<String>,
    /// Each with whether it comes with hubs.
    files: Vec<(String, bool)>,
}

impl Shown<'_> {
    fn json(&self) -> Value {
        let Self { widget, functions, cases, files } = self;
        let reach = widget.reach();
        json!({
            "name": widget.name,
            "title": widget.title,
            "description": widget.doc,
            "parameters": widget.parameters.iter().map(parameter).collect::<Vec<_>>(),
            "hosts": &*widget.hosts,
            "refresh_seconds": widget.refresh().map(|every| every.as_secs()),
            "chrome": widget.chrome,
            "functions": functions.iter().map(|f| json!({
                "name": f.name, "parameters": f.parameters, "description": f.doc, "line": f.line,
            })).collect::<Vec<_>>(),
            "has_hints": widget.has_hints,
            "asked_about": reach.map(Reach::hints),
            "condition": reach.and_then(Reach::condition),
            "without_script": reach.map(Reach::is_whole),
            "cases": cases,
            "files": files.iter().map(|(file, built_in)| json!({ "file": file, "built_in": built_in })).collect::<Vec<_>>(),
        })
    }

    fn human(&self, out: &mut impl Write) -> std::io::Result<()> {
        let widget = self.widget;
        writeln!(out, "{}: {}", widget.name, widget.title)?;
        if !widget.doc.is_empty() {
            writeln!(out, "{}", widget.doc)?;
        }
        self.parameters(out)?;
        writeln!(out)?;
        let mut line = |word: &str, text: String| writeln!(out, "{word:12} {text}");
        if !widget.hosts.is_empty() {
            line("hosts", widget.hosts.join(", "))?;
        }
        if let Some(every) = widget.refresh() {
            line("refresh", format!("every {}", print::period(every)))?;
        }
        line("frame", widget.chrome.as_ref().map_or_else(|| "none".into(), frame))?;
        let signature = |f: &Function| format!("{}({})", f.name, f.parameters.join(", "));
        line("functions", self.functions.iter().map(signature).collect::<Vec<_>>().join(", "))?;
        match widget.reach() {
            None => line("asked about", "no message: it is rebuilt by time alone".into())?,
            Some(reach) => {
                for (at, hint) in reach.hints().into_iter().enumerate() {
                    line(if at == 0 { "asked about" } else { "or" }, hint)?;
                }
                let condition = reach.condition();
                let condition =
                    condition.unwrap_or_else(|| "could not be read out of the script".into());
                let alone =
                    if reach.is_whole() { " (decides alone: no script is run)" } else { "" };
                line("condition", condition + alone)?;
            }
        }
        if self.cases.is_empty() {
            line("cases", format!("none: describe some in {}", case_file(widget.name.as_str())))?;
        }
        for (at, case) in self.cases.iter().enumerate() {
            line(if at == 0 { "cases" } else { "" }, case.clone())?;
        }
        for (at, (file, built_in)) in self.files.iter().enumerate() {
            let origin = if *built_in { " (comes with hubs)" } else { "" };
            line(if at == 0 { "files" } else { "" }, format!("{file}{origin}"))?;
        }
        Ok(())
    }

    fn parameters(&self, out: &mut impl Write) -> std::io::Result<()> {
        let rows: Vec<[String; 4]> = self.widget.parameters.iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nparameters")?;
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let (name, kind, default) = (width(0), width(1), width(2));
        for [n, k, d, help] in &rows {
            writeln!(out, "  {n:name$}  {k:kind$}  {d:default$}  {help}")?;
        }
        Ok(())
    }
}

/// Name, kind, default, and help with what fits.
pub(super) fn row(parameter: &Parameter) -> [String; 4] {
    let many = if parameter.many { ", many" } else { "" };
    let default = match &parameter.default {
        None => "required".into(),
        Some(value) => value.to_string(),
    };
    let help = match &*parameter.help {
        "" => parameter.fits(),
        help => format!("{help}: {}", parameter.fits()),
    };
    let kind = format!("{}{many}", parameter.kind.name());
    [parameter.name.clone(), kind, default, help]
}

fn parameter(parameter: &Parameter) -> Value {
    let mut row = serde_json::to_value(parameter).unwrap_or_default();
    row["fits"] = parameter.fits().into();
    row
}

pub(super) fn frame(chrome: &Chrome) -> String {
    let style = serde_json::to_value(chrome.style).ok();
    let style = style.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    match &chrome.hide_when_empty {
        Some(field) => format!("{style}, hidden while `{field}` is empty"),
        None => style,
    }
}

/// Its script, template, modules and case file, and whether each comes with hubs.
fn files(found: &Place, widget: &Definition, has_cases: bool) -> Vec<(String, bool)> {
    let on_disk = |file: &str| found.site.root().is_some_and(|root| root.join(file).exists());
    let mut files = vec![widget.source.file.clone(), template_of(&widget.name)];
    files.extend(widget.source.modules.iter().map(|module| module.file.clone()));
    if has_cases {
        files.push(case_file(widget.name.as_str()));
    }
    files.into_iter().map(|file| (file.clone(), !on_disk(&file))).collect()
}
