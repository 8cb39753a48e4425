//! Addresses that a script asks for, against its `HOSTS`.

use super::Subject;
use crate::diagnostic::{Diagnostic, nearest};
use crate::script::Spot;
use crate::widget::hosts::parameter;
use serde_json::Value;

pub(super) fn check(subject: &Subject<'_>, problems: &mut Vec<Diagnostic>) {
    let hosts: Vec<&str> = match subject.facts.constants.get("HOSTS") {
        None => Vec::new(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(_) => return,
    };
    set_addresses(subject, &hosts, problems);
    let mut called = Vec::new();
    let mut is_plain = !subject.lint.asks_elsewhere;
    for spot in &subject.lint.addresses {
        match host(&spot.name) {
            Address::Of(host) => {
                if !hosts.iter().any(|entry| allows(entry, &host)) {
                    problems.push(refused(subject, spot, &host, &hosts));
                }
                called.push(host);
            }
            Address::None => {
                let said = format!("`{}` is no address", spot.name.trim_end());
                // Up to its first path, where the rest is put together.
                let given = spot.name.trim_end();
                let end = given.rfind('/').filter(|at| *at > 8).unwrap_or(given.len());
                let problem = at_text(subject, Diagnostic::error(said), spot, ("", &given[..end]));
                problems.push(problem.help("begin with `https://` and the name of the host"));
            }
            Address::Open => is_plain = false,
        }
    }
    if !is_plain {
        return;
    }
    // What is no host is told where constants are read.
    let is_host = |entry: &&&str| !entry.contains(['/', '@', ' ', '?', '#']) && !entry.is_empty();
    let is_asked = |entry: &&&str| match parameter(entry) {
        Some(name) => {
            !is_address(subject, name)
                || subject.lint.set_addresses.iter().any(|spot| spot.name == name)
        }
        None => called.iter().any(|host| allows(entry, host)),
    };
    for entry in hosts.iter().filter(is_host).filter(|entry| !is_asked(entry)) {
        let said = format!("`HOSTS` names `{entry}`, which nothing asks");
        let problem = subject.in_constant(Diagnostic::warning(said), "HOSTS", entry);
        problems.push(problem.help("remove it: a script needs no more hosts than it asks"));
    }
}

fn is_address(subject: &Subject<'_>, name: &str) -> bool {
    let declared = subject.facts.constants.get("PARAMETERS").and_then(|all| all.get(name));
    declared.is_some_and(|parameter| parameter.get("kind").is_some_and(|kind| kind == "url"))
}

/// What its owner set may lead anywhere, unless `HOSTS` says so it leads nowhere. Where hosts are named the script may see to
/// it that it is one of them.
fn set_addresses(subject: &Subject<'_>, hosts: &[&str], problems: &mut Vec<Diagnostic>) {
    // One that names no such parameter has its own finding.
    if !hosts.iter().all(|entry| parameter(entry).is_some_and(|name| is_address(subject, name))) {
        return;
    }
    for spot in &subject.lint.set_addresses {
        let entry = format!("config.{}", spot.name);
        if hosts.contains(&entry.as_str()) {
            continue;
        }
        let said = format!(
            "the host of `widget.{entry}` is not in the script's `HOSTS`, so it would be refused"
        );
        let help = if subject.facts.constants.contains_key("HOSTS") {
            format!("add \"{entry}\" to `HOSTS`")
        } else {
            format!("add `const HOSTS = [\"{entry}\"];`")
        };
        problems.push(subject.at(Diagnostic::error(said), spot.line, spot.column, 1).help(help));
    }
}

fn refused(subject: &Subject<'_>, spot: &Spot, host: &str, hosts: &[&str]) -> Diagnostic {
    let listed = match hosts {
        [] => "none".to_string(),
        hosts => hosts.iter().map(|host| format!("\"{host}\"")).collect::<Vec<_>>().join(", "),
    };
    let said =
        format!("`{host}` is not in the script's `HOSTS` ({listed}), so it would be refused");
    let help = match nearest(host, hosts.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Else add \"{host}\" to `HOSTS`"),
        None if subject.facts.constants.contains_key("HOSTS") => {
            format!("add \"{host}\" to `HOSTS`")
        }
        None => format!("add `const HOSTS = [\"{host}\"];`"),
    };
    let scheme = if spot.name.starts_with("https") { "https://" } else { "http://" };
    at_text(subject, Diagnostic::error(said), spot, (scheme, host)).help(help)
}

/// Where the beginning of an address stands, if that is plain; else at the call. `scheme` is what the caret leaves out.
fn at_text(
    subject: &Subject<'_>,
    problem: Diagnostic,
    spot: &Spot,
    (scheme, text): (&str, &str),
) -> Diagnostic {
    let source = &subject.source.text;
    let wanted = format!("{scheme}{text}");
    let mut places = source.match_indices(&wanted);
    let only = places.next().filter(|_| places.next().is_none());
    if let Some((at, _)) = only {
        let at = at + scheme.len();
        return problem.in_file(&*subject.source.file).at_span(source, at..at + text.len());
    }
    let line = source.lines().nth(spot.line - 1).unwrap_or("");
    let column = line.find(text).map_or(spot.column, |at| line[..at].chars().count() + 1);
    subject.at(problem, spot.line, column, text.chars().count())
}

enum Address {
    Of(String),
    /// The host is put together at run time.
    Open,
    None,
}

/// The host of an address that begins so, with its port where it has one of its own.
fn host(start: &str) -> Address {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        let given = start.get(..scheme.len().min(start.len())).unwrap_or(start);
        scheme.starts_with(given)
    });
    let Some(scheme) = scheme else { return Address::None };
    let Some(rest) = start.strip_prefix(scheme) else { return Address::Open };
    // An address that is plain as a whole ends with a space here: no part of its host is missing.
    let Some(end) = rest.find(['/', '?', '#', ' ']) else { return Address::Open };
    let host = rest[..end].rsplit('@').next().unwrap_or_default().to_lowercase();
    if host.is_empty() { Address::None } else { Address::Of(host) }
}

/// As the outgoing calls read `HOSTS`: `example.org`, `*.example.org`, `example.org:8080`.
fn allows(entry: &str, host: &str) -> bool {
    let entry = entry.trim().to_lowercase();
    let host = host.trim_end_matches(":443").trim_end_matches(":80");
    match entry.strip_prefix("*.") {
        Some(below) => host.strip_suffix(below).is_some_and(|front| front.ends_with('.')),
        None => entry == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_once_something_stands_behind_it() {
        let of = |start: &str| match host(start) {
            Address::Of(host) => host,
            Address::Open => "open".into(),
            Address::None => "none".into(),
        };
        assert_eq!(of("https://example.org/a"), "example.org");
        assert_eq!(of("https://Example.org:81?x"), "example.org:81");
        assert_eq!(of("https://example.org "), "example.org");
        assert_eq!(of("https://exam"), "open");
        assert_eq!(of("htt"), "open");
        assert_eq!(of("example.org/a"), "none");
    }

    #[test]
    fn hosts_are_allowed_as_they_are_when_asked() {
        assert!(allows("example.org", "example.org") && allows("*.example.org", "a.example.org"));
        assert!(!allows("*.example.org", "example.org") && !allows("example.org", "a.example.org"));
        assert!(
            allows("example.org", "example.org:443") && !allows("example.org", "example.org:81")
        );
    }
}
