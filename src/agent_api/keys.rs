//! `POST /agent/v1/keys` — the next sealing key, signed by the agent's identity.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::post};

use super::guard::Trusted;
use crate::{
    app::App,
    domain::{
        audit::{self, Event},
        fleet,
    },
    web::{Error, Result},
    wire::message::NewKey,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/keys", post(create))
}

async fn create(trusted: Trusted) -> Result<StatusCode> {
    let new: NewKey = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let mut tx = app.begin().await?;
    let refused = fleet::publish(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.agent, &new.key).await?;
    let detail =
        serde_json::json!({ "agent": trusted.agent.agent_id, "key": new.key.statement.key_id(), "epoch": new.key.statement.epoch });
    let event = Event { action: "agent.key", outcome: if refused.is_none() { "published" } else { "refused" }, detail, ..Event::default() };
    audit::record(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.source(), event).await?;
    tx.commit().await?;
    let Some(reason) = refused else { return Ok(StatusCode::NO_CONTENT) };
    tracing::warn!(agent.id = %trusted.agent.agent_id, key.epoch = new.key.statement.epoch, reason, "a sealing key was refused");
    Err(Error::Forbidden("bad_key").because(reason))
}
