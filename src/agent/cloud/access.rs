//! Who the agent is to the cloud: access tokens, and the identity they are bound to, which is replaced now and then.

use std::{sync::Arc, time::Duration};

use reqwest::Response;
use tokio::time::Instant;

use super::{ANSWER, Cloud, Failure, JSON, json, parse, read};
use crate::{
    base::id,
    wire::{
        b64,
        jws::{self, Assertion},
        keys::{Identity, Statement, Succession},
        message::{NewIdentity, Token},
    },
};

/// A new token is fetched this long before the old one ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);
/// Seconds an assertion is good for.
const ASSERTION_LIFE: i64 = 60;

/// An access token, and the identity it is bound to.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) token: String,
    pub(super) identity: Arc<Identity>,
    until: Instant,
}

impl Cloud {
    /// Put the next identity in the place of the one that counts, with the sealing keys of `statements`. Nobody fetches a token
    /// meanwhile. False if it counted already, with the sealing keys of then, because an earlier answer was lost.
    pub async fn replace_identity(&self, statements: &[Statement]) -> Result<bool, Failure> {
        let mut held = self.token.lock().await;
        let next = self.identities.prepare().map_err(|error| Failure::Passing { why: format!("{error:#}"), retry_after: None })?;
        let mut tries = 0;
        loop {
            tries += 1;
            let access = self.access(&mut held).await?;
            if access.identity.public() == next.public() {
                return Ok(false);
            }
            let me = self.agent.unwrap_or_default();
            let body = json(&NewIdentity {
                identity: b64(next.public()),
                signature: next.succeed(&Succession::of(me, access.identity.public(), next.public())),
                keys: statements.iter().cloned().map(|statement| next.sign(statement)).collect(),
            });
            let asked = self.send("/agent/v1/identity", None, JSON, body, (&access.identity, Some(&access.token)), ANSWER).await;
            match asked {
                Ok(_) => {
                    *held = None;
                    self.identities.promote();
                    return Ok(true);
                }
                Err(Failure::Refused { status: 401, .. }) if tries == 1 => *held = None,
                Err(failure) => {
                    if let Failure::Refused { code, .. } = &failure
                        && ["bad_identity", "known_key"].contains(&code.as_str())
                    {
                        self.identities.discard_next();
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// Whether the cloud gives this agent a token.
    pub async fn is_known(&self) -> Result<(), Failure> {
        self.token().await.map(drop)
    }

    pub(super) async fn forget(&self, token: &str) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|held| held.token == token) {
            *held = None;
        }
    }

    /// The cached token or a new one (RFC 7523 §2.2). Callers that come meanwhile wait for the same request.
    pub(super) async fn token(&self) -> Result<Access, Failure> {
        let mut held = self.token.lock().await;
        self.access(&mut held).await
    }

    async fn access(&self, held: &mut Option<Access>) -> Result<Access, Failure> {
        if let Some(access) = held.as_ref().filter(|access| access.until > Instant::now()) {
            return Ok(access.clone());
        }
        let mut identity = self.identities.current();
        let asked = Instant::now();
        let response = match self.ask_for_token(&identity).await {
            // A wrong clock was corrected from the refusal.
            Err(Failure::Refused { status: 401, code, .. }) if code == "clock_skew" => self.ask_for_token(&identity).await,
            other => other,
        };
        let response = match (response, self.identities.next()) {
            // The cloud may have taken the next one, and we never heard of it.
            (Err(Failure::Refused { status: 401, code, .. }), Some(next)) if code == "bad_assertion" => {
                let response = self.ask_for_token(&next).await;
                if matches!(response, Ok(_) | Err(Failure::Pending | Failure::Revoked)) {
                    self.identities.promote();
                    identity = next;
                }
                response?
            }
            (response, _) => response?,
        };
        let token: Token = parse(&read(response).await?)?;
        let life = Duration::from_secs(token.expires_in).saturating_sub(TOKEN_MARGIN);
        Ok(held.insert(Access { token: token.access_token, identity, until: asked + life }).clone())
    }

    async fn ask_for_token(&self, identity: &Identity) -> Result<Response, Failure> {
        const PATH: &str = "/agent/v1/token";
        const FORM: &str = "application/x-www-form-urlencoded";
        let (me, now) = (self.agent.unwrap_or_default().to_string(), self.time.cloud());
        let assertion = Assertion {
            iss: me.clone(),
            sub: me.clone(),
            aud: format!("{}{PATH}", self.base),
            jti: id::random().to_string(),
            iat: now,
            exp: now + ASSERTION_LIFE,
            nbf: None,
        };
        // A compact JWS has no character that a form would escape.
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
            jws::sign(identity, jws::ASSERTION, Some(&me), false, &assertion)
        );
        self.send(PATH, None, FORM, body.into_bytes(), (identity, None), ANSWER).await
    }
}
