//! What templates may call beyond Tera's own.

#![expect(clippy::needless_pass_by_value, reason = "Tera hands values to its filters")]

use super::{catalogue, chart, markdown, picture, times, words};
use crate::diagnostic::{did_you_mean, nearest};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

/// What templates may point at: the version of each static file, and the icons of the sprite.
#[derive(Default)]
pub(super) struct Assets {
    /// `hubs.css` to its version.
    pub(super) versions: BTreeMap<String, String>,
    pub(super) icons: Vec<String>,
}

impl Assets {
    fn address(&self, path: &str) -> Option<String> {
        let version = self.versions.get(path)?;
        Some(format!("/static/{path}?v={version}"))
    }
}

/// For all templates.
pub(super) fn register(tera: &mut Tera, assets: &std::sync::Arc<Assets>) {
    tera.register_filter("ago", age);
    tera.register_filter("humanize", age);
    tera.register_filter("time", time);
    tera.register_filter("avatar", avatar);
    tera.register_filter("hue", hue);
    tera.register_filter("series", series);
    tera.register_filter("commas", commas);
    tera.register_filter("bars", bars);
    tera.register_filter("sparkline", sparkline);
    tera.register_filter("markdown", to_markdown);
    tera.register_filter("strong", strong);
    tera.register_filter("url", url);
    tera.register_filter("urlencode", urlencode);
    // `{{ say(key="people") }}` → what a page says, in its reader's language; for pages, since a widget looks the same to all.
    tera.register_function("say", catalogue::say);
    let known = assets.clone();
    tera.register_function("icon", move |kwargs: Kwargs, _: &State| icon(&known, &kwargs));
    let known = assets.clone();
    // `{{ has_icon(name="clock") }}` → whether there is such an icon.
    tera.register_function("has_icon", move |kwargs: Kwargs, _: &State| {
        Ok::<_, Error>(
            known.icons.iter().any(|i| kwargs.get::<&str>("name").ok().flatten() == Some(i)),
        )
    });
    let known = assets.clone();
    tera.register_function("asset", move |kwargs: Kwargs, _: &State| asset(&known, &kwargs));
}

/// For the templates of widgets: what data brings along is not made trustworthy by a word.
pub(super) fn distrust(tera: &mut Tera) {
    tera.register_filter("safe", sieve);
}

/// `{{ text | safe }}` → in a widget, HTML as the sanitiser leaves it: no scripts, styles, classes or odd links.
fn sieve(value: Value, _: Kwargs, _: &State) -> Value {
    if value.is_safe() {
        value
    } else {
        Value::safe_string(&markdown::sanitise(&value.to_string()))
    }
}

/// `{{ at | ago }}`, `{{ at | humanize }}` → `3 min ago`, kept up to date in the browser. `at` is RFC 3339 or seconds since 1970.
fn age(value: Value, _: Kwargs, _: &State) -> TeraResult<Value> {
    Ok(Value::safe_string(&times::age_element(instant(&value, "ago")?)))
}

/// `{{ at | time(format="%-d %b") }}` → a date in UTC that stays as it is; `5 May 2026, 12:00 UTC` without a format.
fn time(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let format = kwargs.get::<&str>("format")?.unwrap_or("%-d %b %Y, %H:%M UTC");
    let html = times::time_element(instant(&value, "time")?, format).ok_or_else(|| {
        Error::message(format!("`{format}` is no format of a time; one is `%-d %b %Y`"))
    })?;
    Ok(Value::safe_string(&html))
}

/// `{{ name | avatar(size=64) }}`, `{{ name | avatar(size=96, src=picture) }}` → the picture of a username, or the one at `src`
/// with the first letter of the name where it does not load. 20, 24, 32, 40, 64, 96, 128 and 160 are sizes; 32 without one.
fn avatar(name: &str, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let size = kwargs.get::<u64>("size")?.unwrap_or(32);
    let src = kwargs.get::<&str>("src")?;
    Ok(Value::safe_string(&picture::avatar_element(name, size, src)))
}

/// `{{ name | hue }}` → a class that gives the colour of a name: `class="{{ name | hue }}"`.
fn hue(name: &str, _: Kwargs, _: &State) -> String {
    picture::hue_class(name)
}

/// `{{ names | series }}` → `a, b, and c`.
fn series(items: Vec<String>, _: Kwargs, _: &State) -> String {
    words::series(&items)
}

/// `{{ 1234 | commas }}` → `1,234`.
fn commas(number: i64, _: Kwargs, _: &State) -> String {
    words::commas(number)
}

/// `{{ days | bars(title="This week") }}` → a chart of stacked bars, with its numbers in words and as a table. `days` is a list of
/// `#{ label: "Mon", values: #{ git: 3, bodhi: 5 } }`, a bar each; the seven largest series have a colour, the rest is "other".
fn bars(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    const SHAPE: &str = "a list of bars such as `#{ label: \"Mon\", values: #{ git: 3 } }`";
    drawn("bars", SHAPE, &value, &kwargs, |title, bars: Vec<chart::Bar>| chart::bars(title, &bars))
}

/// `{{ numbers | sparkline(title="Builds a day") }}` → a small line that shows how a list of numbers goes, the oldest first.
fn sparkline(value: Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    const SHAPE: &str = "a list of numbers";
    drawn("sparkline", SHAPE, &value, &kwargs, |title, numbers: Vec<f64>| {
        chart::sparkline(title, &numbers)
    })
}

fn drawn<T: DeserializeOwned>(
    filter: &str,
    shape: &str,
    value: &Value,
    kwargs: &Kwargs,
    draw: impl FnOnce(&str, T) -> Result<String, String>,
) -> TeraResult<Value> {
    let title = kwargs.must_get::<&str>("title")?;
    let read = serde_json::to_value(value).and_then(serde_json::from_value).map_err(|error| {
        Error::message(format!("`{filter}` draws {shape}, but was given something else: {error}"))
    })?;
    let html = draw(title, read).map_err(|why| Error::message(format!("`{filter}`: {why}")))?;
    Ok(Value::safe_string(&html))
}

/// `{{ text | markdown }}` → Markdown as safe HTML, headings below those of a card.
fn to_markdown(text: &str, _: Kwargs, _: &State) -> Value {
    Value::safe_string(&markdown::markdown(text))
}

/// `{{ summary | strong(words=usernames) }}` → the text with each of the words bold where it stands first.
fn strong(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let words = kwargs.get::<Vec<String>>("words")?.unwrap_or_default();
    Ok(Value::safe_string(&words::strong(text, &words)))
}

/// `{{ link | url }}` → an address for `href`: what does not lead to the web, a page here or a mailbox becomes `#`.
fn url(value: Value, _: Kwargs, _: &State) -> String {
    let url = value.as_str().unwrap_or_default().trim();
    if picture::is_web_address(url) || url.starts_with("mailto:") { url.into() } else { "#".into() }
}

/// `{{ text | urlencode }}` → for a part of an address: what means something in one as `%20`.
fn urlencode(text: &str, _: Kwargs, _: &State) -> String {
    const MEANING: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, MEANING).to_string()
}

/// `{{ icon(name="clock") }}` → an icon of static/icons.svg; a name that is not there is an error that says which is near.
fn icon(assets: &Assets, kwargs: &Kwargs) -> TeraResult<Value> {
    let name = kwargs.must_get::<&str>("name")?;
    let known = assets.icons.iter().map(String::as_str);
    if !known.clone().any(|icon| icon == name) {
        let hint = did_you_mean(nearest(name, known));
        return Err(Error::message(format!("there is no icon `{name}` in static/icons.svg{hint}")));
    }
    let sprite = assets.address("icons.svg").unwrap_or_default();
    Ok(Value::safe_string(&picture::icon_element(&sprite, name)))
}

/// `{{ asset(path="hubs.css") }}` → the address of a file in static/, with its version.
fn asset(assets: &Assets, kwargs: &Kwargs) -> TeraResult<String> {
    let path = kwargs.must_get::<&str>("path")?;
    assets.address(path).ok_or_else(|| {
        let hint = did_you_mean(nearest(path, assets.versions.keys().map(String::as_str)));
        Error::message(format!("there is no file `static/{path}`{hint}"))
    })
}

fn instant(value: &Value, filter: &str) -> TeraResult<Timestamp> {
    let text = value.to_string();
    times::moment(&text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Error::message(format!(
            "`{filter}` was given {} `{shown}`, which is no time; one is `2026-05-05T12:00:00Z` or seconds since 1970",
            value.name()
        ))
    })
}
