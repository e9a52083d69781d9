//! A flow as it stands, and which step that makes it.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Offer,
    linked::{self, TargetView},
    need::{Look, Way, way},
    purpose::Purpose,
};
use crate::{
    base::{clock::Clock, id},
    domain::{
        queue::{JobView, State},
        sessions,
        tenants::Scope,
        verification::Method,
    },
    wire::{
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

/// As loaded; what happened since is seen by loading it again.
#[derive(Debug, Clone)]
pub struct Flow {
    pub flow_id: Uuid,
    pub purpose: Purpose,
    /// The session it was begun in, whose proof it goes by.
    pub within: Option<Uuid>,
    /// When that ends if nothing more is asked for; `None`: it is over.
    session_ends_at: Option<OffsetDateTime>,
    /// `None`: a decoy.
    pub user_id: Option<Uuid>,
    /// Whose limits count.
    pub subjects: Vec<Vec<u8>>,
    /// All that were offered, proven ones too.
    pub options: Vec<Offer>,
    /// BCP 47: for messages.
    pub language: String,
    /// All gates are passed.
    pub verified: bool,
    /// How many proofs it takes: 1 or 2.
    pub gates: i16,
    /// Mail and text message count as two.
    pub apart: bool,
    /// Two are asked because there is an app, a passkey or a recovery code: a passkey alone is enough.
    pub rises: bool,
    pub passed: Vec<Method>,
    /// The policy asks for two proofs: whoever signs in by a passkey is asked for the password besides.
    pub besides: bool,
    pub expires_at: OffsetDateTime,
    /// There was more time once.
    pub extended: bool,
    /// Tries at a code that it has, with all others of the account, as its policy had it when it began.
    pub tries: i32,
    /// The same of codes that are sent.
    pub sends: i32,
    /// Whose code is awaited.
    pub method: Option<Method>,
    /// The newest one.
    pub job: Option<JobView>,
    /// What the directory was asked once all gates were passed.
    pub look: Option<Look>,
    /// What that leaves to offer.
    pub way: Way,
    /// A new password was chosen where unlocking would do.
    pub wants_password: bool,
    /// The job that went first, where another password is chosen for an account that follows.
    pub root_id: Option<Uuid>,
    /// That account.
    pub aim_id: Option<Uuid>,
    /// Where others follow the job: how it goes in each directory, the first one's first.
    pub targets: Vec<TargetView>,
    /// Nothing may be done for the account, or the flow was under way when it was frozen. Nobody is to learn of it before they have proven
    /// who they are.
    pub frozen: bool,
}

/// How a journey ended other than well, or where it must pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By the directory's or the agent's rule, or by circumstance.
    Refused(Code),
    /// The same, known before anything was tried.
    Barred(Code),
    /// No agent took it in time: nothing was changed.
    Expired,
    /// An agent had it and did not answer: it may have been changed.
    Unknown,
    /// A newer ticket or another flow took over.
    Superseded,
    /// The account is frozen: an operator has to look first.
    Frozen,
}

/// Where the browser belongs now. Derived, never stored, so that it cannot disagree with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Method,
    Code(Method),
    Passkey,
    /// Unlock, or a new password?
    Need,
    Password,
    /// A new password and the current one.
    Change,
    /// The current password.
    Current,
    /// It is the current password.
    Enter,
    Status,
    Done,
    Ended(Ending),
}

impl Flow {
    /// Where the browser belongs.
    pub fn step(&self) -> Step {
        if !self.verified {
            return match self.method {
                None => Step::Method,
                Some(Method::Passkey) => Step::Passkey,
                Some(method) => Step::Code(method),
            };
        }
        let Some(job) = self.job.as_ref().filter(|job| job.submitted) else { return self.beginning() };
        if let Some(step) = self.checked(job) {
            return step;
        }
        match (job.state, job.code) {
            (State::Offered | State::Cancelled, _) => self.beginning(),
            (State::Held | State::Submitted | State::Leased, _) => Step::Status,
            (State::Applied, _) if !self.targets.iter().all(TargetView::is_final) => Step::Status,
            (State::Applied, _) => Step::Done,
            (State::Reconciled, Some(code)) if code.outcome() == Outcome::Applied => Step::Done,
            (State::Reconciled | State::Refused | State::Failed | State::Superseded | State::Expired, _) if self.frozen => {
                Step::Ended(Ending::Frozen)
            }
            // Another password may do: no need to prove again.
            (State::Refused | State::Reconciled, Some(code)) if code.is_about_the_password() => self.page(),
            (State::Refused | State::Failed | State::Reconciled, Some(code)) => Step::Ended(Ending::Refused(code)),
            (State::Superseded, _) => Step::Ended(Ending::Superseded),
            (State::Expired, _) => Step::Ended(Ending::Expired),
            (State::Unknown | State::Refused | State::Failed | State::Reconciled, _) => Step::Ended(Ending::Unknown),
        }
    }

    /// Whether anything is asked of anybody now, or all is under way or over.
    pub fn asks(&self) -> bool {
        !matches!(self.step(), Step::Status | Step::Done | Step::Ended(_))
    }

    /// What was begun in a session ends with it, as long as something is asked: what is under way goes on, and its end is told.
    fn lives(&self) -> bool {
        self.within.is_none() || self.session_ends_at.is_some() || !self.asks()
    }

    /// Until then, or as long as its session.
    pub fn until(&self, at: OffsetDateTime) -> OffsetDateTime {
        self.session_ends_at.map_or(at, |session| session.min(at))
    }

    /// Where a password is typed. A passkey is two factors by itself (something one has, and what unlocks it): whoever signs in by one needs
    /// no password besides, unless their policy asks for two proofs of everybody.
    fn page(&self) -> Step {
        match self.purpose {
            _ if self.aim_id.is_some() => Step::Password,
            Purpose::SignIn if self.passed.contains(&Method::Passkey) && !self.besides => Step::Enter,
            purpose => purpose.page(),
        }
    }

    /// Verified, and nothing is under way.
    fn beginning(&self) -> Step {
        if self.frozen {
            return Step::Ended(Ending::Frozen);
        }
        if self.aim_id.is_some() {
            return Step::Password;
        }
        match self.way {
            Way::Barred(code, _) => Step::Ended(Ending::Barred(code)),
            Way::UnlockOnly(_) => Step::Need,
            Way::Either if !self.wants_password => Step::Need,
            Way::Either | Way::Password => self.page(),
        }
    }

    /// Whether the job at hand is an unlock and nothing else.
    pub fn unlocks(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.kind == Kind::Unlock)
    }

    /// How it goes in each directory now, where there are several.
    pub async fn look_at_targets(&mut self, conn: &mut PgConnection, scope: &Scope) -> Result<()> {
        let first = self.root_id.or_else(|| self.job.as_ref().filter(|job| job.leads).map(|job| job.job_id));
        if let Some(first) = first {
            self.targets = linked::targets(conn, scope, first).await?;
        }
        Ok(())
    }

    /// Why the directory did not take the last password, if that is why the browser is at the password page.
    pub fn refusal(&self) -> Option<(Code, Option<OffsetDateTime>)> {
        let job = self.job.as_ref().filter(|_| self.step() == self.page())?;
        job.code.filter(|code| code.is_about_the_password() || *code == Code::WrongPassword).map(|code| (code, job.allowed_at))
    }

    /// The methods that may still be proven: of each class one.
    pub fn open_options(&self) -> impl Iterator<Item = &Offer> {
        self.options
            .iter()
            .filter(|offer| self.passed.iter().all(|passed| passed.counts_as(self.apart) != offer.method.counts_as(self.apart)))
    }

    /// `None` also for a method that is proven already.
    pub fn offer_of(&self, method: Method) -> Option<&Offer> {
        self.open_options().find(|offer| offer.method == method)
    }
}

/// The flow of the browser with this cookie. Whoever works on what was begun in a session is seen there by that.
pub async fn load(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Flow>> {
    let Some(mut flow) = read(&mut *conn, scope, clock, cookie).await? else { return Ok(None) };
    if let Some(session) = flow.within {
        flow.session_ends_at = sessions::see(conn, scope, clock, session).await?;
    }
    Ok(Some(flow).filter(Flow::lives))
}

/// The same, whatever became of its session.
pub(super) async fn read(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Flow>> {
    let row = sqlx::query_as!(
        Row,
        r#"select f.flow_id, f.purpose, f.session_id, f.user_id, f.subjects, f.options, f.language, f.state, f.gates, f.apart, f.rises, f.passed, f.method, f.wants_password, f.root_id, f.expires_at, f.extended, f.tries, f.sends,
               case when f.purpose = 'sign_in' and f.state = 'verified' then (select p.gates > 1 from policy_of(f.tenant_id, f.user_id) p) else false end as "besides!",
               f.aim_id, j.part, j.job_id as "job_id?", j.kind as "job_kind?", j.state as "job_state?", j.submitted_at is not null as "submitted!", j.code,
               j.allowed_at, l.job_id as "look_id?", l.state as "look_state?", l.code as look_code, l.result as look_result,
               l.issued_at as "look_at?", c.unlock as "unlock?",
               f.frozen or exists (select from freezes z where z.tenant_id = f.tenant_id and z.user_id in (f.user_id, f.aim_id) and z.lifted_at is null) as "frozen!"
           from flows f left join jobs j on j.job_id = f.job_id and j.tenant_id = f.tenant_id
           left join jobs l on l.job_id = f.look_id and l.tenant_id = f.tenant_id
           left join connectors c on c.connector_id = l.connector_id and c.tenant_id = l.tenant_id
           where f.tenant_id = $1 and f.browser_hash = $2 and f.state <> 'ended' and f.expires_at > $3"#,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut flow = row.open(clock.now())?;
    flow.look_at_targets(conn, scope).await?;
    Ok(Some(flow))
}

/// The flow as it is now, and nobody else's to change until the transaction ends: two tabs may press at once. Its job is read once
/// the flow is ours: a single statement would show it as it was before we waited.
pub(super) async fn lock(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: &Flow) -> Result<Option<Flow>> {
    hold(&mut *conn, scope, flow.flow_id).await?;
    reload(conn, scope, clock, flow).await
}

/// Nobody else changes it until the transaction ends. Whoever needs its challenges too holds it before those, or two tabs would wait for
/// each other.
pub(super) async fn hold(conn: &mut PgConnection, scope: &Scope, flow: Uuid) -> Result<()> {
    sqlx::query!("select flow_id from flows where tenant_id = $1 and flow_id = $2 for update", scope.id(), flow)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// The flow as it is now.
pub async fn reload(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: &Flow) -> Result<Option<Flow>> {
    let row = sqlx::query_as!(
        Row,
        r#"select f.flow_id, f.purpose, f.session_id, f.user_id, f.subjects, f.options, f.language, f.state, f.gates, f.apart, f.rises, f.passed, f.method, f.wants_password, f.root_id, f.expires_at, f.extended, f.tries, f.sends,
               case when f.purpose = 'sign_in' and f.state = 'verified' then (select p.gates > 1 from policy_of(f.tenant_id, f.user_id) p) else false end as "besides!",
               f.aim_id, j.part, j.job_id as "job_id?", j.kind as "job_kind?", j.state as "job_state?", j.submitted_at is not null as "submitted!", j.code,
               j.allowed_at, l.job_id as "look_id?", l.state as "look_state?", l.code as look_code, l.result as look_result,
               l.issued_at as "look_at?", c.unlock as "unlock?",
               f.frozen or exists (select from freezes z where z.tenant_id = f.tenant_id and z.user_id in (f.user_id, f.aim_id) and z.lifted_at is null) as "frozen!"
           from flows f left join jobs j on j.job_id = f.job_id and j.tenant_id = f.tenant_id
           left join jobs l on l.job_id = f.look_id and l.tenant_id = f.tenant_id
           left join connectors c on c.connector_id = l.connector_id and c.tenant_id = l.tenant_id
           where f.tenant_id = $1 and f.flow_id = $2 and f.state <> 'ended'"#,
        scope.id(),
        flow.flow_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut flow = row.open(clock.now())?;
    flow.look_at_targets(&mut *conn, scope).await?;
    if let Some(session) = flow.within {
        flow.session_ends_at = sessions::ends_at(conn, scope, clock, session).await?;
    }
    Ok(Some(flow).filter(Flow::lives))
}

struct Row {
    flow_id: Uuid,
    purpose: String,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    subjects: Vec<Vec<u8>>,
    options: serde_json::Value,
    language: String,
    state: String,
    gates: i16,
    apart: bool,
    rises: bool,
    passed: Vec<String>,
    besides: bool,
    expires_at: OffsetDateTime,
    extended: bool,
    tries: i32,
    sends: i32,
    method: Option<String>,
    wants_password: bool,
    root_id: Option<Uuid>,
    aim_id: Option<Uuid>,
    part: Option<String>,
    job_id: Option<Uuid>,
    job_kind: Option<String>,
    job_state: Option<String>,
    submitted: bool,
    code: Option<String>,
    allowed_at: Option<OffsetDateTime>,
    look_id: Option<Uuid>,
    look_state: Option<String>,
    look_code: Option<String>,
    look_result: Option<String>,
    look_at: Option<OffsetDateTime>,
    unlock: Option<bool>,
    frozen: bool,
}

impl Row {
    fn open(self, now: OffsetDateTime) -> Result<Flow> {
        let job = match (self.job_id, self.job_kind, self.job_state) {
            (Some(job_id), Some(kind), Some(state)) => {
                let kind = Kind::parse(&kind).with_context(|| format!("unknown job kind {kind}"))?;
                let (code, allowed_at) = (self.code.as_deref().and_then(Code::parse), self.allowed_at);
                let leads = self.part.as_deref() == Some("first");
                Some(JobView { job_id, kind, state: State::parse(&state)?, submitted: self.submitted, code, leads, allowed_at })
            }
            _ => None,
        };
        let look = match (self.look_id, self.look_state, self.look_at) {
            (Some(job_id), Some(state), Some(asked_at)) => {
                Some(Look::open(job_id, asked_at, &state, self.look_code.as_deref(), self.look_result.as_deref())?)
            }
            _ => None,
        };
        let purpose = Purpose::parse(&self.purpose).with_context(|| format!("unknown purpose {}", self.purpose))?;
        let way = look.as_ref().map_or(Way::Password, |look| way(look, purpose, self.unlock.unwrap_or_default(), now));
        Ok(Flow {
            flow_id: self.flow_id,
            purpose,
            within: self.session_id,
            session_ends_at: None,
            user_id: self.user_id,
            subjects: self.subjects,
            options: serde_json::from_value(self.options).context("a flow's options")?,
            language: self.language,
            verified: self.state == "verified",
            gates: self.gates,
            apart: self.apart,
            besides: self.besides,
            expires_at: self.expires_at,
            extended: self.extended,
            tries: self.tries,
            sends: self.sends,
            rises: self.rises,
            passed: self.passed.iter().filter_map(|method| Method::parse(method)).collect(),
            method: self.method.as_deref().and_then(Method::parse),
            job,
            look,
            way,
            wants_password: self.wants_password,
            root_id: self.root_id,
            aim_id: self.aim_id,
            targets: Vec::new(),
            frozen: self.frozen,
        })
    }
}
