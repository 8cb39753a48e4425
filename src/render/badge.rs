//! A badge: a title and a figure side by side, as a picture for other pages.

use super::atom::clean;

/// What a badge says: `title` on the left, `figure` on the right.
pub struct Badge<'a> {
    pub title: &'a str,
    pub figure: &'a str,
    pub state: BadgeState,
}

/// How sure the figure is; said by its ground and, for who can't tell the grounds apart, by the figure's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadgeState {
    Fresh,
    Stale,
    Failed,
}

impl BadgeState {
    /// White on each of these has a contrast of more than 4.5.
    fn ground(self) -> &'static str {
        match self {
            Self::Fresh => "#294172",
            Self::Stale => "#8a5a00",
            Self::Failed => "#a62b2b",
        }
    }
}

/// Letters of either side; a badge is a glance.
const LETTERS: usize = 40;

/// SVG of 20 pixels in height. It loads nothing and runs nothing, so that it may stand anywhere.
pub fn badge(badge: &Badge<'_>) -> String {
    let (title, figure) = (shortened(badge.title), shortened(badge.figure));
    let (left, right) = (width(&title), width(&figure));
    let (whole, ground) = (left + right, badge.state.ground());
    let side = |text: &str, start: u64, width: u64| {
        // The text is fitted to the width that was reckoned, whatever font there is.
        format!(
            "<text x=\"{}\" y=\"14\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            start + PADDING,
            width - 2 * PADDING,
            clean(text)
        )
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" viewBox=\"0 0 {whole} 20\" role=\"img\" \
         aria-label=\"{label}\"><title>{label}</title><clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"4\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#3a3f4a\"/><rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{ground}\"/></g>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,Geneva,sans-serif\" font-size=\"11\">{}{}</g></svg>\n",
        side(&title, 0, left),
        side(&figure, left, right),
        label = clean(&format!("{title}: {figure}")),
    )
}

const PADDING: u64 = 7;

/// Of a text of 11 pixels with room on both sides, in pixels.
fn width(text: &str) -> u64 {
    let tenths: u64 = text
        .chars()
        .map(|letter| match letter {
            'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '!' | '|' => 35,
            'f' | 't' | 'r' | ' ' | '-' | '(' | ')' => 44,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 104,
            'A'..='Z' => 78,
            letter if letter.is_ascii() => 68,
            _ => 110,
        })
        .sum();
    tenths.div_ceil(10) + 2 * PADDING
}

/// On one line and not too long; nothing is a dash.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None if text.is_empty() => "–".into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(title: &str, figure: &str) -> String {
        badge(&Badge { title, figure, state: BadgeState::Fresh })
    }

    #[test]
    fn a_badge_says_its_title_and_figure_for_the_eye_and_the_ear() {
        let svg = drawn("Members", "1,204");
        assert!(svg.contains("aria-label=\"Members: 1,204\"") && svg.contains(">1,204</text>"));
        let stale = badge(&Badge { title: "a", figure: "b", state: BadgeState::Stale });
        assert!(stale.contains("#8a5a00"));
    }

    #[test]
    fn what_is_in_a_badge_can_be_anything() {
        let svg = drawn("</text><script>alert(1)</script>", "\"&\u{1}\n x");
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
        assert!(!svg.contains('\u{1}'), "{svg}");
        roxmltree::Document::parse(&svg).unwrap();
        assert!(drawn("", &"ö".repeat(500)).contains(&format!(">{}…</text>", "ö".repeat(40))));
        roxmltree::Document::parse(&drawn("", "")).unwrap();
    }
}
