//! Points in time in HTML: written once, brought up to date whenever the HTML is served.
//!
//! A widget is rendered when it changes and read for hours after; `3 min ago` would be a lie by then. So an age is an
//! element that carries its instant, and [`refresh_ages`] rewrites the words of all of them in one pass.

use super::catalogue::Language;
use jiff::{Timestamp, civil, tz::TimeZone};
use std::fmt::Write as _;

const OPEN: &str = "<time data-ago datetime=\"";
const CLOSE: &str = "</time>";

/// Reads the shapes in which Fedora's services write a time: RFC 3339, seconds since 1970 as a number or as text,
/// `2026-05-05 16:00:00` and `2026-05-05` (both UTC).
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let utc = |at: civil::DateTime| TimeZone::UTC.to_timestamp(at).ok();
    text.parse()
        .ok()
        .or_else(|| text.parse::<civil::DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<civil::Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))))
}

fn from_seconds(seconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates; the range is checked")]
    let millis = (seconds * 1e3).round() as i64;
    seconds.is_finite().then(|| Timestamp::from_millisecond(millis).ok()).flatten()
}

/// An age, as an element that [`refresh_ages`] and the browser keep up to date. Until then it shows its date.
pub(super) fn age_element(at: Timestamp) -> String {
    let exact = exactly(at);
    format!("{OPEN}{}\" title=\"{exact}\">{exact}{CLOSE}", to_the_second(at))
}

/// A date that stays as it is written.
pub(super) fn time_element(at: Timestamp, format: &str) -> Option<String> {
    let mut words = String::new();
    write!(words, "{}", at.strftime(format)).ok()?;
    Some(format!("<time datetime=\"{}\">{}</time>", to_the_second(at), escape(&words)))
}

/// The same HTML with the words of every age as they are at `now`.
pub fn refresh_ages(html: &str, now: Timestamp) -> String {
    refresh_ages_in(Language::English, html, now)
}

/// The same, in the language of who reads it.
pub(super) fn refresh_ages_in(language: Language, html: &str, now: Timestamp) -> String {
    let mut fresh = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find(OPEN) {
        let (before, element) = rest.split_at(start);
        fresh.push_str(before);
        rest = element;
        let Some((tag, instant, after)) = take_apart(element) else { break };
        fresh.push_str(tag);
        fresh.push_str(&language.ago(instant, now));
        rest = after;
    }
    fresh.push_str(rest);
    fresh
}

/// The opening tag, the instant in it, and what follows the words.
fn take_apart(element: &str) -> Option<(&str, Timestamp, &str)> {
    let (instant, _) = element[OPEN.len()..].split_once('"')?;
    let words = element.find('>')? + 1;
    let end = words + element[words..].find(CLOSE)?;
    Some((&element[..words], instant.parse().ok()?, &element[end..]))
}

fn exactly(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = Vec::with_capacity(text.len());
    tera::escape_html(text, &mut escaped).expect("a vector takes all bytes");
    String::from_utf8(escaped).expect("escaping keeps UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_time_is_the_same_instant() {
        let noon: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
        for text in [
            "2026-05-05T12:00:00Z",
            "2026-05-05T14:00:00+02:00",
            "2026-05-05 12:00:00",
            "1777982400",
            "1777982400.0",
        ] {
            assert_eq!(moment(text), Some(noon), "{text}");
        }
        assert_eq!(moment("2026-05-05").unwrap().to_string(), "2026-05-05T00:00:00Z");
        for text in ["", "soon", "NaN", "inf", "1e300", "2026-13-01"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn an_age_is_true_whenever_it_is_served() {
        let at: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
        let html = format!("<p>{} and {}</p>", age_element(at), age_element(at));
        let later = refresh_ages(&html, "2026-05-05T14:00:00Z".parse().unwrap());
        assert_eq!(later.matches(">2 h ago</time>").count(), 2, "{later}");
        let latest = refresh_ages(&later, "2026-05-06T12:00:00Z".parse().unwrap());
        assert_eq!(latest.matches(">1 day ago</time>").count(), 2, "{latest}");
        assert!(latest.ends_with("</p>"));
    }

    #[test]
    fn what_only_looks_like_an_age_is_left_alone() {
        let now: Timestamp = "2026-05-05T14:00:00Z".parse().unwrap();
        for html in [
            "",
            "<time data-ago datetime=\"",
            "<time data-ago datetime=\"x\">a</time>b",
            "<time data-ago datetime=\"2026-05-05T12:00:00Z\">no end",
            "é<time datetime=\"2026-05-05T12:00:00Z\">noon</time>",
        ] {
            assert_eq!(refresh_ages(html, now), html);
        }
    }
}
