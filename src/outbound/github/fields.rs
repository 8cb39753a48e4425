//! What of GitHub's long answers is handed on: fields that a page may show, by GitHub's own names.
//!
//! `user.login` is the field `login` of the object `user`; of a list it is that of each item. A field that is named here
//! is always there: where GitHub has none it is null, so that scripts need no guards.

use serde_json::{Map, Value};

/// A longer text is cut: descriptions of issues and releases have no end.
const MAX_TEXT_BYTES: usize = 4 << 10;

type Fields = &'static [&'static str];

pub(super) const REPOSITORY: Fields = &[
    "name",
    "full_name",
    "html_url",
    "description",
    "homepage",
    "language",
    "license.name",
    "license.spdx_id",
    "topics",
    "archived",
    "fork",
    "visibility",
    "default_branch",
    "stargazers_count",
    "forks_count",
    "open_issues_count",
    "subscribers_count",
    "owner.login",
    "owner.avatar_url",
    "created_at",
    "updated_at",
    "pushed_at",
];

pub(super) const USER: Fields = &[
    "login",
    "name",
    "type",
    "html_url",
    "avatar_url",
    "bio",
    "blog",
    "company",
    "location",
    "public_repos",
    "followers",
    "following",
    "created_at",
    "updated_at",
];

pub(super) const ISSUES: Fields = &[
    "number",
    "title",
    "state",
    "state_reason",
    "html_url",
    "body",
    "user.login",
    "user.avatar_url",
    "labels.name",
    "labels.color",
    "assignees.login",
    "assignees.avatar_url",
    "milestone.title",
    "milestone.html_url",
    "comments",
    "created_at",
    "updated_at",
    "closed_at",
];

pub(super) const PULLS: Fields = &[
    "number",
    "title",
    "state",
    "draft",
    "html_url",
    "body",
    "user.login",
    "user.avatar_url",
    "labels.name",
    "labels.color",
    "assignees.login",
    "requested_reviewers.login",
    "head.ref",
    "head.sha",
    "base.ref",
    "milestone.title",
    "created_at",
    "updated_at",
    "closed_at",
    "merged_at",
];

pub(super) const COMMITS: Fields = &[
    "sha",
    "html_url",
    "commit.message",
    "commit.author.name",
    "commit.author.date",
    "commit.comment_count",
    "author.login",
    "author.avatar_url",
];

pub(super) const RELEASES: Fields = &[
    "tag_name",
    "name",
    "html_url",
    "body",
    "draft",
    "prerelease",
    "created_at",
    "published_at",
    "author.login",
    "assets.name",
    "assets.size",
    "assets.download_count",
    "assets.browser_download_url",
];

pub(super) const WORKFLOW_RUNS: Fields = &[
    "id",
    "name",
    "display_title",
    "run_number",
    "event",
    "status",
    "conclusion",
    "head_branch",
    "head_sha",
    "html_url",
    "actor.login",
    "actor.avatar_url",
    "run_started_at",
    "created_at",
    "updated_at",
];

pub(super) const EVENTS: Fields = &[
    "id",
    "type",
    "actor.login",
    "actor.avatar_url",
    "repo.name",
    "created_at",
    "payload.action",
    "payload.ref",
    "payload.ref_type",
    "payload.number",
    "payload.issue.number",
    "payload.issue.title",
    "payload.issue.html_url",
    "payload.pull_request.number",
    "payload.pull_request.title",
    "payload.pull_request.html_url",
    "payload.comment.html_url",
    "payload.review.state",
    "payload.release.tag_name",
    "payload.release.html_url",
    "payload.forkee.full_name",
];

pub(super) const FOUND_ISSUES: Fields = &[
    "number",
    "title",
    "state",
    "state_reason",
    "draft",
    "html_url",
    "repository_url",
    "pull_request.html_url",
    "pull_request.merged_at",
    "user.login",
    "user.avatar_url",
    "labels.name",
    "labels.color",
    "assignees.login",
    "comments",
    "created_at",
    "updated_at",
    "closed_at",
];

/// The fields of an object, or of each object in a list.
pub(super) fn pick(value: &Value, fields: &[&str]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| pick(item, fields)).collect(),
        Value::Object(all) => {
            let mut picked = Map::new();
            for field in fields {
                let (name, rest) = field.split_once('.').unwrap_or((field, ""));
                if picked.contains_key(name) {
                    continue;
                }
                let found = all.get(name).unwrap_or(&Value::Null);
                let found = if rest.is_empty() {
                    cut(found)
                } else {
                    let below =
                        |field: &&str| field.split_once('.').is_some_and(|(n, _)| n == name);
                    let inner = fields.iter().copied().filter(below);
                    let inner: Vec<&str> = inner.map(|field| &field[name.len() + 1..]).collect();
                    pick(found, &inner)
                };
                picked.insert(name.into(), found);
            }
            Value::Object(picked)
        }
        _ => Value::Null,
    }
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_TEXT_BYTES => {
            format!("{}…", &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]).into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_picked_from_objects_and_from_lists_and_are_always_there() {
        let given = json!([
            { "a": 1, "b": { "c": { "d": 2, "x": 0 }, "e": 3 }, "l": [{ "n": 1, "x": 0 }], "x": 0 },
            { "b": null, "l": [] },
        ]);
        let picked = pick(&given, &["a", "b.c.d", "b.e", "l.n", "m.n"]);
        assert_eq!(
            picked,
            json!([
                { "a": 1, "b": { "c": { "d": 2 }, "e": 3 }, "l": [{ "n": 1 }], "m": null },
                { "a": null, "b": null, "l": [], "m": null },
            ])
        );
    }

    #[test]
    fn a_long_text_is_cut() {
        let picked = pick(&json!({ "body": "ü".repeat(10_000) }), &["body"]);
        let text = picked["body"].as_str().unwrap();
        assert!(text.len() <= MAX_TEXT_BYTES + 3 && text.ends_with("ü…"));
    }
}
