//! Holds the contrast of the colours in `static/hubs.css`: text on what it stands on, in every theme and hue.

use crate::config::Site;
use std::collections::BTreeMap;

/// The themes: light or dark, as they are and for who wants more contrast, and what must be held there. WCAG 2 asks for
/// 4.5 at AA and 7 at AAA.
const THEMES: [(&str, Scheme, f64, f64); 4] = [
    ("light", Scheme::Light, 0.0, 4.5),
    ("dark", Scheme::Dark, 0.0, 4.5),
    ("light, high contrast", Scheme::Light, 1.0, 7.0),
    ("dark, high contrast", Scheme::Dark, 1.0, 7.0),
];

/// Every pair of text and ground that the style sheet makes.
const PAIRS: [(&str, &str); 22] = [
    ("ink", "surface"),
    ("ink", "card"),
    ("ink", "accent-soft"),
    ("ink", "warn-soft"),
    ("muted", "surface"),
    ("muted", "card"),
    ("muted", "accent-soft"),
    ("muted", "warn-soft"),
    ("accent", "surface"),
    ("accent", "card"),
    ("accent", "accent-soft"),
    ("accent", "warn-soft"),
    ("ok", "card"),
    ("warn", "card"),
    ("warn", "accent-soft"),
    ("warn", "warn-soft"),
    ("bad", "card"),
    ("bad", "warn-soft"),
    ("bar-ink", "bar"),
    ("bar-muted", "bar"),
    ("bar-warn", "bar"),
    ("face-ink", "face"),
];

#[derive(Clone, Copy)]
enum Scheme {
    Light,
    Dark,
}

#[test]
fn every_text_can_be_read_in_every_theme_and_hue() {
    let css = Site::built_in().read_text("static/hubs.css").unwrap().unwrap();
    let tokens = tokens(&css);
    let hues: Vec<f64> = css.split("{ --hue: ").skip(1).filter_map(number).collect();
    assert_eq!(hues.len(), 24);
    for (theme, scheme, more, least) in THEMES {
        for hue in &hues {
            let luminance = |name: &str| luminance(of(scheme, tokens[name]), *hue, more);
            for (text, ground) in PAIRS {
                let (one, other) = (luminance(text), luminance(ground));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(
                    contrast >= least,
                    "{text} on {ground} is {contrast:.2}, {theme}, hue {hue}"
                );
            }
        }
    }
}

/// The declarations of tokens, by name.
fn tokens(css: &str) -> BTreeMap<&str, &str> {
    css.lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "))
        .map(|(name, value)| (name, value.trim_end_matches(';')))
        .collect()
}

/// Of `light-dark(one, other)` the one that fits; a colour by itself is the same in both.
fn of(scheme: Scheme, value: &str) -> &str {
    let Some(both) = value.strip_prefix("light-dark(").and_then(|rest| rest.strip_suffix(')'))
    else {
        return value;
    };
    let (light, dark) = both.split_once(", oklch").expect("two colours");
    match scheme {
        Scheme::Light => light,
        Scheme::Dark => &both[both.len() - dark.len() - "oklch".len()..],
    }
}

/// Of `oklch(47% .12 255)`, `oklch(47% .12 var(--hue))` or `oklch(calc(47% + -13% * var(--more)) .12 255)`.
fn luminance(colour: &str, hue: f64, more: f64) -> f64 {
    let inner = colour.strip_prefix("oklch(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.expect("a token is in oklch");
    let (lightness, rest) = if let Some(sum) = inner.strip_prefix("calc(") {
        let (start, rest) = sum.split_once("% + ").expect("a sum");
        let (step, rest) = rest.split_once("% * var(--more)) ").expect("a step");
        (start.parse::<f64>().unwrap() + more * step.parse::<f64>().unwrap(), rest)
    } else {
        let (lightness, rest) = inner.split_once("% ").expect("three numbers");
        (lightness.parse().unwrap(), rest)
    };
    let (chroma, angle) = rest.split_once(' ').expect("chroma and angle");
    let angle = number(angle).unwrap_or(hue).to_radians();
    let (lightness, chroma) = (lightness / 100.0, number(chroma).unwrap());
    let (a, b) = (chroma * angle.cos(), chroma * angle.sin());
    // From OKLab by way of the cones of the eye to linear sRGB, after Björn Ottosson.
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let medium = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let red = 4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short;
    let green = -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short;
    let blue = -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701 * short;
    0.2126 * red.clamp(0.0, 1.0) + 0.7152 * green.clamp(0.0, 1.0) + 0.0722 * blue.clamp(0.0, 1.0)
}

/// The number that a text begins with.
fn number(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].parse().ok()
}

#[test]
fn black_on_white_has_the_contrast_that_it_has() {
    let of = |lightness: &str| luminance(&format!("oklch({lightness} 0 0)"), 0.0, 1.0);
    assert!(((of("100%") + 0.05) / (of("0%") + 0.05) - 21.0).abs() < 0.01);
    let summed = of("calc(40% + 60% * var(--more))");
    assert!((summed - of("100%")).abs() < 1e-9);
}
