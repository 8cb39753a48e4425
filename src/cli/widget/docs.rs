//! `hubs widget docs`: the reference of widgets, bindings and modules, as Markdown.

use super::show::{frame, row};
use crate::bindings::reference;
use crate::cli::Outcome;
use crate::cli::place::SiteOption;
use crate::cli::print::{self, Problems};
use crate::diagnostic::Diagnostic;
use crate::script::Facts;
use crate::widget::{Definition, Library};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Print the reference of all widgets and of what scripts may call, as Markdown
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Docs {
    /// Write a page for each widget and module into this folder instead
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    site: SiteOption,
}

impl Docs {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let library = self.site.open()?.library();
        let Some(folder) = self.out else {
            out.write_all(whole(&library).as_bytes())?;
            return Ok(Outcome::Fine);
        };
        let pages = pages(&library);
        for (path, text) in &pages {
            write(&folder.join(path), text)?;
        }
        writeln!(out, "{} written to {}", print::count(pages.len(), "page"), folder.display())?;
        Ok(Outcome::Fine)
    }
}

/// Writes one file of a folder that may not be there yet.
pub(in crate::cli) fn write(file: &Path, text: &str) -> Result<(), Problems> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text)).map_err(|error| {
        let message = format!("{} can't be written: {error}", file.display());
        Problems(vec![Diagnostic::error(message).help("name another folder with --out")])
    })
}

const INTRO: &str = "\
# Reference

What `hubs widget docs` prints: what scripts and templates may call, and every widget that comes with hubs. It is made from
the comments beside the code; `cargo run -q -- widget docs > docs/widgets/reference.md` makes it anew.
[The guide](guide.md) leads up to it.
";

/// All of it as one page.
fn whole(library: &Library) -> String {
    let mut text = INTRO.to_owned();
    text += "\n## What scripts and templates may call\n";
    for chapter in reference::chapters() {
        let _ = write!(text, "\n{}", chapter.to_markdown(3));
    }
    text += "\n## Modules\n\nScripts that widgets import: `import \"lib/fedora\" as fedora;`.\n";
    for (file, facts) in library.modules() {
        let _ = write!(text, "\n{}", module(file, facts, 3));
    }
    text += "\n## Widgets\n";
    for definition in library.widgets() {
        let _ = write!(text, "\n{}", widget(definition, 3));
    }
    text
}

/// A page each, and an index.
fn pages(library: &Library) -> Vec<(String, String)> {
    let mut index = "# Reference\n".to_owned();
    let mut pages = Vec::new();
    let mut chapter = |title: &str, entries: Vec<(String, String, String)>| {
        let _ = writeln!(index, "\n## {title}\n");
        for (path, line, text) in entries {
            let name = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".md");
            let _ = writeln!(index, "- [{name}]({path}): {line}");
            pages.push((path, text));
        }
    };
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let bindings = reference::chapters().into_iter().map(|chapter| {
        let path = format!("bindings/{}.md", chapter.name);
        (path, first(&chapter.intro), chapter.to_markdown(1))
    });
    chapter("What scripts and templates may call", bindings.collect());
    let modules = library.modules().map(|(file, facts)| {
        let path = file.trim_start_matches("widgets/").replace(".rhai", ".md");
        (path, first(&facts.doc), module(file, facts, 1))
    });
    chapter("Modules", modules.collect());
    let widgets = library.widgets().map(|definition| {
        let path = format!("widgets/{}.md", definition.name);
        (path, definition.summary().to_owned(), widget(definition, 1))
    });
    chapter("Widgets", widgets.collect());
    pages.push(("index.md".into(), index));
    pages
}

fn widget(widget: &Definition, level: usize) -> String {
    let mut text = format!("{} `{}`\n\n", "#".repeat(level), widget.name);
    if !widget.doc.is_empty() {
        let _ = writeln!(text, "{}\n", widget.doc);
    }
    if !widget.parameters.is_empty() {
        text += "| parameter | kind | default | |\n|---|---|---|---|\n";
        for [name, kind, default, help] in widget.parameters.iter().map(row) {
            let default = if default == "required" { default } else { format!("`{default}`") };
            let _ =
                writeln!(text, "| `{name}` | {kind} | {default} | {} |", help.replace('|', "\\|"));
        }
        text.push('\n');
    }
    let mut facts = Vec::new();
    if !widget.hosts.is_empty() {
        let hosts: Vec<_> = widget.hosts.iter().map(|host| format!("`{host}`")).collect();
        facts.push(format!("Asks {}.", hosts.join(", ")));
    }
    match (widget.has_check, widget.refresh()) {
        (true, Some(every)) => {
            let every = print::period(every);
            facts.push(format!("Rebuilt by messages, and every {every}."));
        }
        (true, None) => facts.push("Rebuilt by messages.".into()),
        (false, Some(every)) => facts.push(format!("Rebuilt every {}.", print::period(every))),
        (false, None) => {}
    }
    facts.push(match &widget.chrome {
        Some(chrome) => format!("Frame: {}.", frame(chrome)),
        None => "No frame.".into(),
    });
    let _ = writeln!(text, "{}", facts.join(" "));
    text
}

fn module(file: &str, facts: &Facts, level: usize) -> String {
    let path = file.trim_start_matches("widgets/").trim_end_matches(".rhai");
    let hashes = "#".repeat(level);
    let mut text = format!("{hashes} `{path}`\n\n{}\n", facts.doc);
    for function in facts.functions.iter().filter(|f| !f.doc.is_empty()) {
        let signature = format!("{}({})", function.name, function.parameters.join(", "));
        let _ = write!(text, "\n{hashes}# `{signature}`\n\n{}\n", function.doc);
    }
    text
}
