//! `fas`: people and groups of the accounts that `[fas]` in hubs.toml names.
//!
//! `HOSTS` need not name it. What is found has FASJSON's names, also where the old FAS2 stands behind; fields that are told
//! of here are always there, `()` where FAS has nothing, and `[]` where it has no list. No e-mail address of a person, no key
//! and no certificate is ever handed out, and of who wants to be private only `username`, `creation` and `is_private`.
//! Answers are kept for ten minutes, or until a message tells of a change. Every function throws `#{ service: "fas", status,
//! message }` when FAS can't or won't answer, and when hubs.toml has no `[fas]`: `try` and `catch` keep the rest of the card.

use super::{Fallible, Host, failed, waiting};
use crate::outbound::Fas;
use crate::outbound::fas::{FasError, Name, Question, Told};
use crate::script::host;
use rhai::{Array, Dynamic, Module, NativeCallContext};
use serde_json::Value;

/// Of a longer list the rest is left out.
const MAX_PARTS: u32 = 10;

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    named(&mut module, host, "user", user);
    named(&mut module, host, "group", group);
    named(&mut module, host, "members", members);
    named(&mut module, host, "sponsors", sponsors);
    named(&mut module, host, "groups", groups);
    module
}

fn named(
    module: &mut Module,
    host: &Host,
    name: &str,
    call: fn(&Host, &Name) -> Fallible<Dynamic>,
) {
    let all = host.clone();
    module.set_native_fn(name, move |at: NativeCallContext<'_>, given: &str| {
        host::serve(&at, || call(&all, &given.parse().map_err(thrown)?))
    });
}

/// `fas::user(name)` → the person, or `()` when FAS has none of that name.
///
/// `#{ username, human_name, givenname, surname, ircnicks, locale, timezone, pronouns, github_username, gitlab_username,
/// website, websites, rssurl, rssurls, creation, is_private }`. `creation` is a time as `"2009-06-19T14:09:39Z"`;
/// `ircnicks` are nicknames, or addresses as `"matrix:/nick"`. FAS2 knows only some of these.
fn user(host: &Host, name: &Name) -> Fallible<Dynamic> {
    one(host, &Question::Person(name.clone()))
}

/// `fas::group(name)` → the group, or `()` when FAS has none of that name.
///
/// `#{ groupname, description, mailing_list, url, irc, discussion_url }`.
fn group(host: &Host, name: &Name) -> Fallible<Dynamic> {
    one(host, &Question::Group(name.clone()))
}

/// `fas::members(group)` → who is in a group, each `#{ username, human_name }`, or `()` when there is no such group.
///
/// 500 at a time; each such part counts as a request of the call (16, if `[sandbox]` says nothing else). Of a larger group
/// the first 5,000.
fn members(host: &Host, name: &Name) -> Fallible<Dynamic> {
    list(host, |part| Question::Members(name.clone(), part))
}

/// `fas::sponsors(group)` → who may take people into a group, as `fas::members` has them, or `()` when there is no such group.
fn sponsors(host: &Host, name: &Name) -> Fallible<Dynamic> {
    one(host, &Question::Sponsors(name.clone()))
}

/// `fas::groups(user)` → the groups that a person is in, each `#{ groupname, description }`, or `()` when FAS has no such
/// person.
fn groups(host: &Host, name: &Name) -> Fallible<Dynamic> {
    list(host, |part| Question::Groups(name.clone(), part))
}

fn one(host: &Host, question: &Question) -> Fallible<Dynamic> {
    let told = ask(host, question)?;
    Ok(told.map_or(Dynamic::UNIT, |told| host::for_script(|| host::to_dynamic(&told.value))))
}

/// Part by part, since each counts: what a script has asked for is known before the next is.
fn list(host: &Host, question: impl Fn(u32) -> Question) -> Fallible<Dynamic> {
    let mut items = Array::new();
    for part in 1..=MAX_PARTS {
        let Some(told) = ask(host, &question(part))? else { return Ok(Dynamic::UNIT) };
        let found = told.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.extend(found.iter().map(|item: &Value| host::for_script(|| host::to_dynamic(item))));
        if part >= told.parts {
            break;
        }
    }
    Ok(items.into())
}

fn ask(host: &Host, question: &Question) -> Fallible<Option<Told>> {
    host::count_requests(1, host.sandbox.max_requests).map_err(host::ended)?;
    let (fas, question, deadline) = (fas(host), question.clone(), waiting::deadline());
    let told =
        waiting::wait(&host.runtime, "fas", async move { fas.ask(&question, deadline).await })?;
    let told = told.map_err(thrown)?;
    let bytes = told.as_ref().map_or(0, |told| told.bytes);
    host::count_response_bytes(bytes, host.sandbox.max_response_bytes).map_err(host::ended)?;
    Ok(told)
}

/// The service, which has no answer from before the change that the running call was made for.
fn fas(host: &Host) -> Fas {
    match host::current().and_then(|(call, _)| call.changed) {
        Some(changed) => host.fas.since(changed),
        None => host.fas.clone(),
    }
}

fn thrown(error: FasError) -> Box<rhai::EvalAltResult> {
    failed("fas", error.status().into(), error)
}
