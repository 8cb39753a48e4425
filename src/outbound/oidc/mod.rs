//! OpenID Connect: a provider that hubs.toml names says who somebody is.
//!
//! Authorization code with PKCE. What comes back counts when it is signed with a key of the provider's, is for us, is
//! from the login that began here, and is not old, give or take a minute by which clocks differ. What is known of the
//! provider is asked for when somebody logs in: it may start after us. The client secret goes to its token endpoint alone and is in no error. Knows
//! no session and no page.

mod claims;
mod error;
mod provider;
#[cfg(test)]
mod tests;

pub use claims::Identity;
pub use error::OidcError;

use crate::config::{ClientAuth, Oidc as Settings};
use arc_swap::ArcSwapOption;
use claims::Claims;
use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier,
    CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, LogoutRequest, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, RedirectUrl,
    Scope, SignatureVerificationError, TokenResponse,
};
use provider::{Asking, Known};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// By which clocks may differ.
const SKEW: Duration = Duration::from_mins(1);

/// The client of one provider. Cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    settings: Settings,
    redirect: RedirectUrl,
    asking: Asking,
    known: ArcSwapOption<Known>,
    clock: fn() -> Timestamp,
}

/// A login that begins: `url` is where its person goes, the rest is remembered until they are back.
#[derive(Debug)]
pub struct Begun {
    pub url: Url,
    pub nonce: String,
    pub verifier: String,
}

/// What the provider sent somebody back with.
#[derive(Debug)]
pub struct Answer<'a> {
    pub code: &'a str,
    /// Which provider sent it, where it says so (RFC 9207).
    pub iss: Option<&'a str>,
    pub nonce: &'a str,
    pub verifier: &'a str,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Oidc {
    /// `redirect`: where people come back to; the provider knows the very same address.
    pub fn new(
        settings: &Settings,
        redirect: &str,
        clock: fn() -> Timestamp,
    ) -> Result<Self, OidcError> {
        let asking = Asking::new(&settings.issuer)?;
        let redirect = RedirectUrl::new(redirect.into())
            .map_err(|why| OidcError::Setup(format!("{redirect} is no address: {why}")))?;
        let (settings, known) = (settings.clone(), ArcSwapOption::empty());
        Ok(Self(Arc::new(Inner { settings, redirect, asking, known, clock })))
    }

    /// Whether the provider says of itself what logins need.
    pub async fn probe(settings: &Settings) -> Result<(), OidcError> {
        Asking::new(&settings.issuer)?.learn(&settings.issuer).await.map(drop)
    }

    /// Begins a login, whose answer will carry `state`.
    pub async fn begin(&self, state: &str) -> Result<Begun, OidcError> {
        let known = self.known().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new(state.into());
        let client = self.client(&known);
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in &self.0.settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, _, nonce) = request.url();
        Ok(Begun { url, nonce: nonce.secret().clone(), verifier: verifier.into_secret() })
    }

    /// Exchanges what somebody came back with for who they are.
    pub async fn finish(&self, answer: &Answer<'_>) -> Result<Identity, OidcError> {
        let known = self.known().await?;
        let issuer = known.metadata.issuer().as_str();
        if let Some(other) = answer.iss.filter(|iss| *iss != issuer) {
            return Err(OidcError::AnotherIssuer { issuer: issuer.into(), found: short(other) });
        }
        let tokens = self.exchange(&known, answer).await?;
        let id_token = tokens.id_token().ok_or_else(|| self.untrue("it has no ID token"))?;
        let nonce = Nonce::new(answer.nonce.into());
        let known = match self.verify(&known, id_token, &nonce, tokens.access_token()) {
            Ok(()) => known,
            Err(Unverified::NoKey) => {
                // It may have new keys since.
                let known = self.learn().await?;
                self.verify(&known, id_token, &nonce, tokens.access_token()).map_err(|why| {
                    self.untrue(match &why {
                        Unverified::NoKey => "it is signed with none of the provider's keys",
                        Unverified::Otherwise(why) => why,
                    })
                })?;
                known
            }
            Err(Unverified::Otherwise(why)) => return Err(self.untrue(&why)),
        };
        let raw = id_token.to_string();
        let mut claims = Claims::of_token(&raw).ok_or_else(|| self.untrue("it is no JSON"))?;
        if let Some(at) = known.metadata.userinfo_endpoint() {
            let told = self.0.asking.userinfo(at.url(), tokens.access_token().secret()).await?;
            if !claims.add(told) {
                return Err(self.untrue("what is told of a person is of another one"));
            }
        }
        claims.identity(&self.0.settings, raw).ok_or_else(|| OidcError::Nameless {
            host: self.host(),
            claim: self.0.settings.username_claim.clone(),
        })
    }

    /// Where somebody logs out at the provider too, and comes back from to `back`; `None` where it has no such place, or
    /// does not answer.
    pub async fn logout(&self, id_token: &str, back: &str) -> Option<Url> {
        let known = self.known().await.ok()?;
        let end = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let mut request = LogoutRequest::from(end)
            .set_client_id(ClientId::new(self.0.settings.client_id.clone()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.into()).ok()?);
        if let Ok(token) = id_token.parse::<CoreIdToken>() {
            request = request.set_id_token_hint(&token);
        }
        Some(request.http_get_url())
    }

    /// The provider's name for people.
    pub fn host(&self) -> String {
        self.0.settings.issuer.host_str().unwrap_or_default().into()
    }

    fn untrue(&self, why: &str) -> OidcError {
        OidcError::Untrue { host: self.host(), why: short(why) }
    }

    /// What is known of the provider, which is asked again once in a while.
    async fn known(&self) -> Result<Arc<Known>, OidcError> {
        match self.0.known.load_full().filter(|known| !known.is_old()) {
            Some(known) => Ok(known),
            None => self.learn().await,
        }
    }

    async fn learn(&self) -> Result<Arc<Known>, OidcError> {
        let known = Arc::new(self.0.asking.learn(&self.0.settings.issuer).await?);
        self.0.known.store(Some(known.clone()));
        Ok(known)
    }

    fn client(&self, known: &Known) -> Client {
        let settings = &self.0.settings;
        let secret = settings.client_secret.as_ref();
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(settings.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.reveal().into())),
        );
        let takes = known.metadata.token_endpoint_auth_methods_supported();
        let has = |way| takes.is_some_and(|ways: &Vec<CoreClientAuthMethod>| ways.contains(&way));
        let post = match settings.client_auth {
            Some(way) => way == ClientAuth::Post,
            // Who says nothing takes `basic` (OpenID Connect Discovery, section 3).
            None => {
                has(CoreClientAuthMethod::ClientSecretPost)
                    && !has(CoreClientAuthMethod::ClientSecretBasic)
            }
        };
        let way = if post { AuthType::RequestBody } else { AuthType::BasicAuth };
        client.set_auth_type(way).set_redirect_uri(self.0.redirect.clone())
    }

    async fn exchange(
        &self,
        known: &Known,
        answer: &Answer<'_>,
    ) -> Result<CoreTokenResponse, OidcError> {
        let client = self.client(known);
        let request = client
            .exchange_code(AuthorizationCode::new(answer.code.into()))
            .map_err(|_| self.untrue("it names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.verifier.into()));
        let asking = self.0.asking.clone();
        let send = move |request| {
            let asking = asking.clone();
            async move { asking.token(request).await }
        };
        request
            .request_async(&send)
            .await
            .map_err(|error| OidcError::of_exchange(self.host(), error))
    }

    fn verify(
        &self,
        known: &Known,
        id_token: &CoreIdToken,
        nonce: &Nonce,
        access: &AccessToken,
    ) -> Result<(), Unverified> {
        let since_1970 = Duration::from_micros((self.0.clock)().as_microsecond().unsigned_abs());
        let now = SystemTime::UNIX_EPOCH + since_1970;
        // RS256 alone, which every provider must have: a token that is "signed" with our own secret is nobody's.
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(self.0.settings.client_id.clone()),
            known.metadata.issuer().clone(),
            known.keys.clone(),
        )
        .set_time_fn(move || (now - SKEW).into())
        .set_issue_time_verifier_fn(move |issued| {
            if SystemTime::from(issued) > now + SKEW {
                return Err("it is from the future".into());
            }
            Ok(())
        });
        let claims = id_token.claims(&verifier, nonce)?;
        if let Some(wanted) = claims.access_token_hash() {
            let hash = || {
                let (key, alg) =
                    (id_token.signing_key(&verifier).ok()?, id_token.signing_alg().ok()?);
                AccessTokenHash::from_token(access, alg, key).ok()
            };
            if hash().as_ref() != Some(wanted) {
                return Err(Unverified::Otherwise("it belongs to another access token".into()));
            }
        }
        Ok(())
    }
}

/// Why an ID token is not believed.
enum Unverified {
    /// No key of the provider's that we know fits.
    NoKey,
    Otherwise(String),
}

impl From<ClaimsVerificationError> for Unverified {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::AmbiguousKeyId(_)
                | SignatureVerificationError::CryptoError(_),
            ) => Self::NoKey,
            ClaimsVerificationError::SignatureVerification(why) => Self::Otherwise(why.to_string()),
            other => Self::Otherwise(other.to_string()),
        }
    }
}

/// What others wrote, for a page and a log.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
