//! What scripts may call beyond Rhai's own: one file a module.
//!
//! Texts, lists and times are for both tiers; what asks somebody else, or what time it is, is for `data` alone. Host
//! code works within the script's deadline and counts what it hands over; its own memory is not the script's. Knows no
//! widget and no message's meaning.

mod cache;
mod datanommer;
mod definitions;
mod fas;
mod feed;
mod github;
mod html;
mod http;
mod hubs;
mod lists;
mod page;
pub mod reference;
mod text;
mod time;
mod waiting;

pub use definitions::definitions;

use crate::cache::Cache;
use crate::config::Sandbox;
use crate::datanommer::Datanommer;
use crate::outbound::{Fas, Github, Outbound};
use crate::script::{Install, Tier, host};
use crate::store::Store;
use rhai::{Dynamic, EvalAltResult, Map};
use std::fmt::Display;
use tokio::runtime::Handle;

/// The rooms that bindings reach into, and where to wait for them.
#[derive(Clone)]
pub struct Host {
    pub outbound: Outbound,
    pub fas: Fas,
    pub github: Github,
    pub datanommer: Datanommer,
    pub cache: Cache,
    pub store: Store,
    pub runtime: Handle,
    pub sandbox: Sandbox,
}

/// All that scripts may call, each tier what is its own.
pub fn install(host: Host) -> Install {
    Install::new(move |tier, tools| give(&host, tier, tools))
}

fn give(host: &Host, tier: Tier, tools: &mut host::Toolbox) {
    for_both(tools);
    if tier == Tier::Data {
        text::register_for_data(&mut tools.global);
        time::register_for_data(&mut tools.global);
        http::register_response(&mut tools.global);
        tools.named.push(("http".into(), http::module(host)));
        tools.named.push(("fas".into(), fas::module(host)));
        tools.named.push(("github".into(), github::module(host)));
        tools.named.push(("datanommer".into(), datanommer::module(host)));
        tools.named.push(("cache".into(), cache::module(host)));
        tools.named.push(("hubs".into(), hubs::module(host)));
    } else {
        without_services(tools);
    }
}

/// For a process that calls nothing but the pure tier: nobody is there to be asked.
pub fn pure() -> Install {
    Install::new(|_, tools| {
        for_both(tools);
        without_services(tools);
    })
}

/// A script compiles whole, its `data` included, also where that is never called: the modules are there, but empty.
fn without_services(tools: &mut host::Toolbox) {
    let empty = ["http", "fas", "github", "datanommer", "cache", "hubs"];
    tools.named.extend(empty.map(|name| (name.to_string(), rhai::Module::new())));
}

fn for_both(tools: &mut host::Toolbox) {
    lists::register(&mut tools.global);
    text::register(&mut tools.global);
    time::register(&mut tools.global);
}

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// `#{ service, status, message }`, thrown. `status` is what the other side answered, 0 when it did not.
fn failed(service: &'static str, status: i64, message: impl Display) -> Box<EvalAltResult> {
    let fields: [(&str, Dynamic); 3] = [
        ("service", service.into()),
        ("status", status.into()),
        ("message", message.to_string().into()),
    ];
    host::thrown(fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Map>())
}

#[cfg(test)]
mod tests;
