//! The reference of bindings, read from the comments that stand beside their code.
//!
//! A comment that begins with a call in backticks and has an arrow, as in `` `first(list, n)` → … ``, documents what a
//! script may call: there is one source, and `hubs widget docs`, `hubs definitions` and the gallery print it. A test
//! holds that nothing which is registered lacks one.

use std::fmt::Write as _;

/// What scripts or templates find under one roof: `http`, or the functions for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// A word, also the name of its page.
    pub name: &'static str,
    /// Whether it is called as `name::function`.
    pub is_module: bool,
    /// What its file says of itself.
    pub intro: String,
    pub entries: Vec<Entry>,
}

/// One function, or some that are told together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As an author writes them: `http::get(url[, #{ headers, query }])`.
    pub signatures: Vec<String>,
    /// `→ ` and what comes out, or what it does. In Markdown, as the text.
    pub gives: String,
    /// Shapes, units, errors, cost; may be empty.
    pub text: String,
}

/// A page, whether it is a module, and the files that its comments are in.
type Place = (&'static str, bool, &'static [&'static str]);

const CHAPTERS: [Place; 12] = [
    ("http", true, &[include_str!("http.rs"), include_str!("feed.rs"), include_str!("page.rs")]),
    ("fas", true, &[include_str!("fas.rs")]),
    ("github", true, &[include_str!("github.rs")]),
    ("datanommer", true, &[include_str!("datanommer.rs")]),
    ("cache", true, &[include_str!("cache.rs")]),
    ("hubs", true, &[include_str!("hubs.rs")]),
    ("lists", false, &[include_str!("lists.rs")]),
    ("text", false, &[include_str!("text.rs")]),
    ("time", false, &[include_str!("time.rs")]),
    ("message", false, &[include_str!("../script/message.rs"), include_str!("../script/tree.rs")]),
    ("widget", false, &[include_str!("../script/placed.rs")]),
    ("templates", false, &[include_str!("../render/filters.rs")]),
];

/// All of it: modules first, then what is called by its bare name, then what templates may use.
pub fn chapters() -> Vec<Chapter> {
    let read = |(name, is_module, files): Place| {
        let entries = files.iter().flat_map(|file| entries(file)).collect();
        let intro = files.first().map(|file| intro(file)).unwrap_or_default();
        Chapter { name, is_module, intro, entries }
    };
    CHAPTERS.into_iter().map(read).collect()
}

impl Chapter {
    /// The chapter as Markdown, its heading of a level.
    pub fn to_markdown(&self, level: usize) -> String {
        let hashes = "#".repeat(level);
        let mut text = format!("{hashes} `{}`\n\n{}\n", self.name, self.intro);
        for entry in &self.entries {
            let heads: Vec<_> = entry.signatures.iter().map(|s| format!("`{s}`")).collect();
            let _ = write!(text, "\n{hashes}# {}\n\n{}\n", heads.join(", "), entry.gives);
            if !entry.text.is_empty() {
                let _ = write!(text, "\n{}\n", entry.text);
            }
        }
        text
    }
}

impl Entry {
    /// The bare names of what it documents: `get`, `json`, `len`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| name(signature))
    }
}

/// `get` of `http::get(url)`, `len` of `part.len()`, `ago` of `{{ at | ago }}`, `icon` of `{{ icon(name="x") }}`.
fn name(signature: &str) -> &str {
    let called = match signature.strip_prefix("{{").and_then(|s| s.strip_suffix("}}")) {
        Some(inner) => inner.rsplit_once('|').map_or(inner, |(_, filter)| filter).trim(),
        None => signature.strip_prefix("()").unwrap_or(signature),
    };
    let called = called.split('(').next().unwrap_or(called);
    called.rsplit([':', '.']).next().unwrap_or(called)
}

/// The `//!` lines of a file, each paragraph on a line.
fn intro(file: &str) -> String {
    let lines = file.lines().take_while(|line| line.starts_with("//!"));
    let lines: Vec<&str> = lines.map(|line| line.trim_start_matches("//!").trim()).collect();
    unwrapped(&lines.join("\n"))
}

fn entries(file: &str) -> Vec<Entry> {
    let code = file.split("#[cfg(test)]").next().unwrap_or(file);
    let mut entries = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in code.lines().chain([""]) {
        let bare = line.trim_start();
        match bare.strip_prefix("///").or_else(|| bare.strip_prefix("//")) {
            Some(text) if !text.starts_with('!') => comment.push(text.trim()),
            _ => {
                read(&comment.join("\n"), &mut entries);
                comment.clear();
            }
        }
    }
    entries
}

/// A comment's paragraphs: one that begins with a call and has an arrow is an entry, those behind it are its text.
fn read(comment: &str, entries: &mut Vec<Entry>) {
    let mut open = false;
    for paragraph in unwrapped(comment).split("\n\n") {
        if let Some(entry) = entry(paragraph) {
            entries.push(entry);
            open = true;
        } else if let Some(last) = entries.last_mut().filter(|_| open) {
            let gap = if last.text.is_empty() { "" } else { "\n\n" };
            last.text = format!("{}{gap}{paragraph}", last.text);
        }
    }
}

fn entry(paragraph: &str) -> Option<Entry> {
    let (mut rest, mut signatures) = (paragraph, Vec::new());
    while let Some((signature, behind)) = rest.strip_prefix('`').and_then(|r| r.split_once('`')) {
        signatures.push(signature.to_owned());
        rest = behind.trim_start_matches(',').trim_start();
    }
    let is_call =
        |signature: &String| signature.contains(['(', '.']) || signature.starts_with("{{");
    // What gives nothing does something: "`set(…)` keeps a value".
    let is_told = ["→ ", "keeps ", "writes "].iter().any(|start| rest.starts_with(start));
    (is_told && !signatures.is_empty() && signatures.iter().all(is_call)).then(|| Entry {
        signatures,
        gives: rest.to_owned(),
        text: String::new(),
    })
}

/// Lines of one paragraph joined, paragraphs apart.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.trim().replace('\n', " "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings;
    use crate::config::Sandbox;
    use crate::script::{Tier, host::Toolbox};
    use std::collections::BTreeSet;

    fn documented(chapter: &str) -> BTreeSet<String> {
        let chapters = chapters();
        let found = chapters.iter().find(|c| c.name == chapter).expect("a chapter of this name");
        found.entries.iter().flat_map(Entry::names).map(Into::into).collect()
    }

    /// The names that a module was registered with, as the engine's metadata has them.
    fn registered(module: &rhai::Module) -> BTreeSet<String> {
        let signatures = module.gen_fn_signatures_with_mapper(Into::into);
        let bare = signatures.map(|s| s.split(['(', ' ']).next().unwrap_or("").to_owned());
        let getter = |name: String| name.strip_prefix("get$").map(Into::into).unwrap_or(name);
        let is_name = |name: &String| name.starts_with(char::is_alphabetic) && !name.contains('$');
        bare.map(getter).filter(is_name).collect()
    }

    #[tokio::test]
    async fn every_function_that_a_script_can_call_is_documented() {
        let mut tools = Toolbox::default();
        bindings::give(&bindings::tests::host(Sandbox::default()).await, Tier::Data, &mut tools);
        for (name, module) in &tools.named {
            let missing: Vec<_> =
                registered(module).difference(&documented(name)).cloned().collect();
            assert!(missing.is_empty(), "{name} lacks {missing:?}");
        }
        let anywhere: BTreeSet<String> =
            ["lists", "text", "time", "http"].into_iter().flat_map(documented).collect();
        let known = registered(&tools.global);
        let missing: Vec<_> = known.difference(&anywhere).collect();
        assert!(missing.is_empty(), "without documentation: {missing:?}");
        let gone: Vec<_> = ["lists", "text", "time"]
            .into_iter()
            .flat_map(documented)
            .filter(|name| !known.contains(name))
            .collect();
        assert!(gone.is_empty(), "documented, but not there: {gone:?}");
    }

    #[test]
    fn what_can_be_done_with_messages_and_widgets_is_documented() {
        let mut module = rhai::Module::new();
        crate::script::host::register_values(&mut module);
        let told: BTreeSet<String> =
            ["message", "widget"].into_iter().flat_map(documented).collect();
        let hub_fields: BTreeSet<String> =
            crate::hub::HUB_FIELDS.into_iter().map(Into::into).collect();
        let missing: Vec<_> = registered(&module)
            .into_iter()
            .filter(|name| !told.contains(name) && !hub_fields.contains(name))
            .collect();
        assert!(missing.is_empty(), "without documentation: {missing:?}");
        let widget = chapters().into_iter().find(|c| c.name == "widget").unwrap();
        let hub = widget.entries.iter().find(|e| e.signatures == ["widget.hub"]).unwrap();
        for field in crate::hub::HUB_FIELDS {
            assert!(hub.text.contains(&format!("`{field}`")), "widget.hub.{field}: {}", hub.text);
        }
    }

    #[test]
    fn what_templates_may_use_is_documented() {
        let filters = include_str!("../render/filters.rs");
        let told = documented("templates");
        let names = ["tera.register_filter(\"", "tera.register_function(\""]
            .into_iter()
            .flat_map(|call| filters.split(call).skip(1))
            .filter_map(|rest| rest.split('"').next());
        let missing: Vec<_> = names.filter(|name| !told.contains(*name)).collect();
        assert!(missing.is_empty(), "without documentation: {missing:?}");
    }

    #[test]
    fn a_comment_becomes_signature_outcome_and_text() {
        let code = "/// `a::f(x[, y])` → a list\n/// of texts.\n///\n/// Throws.\nfn f() {}\n\n/// `x` is a field.\nfn g() {}\n\
            // `part.n()`, `part.m()` → one.\n";
        let found = entries(code);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].signatures, ["a::f(x[, y])"]);
        assert_eq!((&*found[0].gives, &*found[0].text), ("→ a list of texts.", "Throws."));
        assert_eq!(found[1].names().collect::<Vec<_>>(), ["n", "m"]);
    }

    #[test]
    fn names_are_told_from_all_around_them() {
        for (signature, expected) in [
            ("http::get(url[, #{ headers }])", "get"),
            ("part.len()", "len"),
            ("().len()", "len"),
            ("response.status", "status"),
            ("{{ at | time(format=\"%-d %b\") }}", "time"),
            ("{{ icon(name=\"clock\") }}", "icon"),
            ("log(value[, value])", "log"),
            ("cache::get_or_set(key, ttl, || …)", "get_or_set"),
        ] {
            assert_eq!(name(signature), expected, "{signature}");
        }
    }
}
