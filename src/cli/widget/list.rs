//! `hubs widget list`: what there is.

use crate::cli::place::SiteOption;
use crate::cli::{Format, Outcome};
use serde_json::json;
use std::io::Write;

/// Name every widget, with the first line of its documentation
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl List {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let width = library.widgets().map(|w| w.name.as_str().len()).max().unwrap_or(0);
        for widget in library.widgets() {
            match self.format {
                Format::Human => {
                    writeln!(out, "{:width$}  {}", widget.name.as_str(), widget.summary())?;
                }
                Format::Json => {
                    let row = json!({
                        "name": widget.name,
                        "title": widget.title,
                        "description": widget.doc,
                        "parameters": widget.parameters,
                        "hosts": &*widget.hosts,
                        "refresh_seconds": widget.refresh().map(|every| every.as_secs()),
                        "file": widget.source.file,
                    });
                    writeln!(out, "{row}")?;
                }
            }
        }
        Ok(Outcome::Fine)
    }
}
