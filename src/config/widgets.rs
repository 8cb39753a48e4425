//! Widgets as hubs.toml places them: `[[hub.widget]]` and `[user_hub]`.

use super::document::{Item, Place, Table};
use super::value::{Misfit, choice, name};
use crate::hub::{Column, Config, WidgetName};
use serde_json::Value;
use std::collections::BTreeMap;
use toml::de::DeValue;

/// A widget to be placed. Whether it exists and takes this config is checked where widgets are known.
#[derive(Debug, Clone, PartialEq)]
pub struct WidgetEntry {
    pub widget: WidgetName,
    pub column: Column,
    pub config: Config,
    /// Of the widget's name.
    pub place: Place,
    /// Of each setting in `config`, for what is wrong with one.
    pub config_places: BTreeMap<String, Place>,
}

impl WidgetEntry {
    /// Where a parameter is set; where the widget is, if it is not set.
    pub fn place_of(&self, parameter: &str) -> &Place {
        self.config_places.get(parameter).unwrap_or(&self.place)
    }

    fn built_in(widget: &str, column: Column) -> Self {
        let mut config = Config::new();
        config.insert("username".into(), "{username}".into());
        Self {
            widget: widget.parse().expect("a literal name of a widget"),
            column,
            config,
            place: Place::built_in(),
            config_places: BTreeMap::new(),
        }
    }
}

/// A new user's hub when hubs.toml does not say.
pub(super) fn defaults() -> Vec<WidgetEntry> {
    vec![
        WidgetEntry::built_in("fedmsgs", Column::Left),
        WidgetEntry::built_in("feed", Column::Left),
        WidgetEntry::built_in("avatar", Column::Right),
        WidgetEntry::built_in("fedmsgstats", Column::Right),
        WidgetEntry::built_in("workflow.updates2stable", Column::Right),
        WidgetEntry::built_in("workflow.pendingacls", Column::Right),
        WidgetEntry::built_in("subscriptions", Column::Right),
        WidgetEntry::built_in("badges", Column::Right),
    ]
}

/// A config with `{username}` in its texts replaced by a user's name.
pub fn for_user(config: &Config, username: &str) -> Config {
    fn fill(value: &Value, username: &str) -> Value {
        match value {
            Value::String(text) => text.replace("{username}", username).into(),
            Value::Array(items) => items.iter().map(|item| fill(item, username)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), fill(value, username))).collect()
            }
            other => other.clone(),
        }
    }
    config.iter().map(|(key, value)| (key.clone(), fill(value, username))).collect()
}

pub(super) fn read_user_hub(root: &Table<'_>) -> Vec<WidgetEntry> {
    let Some(table) = root.table("user_hub") else { return defaults() };
    let given = table.has("widgets");
    let widgets = table.tables("widgets").into_iter().filter_map(read).collect();
    table.finish();
    if given { widgets } else { defaults() }
}

pub(super) fn read(table: Table<'_>) -> Option<WidgetEntry> {
    let widget = table.require("widget", |item| Ok((name::<WidgetName>(item)?, item.place())));
    let columns = choice(&[("left", Column::Left), ("right", Column::Right)]);
    let column = table.read("column", columns).unwrap_or(Column::Left);
    let (config, config_places) = table.read("config", config).unwrap_or_default();
    table.finish();
    let (widget, place) = widget?;
    Some(WidgetEntry { widget, column, config, place, config_places })
}

pub(crate) fn config(item: &Item<'_>) -> Result<(Config, BTreeMap<String, Place>), Misfit> {
    let DeValue::Table(entries) = item.value else {
        return Err(Misfit::must_be("a table, as in `{ username = \"ralph\" }`"));
    };
    let (mut config, mut places) = (Config::new(), BTreeMap::new());
    for (key, value) in entries {
        let element = Item { document: item.document, value: value.get_ref(), span: value.span() };
        let name = key.get_ref().to_string();
        config.insert(name.clone(), json(element.value).map_err(|misfit| misfit.at(value.span()))?);
        places.insert(name, element.place());
    }
    Ok((config, places))
}

pub(crate) fn json(value: &DeValue<'_>) -> Result<Value, Misfit> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Integer(_) => super::value::integer(value)
            .ok_or_else(|| Misfit::must_be("a whole number of 64 bits"))?
            .into(),
        DeValue::Float(float) => {
            let finite = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            finite.ok_or_else(|| Misfit::must_be("a finite number"))?.into()
        }
        DeValue::Array(items) => {
            items.iter().map(|item| json(item.get_ref())).collect::<Result<_, _>>()?
        }
        DeValue::Table(entries) => entries
            .iter()
            .map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)))
            .collect::<Result<Config, Misfit>>()?
            .into(),
    })
}
