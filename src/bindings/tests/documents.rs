//! Feeds and pages of strangers, read as scripts read them.

use super::*;

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Fedora &amp; Friends</title><link>https://example.org/</link><description>d</description>
<atom:link href="https://example.org/feed" rel="self" type="application/rss+xml"/>
<item><title><![CDATA[What&#8217;s new in Vec<u8>]]></title><link>/2026/05/new</link>
  <dc:creator><![CDATA[Ralph Bean]]></dc:creator><pubDate>Tue, 05 May 2026 12:00:00 +0200</pubDate>
  <guid isPermaLink="false">https://example.org/?p=1</guid>
  <description><![CDATA[<p>One <b>bold</b> word&hellip;</p><script>alert(1)</script><img src=x onerror=alert(1)>]]></description></item>
<item><guid>https://example.org/2</guid><author>mizmo@example.org</author><content:encoded>&lt;p&gt;Two&lt;/p&gt;</content:encoded>
  <pubDate>yesterday</pubDate></item>
<item><title>Three</title><link>javascript:alert(1)</link></item>
</channel></rss>"#;

const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">&lt;em&gt;Releases&lt;/em&gt;</title>
<link rel="self" href="/atom.xml"/><link href="https://example.org/releases"/><author><name>hubs</name></author>
<entry><id>tag:example.org,2026:1</id><title>a &lt;b&gt; &amp;amp; c</title><link rel="enclosure" href="https://example.org/x.iso"/>
<link rel="alternate" href="r/1"/><published>2026-05-05T12:00:00.5+02:00</published><updated>2026-05-06T00:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><h1>New</h1>and <i>fine</i></div></content></entry></feed>"#;

const JSON: &str = r#"{"version":"https://jsonfeed.org/version/1.1","title":"Notes","home_page_url":"https://example.org/",
"items":[{"id":"1","url":"https://example.org/1","content_text":"a < b","date_published":"2026-05-05T12:00:00Z",
"authors":[{"name":"ralph"}]}]}"#;

const PAGE: &str = r#"<!DOCTYPE html><html><head><title>Plain</title><meta property="og:title" content="Fedora &amp; you">
<meta name="description" content="What
 it is"><meta property="og:image" content="/big.png"><meta property="og:site_name" content="Example">
<link rel="canonical" href="/one"><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head><body>x</body></html>"#;

async fn says(bench: &Bench, at: &str, status: u16, kind: &str, body: &str) {
    let answer = ResponseTemplate::new(status).set_body_raw(body, kind);
    Mock::given(path(at)).respond_with(answer).mount(&bench.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_all_kinds_come_in_one_shape() {
    let bench = Bench::new().await;
    let home = bench.server.uri();
    says(&bench, "/rss", 200, "application/rss+xml", RSS).await;
    says(&bench, "/atom", 200, "application/atom+xml", ATOM).await;
    says(&bench, "/json", 200, "application/feed+json", JSON).await;
    let rss = json!({ "title": "Fedora & Friends", "link": "https://example.org/", "items": [
        { "id": "https://example.org/?p=1", "title": "What’s new in Vec<u8>", "link": format!("{home}/2026/05/new"),
          "published": "2026-05-05T10:00:00Z", "updated": "2026-05-05T10:00:00Z", "author": "Ralph Bean",
          "summary": "One bold word…" },
        { "id": "https://example.org/2", "title": null, "link": "https://example.org/2", "published": null,
          "updated": null, "author": null, "summary": "Two" },
        { "id": "273012f2e37ed2dafc5f3a915dab5e65", "title": "Three", "link": null, "published": null,
          "updated": null, "author": null, "summary": null },
    ] });
    let atom = json!({ "title": "Releases", "link": "https://example.org/releases", "items": [
        { "id": "tag:example.org,2026:1", "title": "a <b> &amp; c", "link": format!("{home}/r/1"),
          "published": "2026-05-05T10:00:00Z", "updated": "2026-05-06T00:00:00Z", "author": "hubs",
          "summary": "New and fine" },
    ] });
    let json = json!({ "title": "Notes", "link": "https://example.org/", "items": [
        { "id": "1", "title": null, "link": "https://example.org/1", "published": "2026-05-05T12:00:00Z",
          "updated": null, "author": "ralph", "summary": "a < b" },
    ] });
    bench
        .check(&[
            ("http::get(\"HOME/rss\").feed()", rss),
            ("http::get(\"HOME/atom\").feed()", atom),
            ("http::get(\"HOME/json\").feed()", json),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_cut_where_it_is_too_long() {
    let bench = Bench::new().await;
    let items = "<item><link>/a</link></item>".repeat(120);
    let feed = format!(
        "<rss version=\"2.0\"><channel><title>{}</title>{items}</channel></rss>",
        "t".repeat(400)
    );
    says(&bench, "/long", 200, "text/xml", &feed).await;
    bench
        .check(&[(
            "let f = http::get(\"HOME/long\").feed(); [f.items.len(), f.title.len(), f.title.ends_with(\"t…\")]",
            json!([100, 301, true]),
        )])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_feed_says_where_one_may_be() {
    let bench = Bench::new().await;
    says(&bench, "/page", 200, "text/html; charset=utf-8", PAGE).await;
    says(&bench, "/bare", 200, "text/plain", "<html><p>x").await;
    says(
        &bench,
        "/broken",
        200,
        "application/rss+xml",
        "<rss version=\"2.0\"><channel><item></rss>",
    )
    .await;
    says(&bench, "/gone", 404, "application/rss+xml", RSS).await;
    bench
        .refuses(&[
            ("http::get(\"HOME/page?key=1\").feed()", "/page` is a page and no feed, but names its feed: ask `http://"),
            ("http::get(\"HOME/page\").feed()", "/feed.xml` instead"),
            (
                "http::get(\"HOME/bare\").feed()",
                "/bare` is a page and no feed, and names none: give the address of its RSS, Atom or JSON Feed",
            ),
            ("http::get(\"HOME/broken\").feed()", "/broken` answered no feed (unable to parse XML: "),
            ("http::get(\"HOME/broken\").feed()", "`.feed()` reads RSS, Atom and JSON Feed, and `.text()` shows what came"),
            ("http::get(\"HOME/gone\").feed()", "http answered 404: `http://"),
            ("http::get(\"HOME/gone\").feed()", "/gone` answers with the status 404"),
        ])
        .await;
    bench
        .check(&[(
            "let e = (); try { http::get(\"HOME/bare\").feed(); } catch (it) { e = [it.service, it.status]; } e",
            json!(["http", 200]),
        )])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_what_it_is() {
    let bench = Bench::new().await;
    let home = bench.server.uri();
    says(&bench, "/page", 200, "text/html; charset=utf-8", PAGE).await;
    says(
        &bench,
        "/bare",
        200,
        "text/html",
        "<title> Bare\n</title><meta property=og:url content='javascript:1'>",
    )
    .await;
    says(&bench, "/json", 200, "application/json", "{}").await;
    says(&bench, "/rss", 200, "application/rss+xml", RSS).await;
    says(&bench, "/picture", 200, "image/png", "x").await;
    says(&bench, "/gone", 410, "text/html", PAGE).await;
    bench
        .check(&[
            (
                "http::get(\"HOME/page\").page()",
                json!({ "title": "Fedora & you", "description": "What it is", "image": format!("{home}/big.png"),
                    "site_name": "Example", "url": format!("{home}/one") }),
            ),
            (
                "http::get(\"HOME/bare\").page()",
                json!({ "title": "Bare", "description": null, "image": null, "site_name": null,
                    "url": format!("{home}/bare") }),
            ),
        ])
        .await;
    bench
        .refuses(&[
            (
                "http::get(\"HOME/json\").page()",
                "/json` answered application/json and no HTML page: `.json()` reads it",
            ),
            (
                "http::get(\"HOME/rss\").page()",
                "and no HTML page: if it is a feed, `.feed()` reads it",
            ),
            (
                "http::get(\"HOME/picture\").page()",
                "/picture` answered image/png and no HTML page: `.text()` shows",
            ),
        ])
        .await;
    bench
        .refuses(&[("http::get(\"HOME/gone\").page()", "/gone` answers with the status 410")])
        .await;
}
