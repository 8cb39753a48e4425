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
    module.set_native_fn("commas", |number: INT| ok(render::commas(number)));
    module.set_native_fn("sha256", |text: &str| ok(hex(&Sha256::digest(text))));
    module.set_native_fn("md5", |text: &str| ok(hex(&Md5::digest(text))));
    module.set_native_fn("percent_encode", |text: &str| {
        ok(utf8_percent_encode(text, UNRESERVED).to_string())
    });
    module.set_native_fn("split_once", |text: &str, at: &str| halves(text, text.split_once(at)));
    module.set_native_fn("rsplit_once", |text: &str, at: &str| halves(text, text.rsplit_once(at)));
    module.set_native_fn("strip_prefix", |text: &str, start: &str| {
        ok(text.strip_prefix(start).unwrap_or(text))
    });
    module.set_native_fn("strip_suffix", |text: &str, end: &str| {
        ok(text.strip_suffix(end).unwrap_or(text))
    });
    module.set_native_fn("join", join);
    module.set_native_fn("avatar", |name: &str| ok(avatar(name, 64)));
    module.set_native_fn("avatar", |name: &str, side: INT| ok(avatar(name, side)));
    register_log(module);
}

/// Markdown takes a while.
pub(super) fn register_for_data(module: &mut Module) {
    // `markdown(s)` → HTML that is safe to show, whoever wrote the text.
    module.set_native_fn("markdown", |text: &str| ok(render::markdown(text)));
}

#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn ok(text: impl Into<ImmutableString>) -> Fallible<ImmutableString> {
    Ok(text.into())
}

/// `split_once(text, at)` → `[before, after]`, or `[text, ""]` where `at` is not in it.
#[expect(clippy::unnecessary_wraps, reason = "Rhai's registration takes functions that may fail")]
fn halves(text: &str, found: Option<(&str, &str)>) -> Result<Array, Box<EvalAltResult>> {
    let (before, after) = found.unwrap_or((text, ""));
    Ok(vec![before.into(), after.into()])
}

/// `join(list, between)` → the items as one text.
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

/// `avatar(who[, side])` → where the picture is of a username, or of an e-mail address.
fn avatar(who: &str, side: INT) -> String {
    let side = side.clamp(1, MAX_SIDE).unsigned_abs();
    if who.contains('@') {
        let digest = hex(&Md5::digest(who.trim().to_lowercase()));
        return format!("https://seccdn.libravatar.org/avatar/{digest}?s={side}&d=retro");
    }
    render::avatar_url(who, side)
}

fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `log(…)`: up to four values, to the server's log, a bounded number of lines a call.
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
