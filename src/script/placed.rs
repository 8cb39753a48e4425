//! `widget` as scripts read it, straight from the instance: nothing is built, and a slip of the pen is an error.

use super::{convert, guards::thrown, run};
use crate::{
    diagnostic::nearest,
    hub::{Config, HUB_FIELDS, Hub, HubKind, Placed},
};
use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Module};
use std::{rc::Rc, sync::Arc};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

const FIELDS: [&str; 5] = ["config", "hub", "id", "name", "page"];

#[derive(Clone)]
pub(super) struct Widget(pub(super) Rc<Placed>);

#[derive(Clone)]
pub(super) struct Settings(pub(super) Arc<Config>);

#[derive(Clone)]
pub(super) struct HubView(pub(super) Arc<Hub>);

impl Widget {
    pub(super) fn field(&self, name: &str) -> Fallible<Dynamic> {
        Ok(match name {
            "id" => i64::try_from(self.0.id.0).unwrap_or(i64::MAX).into(),
            "name" => self.0.name.as_str().into(),
            "config" => Dynamic::from(Settings(self.0.config.clone())),
            "hub" => Dynamic::from(HubView(self.0.hub.clone())),
            "page" => i64::from(self.0.page).into(),
            _ => return missing("widget", name, &FIELDS),
        })
    }
}

impl Settings {
    pub(super) fn field(&self, name: &str) -> Fallible<Dynamic> {
        if let Some(value) = self.0.get(name) {
            return Ok(convert::to_dynamic(value));
        }
        let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
        missing("widget.config", name, &known)
    }
}

impl HubView {
    pub(super) fn field(&self, name: &str) -> Fallible<Dynamic> {
        let hub = &self.0;
        let people = |names: &[String]| -> Dynamic {
            names.iter().map(|name| name.as_str().into()).collect::<Array>().into()
        };
        Ok(match name {
            "name" => hub.name.as_str().into(),
            "kind" => match hub.kind {
                HubKind::User => "user".into(),
                HubKind::Group => "group".into(),
            },
            "summary" => hub.summary.as_str().into(),
            "owners" => people(&hub.owners),
            "members" => people(&hub.members),
            "subscribers" => people(&hub.subscribers),
            "stargazers" => people(&hub.stargazers),
            "days_idle" => {
                let now = run::current().map_or(hub.last_active, |(call, _)| call.now);
                hub.days_idle(now).into()
            }
            "archived" => hub.archived.into(),
            _ => return missing("widget.hub", name, &HUB_FIELDS),
        })
    }
}

/// `widget.config` has no `usernmae`; it has `username` and `limit`: the nearest first.
fn missing(whose: &str, name: &str, known: &[&str]) -> Fallible<Dynamic> {
    Err(thrown(lacks(&format!("`{whose}`"), name, known)))
}

/// A sentence of what is not there and what is, the nearest name first, twelve at most.
pub(super) fn lacks(whose: &str, name: &str, known: &[&str]) -> String {
    let first = nearest(name, known.iter().copied());
    let mut names: Vec<String> = first.iter().map(|n| format!("`{n}`")).collect();
    names.extend(known.iter().filter(|n| Some(**n) != first).map(|n| format!("`{n}`")));
    let more = if names.len() > 12 { ", …" } else { "" };
    names.truncate(12);
    match names.len() {
        0 => format!("{whose} has no `{name}`; it is empty"),
        _ => format!("{whose} has no `{name}`; it has {}{more}", names.join(", ")),
    }
}

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Widget>("widget");
    module.set_custom_type::<Settings>("widget.config");
    module.set_custom_type::<HubView>("widget.hub");
    // Comments that begin with a call are the reference that authors read: bindings/reference.rs takes them from here.
    //
    // `widget.id`, `widget.name` → the instance's number, and the name of the widget, as in `"badges"`.
    //
    // `widget.page` → which page of its entries is asked for, from 1, which is the one on the card.
    //
    // A widget that reads it has further pages: its template links to them by `?page=`. They are made when somebody asks, and
    // not kept.
    //
    // `widget.config` → the parameters by name, defaults filled in: `widget.config.limit`. A name that is no parameter is
    // an error that says which there are.
    for name in FIELDS {
        module.set_getter_fn(name, move |it: &mut Widget| it.field(name));
    }
    // `widget.hub` → the hub that the instance is on.
    //
    // Its fields: `name`, `kind` (`"user"` or `"group"`), `summary`, `owners`, `members`, `subscribers`, `stargazers` (lists
    // of usernames; owners are not repeated among the members), `days_idle` (whole days since something happened there)
    // and `archived`.
    for name in HUB_FIELDS {
        module.set_getter_fn(name, move |it: &mut HubView| it.field(name));
    }
    module.set_indexer_get_fn(|it: &mut Widget, name: ImmutableString| it.field(&name));
    module.set_indexer_get_fn(|it: &mut HubView, name: ImmutableString| it.field(&name));
    module.set_indexer_get_fn(|it: &mut Settings, name: ImmutableString| it.field(&name));
    // `widget.config.contains(name)` → whether there is a parameter of this name.
    module.set_native_fn("contains", |it: &mut Settings, name: &str| Ok(it.0.contains_key(name)));
    // `widget.config.keys()` → the names of all parameters.
    module.set_native_fn("keys", |it: &mut Settings| {
        Ok(it.0.keys().map(|key| key.as_str().into()).collect::<Array>())
    });
    // `widget.config.get(name)` → the value of a parameter, or `()` where there is none of this name.
    module.set_native_fn("get", |it: &mut Settings, name: &str| {
        Ok(it.0.get(name).map_or(Dynamic::UNIT, convert::to_dynamic))
    });
    // `widget.config.to_map()` → a copy as a map, which a script may change and hand on.
    module.set_native_fn("to_map", |it: &mut Settings| {
        Ok(it.0.iter().map(|(k, v)| (k.as_str().into(), convert::to_dynamic(v))).collect::<Map>())
    });
    // `widget.config.to_string()`, `widget.config.to_debug()`, `print(widget.config)`, `debug(widget.config)` → the
    // parameters written out like JSON.
    for name in ["to_string", "to_debug", "print", "debug"] {
        module.set_native_fn(name, |it: &mut Settings| {
            super::guards::text_of(&Dynamic::from(it.clone()))
        });
    }
}
