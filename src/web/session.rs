//! The cookies of who is logged in and of who is about to, and the token that proves that a form is ours.
//!
//! A cookie holds 256 random bits, of which the store knows the hash alone. What forms carry is derived from it: whoever
//! knows that is still nobody, and no other session's form fits.

use crate::store::TokenHash;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How long a browser keeps its cookie; the server ends the session before.
const KEPT_SECONDS: u64 = 90 * 24 * 3_600;
/// A login takes minutes.
const LOGIN_SECONDS: u64 = 3_600;
/// Of 256 bits in URL-safe base64.
const TOKEN_CHARACTERS: usize = 43;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Of somebody who is logged in.
    Session,
    /// Of a browser in which a login began: what the provider sends back counts there alone.
    Login,
}

impl Cookie {
    /// Over https the name itself has browsers see to it that no other host and no plain http could have set it.
    fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-hubs",
            (Self::Session, false) => "hubs",
            (Self::Login, true) => "__Host-hubs-login",
            (Self::Login, false) => "hubs-login",
        }
    }

    /// What a browser sent, if that could be one of ours.
    pub(super) fn of(self, headers: &HeaderMap, is_https: bool) -> Option<Token> {
        let name = self.name(is_https);
        let lines =
            headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(given, _)| *given == name).find_map(|(_, value)| Token::parse(value))
    }

    /// `Set-Cookie`, to keep a token.
    pub(super) fn keep(self, token: &Token, is_https: bool) -> HeaderValue {
        let seconds = match self {
            Self::Session => KEPT_SECONDS,
            Self::Login => LOGIN_SECONDS,
        };
        self.line(&token.0, seconds, is_https)
    }

    /// `Set-Cookie`, to forget it.
    pub(super) fn forget(self, is_https: bool) -> HeaderValue {
        self.line("", 0, is_https)
    }

    fn line(self, value: &str, seconds: u64, is_https: bool) -> HeaderValue {
        let name = self.name(is_https);
        let secure = if is_https { "; Secure" } else { "" };
        let line =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&line).expect("letters and digits")
    }
}

/// 256 random bits as text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn random() -> Self {
        let mut bits = [0; 32];
        aws_lc_rs::rand::fill(&mut bits).expect("the system has random numbers");
        Self(BASE64_URL_SAFE_NO_PAD.encode(bits))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == TOKEN_CHARACTERS
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        fits.then(|| Self(text.into()))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// What each form of this session carries.
    pub(super) fn form_token(&self) -> FormToken {
        let digest =
            Sha256::new().chain_update("a form of hubs\0").chain_update(&self.0).finalize();
        FormToken(BASE64_URL_SAFE_NO_PAD.encode(digest))
    }
}

/// Proves that a form was made for the session that sends it: `csrf` in a form, `X-CSRF-Token` from a script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FormToken(String);

impl FormToken {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn fits(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &[&str]) -> HeaderMap {
        let lines = cookies.iter().map(|line| (header::COOKIE, line.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_if_it_could_be_ours() {
        let token = Token::random();
        let ours = format!("a=b; hubs={}; c", token.reveal());
        assert!(Cookie::Session.of(&sent(&["x=y", &ours]), false) == Some(token.clone()));
        let safe = format!("__Host-hubs={}", token.reveal());
        assert!(Cookie::Session.of(&sent(&[&safe]), true) == Some(token));
        for (bad, is_https) in
            [("hubs=", false), ("hubs=short", false), (&*safe, false), (&*ours, true)]
        {
            assert!(Cookie::Session.of(&sent(&[bad]), is_https).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_cookie_is_for_this_site_alone_and_out_of_reach_of_scripts() {
        let token = Token::parse(&"a".repeat(43)).unwrap();
        let line = Cookie::Session.keep(&token, true);
        assert_eq!(
            line.to_str().unwrap(),
            format!(
                "__Host-hubs={}; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure",
                token.reveal()
            )
        );
        assert_eq!(
            Cookie::Login.forget(false).to_str().unwrap(),
            "hubs-login=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_form_fits_its_session_alone() {
        let (one, other) = (Token::random(), Token::random());
        let form = one.form_token();
        assert!(form.fits(one.form_token().as_str()) && !form.fits(other.form_token().as_str()));
        assert!(!form.fits("") && !form.as_str().contains(one.reveal()));
    }
}
