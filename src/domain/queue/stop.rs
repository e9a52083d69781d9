//! Nothing more for an object, as if a newer ticket had been given and thrown away.

use anyhow::Result;
use sqlx::PgConnection;

use super::{
    Superseded, Target, next_number,
    submit::{self, Given},
};
use crate::base::clock::Clock;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// An older job of it gave way, if there was any. No older ticket is good any more.
    Yes(Option<Superseded>),
    /// An agent has one, or had it: it cannot be called back.
    TooLate,
}

/// The newest number goes to nobody, so that every ticket is an older one; and the active job goes if no agent ever had it. A submit that
/// is under way waits for the head, and then sees both.
pub async fn stop(conn: &mut PgConnection, clock: &Clock, target: &Target) -> Result<Stopped> {
    next_number(&mut *conn, clock, target).await?;
    let active = sqlx::query_scalar!(
        "select job_id from active_jobs where connector_id = $1 and object_guid = $2 and effect for update",
        target.connector_id,
        target.object_guid,
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(match submit::give_way(conn, clock.now(), active).await? {
        Some(Given { superseded }) => Stopped::Yes(superseded),
        None => Stopped::TooLate,
    })
}
