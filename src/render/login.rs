//! What the templates of logging in are given, and the viewer's part of every page.

use crate::hub::HubName;
use serde::Serialize;

/// What [`super::Renderer::page`] gives each page beside its own context.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame<'a> {
    /// Who is logged in.
    pub viewer: Option<Who<'a>>,
    /// What each form of the page sends back as `csrf`; empty for who is not logged in.
    pub csrf: &'a str,
    /// The hubs that they keep at hand.
    pub bookmarks: &'a [Bookmark],
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

#[derive(Debug, Clone, Serialize)]
pub struct Bookmark {
    pub name: HubName,
    /// How long nothing happened there, as [`crate::hub::idle_word`] says it.
    pub idle: &'static str,
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
