//! What is wrong with an instance, for who may edit it: its script and modules, its template, its configuration, its
//! last run. Asked anew each time; what is told is only that it is worth asking again.

use super::Rebuild;
use crate::diagnostic::{Diagnostic, Severity};
use crate::hub::{Hub, HubName, Instance, InstanceId, WidgetName};
use crate::widget::{Library, template_of};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Rebuild {
    /// Everything that is wrong with an instance now; empty when it is well.
    pub fn problems(&self, instance: &Instance, hub: Arc<Hub>) -> Vec<Diagnostic> {
        let inner = &*self.0;
        let mut found = self.problems_of(&inner.parts.shelf.library(), &instance.widget);
        match inner.load(instance.clone(), hub) {
            Ok(loaded) => {
                let failing = inner.known.lock().failing(instance.id).cloned();
                let of_run = failing.map(|failing| {
                    failing.diagnostic.unwrap_or_else(|| Diagnostic::error(failing.error))
                });
                let entry = inner.parts.cache.entry(instance.id);
                let template = inner.parts.renderer.template_hash(&instance.widget);
                // A template that changed since the run may draw no longer what the run found.
                let of_drawing = entry
                    .filter(|entry| template.is_some_and(|hash| hash != entry.template))
                    .and_then(|entry| {
                        inner.render(&loaded, &entry.data, (inner.parts.clock)()).err()
                    });
                for problem in of_run.into_iter().chain(of_drawing) {
                    if !found.contains(&problem) {
                        found.push(problem);
                    }
                }
            }
            // A script that never worked says itself why its widget is not there.
            Err(_) if found.iter().any(|problem| problem.severity == Severity::Error) => {}
            Err(unfit) => found.push(Diagnostic::error(unfit).help(
                "change how this widget is configured, or what PARAMETERS of its script asks for",
            )),
        }
        found
    }

    /// What is wrong with the files of each widget with which something is.
    pub fn problems_by_widget(&self) -> BTreeMap<WidgetName, Vec<Diagnostic>> {
        let library = self.0.parts.shelf.library();
        let all = library.names().into_iter().map(|name| {
            let problems = self.problems_of(&library, &name);
            (name, problems)
        });
        all.filter(|(_, problems)| !problems.is_empty()).collect()
    }

    /// Tells readers that what is wrong with an instance is another thing than before, or nothing any more.
    pub fn tell_problem(&self, hub: &HubName, id: InstanceId) {
        self.0.parts.audience.problem(hub, id);
    }

    fn problems_of(&self, library: &Library, name: &WidgetName) -> Vec<Diagnostic> {
        let renderer = &self.0.parts.renderer;
        let mut found = library.problems_reaching(name);
        // The library says what it saw when scripts were read; a template may have been written since.
        if renderer.template_hash(name).is_some() {
            let template = template_of(name);
            found.retain(|p| p.line.is_some() || p.file.as_ref() != Some(&template));
        }
        found.extend(renderer.problems_of(name));
        found
    }
}
