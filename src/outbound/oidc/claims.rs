//! Who somebody is, from the claims about them.

use crate::config::Oidc as Settings;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Of a name that people read.
const NAME_CHARACTERS: usize = 128;
/// Nobody is in more.
const GROUPS: usize = 2_000;

/// Who a provider says that somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Theirs for ever, and nobody else's.
    pub subject: String,
    /// As the provider has it.
    pub username: String,
    /// May be empty.
    pub full_name: String,
    pub groups: Vec<String>,
    /// To log out there by.
    pub id_token: String,
}

pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Of an ID token that was checked.
    pub(super) fn of_token(token: &str) -> Option<Self> {
        let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&payload).ok().map(Self)
    }

    /// Adds what userinfo says, which goes before; `false` when that is of somebody else.
    pub(super) fn add(&mut self, told: Map<String, Value>) -> bool {
        let same = told.get("sub").is_some_and(|sub| Some(sub) == self.0.get("sub"));
        if same {
            self.0.extend(told);
        }
        same
    }

    pub(super) fn identity(&self, settings: &Settings, id_token: String) -> Option<Identity> {
        let username = match &settings.username_claim {
            Some(claim) => self.text(claim),
            None => ["nickname", "preferred_username", "sub"].iter().find_map(|it| self.text(it)),
        };
        let groups = self.0.get(&settings.groups_claim).and_then(Value::as_array);
        let groups = groups.into_iter().flatten().filter_map(Value::as_str).take(GROUPS);
        let full_name = self.text("name").unwrap_or_default();
        Some(Identity {
            subject: self.text("sub")?.into(),
            username: username?.into(),
            full_name: full_name
                .chars()
                .filter(|c| !c.is_control())
                .take(NAME_CHARACTERS)
                .collect(),
            groups: groups.map(Into::into).collect(),
            id_token,
        })
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}
