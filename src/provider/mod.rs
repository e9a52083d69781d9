//! FLOOR 1 · an organisation's OpenID provider, at which operators sign in: its document, its keys, a code's exchange (OpenID Connect Core
//! and Discovery 1.0, RFC 6749, 7636, 9207). It knows no tenant and no operator.
//!
//! Whoever runs a tenant names the provider, so its address is not to be trusted with what this machine can reach: [`reach`]. Answers are
//! small and prompt or none, no redirect is followed, and nothing that the other side says is ever quoted.
//!
//! Ours, rather than the crate `openidconnect`: that one brings `rsa` (RUSTSEC-2023-0071) and a second set of crypto, and what it would
//! spare us is this folder.

mod reach;
mod token;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use reqwest::{Client, RequestBuilder, StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

pub use reach::Reach;
pub use token::{Claims, Expected, SKEW, Unfit};

/// For one request, from its beginning to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const LONGEST: usize = 256 << 10;
/// What is known of a provider is asked again after so long.
const FRESH: Duration = Duration::from_mins(10);
/// Its keys are asked for again when a token names one that is not known, but not more often.
const BETWEEN: Duration = Duration::from_mins(1);
/// Providers that are known at once; then all are forgotten and learned again.
const MOST: usize = 1000;

/// Why nothing came that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Trouble {
    #[error("the issuer may not be gone to")]
    Address,
    #[error("no connection with the provider")]
    Silent,
    #[error("the provider did not answer in time")]
    Late,
    #[error("the provider answered with something else")]
    Status,
    #[error("the provider's answer cannot be read")]
    Unreadable,
    #[error("the document is of another issuer")]
    OtherIssuer,
    #[error("the document names addresses that may not be gone to")]
    Elsewhere,
    #[error("the provider does not know PKCE by S256")]
    NoPkce,
    #[error("none of the provider's keys can be used")]
    NoKeys,
}

/// Fit for the log and for whoever sets it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Failure {
    /// Perhaps later.
    #[error("{0}")]
    Away(Trouble),
    /// It said no to what we sent.
    #[error("the provider refused")]
    Refused,
    /// What it says of somebody does not hold.
    #[error("the token {0}")]
    Token(#[from] Unfit),
}

/// Of its document, what we need.
#[derive(Debug)]
pub struct Provider {
    pub issuer: String,
    authorization: Url,
    token: Url,
    keys: Url,
    userinfo: Option<Url>,
    /// It says with every answer who it is (RFC 9207).
    pub tells_issuer: bool,
    /// How strongly it can ask who somebody is, in its words.
    acr_values: Vec<String>,
    /// How we tell it who we are: in a header, or in the form.
    by_form: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    acr_values_supported: Option<Vec<String>>,
}

/// Who we are to it.
pub struct Credentials<'a> {
    pub client_id: &'a str,
    pub secret: &'a SecretString,
}

/// What a browser takes along to it.
pub struct Ask<'a> {
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    /// base64url SHA-256 of the verifier.
    pub challenge: &'a str,
    /// Any of these would do, the first best; those that it does not know are left out, since some refuse them.
    pub acr_values: &'a [String],
    /// Whoever is there has to show it once more.
    pub again: bool,
}

impl Provider {
    /// Where the browser goes.
    pub fn ask(&self, ask: &Ask<'_>) -> Url {
        let mut url = self.authorization.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("scope", "openid email")
                .append_pair("client_id", ask.client_id)
                .append_pair("redirect_uri", ask.redirect_uri)
                .append_pair("state", ask.state)
                .append_pair("nonce", ask.nonce)
                .append_pair("code_challenge", ask.challenge)
                .append_pair("code_challenge_method", "S256");
            let known: Vec<&str> = ask.acr_values.iter().filter(|one| self.acr_values.contains(one)).map(String::as_str).collect();
            if !known.is_empty() {
                query.append_pair("acr_values", &known.join(" "));
            }
            if ask.again {
                query.append_pair("prompt", "login").append_pair("max_age", "0");
            }
        }
        url
    }
}

/// What a code was good for.
pub struct Tokens {
    pub id_token: String,
    access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    access_token: Option<SecretString>,
}

/// Somebody's mailbox, as the provider tells it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Mailbox {
    #[serde(default)]
    pub email: Option<String>,
    /// Some write it as text.
    #[serde(default, deserialize_with = "token::truth")]
    pub email_verified: bool,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    mailbox: Mailbox,
}

/// All that are known; one per process.
pub struct Providers {
    http: Client,
    reach: Reach,
    known: Mutex<HashMap<String, Arc<Known>>>,
}

struct Known {
    provider: Arc<Provider>,
    keys: Vec<Jwk>,
    asked: Instant,
}

impl Providers {
    pub fn new(reach: Reach) -> Result<Self> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("sspr/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(reach);
        // On this very machine nothing stands between.
        let http = if reach == Reach::Anything { http.no_proxy() } else { http };
        Ok(Self { http: http.build().context("making the HTTP client for single sign-on")?, reach, known: Mutex::default() })
    }

    /// Whether this could be an issuer: an address that we may go to, with nothing behind `?` or `#` (OpenID Connect Discovery §2).
    pub fn may_be_issuer(&self, issuer: &str) -> bool {
        let plain = issuer.len() <= 500 && issuer.bytes().all(|byte| byte.is_ascii_graphic());
        plain && Url::parse(issuer).is_ok_and(|url| url.query().is_none() && url.fragment().is_none() && self.reach.may_go(&url))
    }

    /// The provider of this issuer, as it was at most ten minutes ago.
    pub async fn find(&self, issuer: &str) -> Result<Arc<Provider>, Failure> {
        let kept = self.kept(issuer).filter(|known| known.asked.elapsed() < FRESH);
        match kept {
            Some(known) => Ok(known.provider.clone()),
            None => Ok(self.learn(issuer).await?.provider.clone()),
        }
    }

    /// The same, as it is now: how many of its keys could verify something.
    pub async fn test(&self, issuer: &str) -> Result<usize, Failure> {
        Ok(self.learn(issuer).await?.keys.len())
    }

    fn kept(&self, issuer: &str) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    async fn learn(&self, issuer: &str) -> Result<Arc<Known>, Failure> {
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let place = Url::parse(&place).ok().filter(|_| self.may_be_issuer(issuer)).ok_or(Failure::Away(Trouble::Address))?;
        let document: Document = self.json(self.http.get(place)).await?;
        let provider = Arc::new(self.read(issuer, document)?);
        let set: JwkSet = self.json(self.http.get(provider.keys.clone())).await?;
        let keys: Vec<Jwk> = set.keys.into_iter().filter(token::may_verify).collect();
        if keys.is_empty() {
            return Err(Failure::Away(Trouble::NoKeys));
        }
        let learned = Arc::new(Known { provider, keys, asked: Instant::now() });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(issuer.to_owned(), learned.clone());
        Ok(learned)
    }

    fn read(&self, issuer: &str, document: Document) -> Result<Provider, Failure> {
        // Discovery §4.3: letter by letter, or somebody could speak for somebody else.
        if document.issuer != issuer {
            return Err(Failure::Away(Trouble::OtherIssuer));
        }
        let all = [Some(&document.authorization_endpoint), Some(&document.token_endpoint), Some(&document.jwks_uri)];
        if !all.into_iter().chain([document.userinfo_endpoint.as_ref()]).flatten().all(|url| self.reach.may_go(url)) {
            return Err(Failure::Away(Trouble::Elsewhere));
        }
        if document.code_challenge_methods_supported.is_some_and(|all| !all.iter().any(|one| one == "S256")) {
            return Err(Failure::Away(Trouble::NoPkce));
        }
        let methods = document.token_endpoint_auth_methods_supported.unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|one| one == method);
        Ok(Provider {
            issuer: document.issuer,
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            keys: document.jwks_uri,
            userinfo: document.userinfo_endpoint,
            tells_issuer: document.authorization_response_iss_parameter_supported,
            acr_values: document.acr_values_supported.unwrap_or_default(),
            by_form: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }

    /// What this code is good for. It is tried once.
    pub async fn redeem(
        &self,
        provider: &Provider,
        by: &Credentials<'_>,
        (code, verifier): (&str, &str),
        redirect_uri: &str,
    ) -> Result<Tokens, Failure> {
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", code), ("code_verifier", verifier), ("redirect_uri", redirect_uri)];
        let secret = by.secret.expose_secret();
        let mut request = self.http.post(provider.token.clone());
        if provider.by_form {
            form.extend([("client_id", by.client_id), ("client_secret", secret)]);
        } else {
            // RFC 6749 §2.3.1: each encoded as in a form.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encoded(by.client_id), Some(encoded(secret)));
        }
        let answer: TokenAnswer = self.json(request.form(&form)).await?;
        let id_token = answer.id_token.ok_or(Failure::Refused)?;
        Ok(Tokens { id_token, access_token: answer.access_token })
    }

    /// Whom the token is about, if it holds.
    pub async fn verify(&self, provider: &Provider, id_token: &str, expected: &Expected<'_>) -> Result<Claims, Failure> {
        let known = self.kept(&provider.issuer).ok_or(Failure::Away(Trouble::NoKeys))?;
        match token::verify(id_token, &known.keys, expected) {
            // Its keys were changed since.
            Err(Unfit::Key) if known.asked.elapsed() >= BETWEEN => {
                let known = self.learn(&provider.issuer).await?;
                Ok(token::verify(id_token, &known.keys, expected)?)
            }
            other => Ok(other?),
        }
    }

    /// The mailbox of `sub`, whose token we have: many providers tell it only where it is asked for.
    pub async fn mailbox(&self, provider: &Provider, tokens: &Tokens, sub: &str) -> Result<Mailbox, Failure> {
        let (Some(place), Some(access)) = (&provider.userinfo, &tokens.access_token) else { return Ok(Mailbox::default()) };
        let told: UserInfo = self.json(self.http.get(place.clone()).bearer_auth(access.expose_secret())).await?;
        // Core §5.3.2: or it may be somebody else's.
        if told.sub == sub { Ok(told.mailbox) } else { Err(Failure::Token(Unfit::Claim)) }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let answer = request.header(header::ACCEPT, "application/json").send().await;
        let mut answer = answer.map_err(|error| Failure::Away(if error.is_timeout() { Trouble::Late } else { Trouble::Silent }))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(Failure::Refused);
            }
            _ => return Err(Failure::Away(Trouble::Status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| Failure::Away(Trouble::Late))? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(Failure::Away(Trouble::Unreadable));
            }
        }
        serde_json::from_slice(&body).map_err(|_| Failure::Away(Trouble::Unreadable))
    }
}
