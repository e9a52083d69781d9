//! `POST /agent/v1/enrolment` — a one-time token and a proven key make a pending agent.

use std::sync::Arc;

use axum::{Json, Router, http::StatusCode, routing::post};

use super::guard::{Proven, unproven};
use crate::{
    app::App,
    domain::{
        audit::{self, Event},
        fleet::{self, Refused},
        tenants,
    },
    web::{Error, Result},
    wire::{
        keys::fingerprint,
        message::{Enrolled, Enrolment},
        unb64,
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/enrolment", post(create))
}

async fn create(proven: Proven) -> Result<(StatusCode, Json<Enrolled>)> {
    let body: Enrolment = proven.json()?;
    if unb64(&body.identity).as_deref() != Some(&proven.public) {
        return Err(unproven("`identity` is not the key of the proof"));
    }
    let app = &proven.app;
    let mut tx = app.begin().await?;
    let new = fleet::Enrolment { token: &body.token, name: &body.name, identity: &proven.public, version: &body.version };
    let enrolled = match fleet::enrol(&mut tx, &app.clock, new).await? {
        Ok(enrolled) => enrolled,
        Err(Refused::Token) => return Err(Error::Forbidden("bad_enrolment_token")),
        Err(Refused::KnownKey) => return Err(Error::Conflict("known_key")),
    };
    let tenant = tenants::by_id(&mut tx, &app.ring, enrolled.tenant).await?;
    let fingerprint = fingerprint(&proven.public);
    let detail = serde_json::json!({ "agent": enrolled.agent, "connector": enrolled.connector, "fingerprint": fingerprint });
    let event = Event { action: "agent.enrol", outcome: "pending", detail, ..Event::default() };
    audit::record(&mut tx, &tenant.scope, &app.clock, &proven.source(enrolled.agent), event).await?;
    tx.commit().await?;
    tracing::info!(agent.id = %enrolled.agent, "an agent enrolled and waits to be confirmed");
    let answer = Enrolled { agent: enrolled.agent, tenant: enrolled.tenant, connector: enrolled.connector, fingerprint };
    Ok((StatusCode::CREATED, Json(answer)))
}
