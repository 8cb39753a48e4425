//! Catalogues are whole, and what scripts say without one is what English says.

use super::*;
use crate::config::Site;

/// Each message with the places that it fills, sorted.
fn messages(language: Language) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in language.text().lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" =").filter(|(key, _)| !key.starts_with(' ')) {
            last = key.into();
        }
        let places = line
            .split('$')
            .skip(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>());
        found.entry(last.clone()).or_default().extend(places);
    }
    found.remove("");
    for places in found.values_mut() {
        places.sort_unstable();
        places.dedup();
    }
    found
}

#[test]
fn every_language_says_all_that_english_says_with_the_same_places() {
    let english = messages(Language::English);
    assert!(english.len() > 60);
    for language in Language::ALL {
        FluentResource::try_new(language.text().to_owned()).unwrap();
        assert_eq!(messages(language), english, "{language:?}");
    }
}

#[test]
fn every_text_that_is_asked_for_is_in_the_catalogue() {
    let site = Site::built_in();
    for path in site.list("templates", ".html") {
        let text = site.read_text(&path).unwrap().unwrap();
        for mark in ["say(key=\"", "data-say=\""] {
            for rest in text.split(mark).skip(1) {
                let key = rest.split('"').next().unwrap();
                let is_made = rest[key.len()..].starts_with("\" ~");
                assert!(is_made || Language::English.say(key, &[]).is_some(), "{key} in {path}");
            }
        }
    }
}

#[test]
fn the_script_says_in_english_what_the_catalogue_says() {
    let script = Site::built_in().read_text("static/hubs.js").unwrap().unwrap();
    let listed = script.split("const WORDS = {").nth(1).unwrap().split("};").next().unwrap();
    let args = PLACES.map(|place| (place, FluentValue::from(format!("{{{place}}}"))));
    let mut keys = Vec::new();
    for line in listed.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, words) = line.trim_end_matches(',').split_once(": ").unwrap();
        let key = key.trim_matches('"');
        let said = Language::English.say(key, &args).unwrap_or_else(|| panic!("{key}"));
        assert_eq!(words, serde_json::to_string(&said).unwrap(), "{key}");
        keys.push(key);
    }
    keys.sort_unstable();
    assert_eq!(keys, BY_SCRIPT);
}

#[test]
fn what_is_marked_on_a_card_comes_along_for_the_script() {
    let site = Site::built_in();
    let mut marked = Vec::new();
    for path in ["templates/card.html", "templates/card-menu.html"] {
        let text = site.read_text(path).unwrap().unwrap();
        let keys = text.split("data-say=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        marked.extend(keys.map(str::to_owned));
    }
    marked.sort_unstable();
    marked.dedup();
    assert_eq!(marked, ON_CARDS);
}

#[test]
fn a_reader_gets_the_language_that_they_ask_for_most() {
    for (accepted, expected) in [
        ("de", Language::German),
        ("de-AT,de;q=0.9,en;q=0.8", Language::German),
        ("en-GB,de;q=0.9", Language::English),
        ("fr,de;q=0.2", Language::German),
        ("en;q=0.5,de;q=0.7", Language::German),
        ("de;q=0", Language::English),
        ("fr", Language::English),
        ("", Language::English),
        (";;,q=x", Language::English),
    ] {
        assert_eq!(Language::preferred(accepted), expected, "{accepted}");
    }
}

#[test]
fn an_age_is_said_in_german() {
    let now: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
    for (seconds, words) in [
        (0, "gerade eben"),
        (300, "vor 5 Min."),
        (7_200, "vor 2 Std."),
        (86_400, "vor 1 Tag"),
        (3 * 86_400, "vor 3 Tagen"),
        (40 * 86_400, "26. März"),
        (400 * 86_400, "31. März 2025"),
        (-10, "gleich"),
        (-300, "in 5 Min."),
    ] {
        let then = Timestamp::from_second(now.as_second() - seconds).unwrap();
        assert_eq!(Language::German.ago(then, now), words, "{seconds} seconds");
    }
}

#[test]
fn what_is_marked_is_said_and_the_rest_is_left_alone() {
    let html = "<p><span data-say=\"failed\">failed</span> x <span data-say=\"nothing-such\">y</span><span data-say=\"why";
    assert_eq!(
        Language::German.localised(html.into()),
        html.replace(">failed<", ">fehlgeschlagen<")
    );
    assert_eq!(Language::English.localised(html.into()), html);
}
