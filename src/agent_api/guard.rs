//! Guards: a request whose body is signed by a key, and a request of an agent that is trusted at this moment.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    app::App,
    domain::{
        audit::Source,
        fleet::{Agent, Proof, Status, Used},
        tenants::Tenant,
    },
    web::{Context, Error, Result, form},
    wire::{
        jws::{self, Access, Invalid},
        sha256,
    },
};

/// A request that proves possession of a key (RFC 9449), its body included. Whoever knows the key asks [`Proven::once`] too.
pub struct Proven {
    pub app: Arc<App>,
    /// Raw Ed25519 public key.
    pub public: Vec<u8>,
    pub jkt: String,
    jti: String,
    iat: i64,
    /// `Content-Type`, as it came.
    kind: String,
    pub body: Bytes,
    pub context: Context,
}

impl FromRequest<Arc<App>> for Proven {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        // On the heap, here and below: what a waiting poll is wrapped in would keep the room for it all the while.
        Box::pin(prove(request, app, None)).await
    }
}

async fn prove(request: Request, app: &Arc<App>, access: Option<&str>) -> Result<Proven> {
    let headers = request.headers().clone();
    let mut proofs = headers.get_all("dpop").iter();
    // Exactly one (§4.3, check 1).
    let (Some(proof), None) = (proofs.next(), proofs.next()) else { return Err(unproven("not exactly one DPoP header")) };
    let proof = proof.to_str().map_err(|_| unproven("a DPoP header that is not ASCII"))?.to_owned();
    let context = request.extensions().get::<Context>().cloned().ok_or_else(|| Error::Internal(anyhow::anyhow!("no request context")))?;
    let method = request.method().as_str().to_owned();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let url = format!("{}{}", app.public_url.as_str(), request.uri().path());
    let body = form::read(request, app).await?;
    let now = app.clock.seconds();
    let fits = jws::Request { method: &method, url: &url, body: &body, access, now };
    let proven = jws::check_proof(&proof, &fits).map_err(|invalid| match invalid {
        Invalid::Claim("iat") => {
            tracing::warn!(reason = %invalid, "a proof of possession was refused");
            Error::Unauthorized("clock_skew")
        }
        _ => unproven(invalid.to_string()),
    })?;
    Ok(Proven { app: app.clone(), public: proven.public, jkt: proven.jkt, jti: proven.jti, iat: proven.iat, kind, body, context })
}

/// `reason` names no value of what was sent.
pub(super) fn unproven(reason: impl Into<Cow<'static, str>>) -> Error {
    let reason = reason.into();
    tracing::warn!(%reason, "a proof of possession was refused");
    Error::Unauthorized("bad_proof").because(reason)
}

impl Proven {
    /// Use the proof up: a captured request is refused a second time, by every node. Answers the agent as it is at this moment.
    pub async fn once(&self, agent: Option<Uuid>) -> Result<Option<Agent>> {
        // Kept until no skew could make it acceptable again.
        let proof = Proof::new(agent, &self.jkt, &self.jti, self.iat + jws::SKEW);
        match self.app.hot.proofs.run(proof).await? {
            (Used::Now, agent) => Ok(agent),
            (Used::Perhaps, _) => Err(Error::Unavailable("try_again")),
            (Used::Before, _) => {
                tracing::warn!("a proof of possession was replayed");
                Err(Error::Unauthorized("replayed_proof"))
            }
        }
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        form::read_json(self.body_of("application/json")?).map_err(unread)
    }

    /// The body, if it is said to be of this type.
    pub fn body_of(&self, kind: &str) -> Result<&Bytes> {
        form::is_of(&self.kind, kind).map(|()| &self.body)
    }

    pub fn source(&self, agent: Uuid) -> Source {
        Source { actor: format!("agent:{agent}"), request: Some(self.context.request.clone()), address: self.context.address }
    }
}

/// The body is not of its shape; `reason` names no value of it.
pub(super) fn unread(reason: impl Into<Cow<'static, str>>) -> Error {
    let reason = reason.into();
    tracing::warn!(%reason, "what an agent sent cannot be read");
    Error::Unusable(StatusCode::BAD_REQUEST, "bad_input").because(reason)
}

/// A request of an active agent: access token, bound to the key that signed this very request.
pub struct Trusted {
    pub proven: Proven,
    pub agent: Arc<Agent>,
    pub tenant: Arc<Tenant>,
}

impl FromRequest<Arc<App>> for Trusted {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self> {
        let token = bearer(request.headers()).ok_or(Error::Unauthorized("bad_token"))?;
        let access = Box::pin(verify(app, &token)).await?;
        let proven = Box::pin(prove(request, app, Some(&token))).await?;
        if access.cnf.jkt != proven.jkt {
            return Err(Error::Unauthorized("bad_token"));
        }
        let agent = access.sub.parse().map_err(|_| Error::Unauthorized("bad_token"))?;
        let agent = Box::pin(proven.once(Some(agent))).await?.ok_or(Error::Unauthorized("bad_token"))?;
        if agent.identity != proven.public {
            return Err(Error::Unauthorized("bad_token"));
        }
        check_status(&agent)?;
        let tenant = Box::pin(app.tenant(agent.tenant_id)).await?;
        Ok(Self { proven, agent: Arc::new(agent), tenant })
    }
}

impl Trusted {
    pub fn source(&self) -> Source {
        self.proven.source(self.agent.agent_id)
    }

    /// Asked again by who waits long: the key may have been replaced meanwhile.
    pub fn still_its_key(&self) -> Result<()> {
        if self.agent.identity == self.proven.public { Ok(()) } else { Err(Error::Unauthorized("bad_token")) }
    }
}

/// Asked anew with every request, so that a revocation counts at once, whatever token is held.
pub fn check_status(agent: &Agent) -> Result<()> {
    match agent.status {
        Status::Active => Ok(()),
        Status::Pending => Err(Error::Forbidden("agent_pending")),
        Status::Revoked => Err(Error::Forbidden("agent_revoked")),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.to_str().ok()?.strip_prefix("DPoP ").map(str::to_owned)
}

/// The signature is verified once in a token's life; whether it still lives, each time.
async fn verify(app: &App, token: &str) -> Result<Arc<Access>> {
    let refuse = || Error::Unauthorized("bad_token");
    let hash = sha256(token.as_bytes());
    if let Some(access) = app.known.token(&hash) {
        return if access.exp > app.clock.seconds() { Ok(access) } else { Err(refuse()) };
    }
    let kid = jws::unverified_kid(token).ok_or_else(refuse)?;
    let key = app.signing_key(Some(&kid)).await?.ok_or_else(refuse)?;
    let access: Access = jws::verify(token, jws::ACCESS, key.identity.public()).map_err(|_| refuse())?;
    let fits = access.iss == app.public_url.as_str() && access.aud == app.public_url.as_str() && access.exp > app.clock.seconds();
    if !fits {
        return Err(refuse());
    }
    let access = Arc::new(access);
    app.known.learn_token(hash, &access);
    Ok(access)
}
