//! Times, lists and numbers in words. `static/hubs.js` says ages in the same words: change both.

use super::times::escape;
use jiff::Timestamp;
use std::ops::Range;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `just now`, `5 min ago`, `in 3 h`, `2 days ago`; from a month on the date, with its year unless it is this one.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    let distance = seconds.unsigned_abs();
    let rounded = |unit: u64| (distance + unit / 2) / unit;
    let amount = if distance < 45 {
        return if seconds >= 0 { "just now" } else { "in a moment" }.into();
    } else if rounded(MINUTE) < 60 {
        format!("{} min", rounded(MINUTE).max(1))
    } else if rounded(HOUR) < 24 {
        format!("{} h", rounded(HOUR))
    } else if rounded(DAY) < 30 {
        format!("{} day{}", rounded(DAY), if rounded(DAY) == 1 { "" } else { "s" })
    } else if then.strftime("%Y").to_string() == now.strftime("%Y").to_string() {
        return then.strftime("%-d %b").to_string();
    } else {
        return then.strftime("%-d %b %Y").to_string();
    };
    if seconds >= 0 { format!("{amount} ago") } else { format!("in {amount}") }
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
