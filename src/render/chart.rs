//! Charts: numbers as SVG, with the same numbers in words and as a table.
//!
//! Nothing in them has a colour or a style of its own (the policy of the pages forbids that): classes name the series, and
//! static/hubs.css gives them colours for each theme. Bars fill the width that there is; texts stand beside them as HTML, so
//! that they keep their size on a phone. The crates that draw charts write colours and styles into their SVG.

use super::times::escape;
use super::words::commas;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Series that have a colour; the others are "other".
const SERIES: usize = 7;
/// Bars that still can be told apart.
const MAX_BARS: usize = 400;
/// Of the drawing; it is stretched to the card's width.
const HEIGHT: f64 = 100.0;
/// Share of a bar's room that is left free.
const GAP: f64 = 0.2;

/// One bar: what stands below it, and how much of each series there is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bar {
    label: String,
    values: BTreeMap<String, f64>,
}

/// Stacked bars, the series with most at the bottom; the sums in words, and a table behind "As table".
pub(super) fn bars(title: &str, bars: &[Bar]) -> Result<String, String> {
    if bars.len() > MAX_BARS {
        return Err(format!("{} bars are too many: {MAX_BARS} is the limit", bars.len()));
    }
    let wrong = bars.iter().find_map(|bar| {
        let (name, value) = bar.values.iter().find(|(_, v)| !v.is_finite() || **v < 0.0)?;
        Some(format!("`{name}` of the bar `{}` is {value}: a bar has 0 or more", bar.label))
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let (names, rows) = table(bars);
    let sums: Vec<f64> = rows.iter().map(|row| row.iter().sum()).collect();
    let most = sums.iter().copied().fold(0.0, f64::max);
    let total: f64 = sums.iter().sum();
    let said = in_words(title, bars, &sums, total);
    if total == 0.0 {
        return Ok(format!("<p class=\"empty\">{}</p>", escape(&said)));
    }
    let mut html = String::from("<figure class=\"chart\">");
    let _ = write!(html, "<p class=\"chart-scale\" aria-hidden=\"true\">{}</p>", amount(most));
    draw(&mut html, &said, bars, &names, &rows, most);
    ends(&mut html, bars);
    if names.len() > 1 {
        html.push_str("<ul class=\"chart-key\" aria-hidden=\"true\">");
        for (at, name) in names.iter().enumerate() {
            let _ = write!(html, "<li class=\"{}\">{}</li>", class(at, name), escape(name));
        }
        html.push_str("</ul>");
    }
    as_table(&mut html, title, bars, &names, &rows);
    html.push_str("</figure>");
    Ok(html)
}

/// The names of the series, those with most first and "other" last, and for each bar the values in this order.
fn table(bars: &[Bar]) -> (Vec<String>, Vec<Vec<f64>>) {
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, value) in bars.iter().flat_map(|bar| &bar.values) {
        *totals.entry(name).or_default() += value;
    }
    let mut ranked: Vec<(&str, f64)> = totals.into_iter().filter(|(_, sum)| *sum > 0.0).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (shown, rest) = ranked.split_at(ranked.len().min(SERIES));
    let mut names: Vec<String> = shown.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = bars.iter().map(|bar| {
        let of = |name: &str| bar.values.get(name).copied().unwrap_or(0.0);
        let mut row: Vec<f64> = shown.iter().map(|(name, _)| of(name)).collect();
        if !rest.is_empty() {
            row.push(rest.iter().map(|(name, _)| of(name)).sum());
        }
        row
    });
    let rows = rows.collect();
    if !rest.is_empty() {
        names.push(OTHER.into());
    }
    (names, rows)
}

const OTHER: &str = "other";

fn class(at: usize, name: &str) -> String {
    if at >= SERIES && name == OTHER { "series-other".into() } else { format!("series-{}", at + 1) }
}

fn in_words(title: &str, bars: &[Bar], sums: &[f64], total: f64) -> String {
    // Of equals the first.
    let most = bars.iter().zip(sums).reduce(|best, next| if next.1 > best.1 { next } else { best });
    match most {
        Some((bar, sum)) if total > 0.0 => {
            format!("{title}: {} in all, most for {} ({})", amount(total), bar.label, amount(*sum))
        }
        _ => format!("{title}: nothing"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "400 bars at most")]
fn draw(
    html: &mut String,
    said: &str,
    bars: &[Bar],
    names: &[String],
    rows: &[Vec<f64>],
    most: f64,
) {
    let room = 10.0;
    let width = room * bars.len() as f64;
    let said = escape(said);
    let _ = write!(
        html,
        "<svg class=\"chart-bars\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{said}\">"
    );
    for (place, (bar, row)) in bars.iter().zip(rows).enumerate() {
        let parts = names.iter().zip(row).filter(|(_, value)| **value > 0.0);
        let parts: Vec<_> =
            parts.map(|(name, value)| format!("{name} {}", amount(*value))).collect();
        if parts.is_empty() {
            continue;
        }
        let tip = format!("{}: {}", bar.label, parts.join(", "));
        let _ = write!(html, "<g><title>{}</title>", escape(&tip));
        let mut top = HEIGHT;
        for (at, value) in row.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let height = value / most * HEIGHT;
            top -= height;
            let x = room * (place as f64 + GAP / 2.0);
            let wide = room * (1.0 - GAP);
            let series = class(at, &names[at]);
            let _ = write!(
                html,
                "<rect class=\"{series}\" x=\"{x:.1}\" y=\"{top:.2}\" width=\"{wide:.1}\" height=\"{height:.2}\"/>"
            );
        }
        html.push_str("</g>");
    }
    html.push_str("</svg>");
}

/// What stands below the bars: each label where there is room, else the first, the middle and the last.
fn ends(html: &mut String, bars: &[Bar]) {
    const ROOM: usize = 8;
    html.push_str("<p class=\"chart-labels\" aria-hidden=\"true\">");
    let places: Vec<usize> = match bars.len() {
        0 => vec![],
        few @ 1..=ROOM => (0..few).collect(),
        many => vec![0, many / 2, many - 1],
    };
    for at in places {
        let _ = write!(html, "<span>{}</span>", escape(&bars[at].label));
    }
    html.push_str("</p>");
}

fn as_table(html: &mut String, title: &str, bars: &[Bar], names: &[String], rows: &[Vec<f64>]) {
    let title = escape(title);
    let _ = write!(
        html,
        "<details class=\"chart-table\"><summary>As table</summary><div class=\"scrolls\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table><caption class=\"unseen\">{title}</caption><thead><tr><td></td>"
    );
    for name in names {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(name));
    }
    html.push_str("</tr></thead><tbody>");
    for (bar, row) in bars.iter().zip(rows) {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(&bar.label));
        for value in row {
            let _ = write!(html, "<td>{}</td>", amount(*value));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></details>");
}

/// A line without axes, as high as a line of text.
#[expect(clippy::cast_precision_loss, reason = "400 points at most")]
pub(super) fn sparkline(title: &str, numbers: &[f64]) -> Result<String, String> {
    if numbers.len() > MAX_BARS {
        return Err(format!("{} points are too many: {MAX_BARS} is the limit", numbers.len()));
    }
    if let Some(wrong) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(format!("{wrong} is no number that can be drawn"));
    }
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
        return Ok(String::new());
    };
    let (low, high) = numbers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(*n), high.max(*n)));
    let range = if high > low { high - low } else { 1.0 };
    let step = 100.0 / (numbers.len().max(2) - 1) as f64;
    let points: Vec<String> = numbers
        .iter()
        .enumerate()
        .map(|(at, n)| format!("{:.1},{:.1}", step * at as f64, 22.0 - (n - low) / range * 20.0))
        .collect();
    let said =
        format!("{title}: from {} to {}, at most {}", amount(*first), amount(*last), amount(high));
    Ok(format!(
        "<svg class=\"sparkline\" viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><polyline points=\"{}\"/></svg>",
        escape(&said),
        points.join(" ")
    ))
}

/// `1,234`; what is not whole with one place.
#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers on a chart are far below 2^63, and `as` stops there"
)]
fn amount(number: f64) -> String {
    if number.fract() == 0.0 { commas(number as i64) } else { format!("{number:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, values: &[(&str, f64)]) -> Bar {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Bar { label: label.into(), values }
    }

    #[test]
    fn bars_are_drawn_told_in_words_and_given_as_a_table() {
        let week = [
            bar("Mon", &[("git", 3.0), ("bodhi", 1.0)]),
            bar("<b>Tue", &[]),
            bar("Wed", &[("git", 1_500.0)]),
        ];
        insta::assert_snapshot!(bars("The \"week\"", &week).unwrap().replace("><", ">\n<"));
    }

    #[test]
    fn what_has_no_colour_of_its_own_is_other() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let values: Vec<(&str, f64)> =
            names.iter().zip(1_u8..).map(|(n, v)| (*n, v.into())).collect();
        let html = bars("All", &[bar("x", &values)]).unwrap();
        let key = html.split("chart-key").nth(1).unwrap().split("</ul>").next().unwrap();
        assert!(key.contains("<li class=\"series-1\">i</li>"), "{key}");
        assert!(
            key.ends_with("<li class=\"series-7\">c</li><li class=\"series-other\">other</li>"),
            "{key}"
        );
        assert!(html.contains("<title>x: i 9, h 8, g 7, f 6, e 5, d 4, c 3, other 3</title>"));
    }

    #[test]
    fn a_line_fills_its_room_and_one_number_is_a_line_too() {
        let line = sparkline("Builds", &[0.0, 10.0, 5.0]).unwrap();
        assert!(line.contains("points=\"0.0,22.0 50.0,2.0 100.0,12.0\""), "{line}");
        assert!(line.contains("aria-label=\"Builds: from 0 to 5, at most 10\""), "{line}");
        assert!(sparkline("One", &[4.0]).unwrap().contains("points=\"0.0,22.0\""));
        assert_eq!(sparkline("None", &[]), Ok(String::new()));
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let negative = bars("x", &[bar("Mon", &[("git", -1.0)])]);
        assert_eq!(negative, Err("`git` of the bar `Mon` is -1: a bar has 0 or more".into()));
        let many: Vec<Bar> = (0..401).map(|_| bar("x", &[])).collect();
        assert_eq!(bars("x", &many), Err("401 bars are too many: 400 is the limit".into()));
        assert_eq!(sparkline("x", &[f64::NAN]), Err("NaN is no number that can be drawn".into()));
        assert_eq!(
            bars("Week", &[bar("Mon", &[])]),
            Ok("<p class=\"empty\">Week: nothing</p>".to_owned())
        );
    }
}
