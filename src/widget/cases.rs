//! The cases of a widget in outline: what each is called, and what it is given.
//!
//! For whoever shows or measures a widget on its own examples. Reads what it can and leaves out the rest without a word:
//! whether a case file is right is for `hubs widget test` to say.

use crate::config::Site;
use crate::hub::{Config, WidgetName};
use jiff::Timestamp;
use serde::Deserialize;

/// One `[[case]]` of tests/widgets/NAME.toml. Files are below tests/recordings/ and tests/cassettes/.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CaseOutline {
    pub name: String,
    pub config: Config,
    pub now: Option<Timestamp>,
    pub messages: Vec<String>,
    /// Recordings whose messages are in the store.
    pub datanommer: Vec<String>,
    pub cassette: Option<String>,
}

#[derive(Deserialize)]
struct CaseFile {
    case: Vec<CaseOutline>,
}

/// In the order of the file; none where there is no file, or none that can be read.
pub fn outlines(site: &Site, name: &WidgetName) -> Vec<CaseOutline> {
    let text = site.read_text(&format!("tests/widgets/{name}.toml")).ok().flatten();
    let file = text.and_then(|text| toml::from_str::<CaseFile>(&text).ok());
    file.map(|file| file.case).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_in_outline_whatever_else_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let cases = folder.path().join("tests/widgets");
        std::fs::create_dir_all(&cases).unwrap();
        let text = "[[case]]\nname = \"one\"\nconfig = { username = \"ralph\", limit = 5 }\nnow = \"2026-01-01T12:00:00Z\"\n\
            messages = [\"a.jsonl\"]\ninvalidated_by = [\"x\"]\nsnapshot = true\n";
        std::fs::write(cases.join("a.b.toml"), text).unwrap();
        std::fs::write(cases.join("broken.toml"), "[[case]\n").unwrap();
        let site = Site::at(folder.path());
        let read = outlines(&site, &"a.b".parse().unwrap());
        assert_eq!((read.len(), &*read[0].name, &read[0].config["limit"]), (1, "one", &5.into()));
        assert_eq!(read[0].now.unwrap().to_string(), "2026-01-01T12:00:00Z");
        assert!(outlines(&site, &"broken".parse().unwrap()).is_empty());
        assert!(outlines(&site, &"nowhere".parse().unwrap()).is_empty());
    }
}
