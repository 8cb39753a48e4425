//! What GitHub can be asked: names that were checked, and options that fit.

use super::{GithubError, fields};
use crate::diagnostic::nearest;
use serde_json::{Map, Value};
use std::str::FromStr;

/// Items of one list, however many pages they take.
const MAX_ITEMS: usize = 300;
const DEFAULT_ITEMS: usize = 30;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository(String);

impl FromStr for Repository {
    type Err = GithubError;

    fn from_str(text: &str) -> Result<Self, GithubError> {
        let is_name = |name: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            (1..=100).contains(&name.len()) && name.bytes().all(fits) && name != "." && name != ".."
        };
        match text.split_once('/') {
            Some((owner, name)) if is_login(owner) && is_name(name) => Ok(Self(text.into())),
            _ => Err(GithubError::NoRepository(shortened(text))),
        }
    }
}

/// A person's or an organization's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(String);

impl FromStr for Login {
    type Err = GithubError;

    fn from_str(text: &str) -> Result<Self, GithubError> {
        if is_login(text.strip_suffix("[bot]").unwrap_or(text)) {
            Ok(Self(text.into()))
        } else {
            Err(GithubError::NoLogin(shortened(text)))
        }
    }
}

fn is_login(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=100).contains(&text.len()) && text.bytes().all(fits)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// One thing, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// For people, behind "GitHub has no …".
    pub(super) what: String,
    /// Nothing stands for all of them.
    pub(super) fields: Option<&'static [&'static str]>,
}

impl Ask {
    pub fn repository(Repository(name): &Repository) -> Self {
        Self {
            path: format!("/repos/{name}"),
            query: vec![],
            what: format!("repository `{name}`"),
            fields: Some(fields::REPOSITORY),
        }
    }

    pub fn user(Login(name): &Login) -> Self {
        Self {
            path: format!("/users/{name}"),
            query: vec![],
            what: format!("user `{name}`"),
            fields: Some(fields::USER),
        }
    }

    /// Whatever is at a path; all of what GitHub says.
    pub fn path(path: &str, query: &Map<String, Value>) -> Result<Self, GithubError> {
        let bare = path.split(['?', '#']).next().unwrap_or_default();
        let leaves = bare.split('/').any(|part| part == "." || part == "..");
        let is_plain = bare.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '\\');
        // Dots and slashes in another spelling.
        let lower = bare.to_ascii_lowercase();
        let hides = ["%2e", "%2f", "%5c"].iter().any(|spelt| lower.contains(spelt));
        let is_below = bare.starts_with('/') && !bare.starts_with("//");
        if !is_below || leaves || !is_plain || hides {
            return Err(GithubError::NoPath(shortened(bare)));
        }
        let query = pairs("get", query)?;
        Ok(Self { path: path.into(), query, what: format!("`{bare}`"), fields: None })
    }
}

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Issues,
    Pulls,
    Commits,
    Releases,
    WorkflowRuns,
    Events,
    FoundIssues,
}

struct Plan {
    function: &'static str,
    options: &'static [&'static str],
    fields: &'static [&'static str],
    /// So many fit one answer, as long as GitHub's answers are.
    per_page: usize,
}

impl Kind {
    fn plan(self) -> Plan {
        let (function, options, fields, per_page): (_, &[&str], _, _) = match self {
            Self::Issues => (
                "issues",
                &[
                    "state",
                    "labels",
                    "assignee",
                    "creator",
                    "mentioned",
                    "milestone",
                    "since",
                    "sort",
                    "direction",
                ],
                fields::ISSUES,
                100,
            ),
            Self::Pulls => {
                ("pulls", &["state", "head", "base", "sort", "direction"], fields::PULLS, 30)
            }
            Self::Commits => {
                ("commits", &["sha", "path", "author", "since", "until"], fields::COMMITS, 100)
            }
            Self::Releases => ("releases", &[], fields::RELEASES, 30),
            Self::WorkflowRuns => (
                "workflow_runs",
                &["branch", "event", "actor", "status", "created", "head_sha"],
                fields::WORKFLOW_RUNS,
                30,
            ),
            Self::Events => ("events", &[], fields::EVENTS, 50),
            Self::FoundIssues => ("search_issues", &["sort", "order"], fields::FOUND_ISSUES, 100),
        };
        Plan { function, options, fields, per_page }
    }
}

/// A list, some pages long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub(super) ask: Ask,
    kind: Kind,
    /// Not more items than these are wanted.
    pub limit: usize,
}

impl Listing {
    /// Of a repository: issues, pulls, commits, releases or workflow runs.
    pub fn of(
        kind: Kind,
        Repository(name): &Repository,
        options: &Map<String, Value>,
    ) -> Result<Self, GithubError> {
        let below = match kind {
            Kind::WorkflowRuns => "actions/runs",
            kind => kind.plan().function,
        };
        Self::at(kind, format!("/repos/{name}/{below}"), format!("repository `{name}`"), options)
    }

    /// What somebody did lately in public.
    pub fn events(Login(name): &Login, options: &Map<String, Value>) -> Result<Self, GithubError> {
        let path = format!("/users/{name}/events/public");
        Self::at(Kind::Events, path, format!("user `{name}`"), options)
    }

    /// Issues and pull requests by GitHub's own search.
    pub fn found_issues(q: &str, options: &Map<String, Value>) -> Result<Self, GithubError> {
        let what = "search for issues".to_owned();
        let mut listing = Self::at(Kind::FoundIssues, "/search/issues".into(), what, options)?;
        listing.ask.query.push(("q".into(), q.into()));
        Ok(listing)
    }

    fn at(
        kind: Kind,
        path: String,
        what: String,
        options: &Map<String, Value>,
    ) -> Result<Self, GithubError> {
        let Plan { function, options: known, fields, per_page } = kind.plan();
        let limit = match options.get("limit") {
            None | Some(Value::Null) => DEFAULT_ITEMS,
            Some(given) => {
                let limit = given.as_u64().and_then(|limit| usize::try_from(limit).ok());
                limit.filter(|limit| (1..=MAX_ITEMS).contains(limit)).ok_or_else(|| {
                    let (name, given) = ("limit".into(), given.to_string());
                    let fits = "a whole number from 1 to 300";
                    GithubError::Unfit { function, name, given, fits }
                })?
            }
        };
        let is_known = |name: &str| name == "limit" || known.contains(&name);
        if let Some(given) = options.keys().find(|name| !is_known(name)) {
            let all = || known.iter().copied().chain(["limit"]);
            let names: Vec<String> = all().map(|name| format!("`{name}`")).collect();
            return Err(GithubError::NoOption {
                function,
                given: shortened(given),
                nearest: nearest(given, all()).map(Into::into),
                known: names.join(", "),
            });
        }
        let mut query = pairs(function, options)?;
        // Pull requests are among the issues, and are left out: a whole page is asked for.
        let per_page = if kind == Kind::Issues { per_page } else { per_page.min(limit) };
        query.push(("per_page".into(), per_page.to_string()));
        Ok(Self { ask: Ask { path, query, what, fields: Some(fields) }, kind, limit })
    }

    /// The items of one answer, as they are handed on.
    pub(super) fn items(&self, answer: &Value) -> Option<Vec<Value>> {
        let items = match self.kind {
            Kind::WorkflowRuns => answer.get("workflow_runs")?,
            Kind::FoundIssues => answer.get("items")?,
            _ => answer,
        };
        let is_wanted = |item: &&Value| {
            // To GitHub each pull request is an issue too.
            self.kind != Kind::Issues || item.get("pull_request").is_none_or(Value::is_null)
        };
        let items = items.as_array()?.iter().filter(is_wanted);
        Some(items.map(|item| fields::pick(item, self.ask.fields.unwrap_or_default())).collect())
    }
}

/// Options as a query has them; null is the same as not given, a list is put together with commas.
fn pairs(
    function: &'static str,
    options: &Map<String, Value>,
) -> Result<Vec<(String, String)>, GithubError> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let mut pairs = Vec::new();
    for (name, value) in options.iter().filter(|(name, _)| *name != "limit" || function == "get") {
        let given = match value {
            Value::Null => continue,
            Value::Array(items) => {
                items.iter().map(text).collect::<Option<Vec<_>>>().map(|items| items.join(","))
            }
            one => text(one),
        };
        let Some(given) = given else {
            let (name, given) = (name.clone(), shortened(&value.to_string()));
            let fits = "a text, a number, a boolean or a list of them";
            return Err(GithubError::Unfit { function, name, given, fits });
        };
        pairs.push((name.clone(), given));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn options(value: &Value) -> &Map<String, Value> {
        value.as_object().unwrap()
    }

    #[test]
    fn names_are_githubs_or_refused() {
        for good in ["fedora-infra/hubs", "a/.github", "me_corp/x.y-z_1"] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        for bad in
            ["hubs", "a/b/c", "a/..", "a/b?x=1", "../b", "a/", "/b", "a b/c", "a/ü", "a/b%2e"]
        {
            let said = bad.parse::<Repository>().unwrap_err().to_string();
            assert_eq!(said, format!("`{bad}` is no repository of GitHub: write `owner/name`"));
        }
        assert!("ralphbean".parse::<Login>().is_ok() && "dependabot[bot]".parse::<Login>().is_ok());
        assert_eq!(
            "ra/lph".parse::<Login>().unwrap_err().to_string(),
            "`ra/lph` is no user name of GitHub: it has letters, digits and dashes"
        );
    }

    #[test]
    fn options_become_a_query_or_are_named() {
        let repository = "a/b".parse().unwrap();
        let given =
            json!({ "labels": ["bug", "easyfix"], "assignee": null, "milestone": 3, "limit": 200 });
        let listing = Listing::of(Kind::Issues, &repository, options(&given)).unwrap();
        let query: Vec<_> = listing.ask.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(query, ["labels=bug,easyfix", "milestone=3", "per_page=100"]);
        assert_eq!((listing.ask.path.as_str(), listing.limit), ("/repos/a/b/issues", 200));
        for (kind, given, said) in [
            (
                Kind::Pulls,
                json!({ "stat": "open" }),
                "`github::pulls` has no option `stat` (it has `state`, `head`, `base`, `sort`, `direction`, `limit`); did you mean `state`?",
            ),
            (
                Kind::Releases,
                json!({ "limit": 301 }),
                "`limit` of `github::releases` is 301, but must be a whole number from 1 to 300",
            ),
            (
                Kind::Commits,
                json!({ "sha": { "a": 1 } }),
                "`sha` of `github::commits` is {\"a\":1}, but must be a text, a number, a boolean or a list of them",
            ),
        ] {
            let refused = Listing::of(kind, &repository, options(&given)).unwrap_err();
            assert_eq!(refused.to_string(), said);
        }
    }

    #[test]
    fn a_path_stays_below_the_interface() {
        for good in ["/repos/a/b/releases/latest", "/rate_limit", "/repos/a/b/issues?state=all"] {
            assert!(Ask::path(good, &Map::new()).is_ok(), "{good}");
        }
        for bad in [
            "repos/a/b",
            "//evil.example/x",
            "https://evil.example",
            "/a/../b",
            "/a b",
            "/a\\b",
            "/a/%2e%2e/b",
            "",
        ] {
            let said = Ask::path(bad, &Map::new()).unwrap_err().to_string();
            assert!(
                said.contains("is no path of GitHub's interface: write `/repos/OWNER/NAME/…`"),
                "{said}"
            );
        }
    }
}
