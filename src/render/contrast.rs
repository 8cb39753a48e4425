//! Holds the contrast of the colours in `static/hubs.css`: text on what it stands on, in light and dark, in every hue.

use crate::config::Site;
use std::collections::BTreeMap;

/// What WCAG 2 asks for text at AA.
const LEAST: f64 = 4.5;

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

#[test]
fn every_text_can_be_read_in_every_theme_and_hue() {
    let css = Site::built_in().read_text("static/hubs.css").unwrap().unwrap();
    let (light, dark) = tokens(&css);
    let hues: Vec<f64> = css.split("{ --hue: ").skip(1).filter_map(number).collect();
    assert_eq!(hues.len(), 24);
    for (theme, tokens) in [("light", light), ("dark", dark)] {
        for hue in &hues {
            let luminance = |name: &str| luminance(&tokens[name], *hue);
            for (text, ground) in PAIRS {
                let (one, other) = (luminance(text), luminance(ground));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                assert!(
                    contrast >= LEAST,
                    "{text} on {ground} is {contrast:.2}, {theme}, hue {hue}"
                );
            }
        }
    }
}

type Tokens = BTreeMap<String, String>;

/// The declarations of tokens; those within a query for the dark theme go over the light ones.
fn tokens(css: &str) -> (Tokens, Tokens) {
    let (mut light, mut dark, mut is_dark) = (Tokens::new(), Tokens::new(), false);
    for line in css.lines() {
        // A query ends at the first brace that is not indented.
        is_dark =
            line.starts_with("@media (prefers-color-scheme: dark)") || (is_dark && line != "}");
        let declared = line.trim().strip_prefix("--").and_then(|rest| rest.split_once(": "));
        if let Some((name, value)) = declared {
            let tokens = if is_dark { &mut dark } else { &mut light };
            tokens.insert(name.into(), value.trim_end_matches(';').into());
        }
    }
    let dark = light.iter().map(|(k, v)| (k.clone(), v.clone())).chain(dark).collect();
    (light, dark)
}

/// Of `oklch(47% .12 255)` or `oklch(47% .12 var(--hue))`.
fn luminance(colour: &str, hue: f64) -> f64 {
    let inner = colour.strip_prefix("oklch(").and_then(|rest| rest.strip_suffix(')'));
    let parts: Vec<&str> = inner.expect("a token is in oklch").splitn(3, ' ').collect();
    let [lightness, chroma, angle] = parts[..] else { panic!("three numbers in {colour}") };
    let angle = number(angle).unwrap_or(hue).to_radians();
    let (lightness, chroma) = (number(lightness).unwrap() / 100.0, number(chroma).unwrap());
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
    let (white, black) = (luminance("oklch(100% 0 0)", 0.0), luminance("oklch(0% 0 0)", 0.0));
    assert!(((white + 0.05) / (black + 0.05) - 21.0).abs() < 0.01);
}
