//! HTML of strangers, read for its words: by html5ever's tokenizer, which builds no tree and takes whatever comes.

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{RawKind, State};
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use std::cell::RefCell;

/// HTML is read by pieces of so many bytes, and no further when its reader has what it wants.
const PIECE_BYTES: usize = 8 << 10;
/// A tag that is longer is an attack: the tokenizer compares each of its attributes with all before it.
const TAG_BYTES: usize = 64 << 10;
/// What stands in a sentence without ending a word.
const INLINE: [&str; 23] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "ins", "kbd", "mark", "q",
    "s", "small", "span", "strong", "sub", "sup", "time", "u", "wbr",
];
/// A page's head has fewer of each; of longer values the rest is no use.
const HEAD_ITEMS: usize = 256;
const HEAD_VALUE_BYTES: usize = 8 << 10;

/// The words of a piece of HTML on one line, tags and scripts left out; cut with `…` at so many characters.
pub(super) fn text(html: &str, most: usize) -> String {
    read(html, None, Words::new(most)).line.finish()
}

/// A text whose character references (`&amp;`, `&#8217;`) stand for characters, but whose `<` are its own; on one line.
pub(super) fn referring(text: &str, most: usize) -> String {
    read(text, Some(RawKind::Rcdata), Words::new(most)).line.finish()
}

/// A plain text on one line, cut with `…` at so many characters.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut line = Line::new(most);
    line.push(text);
    line.finish()
}

/// What a page says of itself, as far as its body.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) title: Option<String>,
    /// Names or properties in lower case, and their contents, in the page's order.
    meta: Vec<(String, String)>,
    pub(super) links: Vec<Link>,
}

#[derive(Debug)]
pub(super) struct Link {
    /// In lower case; may be several words.
    pub(super) rel: String,
    /// A media type in lower case, or empty.
    pub(super) kind: String,
    pub(super) href: String,
}

impl Head {
    /// The first content that is not empty, of the first of these names that has one.
    pub(super) fn meta(&self, names: &[&str]) -> Option<&str> {
        let of = |name: &&str| {
            let mut found = self.meta.iter().filter(move |(it, _)| it == name);
            found.find(|(_, content)| !content.trim().is_empty())
        };
        names.iter().find_map(of).map(|(_, content)| content.as_str())
    }

    pub(super) fn link(&self, wanted: impl Fn(&Link) -> bool) -> Option<&Link> {
        self.links.iter().find(|link| wanted(link))
    }
}

impl Link {
    pub(super) fn is(&self, rel: &str) -> bool {
        self.rel.split_ascii_whitespace().any(|word| word == rel)
    }
}

pub(super) fn head(html: &str) -> Head {
    read(html, None, HeadReader::default()).head
}

/// Who is told of tags and texts.
trait Reader {
    /// Whether more is wanted.
    fn tag(&mut self, tag: &Tag) -> bool;
    fn text(&mut self, text: &str) -> bool;
}

fn read<R: Reader>(html: &str, inside: Option<RawKind>, reader: R) -> R {
    let options =
        TokenizerOpts { initial_state: inside.map(State::RawData), ..TokenizerOpts::default() };
    let sink = Sink(RefCell::new(Reading { reader, done: false, tokens: 0, hidden: false }));
    let tokenizer = Tokenizer::new(sink, options);
    let queue = BufferQueue::default();
    let (mut rest, mut tokens, mut silent) = (html, 0, 0);
    while !rest.is_empty() && silent <= TAG_BYTES {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        queue.push_back(StrTendril::from_slice(piece));
        let _ = tokenizer.feed(&queue);
        let now = tokenizer.sink.0.borrow();
        if now.done {
            break;
        }
        silent = if now.tokens == tokens { silent + piece.len() } else { 0 };
        tokens = now.tokens;
        rest = behind;
    }
    if rest.is_empty() {
        tokenizer.end();
    }
    tokenizer.sink.0.into_inner().reader
}

struct Sink<R>(RefCell<Reading<R>>);

struct Reading<R> {
    reader: R,
    done: bool,
    tokens: usize,
    /// Inside of what is not for reading.
    hidden: bool,
}

impl<R: Reader> TokenSink for Sink<R> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reading = self.0.borrow_mut();
        if reading.done {
            return TokenSinkResult::Continue;
        }
        let more = match &token {
            Token::TagToken(tag) => {
                reading.hidden = false;
                reading.reader.tag(tag)
            }
            Token::CharacterTokens(text) if !reading.hidden => reading.reader.text(text),
            Token::ParseError(_) => return TokenSinkResult::Continue,
            _ => true,
        };
        reading.tokens += 1;
        reading.done = !more;
        let raw = match &token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => raw(&tag.name),
            _ => None,
        };
        let Some(kind) = raw else { return TokenSinkResult::Continue };
        reading.hidden = kind != RawKind::Rcdata;
        TokenSinkResult::RawData(kind)
    }
}

/// Inside of these a `<` begins no tag but their own end.
fn raw(name: &str) -> Option<RawKind> {
    Some(match name {
        "script" => RawKind::ScriptData,
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => RawKind::Rawtext,
        "title" | "textarea" => RawKind::Rcdata,
        _ => return None,
    })
}

struct Words {
    line: Line,
}

impl Words {
    fn new(most: usize) -> Self {
        Self { line: Line::new(most) }
    }
}

impl Reader for Words {
    fn tag(&mut self, tag: &Tag) -> bool {
        self.line.space |= !INLINE.contains(&&*tag.name);
        true
    }

    fn text(&mut self, text: &str) -> bool {
        self.line.push(text)
    }
}

/// Words with one space between them.
struct Line {
    text: String,
    space: bool,
    /// Characters that there still is room for.
    room: usize,
    cut: bool,
}

impl Line {
    fn new(most: usize) -> Self {
        Self { text: String::new(), space: false, room: most, cut: false }
    }

    /// Whether there is room for more.
    fn push(&mut self, text: &str) -> bool {
        for letter in text.chars() {
            if letter.is_whitespace() || letter.is_control() {
                self.space = true;
                continue;
            }
            let spaced = std::mem::take(&mut self.space) && !self.text.is_empty();
            if self.room < 1 + usize::from(spaced) {
                self.cut = true;
                return false;
            }
            if spaced {
                self.text.push(' ');
            }
            self.text.push(letter);
            self.room -= 1 + usize::from(spaced);
        }
        true
    }

    fn finish(mut self) -> String {
        if self.cut {
            self.text.push('…');
        }
        self.text
    }
}

#[derive(Default)]
struct HeadReader {
    head: Head,
    in_title: bool,
}

impl Reader for HeadReader {
    fn tag(&mut self, tag: &Tag) -> bool {
        let starts = tag.kind == TagKind::StartTag;
        self.in_title = false;
        match &*tag.name {
            "title" if starts && self.head.title.is_none() => {
                self.in_title = true;
                self.head.title = Some(String::new());
            }
            "meta" if self.head.meta.len() < HEAD_ITEMS => {
                let name = attribute(tag, "property").or_else(|| attribute(tag, "name"));
                if let Some((name, content)) = name.zip(attribute(tag, "content")) {
                    self.head.meta.push((name.to_lowercase(), content));
                }
            }
            "link" if self.head.links.len() < HEAD_ITEMS => {
                let lower = |name| attribute(tag, name).unwrap_or_default().to_lowercase();
                if let Some(href) = attribute(tag, "href") {
                    self.head.links.push(Link { rel: lower("rel"), kind: lower("type"), href });
                }
            }
            "head" => return starts,
            "body" => return false,
            _ => {}
        }
        true
    }

    fn text(&mut self, text: &str) -> bool {
        if let Some(title) = self.head.title.as_mut().filter(|_| self.in_title)
            && title.len() < HEAD_VALUE_BYTES
        {
            title.push_str(text);
        }
        true
    }
}

/// An attribute, cut where it is longer than anybody needs.
fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let found = tag.attrs.iter().find(|attribute| &*attribute.name.local == name)?;
    let value = &found.value[..found.value.floor_char_boundary(HEAD_VALUE_BYTES)];
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn the_words_of_html_are_left_and_nothing_else() {
        for (html, expected) in [
            ("<p>One &amp; <b>two</b>,</p>\n<p>th<i>re</i>e</p>", "One & two, three"),
            ("a<br>b<script>alert('<p>')</script><style>p { x }</style> c", "a b c"),
            ("caf&eacute; &#8217;&#x1F600;&nope; &lt;b&gt;", "café ’😀&nope; <b>"),
            ("a < b <!-- c --> d", "a < b d"),
            ("<img src=x onerror=alert(1) alt='x'>y<p", "y"),
            ("<title>a <b>c</title>d", "a <b>c d"),
            ("<script>never closed", ""),
            ("a\u{0}\u{7}b\u{a0}c", "a b c"),
            ("", ""),
        ] {
            assert_eq!(text(html, 100), expected, "{html}");
        }
        assert_eq!(text("<p>abc</p><p>def", 4), "abc…");
        assert_eq!(text("<p>abc</p><p>def", 5), "abc d…");
        assert_eq!(text("<p>abc</p><p>def", 7), "abc def");
        assert_eq!(
            referring("Vec<u8> &amp; what&#8217;s </title> new", 99),
            "Vec<u8> & what’s </title> new"
        );
        assert_eq!(line("  a\n &amp; b ", 99), "a &amp; b");
    }

    #[test]
    fn a_head_ends_where_the_body_begins() {
        let page = "<!doctype html><HTML><head><title>A &amp;\n b</title><meta charset=utf-8>\
            <META Property='og:Title' content=' one '><meta name=description content=''>\
            <link rel='Alternate x' type='Application/RSS+xml' href=/feed><script>'<title>no</title>'</script>\
            </head><body><title>c</title><meta name=late content=x>";
        let found = head(page);
        assert_eq!(found.title.as_deref(), Some("A &\n b"));
        assert_eq!(found.meta(&["description", "og:title"]), Some("one"));
        assert_eq!(found.meta(&["late"]), None);
        let link = found.link(|link| link.is("alternate")).unwrap();
        assert_eq!((&*link.kind, &*link.href), ("application/rss+xml", "/feed"));
    }

    #[test]
    fn no_html_costs_more_than_its_length() {
        let many = |n: usize| {
            let mut tag = "<title>t</title><p ".to_owned();
            for at in 0..n {
                let _ = write!(tag, "a{at}='' ");
            }
            tag + "><title>late</title>"
        };
        // The tokenizer would compare each attribute with all others.
        let found = head(&many(1_000_000));
        assert_eq!(found.title.as_deref(), Some("t"));
        let flood = "<meta name=a content=b><link href=c>".repeat(10_000);
        let found = head(&flood);
        assert_eq!((found.meta.len(), found.links.len()), (HEAD_ITEMS, HEAD_ITEMS));
        let long =
            head(&format!("<title>{0}</title><meta name=a content='{0}'>", "ü".repeat(40_000)));
        assert!(long.title.unwrap().len() < HEAD_VALUE_BYTES + PIECE_BYTES);
        assert_eq!(text(&"<a>".repeat(300_000), 9), "");
    }
}
