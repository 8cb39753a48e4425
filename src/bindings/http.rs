//! `http`: answers of the servers that a script's `HOSTS` names.
//!
//! `HOSTS` has names of hosts: `"example.org"`, `"*.example.org"` for all below it, `"example.org:8080"`. `"config.url"` stands
//! for the hosts of the addresses in the parameter `url`, which must be of the kind `url`.

use super::{Fallible, Host, failed, feed, page, waiting};
use crate::outbound::{Answer, Get, Outbound};
use crate::script::host;
use futures_util::future::join_all;
use rhai::{Array, Dynamic, EvalAltResult, INT, ImmutableString, Map, Module, NativeCallContext};
use std::rc::Rc;
use std::sync::Arc;
use url::Url;

/// What a script holds of an answer.
#[derive(Clone)]
pub(super) struct Response {
    url: Rc<str>,
    answer: Rc<Answer>,
}

/// Bytes of a body that are read at the price of one operation.
const BYTES_AN_OPERATION: usize = 64;

impl Response {
    /// What reads the whole body costs accordingly.
    pub(super) fn charge(&self) -> Fallible<()> {
        host::charge(1 + self.body().len() / BYTES_AN_OPERATION).map_err(host::ended)
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.answer.body
    }

    /// As it was asked for.
    pub(super) fn asked(&self) -> &str {
        &self.url
    }

    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(&self.url).ok()
    }

    /// The address for people: its query may hold a secret.
    pub(super) fn shown(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// The media type that the server says it is, in lower case; empty where it says nothing.
    pub(super) fn kind(&self) -> String {
        let header = self.answer.headers.iter().find(|(name, _)| name == "content-type");
        let kind = header.and_then(|(_, value)| value.split(';').next()).unwrap_or_default();
        kind.trim().chars().take(80).collect::<String>().to_ascii_lowercase()
    }

    /// Whether it is HTML: its server says so, or says nothing of use and it begins like HTML.
    pub(super) fn is_page(&self) -> bool {
        let kind = self.kind();
        let begins = |start: &str| {
            let body = self.body().trim_ascii_start();
            body.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start.as_bytes()))
        };
        match kind.as_str() {
            "text/html" | "application/xhtml+xml" => true,
            "" | "text/plain" => begins("<!doctype html") || begins("<html"),
            _ => false,
        }
    }

    pub(super) fn must_be_ok(&self) -> Fallible<()> {
        if (200..300).contains(&self.answer.status) {
            return Ok(());
        }
        let said = format!("`{}` answers with the status {}", self.shown(), self.answer.status);
        Err(self.failed(said))
    }

    pub(super) fn failed(&self, message: String) -> Box<EvalAltResult> {
        failed("http", self.answer.status.into(), message)
    }
}

/// One request, owned: it travels to another thread.
struct Request {
    url: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    let all = host.clone();
    module.set_native_fn("get", move |at: NativeCallContext<'_>, url: &str| {
        host::serve(&at, || get(&all, url, Map::new()))
    });
    let all = host.clone();
    module.set_native_fn("get", move |at: NativeCallContext<'_>, url: &str, options: Map| {
        host::serve(&at, || get(&all, url, options))
    });
    let all = host.clone();
    module.set_native_fn("get_all", move |at: NativeCallContext<'_>, urls: Array| {
        host::serve(&at, || get_all(&all, urls))
    });
    module
}

/// `http::get(url[, #{ headers, query }])` → a response with `.status`, `.ok`, `.headers`, `.url`, `.text()`, `.json()`, `.feed()` and `.page()`.
///
/// Any status is an answer; `.json()` and `.text()` of one that is not `.ok` are what the server said. `query` is a map of
/// values, or of lists of values; it is encoded. The URL's host must be in the script's `HOSTS`, also after a redirect, and
/// must not be a private address. On 429, 502, 503, 504 and when the connection fails it is tried again (three times in all,
/// when `Retry-After` says), as long as the deadline of `data` allows; the same URL with the same headers is asked for once
/// at a time, by all widgets together. Answers are kept as `Cache-Control` and `Expires` allow, for each `Authorization` by
/// itself, and then asked for by `ETag` or `Last-Modified`; with the header `Cache-Control: no-cache` at once. After a message
/// that invalidated the widget nothing from before it is used unasked.
/// Throws `#{ service: "http", status: 0, message }` when there is no answer; also when the host is asked too often, or is left
/// alone for a while since it fails again and again (`[outbound]` in hubs.toml). Counts against the requests and response
/// bytes of the call (16 and 2 MiB, if `[sandbox]` says nothing else).
fn get(host: &Host, url: &str, options: Map) -> Fallible<Dynamic> {
    let mut request = Request { url: url.into(), headers: vec![], query: vec![] };
    for (name, value) in options {
        match name.as_str() {
            "headers" => request.headers = pairs(&value),
            "query" => request.query = pairs(&value),
            other => {
                let said =
                    format!("`http::get` has no option `{other}`; it has `headers` and `query`");
                return Err(host::thrown(said));
            }
        }
    }
    let mut answers = fetch(host, vec![request])?;
    answers.pop().unwrap_or_else(|| Err(failed("http", 0, "there is no answer")))
}

/// `http::get_all(urls)` → the responses in the order of the URLs, all asked for at once.
///
/// Takes as long as the slowest. Throws what the first of them throws that gets no answer; else as `http::get`.
fn get_all(host: &Host, urls: Array) -> Fallible<Array> {
    let request = |url: Dynamic| {
        let url = url.into_string().map_err(|kind| {
            host::thrown(format!("`http::get_all` takes a list of texts, but one item is a {kind}"))
        })?;
        Ok(Request { url, headers: vec![], query: vec![] })
    };
    let requests = urls.into_iter().map(request).collect::<Fallible<Vec<_>>>()?;
    fetch(host, requests)?.into_iter().collect()
}

fn fetch(host: &Host, requests: Vec<Request>) -> Fallible<Vec<Fallible<Dynamic>>> {
    let sandbox = &host.sandbox;
    host::count_requests(requests.len(), sandbox.max_requests).map_err(host::ended)?;
    let (call, _) = host::current().ok_or_else(|| host::thrown("nothing runs"))?;
    let deadline = waiting::deadline();
    let hosts = call.hosts;
    let outbound = match call.changed {
        Some(changed) => host.outbound.since(changed),
        None => host.outbound.clone(),
    };
    let urls: Vec<String> = requests.iter().map(|request| request.url.clone()).collect();
    let answers = waiting::wait(&host.runtime, "http", async move {
        let flights = requests
            .into_iter()
            .map(|request| one(outbound.clone(), request, Arc::clone(&hosts), deadline));
        join_all(flights).await
    })?;
    let bytes = answers.iter().flatten().map(|answer| answer.body.len()).sum();
    host::count_response_bytes(bytes, sandbox.max_response_bytes).map_err(host::ended)?;
    let response = |(answer, url): (Result<Answer, String>, String)| {
        let answer = answer.map_err(|error| failed("http", 0, error))?;
        Ok(Dynamic::from(Response { url: url.into(), answer: Rc::new(answer) }))
    };
    Ok(answers.into_iter().zip(urls).map(response).collect())
}

async fn one(
    outbound: Outbound,
    request: Request,
    hosts: Arc<[String]>,
    deadline: tokio::time::Instant,
) -> Result<Answer, String> {
    let Request { url, headers, query } = &request;
    let get = Get { url, headers, query, hosts: &hosts, deadline };
    outbound.get(&get).await.map_err(|error| error.to_string())
}

/// The fields of a map as texts; a list gives its name once for each item, as queries have it.
fn pairs(value: &Dynamic) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in value.as_map_ref().map(|map| map.clone()).unwrap_or_default() {
        match value.as_array_ref() {
            Ok(items) => {
                pairs.extend(items.iter().map(|item| (name.to_string(), item.to_string())));
            }
            Err(_) => pairs.push((name.to_string(), value.to_string())),
        }
    }
    pairs
}

/// What scripts can do with a response, wherever they have it from.
pub(super) fn register_response(module: &mut Module) {
    module.set_custom_type::<Response>("response");
    // `response.status` → the status of HTTP, an integer: `200`, `404`.
    module.set_getter_fn("status", |it: &mut Response| Ok(INT::from(it.answer.status)));
    // `response.ok` → whether the status is one of 200 to 299.
    module.set_getter_fn("ok", |it: &mut Response| Ok((200..300).contains(&it.answer.status)));
    // `response.url` → the address that was asked for, as it was given.
    module.set_getter_fn("url", |it: &mut Response| Ok(ImmutableString::from(&*it.url)));
    // `response.headers` → a map of texts: names in lower case, of several of one name the last.
    module.set_getter_fn("headers", |it: &mut Response| {
        let headers = it.answer.headers.iter();
        Ok(headers
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect::<Map>())
    });
    module.set_native_fn("text", text);
    module.set_native_fn("json", json);
    module.set_native_fn("feed", feed::feed);
    module.set_native_fn("page", page::page);
    module.set_indexer_get_fn(|_: &mut Response, name: ImmutableString| -> Fallible<Dynamic> {
        Err(host::thrown(format!(
            "a response has no `{name}`; it has `status`, `ok`, `headers`, `url`, `text()`, `json()`, `feed()` and `page()`"
        )))
    });
}

/// `response.text()` → the body as a text; bytes that are no UTF-8 are shown as `�`.
#[expect(clippy::unnecessary_wraps, reason = "a native function returns a result")]
fn text(response: &mut Response) -> Fallible<Dynamic> {
    Ok(String::from_utf8_lossy(&response.answer.body).into_owned().into())
}

/// `response.json()` → the body of JSON as maps, lists, texts and numbers; `null` is `()`.
///
/// Throws `#{ service: "http", status, message }` where the body is no JSON.
fn json(response: &mut Response) -> Fallible<Dynamic> {
    host::on_the_house(|| read_json(response))
}

fn read_json(response: &Response) -> Fallible<Dynamic> {
    let answer = &response.answer;
    let value = serde_json::from_slice::<serde_json::Value>(&answer.body);
    let value = value.map_err(|error| -> Box<EvalAltResult> {
        let said = format!("`{}` answered no JSON: {error}", response.url);
        failed("http", answer.status.into(), said)
    })?;
    Ok(host::for_script(|| host::to_dynamic(&value)))
}
