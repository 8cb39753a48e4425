//! `HOSTS` as one instance has it: the hosts that its script names, and those of the addresses that its owner set.

use crate::hub::Config;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// `config.NAME` in `HOSTS` names a parameter. A host of that kind can be given with its port: `config.org:443`.
pub(super) fn parameter(entry: &str) -> Option<&str> {
    let name = entry.strip_prefix("config.")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(name)
}

/// Each `config.NAME` gives way to the hosts in that parameter, with their ports where these are not the scheme's own.
/// What is no address names no host.
pub(super) fn of(declared: &Arc<[String]>, config: &Config) -> Arc<[String]> {
    if declared.iter().all(|entry| parameter(entry).is_none()) {
        return Arc::clone(declared);
    }
    let hosts = declared.iter().flat_map(|entry| match parameter(entry) {
        None => vec![entry.clone()],
        Some(name) => match config.get(name) {
            Some(Value::String(one)) => host(one).into_iter().collect(),
            Some(Value::Array(many)) => many.iter().filter_map(|one| host(one.as_str()?)).collect(),
            _ => vec![],
        },
    });
    hosts.collect()
}

fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_parameter_stands_for_the_hosts_of_its_addresses() {
        let of = |hosts: &[&str], config: Value| {
            let hosts = hosts.iter().map(ToString::to_string).collect();
            of(&hosts, config.as_object().unwrap()).join(" ")
        };
        let url = json!({ "url": "https://Blog.example.org:443/feed?x=1" });
        assert_eq!(of(&["a.org", "config.url"], url), "a.org blog.example.org");
        let many =
            json!({ "urls": ["http://a.org:8080/", "https://user:pw@b.org", "http://[::1]/"] });
        assert_eq!(of(&["config.urls"], many), "a.org:8080 b.org [::1]");
        for nothing in
            [json!("config.x"), json!(""), json!("ftp://a.org/"), json!(7), json!([null])]
        {
            assert_eq!(of(&["config.url"], json!({ "url": nothing })), "");
        }
        assert_eq!(of(&["config.url"], json!({})), "");
        let hosts = ["config.fedoraproject.org", "config.org:443", "config."];
        assert_eq!(of(&hosts, json!({})), hosts.join(" "));
    }
}
