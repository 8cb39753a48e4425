//! `datanommer`: the messages that were, for feeds and counts.

use super::{Fallible, Host, cache, failed, waiting};
use crate::datanommer::Query;
use crate::message::Group;
use crate::{render, script::host};
use rhai::{Array, Dynamic, INT, Map, Module, NativeCallContext};
use serde_json::Value;
use std::time::Duration;

/// Messages that a script may ask for at once: each may have a megabyte.
const MAX_ROWS: u32 = 200;

/// A question has names and numbers; a longer one is a mistake.
const MAX_QUERY_BYTES: usize = 64 << 10;

pub(super) fn module(host: &Host) -> Module {
    let mut module = Module::new();
    let all = host.clone();
    module.set_native_fn("grep", move |at: NativeCallContext<'_>, query: Map| {
        host::serve(&at, || grep(&all, query))
    });
    let all = host.clone();
    module.set_native_fn("grouped", move |at: NativeCallContext<'_>, query: Map| {
        host::serve(&at, || grouped(&all, query))
    });
    let all = host.clone();
    module.set_native_fn("count", move |at: NativeCallContext<'_>, query: Map| {
        host::serve(&at, || count(&all, query))
    });
    let all = host.clone();
    module.set_native_fn("activity", move |at: NativeCallContext<'_>, query: Map| {
        host::serve(&at, || activity(&all, query))
    });
    module
}

/// `datanommer::grep(#{ users, packages, categories, topics, not_…, contains, start, end, rows_per_page, page, order })`
/// → `#{ total, pages, messages }`, each message as `should_invalidate` sees it.
///
/// `users`, `packages`, `categories`, `topics` (whole ones) and `contains` (texts in the body as compact JSON) are lists: a
/// message must have one of each list that is given and not empty; `not_users`, `not_packages`, `not_categories` and
/// `not_topics` shut out. `start` and `end` are times that `parse_time` reads, both inclusive. `rows_per_page` is 100
/// without it and 200 at most, `page` counts from 1, `order` is `"asc"` (oldest first, if nothing is said) or `"desc"`.
/// `total` and `pages` are those of the whole answer. A key that is `()` counts as not given; a wrong one is named.
/// Cost: names and topics are looked up in an index; `contains` alone reads every message.
/// Throws `#{ service: "datanommer", status: 0, message }` when the store can't answer.
fn grep(host: &Host, query: Map) -> Fallible<Map> {
    let query = read(query)?;
    let datanommer = host.datanommer.clone();
    let page = waiting::wait(&host.runtime, "datanommer", async move {
        datanommer.grep(&query).await.map_err(|error| error.to_string())
    })?;
    let page = page.map_err(|error| failed("datanommer", 0, error))?;
    let mut messages = Array::new();
    for message in &page.messages {
        host::charge(1).map_err(host::ended)?;
        messages.push(host::for_script(|| host::message(message)));
    }
    Ok(Map::from([
        ("total".into(), number(page.total)),
        ("pages".into(), number(page.pages)),
        ("messages".into(), messages.into()),
    ]))
}

/// `datanommer::grouped(#{ … })` → `#{ total, pages, groups: [#{ messages, summary, link, icon, secondary_icon, usernames,
/// packages, objects, topics, start, end }] }`: the messages that a question of `grep` is about, as the entries of a feed.
///
/// Messages that belong together are one entry ("lmacken ran the bodhi2.yml and proxies.yml playbooks 7 times"), which
/// stands where its first message was; `messages` are those in it, one or more. The other texts and lists are about all of
/// them, as `group` of their processor words them. `topics` are whole ones; `start` and `end` are when the first and the last
/// of them were sent, RFC 3339. Groups do not reach from page to page. `total` and `pages` count messages.
/// Throws `#{ service: "datanommer", status: 0, message }` when the store can't answer.
fn grouped(host: &Host, query: Map) -> Fallible<Map> {
    let query = read(query)?;
    let datanommer = host.datanommer.clone();
    let page = waiting::wait(&host.runtime, "datanommer", async move {
        datanommer.grouped(&query).await.map_err(|error| error.to_string())
    })?;
    let page = page.map_err(|error| failed("datanommer", 0, error))?;
    let mut groups = Array::new();
    for group in &page.groups {
        host::charge(group.messages.len()).map_err(host::ended)?;
        groups.push(host::for_script(|| entry(group)));
    }
    Ok(Map::from([
        ("total".into(), number(page.total)),
        ("pages".into(), number(page.pages)),
        ("groups".into(), groups.into()),
    ]))
}

fn entry(group: &Group) -> Dynamic {
    let said = &group.description;
    let texts = |list: &[String]| list.iter().map(|text| text.as_str().into()).collect::<Array>();
    let topics: Array = group.topics().into_iter().map(|topic| topic.as_str().into()).collect();
    let messages: Array = group.messages.iter().map(host::message).collect();
    let (start, end) = group.span();
    Dynamic::from_map(Map::from([
        ("messages".into(), messages.into()),
        ("summary".into(), said.summary.as_str().into()),
        ("link".into(), said.link.as_str().into()),
        ("icon".into(), said.icon.as_str().into()),
        ("secondary_icon".into(), said.secondary_icon.as_str().into()),
        ("usernames".into(), texts(&said.usernames).into()),
        ("packages".into(), texts(&said.packages).into()),
        ("objects".into(), texts(&said.objects).into()),
        ("topics".into(), topics.into()),
        ("start".into(), start.to_string().into()),
        ("end".into(), end.to_string().into()),
    ]))
}

/// `datanommer::count(#{ … })` → how many messages a question of `grep` is about; none is read.
fn count(host: &Host, query: Map) -> Fallible<Dynamic> {
    let query = read(query)?;
    let datanommer = host.datanommer.clone();
    let count = waiting::wait(&host.runtime, "datanommer", async move {
        datanommer.count(&query).await.map_err(|error| error.to_string())
    })?;
    count.map(number).map_err(|error| failed("datanommer", 0, error))
}

/// `datanommer::activity(#{ …, bucket })` → `[#{ start, total, categories: #{ bodhi: 3, git: 12 } }]`: how many messages a
/// question of `grep` is about in each stretch of time, the oldest first.
///
/// `bucket` is how long a stretch is: `"1h"`, `"1d"` (which is meant when it is missing), `"7d"`, or seconds. Stretches begin
/// at midnight UTC, those of seven days on a Monday. They go from `start`, or the first message, to `end`, or the last one; those
/// without messages are there too, and `categories` has those only that have some. `start` is RFC 3339. 1,000 stretches
/// are the limit. Cost: each message that it counts is looked up; always give a `start`.
/// Throws `#{ service: "datanommer", status: 0, message }` when the store can't answer.
fn activity(host: &Host, mut query: Map) -> Fallible<Array> {
    let bucket = match query.remove("bucket").filter(|given| !given.is_unit()) {
        None => Duration::from_hours(24),
        Some(given) => cache::duration(&given).ok_or_else(|| {
            host::thrown(format!(
                "the question to datanommer does not fit: `bucket` is `{given}`, but must be a length of time: `\"1h\"`, `\"1d\"`, `\"7d\"` or seconds"
            ))
        })?,
    };
    let query = read(query)?;
    let datanommer = host.datanommer.clone();
    let buckets = waiting::wait(&host.runtime, "datanommer", async move {
        datanommer.activity(&query, bucket).await.map_err(|error| error.to_string())
    })?;
    let buckets = buckets.map_err(|error| failed("datanommer", 0, error))?;
    let mut activity = Array::new();
    for bucket in buckets {
        host::charge(1).map_err(host::ended)?;
        let counts = bucket.categories.into_iter();
        let categories: Map = counts.map(|(name, count)| (name.into(), number(count))).collect();
        activity.push(Dynamic::from_map(Map::from([
            ("start".into(), bucket.start.to_string().into()),
            ("total".into(), number(bucket.total)),
            ("categories".into(), categories.into()),
        ])));
    }
    Ok(activity)
}

fn number(count: u64) -> Dynamic {
    INT::try_from(count).unwrap_or(INT::MAX).into()
}

/// The question in a map. `()` is the same as not to ask; times come in any shape.
fn read(query: Map) -> Fallible<Query> {
    let wrong =
        |why: String| host::thrown(format!("the question to datanommer does not fit: {why}"));
    let json = host::to_json(&Dynamic::from_map(query), MAX_QUERY_BYTES)
        .map_err(|_| wrong("it holds texts, numbers and lists of texts".into()))?;
    let Value::Object(mut fields) = json else { return Err(wrong("it is no map".into())) };
    fields.retain(|_, value| !value.is_null());
    for name in ["start", "end"] {
        let Some(time) = fields.get_mut(name) else { continue };
        let text = time.as_str().map_or_else(|| time.to_string(), Into::into);
        let at =
            render::moment(&text).ok_or_else(|| wrong(format!("`{name}` is {time}, no time")))?;
        *time = at.to_string().into();
    }
    let query: Query =
        serde_json::from_value(Value::Object(fields)).map_err(|error| wrong(error.to_string()))?;
    if query.rows_per_page > MAX_ROWS {
        let given = query.rows_per_page;
        return Err(wrong(format!("`rows_per_page` is {given}, but {MAX_ROWS} is the limit")));
    }
    Ok(query)
}
