//! Parsers of single values: each says what would fit.

use super::document::Item;
use crate::hub::NameError;
use std::{fmt::Display, ops::Range, ops::RangeInclusive, str::FromStr, time::Duration};
use toml::de::DeValue;

/// Why a value is refused.
pub(crate) enum Misfit {
    /// "… is 5, but must be FITS".
    MustBe { fits: String, span: Option<Range<usize>>, given: Option<String> },
    /// A sentence of its own.
    Says { message: String, span: Option<Range<usize>>, help: Option<String> },
}

impl Misfit {
    pub(crate) fn must_be(fits: impl Into<String>) -> Self {
        Self::MustBe { fits: fits.into(), span: None, given: None }
    }

    pub(crate) fn says(message: impl Display) -> Self {
        Self::Says { message: message.to_string(), span: None, help: None }
    }

    /// As [`Misfit::says`], with what to do.
    pub(crate) fn advises(message: impl Display, help: impl Into<String>) -> Self {
        Self::Says { message: message.to_string(), span: None, help: Some(help.into()) }
    }

    /// At a part of the value, unless a part of that is already named.
    pub(crate) fn at(mut self, place: Range<usize>) -> Self {
        let (Self::MustBe { span, .. } | Self::Says { span, .. }) = &mut self;
        span.get_or_insert(place);
        self
    }
}

impl From<NameError> for Misfit {
    fn from(error: NameError) -> Self {
        Self::says(error)
    }
}

pub(crate) fn text(item: &Item<'_>) -> Result<String, Misfit> {
    item.value.as_str().map(Into::into).ok_or_else(|| Misfit::must_be("text in quotes"))
}

pub(crate) fn flag(item: &Item<'_>) -> Result<bool, Misfit> {
    item.value.as_bool().ok_or_else(|| Misfit::must_be("`true` or `false`"))
}

/// A text whose type knows what fits it.
pub(crate) fn name<T: FromStr<Err = NameError>>(item: &Item<'_>) -> Result<T, Misfit> {
    Ok(text(item)?.parse()?)
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(choices: &[(&str, T)]) -> impl Fn(&Item<'_>) -> Result<T, Misfit> {
    move |item| {
        let found = item.value.as_str().and_then(|given| choices.iter().find(|(w, _)| *w == given));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<String> = choices.iter().map(|(w, _)| format!("\"{w}\"")).collect();
            Misfit::must_be(words.join(" or "))
        })
    }
}

pub(crate) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&Item<'_>) -> Result<T, Misfit>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    move |item| {
        let given = integer(item.value).and_then(|number| T::try_from(number).ok());
        given.filter(|number| range.contains(number)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            Misfit::must_be(format!("a whole number from {from} to {to}"))
        })
    }
}

pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(integer) = value else { return None };
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Text such as `500us`, `10s`, `1h 30m`.
pub(crate) fn duration(
    range: RangeInclusive<Duration>,
) -> impl Fn(&Item<'_>) -> Result<Duration, Misfit> {
    move |item| {
        let given = item.value.as_str().and_then(|text| text.parse::<jiff::SignedDuration>().ok());
        let given = given.and_then(|duration| Duration::try_from(duration).ok());
        given.filter(|duration| range.contains(duration)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            Misfit::must_be(format!(
                "a time from \"{from:?}\" to \"{to:?}\", as in \"500us\" or \"10s\""
            ))
        })
    }
}

/// A number of bytes, or text such as `32 MiB`.
pub(crate) fn bytes(range: RangeInclusive<usize>) -> impl Fn(&Item<'_>) -> Result<usize, Misfit> {
    move |item| {
        let given = match item.value {
            DeValue::String(text) => size(text),
            value => integer(value).and_then(|bytes| usize::try_from(bytes).ok()),
        };
        given.filter(|bytes| range.contains(bytes)).ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            Misfit::must_be(format!(
                "{from} to {to} bytes, as a number or as in \"16 KiB\", \"32 MiB\""
            ))
        })
    }
}

fn size(text: &str) -> Option<usize> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: usize = match text[digits..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<usize>().ok()?.checked_mul(unit)
}

/// A list of what `each` takes. What is wrong with an element is shown at the element.
pub(crate) fn list<'d, T>(
    each: impl Fn(&Item<'d>) -> Result<T, Misfit>,
) -> impl Fn(&Item<'d>) -> Result<Vec<T>, Misfit> {
    move |item| {
        let DeValue::Array(values) = item.value else {
            return Err(Misfit::must_be("a list, as in `[\"…\"]`"));
        };
        let read = values.iter().map(|value| {
            let element =
                Item { document: item.document, value: value.get_ref(), span: value.span() };
            each(&element).map_err(|misfit| match misfit.at(value.span()) {
                Misfit::MustBe { fits, span, given } => Misfit::MustBe {
                    fits: format!("a list of {fits}"),
                    span,
                    given: given.or_else(|| Some(format!("a list with {}", element.given()))),
                },
                says @ Misfit::Says { .. } => says,
            })
        });
        read.collect()
    }
}
