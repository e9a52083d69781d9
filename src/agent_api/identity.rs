//! `POST /agent/v1/identity` — another identity key takes the place of the one that proves this request.

use std::sync::Arc;

use axum::{Router, http::StatusCode, routing::post};

use super::guard::Trusted;
use crate::{
    app::App,
    domain::fleet::{self, NotTaken, Replaced},
    web::{Error, Result},
    wire::message::NewIdentity,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/identity", post(create))
}

async fn create(trusted: Trusted) -> Result<StatusCode> {
    let new: NewIdentity = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let mut tx = app.begin().await?;
    let taken = fleet::replace_identity(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.source(), &trusted.agent, &new).await?;
    match taken {
        Ok(replaced) => {
            tx.commit().await?;
            if replaced == Replaced::Done {
                // Polls that wait with the old key are to look again, and find that it is over.
                app.wake.tell(trusted.agent.connector_id);
                tracing::warn!(agent.id = %trusted.agent.agent_id, "an agent replaced its identity key");
            }
            Ok(StatusCode::NO_CONTENT)
        }
        Err(refused) => {
            tracing::warn!(agent.id = %trusted.agent.agent_id, reason = %refused, "another identity key was refused");
            tx.commit().await?;
            Err(match refused {
                NotTaken::Outdated => Error::Unauthorized("bad_token"),
                NotTaken::Statement => Error::Forbidden("bad_identity"),
                NotTaken::KnownKey => Error::Conflict("known_key"),
                NotTaken::SealingKeys => Error::Forbidden("bad_key"),
            })
        }
    }
}
