//! What `data()` may call: one file per module.

use crate::cache::Cache;
use crate::config::Sandbox;
use crate::datanommer::Datanommer;
use crate::outbound::Outbound;
use crate::script::Install;
use crate::store::Store;

pub struct Host {
    pub outbound: Outbound,
    pub datanommer: Datanommer,
    pub cache: Cache,
    pub store: Store,
    pub runtime: tokio::runtime::Handle,
    pub sandbox: Sandbox,
}

pub fn install(_host: Host) -> Install {
    pure()
}

pub fn pure() -> Install {
    Install::new(|_, _| {})
}
