//! FASJSON, version 1: what is asked of it, and how it answers.

use super::answer::{said, text};
use super::door::Door;
use super::{FasError, PART, Question, Told, shape};
use crate::config::{Fas as Settings, FasLogin};
use crate::outbound::{Answer, Outbound};
use reqwest::Url;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

/// Fedora's, under whose address all are on cassettes.
const FEDORA: &str = "https://fasjson.fedoraproject.org";

#[derive(Clone)]
pub(super) struct Fasjson {
    outbound: Outbound,
    /// With `/v1` at its end.
    api: Arc<str>,
    door: Door,
}

impl Fasjson {
    pub(super) fn new(outbound: &Outbound, settings: &Settings) -> Self {
        Self::below(outbound, &settings.url, Some(settings.login.clone()))
    }

    pub(super) fn without_login(outbound: &Outbound) -> Self {
        let url = FEDORA.parse().expect("a literal address");
        Self::below(outbound, &url, None)
    }

    /// For a cassette that is recorded.
    pub(super) fn filed(outbound: &Outbound, settings: &Settings) -> Self {
        Self::new(&outbound.filing(base(&settings.url), FEDORA), settings)
    }

    fn below(outbound: &Outbound, url: &Url, login: Option<FasLogin>) -> Self {
        let base = base(url);
        Self {
            outbound: outbound.clone(),
            api: format!("{base}/v1").into(),
            door: Door::new(url, login),
        }
    }

    pub(super) async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<Option<Told>, FasError> {
        // With the slash at the end, as without it FASJSON sends on.
        let (path, part, mask) = match question {
            Question::Person(name) => (format!("/users/{name}/"), None, shape::person_mask()),
            Question::Group(name) => (format!("/groups/{name}/"), None, shape::GROUP_MASK.into()),
            Question::Sponsors(name) => {
                (format!("/groups/{name}/sponsors/"), None, shape::MEMBER_MASK.into())
            }
            Question::Members(name, part) => {
                (format!("/groups/{name}/members/"), Some(*part), shape::MEMBER_MASK.into())
            }
            Question::Groups(name, part) => {
                (format!("/users/{name}/groups/"), Some(*part), shape::GROUPS_MASK.into())
            }
        };
        let answer = self.get(&path, part, mask, deadline).await?;
        let Some(mut envelope) = self.read(&question.what(), &answer)? else { return Ok(None) };
        // Not `next_page`: where a page was asked for by its number it names that same page for ever.
        let parts = envelope["page"]["total_pages"].as_u64().unwrap_or(1);
        let result = envelope["result"].take();
        // A locked account is not there.
        if matches!(question, Question::Person(_)) && result["locked"] == true {
            return Ok(None);
        }
        let value = shaped(question, &result).ok_or_else(|| {
            let (what, status) = (question.what(), answer.status);
            FasError::Nonsense { what, status, why: "it is in none of FASJSON's shapes" }
        })?;
        let parts = u32::try_from(parts).unwrap_or(u32::MAX);
        Ok(Some(Told { value, bytes: answer.body.len(), parts }))
    }

    /// As whom it knows us, by its own word.
    pub(super) async fn who(&self, deadline: Instant) -> Result<String, FasError> {
        let headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let at = self.at("/me/");
        let answer = self.door.get(&self.outbound, &at, (headers, &[]), deadline).await?;
        let what = "hubs itself";
        let envelope = self.read(what, &answer)?;
        let envelope = envelope.ok_or_else(|| FasError::NotThere { url: self.api.to_string() })?;
        let me = &envelope["result"];
        let name = text(me, "username").or(text(me, "service"));
        let (status, why) = (answer.status, "it names neither a person nor a service");
        name.map(Into::into).ok_or(FasError::Nonsense { what: what.into(), status, why })
    }

    async fn get(
        &self,
        path: &str,
        part: Option<u32>,
        mask: String,
        deadline: Instant,
    ) -> Result<Answer, FasError> {
        let headers =
            vec![("accept".to_owned(), "application/json".to_owned()), ("x-fields".into(), mask)];
        let query: Vec<_> = part.map_or(vec![], |part| {
            vec![("page_size".into(), PART.to_string()), ("page_number".into(), part.to_string())]
        });
        self.door.get(&self.outbound, &self.at(path), (headers, &query), deadline).await
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.api)
    }

    /// The envelope, or nothing where FASJSON has no such person or group.
    fn read(&self, what: &str, answer: &Answer) -> Result<Option<Value>, FasError> {
        let body = serde_json::from_slice::<Value>(&answer.body);
        let (what, status) = (what.to_owned(), answer.status);
        let why = "it is no JSON";
        match (status, body) {
            (200..=299, Ok(body)) => Ok(Some(body)),
            (200..=299, Err(_)) => Err(FasError::Nonsense { what, status, why }),
            (404, Ok(body)) if body.get("name").or(body.get("groupname")).is_some() => Ok(None),
            (404, _) => Err(FasError::NotThere { url: self.api.to_string() }),
            (401 | 403, body) => {
                Err(self.door.refusal(status, &reason(status, &body.unwrap_or_default())))
            }
            (_, body) => {
                let said = said(&reason(status, &body.unwrap_or_default()), &[]);
                Err(FasError::Refused { what, status, said })
            }
        }
    }
}

fn base(url: &Url) -> &str {
    url.as_str().trim_end_matches('/').trim_end_matches("/v1")
}

/// `None`: it is of another shape.
fn shaped(question: &Question, result: &Value) -> Option<Value> {
    let each = |shape: fn(&Value) -> Option<Value>| {
        result.as_array()?.iter().map(shape).collect::<Option<Value>>()
    };
    match question {
        Question::Person(_) => shape::person(result),
        Question::Group(_) => shape::group(result),
        Question::Sponsors(_) | Question::Members(..) => each(shape::member),
        Question::Groups(..) => each(shape::membership),
    }
}

fn reason(status: u16, body: &Value) -> String {
    let Some(message) = body["message"].as_str() else {
        return format!("it answers {status} without a reason");
    };
    let fields = body["errors"].as_object().into_iter().flatten();
    let fields = fields.filter_map(|(name, why)| Some(format!("`{name}` {}", why.as_str()?)));
    std::iter::once(message.to_owned()).chain(fields.take(3)).collect::<Vec<_>>().join(": ")
}
