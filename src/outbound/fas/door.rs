//! How hubs gets into FASJSON: by Kerberos, by a password for a proxy in front of it, or, on a cassette, not at all.

use super::FasError;
use super::answer::said;
use crate::config::FasLogin;
use crate::outbound::{Answer, Get, Outbound, hosts};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Url;
use std::sync::Arc;
use tokio::time::Instant;

#[cfg(feature = "kerberos")]
use crate::{
    config::{Kerberos, Secret},
    outbound::NegotiateError,
    outbound::negotiate::Negotiation,
};

#[derive(Clone)]
pub(super) struct Door {
    hosts: Arc<[String]>,
    /// Without its port, as principals have it.
    #[cfg(feature = "kerberos")]
    host: Arc<str>,
    login: Option<FasLogin>,
    /// What stands for a negotiation that was made.
    #[cfg(feature = "kerberos")]
    session: Arc<parking_lot::Mutex<Option<Secret>>>,
}

type Headers = Vec<(String, String)>;

impl Door {
    pub(super) fn new(url: &Url, login: Option<FasLogin>) -> Self {
        Self {
            hosts: [hosts::entry_for(url)].into(),
            #[cfg(feature = "kerberos")]
            host: url.host_str().unwrap_or_default().into(),
            login,
            #[cfg(feature = "kerberos")]
            session: Arc::default(),
        }
    }

    pub(super) async fn get(
        &self,
        outbound: &Outbound,
        url: &str,
        (mut headers, query): (Headers, &[(String, String)]),
        deadline: Instant,
    ) -> Result<Answer, FasError> {
        let hosts = &*self.hosts;
        match &self.login {
            #[cfg(feature = "kerberos")]
            Some(FasLogin::Kerberos(kerberos)) => {
                let get = Get { url, headers: &headers, query, hosts, deadline };
                return self.by_kerberos(outbound, kerberos, &get).await;
            }
            // hubs.toml is refused where it asks for what this build does not have.
            #[cfg(not(feature = "kerberos"))]
            Some(FasLogin::Kerberos(_)) => return Err(FasError::Nobody),
            Some(FasLogin::Password { username, password }) => {
                let login = format!("{username}:{}", password.reveal());
                let login = BASE64_STANDARD.encode(login);
                headers.push(("authorization".into(), format!("Basic {login}")));
            }
            None => {}
        }
        Ok(outbound.get(&Get { url, headers: &headers, query, hosts, deadline }).await?)
    }

    /// With the session where there is one; else, or when that has ended, with a new token.
    #[cfg(feature = "kerberos")]
    async fn by_kerberos(
        &self,
        outbound: &Outbound,
        kerberos: &Kerberos,
        get: &Get<'_>,
    ) -> Result<Answer, FasError> {
        let with = |name: &str, value: String| {
            let mut headers = get.headers.to_vec();
            headers.push((name.to_owned(), value));
            headers
        };
        let session = self.session.lock().clone();
        if let Some(session) = session {
            let headers = with("ipasession", session.reveal().to_owned());
            let answer = outbound.get(&Get { headers: &headers, ..*get }).await?;
            if answer.status != 401 {
                return Ok(answer);
            }
            *self.session.lock() = None;
        }
        let negotiated = async {
            let (negotiation, token) = Negotiation::begin(&self.host, kerberos).await?;
            let headers = with("authorization", format!("Negotiate {token}"));
            // Who has seen a token refuses it when it comes again.
            let once = outbound.trying_once();
            let fetched = once.fetched(&Get { headers: &headers, ..*get }).await?;
            let (answer, told) = (fetched.whole, fetched.told);
            if answer.status == 401 || answer.status >= 500 {
                return Ok(told);
            }
            let proof = answer.all("www-authenticate").find_map(|said| {
                let (scheme, token) = said.split_once(' ')?;
                scheme.eq_ignore_ascii_case("negotiate").then(|| token.trim())
            });
            negotiation.proven(proof.ok_or(NegotiateError::NotProven)?).await?;
            *self.session.lock() = answer.header("ipasession").map(Secret::new);
            Ok(told)
        };
        let landed = tokio::time::timeout_at(get.deadline, negotiated).await;
        landed.unwrap_or(Err(NegotiateError::TooSlow.into()))
    }

    /// Why nobody is let in, without the password.
    pub(super) fn refusal(&self, status: u16, reason: &str) -> FasError {
        match &self.login {
            Some(FasLogin::Password { username, password }) => FasError::WrongLogin {
                status,
                user: username.clone(),
                said: said(reason, &[password.reveal()]),
            },
            _ => FasError::Stranger { status, said: said(reason, &[]) },
        }
    }
}
