//! `hubs definitions`: what an editor's language server for Rhai reads.

use super::{Outcome, print, widget};
use crate::bindings;
use std::io::Write;
use std::path::PathBuf;

/// Print definition files for Rhai's language server: all that scripts may call, with its documentation
#[derive(Debug, clap::Args)]
pub(super) struct Definitions {
    /// Write the files into this folder instead, one for each module
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Definitions {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let files = bindings::definitions();
        let Some(folder) = self.out else {
            for (name, text) in files {
                writeln!(out, "// {name}\n{text}")?;
            }
            return Ok(Outcome::Fine);
        };
        for (name, text) in &files {
            widget::write(&folder.join(name), text)?;
        }
        writeln!(out, "{} written to {}", print::count(files.len(), "file"), folder.display())?;
        Ok(Outcome::Fine)
    }
}
