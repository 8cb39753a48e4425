//! `hubs widget new`: script, template, recording and a case that passes, from a starter or from another widget.

use crate::cli::Outcome;
use crate::cli::place::{Place, SiteOption};
use crate::cli::print::Problems;
use crate::diagnostic::Diagnostic;
use crate::hub::WidgetName;
use crate::widget::{Case, Library, Parameter, case_file, cases_of, template_of};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const SCRIPT: &str = include_str!("starter/script.rhai");
const TEMPLATE: &str = include_str!("starter/template.html");
const RECORDING: &str = include_str!("starter/recording.jsonl");
const CASE: &str = include_str!("starter/case.toml");

/// Make a widget: script, template, recording and a case that passes
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct New {
    /// Its name, as in `badges` or `workflow.updates2stable`
    name: String,
    /// Begin with a copy of this widget instead of the starter
    #[arg(long, value_name = "WIDGET")]
    from: Option<WidgetName>,
    #[command(flatten)]
    site: SiteOption,
}

/// A file to be: its path below the site, and what is in it.
type Draft = (String, Vec<u8>);

impl New {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let name = self.name.parse().map_err(|_| unfit(&self.name))?;
        let library = found.library();
        refuse_taken(&found, &library, &name)?;
        let drafts = match &self.from {
            Some(from) => copy(&found, &library, from, &name)?,
            None => starter(&name),
        };
        let root = found.site.root().expect("a site of the command line is a folder").to_owned();
        write_all(&root, &drafts)?;
        for (path, _) in &drafts {
            writeln!(out, "wrote {path}")?;
        }
        let has_case = drafts.iter().any(|(path, _)| *path == case_file(name.as_str()));
        self.next(out, &found, &library, &name, has_case)
    }

    /// The commands that lead on.
    fn next(
        &self,
        out: &mut impl Write,
        found: &Place,
        library: &Library,
        name: &WidgetName,
        has_case: bool,
    ) -> anyhow::Result<Outcome> {
        let (site, below, serve) = match self.site.folder() {
            Some(folder) => {
                let folder = folder.display();
                (
                    format!(" --site {folder}"),
                    format!("{folder}/"),
                    format!("(cd {folder} && hubs serve)"),
                )
            }
            None => (String::new(), String::new(), "hubs serve".to_owned()),
        };
        let config = match &self.from {
            Some(from) => settings(library, cases_of(&found.site, from).first(), from),
            None => {
                format!(" --config username=ralph --messages {below}tests/recordings/{name}.jsonl")
            }
        };
        writeln!(out, "\nNext:")?;
        if has_case {
            writeln!(
                out,
                "  hubs widget test {name}{site}    # its case passes; keep it so, and add your own"
            )?;
        } else {
            writeln!(
                out,
                "  {}    # describe what it should do: it has no case yet",
                case_file(name.as_str())
            )?;
        }
        writeln!(out, "  hubs widget run {name}{site}{config} --text    # call its data() once")?;
        writeln!(out, "  hubs widget check {name}{site}    # what is wrong with it, if anything")?;
        writeln!(
            out,
            "  {serve}    # then open /widgets/{name}; what you save is redrawn at once"
        )?;
        Ok(Outcome::Fine)
    }
}

/// Options for what a widget needs, with the values of its first case where there is one.
fn settings(library: &Library, case: Option<&Case>, widget: &WidgetName) -> String {
    let Ok(definition) = library.get(widget) else { return String::new() };
    let setting = |parameter: &Parameter| {
        let value = case.and_then(|case| case.config.get(&parameter.name)?.as_str());
        format!(" --config {}={}", parameter.name, value.unwrap_or("…"))
    };
    let required = definition.parameters.iter().filter(|parameter| parameter.default.is_none());
    required.map(setting).collect::<Vec<_>>().concat()
}

fn script_of(name: &WidgetName) -> String {
    format!("widgets/{}.rhai", name.path())
}

fn refused(message: String, help: String) -> Problems {
    Problems(vec![Diagnostic::error(message).help(help)])
}

/// What is wrong with a name, and one that would do.
fn unfit(given: &str) -> Problems {
    let message = format!("`{given}` is no name of a widget");
    let letters = given.to_lowercase().replace(['-', ' '], "_").replace('/', ".");
    let fitting: String = letters
        .trim_end_matches(".rhai")
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(*c))
        .collect();
    let example = match fitting.parse::<WidgetName>() {
        Ok(near) => format!("`{near}` would do"),
        Err(_) => "`workflow.updates2stable` is one".to_owned(),
    };
    refused(message, format!("words of a-z, 0-9 and `_`, joined by dots: {example}"))
}

fn refuse_taken(found: &Place, library: &Library, name: &WidgetName) -> Result<(), Problems> {
    if let Some((folder @ ("lib" | "messages"), rest)) = name.as_str().split_once('.') {
        let what = if folder == "lib" { "modules" } else { "processors of messages" };
        let message = format!("`{name}` can't be a widget: widgets/{folder}/ is for {what}");
        return Err(refused(
            message,
            format!("choose another first word, or leave it out: `{rest}`"),
        ));
    }
    let script = script_of(name);
    let on_disk = found.site.root().is_some_and(|root| root.join(&script).exists());
    if on_disk {
        let help = format!(
            "choose another name, or change that file; a copy is `hubs widget new {name}2 --from {name}`"
        );
        return Err(refused(format!("there is a widget `{name}` already: {script}"), help));
    }
    if library.get(name).is_ok() {
        let copy = format!("my_{}", name.as_str().replace('.', "_"));
        let help = format!(
            "choose another name. To change what hubs brings along, `hubs widget new {copy} --from {name}` and rename \
             its script and template to {script} and {}: a site's files go before",
            template_of(name)
        );
        return Err(refused(format!("`{name}` is a widget that hubs brings along"), help));
    }
    Ok(())
}

fn starter(name: &WidgetName) -> Vec<Draft> {
    let last = name.as_str().rsplit('.').next().unwrap_or_default().replace('_', " ");
    let mut letters = last.chars();
    let title: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let fill = |text: &str| text.replace("@NAME@", name.as_str()).replace("@TITLE@", &title);
    vec![
        (script_of(name), fill(SCRIPT).into()),
        (template_of(name), fill(TEMPLATE).into()),
        (format!("tests/recordings/{name}.jsonl"), RECORDING.into()),
        (case_file(name.as_str()), fill(CASE).into()),
    ]
}

/// Another widget under a new name: its script and template, and its cases with all that they name.
fn copy(
    found: &Place,
    library: &Library,
    from: &WidgetName,
    name: &WidgetName,
) -> Result<Vec<Draft>, Problems> {
    let site = &found.site;
    if let Err(unknown) = library.get(from)
        && library.problems_of(from).is_empty()
    {
        let help = "`hubs widget list` names them all".to_owned();
        return Err(refused(unknown.to_string(), help));
    }
    let mut drafts = Vec::new();
    for (old, new) in [(script_of(from), script_of(name)), (template_of(from), template_of(name))] {
        let bytes = site.read(&old).ok_or_else(|| {
            refused(format!("widget `{from}` lacks {old}"), format!("`hubs widget check {from}`"))
        })?;
        drafts.push((new, bytes));
    }
    let Ok(Some(mut case)) = site.read_text(&case_file(from.as_str())) else { return Ok(drafts) };
    // Whatever the case names by its file, under a name that tells whose it is now.
    for (folder, ending) in [("tests/recordings", ".jsonl"), ("tests/cassettes", ".json")] {
        for path in site.list(folder, ending) {
            let file = path.rsplit('/').next().unwrap_or(&path);
            let quoted = format!("\"{file}\"");
            let Some(bytes) = site.read(&path).filter(|_| case.contains(&quoted)) else { continue };
            let own = match file.strip_prefix(from.as_str()) {
                Some(rest) => format!("{name}{rest}"),
                None => format!("{name}-{file}"),
            };
            case = case.replace(&quoted, &format!("\"{own}\""));
            drafts.push((format!("{folder}/{own}"), bytes));
        }
    }
    drafts.push((case_file(name.as_str()), case.into()));
    let snapshots = format!("tests/widgets/{from}");
    for path in site.list(&snapshots, "") {
        let below = path.strip_prefix(&snapshots).unwrap_or(&path);
        if let Some(bytes) = site.read(&path) {
            drafts.push((format!("tests/widgets/{name}{below}"), bytes));
        }
    }
    Ok(drafts)
}

/// All or nothing: what is there is never written over, and what was written is removed when the rest can't be.
fn write_all(root: &Path, drafts: &[Draft]) -> Result<(), Problems> {
    let there: Vec<&str> = drafts
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| root.join(path).symlink_metadata().is_ok())
        .collect();
    if !there.is_empty() {
        let are = if there.len() == 1 { "is" } else { "are" };
        let message = format!("{} {are} there already, so nothing was written", there.join(", "));
        return Err(refused(message, "move it away, or choose another name".into()));
    }
    let mut written: Vec<PathBuf> = Vec::new();
    for (path, bytes) in drafts {
        let file = root.join(path);
        if let Err(error) = write(&file, bytes, &mut written) {
            for file in &written {
                let _ = fs::remove_file(file);
            }
            let message = format!("{path} can't be written, so nothing was: {error}");
            let help = format!(
                "see to the rights on {}, or name another folder with --site",
                root.display()
            );
            return Err(refused(message, help));
        }
    }
    Ok(())
}

fn write(file: &Path, bytes: &[u8], written: &mut Vec<PathBuf>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut open: File = OpenOptions::new().write(true).create_new(true).open(file)?;
    written.push(file.to_owned());
    open.write_all(bytes)
}
