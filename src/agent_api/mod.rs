//! DOOR for agents: `/agent/v1`, HTTPS, JSON, problem+json. `docs/agent-protocol.md` is the normative text.

mod directory;
mod enrolment;
mod guard;
mod heartbeat;
mod identity;
mod jobs;
mod keys;
mod results;
mod token;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .merge(enrolment::routes())
        .merge(token::routes())
        .merge(jobs::routes())
        .merge(results::routes())
        .merge(heartbeat::routes())
        .merge(keys::routes())
        .merge(identity::routes())
        .merge(directory::routes())
}
