//! `[auth]`: how people log in.

use super::{document::Table, value::Misfit};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auth {
    /// Anybody is who they say they are: for one's own machine only.
    #[default]
    Dev,
}

pub(super) fn read(root: &Table<'_>) -> Auth {
    let mut auth = Auth::default();
    let Some(table) = root.table("auth") else { return auth };
    table.set("kind", &mut auth, |item| match item.value.as_str() {
        Some("dev") => Ok(Auth::Dev),
        Some("oidc") => Err(Misfit::advises(
            "OpenID Connect comes with a later version of hubs",
            "write \"dev\" for now",
        )),
        _ => Err(Misfit::must_be("\"dev\"")),
    });
    table.finish();
    auth
}
