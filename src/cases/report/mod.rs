//! How a run is told: to people, to programs, and to whatever reads XML. Each writes where it is told to.

mod human;
mod json;
mod junit;

pub use human::human;
pub use json::json;
pub use junit::junit;

use super::coverage::WidgetCovered;

/// `3, 7–9`.
fn lines(lines: &[usize]) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut rest = lines.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while rest.next_if_eq(&(last + 1)).is_some() {
            last += 1;
        }
        shown.push(if first == last { first.to_string() } else { format!("{first}–{last}") });
    }
    shown.join(", ")
}

/// What of a widget no case reached, a sentence each.
fn gaps(widget: &WidgetCovered) -> Vec<String> {
    let mut gaps = Vec::new();
    for missed in &widget.missed {
        if !missed.lines.is_empty() {
            let word = if missed.lines.len() == 1 { "line" } else { "lines" };
            gaps.push(format!("{}: {word} {}", missed.file, lines(&missed.lines)));
        }
        gaps.extend(
            missed
                .branches
                .iter()
                .map(|(line, column, what)| format!("{}:{line}:{column}: {what}", missed.file)),
        );
    }
    gaps.extend(
        widget
            .unheard
            .iter()
            .map(|topic| format!("no recording has a message of the topic `{topic}`")),
    );
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_follow_each_other_are_one_range() {
        assert_eq!(lines(&[3, 7, 8, 9, 11]), "3, 7–9, 11");
        assert_eq!(lines(&[]), "");
    }
}
