//! One loaded set of templates: which texts are in force, what they hash to, and how they are run.

use super::diagnose::{diagnose, file_of};
use super::filters::{self, Assets};
use super::picture::{asset_version, symbols};
use crate::config::Site;
use crate::diagnostic::{Diagnostic, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;
use tera::{Context, Error, ErrorKind, Tera};
use xxhash_rust::xxh3::Xxh3;

/// What every widget stands in; so it counts in every widget's hash.
const CARD: &str = "card.html";

type Texts = BTreeMap<String, Arc<str>>;

/// Whose template it is. Pages may pass on HTML that this room made; widgets may not pass on what data brought.
#[derive(Clone, Copy)]
pub(super) enum Audience {
    Page,
    Widget,
}

pub(super) struct Engine {
    pages: Tera,
    widgets: Tera,
    /// The texts in force: of a template that is broken now, the one that worked last.
    texts: Texts,
    /// Templates that are broken and never worked.
    broken: BTreeMap<String, Diagnostic>,
    /// What is wrong with the latest version of the files, by template, whether an older one serves or none.
    problems: BTreeMap<String, Diagnostic>,
    hashes: BTreeMap<String, u64>,
}

impl Engine {
    /// Never fails: what is broken is reported, and stays as it was in `before` or is left out.
    pub(super) fn load(site: &Site, before: Option<&Self>) -> (Self, Vec<Diagnostic>) {
        let (wanted, unreadable) = read(site);
        let assets = Arc::new(assets(site));
        let mut pages = Tera::new();
        pages.global_context().insert("hubs_version", env!("CARGO_PKG_VERSION"));
        filters::register(&mut pages, &assets);
        let last_good = before.map(|before| &before.texts);
        let mut broken = unreadable;
        let texts = assemble(&mut pages, wanted, last_good, &mut broken);
        let mut widgets = pages.clone();
        filters::distrust(&mut widgets);
        let problems = broken.clone();
        let reported = problems.values().cloned().collect();
        broken.retain(|name, _| !texts.contains_key(name));
        let hashes = texts.keys().map(|name| (name.clone(), hash(&texts, name))).collect();
        (Self { pages, widgets, texts, broken, problems, hashes }, reported)
    }

    pub(super) fn changed_since(&self, before: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.hashes.keys().chain(before.hashes.keys()).collect();
        let differs = |name: &&String| self.hashes.get(*name) != before.hashes.get(*name);
        names.into_iter().filter(differs).cloned().collect()
    }

    pub(super) fn hash_of_widget(&self, name: &str) -> Option<u64> {
        self.hashes.get(name).copied()
    }

    /// What is wrong with a template and with those that it leans on.
    pub(super) fn problems_of(&self, name: &str) -> Vec<Diagnostic> {
        let reached = reached(&self.texts, [name].into());
        reached.iter().filter_map(|name| self.problems.get(*name)).cloned().collect()
    }

    pub(super) fn text(&self, name: &str) -> Option<Arc<str>> {
        self.texts.get(name).cloned()
    }

    pub(super) fn render(
        &self,
        name: &str,
        context: &Context,
        audience: Audience,
        limit_bytes: usize,
    ) -> Result<String, Diagnostic> {
        if !self.texts.contains_key(name) {
            return Err(self.absent(name));
        }
        let tera = match audience {
            Audience::Page => &self.pages,
            Audience::Widget => &self.widgets,
        };
        let mut html = Bounded { bytes: Vec::new(), limit_bytes };
        match tera.render_to(name, context, &mut html) {
            Ok(()) => Ok(String::from_utf8(html.bytes).expect("Tera writes UTF-8")),
            Err(error) if matches!(error.kind(), ErrorKind::Io(_)) => {
                let message = format!("the HTML is longer than its limit of {limit_bytes} bytes");
                Err(Diagnostic::error(message)
                    .in_file(file_of(name))
                    .help("show fewer: `{% for item in items[:20] %}`"))
            }
            Err(error) => Err(self.diagnose(&error, name)),
        }
    }

    fn absent(&self, name: &str) -> Diagnostic {
        self.broken.get(name).cloned().unwrap_or_else(|| {
            let found = Diagnostic::error(format!("there is no template `{}`", file_of(name)));
            match nearest(name, self.texts.keys().map(String::as_str)) {
                Some(near) => found.help(format!("the nearest is `{}`", file_of(near))),
                None => found.help("make one; it sees what `data` returned, and `widget`"),
            }
        })
    }

    fn diagnose(&self, error: &Error, name: &str) -> Diagnostic {
        let names = self.texts.keys().map(String::as_str);
        diagnose(error, name, names, |name| self.texts.get(name).map(|text| &**text))
    }
}

fn read(site: &Site) -> (Texts, BTreeMap<String, Diagnostic>) {
    let (mut texts, mut unreadable) = (Texts::new(), BTreeMap::new());
    for path in site.list("templates", ".html") {
        let Some(name) = path.strip_prefix("templates/") else { continue };
        match site.read_text(&path) {
            Ok(Some(text)) => {
                texts.insert(name.into(), text.into());
            }
            Ok(None) => {} // Removed since it was listed.
            Err(error) => {
                let found = Diagnostic::error(error.to_string()).in_file(path.clone());
                unreadable.insert(name.into(), found);
            }
        }
    }
    (texts, unreadable)
}

fn assets(site: &Site) -> Assets {
    let mut assets = Assets::default();
    for path in site.list("static", "") {
        let Some(bytes) = site.read(&path) else { continue };
        let Some(name) = path.strip_prefix("static/") else { continue };
        if name == "icons.svg" {
            assets.icons = symbols(&String::from_utf8_lossy(&bytes));
        }
        assets.versions.insert(name.into(), asset_version(&bytes));
    }
    assets
}

/// Puts the templates into `tera` and returns the texts that went in. Together when all is well; one broken template
/// makes Tera refuse the batch, and then each is tried alone until no more fit, so that only the broken are missing.
fn assemble(
    tera: &mut Tera,
    wanted: Texts,
    last_good: Option<&Texts>,
    broken: &mut BTreeMap<String, Diagnostic>,
) -> Texts {
    if broken.is_empty() && tera.add_raw_templates(&wanted).is_ok() {
        return wanted;
    }
    let (mut in_force, mut waiting) = (Texts::new(), wanted.clone());
    let mut old: Texts = last_good.cloned().unwrap_or_default();
    // One that was removed on purpose is gone; one that can't be read any more stays.
    old.retain(|name, _| wanted.contains_key(name) || broken.contains_key(name));
    for name in broken.keys() {
        waiting.remove(name);
    }
    loop {
        let errors = add_each(tera, &mut waiting, &mut in_force);
        let diagnosed = errors.iter().map(|(name, error)| {
            let known = wanted.keys().map(String::as_str);
            let found = diagnose(error, name, known, |name| wanted.get(name).map(|text| &**text));
            (name.clone(), found)
        });
        let diagnosed: BTreeMap<String, Diagnostic> = diagnosed.collect();
        // Those whose own text is wrong come first: what only leans on them may fit once the old one is back.
        let at_fault = |name: &String| {
            matches!(errors.get(name).map(Error::kind), Some(ErrorKind::SyntaxError(_)))
        };
        let (mut first, rest): (Vec<_>, Vec<_>) =
            old.keys().filter(|name| !in_force.contains_key(*name)).cloned().partition(at_fault);
        first.extend(rest);
        let back = first.into_iter().find(|name| tera.add_raw_template(name, &old[name]).is_ok());
        let Some(name) = back else {
            broken.extend(diagnosed);
            return in_force;
        };
        if let Some(found) = diagnosed.get(&name) {
            broken.insert(name.clone(), found.clone());
        }
        waiting.remove(&name);
        if let Some(text) = old.remove(&name) {
            in_force.insert(name, text);
        }
    }
}

/// Adds what fits, again and again, since a template fits only behind those that it leans on. What is left has an error.
fn add_each(tera: &mut Tera, waiting: &mut Texts, in_force: &mut Texts) -> BTreeMap<String, Error> {
    loop {
        let mut errors = BTreeMap::new();
        let before = waiting.len();
        waiting.retain(|name, text| match tera.add_raw_template(name, text) {
            Ok(()) => {
                in_force.insert(name.clone(), text.clone());
                false
            }
            Err(error) => {
                errors.insert(name.clone(), error);
                true
            }
        });
        if waiting.len() == before {
            return errors;
        }
    }
}

/// Of a template with all that it leans on, and of this version of the filters.
fn hash(texts: &Texts, name: &str) -> u64 {
    let mut from = BTreeSet::from([name]);
    if name.starts_with("widgets/") {
        from.insert(CARD);
    }
    // Any template may use any component, by a name that says nothing of its file: all of them count.
    let components = texts.iter().filter(|(_, text)| text.contains("component "));
    from.extend(components.map(|(name, _)| name.as_str()));
    let reached = reached(texts, from);
    let mut hasher = Xxh3::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    for name in reached {
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        hasher.update(texts.get(name).map_or(&[][..], |text| text.as_bytes()));
        hasher.update(&[0]);
    }
    hasher.digest()
}

/// Some templates with all that they extend and include.
fn reached<'a>(texts: &'a Texts, from: BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut open: Vec<_> = from.iter().copied().collect();
    let mut reached = from;
    while let Some(next) = open.pop() {
        let Some(text) = texts.get(next) else { continue };
        open.extend(references(text).filter(|name| reached.insert(name)));
    }
    reached
}

/// The names in `{% extends "…" %}` and `{% include "…" %}`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("{%").skip(1).filter_map(|tag| {
        let tag = tag.trim_start_matches('-').trim_start();
        let rest = tag.strip_prefix("extends").or_else(|| tag.strip_prefix("include"))?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| "\"'`".contains(*c))?;
        rest[1..].split_once(quote).map(|(name, _)| name)
    })
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    limit_bytes: usize,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.limit_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
