//! `github`: repositories, issues and people at GitHub, or at an enterprise server of one's own.
//!
//! `HOSTS` need not name it. It works without a token, but then 60 requests an hour are all that the whole server has;
//! `[github] token` in hubs.toml gives 5,000 and `github::graphql`. What is found has GitHub's own names; fields that are
//! told of here are always there, `()` where GitHub has none, and texts are cut at 4 KiB. Every function throws
//! `#{ service: "github", status, message }` when GitHub can't or won't answer: 404 for a list of what is not there, 429
//! with the time when it may be asked again where a limit is reached. A request waits for a limit that ends before the
//! deadline of `data`; where it does not, an answer of the last six hours is given, if one is kept and no message has made
//! it untrue. Each page of a list counts as a request of the call (16, if `[sandbox]` says nothing else).

use super::{Fallible, Host, failed, waiting};
use crate::outbound::Github;
use crate::outbound::github::{Ask, GithubError, Kind, Listing, Login, Page, Repository, Told};
use crate::script::host;
use rhai::{Array, Dynamic, INT, Map, Module, NativeCallContext};
use serde_json::Value;
use std::sync::Arc;

/// Options and variables; a longer map is a mistake.
const MAX_OPTIONS_BYTES: usize = 64 << 10;

/// Pages of one list: where nearly all of a repository's issues are pull requests, they are not all looked through.
const MAX_PAGES: usize = 10;

type Options = serde_json::Map<String, Value>;

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    named(&mut module, host, "repo", repo);
    named(&mut module, host, "user", user);
    listed(&mut module, host, "issues", issues);
    listed(&mut module, host, "pulls", pulls);
    listed(&mut module, host, "commits", commits);
    listed(&mut module, host, "releases", releases);
    listed(&mut module, host, "workflow_runs", workflow_runs);
    listed(&mut module, host, "events", events);
    listed(&mut module, host, "search_issues", search_issues);
    listed(&mut module, host, "get", get);
    listed(&mut module, host, "graphql", graphql);
    module
}

fn named(module: &mut Module, host: &Host, name: &str, call: fn(&Host, &str) -> Fallible<Dynamic>) {
    let all = host.clone();
    module.set_native_fn(name, move |at: NativeCallContext<'_>, given: &str| {
        host::serve(&at, || call(&all, given))
    });
}

fn listed(
    module: &mut Module,
    host: &Host,
    name: &str,
    call: fn(&Host, &str, &Options) -> Fallible<Dynamic>,
) {
    let all = host.clone();
    module.set_native_fn(name, move |at: NativeCallContext<'_>, given: &str| {
        host::serve(&at, || call(&all, given, &Options::new()))
    });
    let all = host.clone();
    module.set_native_fn(name, move |at: NativeCallContext<'_>, given: &str, options: Map| {
        host::serve(&at, || call(&all, given, &read(options)?))
    });
}

/// `github::repo(r)` → the repository `"owner/name"`, or `()` when there is none that everybody may see.
///
/// `#{ name, full_name, html_url, description, homepage, language, license: #{ name, spdx_id }, topics, archived, fork,
/// visibility, default_branch, stargazers_count, forks_count, open_issues_count, subscribers_count,
/// owner: #{ login, avatar_url }, created_at, updated_at, pushed_at }`. `open_issues_count` counts pull requests too.
fn repo(host: &Host, name: &str) -> Fallible<Dynamic> {
    one(host, Ask::repository(&name.parse().map_err(thrown)?))
}

/// `github::user(name)` → the person or organization, or `()` when there is none.
///
/// `#{ login, name, type, html_url, avatar_url, bio, blog, company, location, public_repos, followers, following,
/// created_at, updated_at }`.
fn user(host: &Host, name: &str) -> Fallible<Dynamic> {
    one(host, Ask::user(&name.parse().map_err(thrown)?))
}

/// `github::issues(r[, #{ state, labels, assignee, creator, mentioned, milestone, since, sort, direction, limit }])` → the
/// issues of a repository, newest first; open ones, if `state` does not say `"closed"` or `"all"`.
///
/// Each `#{ number, title, state, state_reason, html_url, body, user: #{ login, avatar_url }, labels: [#{ name, color }],
/// assignees: [#{ login, avatar_url }], milestone: #{ title, html_url }, comments, created_at, updated_at, closed_at }`.
/// Pull requests are left out. `labels` may be a list. `limit` is 30 without it and 300 at most, here and below; ten pages
/// of 100 are looked through.
fn issues(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    of(host, Kind::Issues, name, options)
}

/// `github::pulls(r[, #{ state, head, base, sort, direction, limit }])` → the pull requests of a repository, newest first.
///
/// Each `#{ number, title, state, draft, html_url, body, user: #{ login, avatar_url }, labels: [#{ name, color }],
/// assignees: [#{ login }], requested_reviewers: [#{ login }], head: #{ ref, sha }, base: #{ ref }, milestone: #{ title },
/// created_at, updated_at, closed_at, merged_at }`.
fn pulls(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    of(host, Kind::Pulls, name, options)
}

/// `github::commits(r[, #{ sha, path, author, since, until, limit }])` → the commits of a branch, newest first.
///
/// Each `#{ sha, html_url, commit: #{ message, author: #{ name, date }, comment_count }, author: #{ login, avatar_url } }`;
/// the last is `()` where GitHub does not know whose the address is. None of a repository that is still empty.
fn commits(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    of(host, Kind::Commits, name, options)
}

/// `github::releases(r[, #{ limit }])` → the releases of a repository, newest first.
///
/// Each `#{ tag_name, name, html_url, body, draft, prerelease, created_at, published_at, author: #{ login },
/// assets: [#{ name, size, download_count, browser_download_url }] }`.
fn releases(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    of(host, Kind::Releases, name, options)
}

/// `github::workflow_runs(r[, #{ branch, event, actor, status, created, head_sha, limit }])` → runs of a repository's
/// workflows, newest first.
///
/// Each `#{ id, name, display_title, run_number, event, status, conclusion, head_branch, head_sha, html_url,
/// actor: #{ login, avatar_url }, run_started_at, created_at, updated_at }`. `conclusion` is `()` until it is there.
fn workflow_runs(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    of(host, Kind::WorkflowRuns, name, options)
}

/// `github::events(user[, #{ limit }])` → what somebody did lately in public, newest first.
///
/// Each `#{ id, type, actor: #{ login, avatar_url }, repo: #{ name }, created_at, payload }`; `payload` has `action`, `ref`,
/// `ref_type`, `number`, `issue`, `pull_request`, `comment`, `review`, `release` and `forkee`, each `()` where the type of
/// event has none. Of the last 30 days, and some minutes late.
fn events(host: &Host, name: &str, options: &Options) -> Fallible<Dynamic> {
    let login: Login = name.parse().map_err(thrown)?;
    let (found, _) = list(host, Listing::events(&login, options).map_err(thrown)?)?;
    Ok(found.into())
}

/// `github::search_issues(q[, #{ sort, order, limit }])` → `#{ total_count, incomplete_results, items }` of issues and pull
/// requests, for a question as GitHub's search takes it: `"is:open is:pr review-requested:ralph"`.
///
/// Items are as those of `github::issues`, without `body` and `milestone`, with `draft`, `repository_url` and
/// `pull_request: #{ html_url, merged_at }`, which is `()` for an issue. Searches have a limit of their own: 10 a minute
/// without a token, 30 with one.
fn search_issues(host: &Host, q: &str, options: &Options) -> Fallible<Dynamic> {
    let (items, last) = list(host, Listing::found_issues(q, options).map_err(thrown)?)?;
    let total = last.total.and_then(|total| INT::try_from(total).ok()).unwrap_or_default();
    Ok(Dynamic::from_map(Map::from([
        ("total_count".into(), total.into()),
        ("incomplete_results".into(), last.is_incomplete.into()),
        ("items".into(), items.into()),
    ])))
}

/// `github::get(path[, query])` → whatever GitHub's interface has at a path, whole: `"/repos/a/b/releases/latest"`.
///
/// `()` where there is nothing. `query` is a map of values, or of lists that are put together with commas.
fn get(host: &Host, path: &str, query: &Options) -> Fallible<Dynamic> {
    one(host, Ask::path(path, query).map_err(thrown)?)
}

/// `github::graphql(query[, variables])` → `data` of the answer to a question in GraphQL; it needs a token.
///
/// Throws when GitHub has errors to tell, also where a part of the answer is there. Only questions that read are asked: the
/// words `mutation` and `subscription` are refused.
fn graphql(host: &Host, query: &str, variables: &Options) -> Fallible<Dynamic> {
    host::count_requests(1, host.sandbox.max_requests).map_err(host::ended)?;
    let (github, query) = (github(host), query.to_owned());
    let variables = Value::Object(variables.clone());
    let deadline = waiting::deadline();
    let told = waiting::wait(&host.runtime, "github", async move {
        github.graphql(&query, &variables, deadline).await
    })?;
    handed(host, &told.map_err(thrown)?)
}

fn of(host: &Host, kind: Kind, name: &str, options: &Options) -> Fallible<Dynamic> {
    let repository: Repository = name.parse().map_err(thrown)?;
    let (found, _) = list(host, Listing::of(kind, &repository, options).map_err(thrown)?)?;
    Ok(found.into())
}

/// The service, which has no answer from before the change that the running call was made for.
fn github(host: &Host) -> Github {
    match host::current().and_then(|(call, _)| call.changed) {
        Some(changed) => host.github.since(changed),
        None => host.github.clone(),
    }
}

fn one(host: &Host, ask: Ask) -> Fallible<Dynamic> {
    host::count_requests(1, host.sandbox.max_requests).map_err(host::ended)?;
    let (github, deadline) = (github(host), waiting::deadline());
    let told =
        waiting::wait(&host.runtime, "github", async move { github.one(&ask, deadline).await })?;
    told.map_err(thrown)?.map_or(Ok(Dynamic::UNIT), |told| handed(host, &told))
}

/// Page by page, since each counts: what a script has asked for is known before the next is.
fn list(host: &Host, listing: Listing) -> Fallible<(Array, Page)> {
    let (listing, mut items, mut next) = (Arc::new(listing), Array::new(), None);
    for pages in 1.. {
        host::count_requests(1, host.sandbox.max_requests).map_err(host::ended)?;
        let (github, listing_now, deadline) = (github(host), listing.clone(), waiting::deadline());
        let page = waiting::wait(&host.runtime, "github", async move {
            github.page(&listing_now, next.as_deref(), deadline).await
        })?;
        let mut page = page.map_err(thrown)?;
        count_bytes(host, page.bytes)?;
        let wanted = page.items.iter().take(listing.limit - items.len());
        items.extend(wanted.map(|item| host::for_script(|| host::to_dynamic(item))));
        next = page.next.take();
        if next.is_none() || items.len() >= listing.limit || pages >= MAX_PAGES {
            return Ok((items, page));
        }
    }
    Err(failed("github", 0, "the list has no end"))
}

fn handed(host: &Host, told: &Told) -> Fallible<Dynamic> {
    count_bytes(host, told.bytes)?;
    Ok(host::for_script(|| host::to_dynamic(&told.value)))
}

fn count_bytes(host: &Host, bytes: usize) -> Fallible<()> {
    host::count_response_bytes(bytes, host.sandbox.max_response_bytes).map_err(host::ended)
}

fn read(options: Map) -> Fallible<Options> {
    match host::to_json(&Dynamic::from_map(options), MAX_OPTIONS_BYTES) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(host::thrown(
            "options and variables for GitHub are texts, numbers and lists, 64 KiB at most",
        )),
    }
}

fn thrown(error: GithubError) -> Box<rhai::EvalAltResult> {
    failed("github", error.status().into(), error)
}
