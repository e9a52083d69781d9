//! Approvals as rows.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Act, Approval, State, Wish};
use crate::{
    base::clock::Clock,
    domain::{acts, operators::Operator, tenants::Scope, users},
};

/// So many ended ones are shown.
const RECENT: i64 = 30;
/// Nobody looks through more.
const WAITING: i64 = 200;

pub(super) struct Row {
    pub approval_id: Uuid,
    pub wish: Vec<u8>,
    pub state: String,
    pub asked_by: Uuid,
    pub reason: String,
    pub asked_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<OffsetDateTime>,
    pub looks: Vec<u8>,
}

pub(super) fn place(approval: Uuid) -> Vec<u8> {
    [b"approvals.wish ".as_slice(), approval.as_bytes()].concat()
}

/// Of the very same act, and of no other.
pub(super) fn hash(scope: &Scope, wish: &Wish) -> Result<Vec<u8>> {
    Ok(scope.key().hash(b"approvals.wish_hash", &serde_json::to_vec(wish)?))
}

impl Row {
    pub fn open(self, scope: &Scope, clock: &Clock) -> Result<Approval> {
        let text = scope.key().decrypt_text(&place(self.approval_id), &self.wish)?;
        Ok(Approval {
            approval_id: self.approval_id,
            wish: serde_json::from_str(&text).context("what an approval is for")?,
            state: State::at(&self.state, self.expires_at, clock.now()),
            asked_by: self.asked_by,
            reason: self.reason,
            asked_at: self.asked_at,
            expires_at: self.expires_at,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            looks: self.looks,
        })
    }
}

/// That one.
pub async fn get(conn: &mut PgConnection, scope: &Scope, clock: &Clock, approval: Uuid) -> Result<Option<Approval>> {
    let row = sqlx::query_as!(
        Row,
        "select approval_id, wish, state, asked_by, reason, asked_at, expires_at, decided_by, decided_at, looks from approvals
         where tenant_id = $1 and approval_id = $2",
        scope.id(),
        approval,
    );
    row.fetch_optional(conn).await?.map(|row| row.open(scope, clock)).transpose()
}

/// That one, as it is until the end of the transaction.
pub(super) async fn locked(conn: &mut PgConnection, scope: &Scope, clock: &Clock, approval: Uuid) -> Result<Option<Approval>> {
    sqlx::query!("select from approvals where tenant_id = $1 and approval_id = $2 for update", scope.id(), approval)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, scope, clock, approval).await
}

/// What an operator may decide: which acts by their role, and of whom.
struct Reach {
    acts: Vec<String>,
    connectors: Option<Vec<Uuid>>,
    guids: Option<Vec<Uuid>>,
}

impl Reach {
    fn of(operator: &Operator) -> Self {
        let acts = Act::ALL.into_iter().filter(|act| act.deciders().contains(&operator.role));
        let (connectors, guids) = users::among(acts::groups(operator));
        Self { acts: acts.map(|act| act.as_str().to_owned()).collect(), connectors, guids }
    }
}

/// What waits for this operator's decision, the oldest first.
pub async fn waiting(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: &Operator) -> Result<Vec<Approval>> {
    let reach = Reach::of(operator);
    let rows = sqlx::query_as!(
        Row,
        "select approval_id, wish, state, asked_by, reason, asked_at, expires_at, decided_by, decided_at, looks from approvals
         where tenant_id = $1 and state = 'waiting' and expires_at > $2 and act = any($3) and asked_by <> $4
             and (user_id is null or is_among(user_id, $6, $7)) order by approval_id limit $5",
        scope.id(),
        clock.now(),
        &reach.acts,
        operator.operator_id,
        WAITING,
        reach.connectors.as_deref(),
        reach.guids.as_deref(),
    );
    rows.fetch_all(conn).await?.into_iter().map(|row| row.open(scope, clock)).collect()
}

/// How many wait for it.
pub async fn count(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: &Operator) -> Result<i64> {
    let reach = Reach::of(operator);
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from approvals where tenant_id = $1 and state = 'waiting' and expires_at > $2 and act = any($3)
             and asked_by <> $4 and (user_id is null or is_among(user_id, $5, $6))"#,
        scope.id(),
        clock.now(),
        &reach.acts,
        operator.operator_id,
        reach.connectors.as_deref(),
        reach.guids.as_deref(),
    );
    Ok(count.fetch_one(conn).await?)
}

/// Their own that are under way and what ended lately of all that they may see, the newest first.
pub async fn recent(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: &Operator) -> Result<Vec<Approval>> {
    let reach = Reach::of(operator);
    let rows = sqlx::query_as!(
        Row,
        "select approval_id, wish, state, asked_by, reason, asked_at, expires_at, decided_by, decided_at, looks from approvals
         where tenant_id = $1 and reason <> '' and (asked_by = $4 or act = any($3) and (state <> 'waiting' or expires_at <= $2)
             and (user_id is null or is_among(user_id, $6, $7)))
         order by approval_id desc limit $5",
        scope.id(),
        clock.now(),
        &reach.acts,
        operator.operator_id,
        RECENT,
        reach.connectors.as_deref(),
        reach.guids.as_deref(),
    );
    rows.fetch_all(conn).await?.into_iter().map(|row| row.open(scope, clock)).collect()
}
