//! Texts: numbers in words, hashes, addresses of pictures. For both tiers, less what is slow.

use super::Fallible;
use crate::{render, script::host};
use md5::Md5;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rhai::{Array, Dynamic, EvalAltResult, INT, ImmutableString, Module};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What stays as it is in a part of a URL (RFC 3986, "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Sides of a picture, in pixels, that Libravatar serves.
const MAX_SIDE: INT = 512;

pub(super) fn register(module: &mut Module) {
    module.set_native_fn("commas", |number: INT| ok(commas(number)));
    module.set_native_fn("sha256", |text: &str| ok(sha256(text)));
    module.set_native_fn("md5", |text: &str| ok(md5(text)));
    module.set_native_fn("percent_encode", |text: &str| ok(percent_encode(text)));
    module.set_native_fn("split_once", split_once);
    module.set_native_fn("rsplit_once", rsplit_once);
    module.set_native_fn("strip_prefix", |text: &str, start: &str| ok(strip_prefix(text, start)));
    module.set_native_fn("strip_suffix", |text: &str, end: &str| ok(strip_suffix(text, end)));
    module.set_native_fn("join", join);
    module.set_native_fn("avatar", |name: &str| ok(avatar(name, 64)));
    module.set_native_fn("avatar", |name: &str, side: INT| ok(avatar(name, side)));
    register_log(module);
}

/// Markdown takes a while.
pub(super) fn register_for_data(module: &mut Module) {
    module.set_native_fn("markdown", |text: &str| ok(markdown(text)));
}

#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn ok(text: impl Into<ImmutableString>) -> Fallible<ImmutableString> {
    Ok(text.into())
}

/// `commas(number)` → a whole number with a comma between thousands: `1234567` is `"1,234,567"`.
fn commas(number: INT) -> String {
    render::commas(number)
}

/// `sha256(text)` → the SHA-256 of the text's UTF-8, as 64 hexadecimal digits in lower case.
fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// `md5(text)` → the MD5 of the text's UTF-8, as 32 hexadecimal digits in lower case.
///
/// For addresses of pictures and the like. It protects nothing.
fn md5(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

/// `percent_encode(text)` → the text as one part of a URL: all but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
///
/// For a path; `http::get` encodes what stands in its `query` by itself.
fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// `split_once(text, at)` → `[before, after]` around the first `at`, or `[text, ""]` where `at` is not in it.
fn split_once(text: &str, at: &str) -> Fallible<Array> {
    halves(text, text.split_once(at))
}

/// `rsplit_once(text, at)` → `[before, after]` around the last `at`, or `[text, ""]` where `at` is not in it.
fn rsplit_once(text: &str, at: &str) -> Fallible<Array> {
    halves(text, text.rsplit_once(at))
}

/// `strip_prefix(text, start)` → the text without `start` at its beginning; as it is where it begins otherwise.
fn strip_prefix<'t>(text: &'t str, start: &str) -> &'t str {
    text.strip_prefix(start).unwrap_or(text)
}

/// `strip_suffix(text, end)` → the text without `end` at its end; as it is where it ends otherwise.
fn strip_suffix<'t>(text: &'t str, end: &str) -> &'t str {
    text.strip_suffix(end).unwrap_or(text)
}

/// `markdown(text)` → the Markdown as HTML that is safe to show, whoever wrote it. Only in `data`.
///
/// Headings start below those of a card; scripts, styles and odd links are left out. In a template the filter
/// `markdown` does the same and needs no `safe`.
fn markdown(text: &str) -> String {
    render::markdown(text)
}

#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn halves(text: &str, found: Option<(&str, &str)>) -> Result<Array, Box<EvalAltResult>> {
    let (before, after) = found.unwrap_or((text, ""));
    Ok(vec![before.into(), after.into()])
}

/// `join(list, between)` → the items as one text, with `between` between them. Items that are no texts are written as such.
#[expect(clippy::needless_pass_by_value, reason = "Rhai hands arguments over by value")]
fn join(list: &mut Array, between: ImmutableString) -> Fallible<ImmutableString> {
    let (most, _) = host::sizes();
    let mut joined = String::new();
    for (at, item) in list.iter().enumerate() {
        host::charge(1).map_err(host::ended)?;
        if at > 0 {
            joined.push_str(&between);
        }
        if joined.len() > most {
            break; // Rhai refuses it by its limit when it is returned.
        }
        match item.read_lock::<ImmutableString>() {
            Some(text) => joined.push_str(&text),
            None => joined.push_str(&host::text_of(item)?),
        }
    }
    Ok(joined.into())
}

/// `avatar(who[, side])` → the address of the picture of a username, or of an e-mail address.
///
/// `side` is in pixels, 64 without it and 512 at most. Source: Libravatar, which draws one for who has none.
fn avatar(who: &str, side: INT) -> String {
    let side = side.clamp(1, MAX_SIDE).unsigned_abs();
    if who.contains('@') {
        let digest = hex::encode(Md5::digest(who.trim().to_lowercase()));
        return format!("https://seccdn.libravatar.org/avatar/{digest}?s={side}&d=retro");
    }
    render::avatar_url(who, side)
}

/// `log(value[, value, value, value])` writes one to four values as a line into the server's log, to find a mistake with.
///
/// At most 64 lines of 512 bytes a call; what is beyond is dropped.
fn register_log(module: &mut Module) {
    fn say(values: &[&Dynamic]) -> Fallible<()> {
        let mut line = String::new();
        for value in values {
            let text = match value.read_lock::<ImmutableString>() {
                Some(text) => text.clone(),
                None => host::text_of(value)?,
            };
            let _ = write!(line, "{}{text}", if line.is_empty() { "" } else { " " });
        }
        host::log(&line);
        Ok(())
    }
    module.set_native_fn("log", |a: Dynamic| say(&[&a]));
    module.set_native_fn("log", |a: Dynamic, b: Dynamic| say(&[&a, &b]));
    module.set_native_fn("log", |a: Dynamic, b: Dynamic, c: Dynamic| say(&[&a, &b, &c]));
    module.set_native_fn("log", |a: Dynamic, b: Dynamic, c: Dynamic, d: Dynamic| {
        say(&[&a, &b, &c, &d])
    });
}
