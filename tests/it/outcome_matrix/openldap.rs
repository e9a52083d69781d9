//! OpenLDAP with password policies; once with RFC 3062 and once with what a modify stores being hashed.

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use sspr::{
    lab::slapd::{Granted, Slapd, SlapdOptions},
    wire::{
        message::{AccountState, PolicyFrom},
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};
use uuid::Uuid;

use super::{Ground, Seen, either, hold};
use crate::openldap::{Desk, attribute, slapd, uuid_of};

/// `~`: what comes instead where all is one modify, under a condition that wants the locks compared.
const TABLE: &str = "
condition          | reset             | temporary         | change             | unlock            | require_change    | waive_change      | verify            | inspect
good               | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | verified          | inspected
too short          | policy_length     | policy_length     | policy_length      | -                 | -                 | -                 | -                 | -
not complex        | policy_complexity | policy_complexity | policy_complexity  | -                 | -                 | -                 | -                 | -
module unknown     | policy_other      | policy_other      | policy_other       | -                 | -                 | -                 | -                 | -
current password   | policy_history    | policy_history    | policy_history     | -                 | -                 | -                 | -                 | -
in history         | policy_history    | policy_history    | policy_history     | -                 | -                 | -                 | -                 | -
too young          | policy_age        | policy_age        | policy_age         | not_locked        | change_required   | change_waived     | verified          | inspected
wrong old          | -                 | -                 | wrong_password     | -                 | -                 | -                 | wrong_password    | -
locked             | applied           | applied           | account_locked     | unlocked          | change_required   | change_waived     | account_locked    | inspected
lock ran out       | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | verified          | inspected
locked for ever    | locked_for_good   | locked_for_good   | locked_for_good    | locked_for_good   | locked_for_good   | locked_for_good   | account_locked    | inspected
account ended      | account_expired   | account_expired   | account_expired    | account_expired   | account_expired   | account_expired   | account_expired   | inspected
password expired   | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | password_expired  | inspected
must change        | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | must_change       | inspected
must change is off | applied           | not_supported     | applied            | not_locked        | not_supported     | change_waived     | verified          | inspected
own change is off  | applied           | applied           | change_not_allowed | not_locked        | change_required   | change_waived     | verified          | inspected
old is needed      | not_supported     | not_supported     | applied            | not_locked        | change_required   | change_waived     | verified          | inspected
own policy         | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | verified          | inspected
gone               | gone              | gone              | gone               | gone              | gone              | gone              | gone              | gone
moved out of scope | out_of_scope      | out_of_scope      | out_of_scope       | out_of_scope      | out_of_scope      | out_of_scope      | out_of_scope      | out_of_scope
protected          | account_protected | account_protected | account_protected  | account_protected | account_protected | account_protected | account_protected | inspected
no right           | no_right          | no_right          | no_right           | no_unlock_right   | no_flag_right     | no_flag_right     | verified          | inspected
passwords only     | applied~no_right  | must_change_not_set~no_right | applied | no_unlock_right   | no_flag_right     | no_flag_right     | verified          | inspected
states only        | no_right          | no_right          | no_right           | not_locked        | change_required   | change_waived     | verified          | inspected
control wanted     | applied           | applied           | applied            | not_locked        | change_required   | change_waived     | verified          | inspected
unreachable        | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable
";

const PEOPLE: usize = 210;
const FOR_EVER: &str = "000001010000Z";

pub async fn run(hashes_modified: bool) {
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for number in 1..=PEOPLE {
        writeln!(csv, "mat{number:03},Ma,Trix {number:03},,,First-Password-{number:03},,").unwrap();
    }
    let slapd = slapd(SlapdOptions { users_csv: Some(csv), ..SlapdOptions::default() }).await;
    slapd.copy(&slapd.policy_dn, &own(&slapd)).await.unwrap();
    let desk = |change: fn(&mut sspr::base::config::Agent)| {
        Desk::with(&slapd, |settings| {
            settings.directory.openldap.hashes_modified = hashes_modified;
            settings.directory.openldap.protected_filter = "(description=apart)".into();
            change(settings);
        })
    };
    let ground = OpenLdap {
        plain: desk(|_| ()),
        blunt: desk(|settings| settings.directory.openldap.three_classes = false),
        strict: desk(|settings| settings.directory.require_policy_hints = true),
        nowhere: desk(|settings| settings.directory.url = "ldaps://127.0.0.1:1".into()),
        manner: if hashes_modified { "one modify" } else { "RFC 3062" },
        next: AtomicUsize::new(1),
        slapd: &slapd,
    };
    hold(&ground, &either(TABLE, !hashes_modified)).await;
}

fn own(slapd: &Slapd) -> String {
    slapd.policy_dn.replace("cn=default", "cn=own")
}

struct OpenLdap<'a> {
    slapd: &'a Slapd,
    plain: Desk,
    /// Does not know what the quality module wants.
    blunt: Desk,
    strict: Desk,
    nowhere: Desk,
    manner: &'static str,
    next: AtomicUsize,
}

struct Somebody {
    dn: String,
    uuid: Uuid,
    password: String,
}

impl OpenLdap<'_> {
    async fn somebody(&self) -> Somebody {
        let name = format!("mat{:03}", self.next.fetch_add(1, Ordering::SeqCst));
        let dn = self.slapd.dn(&name);
        let password = self.slapd.user(&name).expect("there are enough people").password.clone();
        Somebody { uuid: uuid_of(self.slapd, &dn).await, dn, password }
    }

    /// Put them into the condition. What the job's new password is.
    async fn put(&self, condition: &str, who: &mut Somebody) -> String {
        let (slapd, new) = (self.slapd, "Quite-New-1".to_owned());
        match condition {
            "too short" => return "Sh0rt!".into(),
            "not complex" | "module unknown" => return "onlylowercase".into(),
            "current password" => return who.password.clone(),
            "in history" => {
                slapd.set_password(&who.dn, "Second-Password-1").await.unwrap();
                return std::mem::replace(&mut who.password, "Second-Password-1".into());
            }
            "wrong old" => "Not-Their-Password-1".clone_into(&mut who.password),
            "locked" => slapd.lock(&who.dn).await.unwrap(),
            "lock ran out" => slapd.set(&who.dn, "pwdAccountLockedTime", Some("20260101000000Z")).await.unwrap(),
            "locked for ever" => slapd.set(&who.dn, "pwdAccountLockedTime", Some(FOR_EVER)).await.unwrap(),
            "account ended" => slapd.set(&who.dn, "pwdEndTime", Some("20250101000000Z")).await.unwrap(),
            "password expired" => slapd.forge(&who.dn, "pwdChangedTime", "20250101000000Z").await.unwrap(),
            "must change" => slapd.set(&who.dn, "pwdReset", Some("TRUE")).await.unwrap(),
            "own policy" => slapd.set(&who.dn, "pwdPolicySubentry", Some(&own(slapd))).await.unwrap(),
            "gone" => slapd.delete(&who.dn).await.unwrap(),
            "moved out of scope" => {
                let name = who.dn.split_once(',').expect("a name").0.to_owned();
                slapd.rename(&who.dn, &name, &slapd.groups_dn).await.unwrap();
                who.dn = format!("{name},{}", slapd.groups_dn);
            }
            "protected" => slapd.set(&who.dn, "description", Some("apart")).await.unwrap(),
            _ => {}
        }
        new
    }

    fn desk(&self, condition: &str) -> &Desk {
        match condition {
            "module unknown" => &self.blunt,
            "control wanted" => &self.strict,
            "unreachable" => &self.nowhere,
            _ => &self.plain,
        }
    }

    /// What the directory itself keeps of them.
    async fn kept(&self, dn: &str, name: &str) -> Option<String> {
        attribute(self.slapd, dn, name).await
    }
}

impl Ground for OpenLdap<'_> {
    fn name(&self) -> String {
        format!("OpenLDAP 2.5, {}", self.manner)
    }

    async fn prepare(&self, condition: &str, on: bool) {
        let rule = match condition {
            // For the own policy: that this is not theirs.
            "too young" | "own policy" => ("pwdMinAge", if on { "86400" } else { "0" }),
            "password expired" => ("pwdMaxAge", if on { "31536000" } else { "0" }),
            "must change is off" => ("pwdMustChange", if on { "FALSE" } else { "TRUE" }),
            "own change is off" => ("pwdAllowUserChange", if on { "FALSE" } else { "TRUE" }),
            "old is needed" => ("pwdSafeModify", if on { "TRUE" } else { "FALSE" }),
            "no right" | "passwords only" | "states only" => {
                let [passwords, states, _] = granted(condition);
                let granted =
                    if on { [if passwords { "=xw" } else { "none" }, if states { "write" } else { "none" }] } else { ["=xw", "write"] };
                return self.slapd.grant(Granted { passwords: granted[0], states: granted[1] }).await.unwrap();
            }
            _ => return,
        };
        self.slapd.set(&self.slapd.policy_dn, rule.0, Some(rule.1)).await.unwrap();
    }

    async fn cell(&self, condition: &str, kind: Kind) -> Seen {
        let mut who = self.somebody().await;
        let new = self.put(condition, &mut who).await;
        let hash = self.kept(&who.dn, "userPassword").await;
        let result = self.desk(condition).does(who.uuid, kind, &new, &who.password).await;
        let done = result.code.outcome() == Outcome::Applied;
        let mut lie = None;
        if condition != "gone" {
            let set = self.kept(&who.dn, "userPassword").await != hash;
            if set != (done && kind.has_new()) || (set && !self.slapd.accepts(&who.dn, &new).await.unwrap()) {
                lie = Some(format!("the password was set: {set}"));
            }
            let must = self.kept(&who.dn, "pwdReset").await.as_deref() == Some("TRUE");
            let lock = self.kept(&who.dn, "pwdAccountLockedTime").await;
            let denied = match result.code {
                Code::Applied => must != (kind == Kind::Temporary) || lock.is_some(),
                Code::Unlocked | Code::NotLocked => lock.is_some(),
                Code::ChangeRequired => !must,
                Code::ChangeWaived => must,
                _ => condition == "locked for ever" && lock.as_deref() != Some(FOR_EVER),
            };
            if denied {
                lie = Some(format!("pwdReset {must}, pwdAccountLockedTime {lock:?}"));
            }
            if result.unlocked != (condition == "locked" && done && matches!(kind, Kind::Reset | Kind::Temporary | Kind::Unlock)) {
                lie = Some(format!("unlocked: {}", result.unlocked));
            }
        }
        if (result.code == Code::PolicyAge) != result.allowed_at.is_some() {
            lie = Some(format!("allowed at {:?}", result.allowed_at));
        }
        match &result.account {
            Some(state) => lie = lie.or_else(|| misread(condition, state)),
            None if result.code == Code::Inspected => lie = Some("no state".into()),
            None => {}
        }
        Seen { result, lie }
    }
}

/// What our account may write: passwords, locks, the flag that a change is due.
fn granted(condition: &str) -> [bool; 3] {
    match condition {
        "no right" => [false; 3],
        "passwords only" => [true, false, false],
        "states only" => [false, true, true],
        _ => [true; 3],
    }
}

/// What of an inspection is not as the condition has it.
fn misread(condition: &str, state: &AccountState) -> Option<String> {
    let is = |name: &str| condition == name;
    let from = if is("own policy") { PolicyFrom::Own } else { PolicyFrom::Default };
    let holds = state.locked == is("locked")
        && state.locked_for_good == is("locked for ever")
        && !state.disabled
        && state.account_expired == is("account ended")
        && state.must_change == is("must change")
        && state.protected == is("protected")
        && state.allowed_at.is_some() == is("too young")
        && state.expires_at.is_some() == is("password expired")
        && state.policy_from == Some(from)
        && state.policy.as_ref().is_some_and(|policy| policy.min_length == 8 && policy.complexity && policy.history == 5)
        && state.hints
        && !state.names
        && [state.may_reset, state.may_unlock, state.may_require_change] == granted(condition).map(Some);
    (!holds).then(|| format!("{state:?}"))
}
