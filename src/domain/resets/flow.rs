//! A flow as it stands, and which step that makes it.

mod load;

use anyhow::Result;
pub(super) use load::{hold, lock, read};
pub use load::{load, reload};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Offer,
    linked::{self, TargetView},
    need::{Look, Way},
    purpose::Purpose,
};
use crate::{
    domain::{
        queue::{JobView, State},
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
