//! `POST /agent/v1/token` — `private_key_jwt` (RFC 7523) for a short access token bound to the same key (RFC 9449).

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, routing::post};

use super::guard::{Proven, check_status, unread};
use crate::{
    app::App,
    domain::fleet::{self, Proof, Used},
    web::{Error, Result},
    wire::{
        jws::{self, Access, Assertion, Confirmation},
        message::Token,
    },
};

/// Seconds that an access token lives.
const LIFETIME: i64 = 300;
/// The longest that a client assertion may live.
const ASSERTION_MAX: i64 = 300;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/token", post(create))
}

async fn create(proven: Proven) -> Result<Json<Token>> {
    let app = &proven.app;
    let assertion = assertion_of(proven.body_of("application/x-www-form-urlencoded")?);
    let assertion = assertion.ok_or_else(|| unread("not the three fields of a client assertion, each once"))?;
    let refuse = || Error::Unauthorized("bad_assertion");
    let id = jws::unverified_kid(&assertion).and_then(|kid| kid.parse().ok()).ok_or_else(refuse)?;
    let mut conn = app.db.acquire().await?;
    let agent = fleet::agent(&mut conn, id).await?.ok_or_else(refuse)?;
    let claims: Assertion = jws::verify(&assertion, jws::ASSERTION, &agent.identity).map_err(|_| refuse())?;
    let now = app.clock.seconds();
    let fits = claims.iss == agent.agent_id.to_string()
        && claims.sub == claims.iss
        && claims.aud == format!("{}/agent/v1/token", app.public_url.as_str())
        && claims.exp > now
        && claims.nbf.is_none_or(|nbf| nbf <= now + jws::SKEW)
        && claims.exp <= now + ASSERTION_MAX + jws::SKEW
        && jws::is_jti(&claims.jti)
        && agent.identity == proven.public;
    if !fits {
        return Err(refuse());
    }
    drop(conn);
    proven.once(None).await?;
    let assertion = Proof::new(None, &format!("assertion {}", proven.jkt), &claims.jti, claims.exp);
    match app.hot.proofs.run(assertion).await?.0 {
        Used::Now => {}
        Used::Before => return Err(refuse()),
        Used::Perhaps => return Err(Error::Unavailable("try_again")),
    }
    check_status(&agent)?;
    let key = app.signing_key(None).await?.ok_or_else(|| Error::Internal(anyhow::anyhow!("no signing key")))?;
    let url = app.public_url.as_str().to_owned();
    let access = Access {
        iss: url.clone(),
        sub: claims.sub,
        aud: url,
        iat: now,
        exp: now + LIFETIME,
        cnf: Confirmation { jkt: proven.jkt.clone() },
    };
    let access_token = jws::sign(&key.identity, jws::ACCESS, Some(&key.kid), false, &access);
    Ok(Json(Token { access_token, token_type: "DPoP".to_owned(), expires_in: LIFETIME.unsigned_abs() }))
}

/// The form of RFC 7523 §2.2 with the grant `client_credentials`: these three fields, each once.
fn assertion_of(body: &[u8]) -> Option<String> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        if fields.insert(name, value).is_some() {
            return None;
        }
    }
    let assertion = fields.remove("client_assertion")?;
    let rest = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let fits = rest
        .eq([("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("grant_type", "client_credentials")]);
    fits.then(|| assertion.into_owned())
}
