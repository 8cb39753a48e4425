//! Somebody with a browser: cookies, forms, and no redirect followed unseen.

use crate::harness::TestHouse;
use reqwest::{Method, RequestBuilder, Response, Url, header};
use std::collections::BTreeMap;

pub(crate) struct Visitor {
    client: reqwest::Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// What a server said, read to its end.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn goes_to(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The text as a reader has it.
    pub(crate) fn plain(&self) -> String {
        hubs::render::plain(&self.text)
    }
}

impl Visitor {
    pub(crate) fn of(house: &TestHouse) -> Self {
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, base: house.url(""), cookies: BTreeMap::new() }
    }

    /// Somebody who has logged in by the dev login.
    pub(crate) async fn named(house: &TestHouse, name: &str) -> Self {
        let mut visitor = Self::of(house);
        let said = visitor.post("/login", &[("username", name)]).await;
        assert_eq!(said.status, 303, "{}", said.text);
        visitor
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.into(), value.into());
    }

    /// With this visitor's cookies; `to` is a path of the house, or an address.
    pub(crate) fn request(&self, method: Method, to: &str) -> RequestBuilder {
        let url = if to.starts_with('/') { format!("{}{to}", self.base) } else { to.into() };
        let request = self.client.request(method, url);
        if self.cookies.is_empty() {
            return request;
        }
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header(header::COOKIE, pairs.join("; "))
    }

    /// Sends, and keeps the cookies that come back.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Said {
        let answer: Response = request.send().await.unwrap();
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Said { status, headers, text: answer.text().await.unwrap() }
    }

    pub(crate) async fn get(&mut self, to: &str) -> Said {
        let request = self.request(Method::GET, to).header(header::ACCEPT, "text/html");
        self.send(request).await
    }

    /// As a program asks.
    pub(crate) async fn get_json(&mut self, to: &str) -> Said {
        let request = self.request(Method::GET, to).header(header::ACCEPT, "application/json");
        self.send(request).await
    }

    /// Sends a form of a page of the house, with the token that its pages have.
    pub(crate) async fn post(&mut self, to: &str, fields: &[(&str, &str)]) -> Said {
        let token = self.form_token().await;
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        let request = self.request(Method::POST, to).header(header::ACCEPT, "text/html");
        let request = request.header(header::ORIGIN, &self.base).form(&fields);
        self.send(request).await
    }

    /// As a script of a page does.
    pub(crate) async fn post_json(&mut self, to: &str) -> Said {
        let token = self.form_token().await;
        let request = self.request(Method::POST, to).header(header::ACCEPT, "application/json");
        self.send(request.header("x-csrf-token", token)).await
    }

    /// What forms carry; empty for who is not logged in.
    pub(crate) async fn form_token(&mut self) -> String {
        let page = self.get("/?q=").await;
        let after = page.text.split("name=\"csrf\" value=\"").nth(1);
        after.map(|rest| rest.split('"').next().unwrap().to_owned()).unwrap_or_default()
    }

    /// Follows redirects as a browser does, at most ten; says where it ended.
    pub(crate) async fn follow(&mut self, mut said: Said, from: &str) -> (Said, String) {
        let mut here = Url::parse(&self.base).unwrap().join(from).unwrap();
        for _ in 0..10 {
            if !(300..400).contains(&said.status) {
                return (said, here.into());
            }
            here = here.join(said.goes_to()).unwrap();
            said = self.get(here.as_str()).await;
        }
        panic!("still a redirect: {here}")
    }
}
