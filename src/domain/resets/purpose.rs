//! What a journey is for. All three begin alike, with a name and a method, so that nobody on the internet can use us to try passwords,
//! to lock somebody's account, or to find out who exists; the current password is asked for only after that.
//!
//! The purpose decides which step follows, and the step which kind of job a flow may get: nothing that a browser sends does.

use serde::Serialize;

use super::{Ending, Flow, Step};
use crate::{
    domain::{
        policies::Terms,
        queue::{JobView, State},
    },
    wire::{outcome::Code, ticket::Kind},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A new password without the old one.
    Reset,
    /// A new password with the old one.
    Change,
    /// To one's own account page, by the current password.
    SignIn,
}

impl Purpose {
    pub const ALL: [Self; 3] = [Self::Reset, Self::Change, Self::SignIn];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Change => "change",
            Self::SignIn => "sign_in",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// What holds for somebody, for this purpose: where the current password follows, one proof goes before it.
    pub(super) fn terms(self, terms: &Terms) -> Terms {
        match self {
            Self::Reset => terms.clone(),
            Self::Change | Self::SignIn => Terms { gates: 1, rises: false, password_follows: true, ..terms.clone() },
        }
    }

    /// The page behind the proof, as long as nothing is under way.
    pub const fn page(self) -> Step {
        match self {
            Self::Reset => Step::Password,
            Self::Change => Step::Change,
            Self::SignIn => Step::Current,
        }
    }

    /// The kind of sealed job that this step of such a flow may get; `None`: none.
    pub fn kind(self, step: Step) -> Option<Kind> {
        match (self, step) {
            // Also another password for one of the accounts that followed a change.
            (Self::Reset | Self::Change, Step::Password) => Some(Kind::Reset),
            (Self::Change, Step::Change) => Some(Kind::Change),
            (Self::SignIn, Step::Current) => Some(Kind::Verify),
            _ => None,
        }
    }
}

impl Flow {
    /// Where a job leads that had the old password in it; `None`: where any other would.
    pub(super) fn checked(&self, job: &JobView) -> Option<Step> {
        let step = match (self.purpose, job.state, job.code?) {
            (Purpose::SignIn, State::Applied, _) if self.frozen => Step::Ended(Ending::Frozen),
            (Purpose::SignIn, State::Applied, Code::Verified | Code::MustChange | Code::PasswordExpired) => Step::Enter,
            (Purpose::SignIn, State::Applied | State::Reconciled, _) => Step::Ended(Ending::Unknown),
            _ if self.frozen => return None,
            (Purpose::SignIn, State::Refused, Code::WrongPassword) => Step::Current,
            (Purpose::Change, State::Refused, Code::WrongPassword) if self.aim_id.is_none() => Step::Change,
            _ => return None,
        };
        Some(step)
    }

    /// How many proofs it takes, where that is not for the policy to say. A session was proven by itself.
    pub(super) fn asked(&self) -> Option<i16> {
        match self.purpose {
            Purpose::Reset => None,
            Purpose::Change if self.within.is_some() => Some(0),
            Purpose::Change | Purpose::SignIn => Some(1),
        }
    }

    /// Whether the account's password is right and may be used no longer: a new one is due before anything else.
    pub fn is_due(&self) -> bool {
        let due = |job: &JobView| job.submitted && matches!(job.code, Some(Code::MustChange | Code::PasswordExpired));
        self.step() == Step::Enter && self.job.as_ref().is_some_and(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_purpose_gets_the_job_of_another() {
        let steps = [Step::Method, Step::Need, Step::Password, Step::Change, Step::Current, Step::Enter, Step::Status, Step::Done];
        let kinds = |purpose: Purpose| steps.iter().filter_map(|step| purpose.kind(*step)).collect::<Vec<_>>();
        assert_eq!(kinds(Purpose::Reset), [Kind::Reset]);
        assert_eq!(kinds(Purpose::Change), [Kind::Reset, Kind::Change]);
        assert_eq!(kinds(Purpose::SignIn), [Kind::Verify]);
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
            assert!(purpose.kind(purpose.page()).is_some());
        }
    }
}
