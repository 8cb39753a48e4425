//! The old FAS: everything is posted as a form, and failures come with status 200.
//!
//! The password is sent once; after that a session stands for it, until FAS forgets that.

use super::answer::{said, text};
use super::{FasError, Question, Told, shape};
use crate::config::{Fas as Settings, FasLogin, Secret};
use crate::outbound::{Answer, Body, Outbound, Post, hosts};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::sync::Arc;
use tokio::time::Instant;

/// A session's name is a hash; a longer one is something else.
const MAX_SESSION: usize = 200;

#[derive(Clone)]
pub(super) struct Fas2 {
    outbound: Outbound,
    /// Without a slash at its end.
    base: Arc<str>,
    hosts: Arc<[String]>,
    username: Arc<str>,
    password: Secret,
    session: Arc<Mutex<Option<Secret>>>,
}

impl Fas2 {
    /// With another login than a password there is no such thing.
    pub(super) fn new(outbound: &Outbound, settings: &Settings) -> Option<Self> {
        let FasLogin::Password { username, password } = &settings.login else { return None };
        Some(Self {
            outbound: outbound.clone(),
            base: settings.url.as_str().trim_end_matches('/').into(),
            hosts: [hosts::entry_for(&settings.url)].into(),
            username: username.as_str().into(),
            password: password.clone(),
            session: Arc::default(),
        })
    }

    pub(super) async fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> Result<Option<Told>, FasError> {
        let (told, bytes) = match question {
            Question::Person(name) => {
                let (person, bytes) = self.person(question, name.as_str(), deadline).await?;
                (person.map(|from| shape::person(&as_person(&from))), bytes)
            }
            Question::Groups(name, _) => {
                let (person, bytes) = self.person(question, name.as_str(), deadline).await?;
                let groups = |from: Value| {
                    let all = from["approved_memberships"].as_array()?;
                    let groups = all.iter().map(|group| shape::membership(&as_group(group)));
                    groups.collect::<Option<Value>>()
                };
                (person.map(groups), bytes)
            }
            Question::Group(name) => {
                let (group, bytes) = self.group(question, name.as_str(), deadline).await?;
                (group.map(|from| shape::group(&as_group(&from))), bytes)
            }
            Question::Members(name, _) | Question::Sponsors(name) => {
                let path = format!("/group/dump/{name}");
                match self.call(question, &path, &[], deadline).await {
                    Ok((reply, bytes)) => (Some(people(question, &reply)), bytes),
                    Err(refused @ (FasError::Refused { .. } | FasError::NotThere { .. })) => {
                        // It complains of a group that is not there as of anything else.
                        let (group, bytes) = self.group(question, name.as_str(), deadline).await?;
                        if group.is_some() {
                            return Err(refused);
                        }
                        (None, bytes)
                    }
                    // To ask once more would send a wrong password once more.
                    Err(other) => return Err(other),
                }
            }
        };
        let Some(value) = told else { return Ok(None) };
        let value = value.ok_or_else(|| {
            let why = "it is in none of the shapes of FAS2";
            FasError::Nonsense { what: question.what(), status: 200, why }
        })?;
        Ok(Some(Told { value, bytes, parts: 1 }))
    }

    /// As whom it knows us: it is asked for our own account.
    pub(super) async fn who(&self, deadline: Instant) -> Result<String, FasError> {
        let question = Question::Person(self.username.parse()?);
        self.person(&question, &self.username, deadline).await?;
        Ok(self.username.to_string())
    }

    async fn person(
        &self,
        question: &Question,
        name: &str,
        deadline: Instant,
    ) -> Result<(Option<Value>, usize), FasError> {
        let asked = [("username", name)];
        let found = self.call(question, "/json/person_by_username", &asked, deadline).await;
        found.map(|(reply, bytes)| (one(reply, "person"), bytes))
    }

    async fn group(
        &self,
        question: &Question,
        name: &str,
        deadline: Instant,
    ) -> Result<(Option<Value>, usize), FasError> {
        let asked = [("groupname", name)];
        let found = self.call(question, "/json/group_by_name", &asked, deadline).await;
        found.map(|(reply, bytes)| (one(reply, "group"), bytes))
    }

    /// One call, with the session where there is one, else, or when that has ended, with the password.
    async fn call(
        &self,
        question: &Question,
        path: &str,
        fields: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<(Value, usize), FasError> {
        let session = self.session.lock().clone();
        let mut answer = self.post(path, fields, session.as_ref(), deadline).await?;
        if session.is_some() && matches!(answer.status, 401 | 403) {
            *self.session.lock() = None;
            answer = self.post(path, fields, None, deadline).await?;
        }
        let reply = self.read(question, &answer)?;
        if let Some(session) = session_of(&answer) {
            *self.session.lock() = Some(session);
        }
        Ok((reply, answer.body.len()))
    }

    async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        session: Option<&Secret>,
        deadline: Instant,
    ) -> Result<Answer, FasError> {
        let (username, password) = (&*self.username, &self.password);
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let token = session.map(|session| hex::encode(Sha1::digest(session.reveal())));
        let secret: &[(&str, &str)] = match &token {
            Some(token) => &[("_csrf_token", token)],
            None => &[("user_name", username), ("password", password.reveal()), ("login", "Login")],
        };
        if let Some(session) = session {
            headers.push(("cookie".into(), format!("tg-visit={}", session.reveal())));
        }
        let (url, body) = (format!("{}{path}", self.base), Body::Form { fields, secret });
        let post = Post { url: &url, headers: &headers, body, hosts: &self.hosts, deadline };
        Ok(self.outbound.post(&post).await?)
    }

    fn read(&self, question: &Question, answer: &Answer) -> Result<Value, FasError> {
        let (what, status) = (question.what(), answer.status);
        let body = serde_json::from_slice::<Value>(&answer.body);
        let reason = match &body {
            Ok(body) => text(body, "tg_flash").or(text(body, "message")).or(text(body, "exc")),
            Err(_) => None,
        };
        let reason = reason.map_or_else(
            || format!("it answers {status} without a reason"),
            |reason| said(reason, &[self.password.reveal()]),
        );
        match (status, body) {
            (401 | 403, _) => {
                Err(FasError::WrongLogin { status, user: self.username.to_string(), said: reason })
            }
            (404, _) => Err(FasError::NotThere { url: self.base.to_string() }),
            (200..=299, Ok(body)) if text(&body, "exc").is_none() => Ok(body),
            (200..=299, Err(_)) => Err(FasError::Nonsense { what, status, why: "it is no JSON" }),
            _ => Err(FasError::Refused { what, status, said: reason }),
        }
    }
}

/// What a reply has found, or nothing. Who is not there has `success: false`, or an empty map.
fn one(mut reply: Value, field: &str) -> Option<Value> {
    let found = reply[field].take();
    let is_there = found.as_object().is_some_and(|fields| !fields.is_empty());
    (reply["success"] != false && is_there).then_some(found)
}

fn as_person(from: &Value) -> Value {
    json!({
        "username": from["username"],
        "human_name": from["human_name"],
        "ircnicks": text(from, "ircnick").into_iter().collect::<Vec<_>>(),
        "locale": from["locale"],
        "timezone": from["timezone"],
        "creation": from["creation"],
        "is_private": from["privacy"],
    })
}

/// `mailing_list`, `url` and `irc_channel` are names of its later versions.
fn as_group(from: &Value) -> Value {
    json!({
        "groupname": from["name"],
        "description": from["display_name"],
        "mailing_list": from["mailing_list"],
        "url": from["url"],
        "irc": text(from, "irc_channel").into_iter().collect::<Vec<_>>(),
    })
}

/// Rows of `[username, email, human_name, role_type, sponsored]`. The name of who wants to be private is empty.
fn people(question: &Question, reply: &Value) -> Option<Value> {
    let sponsors_only = matches!(question, Question::Sponsors(_));
    let rows = reply["people"].as_array()?.iter();
    let wanted = rows.filter(|row| {
        !sponsors_only || matches!(row[3].as_str(), Some("sponsor" | "administrator"))
    });
    wanted.map(|row| shape::member(&json!({ "username": row[0], "human_name": row[2] }))).collect()
}

fn session_of(answer: &Answer) -> Option<Secret> {
    let cookies = answer.all("set-cookie");
    let session = cookies.filter_map(|cookie| {
        let (name, value) = cookie.split(';').next()?.split_once('=')?;
        (name.trim() == "tg-visit").then(|| value.trim().trim_matches('"'))
    });
    let fits = |session: &&str| {
        (1..=MAX_SESSION).contains(&session.len())
            && session.bytes().all(|b| b.is_ascii_graphic() && !b";,\"\\".contains(&b))
    };
    session.filter(fits).last().map(Secret::new)
}
