//! Names and ids, checked where they enter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// First words of the routes: a hub of such a name could never be reached.
pub const RESERVED: [&str; 14] = [
    "api",
    "edit",
    "events",
    "favicon.ico",
    "healthz",
    "hooks",
    "json",
    "login",
    "logout",
    "metrics",
    "openapi.json",
    "source",
    "static",
    "widgets",
];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("`{0}` is no name of a hub: 1 to 50 of a-z, 0-9, `-`, `_` and `.` make one")]
    Hub(String),
    #[error("`{0}` can't be the name of a hub: it is the first word of a route; choose another")]
    Reserved(String),
    #[error(
        "`{0}` is no name of a widget: words of a-z, 0-9 and `_`, joined by dots, as in `workflow.updates2stable`"
    )]
    Widget(String),
    #[error("`{0}` is no id of an instance: a whole number from 1")]
    Instance(String),
}

/// The name of a hub: 1 to 50 of `a-z 0-9 - _ .`, no first word of a route.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[a-z0-9._-]{1,50}$"))]
pub struct HubName(Arc<str>);

/// The name of a widget as people write it: `badges`, `workflow.updates2stable`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[a-z0-9_]+(\\.[a-z0-9_]+)*$"))]
pub struct WidgetName(Arc<str>);

/// Which instance; from 1, never used again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct InstanceId(pub u64);

impl FromStr for HubName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        let fits = (1..=50).contains(&s.len())
            && s.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
            && s.bytes().any(|b| b != b'.');
        match fits {
            false => Err(NameError::Hub(s.into())),
            true if RESERVED.contains(&s) => Err(NameError::Reserved(s.into())),
            true => Ok(Self(s.into())),
        }
    }
}

impl FromStr for WidgetName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        let word = |w: &str| {
            !w.is_empty()
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if s.len() <= 80 && s.split('.').all(word) {
            Ok(Self(s.into()))
        } else {
            Err(NameError::Widget(s.into()))
        }
    }
}

impl WidgetName {
    /// Where its script and template lie below their folders, without the ending: `workflow/updates2stable`.
    pub fn path(&self) -> String {
        self.0.replace('.', "/")
    }
}

impl FromStr for InstanceId {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        match s.parse() {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(NameError::Instance(s.into())),
        }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! text_name {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(s: String) -> Result<Self, NameError> {
                s.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().into()
            }
        }
    };
}
text_name!(HubName);
text_name!(WidgetName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_routes_can_carry() {
        for good in ["ralph", "a", "i18n", "fedora-qa", "kevin.fenzi", "a_b"] {
            good.parse::<HubName>().unwrap();
        }
        for bad in ["", "Ralph", "a/b", "..", ".", "ü", &"x".repeat(51)] {
            let said = bad.parse::<HubName>().unwrap_err().to_string();
            assert!(said.contains("1 to 50"), "{said}");
        }
        let said = "metrics".parse::<HubName>().unwrap_err().to_string();
        assert_eq!(
            said,
            "`metrics` can't be the name of a hub: it is the first word of a route; choose another"
        );
        assert_eq!(
            "workflow.updates2stable".parse::<WidgetName>().unwrap().path(),
            "workflow/updates2stable"
        );
        for bad in ["", "a..b", "../etc", "A", "a-b", "a/b"] {
            bad.parse::<WidgetName>().unwrap_err();
        }
        assert_eq!(
            "0".parse::<InstanceId>().unwrap_err().to_string(),
            "`0` is no id of an instance: a whole number from 1"
        );
    }
}
