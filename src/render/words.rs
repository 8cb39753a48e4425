//! Times, lists and numbers in words. `static/hubs.js` says ages in the same words: change both.

use super::times::escape;
use jiff::Timestamp;
use std::ops::Range;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How far a moment is from now, in the largest unit that fits; `true` for one that is past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Now {
        past: bool,
    },
    Minutes(u64, bool),
    Hours(u64, bool),
    Days(u64, bool),
    /// From a month on; with its year unless it is this one.
    Date {
        with_year: bool,
    },
}

impl Age {
    pub(super) fn of(then: Timestamp, now: Timestamp) -> Self {
        let seconds = now.as_second() - then.as_second();
        let (distance, past) = (seconds.unsigned_abs(), seconds >= 0);
        let rounded = |unit: u64| (distance + unit / 2) / unit;
        if distance < 45 {
            Self::Now { past }
        } else if rounded(MINUTE) < 60 {
            Self::Minutes(rounded(MINUTE).max(1), past)
        } else if rounded(HOUR) < 24 {
            Self::Hours(rounded(HOUR), past)
        } else if rounded(DAY) < 30 {
            Self::Days(rounded(DAY), past)
        } else {
            let year = |at: Timestamp| at.strftime("%Y").to_string();
            Self::Date { with_year: year(then) != year(now) }
        }
    }

    pub(super) fn is_past(self) -> bool {
        match self {
            Self::Now { past }
            | Self::Minutes(_, past)
            | Self::Hours(_, past)
            | Self::Days(_, past) => past,
            Self::Date { .. } => true,
        }
    }
}

/// `just now`, `5 min ago`, `in 3 h`, `2 days ago`; from a month on the date, with its year unless it is this one.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let age = Age::of(then, now);
    let amount = match age {
        Age::Now { past } => return if past { "just now" } else { "in a moment" }.into(),
        Age::Minutes(n, _) => format!("{n} min"),
        Age::Hours(n, _) => format!("{n} h"),
        Age::Days(n, _) => format!("{n} day{}", if n == 1 { "" } else { "s" }),
        Age::Date { with_year: false } => return then.strftime("%-d %b").to_string(),
        Age::Date { with_year: true } => return then.strftime("%-d %b %Y").to_string(),
    };
    if age.is_past() { format!("{amount} ago") } else { format!("in {amount}") }
}

/// `a`, `a and b`, `a, b, and c`.
pub fn series<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().into(),
        [one, two] => format!("{} and {}", one.as_ref(), two.as_ref()),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{}, and {}", most.join(", "), last.as_ref())
        }
    }
}

/// `1,234,567`.
pub fn commas(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The text as HTML, with each of the words in bold where it first stands by itself.
pub(super) fn strong(text: &str, words: &[String]) -> String {
    let mut ranges: Vec<_> = words.iter().filter_map(|word| standing_alone(text, word)).collect();
    ranges.sort_by_key(|range| range.start);
    let (mut html, mut done) = (String::with_capacity(text.len() + 16), 0);
    for range in ranges {
        if range.start < done {
            continue; // Inside a longer name that is bold already.
        }
        html.push_str(&escape(&text[done..range.start]));
        html.push_str("<b>");
        html.push_str(&escape(&text[range.clone()]));
        html.push_str("</b>");
        done = range.end;
    }
    html.push_str(&escape(&text[done..]));
    html
}

fn standing_alone(text: &str, word: &str) -> Option<Range<usize>> {
    let in_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let alone = |start: &usize| {
        !text[..*start].ends_with(in_a_name) && !text[start + word.len()..].starts_with(in_a_name)
    };
    let start = text.match_indices(word).map(|(start, _)| start).find(alone)?;
    (!word.is_empty()).then(|| start..start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_the_largest_unit_that_fits() {
        let now: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
        for (seconds, words) in [
            (0, "just now"),
            (44, "just now"),
            (45, "1 min ago"),
            (3_569, "59 min ago"),
            (3_570, "1 h ago"),
            (84_599, "23 h ago"),
            (84_600, "1 day ago"),
            (3 * 86_400, "3 days ago"),
            (40 * 86_400, "26 Mar"),
            (400 * 86_400, "31 Mar 2025"),
            (-10, "in a moment"),
            (-300, "in 5 min"),
            (-2 * 86_400, "in 2 days"),
        ] {
            let then = Timestamp::from_second(now.as_second() - seconds).unwrap();
            assert_eq!(ago(then, now), words, "{seconds} seconds");
        }
    }

    #[test]
    fn a_list_reads_as_a_sentence_does() {
        assert_eq!(series::<&str>(&[]), "");
        assert_eq!(series(&["a"]), "a");
        assert_eq!(series(&["a", "b"]), "a and b");
        assert_eq!(series(&["a", "b", "c"]), "a, b, and c");
    }

    #[test]
    fn a_name_is_bold_where_it_stands_alone() {
        let check = |text: &str, words: &[&str]| {
            strong(text, &words.iter().map(|w| (*w).to_string()).collect::<Vec<_>>())
        };
        assert_eq!(
            check("ralph & toshio", &["toshio", "ralph"]),
            "<b>ralph</b> &amp; <b>toshio</b>"
        );
        assert_eq!(check("ralphbean met ralph", &["ralph"]), "ralphbean met <b>ralph</b>");
        assert_eq!(check("<b>", &["b", ""]), "&lt;<b>b</b>&gt;");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-1_234_567, "-1,234,567"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(commas(number), text);
        }
    }
}
