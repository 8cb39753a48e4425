//! How a reader wants pages: which language and colours, in a frame, on a wall, or as plain text.
//!
//! It is read once from each request and holds for whatever answers it, also for an error's page. A reader's choice of
//! colours or language is a cookie, set by following `?theme=…` or `?lang=…` on any page: a form's button or a link,
//! without JavaScript. The language is else what the browser asks for.

use crate::render::{Language, Look, Theme};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

/// A year: who looks in once in a while keeps the choice.
const KEPT: &str = "Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wanted {
    look: Look,
    text: bool,
}

tokio::task_local! {
    static WANTED: Wanted;
}

/// How the reader of the request that is being answered wants pages.
pub(super) fn look() -> Look {
    WANTED.try_with(|wanted| wanted.look).unwrap_or_default()
}

/// Whether they want plain text instead.
pub(super) fn as_text() -> bool {
    WANTED.try_with(|wanted| wanted.text).unwrap_or_default()
}

/// Around all handlers of pages. `?theme=` and `?lang=` are kept and taken out of the address; beside `?embed` or `?tv`,
/// which are addresses that others are given, they hold for that page alone.
pub(super) async fn seen(request: Request, next: Next) -> Response {
    let asked = Asked::of(request.uri());
    if !asked.embed
        && !asked.tv
        && request.method() == Method::GET
        && let Some(response) = chosen(request.uri(), &asked)
    {
        return response;
    }
    let headers = request.headers();
    let theme = asked.theme.or_else(|| kept(headers, THEME).and_then(Theme::named));
    let lang = asked.lang.or_else(|| kept(headers, LANG).and_then(Language::named));
    let look = Look {
        theme: theme.unwrap_or_default(),
        lang: lang.unwrap_or_else(|| Language::preferred(text(headers, header::ACCEPT_LANGUAGE))),
        tv: asked.tv,
        embed: asked.embed,
    };
    let wanted = Wanted { look, text: prefers_text(headers) };
    WANTED.scope(wanted, next.run(request)).await
}

const THEME: &str = "theme";
const LANG: &str = "lang";

/// What the address says.
#[derive(Default)]
struct Asked {
    theme: Option<Theme>,
    lang: Option<Language>,
    tv: bool,
    embed: bool,
}

impl Asked {
    fn of(uri: &Uri) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
            match &*key {
                THEME => asked.theme = Theme::named(&value),
                LANG => asked.lang = Language::named(&value),
                "tv" => asked.tv = true,
                "embed" => asked.embed = true,
                _ => {}
            }
        }
        asked
    }
}

/// Back to the same page, which then looks as it was chosen. `None` where nothing was, and for a path that would lead
/// elsewhere.
fn chosen(uri: &Uri, asked: &Asked) -> Option<Response> {
    let theme = asked.theme.map(|theme| (THEME, theme.name()));
    let choices: Vec<_> = theme.into_iter().chain(asked.lang.map(|l| (LANG, l.code()))).collect();
    let path = uri.path();
    if choices.is_empty() || path.starts_with("//") {
        return None;
    }
    let others = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
        .filter(|(key, _)| key != THEME && key != LANG);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
    let back = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut response = Redirect::to(&back).into_response();
    for (name, value) in choices {
        let cookie = HeaderValue::from_str(&format!("{name}={value}; {KEPT}")).ok()?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Some(response)
}

/// A choice that a browser brings back.
fn kept<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A header; nothing when it is not there or no text.
fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Whether plain text is asked for by its name and rather than HTML: nobody gets it by `*/*`.
fn prefers_text(headers: &HeaderMap) -> bool {
    let accepted = text(headers, header::ACCEPT);
    let quality = |wanted: &str| {
        let parts = accepted.split(',').map(|kind| kind.split(';').map(str::trim));
        parts
            .filter_map(|mut parts| {
                let kind = parts.next()?;
                let given = parts.find_map(|part| part.strip_prefix("q="));
                kind.eq_ignore_ascii_case(wanted)
                    .then(|| given.map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0)))
            })
            .fold(0.0, f32::max)
    };
    let text = quality("text/plain");
    text > 0.0 && text > quality("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_for_who_asks_for_it() {
        let check = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            prefers_text(&headers)
        };
        for text in ["text/plain", "Text/Plain; charset=utf-8", "text/html;q=0.5, text/plain, */*"]
        {
            assert!(check(text), "{text}");
        }
        for html in [
            "*/*",
            "",
            "text/html",
            "text/html,text/plain",
            "text/plain;q=0",
            "text/plain;q=x",
            "text/*",
        ] {
            assert!(!check(html), "{html}");
        }
        assert!(!prefers_text(&HeaderMap::new()));
    }

    #[test]
    fn a_choice_comes_back_in_its_cookie() {
        let check = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            kept(&headers, THEME).and_then(Theme::named)
        };
        assert_eq!(check("session=x; theme=dark"), Some(Theme::Dark));
        for none in ["theme=", "theme=\"><b>", "mytheme=dark", ""] {
            assert_eq!(check(none), None, "{none}");
        }
    }
}
