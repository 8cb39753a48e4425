//! FAS, the accounts of a community: FASJSON, or the old FAS2 in FASJSON's shapes.
//!
//! What leaves this room may stand on a page that everybody sees: no e-mail address of a person, no key and no
//! certificate, and of who wants to be private nothing but the name. The login goes to `[fas] url` and nowhere else, and
//! is in no error. Neither server says how long an answer holds, so answers are kept for some minutes, or until something
//! changed ([`Fas::since`]). Knows no script.

mod answer;
mod door;
mod error;
mod fas2;
mod fasjson;
mod name;
mod shape;
#[cfg(test)]
mod tests;

pub use error::FasError;
pub use name::Name;

use super::Outbound;
use crate::config::{Fas as Settings, FasKind};
use fas2::Fas2;
use fasjson::Fasjson;
use jiff::Timestamp;
use moka::future::Cache;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Who changes something in FAS waits no longer for it where no message tells of it.
const KEEP: Duration = Duration::from_mins(10);
/// Kept answers, all together.
const KEEP_BYTES: u64 = 16 << 20;
/// Of a list of members this much is asked for at once.
pub const PART: usize = 500;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    Person(Name),
    Group(Name),
    Sponsors(Name),
    /// Of a group, the part of this number, counted from 1.
    Members(Name, u32),
    /// Of a person, likewise.
    Groups(Name, u32),
}

impl Question {
    /// For people.
    fn what(&self) -> String {
        match self {
            Self::Person(name) => format!("`{name}`"),
            Self::Group(name) => format!("group `{name}`"),
            Self::Sponsors(name) => format!("the sponsors of group `{name}`"),
            Self::Members(name, _) => format!("the members of group `{name}`"),
            Self::Groups(name, _) => format!("the groups of `{name}`"),
        }
    }
}

/// What FAS said, and how long that was.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// A map, or a list of them.
    pub value: Value,
    pub bytes: usize,
    /// How many parts the list has.
    pub parts: u32,
}

/// An answer, and when it was asked for.
#[derive(Debug)]
struct Known {
    asked: Timestamp,
    told: Option<Told>,
}

/// Clones share the session and what is kept.
#[derive(Clone)]
pub struct Fas {
    server: Server,
    kept: Cache<Question, Arc<Known>>,
    since: Option<Timestamp>,
}

#[derive(Clone)]
enum Server {
    /// hubs.toml names none.
    Nobody,
    Fasjson(Fasjson),
    Fas2(Fas2),
}

impl Fas {
    pub fn new(outbound: &Outbound, settings: Option<&Settings>) -> Self {
        Self::of(match settings {
            None => Server::Nobody,
            Some(settings) => match settings.kind {
                FasKind::Fasjson => Server::Fasjson(Fasjson::new(outbound, settings)),
                FasKind::Fas2 => Fas2::new(outbound, settings).map_or(Server::Nobody, Server::Fas2),
            },
        })
    }

    /// As it is on cassettes: under the address of Fedora's own FASJSON. Where one is recorded the FASJSON of the settings is
    /// asked; without these nobody is, as nobody could log in.
    pub fn on_cassette(outbound: &Outbound, settings: Option<&Settings>) -> Self {
        let asked = settings.filter(|settings| settings.kind == FasKind::Fasjson);
        Self::of(match asked {
            _ if outbound.is_replaying() => Server::Fasjson(Fasjson::without_login(outbound)),
            Some(settings) => Server::Fasjson(Fasjson::filed(outbound, settings)),
            None => Server::Nobody,
        })
    }

    fn of(server: Server) -> Self {
        let weight = |_: &Question, known: &Arc<Known>| {
            let bytes = known.told.as_ref().map_or(0, |told| told.bytes);
            u32::try_from(bytes + 256).unwrap_or(u32::MAX)
        };
        let kept =
            Cache::builder().time_to_live(KEEP).max_capacity(KEEP_BYTES).weigher(weight).build();
        Self { server, kept, since: None }
    }

    /// The same, but no answer from before this time counts.
    #[must_use]
    pub fn since(&self, changed: Timestamp) -> Self {
        Self { since: Some(changed), ..self.clone() }
    }

    /// The answer, or nothing where FAS has no such person or group. Who asks the same at the same time shares it.
    pub async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<Option<Told>, FasError> {
        if let Some(since) = self.since
            && self.kept.get(question).await.is_some_and(|known| known.asked < since)
        {
            self.kept.invalidate(question).await;
        }
        let known = match self.shared(question, deadline).await {
            // It may have been another's deadline, who had less time left.
            Err(error) if error.is_late() && Instant::now() < deadline => {
                self.shared(question, deadline).await?
            }
            known => known?,
        };
        if self.since.is_some_and(|since| known.asked < since) {
            // Somebody had asked before the change, and was answered just now.
            self.kept.invalidate(question).await;
            return Ok(self.shared(question, deadline).await?.told.clone());
        }
        Ok(known.told.clone())
    }

    /// As whom it lets us in. Asked anew each time.
    pub async fn who(&self, deadline: Instant) -> Result<String, FasError> {
        match &self.server {
            Server::Nobody => Err(FasError::Nobody),
            Server::Fasjson(server) => server.who(deadline).await,
            Server::Fas2(server) => server.who(deadline).await,
        }
    }

    async fn shared(&self, question: &Question, deadline: Instant) -> Result<Arc<Known>, FasError> {
        let asking = async {
            let asked = Timestamp::now();
            let told = self.asked(question, deadline).await?;
            Ok(Arc::new(Known { asked, told }))
        };
        let known = self.kept.try_get_with_by_ref(question, asking).await;
        known.map_err(|error: Arc<FasError>| (*error).clone())
    }

    async fn asked(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<Option<Told>, FasError> {
        match &self.server {
            Server::Nobody => Err(FasError::Nobody),
            Server::Fasjson(server) => server.ask(question, deadline).await,
            Server::Fas2(server) => server.ask(question, deadline).await,
        }
    }
}
