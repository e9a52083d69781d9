//! `POST /agent/v1/directory` — one batch of the mirror.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, http::StatusCode, routing::post};

use super::guard::Trusted;
use crate::{
    app::App,
    domain::{
        fleet, notices,
        users::{self, MirrorOutcome},
    },
    web::{Error, Result},
    wire::message::{MIRROR_BATCH, MIRROR_GROUPS, MirrorBatch},
};

/// 500 people of at most 2 KiB.
const BODY_LIMIT: usize = 1 << 20;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/directory", post(create)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

async fn create(trusted: Trusted) -> Result<StatusCode> {
    let batch: MirrorBatch = trusted.proven.json()?;
    if batch.upserts.len() > MIRROR_BATCH
        || batch.removals.len() > MIRROR_BATCH
        || batch.groups.as_ref().is_some_and(|groups| groups.len() > MIRROR_GROUPS)
    {
        return Err(Error::Unusable(StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    }
    let app = &trusted.proven.app;
    let mut tx = app.begin().await?;
    let outcome = users::mirror(&mut tx, &trusted.tenant.scope, &app.clock, trusted.agent.connector_id, &batch).await?;
    let MirrorOutcome::Taken(done, readdressed) = outcome else { return Err(Error::Conflict("unknown_pass")) };
    let mut told = notices::readdressed(&mut tx, &trusted.tenant, &app.clock, &readdressed, false).await?;
    if let Some(people) = done.untold {
        let connectors = fleet::connectors(&mut tx, &trusted.tenant.scope, &app.clock).await?;
        let place = connectors.iter().find(|one| one.connector_id == trusted.agent.connector_id).map_or("", |one| one.name.as_str());
        notices::untold(&mut tx, &trusted.tenant, &app.clock, place, people).await?;
        told = true;
    }
    tx.commit().await?;
    if told {
        app.wake_outbox();
    }
    if done.held > 0 {
        tracing::error!(
            connector.id = %trusted.agent.connector_id,
            mirror.held = done.held,
            "a full pass does not name most of the people: nobody is removed until sspr connector accept-removals"
        );
    }
    if batch.last || done.dropped > 0 {
        tracing::info!(
            agent.id = %trusted.agent.agent_id,
            mirror.full = batch.full,
            mirror.last = batch.last,
            mirror.named = done.named,
            mirror.changed = done.changed,
            mirror.removed = done.removed,
            mirror.dropped = done.dropped,
            "took a batch of the mirror"
        );
    }
    Ok(StatusCode::NO_CONTENT)
}
