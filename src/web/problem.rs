//! What is wrong with a widget, as code frames below its card. For who may mend it: frames name files and source lines.

use super::errors::{JsonError, PageError};
use super::viewer::Viewer;
use super::widgets::navigates;
use super::{Services, pages};
use crate::config::Site;
use crate::diagnostic::{Diagnostic, Severity};
use crate::hub::{Hub, Instance, InstanceId};
use crate::render::{ProblemHtml, ProblemLine, ProblemPage, ProblemsHtml};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::Arc;

/// Problems that one card shows: they are mended from the top.
const SHOWN: usize = 8;
/// Lines above and below the one at fault.
const AROUND: usize = 2;
/// Of a line that was not written by hand.
const LINE_CHARACTERS: usize = 400;

/// `GET /{hub}/{id}/problem`: what is wrong with a widget, as a fragment for its card; a browser that goes there gets a
/// page. 204 when nothing is, 403 for who may not mend it, 404 for a widget that is not there.
pub(super) async fn show(
    State(services): State<Arc<Services>>,
    Path((hub, id)): Path<(String, String)>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    let page = navigates(&headers);
    let mut response = match answer(&services, &hub, &id, &viewer, page).await {
        Ok(response) => response,
        Err(error) if page => error.into_response(),
        Err(error) => JsonError(error).into_response(),
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.insert(header::VARY, HeaderValue::from_static("accept, sec-fetch-dest"));
    response
}

async fn answer(
    services: &Services,
    hub: &str,
    id: &str,
    viewer: &Viewer,
    page: bool,
) -> Result<Response, PageError> {
    if !viewer.may_mend() {
        return Err(PageError::NotYours);
    }
    let id: InstanceId = id.parse()?;
    let hub = services.find(viewer, hub).await?;
    let instance = services.store.instance(id).await.map_err(PageError::internal)?;
    let on_hub = |instance: &Instance| instance.hub == hub.name && viewer.may_read(&hub);
    let Some(instance) = instance.filter(on_hub) else {
        return Err(PageError::NoSuchWidget { hub: hub.name, id });
    };
    let Some(html) = fragment(services, &instance, Arc::new(hub)) else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    if !page {
        return Ok(Html(html).into_response());
    }
    let library = services.shelf.library();
    let title = library.get(&instance.widget).map_or(instance.widget.as_str(), |it| &it.title);
    let context = ProblemPage { hub: &instance.hub, id, title, problem: &html };
    pages::page(services, viewer, "problem-page.html", context)
}

/// The HTML of what is wrong with an instance; `None` when nothing is.
fn fragment(services: &Services, instance: &Instance, hub: Arc<Hub>) -> Option<String> {
    let found = services.rebuild.problems(instance, hub);
    let site = services.shelf.site();
    let problems: Vec<_> = found.iter().take(SHOWN).map(|problem| told(problem, site)).collect();
    if problems.is_empty() {
        return None;
    }
    let broken = found.iter().any(|problem| problem.severity == Severity::Error);
    let context = ProblemsHtml { id: instance.id, broken, problems: &problems };
    let rendered = services.renderer.page("problem.html", context, (services.clock)());
    rendered
        .inspect_err(
            |problem| tracing::error!(%problem, "a problem could not be shown on its card"),
        )
        .ok()
}

/// A card as one who may mend it sees it: what is wrong is its last part.
pub(super) fn with_problem(
    services: &Services,
    instance: &Instance,
    hub: &Arc<Hub>,
    mut card: String,
) -> String {
    let end = card.rfind("</article>");
    if let (Some(end), Some(fragment)) = (end, fragment(services, instance, hub.clone())) {
        card.insert_str(end, &fragment);
    }
    card
}

/// The same, of an instance that is known by its number.
pub(super) async fn on_card(
    services: &Services,
    id: InstanceId,
    hub: &Hub,
    card: String,
) -> Result<String, PageError> {
    let instance = services.store.instance(id).await.map_err(PageError::internal)?;
    Ok(match instance {
        Some(instance) => with_problem(services, &instance, &Arc::new(hub.clone()), card),
        None => card,
    })
}

fn told(problem: &Diagnostic, site: &Site) -> ProblemHtml {
    ProblemHtml {
        severity: problem.severity,
        message: problem.message.clone(),
        place: problem.place(),
        help: problem.help.clone(),
        lines: lines(problem, problem.file.as_deref().and_then(|file| site.read_text(file).ok()?)),
    }
}

/// The lines around a problem, of the file as it is now if it still has that line; else the one line that is known.
fn lines(problem: &Diagnostic, text: Option<String>) -> Vec<ProblemLine> {
    let Some(at) = problem.line.filter(|line| *line > 0) else { return Vec::new() };
    let text = text.unwrap_or_default();
    // A script that ends too early is at fault in the line behind its last.
    let all: Vec<_> = text.lines().chain([""]).collect();
    let around = || {
        let first = at.saturating_sub(AROUND).max(1);
        let last = if at == all.len() { at } else { (all.len() - 1).min(at + AROUND) };
        (first, &all[first - 1..last])
    };
    let (first, shown) = match (problem.excerpt.as_deref(), all.get(at - 1)) {
        (Some(excerpt), Some(line)) if excerpt == *line => around(),
        (Some(excerpt), _) => (at, &[excerpt][..]),
        (None, Some(_)) => around(),
        (None, None) => return Vec::new(),
    };
    let numbered = shown.iter().zip(first..);
    numbered.map(|(line, number)| parted(line, number, problem)).collect()
}

fn parted(line: &str, number: usize, problem: &Diagnostic) -> ProblemLine {
    let letters: Vec<char> = line.chars().take(LINE_CHARACTERS).collect();
    let here = problem.line == Some(number);
    let start = match problem.column.filter(|_| here) {
        Some(column) => (column - 1).min(letters.len()),
        None => letters.len(),
    };
    // Where only a beginning is known, a name is at fault as a whole.
    let name = letters[start..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
    let end = (start + problem.width.max(name)).min(letters.len());
    let text = |letters: &[char]| letters.iter().collect();
    ProblemLine {
        number,
        here,
        before: text(&letters[..start]),
        fault: text(&letters[start..end]),
        after: text(&letters[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: &Diagnostic, text: Option<&str>) -> Vec<String> {
        lines(problem, text.map(Into::into))
            .iter()
            .map(|line| {
                let sign = if line.here { ">" } else { " " };
                format!("{sign}{} {}[{}]{}", line.number, line.before, line.fault, line.after)
            })
            .collect()
    }

    #[test]
    fn a_frame_has_the_lines_around_and_the_fault_in_its_line() {
        let text = "one\ntwo\nthree\nfour\nfive\nsix\n";
        let problem = Diagnostic::error("no").at_span(text, 9..11);
        assert_eq!(
            check(&problem, Some(text)),
            [" 1 one[]", " 2 two[]", ">3 t[hree]", " 4 four[]", " 5 five[]"]
        );
        let first = Diagnostic::error("no").at(text, 1, 1);
        assert_eq!(check(&first, Some(text)), [">1 [one]", " 2 two[]", " 3 three[]"]);
        let behind_the_end = Diagnostic::error("no").at(text, 6, 4);
        assert_eq!(check(&behind_the_end, Some(text)), [" 4 four[]", " 5 five[]", ">6 six[]"]);
        let ends_too_early = Diagnostic::error("no").at(text, 7, 1);
        assert_eq!(check(&ends_too_early, Some(text)), [" 5 five[]", " 6 six[]", ">7 []"]);
        let elsewhere = Diagnostic::error("no").at(text, 9, 1);
        assert!(check(&elsewhere, Some(text)).is_empty());
    }

    #[test]
    fn a_file_that_changed_since_shows_only_the_line_that_was_at_fault() {
        let problem = Diagnostic::error("no").at("let ä = 1;\n", 1, 5);
        for text in [None, Some(""), Some("another\nfile")] {
            assert_eq!(check(&problem, text), [">1 let [ä] = 1;"]);
        }
        assert!(check(&Diagnostic::error("nowhere"), Some("text")).is_empty());
    }
}
