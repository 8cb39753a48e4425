//! A feed in Atom (RFC 4287), for feed readers.

use super::times::escape;
use jiff::Timestamp;
use std::fmt::Write as _;

/// A feed; all addresses are whole, beginning with `http`.
pub struct AtomFeed<'a> {
    pub title: &'a str,
    /// Where a person reads it.
    pub page: &'a str,
    /// Where it is itself.
    pub address: &'a str,
    pub updated: Timestamp,
    pub entries: Vec<AtomEntry>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtomEntry {
    /// An address that is its alone, whether or not something is there.
    pub id: String,
    pub title: String,
    pub link: Option<String>,
    pub author: Option<String>,
    pub at: Timestamp,
}

/// The feed as XML.
pub fn atom(feed: &AtomFeed<'_>) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
    );
    let mut field = |name: &str, text: &str| {
        let _ = writeln!(xml, "<{name}>{}</{name}>", clean(text));
    };
    field("title", feed.title);
    field("id", feed.address);
    field("updated", &feed.updated.to_string());
    // Of entries that have no author of their own.
    let _ = writeln!(xml, "<author><name>{}</name></author>", clean(feed.title));
    let _ = writeln!(xml, "<link rel=\"self\" href=\"{}\"/>", clean(feed.address));
    let _ = writeln!(xml, "<link href=\"{}\"/>", clean(feed.page));
    for entry in &feed.entries {
        let _ = write!(
            xml,
            "<entry><id>{}</id><title>{}</title><updated>{}</updated>",
            clean(&entry.id),
            clean(&entry.title),
            entry.at
        );
        let page = entry.link.as_deref().unwrap_or(feed.page);
        let _ = write!(xml, "<link href=\"{}\"/>", clean(page));
        if let Some(author) = &entry.author {
            let _ = write!(xml, "<author><name>{}</name></author>", clean(author));
        }
        xml.push_str("</entry>\n");
    }
    xml.push_str("</feed>\n");
    xml
}

/// Text for XML: what it can't hold at all, such as control characters, is left out.
pub(super) fn clean(text: &str) -> String {
    let fits = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    escape(&text.chars().filter(fits).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_well_formed_whatever_is_in_it() {
        let at: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
        let nasty = "]]></title><script>\u{0}\u{b}\u{fffe}&\"'ü";
        let entry = |link: Option<&str>| AtomEntry {
            id: "https://hubs.example/x#1".into(),
            title: nasty.into(),
            link: link.map(Into::into),
            author: Some(nasty.into()),
            at,
        };
        let xml = atom(&AtomFeed {
            title: nasty,
            page: "https://hubs.example/x",
            address: "https://hubs.example/x/feed.atom",
            updated: at,
            entries: vec![entry(Some("https://a.example/?a=1&b=\"2\"")), entry(None)],
        });
        let document = roxmltree::Document::parse(&xml).unwrap();
        let texts = |name: &str| -> Vec<_> {
            let named = document.descendants().filter(|node| node.tag_name().name() == name);
            named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(texts("title"), vec!["]]></title><script>&\"'ü"; 3]);
        assert_eq!(texts("updated"), vec!["2026-05-05T12:00:00Z"; 3]);
        let links: Vec<_> = document
            .descendants()
            .filter(|node| node.tag_name().name() == "link")
            .filter_map(|node| node.attribute("href"))
            .collect();
        assert_eq!(links[2..], ["https://a.example/?a=1&b=\"2\"", "https://hubs.example/x"]);
    }
}
