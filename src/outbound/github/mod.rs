//! GitHub: its REST interface page by page, and GraphQL, within the limits that it names.
//!
//! The token goes to `[github] url` and nowhere else, and is in no error. Without one all that is public is there, 60
//! requests an hour. Before each request the limits are looked at: it waits for them where the script's deadline allows.
//! Else an answer of the last hours is given, if one is kept from after what changed; without that it fails and says
//! until when. Knows no script.

mod answer;
mod error;
mod fields;
mod limits;
mod request;
mod standing;
#[cfg(test)]
mod tests;

pub use error::GithubError;
pub use request::{Ask, Kind, Listing, Login, Repository};
pub use standing::Standing;

use super::{Answer, Body, Get, Outbound, Post};
use crate::config::{Github as Settings, Secret};
use jiff::Timestamp;
use limits::{Closed, Limits, Resource, UnderWay};
use reqwest::Url;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Of which versions of the interface this was written.
const VERSION: &str = "2022-11-28";
/// What a request takes once it may go: who waits for a limit must have that much left.
const JOURNEY: Duration = Duration::from_secs(1);
/// Where a limit was passed and waited for, it is asked once more.
const TRIES: usize = 2;
/// While nothing may be asked an older answer will do; limits begin anew within an hour.
const OLDEST: Duration = Duration::from_hours(6);

/// What GitHub said, and how long that was.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub value: Value,
    pub bytes: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub items: Vec<Value>,
    /// The address of the next one.
    pub next: Option<String>,
    pub bytes: usize,
    /// How many a search found, and whether it gave up before the end.
    pub total: Option<u64>,
    pub is_incomplete: bool,
}

/// Clones share what is known of limits.
#[derive(Clone)]
pub struct Github {
    outbound: Outbound,
    api: Url,
    token: Option<Secret>,
    hosts: Arc<[String]>,
    limits: Limits,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Github {
    /// The same, but no answer from before this time counts unasked.
    #[must_use]
    pub fn since(&self, changed: Timestamp) -> Self {
        Self { outbound: self.outbound.since(changed), ..self.clone() }
    }

    pub fn new(outbound: &Outbound, settings: &Settings) -> Self {
        Self {
            outbound: outbound.clone(),
            hosts: [super::hosts::entry_for(&settings.url)].into(),
            api: settings.url.clone(),
            token: settings.token.clone(),
            limits: Limits::default(),
            clock: Arc::new(Timestamp::now),
        }
    }

    /// As everybody sees it: what is recorded for tests must not hold what only a token may see.
    pub fn anonymous(outbound: &Outbound) -> Self {
        Self::new(outbound, &Settings::default())
    }

    /// One thing, or nothing where GitHub has none, or does not show it.
    pub async fn one(&self, ask: &Ask, deadline: Instant) -> Result<Option<Told>, GithubError> {
        let url = self.below(&ask.path);
        let answer = self.get(&url, &ask.query, deadline).await?;
        if matches!(answer.status, 204 | 404) {
            return Ok(None);
        }
        let value = self.json(&answer, &ask.what)?;
        let value = match ask.fields {
            Some(fields) => fields::pick(&value, fields),
            None => value,
        };
        Ok(Some(Told { value, bytes: answer.body.len() }))
    }

    /// The first page of a list, or the one that an earlier page named.
    pub async fn page(
        &self,
        listing: &Listing,
        next: Option<&str>,
        deadline: Instant,
    ) -> Result<Page, GithubError> {
        let Ask { path, query, what, .. } = &listing.ask;
        let answer = match next {
            Some(next) => self.get(next, &[], deadline).await?,
            None => self.get(&self.below(path), query, deadline).await?,
        };
        let bytes = answer.body.len();
        // A repository without commits is a conflict; one without contributors has no content.
        if matches!(answer.status, 204 | 409) {
            let items = Vec::new();
            return Ok(Page { items, next: None, bytes, total: None, is_incomplete: false });
        }
        let value = self.json(&answer, what)?;
        let items = listing.items(&value).ok_or_else(|| GithubError::Nonsense {
            what: what.clone(),
            status: answer.status,
            why: "there is no list in it".into(),
        })?;
        let next = match answer::next(&answer) {
            Some(next) if self.is_ours(&next) => Some(next),
            Some(_) => return Err(GithubError::ForeignPage { what: what.clone() }),
            None => None,
        };
        let total = value.get("total_count").and_then(Value::as_u64);
        let is_incomplete = value.get("incomplete_results") == Some(&true.into());
        Ok(Page { items, next, bytes, total, is_incomplete })
    }

    /// `data` of an answer without errors. Only questions that read are asked: a script must not change anything there.
    pub async fn graphql(
        &self,
        query: &str,
        variables: &Value,
        deadline: Instant,
    ) -> Result<Told, GithubError> {
        for word in ["mutation", "subscription"] {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if query.split(|c| !is_part(c)).any(|part| part == word) {
                return Err(GithubError::NotReading(word));
            }
        }
        if self.token.is_none() && !self.outbound.is_replaying() {
            return Err(GithubError::NoToken);
        }
        let body = json!({ "query": query, "variables": variables }).to_string();
        let (url, headers) = (self.graphql_address(), self.headers());
        for _ in 0..TRIES {
            let under_way = self.admit(Resource::Graphql, deadline).await?;
            let (hosts, body) = (&*self.hosts, Body::Json(&body));
            let post = Post { url: &url, headers: &headers, body, hosts, deadline };
            let answer = self.outbound.post(&post).await?;
            let now = (self.clock)();
            let is_over = self.limits.learn(Resource::Graphql, &answer, now);
            drop(under_way);
            if is_over {
                continue;
            }
            let mut value = self.json(&answer, "a question of GraphQL")?;
            if answer::is_rate_limited(&value) {
                self.limits.used_up(Resource::Graphql, now);
                continue;
            }
            if let Some(said) = answer::graphql_errors(&value) {
                let said = self.without_token(&said);
                return Err(GithubError::Graphql { status: answer.status, said });
            }
            return Ok(Told { value: value["data"].take(), bytes: answer.body.len() });
        }
        Err(self.closed(Resource::Graphql))
    }

    async fn get(
        &self,
        url: &str,
        query: &[(String, String)],
        deadline: Instant,
    ) -> Result<Answer, GithubError> {
        let resource = Resource::of_path(url.strip_prefix(self.api()).unwrap_or_default());
        let headers = self.headers();
        let get = Get { url, headers: &headers, query, hosts: &self.hosts, deadline };
        for _ in 0..TRIES {
            let under_way = match self.admit(resource, deadline).await {
                Ok(under_way) => under_way,
                Err(refused) => return self.outbound.kept(&get, OLDEST).ok_or(refused),
            };
            let answer = self.outbound.get(&get).await?;
            let is_over = self.limits.learn(resource, &answer, (self.clock)());
            drop(under_way);
            if !is_over {
                return Ok(answer);
            }
        }
        self.outbound.kept(&get, OLDEST).ok_or_else(|| self.closed(resource))
    }

    /// Lets a request go as soon as the limits allow, or says why it does not.
    async fn admit(&self, resource: Resource, deadline: Instant) -> Result<UnderWay, GithubError> {
        loop {
            let now = (self.clock)();
            let closed = match self.limits.enter(resource, now) {
                Ok(under_way) => return Ok(under_way),
                Err(closed) => closed,
            };
            let wait = Duration::try_from(closed.until().duration_since(now)).unwrap_or_default();
            if wait + JOURNEY > deadline.saturating_duration_since(Instant::now()) {
                return Err(self.refusal(resource, closed));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// The limit that an answer spoke of, after all tries.
    fn closed(&self, resource: Resource) -> GithubError {
        let now = (self.clock)();
        let closed = self.limits.enter(resource, now).err();
        self.refusal(resource, closed.unwrap_or(Closed::Paused { until: now }))
    }

    fn refusal(&self, resource: Resource, closed: Closed) -> GithubError {
        match closed {
            Closed::Used { limit, until } => {
                let with_token = self.token.is_some();
                GithubError::LimitReached { resource, limit, until, with_token }
            }
            Closed::Paused { until } => GithubError::Paused { until },
        }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("accept".to_owned(), "application/vnd.github+json".to_owned()),
            ("x-github-api-version".to_owned(), VERSION.to_owned()),
        ];
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {}", token.reveal())));
        }
        headers
    }

    /// Without a slash at its end.
    fn api(&self) -> &str {
        self.api.as_str().trim_end_matches('/')
    }

    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.api())
    }

    /// Enterprise servers have it beside the REST interface, not below.
    fn graphql_address(&self) -> String {
        format!("{}/graphql", self.api().trim_end_matches("/v3"))
    }

    fn is_ours(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.api.origin())
    }

    fn json(&self, answer: &Answer, what: &str) -> Result<Value, GithubError> {
        answer::json(answer, what, self.token.is_some()).map_err(|error| match error {
            GithubError::WrongToken(said) => GithubError::WrongToken(self.without_token(&said)),
            GithubError::Refused { what, status, said } => {
                GithubError::Refused { what, status, said: self.without_token(&said) }
            }
            other => other,
        })
    }

    /// GitHub does not repeat a token; but who stands between might.
    fn without_token(&self, said: &str) -> String {
        match &self.token {
            Some(token) => said.replace(token.reveal(), "***"),
            None => said.into(),
        }
    }
}
