//! What the templates of logging in are given, and the viewer's part of every page.

use serde::Serialize;

/// What [`super::Renderer::page`] gives each page beside its own context.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame<'a> {
    /// Who is logged in.
    pub viewer: Option<Who<'a>>,
    /// What each form of the page sends back as `csrf`; empty for who is not logged in.
    pub csrf: &'a str,
    /// Where the link to log in leads.
    pub login: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Who<'a> {
    pub username: &'a str,
    /// May be empty.
    pub full_name: &'a str,
    pub is_admin: bool,
}

/// A page's own context with its frame.
#[derive(Serialize)]
pub struct Framed<'a, C> {
    #[serde(flatten)]
    pub page: C,
    #[serde(flatten)]
    pub frame: Frame<'a>,
}

/// `login.html`: whoever sits at the machine picks a name.
#[derive(Serialize)]
pub struct LoginPage<'a> {
    pub people: Vec<Somebody<'a>>,
    /// Where its person goes then.
    pub next: &'a str,
    /// Why the name that was given was not taken.
    pub problem: Option<&'a str>,
}

/// `login-again.html`: a link to the provider, for who would have sent a form.
#[derive(Serialize)]
pub struct LoginAgainPage<'a> {
    /// Where people log in.
    pub host: &'a str,
    pub link: &'a str,
}

/// `logout.html`: logged out here, and on the way to log out at the provider.
#[derive(Serialize)]
pub struct LogoutPage<'a> {
    pub host: &'a str,
    pub link: &'a str,
}

#[derive(Serialize)]
pub struct Somebody<'a> {
    pub username: &'a str,
    pub full_name: &'a str,
}
