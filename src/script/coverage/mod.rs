//! Which lines and branches of scripts the calls of a covering interpreter have reached.

mod hits;
mod outline;

pub(super) use hits::Hits;

use super::facts::place;
use hits::Node;
use outline::{Outline, Taken};
use rhai::AST;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// By file. Of a script all functions count; of its modules those that it comes to by name, through however many others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    files: BTreeMap<String, FileCoverage>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct FileCoverage {
    /// Lines that hold code, with how often they were reached.
    lines: BTreeMap<usize, u64>,
    /// By line, column and what.
    branches: BTreeMap<(usize, usize, String), bool>,
}

/// One way at a fork: the `else` of an `if`, an arm of a `switch`, the right-hand side of `&&`, the body of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// From 1.
    pub line: usize,
    pub column: usize,
    /// As in "the `else` of this `if`".
    pub what: String,
    pub reached: bool,
}

impl Coverage {
    /// Adds what other calls have reached, of these files or of others.
    pub fn merge(&mut self, other: Self) {
        for (file, theirs) in other.files {
            let ours = self.files.entry(file).or_default();
            for (line, count) in theirs.lines {
                *ours.lines.entry(line).or_default() += count;
            }
            for (branch, reached) in theirs.branches {
                *ours.branches.entry(branch).or_default() |= reached;
            }
        }
    }

    /// The files that have code, by name.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Lines that hold code, and how many of them were reached.
    pub fn lines(&self) -> (usize, usize) {
        let lines = || self.files.values().flat_map(|file| file.lines.values());
        (lines().count(), lines().filter(|count| **count > 0).count())
    }

    /// Ways at forks, and how many of them were taken.
    pub fn branches(&self) -> (usize, usize) {
        let branches = || self.files.values().flat_map(|file| file.branches.values());
        (branches().count(), branches().filter(|reached| **reached).count())
    }

    /// The same of one file.
    pub fn lines_of(&self, file: &str) -> (usize, usize) {
        let lines = self.files.get(file).map(|file| &file.lines);
        let reached = lines.map_or(0, |lines| lines.values().filter(|count| **count > 0).count());
        (lines.map_or(0, BTreeMap::len), reached)
    }

    /// Each line of a file that holds code, with how often it was reached.
    pub fn counts(&self, file: &str) -> impl Iterator<Item = (usize, u64)> {
        let lines = self.files.get(file).into_iter().flat_map(|file| &file.lines);
        lines.map(|(line, count)| (*line, *count))
    }

    pub fn missed_lines(&self, file: &str) -> Vec<usize> {
        self.counts(file).filter(|(_, count)| *count == 0).map(|(line, _)| line).collect()
    }

    /// In the order of the file.
    pub fn branches_of(&self, file: &str) -> Vec<Branch> {
        let branches = self.files.get(file).into_iter().flat_map(|file| &file.branches);
        let branches = branches.map(|((line, column, what), reached)| Branch {
            line: *line,
            column: *column,
            what: what.clone(),
            reached: *reached,
        });
        branches.collect()
    }

    pub fn missed_branches(&self, file: &str) -> Vec<Branch> {
        self.branches_of(file).into_iter().filter(|branch| !branch.reached).collect()
    }
}

/// What was reached of the trees of a script, `main` and its modules.
pub(super) fn of(main: &str, trees: &[(String, AST)], hits: Option<&Hits>) -> Coverage {
    let outlines: Vec<_> =
        trees.iter().map(|(file, tree)| (file.as_str(), Outline::of(tree))).collect();
    let wanted = reachable(main, &outlines);
    let nodes: HashMap<&str, HashSet<Node>> = outlines
        .iter()
        .map(|(file, outline)| {
            (*file, outline.nodes(&wanted).chain(outline.signs(&wanted)).collect())
        })
        .collect();
    let mut counts: HashMap<(&str, Node), u64> = HashMap::new();
    if let Some(hits) = hits {
        hits.each(|file, node, count| {
            // A closure that another file calls seems to run there: it belongs where such a node stands.
            let at_home = nodes.get_key_value(file).filter(|(_, known)| known.contains(&node));
            let home = at_home.or_else(|| nodes.iter().find(|(_, known)| known.contains(&node)));
            if let Some((file, _)) = home {
                *counts.entry((*file, node)).or_default() += count;
            }
        });
    }
    let mut coverage = Coverage::default();
    for (file, outline) in &outlines {
        let count = |node: Node| counts.get(&(*file, node)).copied().unwrap_or(0);
        let mut covered = FileCoverage::default();
        for node in outline.nodes(&wanted).filter(|node| !node.at.is_none()) {
            let times = covered.lines.entry(place(node.at).0).or_default();
            *times = (*times).max(count(node));
        }
        for way in outline.ways(&wanted) {
            let reached = match way.taken {
                Taken::Reached(first) => count(first) > 0,
                Taken::Beside { fork, other } => count(fork) > count(other),
            };
            let (line, column) = place(way.at);
            *covered.branches.entry((line, column, way.what.into())).or_default() |= reached;
        }
        if !covered.lines.is_empty() {
            coverage.files.insert((*file).into(), covered);
        }
    }
    coverage
}

/// Names of the functions that the script comes to, its own all included.
fn reachable(main: &str, outlines: &[(&str, Outline)]) -> BTreeSet<String> {
    let own = outlines.iter().filter(|(file, _)| *file == main);
    let mut waiting: Vec<&str> = own.flat_map(|(_, outline)| outline.entries()).collect();
    let mut known: BTreeSet<&str> = waiting.iter().copied().collect();
    while let Some(name) = waiting.pop() {
        for (_, outline) in outlines {
            for named in outline.named_by(name) {
                if known.insert(named) {
                    waiting.push(named);
                }
            }
        }
    }
    known.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests;
