//! Acts that one operator wants and another one allows: help desks are talked into things, and whoever talks well to one person has to
//! do it twice.
//!
//! What is allowed is this very act with all that it takes, once, while its target looks as it did when it was asked for. Whoever asks never
//! allows it, nor does a colleague whom the asker has made, readdressed or given a link in the last days, or the other way round, or over
//! others: somebody who can make operators could make the second person as well, or both. What the server can do by itself it does at the
//! moment of the decision, in the same transaction; what is made in the asker's browser is open to them for ten minutes.

mod ask;
mod carry;
mod decide;
mod looks;
mod rules;
mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{history::What, operators::Role, policies::Rules, tenants::Aid};
pub use ask::{Asked, ask, begin, clean, withdraw};
pub use decide::{Decided, Opening, Right, decide, is_open, opening, right, used};
pub use rules::{Temporary, are_two, rules, switch, temporary, wants};
pub use store::{count, get, recent, waiting};

/// A draft waits so long for its reason.
const DRAFT: Duration = Duration::minutes(15);
/// Somebody decides within this.
pub const PATIENCE: Duration = Duration::hours(1);
/// What is allowed is done within this.
pub const OPEN: Duration = Duration::minutes(10);
/// Who was made, readdressed or linked by the other within this is no second person.
const APART: Duration = Duration::days(7);
/// One operator asks so often within [`PATIENCE`], whatever becomes of it: every time others get a mail.
const MOST: i64 = 20;
/// They are shown so long.
const KEPT: Duration = Duration::days(90);

/// What can be made to need a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A temporary password.
    Temporary,
    /// The same for a privileged person: without this nobody sets one for them.
    Privileged,
    /// The help desk's code for a caller.
    Code,
    /// Removing somebody's method of proof.
    Method,
    /// Confirming an agent.
    Agent,
    /// Changing the policies, who is privileged, what of the settings guards people, whom they are told to ask, or what messages say.
    Policy,
    /// Making somebody an owner, and whatever lets somebody in as one: another address, a link, enabling.
    Owner,
    /// Switching one of these off.
    Rule,
}

impl Act {
    pub const ALL: [Self; 8] =
        [Self::Temporary, Self::Privileged, Self::Code, Self::Method, Self::Agent, Self::Policy, Self::Owner, Self::Rule];
    /// Those that are switched; [`Self::Rule`] goes with each of them.
    pub const SWITCHED: [Self; 7] = [Self::Temporary, Self::Privileged, Self::Code, Self::Method, Self::Agent, Self::Policy, Self::Owner];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Privileged => "privileged",
            Self::Code => "code",
            Self::Method => "method",
            Self::Agent => "agent",
            Self::Policy => "policy",
            Self::Owner => "owner",
            Self::Rule => "rule",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// Who may want it.
    pub const fn askers(self) -> &'static [Role] {
        match self {
            Self::Temporary | Self::Privileged | Self::Code | Self::Method => &[Role::Owner, Role::Administrator, Role::HelpDesk],
            Self::Agent | Self::Policy | Self::Rule => &[Role::Owner, Role::Administrator],
            Self::Owner => &[Role::Owner],
        }
    }

    /// Who may allow it.
    pub const fn deciders(self) -> &'static [Role] {
        match self {
            Self::Privileged => &[Role::Owner, Role::Administrator],
            other => other.askers(),
        }
    }
}

/// An act with all that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Wish {
    Temporary {
        user: Uuid,
    },
    Privileged {
        user: Uuid,
    },
    /// `number`: of the page that waits for the code.
    Code {
        user: Uuid,
        number: String,
    },
    Method {
        user: Uuid,
        authenticator: Uuid,
    },
    /// `fingerprint`: as the asker read it on the agent's own screen.
    Agent {
        agent: Uuid,
        fingerprint: String,
    },
    /// From these policies to those.
    Policy {
        before: Rules,
        after: Rules,
    },
    /// From this to that, as the history keeps it: longer than its shape lasts.
    Change {
        what: What,
        before: Value,
        after: Value,
    },
    /// `None`: a new operator. Of somebody who is one: this name and this address.
    Owner {
        operator: Option<Uuid>,
        name: String,
        mail: String,
    },
    /// A link for an owner, shown to whoever asks.
    Link {
        operator: Uuid,
    },
    /// An owner may sign in again.
    Enable {
        operator: Uuid,
    },
    /// Switch this one off.
    Rule {
        of: Act,
    },
}

impl Wish {
    pub fn change<T: Serialize>(what: What, before: &T, after: &T) -> anyhow::Result<Self> {
        Ok(Self::Change { what, before: serde_json::to_value(before)?, after: serde_json::to_value(after)? })
    }

    pub const fn act(&self) -> Act {
        match self {
            Self::Temporary { .. } => Act::Temporary,
            Self::Privileged { .. } => Act::Privileged,
            Self::Code { .. } => Act::Code,
            Self::Method { .. } => Act::Method,
            Self::Agent { .. } => Act::Agent,
            Self::Policy { .. } | Self::Change { .. } => Act::Policy,
            Self::Owner { .. } | Self::Link { .. } | Self::Enable { .. } => Act::Owner,
            Self::Rule { .. } => Act::Rule,
        }
    }

    /// For whom, where it is for a person.
    pub const fn user(&self) -> Option<Uuid> {
        match self {
            Self::Temporary { user } | Self::Privileged { user } | Self::Code { user, .. } | Self::Method { user, .. } => Some(*user),
            _ => None,
        }
    }

    /// Which operator it is about.
    pub const fn operator(&self) -> Option<Uuid> {
        match self {
            Self::Owner { operator, .. } => *operator,
            Self::Link { operator } | Self::Enable { operator } => Some(*operator),
            _ => None,
        }
    }

    /// What it does for a person, which the tenant may have forbidden.
    pub const fn aid(&self) -> Option<Aid> {
        match self {
            Self::Temporary { .. } | Self::Privileged { .. } => Some(Aid::Temporary),
            Self::Code { .. } => Some(Aid::Code),
            Self::Method { .. } => Some(Aid::Method),
            _ => None,
        }
    }

    /// It is done by the asker once it is allowed; the others the decision does.
    pub const fn opens(&self) -> bool {
        matches!(self, Self::Temporary { .. } | Self::Privileged { .. } | Self::Code { .. } | Self::Link { .. })
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The reason is missing.
    Draft,
    Waiting,
    /// The asker may do it now.
    Approved,
    /// Done.
    Used,
    Refused,
    Withdrawn,
    /// Allowed, but the target or the asker was not any more what they were.
    Void,
    Expired,
}

impl State {
    const ALL: [Self; 8] =
        [Self::Draft, Self::Waiting, Self::Approved, Self::Used, Self::Refused, Self::Withdrawn, Self::Void, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Used => "used",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Void => "void",
            Self::Expired => "expired",
        }
    }

    fn at(text: &str, expires_at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let state = Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Void);
        let open = matches!(state, Self::Draft | Self::Waiting | Self::Approved);
        if open && expires_at <= now { Self::Expired } else { state }
    }
}

/// One, as it stands at this moment.
#[derive(Debug, Clone)]
pub struct Approval {
    pub approval_id: Uuid,
    pub wish: Wish,
    pub state: State,
    pub asked_by: Uuid,
    pub reason: String,
    pub asked_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<OffsetDateTime>,
    looks: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_allow_something_could_have_wanted_it() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.as_str()), Some(act));
            assert!(!act.deciders().is_empty() && act.deciders().iter().all(|role| act.askers().contains(role)), "{act:?}");
            assert_eq!(Act::SWITCHED.contains(&act), act != Act::Rule);
        }
    }

    #[test]
    fn an_act_is_written_in_one_way() {
        let wish = Wish::Code { user: Uuid::nil(), number: "123456".into() };
        let text = serde_json::to_string(&wish).unwrap();
        assert_eq!(text, r#"{"act":"code","user":"00000000-0000-0000-0000-000000000000","number":"123456"}"#);
        assert_eq!(serde_json::from_str::<Wish>(&text).unwrap(), wish);
        assert!(serde_json::from_str::<Wish>(&text.replace("number", "other")).is_err());
    }

    #[test]
    fn nothing_is_open_for_ever() {
        let now = OffsetDateTime::UNIX_EPOCH;
        for (text, open) in [("draft", true), ("waiting", true), ("approved", true), ("used", false), ("refused", false)] {
            assert_eq!(State::at(text, now + Duration::SECOND, now).as_str(), text);
            assert_eq!(State::at(text, now, now) == State::Expired, open, "{text}");
        }
    }
}
