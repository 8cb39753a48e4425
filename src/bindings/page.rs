//! `response.page()`: what a page says of itself, as those who show a preview of a link read it.

use super::feed::{some, web};
use super::http::Response;
use super::{Fallible, html};
use crate::script::host;
use rhai::Dynamic;
use serde_json::json;

/// In characters.
const TITLE: usize = 300;
const DESCRIPTION: usize = 1000;

/// `response.page()` → what an HTML page says of itself: `#{ title, description, image, site_name, url }`.
///
/// Taken from its `OpenGraph` properties, else from `twitter:…`, `<title>`, `<meta name="description">` and
/// `<link rel="canonical">`; `url` is the address that was asked for where it names none. All are texts, `()` what the page
/// does not tell; plain, on one line, and of 300 or 1,000 characters at most. Addresses are whole, of http or https, and
/// may lead anywhere. Throws `#{ service: "http", status, message }` where the answer is not `.ok` or
/// no HTML.
pub(super) fn page(response: &mut Response) -> Fallible<Dynamic> {
    response.charge()?;
    host::on_the_house(|| {
        response.must_be_ok()?;
        if !response.is_page() {
            return Err(response.failed(no_page(response)));
        }
        let base = response.url();
        let head = html::head(&String::from_utf8_lossy(response.body()));
        let text = |found: Option<&str>, most| found.and_then(|it| some(html::line(it, most)));
        let address = |found: Option<&str>| found.and_then(|it| web(it, base.as_ref()));
        let title = head.meta(&["og:title", "twitter:title"]).or(head.title.as_deref());
        let description = ["og:description", "twitter:description", "description"];
        let image = ["og:image:secure_url", "og:image", "og:image:url", "twitter:image"];
        let canonical = head.link(|link| link.is("canonical")).map(|link| link.href.as_str());
        let value = json!({
            "title": text(title, TITLE),
            "description": text(head.meta(&description), DESCRIPTION),
            "image": address(head.meta(&image)),
            "site_name": text(head.meta(&["og:site_name", "application-name"]), TITLE),
            "url": address(head.meta(&["og:url"]))
                .or_else(|| address(canonical))
                .unwrap_or_else(|| response.asked().to_owned()),
        });
        Ok(host::for_script(|| host::to_dynamic(&value)))
    })
}

fn no_page(response: &Response) -> String {
    let kind = response.kind();
    let help = match kind.as_str() {
        json if json.contains("json") => "`.json()` reads it",
        xml if xml.contains("xml") => "if it is a feed, `.feed()` reads it",
        _ => "`.text()` shows what came",
    };
    let kind = if kind.is_empty() { "something of no kind" } else { &kind };
    format!("`{}` answered {kind} and no HTML page: {help}", response.shown())
}
