//! Names of people and groups, before they go into a path.

use super::FasError;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// FASJSON's own rule; what does not fit it is no route there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(Arc<str>);

impl FromStr for Name {
    type Err = FasError;

    fn from_str(given: &str) -> Result<Self, FasError> {
        let fits = given.len() <= 64
            && given.starts_with(|c: char| c.is_ascii_alphanumeric())
            && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if fits {
            Ok(Self(given.into()))
        } else {
            Err(FasError::NoName(given.chars().take(80).collect()))
        }
    }
}

impl Name {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
