//! What the pages themselves say, in each language that they speak.
//!
//! One catalogue a language, in Fluent; English has all there is, and what another lacks is said in English. Widgets are
//! not translated: their HTML is the same for every viewer. What a card has around it is marked with `data-say` and said
//! in the reader's language when a page is made, or by the script when a card comes by the stream.

use super::times::escape;
use super::words;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tera::{Error, Kwargs, State, TeraResult, Value};

/// What `static/hubs.js` and those beside it say.
const BY_SCRIPT: [&str; 22] = [
    "ago-day",
    "ago-days",
    "ago-future",
    "ago-hours",
    "ago-minutes",
    "ago-now",
    "ago-past",
    "ago-soon",
    "boxes",
    "caught-up",
    "caught-up-none",
    "caught-up-one",
    "changed",
    "changed-others",
    "go-on",
    "live-off",
    "live-on",
    "new-since",
    "not-fetched",
    "open-it-alone",
    "pause",
    "stopped",
];

/// What is marked in `templates/card.html` and what it includes.
const ON_CARDS: [&str; 15] = [
    "after",
    "as-of",
    "could-not-be-made",
    "data",
    "edit",
    "failed",
    "more-about",
    "nothing-yet",
    "open-alone",
    "out-of-date",
    "refreshing",
    "source",
    "tried-again",
    "what-went-wrong",
    "why",
];

/// What scripts fill in.
const PLACES: [&str; 5] = ["n", "all", "time", "titles", "amount"];

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// As in `lang` of HTML.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// `de`, `de-AT`.
    pub fn named(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or("").trim();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// The one that an `Accept-Language` asks for most; English when it is none of ours.
    pub fn preferred(accepted: &str) -> Self {
        let wanted = accepted.split(',').filter_map(|part| {
            let mut parts = part.split(';').map(str::trim);
            let language = Self::named(parts.next()?)?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            (quality > 0.0).then_some((language, quality))
        });
        // Of equals the first.
        let best = wanted.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(language, _)| language).unwrap_or_default()
    }

    fn text(self) -> &'static str {
        match self {
            Self::English => include_str!("en.ftl"),
            Self::German => include_str!("de.ftl"),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
            LazyLock::new(|| Language::ALL.map(bundle));
        &BUNDLES[self as usize]
    }

    /// A message with what is put into it. `None` when there is no such message in any language.
    pub fn say(self, key: &str, args: &[(&str, FluentValue<'_>)]) -> Option<String> {
        [self, Self::English].into_iter().find_map(|language| {
            let bundle = language.bundle();
            let pattern = bundle.get_message(key)?.value()?;
            let args: FluentArgs<'_> = args.iter().cloned().collect();
            Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
        })
    }

    /// A message that takes nothing.
    fn plainly(self, key: &str) -> String {
        self.say(key, &[]).unwrap_or_default()
    }

    /// `vor 5 Min.`: as [`words::ago`], in this language.
    pub(super) fn ago(self, then: Timestamp, now: Timestamp) -> String {
        if self == Self::English {
            return words::ago(then, now);
        }
        let age = words::Age::of(then, now);
        let counted = |key: &str, n: u64| self.say(key, &[("n", n.into())]).unwrap_or_default();
        let amount = match age {
            words::Age::Now { past } => {
                return self.plainly(if past { "ago-now" } else { "ago-soon" });
            }
            words::Age::Date { with_year } => return self.date(then, with_year),
            words::Age::Minutes(n, _) => counted("ago-minutes", n),
            words::Age::Hours(n, _) => counted("ago-hours", n),
            words::Age::Days(1, _) => self.plainly("ago-day"),
            words::Age::Days(n, _) => counted("ago-days", n),
        };
        let key = if age.is_past() { "ago-past" } else { "ago-future" };
        self.say(key, &[("amount", amount.into())]).unwrap_or_default()
    }

    fn date(self, at: Timestamp, with_year: bool) -> String {
        let part = |format: &str| at.strftime(format).to_string();
        let months = self.plainly("ago-months");
        let month = part("%-m").parse().ok().and_then(|nth: usize| months.split(' ').nth(nth - 1));
        let key = if with_year { "ago-date-year" } else { "ago-date" };
        let args = [
            ("day", part("%-d").into()),
            ("month", month.unwrap_or("").into()),
            ("year", part("%Y").into()),
        ];
        self.say(key, &args).unwrap_or_default()
    }

    /// What scripts say, for a page that is not in English, as JSON: places to fill stand in braces, as in `{n}`.
    pub(super) fn script_words(self) -> Option<String> {
        if self == Self::English {
            return None;
        }
        let places = PLACES.map(|name| (name, FluentValue::from(format!("{{{name}}}"))));
        let words = BY_SCRIPT.iter().chain(&ON_CARDS);
        let words: BTreeMap<&str, String> =
            words.filter_map(|key| Some((*key, self.say(key, &places)?))).collect();
        Some(serde_json::to_string(&words).expect("texts are JSON"))
    }

    /// The same HTML, what is marked in it with `data-say` in this language.
    pub(super) fn localised(self, html: String) -> String {
        const MARK: &str = "<span data-say=\"";
        if self == Self::English || !html.contains(MARK) {
            return html;
        }
        let mut said = String::with_capacity(html.len());
        let mut parts = html.split(MARK);
        said.push_str(parts.next().unwrap_or(""));
        for part in parts {
            said.push_str(MARK);
            let words = part.split_once("\">").and_then(|(key, rest)| {
                let (_, after) = rest.split_once("</span>")?;
                Some((key, self.say(key, &[])?, after))
            });
            match words {
                Some((key, words, after)) => {
                    said.extend([key, "\">", &escape(&words), "</span>", after]);
                }
                None => said.push_str(part),
            }
        }
        said
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let tag = language.code().parse().expect("a code is a tag of a language");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Marks around what is put in would show in titles and JSON.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(language.text().to_owned()).expect("a test reads it");
    bundle.add_resource_overriding(resource);
    bundle
}

/// `{{ say(key="and-more", n=3) }}` → what the catalogue has, in the reader's language.
pub(super) fn say(kwargs: Kwargs, state: &State) -> TeraResult<String> {
    let key = kwargs.must_get::<&str>("key")?;
    let code = state.get::<String>("lang")?.unwrap_or_default();
    let given: Vec<(String, FluentValue<'static>)> =
        kwargs.iter().map(|(name, value)| (name.to_string(), fluent(value))).collect();
    let args: Vec<_> = given.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let language = Language::named(&code).unwrap_or_default();
    language.say(key, &args).ok_or_else(|| {
        Error::message(format!(
            "no catalogue has `{key}`; src/render/catalogue/en.ftl has all there is"
        ))
    })
}

fn fluent(value: &Value) -> FluentValue<'static> {
    match value.as_i64() {
        Some(number) => number.into(),
        None => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests;
