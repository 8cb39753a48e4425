//! `response.feed()`: what is new on a site, in one shape for RSS, Atom and JSON Feed.

use super::http::Response;
use super::{Fallible, html};
use crate::script::host;
use feed_rs::model::{Entry, Feed, FeedType, Link, Person, Text};
use feed_rs::parser;
use jiff::Timestamp;
use rhai::Dynamic;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

/// Of a longer feed the rest is left out.
const MOST_ITEMS: usize = 100;
/// In characters.
const TITLE: usize = 300;
const SUMMARY: usize = 1000;
const ID_BYTES: usize = 1024;

/// `response.feed()` → a feed of RSS, Atom or JSON Feed: `#{ title, link, items }`, in the feed's own order.
///
/// Each of the first 100 items is `#{ id, title, link, published, updated, author, summary }`. All are texts, or `()` where
/// the feed has none; `id` is always there. Times are as `"2026-05-05T12:00:00Z"`, links are whole and of http or https.
/// Texts are plain and on one line: a title of 300 characters at most, a summary of 1,000, taken from the content where
/// there is no summary. Throws `#{ service: "http", status, message }` where the answer is not `.ok` or no feed.
pub(super) fn feed(response: &mut Response) -> Fallible<Dynamic> {
    response.charge()?;
    host::on_the_house(|| {
        response.must_be_ok()?;
        let feed = parse(response).map_err(|why| response.failed(why))?;
        let value = Reading { base: response.url(), feed: &feed }.value();
        Ok(host::for_script(|| host::to_dynamic(&value)))
    })
}

fn parse(response: &Response) -> Result<Feed, String> {
    let base = response.url();
    let parser = parser::Builder::new()
        .base_uri(base.as_ref().map(Url::as_str))
        // Its own would be another one at each call, where there is nothing to make it of.
        .id_generator(|links, title, _| {
            let link = links.first().map_or("", |link| &link.href);
            let title = title.as_ref().map_or("", |title| &title.content);
            hex::encode(&Sha256::digest(format!("{link}\n{title}"))[..16])
        })
        .build();
    parser.parse(response.body()).map_err(|error| no_feed(response, base.as_ref(), &error))
}

/// A page often names its feed: that is where to go on.
fn no_feed(response: &Response, base: Option<&Url>, error: &parser::ParseFeedError) -> String {
    let (at, error) = (response.shown(), html::line(&error.to_string(), 200));
    if !response.is_page() {
        return format!(
            "`{at}` answered no feed ({error}): `.feed()` reads RSS, Atom and JSON Feed, and `.text()` shows what came"
        );
    }
    let head = html::head(&String::from_utf8_lossy(response.body()));
    let feed = head.link(|link| {
        let is_feed = ["rss+xml", "atom+xml", "feed+json"].iter().any(|it| link.kind.ends_with(it));
        link.is("alternate") && is_feed
    });
    match feed.and_then(|link| web(&link.href, base)) {
        Some(feed) => {
            format!("`{at}` is a page and no feed, but names its feed: ask `{feed}` instead")
        }
        None => format!(
            "`{at}` is a page and no feed, and names none: give the address of its RSS, Atom or JSON Feed"
        ),
    }
}

struct Reading<'a> {
    base: Option<Url>,
    feed: &'a Feed,
}

impl Reading<'_> {
    fn value(&self) -> Value {
        let items = self.feed.entries.iter().take(MOST_ITEMS);
        json!({
            "title": self.title(self.feed.title.as_ref()),
            "link": self.link(&self.feed.links),
            "items": items.map(|entry| self.item(entry)).collect::<Vec<_>>(),
        })
    }

    fn item(&self, entry: &Entry) -> Value {
        let id = entry.id.trim();
        let id = &id[..id.floor_char_boundary(ID_BYTES)];
        // An RSS item without a link may have an address as its id.
        let link = self.link(&entry.links).or_else(|| web(id, None));
        let author = entry.authors.first().or(self.feed.authors.first());
        json!({
            "id": id,
            "title": self.title(entry.title.as_ref()),
            "link": link,
            "published": entry.published.and_then(|at| time(at.timestamp())),
            "updated": entry.updated.and_then(|at| time(at.timestamp())),
            "author": author.and_then(name),
            "summary": Self::summary(entry),
        })
    }

    /// RSS does not say whether a title is HTML: its character references are, its tags are not.
    fn title(&self, title: Option<&Text>) -> Option<String> {
        let title = title?;
        let is_rss = !matches!(self.feed.feed_type, FeedType::Atom | FeedType::JSON);
        some(match title.content_type.subty().as_str() {
            "html" | "xhtml" => html::text(&title.content, TITLE),
            _ if is_rss => html::referring(&title.content, TITLE),
            _ => html::line(&title.content, TITLE),
        })
    }

    fn summary(entry: &Entry) -> Option<String> {
        let summary = entry.summary.as_ref();
        let summary = summary.map(|it| (it.content.as_str(), it.content_type.subty()));
        let content = entry.content.as_ref();
        let content = content
            .and_then(|it| Some((it.body.as_deref()?, it.content_type.subty())))
            .filter(|(_, kind)| matches!(kind.as_str(), "html" | "xhtml" | "plain"));
        let (text, kind) = summary.filter(|(text, _)| !text.trim().is_empty()).or(content)?;
        some(match kind.as_str() {
            "html" | "xhtml" => html::text(text, SUMMARY),
            _ => html::line(text, SUMMARY),
        })
    }

    /// The page that is spoken of: not the feed itself, and nothing to download.
    fn link(&self, links: &[Link]) -> Option<String> {
        let mut pages =
            links.iter().filter(|link| matches!(link.rel.as_deref(), None | Some("alternate")));
        pages.find_map(|link| web(&link.href, self.base.as_ref()))
    }
}

/// An address of http or https, made whole.
pub(super) fn web(address: &str, base: Option<&Url>) -> Option<String> {
    let url = Url::options().base_url(base).parse(address.trim()).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2048;
    fits.then(|| url.to_string())
}

/// The name alone: what is only an e-mail address is nobody's business.
fn name(person: &Person) -> Option<String> {
    let name = html::line(person.name.as_deref()?, TITLE);
    some(name).filter(|name| !name.contains('@'))
}

fn time(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|at| at.to_string())
}

pub(super) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
