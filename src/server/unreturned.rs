//! Templates that read what their widget's `data` never returns: the one question for which both must be at hand.

use crate::diagnostic::Diagnostic;
use crate::render::Renderer;
use crate::widget::{Library, template_of};
use std::collections::BTreeSet;

/// Warnings, each at its place in the template. What is not plain in the script is not told.
pub(crate) fn unreturned(library: &Library, renderer: &Renderer) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for widget in library.widgets() {
        let Some(text) = renderer.template_text(&widget.name) else { continue };
        let mut told = BTreeSet::new();
        for read in renderer.reads(&widget.name) {
            let path: Vec<&str> = read.iter().map(|part| part.name.as_str()).collect();
            let Some(missing) = widget.unreturned(&path) else { continue };
            let part = &read[missing.part];
            // The first place of each is enough.
            if !told.insert(missing.message.clone()) {
                continue;
            }
            let mut problem = Diagnostic::warning(missing.message)
                .in_file(template_of(&widget.name))
                .at(&text, part.line, part.column)
                .help(missing.help);
            problem.width = part.name.chars().count();
            problems.push(problem);
        }
    }
    problems
}
