//! `GET /{hub}/{id}/badge.svg`: one figure of a widget, for a README or another page.

use super::errors::PageError;
use super::viewer::Asker;
use super::{Services, widgets};
use crate::hub::{State, WidgetView};
use crate::render::{Badge, BadgeState, badge, commas};
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;

/// Fields of data that are what a widget is about, where it has one of them.
const FIGURES: [&str; 6] = ["figure", "total", "count", "members", "open", "value"];

/// The widget's title and main figure: a field of its data named `figure`, `total`, `count`, `members`, `open` or
/// `value`, else its only number, else how long its `items` or only list is, else whether it is fresh. 404 when it is not there.
pub(super) async fn svg(
    Shared(services): Shared<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    asker: Asker,
) -> Result<Response, PageError> {
    let current = widgets::current(&services, &asker, &hub, &id).await?;
    let view = &current.view;
    let etag =
        HeaderValue::from_maybe_shared(current.etag.clone()).expect("hexadecimal digits in quotes");
    let mut response = if widgets::knows(&asker.headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (figure, state) = told(view);
        badge(&Badge { title: &view.title, figure: &figure, state }).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    // Proxies of pictures keep what has no limit for days.
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0"));
    answer.insert(header::ETAG, etag);
    answer.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    Ok(response)
}

fn told(view: &WidgetView) -> (String, BadgeState) {
    let figure = figure(&view.data);
    match (view.state, &view.error) {
        (State::Error, _) => ("nothing yet".into(), BadgeState::Failed),
        (State::Stale, Some(_)) => {
            let figure = figure.map(|figure| format!("{figure} (old)"));
            (figure.unwrap_or_else(|| "out of date".into()), BadgeState::Stale)
        }
        _ => (figure.unwrap_or_else(|| "up to date".into()), BadgeState::Fresh),
    }
}

fn figure(data: &Value) -> Option<String> {
    let fields = data.as_object()?;
    let named = FIGURES.iter().find_map(|name| said(fields.get(*name)?));
    let only = |mut figures: Vec<String>| if figures.len() == 1 { figures.pop() } else { None };
    named
        .or_else(|| {
            let numbers = fields.values().filter(|value| value.is_number());
            only(numbers.filter_map(said).collect())
        })
        .or_else(|| {
            let lists: Vec<&Vec<Value>> = fields.values().filter_map(Value::as_array).collect();
            let items = fields.get("items").and_then(Value::as_array);
            let list = items.or(if lists.len() == 1 { Some(lists[0]) } else { None })?;
            Some(list.len().to_string())
        })
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.as_i64().map_or_else(|| number.to_string(), commas)),
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_figure_is_what_the_widget_is_about() {
        for (data, expected) in [
            (json!({ "members": 1204, "stars": 3 }), Some("1,204")),
            (json!({ "figure": "passing", "total": 3 }), Some("passing")),
            (json!({ "runs": 2.5, "name": "x" }), Some("2.5")),
            (json!({ "items": [1, 2, 3], "title": "x" }), Some("3")),
            (json!({ "a": 1, "b": 2 }), None),
            (json!({ "items": [1], "older": [2, 3] }), Some("1")),
            (json!({ "a": [], "b": [] }), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            assert_eq!(figure(&data).as_deref(), expected, "{data}");
        }
    }
}
