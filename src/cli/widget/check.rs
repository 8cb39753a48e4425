//! `hubs widget check`: whether scripts, their constants and their templates are right.

use crate::cli::place::SiteOption;
use crate::cli::print::{self, Problems, count};
use crate::cli::{Format, Outcome};
use crate::diagnostic::{Diagnostic, Severity};
use crate::hub::WidgetName;
use crate::render::Renderer;
use crate::server;
use crate::widget::Library;
use std::io::{self, Write};

/// Compile scripts and templates and say what is wrong with them
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Check {
    /// Which widgets, as in `badges` or `workflow.updates2stable`; without one all of them, and the processors
    names: Vec<WidgetName>,
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Check {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let found = self.site.open()?;
        let library = found.library();
        let (renderer, templates) = Renderer::new(&found.site);
        let unreturned = server::unreturned(&library, &renderer);
        for name in &self.names {
            let is_broken = !library.problems_of(name).is_empty();
            if let Err(unknown) = library.get(name)
                && !is_broken
            {
                let problem = Diagnostic::error(unknown.to_string())
                    .help("`hubs widget list` names them all");
                return Err(Problems(vec![problem]).into());
            }
        }
        let problems = library.problems().chain(&templates).chain(&unreturned);
        let problems = in_order(problems.filter(|problem| self.concerns(problem)));
        for problem in &problems {
            print::diagnostic(out, problem, self.format)?;
        }
        let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
        if self.format == Format::Human {
            self.asked_about(out, &library)?;
            let warnings = problems.len() - errors;
            let is_widget = |file: &&String| {
                !file.starts_with("widgets/lib/") && !file.starts_with("widgets/messages/")
            };
            let all = found.site.list("widgets", ".rhai").iter().filter(is_widget).count();
            let checked = if self.names.is_empty() { all } else { self.names.len() };
            writeln!(
                out,
                "{} checked: {}, {}",
                count(checked, "widget"),
                count(errors, "error"),
                count(warnings, "warning")
            )?;
        }
        Ok(if errors == 0 { Outcome::Fine } else { Outcome::Failed })
    }

    /// What was read out of each script: which messages it is asked about.
    fn asked_about(&self, out: &mut impl Write, library: &Library) -> io::Result<()> {
        let named = |name: &WidgetName| self.names.is_empty() || self.names.contains(name);
        let widgets: Vec<_> = library.widgets().filter(|widget| named(&widget.name)).collect();
        let width = widgets.iter().map(|widget| widget.name.as_str().len()).max().unwrap_or(0);
        for widget in widgets {
            let Some(reach) = widget.reach() else { continue };
            let how = if reach.is_whole() { "" } else { ", then its script" };
            writeln!(
                out,
                "{:width$}  asked about {}{how}",
                widget.name,
                reach.hints().join(" | ")
            )?;
        }
        Ok(())
    }

    /// Whether a problem is one of the widgets that were asked for. A module's concerns all who may import it.
    fn concerns(&self, problem: &Diagnostic) -> bool {
        let Some(file) = problem.file.as_deref() else { return true };
        self.names.is_empty()
            || file.starts_with("widgets/lib/")
            || self.names.iter().any(|name| {
                let path = name.path();
                file == format!("widgets/{path}.rhai")
                    || file == format!("templates/widgets/{path}.html")
            })
    }
}

/// File by file, each from top to bottom; the same is said once.
fn in_order<'a>(problems: impl Iterator<Item = &'a Diagnostic>) -> Vec<&'a Diagnostic> {
    let mut problems: Vec<&Diagnostic> = problems.collect();
    problems.sort_by(|a, b| {
        (&a.file, a.line, a.column, a.severity, &a.message)
            .cmp(&(&b.file, b.line, b.column, b.severity, &b.message))
    });
    problems.dedup();
    problems
}
