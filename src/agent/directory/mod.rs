//! What the agent wants of a directory, and what it knows of an account in one.
//!
//! One directory family a file; [`ad`] is Active Directory and Samba. The trait is small on purpose: the decisions are the
//! executor's, a directory only reads, changes one password and tells its people.

pub mod ad;
mod ad_people;
mod attributes;
pub mod dn;
mod groups;
mod link;
pub mod people;

use std::future::Future;

use thiserror::Error;
use uuid::Uuid;

use crate::wire::message::{DirectoryHealth, PasswordPolicy};
pub use link::{answered, win32};

/// Why the directory could not be asked. Nothing was changed.
#[derive(Debug, Error)]
pub enum Trouble {
    /// No connection, no answer in time, or our own account is refused.
    #[error("{0}")]
    Unreachable(String),
    /// It answered, with an LDAP result code and the Win32 code that opens its message (0: none).
    #[error("the directory answered {code} / {win32:08X}: {text}")]
    Answered { code: u32, win32: u32, text: String },
}

/// How a reset failed.
#[derive(Debug, Error)]
pub enum ResetError {
    /// Never left this machine.
    #[error("not sent: {0}")]
    NotSent(Trouble),
    /// Refused; nothing changed.
    #[error("refused with {code} / {win32:08X}: {text}")]
    Refused { code: u32, win32: u32, text: String },
    /// Sent, and no answer came: it may have happened. `hung`: the connection still stood, so it may even happen later.
    #[error("no answer: {why}")]
    Lost { why: String, hung: bool },
}

/// What a bind with the user's password tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// It is the password.
    Right,
    Wrong,
    /// The answer does not depend on the password (account locked, for one).
    Unclear,
}

/// One account, as far as the decision needs it. Times are Windows FILETIME (100 ns since 1601).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub guid: Uuid,
    pub dn: String,
    pub sam: String,
    pub principal: String,
    pub display_name: String,
    /// Lower-case.
    pub classes: Vec<String>,
    /// userAccountControl.
    pub control: u32,
    /// sAMAccountType; 0 when absent.
    pub kind: u32,
    pub admin_count: u32,
    /// isCriticalSystemObject.
    pub critical: bool,
    pub pwd_last_set: i64,
    /// Locked now (msDS-User-Account-Control-Computed; lockoutTime outlives a lockout that ran out).
    pub locked: bool,
    /// msDS-ResultantPSO: which fine-grained policy holds, if one does.
    pub pso: Option<String>,
    /// primaryGroupID.
    pub primary_group: u32,
}

/// sAMAccountType of an ordinary user (MS-SAMR 2.2.1.9).
const NORMAL_USER: u32 = 0x3000_0000;
/// userAccountControl: interdomain, workstation and server trust accounts.
const TRUSTS: u32 = 0x0800 | 0x1000 | 0x2000;
const DISABLED: u32 = 0x0002;

impl Account {
    pub fn is_disabled(&self) -> bool {
        self.control & DISABLED != 0
    }

    /// Never touched, whatever the cloud says and whatever our rights are: administrators, what the system itself needs, and
    /// whatever is not a plain person's account.
    pub fn is_protected(&self) -> bool {
        const NOT_PEOPLE: [&str; 4] = ["computer", "msds-managedserviceaccount", "msds-groupmanagedserviceaccount", "trusteddomain"];
        let sam = self.sam.to_ascii_lowercase();
        self.admin_count != 0
            || self.critical
            || self.control & TRUSTS != 0
            || (self.kind != 0 && self.kind != NORMAL_USER)
            || sam == "krbtgt"
            || sam.starts_with("krbtgt_")
            || !self.classes.iter().any(|class| class == "user")
            || self.classes.iter().any(|class| NOT_PEOPLE.contains(&class.as_str()))
    }
}

/// Used generically, never as an object; every method is its own round trip or two and has a time limit.
pub trait Directory: Send + Sync + 'static {
    /// The account, `None` when there is none.
    fn inspect(&self, user: Uuid) -> impl Future<Output = Result<Option<Account>, Trouble>> + Send;

    /// Is this our own service account?
    fn is_own(&self, account: &Account) -> bool;

    /// Whether the account is among those served by group.
    fn serves(&self, account: &Account) -> impl Future<Output = Result<bool, Trouble>> + Send;

    /// Set the password and unlock, in one modify, with history and minimum age enforced where the directory can.
    fn reset(&self, user: Uuid, password: &str) -> impl Future<Output = Result<(), ResetError>> + Send;

    /// pwdLastSet now; `None` when the account is gone.
    fn changed_at(&self, user: Uuid) -> impl Future<Output = Result<Option<i64>, Trouble>> + Send;

    /// Its own clock, in seconds since 1970.
    fn clock(&self) -> impl Future<Output = Result<i64, Trouble>> + Send;

    /// Bind as the account. A wrong password counts towards its lockout.
    fn bind(&self, account: &Account, password: &str) -> impl Future<Output = Result<Bind, Trouble>> + Send;

    /// The policy that holds for this account; `None` when it may not be read.
    fn policy(&self, account: &Account) -> impl Future<Output = Result<Option<Policy>, Trouble>> + Send;

    /// Connects if need be: called often, so that the next job finds a warm connection.
    fn health(&self) -> impl Future<Output = DirectoryHealth> + Send;

    /// As last seen: whether history and age are enforced on resets; and the server in use.
    fn seen(&self) -> impl Future<Output = Option<Server>> + Send;
}

/// The rules of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub rules: PasswordPolicy,
    /// The server enforces history and minimum age on resets (policy hints).
    pub hints: bool,
    /// The server refuses passwords that contain the account's names (Windows does, Samba does not).
    pub names: bool,
}

/// A domain controller as its rootDSE tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// dnsHostName.
    pub name: String,
    /// OID of the policy-hints control.
    pub policy_hints: Option<String>,
    pub is_samba: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_people_are_served() {
        let person = Account {
            sam: "alice".into(),
            classes: ["top", "person", "organizationalperson", "user"].map(str::to_owned).to_vec(),
            control: 0x200,
            kind: NORMAL_USER,
            ..Account::default()
        };
        assert!(!person.is_protected());
        let changes: [fn(&mut Account); 8] = [
            |a| a.admin_count = 1,
            |a| a.critical = true,
            |a| a.sam = "KRBTGT".into(),
            |a| a.sam = "krbtgt_4711".into(),
            |a| a.classes.push("computer".into()),
            |a| a.classes.retain(|class| class != "user"),
            |a| a.control = 0x1000,
            |a| a.kind = 0x3000_0001,
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let mut account = person.clone();
            change(&mut account);
            assert!(account.is_protected(), "change {at}");
        }
    }
}
