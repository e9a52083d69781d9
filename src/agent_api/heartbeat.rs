//! `POST /agent/v1/heartbeat` — how the agent and its directory are.

use std::sync::Arc;

use axum::{Json, Router, routing::post};

use super::guard::Trusted;
use crate::{
    app::App,
    domain::fleet,
    web::Result,
    wire::message::{Heartbeat, HeartbeatAnswer},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/heartbeat", post(create))
}

async fn create(trusted: Trusted) -> Result<Json<HeartbeatAnswer>> {
    let beat: Heartbeat = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let mut tx = app.begin().await?;
    let writeback = fleet::heartbeat(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.agent, &beat).await?;
    tx.commit().await?;
    Ok(Json(HeartbeatAnswer { now: app.clock.seconds(), status: trusted.agent.status.as_str().to_owned(), writeback }))
}
