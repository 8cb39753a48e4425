//! Which lines and branches of the scripts no case reached, and which topics of hints no recording has.

use super::recordings::Recordings;
use crate::hub::WidgetName;
use crate::message::TopicPattern;
use crate::script::Coverage;
use crate::widget::{Definition, Hint};
use std::collections::{BTreeMap, BTreeSet};

/// Of a whole run.
#[derive(Debug, Default)]
pub struct Covered {
    pub widgets: Vec<WidgetCovered>,
}

/// Of one widget, by all its cases.
#[derive(Debug)]
pub struct WidgetCovered {
    pub widget: WidgetName,
    pub lines: usize,
    pub reached: usize,
    /// Of the script and the modules that it uses; those with nothing missed are left out.
    pub missed: Vec<Missed>,
    /// Topics of its hints that no message of any recording has.
    pub unheard: Vec<String>,
}

#[derive(Debug)]
pub struct Missed {
    pub file: String,
    pub lines: Vec<usize>,
    /// Line, column and what was not taken.
    pub branches: Vec<(usize, usize, String)>,
}

impl Covered {
    /// In percent, of the lines of all scripts together; 100 where there is none.
    pub fn percent(&self) -> f64 {
        let all = self.widgets.iter();
        percent(all.clone().map(|one| one.reached).sum(), all.map(|one| one.lines).sum())
    }
}

impl WidgetCovered {
    pub fn percent(&self) -> f64 {
        percent(self.reached, self.lines)
    }
}

#[expect(clippy::cast_precision_loss, reason = "scripts have no 2^52 lines")]
fn percent(reached: usize, lines: usize) -> f64 {
    if lines == 0 { 100.0 } else { reached as f64 * 100.0 / lines as f64 }
}

/// What the threads of a run found, widget by widget.
#[derive(Default)]
pub(super) struct Gathered(BTreeMap<WidgetName, One>);

#[derive(Default)]
struct One {
    coverage: Option<Coverage>,
    topics: BTreeSet<TopicPattern>,
}

impl Gathered {
    pub(super) fn add(&mut self, widget: &WidgetName, coverage: Coverage) {
        let one = self.0.entry(widget.clone()).or_default();
        match &mut one.coverage {
            Some(known) => known.merge(coverage),
            none => *none = Some(coverage),
        }
    }

    pub(super) fn add_hints(&mut self, widget: &WidgetName, hints: &[Hint]) {
        let one = self.0.entry(widget.clone()).or_default();
        one.topics.extend(hints.iter().flat_map(|hint| hint.topics.iter().flatten().cloned()));
    }

    pub(super) fn has(&self, widget: &WidgetName) -> bool {
        self.0.get(widget).is_some_and(|one| one.coverage.is_some())
    }

    /// `definitions` are those that were to be tested, by name.
    pub(super) fn finish<'d>(
        mut self,
        definitions: impl Iterator<Item = &'d Definition>,
        recordings: &Recordings,
    ) -> Covered {
        let mut covered = Covered::default();
        for definition in definitions {
            let Some(one) = self.0.remove(&definition.name) else { continue };
            let Some(coverage) = one.coverage else { continue };
            let (lines, reached) = coverage.lines();
            let source = &definition.source;
            let files = source.modules.iter().map(|module| &*module.file).chain([&*source.file]);
            let missed = files.map(|file| Missed {
                file: file.into(),
                lines: coverage.missed_lines(file),
                branches: coverage
                    .missed_branches(file)
                    .into_iter()
                    .map(|branch| (branch.line, branch.column, branch.what))
                    .collect(),
            });
            let missed =
                missed.filter(|file| !file.lines.is_empty() || !file.branches.is_empty()).collect();
            let heard = |topic: &TopicPattern| {
                let messages = recordings.iter().flat_map(|recording| &recording.messages);
                messages.into_iter().any(|recorded| topic.matches(&recorded.message.topic))
            };
            let unheard = one.topics.iter().filter(|topic| !heard(topic));
            covered.widgets.push(WidgetCovered {
                widget: definition.name.clone(),
                lines,
                reached,
                missed,
                unheard: unheard.map(|topic| topic.as_str().into()).collect(),
            });
        }
        covered
    }
}
