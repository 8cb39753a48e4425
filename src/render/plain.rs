//! HTML as plain text, for a terminal. For what our own templates make: it forgives broken HTML, but renders no styles.

/// What begins on a line of its own.
const LINES: [&str; 12] = [
    "div", "dt", "li", "tr", "section", "header", "footer", "details", "summary", "dl", "ul", "ol",
];
/// What has an empty line around it.
const PARAGRAPHS: [&str; 10] =
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table"];
/// What is not for reading.
const SKIPPED: [&str; 4] = ["svg", "script", "style", "template"];

/// Lines of text: list items with a dash, links with their address behind them, what is only drawn left out.
pub fn plain(html: &str) -> String {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let Some(end) = end_of_tag(rest) else {
            rest = "";
            break;
        };
        page.tag(&rest[1..end]);
        rest = &rest[end + 1..];
    }
    page.text(rest);
    page.finish()
}

/// Where a tag's `>` is; one inside quotes is not it.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Page {
    out: String,
    /// Newlines that are due before the next text.
    due: usize,
    /// A space is due, if text follows on the same line.
    space: bool,
    verbatim: bool,
    /// Inside of what is skipped, and how deep.
    skipping: usize,
    /// Of these, menus and what else can be opened in them.
    menus: usize,
    link: Option<String>,
}

impl Page {
    fn text(&mut self, raw: &str) {
        if self.skipping > 0 || raw.is_empty() {
            return;
        }
        let text = unescape(raw);
        if self.verbatim {
            return self.put(&text);
        }
        if text.starts_with(char::is_whitespace) {
            self.space = true;
        }
        for word in text.split_whitespace() {
            self.put(word);
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace) || (self.space && text.trim().is_empty());
    }

    fn put(&mut self, text: &str) {
        if self.due > 0 && !self.out.is_empty() {
            let there = self.out.len() - self.out.trim_end_matches('\n').len();
            self.out.extend(std::iter::repeat_n('\n', self.due.saturating_sub(there)));
        } else if self.space && !self.out.is_empty() && !self.out.ends_with(char::is_whitespace) {
            self.out.push(' ');
        }
        (self.due, self.space) = (0, false);
        self.out.push_str(text);
    }

    fn lines(&mut self, count: usize) {
        self.due = self.due.max(count);
        self.space = false;
    }

    fn tag(&mut self, inside: &str) {
        let closing = inside.starts_with('/');
        let inside = inside.trim_start_matches('/');
        let name: String = inside
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        // A menu is for who can open it.
        let is_menu = name == "details"
            && (self.menus > 0 || attribute(inside, "class").as_deref() == Some("menu"));
        if is_menu {
            self.menus = if closing { self.menus - 1 } else { self.menus + 1 };
        }
        if is_menu || SKIPPED.contains(&&*name) {
            if closing {
                self.skipping = self.skipping.saturating_sub(1);
            } else if !inside.ends_with('/') {
                self.skipping += 1;
            }
            return;
        }
        if LINES.contains(&&*name) {
            self.lines(1);
        } else if PARAGRAPHS.contains(&&*name) {
            self.lines(2);
        }
        match (&*name, closing) {
            ("li", false) => {
                self.put("-");
                self.space = true;
            }
            ("dt", true) => {
                self.put_behind(":");
                (self.due, self.space) = (0, true);
            }
            ("br", _) => self.lines(1),
            ("td" | "th", true) => self.space = true,
            ("pre", _) => self.verbatim = !closing,
            ("img", false) => {
                let words = attribute(inside, "alt").unwrap_or_default();
                self.text(&words);
            }
            ("a", false) => {
                self.link = attribute(inside, "href").filter(|to| to.starts_with("http"));
            }
            ("a", true) => {
                if let Some(link) = self.link.take().filter(|to| !self.out.ends_with(&**to)) {
                    self.put_behind(&format!(" <{link}>"));
                }
            }
            _ => {}
        }
    }

    /// On the line that is there, without a space.
    fn put_behind(&mut self, text: &str) {
        let kept = self.out.trim_end().len();
        self.out.truncate(kept);
        self.out.push_str(text);
    }

    fn finish(self) -> String {
        let mut text: Vec<&str> = self.out.lines().map(str::trim_end).collect();
        // A dash with nothing behind it: what the item had was only drawn.
        text.retain(|line| *line != "-");
        text.join("\n").trim().to_owned()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, behind) = tag.split_once(&format!(" {name}=\""))?;
    behind.split_once('"').map(|(value, _)| unescape(value))
}

/// What `&…;` stands for; what is none of the few that Tera and the sanitiser write stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let named = behind.split_once(';').and_then(|(name, rest)| Some((letter(name)?, rest)));
        if let Some((letter, after)) = named {
            out.push(letter);
            rest = after;
        } else {
            out.push('&');
            rest = behind;
        }
    }
    out + rest
}

fn letter(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_widget_reads_well_on_a_terminal() {
        insta::assert_snapshot!(
            plain(
                "<section class=\"part\"><h3>Meetings &amp; more</h3>\n<ul>\n  <li><a href=\"https://example.org/a\"><svg><use href=\"#x\"></use></svg> Schedule</a>,\n \
                 <time>2 min ago</time></li>\n <li><a href=\"/ralph\"><span class=\"avatar\"></span> ralph</a></li></ul></section>\
                 <dl><div><dt>Members</dt><dd>1,204</dd></div><div><dt>Stars</dt><dd>3</dd></div></dl><p>One<br>two</p><pre>a\n  b</pre>"
            ),
            @r"
        Meetings & more

        - Schedule <https://example.org/a>, 2 min ago
        - ralph
        Members: 1,204
        Stars: 3

        One
        two

        a
          b
        "
        );
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        for (html, expected) in [
            ("", ""),
            ("<p", ""),
            ("a < b", "a"),
            ("<p title=\"a > b\">x", "x"),
            ("<!-- never closed", ""),
            ("a<details class=\"menu\"><details>b</details></details></details>c", "a\nc"),
            ("</p></svg>x&#x27;&nope;", "x'&nope;"),
        ] {
            assert_eq!(plain(html), expected, "{html}");
        }
    }
}
