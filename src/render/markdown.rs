//! Markdown to HTML that is safe to show, whoever wrote it.

use ammonia::Builder;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::sync::LazyLock;

/// What is left of any HTML: no script, no style, no class; links to the web and mail only.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer nofollow ugc"));
    builder
});

/// Markdown as HTML. HTML inside of it passes the same sieve; headings start right below those of a card, and leave no
/// level out, so that who goes from heading to heading misses none.
pub fn markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut levels = Levels::default();
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: levels.next(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(levels.current())),
        other => other,
    });
    let mut unsafe_html = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut unsafe_html, events);
    sanitise(&unsafe_html)
}

/// HTML from anywhere, made safe to show.
pub(super) fn sanitise(html: &str) -> String {
    SANITISER.clean(html).to_string()
}

/// The headings above the one that is read, as their author numbered them.
#[derive(Default)]
struct Levels(Vec<HeadingLevel>);

impl Levels {
    /// Takes in a heading; returns the level that it gets.
    fn next(&mut self, given: HeadingLevel) -> HeadingLevel {
        self.0.retain(|above| *above < given);
        self.0.push(given);
        self.current()
    }

    fn current(&self) -> HeadingLevel {
        match self.0.len() {
            0 | 1 => HeadingLevel::H3,
            2 => HeadingLevel::H4,
            3 => HeadingLevel::H5,
            _ => HeadingLevel::H6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html_below_the_cards_heading() {
        insta::assert_snapshot!(markdown("# Hi\n\n*all* of [you](https://example.org)"), @r#"
        <h3>Hi</h3>
        <p><em>all</em> of <a href="https://example.org" rel="noopener noreferrer nofollow ugc">you</a></p>
        "#);
    }

    #[test]
    fn headings_leave_no_level_out() {
        let headings = |text: &str| {
            let html = markdown(text);
            html.split("<h").skip(1).map(|rest| rest[..1].to_owned()).collect::<String>()
        };
        assert_eq!(headings("### a\n##### b\n### c\n# d\n## e\n"), "34334");
        assert_eq!(headings("# a\n## b\n### c\n#### d\n##### e\n# f\n"), "345663");
    }

    #[test]
    fn nothing_that_runs_gets_through() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>1</script>)",
            "<a href=\" javascript:alert(1)\">x</a>",
            "<svg><style><img title=\"</style><img src onload=alert(1)>\">",
            "<div style=\"position:fixed\" class=\"bar\" id=\"x\">x</div>",
            "<form action=//evil.example><input>",
            "<iframe srcdoc=x>",
            "<time data-ago datetime=\"2026-01-01T00:00:00Z\">x</time>",
        ] {
            let html = markdown(hostile).to_lowercase();
            for word in [
                "<script",
                "onerror=",
                "href=\"javascript",
                "href=\" java",
                "href=\"data",
                "<style",
                "style=",
                "class=",
                "<form",
                "<iframe",
                "data-ago",
                "id=",
            ] {
                assert!(!html.contains(word), "{word} in {html}");
            }
        }
    }
}
