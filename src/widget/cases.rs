//! The cases of a widget in outline: what each is called, and what it is given.
//!
//! For whoever shows or measures a widget on its own examples. Reads what it can and leaves out the rest without a word:
//! whether a case file is right is for `hubs widget test` to say.

use crate::config::Site;
use crate::hub::{Config, Hub, HubKind, HubName, WidgetName};
use jiff::{SignedDuration, Timestamp};
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
    pub hub: Option<HubOutline>,
    /// Other hubs that there are.
    pub hubs: Vec<HubOutline>,
}

/// A hub as far as a case describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HubOutline {
    pub name: HubName,
    pub kind: Option<HubKind>,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub owners: Vec<String>,
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default)]
    pub subscribers: Vec<String>,
    #[serde(default)]
    pub stargazers: Vec<String>,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub days_idle: u16,
}

impl HubOutline {
    /// The hub as it is at a time.
    pub fn to_hub(&self, now: Timestamp) -> Hub {
        let idle = SignedDuration::from_hours(24 * i64::from(self.days_idle));
        let then = now.checked_sub(idle).unwrap_or(now);
        Hub {
            kind: self.kind.unwrap_or(HubKind::Group),
            summary: self.summary.clone(),
            owners: self.owners.clone(),
            members: self.members.clone(),
            subscribers: self.subscribers.clone(),
            stargazers: self.stargazers.clone(),
            archived: self.archived,
            ..Hub::example(self.name.clone(), then)
        }
    }
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
            hub = { name = \"infra\", owners = [\"ralph\"], days_idle = 2 }\nmessages = [\"a.jsonl\"]\ninvalidated_by = [\"x\"]\nsnapshot = true\n";
        std::fs::write(cases.join("a.b.toml"), text).unwrap();
        std::fs::write(cases.join("broken.toml"), "[[case]\n").unwrap();
        let site = Site::at(folder.path());
        let read = outlines(&site, &"a.b".parse().unwrap());
        assert_eq!((read.len(), &*read[0].name, &read[0].config["limit"]), (1, "one", &5.into()));
        let now = read[0].now.unwrap();
        let hub = read[0].hub.as_ref().unwrap().to_hub(now);
        assert_eq!((hub.name.as_str(), hub.kind, hub.days_idle(now)), ("infra", HubKind::Group, 2));
        assert_eq!(hub.owners, ["ralph"]);
        assert!(outlines(&site, &"broken".parse().unwrap()).is_empty());
        assert!(outlines(&site, &"nowhere".parse().unwrap()).is_empty());
    }
}
