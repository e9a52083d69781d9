//! What a verified person can do with their account as it stands: what the directory says of it decides what is offered.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Purpose;
use crate::{
    base::id,
    domain::{queue::State, tenants::Scope},
    wire::{
        jws,
        message::{AccountState, JobResult},
        outcome::Code,
    },
};

/// The question that was put to the directory when the last gate was passed, and its answer.
#[derive(Debug, Clone)]
pub struct Look {
    /// The inspect job.
    pub job_id: Uuid,
    pub asked_at: OffsetDateTime,
    pub state: State,
    pub code: Option<Code>,
    /// As the agent signed it.
    pub account: Option<AccountState>,
    /// Something was or may have been done to the account since: whether it is locked is another question now.
    pub overtaken: bool,
}

impl Look {
    /// From a look's job.
    pub(super) fn open(job_id: Uuid, asked_at: OffsetDateTime, state: &str, code: Option<&str>, result: Option<&str>) -> Result<Self> {
        // Verified when it was taken.
        let account = result.and_then(jws::unverified::<JobResult>).and_then(|result| result.account);
        Ok(Self { job_id, asked_at, state: State::parse(state)?, code: code.and_then(Code::parse), account, overtaken: false })
    }
}

/// What was asked of the directory last, in whatever journey or by an operator, since then.
pub async fn last_look(conn: &mut PgConnection, scope: &Scope, user: Uuid, since: OffsetDateTime) -> Result<Option<Look>> {
    let row = sqlx::query!(
        r#"select j.job_id, j.issued_at, j.state, j.code, j.result,
               exists (select from audit_events d join jobs done on done.job_id = d.job_id and done.tenant_id = d.tenant_id
                   where d.tenant_id = $1 and d.user_id = $2 and d.action in ('reset.result', 'reset.deadline') and d.event_id > e.event_id
                       and d.outcome in ('applied', 'reconciled', 'unknown') and done.job_id > $3 and done.kind not in ('verify', 'inspect')) as "overtaken!"
           from audit_events e join jobs j on j.job_id = e.job_id and j.tenant_id = e.tenant_id
           where e.tenant_id = $1 and e.user_id = $2 and e.action = 'reset.look' and e.event_id > $3 and j.job_id > $3
           order by e.event_id desc limit 1"#,
        scope.id(),
        user,
        id::lowest_at(since),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let look = Look::open(row.job_id, row.issued_at, &row.state, row.code.as_deref(), row.result.as_deref())?;
        Ok(Look { overtaken: row.overtaken, ..look })
    })
    .transpose()
}

/// What there is to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The usual one, also while nothing is known.
    Password,
    /// It is locked: unlocking may be all that is needed.
    Either,
    /// It is locked, and a new password cannot be set, if by a minimum age, then until that time.
    UnlockOnly(Option<OffsetDateTime>),
    /// Nothing can be done from here, if by a minimum age, then until that time.
    Barred(Code, Option<OffsetDateTime>),
}

/// `unlock`: the connector's administrator lets people unlock alone. An answer that is none, or that could not be had, bars nobody:
/// whatever they try is judged by the agent and the directory again.
pub fn way(look: &Look, purpose: Purpose, unlock: bool, now: OffsetDateTime) -> Way {
    let Some(account) = &look.account else {
        return match look.code {
            // The agent does not serve this account; another kind of job would be told the same.
            Some(code @ (Code::AccountProtected | Code::AccountDisabled | Code::Gone | Code::OutOfScope)) => Way::Barred(code, None),
            _ => Way::Password,
        };
    };
    let served = if account.protected {
        Err(Code::AccountProtected)
    } else if account.disabled {
        Err(Code::AccountDisabled)
    } else if account.account_expired {
        Err(Code::AccountExpired)
    } else if account.locked_for_good {
        Err(Code::LockedForGood)
    } else {
        Ok(())
    };
    if let Err(code) = served {
        return Way::Barred(code, None);
    }
    let allowed_at = account.allowed_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    if purpose == Purpose::Change {
        // Done in the person's own name: what the agent's account may do does not matter, and a locked account takes no old password.
        return match allowed_at.filter(|at| *at > now && !account.must_change) {
            _ if account.locked => Way::Barred(Code::AccountLocked, None),
            Some(at) => Way::Barred(Code::PolicyAge, Some(at)),
            None => Way::Password,
        };
    }
    // Where the directory does not look at the age of a reset, the age is no hindrance.
    let password = match allowed_at.filter(|at| account.hints && *at > now) {
        Some(at) => Err((Code::PolicyAge, Some(at))),
        None if account.may_reset == Some(false) => Err((Code::NoRight, None)),
        None => Ok(()),
    };
    let unlock = unlock && account.locked && account.may_unlock != Some(false);
    match (password, unlock) {
        (Ok(()), true) => Way::Either,
        (Ok(()), false) => Way::Password,
        (Err((_, at)), true) => Way::UnlockOnly(at),
        (Err((code, at)), false) => Way::Barred(code, at),
    }
}
