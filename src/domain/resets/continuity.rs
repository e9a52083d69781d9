//! After an old backup was restored, the database knows less than happened: a job that it calls untouched may have been applied
//! long since. So what is open then counts as touched, and whoever gets it next asks the directory first.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, id, secret::KeyRing},
    domain::{
        audit::{self, Event, Source},
        tenants,
    },
};

/// How far back the sweep of unused tickets looks: what is older is told to nobody.
const UNUSED: time::Duration = time::Duration::hours(2);

/// A job that a server found open.
#[expect(clippy::struct_field_names, reason = "as the columns are called")]
struct Doubted {
    tenant_id: Uuid,
    job_id: Uuid,
    user_id: Uuid,
    flow_id: Uuid,
}

/// Called when a server starts. How many jobs were open in a database that is not, or may not be, as the last server left
/// it: they have been dealt with.
pub async fn restore_doubt(conn: &mut PgConnection, clock: &Clock, ring: &KeyRing) -> Result<usize> {
    // One server at a time; the lock goes with the transaction.
    sqlx::query!("select pg_advisory_xact_lock(hashtext('sspr continuity'))").execute(&mut *conn).await?;
    let same = sqlx::query_scalar!(
        r#"select exists (select 1 from continuity c join pg_database d on d.oid = c.database where d.datname = current_database()) as "same!""#
    )
    .fetch_one(&mut *conn)
    .await?;
    if same {
        return Ok(0);
    }
    sqlx::query!("delete from continuity").execute(&mut *conn).await?;
    sqlx::query!("insert into continuity (database) select oid from pg_database where datname = current_database()")
        .execute(&mut *conn)
        .await?;
    // The pointer first, then the row, as everybody does.
    sqlx::query!("select job_id from active_jobs order by job_id for update").fetch_all(&mut *conn).await?;
    let touched = sqlx::query_as!(
        Doubted,
        "update jobs set attempts = 1 where job_id in (select job_id from active_jobs) and state in ('held', 'submitted') and attempts = 0
         returning tenant_id, job_id, user_id, flow_id",
    )
    .fetch_all(&mut *conn)
    .await?;
    // A ticket that looks unused may have been used. It is of no use any more; the next one is a press away.
    let now = clock.now();
    let unused = sqlx::query_as!(
        Doubted,
        "update jobs set state = 'unknown', finished_at = $2 where job_id >= $1 and state = 'offered'
         returning tenant_id, job_id, user_id, flow_id",
        id::lowest_at(now - UNUSED),
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    let count = touched.len() + unused.len();
    let doubted = touched.into_iter().map(|job| (job, "touched")).chain(unused.into_iter().map(|job| (job, "unknown")));
    for (Doubted { tenant_id, job_id, user_id, flow_id }, outcome) in doubted {
        let tenant = tenants::by_id(&mut *conn, ring, tenant_id).await?;
        let event =
            Event { action: "reset.doubt", outcome, user: Some(user_id), flow: Some(flow_id), job: Some(job_id), ..Event::default() };
        audit::record(&mut *conn, &tenant.scope, clock, &Source::house("worker"), event).await?;
    }
    Ok(count)
}
