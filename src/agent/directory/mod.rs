//! What the agent wants of a directory, and what it knows of an account in one.
//!
//! One directory family a file: [`ad`] is Active Directory and Samba, [`openldap`] what it says. The trait is small on purpose: the decisions are the
//! executor's, a directory only reads, makes one change at a time and tells its people.

pub mod ad;
mod ad_people;
mod answer;
mod attributes;
mod bytes;
mod choice;
pub mod discovery;
pub mod dn;
mod groups;
pub mod guard;
mod link;
mod links;
pub mod openldap;
pub mod people;
pub mod sd;
mod servers;
mod target;

use std::future::Future;

use thiserror::Error;
use uuid::Uuid;

use crate::wire::{
    message::{DirectoryHealth, PasswordPolicy, PolicyFrom},
    outcome::Code,
};
pub use answer::{answered, refusal, transport, win32};
pub use target::{Place, library};

/// Why the directory could not be asked. Nothing was changed.
#[derive(Debug, Error)]
pub enum Trouble {
    /// No connection, no answer in time, or our own account is refused.
    #[error("{0}")]
    Unreachable(String),
    /// It answered, with an LDAP result code and the Win32 code that opens its message (0: none).
    #[error("the directory answered {code} / {win32:08X}: {text}")]
    Answered { code: u32, win32: u32, text: String },
    /// It answered, and what this setting names is not there or will not do.
    #[error("{setting}: {what}")]
    Unfit { setting: &'static str, what: String },
}

/// What a setting names is not there.
fn missing(setting: &'static str, what: &str) -> Trouble {
    Trouble::Unfit { setting, what: format!("there is no {what}, or the agent's account may not see it") }
}

/// One change of one account, made in one step: wholly or not at all.
#[derive(Clone, Copy)]
pub enum Effect<'a> {
    /// Set the password and unlock; history and minimum age are enforced where the directory can.
    Reset(&'a str),
    /// The same, and it must be changed at the next sign-in.
    Temporary(&'a str),
    /// The directory checks the old one; a wrong one counts towards the account's lockout.
    Change {
        old: &'a str,
        new: &'a str,
    },
    Unlock,
    RequireChange,
    WaiveChange,
}

/// How a change failed.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// Never left this machine.
    #[error("not sent: {0}")]
    NotSent(Trouble),
    /// Refused; nothing changed. `code`: what it means, as far as the directory tells: `PolicyOther` when it does not name the rule,
    /// `NoRight` when not which, `None` when it is not in the directory's table. `text` is for the log and holds no values.
    #[error("refused as {code:?}: {text}")]
    Refused { code: Option<Code>, text: String },
    /// Sent, and no answer came: it may have happened. `hung`: the connection still stood, so it may even happen later.
    #[error("no answer: {why}")]
    Lost { why: String, hung: bool },
}

/// What a bind with the user's password tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// It is the password.
    Right,
    /// It is, and must be changed.
    MustChange,
    /// It is, and has run out.
    PasswordExpired,
    /// It is not, or there is no such account.
    Wrong,
    /// Whatever the password.
    Locked,
    Disabled,
    /// The account itself.
    AccountExpired,
    /// The answer says nothing about the password.
    Unclear,
}

impl Bind {
    /// Whether it is the password.
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right | Self::MustChange | Self::PasswordExpired)
    }
}

/// One account, as far as the decision needs it, whatever the family of its directory.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Who told all this. What must be about the same state is asked there, and changes are made there: servers lag behind one another.
    pub server: Server,
    pub guid: Uuid,
    pub dn: String,
    /// sAMAccountName or uid.
    pub sam: String,
    pub principal: String,
    pub display_name: String,
    /// When the password was set, as FILETIME (100 ns since 1601), by the directory's clock; it moves with every change of the password.
    /// 0: not told (AD, when it must be changed at the next sign-in).
    pub pwd_last_set: i64,
    /// At the next sign-in.
    pub must_change: bool,
    /// Locked now, by wrong passwords.
    pub locked: bool,
    /// Locked by an administrator, for ever (OpenLDAP).
    pub locked_for_good: bool,
    pub disabled: bool,
    /// The account itself, not its password.
    pub expired: bool,
    /// Never touched, whatever the cloud says and whatever our rights are: administrators, what the system itself needs, and whatever
    /// is not a plain person's account.
    pub protected: bool,
    /// Which fine-grained policy holds, if one does: its DN.
    pub own_policy: Option<String>,
    /// primaryGroupID (AD); 0: none.
    pub primary_group: u32,
}

/// What only an inspection asks for. Rights are those of our own account; `None`: cannot be told beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the password runs out, seconds since 1970.
    pub expires_at: Option<i64>,
    pub may_reset: Option<bool>,
    pub may_unlock: Option<bool>,
    pub may_require_change: Option<bool>,
}

/// Used generically, never as an object; every method is its own round trip or two and has a time limit.
pub trait Directory: Send + Sync + 'static {
    /// The account, `None` when there is none.
    fn inspect(&self, user: Uuid) -> impl Future<Output = Result<Option<Account>, Trouble>> + Send;

    /// The same at every server that answers. Fails where one that answered lately does not: it may know more than the others.
    fn inspect_everywhere(&self, user: Uuid) -> impl Future<Output = Result<Vec<Account>, Trouble>> + Send {
        async move { Ok(self.inspect(user).await?.into_iter().collect()) }
    }

    /// The account as that very server has it.
    fn inspect_on(&self, user: Uuid, server: &str) -> impl Future<Output = Result<Option<Account>, Trouble>> + Send {
        async move { Ok(self.inspect(user).await?.filter(|account| account.server.name == server)) }
    }

    /// This person was written at that server: for a while questions about them go there, as long as it answers.
    fn stay(&self, _user: Uuid, _server: &str) {}

    /// Until the server of that name, which was sent a change and has not answered, is gone.
    fn until_gone(&self, _server: &str) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Is this our own service account?
    fn is_own(&self, account: &Account) -> bool;

    /// Whether the account is among those served by group.
    fn serves(&self, account: &Account) -> impl Future<Output = Result<bool, Trouble>> + Send;

    /// Make the change, in one step, at the account's server.
    fn apply(&self, account: &Account, effect: Effect<'_>) -> impl Future<Output = Result<(), ApplyError>> + Send;

    /// The clock of the account's server, in seconds since 1970; `None` when it does not tell.
    fn clock(&self, account: &Account) -> impl Future<Output = Result<Option<i64>, Trouble>> + Send;

    /// Bind as the account, on a connection of its own. A wrong password counts towards its lockout; an empty one is never sent,
    /// because a bind without a password succeeds as nobody (RFC 4513 5.1.2).
    fn bind(&self, account: &Account, password: &str) -> impl Future<Output = Result<Bind, Trouble>> + Send;

    /// The policy that holds for this account.
    fn policy(&self, account: &Account) -> impl Future<Output = Result<Policy, Trouble>> + Send;

    fn standing(&self, account: &Account) -> impl Future<Output = Result<Standing, Trouble>> + Send;

    /// Connects, binds, and finds the part of the directory that is served, and its groups.
    fn check(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Whether every group of the settings is there.
    fn check_groups(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Connects if need be: called often, so that the next job finds a warm connection.
    fn health(&self) -> impl Future<Output = DirectoryHealth> + Send;

    /// As last seen: whether history and age are enforced on resets; and the server in use.
    fn seen(&self) -> impl Future<Output = Option<Server>> + Send;
}

/// The rules of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// `None` when there are none or they may not be read.
    pub rules: Option<PasswordPolicy>,
    /// Which policy it is, also when it may not be read.
    pub from: Option<PolicyFrom>,
    /// The server enforces history and minimum age on resets (AD: policy hints).
    pub hints: bool,
    /// The server names the rule by which it refuses (OpenLDAP): what it does not name is none of these.
    pub told: bool,
    /// The server refuses passwords that contain the account's names (Windows does, Samba does not).
    pub names: bool,
}

/// A server as its rootDSE tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// dnsHostName, or what else names it.
    pub name: String,
    /// OID of the control by which history and minimum age are enforced on resets.
    pub policy_hints: Option<String>,
    pub is_samba: bool,
    /// supportedControl.
    pub controls: Vec<String>,
}
