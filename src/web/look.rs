//! How a reader wants pages: which colours, in a frame, on a wall, or as plain text.
//!
//! It is read once from each request and holds for whatever answers it, also for an error's page. A reader's choice of
//! colours is a cookie, set by following `?theme=…` on any page: a form's button or a link, without JavaScript.

use crate::render::{Look, Theme};
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

/// Around all handlers of pages. `?theme=` is kept and taken out of the address; beside `?embed` or `?tv`, which are
/// addresses that others are given, it holds for that page alone.
pub(super) async fn seen(request: Request, next: Next) -> Response {
    let asked = Asked::of(request.uri());
    if let Some(theme) = asked.theme.filter(|_| !asked.embed && !asked.tv)
        && request.method() == Method::GET
        && let Some(response) = chosen(request.uri(), theme)
    {
        return response;
    }
    let theme = asked.theme.or_else(|| kept(request.headers())).unwrap_or_default();
    let look = Look { theme, tv: asked.tv, embed: asked.embed };
    let wanted = Wanted { look, text: prefers_text(request.headers()) };
    WANTED.scope(wanted, next.run(request)).await
}

/// What the address says.
#[derive(Default)]
struct Asked {
    theme: Option<Theme>,
    tv: bool,
    embed: bool,
}

impl Asked {
    fn of(uri: &Uri) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
            match &*key {
                "theme" => asked.theme = Theme::named(&value),
                "tv" => asked.tv = true,
                "embed" => asked.embed = true,
                _ => {}
            }
        }
        asked
    }
}

/// Back to the same page, which then looks as it was chosen. `None` for a path that would lead elsewhere.
fn chosen(uri: &Uri, theme: Theme) -> Option<Response> {
    let path = uri.path();
    if path.starts_with("//") {
        return None;
    }
    let others = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
        .filter(|(key, _)| key != "theme");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
    let back = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let (name, _) = Theme::ALL.into_iter().find(|(_, known)| *known == theme)?;
    let cookie = HeaderValue::from_str(&format!("theme={name}; {KEPT}")).ok()?;
    let mut response = Redirect::to(&back).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Some(response)
}

/// The choice that a browser brings back.
fn kept(headers: &HeaderMap) -> Option<Theme> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| Theme::named(cookie.trim().strip_prefix("theme=")?))
}

/// Whether plain text is asked for by its name and rather than HTML: nobody gets it by `*/*`.
fn prefers_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok()).unwrap_or("");
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
            kept(&headers)
        };
        assert_eq!(check("session=x; theme=dark"), Some(Theme::Dark));
        for none in ["theme=", "theme=\"><b>", "mytheme=dark", ""] {
            assert_eq!(check(none), None, "{none}");
        }
    }
}
