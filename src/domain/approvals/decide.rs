//! What a colleague says, and what comes of it. Two who decide at once wait for one another at the row: the second finds it decided.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{APART, Approval, OPEN, State, Wish, carry, looks, store};
use crate::{
    base::clock::Clock,
    domain::{
        acts::{self, Ceiling},
        audit::{self, Event, Source},
        operators::{self, Operator},
        tenants::{self, Scope},
    },
};

/// Whether an operator may decide this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Yes,
    /// They want it themselves.
    Own,
    /// It is about themselves, or about somebody who stands as high.
    Above,
    /// They or whoever asks had a hand in the other lately.
    Close,
    /// Another role decides this, or they do not see the person.
    No,
}

pub async fn right(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: &Operator, approval: &Approval) -> Result<Right> {
    if approval.asked_by == operator.operator_id {
        return Ok(Right::Own);
    }
    if operator.disabled_at.is_some() || !approval.wish.act().deciders().contains(&operator.role) {
        return Ok(Right::No);
    }
    match reach(&mut *conn, scope, operator, &approval.wish).await? {
        Ceiling::May => {}
        Ceiling::NotThere => return Ok(Right::No),
        Ceiling::Themselves | Ceiling::AsHigh => return Ok(Right::Above),
    }
    let both = (approval.asked_by, operator.operator_id);
    Ok(if operators::are_close(conn, scope, clock, both, APART).await? { Right::Close } else { Right::Yes })
}

/// Whether this operator could do it at all, were it for one alone.
async fn reach(conn: &mut PgConnection, scope: &Scope, operator: &Operator, wish: &Wish) -> Result<Ceiling> {
    Ok(match wish.operator() {
        Some(other) => match operators::get(conn, scope, other).await? {
            None => Ceiling::NotThere,
            Some(other) if other.operator_id == operator.operator_id => Ceiling::Themselves,
            Some(other) if operator.governs(&other) => Ceiling::May,
            Some(_) => Ceiling::AsHigh,
        },
        None => match wish.user() {
            Some(user) => acts::ceiling(conn, scope, operator, user).await?,
            None => Ceiling::May,
        },
    })
}

/// What came of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It is done.
    Done,
    /// The asker may do it now.
    Opened,
    Refused,
    /// They have no right to it. Nothing was changed.
    Denied(Right),
    NotThere,
    /// It was decided, used, withdrawn or ran out before.
    Over,
    /// The target is not any more what it was; it must be asked for anew.
    Changed,
    /// Whoever asked may not do it any more.
    Asker,
    /// The tenant lets nobody do it for people any more.
    Off,
    /// It could not be done. Nothing was changed but that it is over.
    Failed,
}

/// Allow it or refuse it; what the server can do by itself is done by that, in the name of whoever asked.
pub async fn decide(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    (approval, yes): (Uuid, bool),
) -> Result<Decided> {
    let Some(found) = store::locked(&mut *conn, scope, clock, approval).await? else { return Ok(Decided::NotThere) };
    let all: Vec<Uuid> = [Some(operator), Some(found.asked_by), found.wish.operator()].into_iter().flatten().collect();
    operators::lock(&mut *conn, scope, &all).await?;
    let (Some(decider), Some(asker)) =
        (operators::get(&mut *conn, scope, operator).await?, operators::get(&mut *conn, scope, found.asked_by).await?)
    else {
        return Ok(Decided::NotThere);
    };
    let decided = match right(&mut *conn, scope, clock, &decider, &found).await? {
        Right::Yes if found.state != State::Waiting => Decided::Over,
        Right::Yes if !yes => Decided::Refused,
        Right::Yes if !may_still(&mut *conn, scope, &asker, &found.wish).await? => Decided::Asker,
        Right::Yes if looks::of(&mut *conn, scope, &found.wish).await?.as_ref() != Some(&found.looks) => Decided::Changed,
        Right::Yes if is_off(&mut *conn, scope, &found.wish).await? => Decided::Off,
        Right::Yes if found.wish.opens() => Decided::Opened,
        Right::Yes => {
            let own = Source { actor: asker.actor(), ..source.clone() };
            if carry::out(&mut *conn, scope, clock, &own, &found.wish).await? { Decided::Done } else { Decided::Failed }
        }
        Right::No => return Ok(Decided::NotThere),
        denied => Decided::Denied(denied),
    };
    let (state, outcome) = match decided {
        Decided::Done => (Some(State::Used), "done"),
        Decided::Opened => (Some(State::Approved), "approved"),
        Decided::Refused => (Some(State::Refused), "refused"),
        Decided::Changed => (Some(State::Void), "target_changed"),
        Decided::Asker => (Some(State::Void), "asker_changed"),
        Decided::Off => (Some(State::Void), "off"),
        Decided::Failed => (Some(State::Void), "failed"),
        Decided::Denied(Right::Own) => (None, "own"),
        Decided::Denied(Right::Close) => (None, "close"),
        Decided::Denied(_) => (None, "above"),
        Decided::Over | Decided::NotThere => (None, "over"),
    };
    if let Some(state) = state {
        let until = if state == State::Approved { clock.now() + OPEN } else { found.expires_at };
        sqlx::query!(
            "update approvals set state = $3, decided_by = $4, decided_at = $5, expires_at = $6 where tenant_id = $1 and approval_id = $2",
            scope.id(),
            approval,
            state.as_str(),
            operator,
            clock.now(),
            until,
        )
        .execute(&mut *conn)
        .await?;
    }
    let detail = serde_json::json!({ "approval": approval, "act": found.wish.act(), "asked_by": found.asked_by });
    let event = Event { action: "approval.decide", outcome, user: found.wish.user(), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(decided)
}

async fn is_off(conn: &mut PgConnection, scope: &Scope, wish: &Wish) -> Result<bool> {
    let Some(aid) = wish.aid() else { return Ok(false) };
    tenants::forbids(conn, scope, aid).await
}

async fn may_still(conn: &mut PgConnection, scope: &Scope, asker: &Operator, wish: &Wish) -> Result<bool> {
    let may = asker.disabled_at.is_none() && wish.act().askers().contains(&asker.role);
    Ok(may && reach(conn, scope, asker, wish).await? == Ceiling::May)
}

/// Whether an act that its asker does is open to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// By this approval, which is theirs until the end of the transaction.
    By(Uuid),
    /// It was used for this very job.
    Again,
    Shut,
    /// It was allowed, and the target is not any more what it was: written down, to be committed.
    Changed,
}

/// `job`: what it may have been used for already, if the answer got lost.
pub async fn opening(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (operator, wish): (Uuid, &Wish),
    job: Option<Uuid>,
) -> Result<Opening> {
    let row = sqlx::query!(
        r#"select approval_id, looks, state = 'used' as "used!" from approvals where tenant_id = $1 and asked_by = $2 and wish_hash = $3
               and (state = 'approved' and expires_at > $4 or state = 'used' and job_id = $5) order by state limit 1 for update"#,
        scope.id(),
        operator,
        store::hash(scope, wish)?,
        clock.now(),
        job,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Opening::Shut) };
    if row.used {
        return Ok(Opening::Again);
    }
    if looks::of(&mut *conn, scope, wish).await?.as_ref() == Some(&row.looks) {
        return Ok(Opening::By(row.approval_id));
    }
    ends(&mut *conn, scope, row.approval_id, State::Void, None).await?;
    let detail = serde_json::json!({ "approval": row.approval_id, "act": wish.act() });
    let event = Event { action: "approval.use", outcome: "target_changed", user: wish.user(), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Opening::Changed)
}

/// Whether it is open, for a page.
pub async fn is_open(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: Uuid, wish: &Wish) -> Result<bool> {
    let open = sqlx::query_scalar!(
        r#"select exists (select from approvals where tenant_id = $1 and asked_by = $2 and wish_hash = $3 and state = 'approved'
               and expires_at > $4) as "open!""#,
        scope.id(),
        operator,
        store::hash(scope, wish)?,
        clock.now(),
    );
    Ok(open.fetch_one(conn).await?)
}

/// It was used, and will not be again.
pub async fn used(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (approval, wish): (Uuid, &Wish),
    job: Option<Uuid>,
) -> Result<()> {
    ends(&mut *conn, scope, approval, State::Used, job).await?;
    let detail = serde_json::json!({ "approval": approval, "act": wish.act() });
    let event = Event { action: "approval.use", outcome: "used", user: wish.user(), job, detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await
}

async fn ends(conn: &mut PgConnection, scope: &Scope, approval: Uuid, state: State, job: Option<Uuid>) -> Result<()> {
    sqlx::query!(
        "update approvals set state = $3, job_id = $4 where tenant_id = $1 and approval_id = $2 and state = 'approved'",
        scope.id(),
        approval,
        state.as_str(),
        job,
    )
    .execute(conn)
    .await?;
    Ok(())
}
