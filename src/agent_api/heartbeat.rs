//! `POST /agent/v1/heartbeat` — how the agent and its directory are.

use std::sync::Arc;

use axum::{Json, Router, routing::post};

use super::guard::Trusted;
use crate::{
    app::App,
    domain::fleet::{self, Alarm},
    web::Result,
    wire::{
        keys::fingerprint,
        message::{Heartbeat, HeartbeatAnswer},
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/heartbeat", post(create))
}

async fn create(trusted: Trusted) -> Result<Json<HeartbeatAnswer>> {
    let beat: Heartbeat = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let agent = &trusted.agent;
    let mut tx = app.begin().await?;
    let beaten = fleet::heartbeat(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.source(), agent, &beat).await?;
    tx.commit().await?;
    if !beat.directory.reachable {
        app.strand(&trusted.tenant.scope, agent.connector_id).await?;
    }
    for alarm in beaten.alarms {
        match alarm {
            Alarm::Cloned => {
                tracing::error!(agent.id = %agent.agent_id, "an agent's identity is used by two processes: its state directory was copied");
            }
            Alarm::Moved => tracing::warn!(agent.id = %agent.agent_id, "an agent speaks from another network address"),
        }
    }
    Ok(Json(HeartbeatAnswer {
        now: app.clock.seconds(),
        status: agent.status.as_str().to_owned(),
        writeback: beaten.writeback,
        unlock: beaten.unlock,
        self_service: trusted.tenant.self_service,
        rotate: beaten.rotate.then(|| fingerprint(&agent.identity)),
    }))
}
