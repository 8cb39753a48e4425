//! What a hub says of itself: summary, pictures, columns, who sees it, whether it rests.

use super::merge::Three;
use super::{Conflict, Done, EditError, Editing, Misfit, What};
use crate::hub::{Config, Hub, Visibility};
use crate::store::hubs;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub const SUMMARY_LETTERS: usize = 200;
pub const URL_LETTERS: usize = 1_000;

/// The fields that owners may change, as JSON has them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Details {
    pub summary: String,
    /// An address; empty means that one is made from the name.
    pub avatar: String,
    /// An address; empty means that one is made from the name.
    pub banner: String,
    /// In twelfths, 1 to 11.
    pub left_width: u8,
    pub visibility: Visibility,
    pub archived: bool,
}

impl Details {
    pub const NAMES: [&'static str; 6] =
        ["summary", "avatar", "banner", "left_width", "visibility", "archived"];

    pub fn of(hub: &Hub) -> Self {
        Self {
            summary: hub.summary.clone(),
            avatar: hub.avatar.clone(),
            banner: hub.banner.clone(),
            left_width: hub.left_width,
            visibility: hub.visibility,
            archived: hub.archived,
        }
    }

    pub fn to_map(&self) -> Config {
        let Ok(Value::Object(map)) = serde_json::to_value(self) else { return Config::new() };
        map
    }

    /// These fields, the others as they are. All that does not fit is told at once.
    pub fn with(mut self, given: &Config) -> Result<Self, Vec<Misfit>> {
        let mut wrong = Vec::new();
        for (name, value) in given {
            if let Err(misfit) = self.set(name, value) {
                wrong.push(misfit);
            }
        }
        if wrong.is_empty() { Ok(self) } else { Err(wrong) }
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), Misfit> {
        let Some(name) = Self::NAMES.into_iter().find(|known| *known == name) else {
            let fits = format!("one of {}", Self::NAMES.join(", "));
            return Err(Misfit { name: "details", given: format!("`{}`", cut(name)), fits });
        };
        let must = |fits: &str| Misfit { name, given: cut(&value.to_string()), fits: fits.into() };
        match name {
            "summary" => {
                let fits = |text: &&str| {
                    text.chars().count() <= SUMMARY_LETTERS && !text.contains(char::is_control)
                };
                let text = value.as_str().map(str::trim).filter(fits);
                let fits = format!("one line of at most {SUMMARY_LETTERS} letters");
                text.ok_or_else(|| must(&fits))?.clone_into(&mut self.summary);
            }
            "avatar" => self.avatar = picture(value).ok_or_else(|| must(PICTURE))?,
            "banner" => self.banner = picture(value).ok_or_else(|| must(PICTURE))?,
            "left_width" => {
                let width = value.as_u64().and_then(|width| u8::try_from(width).ok());
                let width = width.filter(|width| (1..=11).contains(width));
                self.left_width = width.ok_or_else(|| must("a whole number from 1 to 11"))?;
            }
            "visibility" => {
                let read = serde_json::from_value(value.clone());
                self.visibility = read.map_err(|_| must("public, preview or private"))?;
            }
            _ => self.archived = value.as_bool().ok_or_else(|| must("true or false"))?,
        }
        Ok(())
    }
}

const PICTURE: &str = "empty, or the address of a picture that starts with https://";

fn picture(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let fits = text.is_empty()
        || text.len() <= URL_LETTERS
            && url::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host());
    fits.then(|| text.to_owned())
}

/// As an error shows it.
fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl Editing<'_> {
    pub(super) async fn describe(
        &mut self,
        given: Config,
        seen: u64,
    ) -> Result<Option<Done>, EditError> {
        let now = Details::of(&self.sheet.hub);
        let current = now.to_map();
        // In the words of the store: what somebody wrote with a space behind it is no other text.
        let wanted = now.clone().with(&given).map_err(EditError::Unfit)?.to_map();
        let named = |map: &Config| -> Config {
            let kept = map.iter().filter(|(name, _)| given.contains_key(*name));
            kept.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let (changes, whole) = self.since(seen).await?;
        let described = || changes.iter().filter(|change| change.what == What::Described);
        let mut base = current.clone();
        for change in described() {
            base.extend(change.before.as_object().cloned().unwrap_or_default());
        }
        let three = Three {
            base: whole.then(|| named(&base)).as_ref(),
            current: &named(&current),
            wanted: &named(&wanted),
        }
        .merged();
        let merged = three.map_err(|clashes| {
            let by = described().next().map_or("somebody", |change| &change.who);
            EditError::Conflict(Conflict::boxed(seen, self.sheet.version, by, clashes))
        })?;
        self.set_details(&merged).await
    }

    /// Writes those that differ.
    pub(super) async fn set_details(&mut self, wanted: &Config) -> Result<Option<Done>, EditError> {
        let before = Details::of(&self.sheet.hub);
        let after = before.clone().with(wanted).map_err(EditError::Unfit)?;
        if before == after {
            return Ok(None);
        }
        hubs::write_details(self.writing, &self.sheet.hub.name, &after).await?;
        let (mut before, mut after) = (before.to_map(), after.to_map());
        let same: Vec<_> = before
            .iter()
            .filter(|(k, v)| after.get(*k) == Some(*v))
            .map(|(k, _)| k.clone())
            .collect();
        for name in same {
            before.remove(&name);
            after.remove(&name);
        }
        Ok(Some(Done::new(What::Described, before, after)))
    }
}
