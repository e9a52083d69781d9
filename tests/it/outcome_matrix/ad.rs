//! Samba AD: 4.24, which answers as Windows does, and 4.17, which cannot enforce history and minimum age on resets.

use std::{
    collections::HashSet,
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use sspr::{
    lab::samba::{Release, Samba, SambaOptions},
    wire::{
        message::{AccountState, PolicyFrom},
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};
use uuid::Uuid;

use super::{Ground, Seen, hold};
use crate::agent::{Bench, add_outsider, guid, times_set};

/// `~`: what comes instead where the domain controller has no policy-hints control.
const TABLE: &str = "
condition           | reset                   | temporary               | change         | unlock          | require_change    | waive_change      | verify           | inspect
good                | applied                 | applied                 | applied        | not_locked      | change_required   | change_waived     | verified         | inspected
too short           | policy_length           | policy_length           | policy_length  | -               | -                 | -                 | -                | -
not complex         | policy_complexity       | policy_complexity       | policy_complexity | -            | -                 | -                 | -                | -
holds the name      | applied                 | applied                 | applied        | -               | -                 | -                 | -                | -
current password    | policy_history~applied  | applied                 | policy_history | -               | -                 | -                 | -                | -
in history          | policy_history~applied  | applied                 | policy_history | -               | -                 | -                 | -                | -
too young           | policy_age~applied      | applied                 | policy_age     | not_locked      | change_required   | change_waived     | verified         | inspected
wrong old           | -                       | -                       | wrong_password | -               | -                 | -                 | wrong_password   | -
locked              | applied                 | applied                 | account_locked | unlocked        | change_required   | change_waived     | account_locked   | inspected
disabled            | account_disabled        | account_disabled        | account_disabled | account_disabled | account_disabled | account_disabled | account_disabled | inspected
account expired     | account_expired         | account_expired         | account_expired | account_expired | account_expired  | account_expired   | account_expired  | inspected
must change         | applied                 | applied                 | applied        | not_locked      | change_required   | change_waived     | must_change      | inspected
never expires       | applied                 | must_change_not_set     | applied        | not_locked      | not_supported     | change_waived     | verified         | inspected
gone                | gone                    | gone                    | gone           | gone            | gone              | gone              | gone             | gone
moved out of scope  | out_of_scope            | out_of_scope            | out_of_scope   | out_of_scope    | out_of_scope      | out_of_scope      | out_of_scope     | out_of_scope
protected           | account_protected       | account_protected       | account_protected | account_protected | account_protected | account_protected | account_protected | inspected
no right            | no_right                | no_right                | applied        | no_unlock_right | no_flag_right     | no_flag_right     | verified         | inspected
PSO, unreadable     | policy_other            | policy_other            | policy_other   | not_locked      | change_required   | change_waived     | verified         | inspected
control wanted      | applied~control_missing | applied                 | applied        | not_locked      | change_required   | change_waived     | verified         | inspected
unreachable         | directory_unreachable   | directory_unreachable   | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable
";

const PEOPLE: usize = 140;

pub async fn run(hints: bool) {
    let release = if hints { Release::Backports } else { Release::System };
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for number in 1..=PEOPLE {
        writeln!(csv, "mat{number:03},Ma,Trix {number:03},,,First-Password-{number:03},,").unwrap();
    }
    let options = SambaOptions { release, users_csv: Some(csv), ..SambaOptions::default() };
    let samba = tokio::task::spawn_blocking(move || Samba::start(&options).unwrap()).await.unwrap();
    assert_eq!(samba.policy_hints, hints);
    let bench = |change: fn(&mut sspr::base::config::Agent)| Bench::with(&samba, change);
    let table: String = TABLE.split('|').map(|cell| either(cell, hints)).collect::<Vec<_>>().join("|");
    let ground = Ad {
        plain: bench(|_| ()),
        whole: bench(|settings| settings.directory.users_dn = settings.directory.base_dn.clone()),
        strict: bench(|settings| settings.directory.require_policy_hints = true),
        nowhere: bench(|settings| settings.directory.url = "ldaps://127.0.0.1:1".into()),
        next: AtomicUsize::new(1),
        samba: &samba,
    };
    hold(&ground, &table).await;
}

/// Of `with~without` the half that holds here.
fn either(cell: &str, hints: bool) -> &str {
    match cell.split_once('~') {
        Some((with, _)) if hints => with,
        Some((_, without)) => without,
        None => cell,
    }
}

struct Ad<'a> {
    samba: &'a Samba,
    plain: Bench,
    /// Serves the whole domain, so also where its account has no right.
    whole: Bench,
    strict: Bench,
    nowhere: Bench,
    next: AtomicUsize,
}

struct Somebody {
    name: String,
    dn: String,
    guid: Uuid,
    password: String,
}

impl Ad<'_> {
    async fn somebody(&self, condition: &str) -> Somebody {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        if condition == "no right" {
            let name = format!("out{number:03}");
            let dn = add_outsider(self.samba, &name).await;
            return Somebody { guid: guid(self.samba, &name).await, name, dn, password: "First-Passw0rd".into() };
        }
        let name = format!("mat{number:03}");
        let password = self.samba.user(&name).expect("there are enough people").password.clone();
        Somebody { guid: guid(self.samba, &name).await, dn: self.samba.dn(&name).await.unwrap(), name, password }
    }

    /// Put them into the condition. What the job's new password is.
    async fn put(&self, condition: &str, who: &mut Somebody) -> String {
        let (samba, new) = (self.samba, "Quite-New-1".to_owned());
        match condition {
            "too short" => return "Sh0rt!".into(),
            "not complex" => return "onlylowercase".into(),
            "holds the name" => return format!("x-{}-Y1", who.name),
            "current password" => return who.password.clone(),
            "in history" => {
                samba.set_password(&who.dn, "Second-Password-1").await.unwrap();
                return std::mem::replace(&mut who.password, "Second-Password-1".into());
            }
            // Seeded accounts may have been made with any age: this one is of now.
            "too young" => {
                "Fresh-Start-1".clone_into(&mut who.password);
                samba.set_password(&who.dn, &who.password).await.unwrap();
            }
            "wrong old" => "Not-Their-Password-1".clone_into(&mut who.password),
            "locked" => {
                for _ in 0..6 {
                    samba.bind_as(&who.dn, "not-the-password").await.unwrap();
                }
            }
            "disabled" => samba.set(&who.dn, "userAccountControl", "514").await.unwrap(),
            // 2020-01-01.
            "account expired" => samba.set(&who.dn, "accountExpires", "132223104000000000").await.unwrap(),
            "must change" => samba.set(&who.dn, "pwdLastSet", "0").await.unwrap(),
            "never expires" => samba.set(&who.dn, "userAccountControl", "66048").await.unwrap(),
            "gone" => drop(samba.admin().await.unwrap().delete(&who.dn).await.unwrap().success().unwrap()),
            "moved out of scope" => {
                let to = format!("CN=Users,{}", samba.base_dn);
                let rdn = who.dn.split_once(",OU=").expect("in a unit").0.to_owned();
                samba.admin().await.unwrap().modifydn(&who.dn, &rdn, true, Some(&to)).await.unwrap().success().unwrap();
            }
            "protected" => samba.set(&who.dn, "adminCount", "1").await.unwrap(),
            "PSO, unreadable" => long_passwords(samba, who).await,
            _ => {}
        }
        new
    }

    fn bench(&self, condition: &str) -> &Bench {
        match condition {
            "no right" => &self.whole,
            "control wanted" => &self.strict,
            "unreachable" => &self.nowhere,
            _ => &self.plain,
        }
    }
}

impl Ground for Ad<'_> {
    fn name(&self) -> String {
        format!("Samba {}", self.samba.version)
    }

    async fn prepare(&self, condition: &str, on: bool) {
        if condition == "too young" {
            let age = if on { "-864000000000" } else { "0" };
            self.samba.set(&self.samba.base_dn, "minPwdAge", age).await.unwrap();
        }
    }

    async fn cell(&self, condition: &str, kind: Kind) -> Seen {
        let mut who = self.somebody(condition).await;
        let new = self.put(condition, &mut who).await;
        let is_there = condition != "gone";
        let before = if is_there { times_set(self.samba, &who.name).await } else { 0 };
        let bench = self.bench(condition);
        let result = bench.run(&bench.order(kind, who.guid, &who.password, &new)).await;
        let mut lie = None;
        if is_there {
            let (state, set) = (
                self.samba.entry(&who.name, &["pwdLastSet", "lockoutTime", "userAccountControl"]).await.unwrap(),
                times_set(self.samba, &who.name).await,
            );
            let number = |name: &str| state.attrs.get(name).map_or("", |values| values[0].as_str()).to_owned();
            let done = result.code.outcome() == Outcome::Applied;
            let changed = set != before;
            if changed != (done && kind.has_new()) {
                lie = Some(format!("the password was set {} times", set - before));
            }
            let must = number("pwdLastSet") == "0";
            let locked = !["", "0"].contains(&number("lockoutTime").as_str());
            let denied = match result.code {
                Code::Applied => must != (kind == Kind::Temporary),
                Code::Unlocked | Code::NotLocked => locked,
                Code::ChangeRequired => !must,
                Code::ChangeWaived => must,
                _ => false,
            };
            if denied || (result.unlocked && locked) {
                lie = Some(format!("{state:?}"));
            }
            if result.unlocked != (condition == "locked" && result.code.outcome() == Outcome::Applied && unlocks(kind)) {
                lie = Some(format!("unlocked: {}", result.unlocked));
            }
        }
        if (result.code == Code::PolicyAge) != result.allowed_at.is_some_and(|at| at > bench.clock.seconds()) {
            lie = Some(format!("allowed at {:?}", result.allowed_at));
        }
        match &result.account {
            Some(state) => lie = lie.or_else(|| misread(condition, state, self.samba.policy_hints)),
            None if result.code == Code::Inspected => lie = Some("no state".into()),
            None => {}
        }
        Seen { result, lie }
    }
}

fn unlocks(kind: Kind) -> bool {
    matches!(kind, Kind::Reset | Kind::Temporary | Kind::Unlock)
}

/// What of an inspection is not as the condition has it.
fn misread(condition: &str, state: &AccountState, hints: bool) -> Option<String> {
    let is = |name: &str| condition == name;
    let delegated = !is("no right");
    let holds = state.locked == is("locked")
        && !state.locked_for_good
        && state.disabled == is("disabled")
        && state.account_expired == is("account expired")
        && state.must_change == is("must change")
        && state.protected == is("protected")
        && state.allowed_at.is_some() == is("too young")
        && state.expires_at.is_none() == (is("must change") || is("never expires"))
        && (state.policy.is_none(), state.policy_from)
            == if is("PSO, unreadable") { (true, Some(PolicyFrom::Own)) } else { (false, Some(PolicyFrom::Domain)) }
        && state.policy.as_ref().is_none_or(|policy| policy.min_length == 8 && policy.complexity && policy.history == 5)
        && state.hints == hints
        && !state.names
        && state.may_reset.is_none()
        && (state.may_unlock, state.may_require_change) == (Some(delegated), Some(delegated));
    (!holds).then(|| format!("{state:?}"))
}

/// A fine-grained policy of their own, which the service account may not read.
async fn long_passwords(samba: &Samba, who: &Somebody) {
    let dn = format!("CN=long-{},CN=Password Settings Container,CN=System,{}", who.name, samba.base_dn);
    let one = |value: &str| HashSet::from([value.to_owned()]);
    let values = [
        ("objectClass", "msDS-PasswordSettings"),
        ("msDS-PasswordSettingsPrecedence", "1"),
        ("msDS-PasswordReversibleEncryptionEnabled", "FALSE"),
        ("msDS-PasswordHistoryLength", "0"),
        ("msDS-PasswordComplexityEnabled", "FALSE"),
        ("msDS-MinimumPasswordLength", "16"),
        ("msDS-MinimumPasswordAge", "0"),
        ("msDS-MaximumPasswordAge", "-36288000000000"),
        ("msDS-LockoutThreshold", "0"),
        ("msDS-LockoutObservationWindow", "-18000000000"),
        ("msDS-LockoutDuration", "-18000000000"),
        ("msDS-PSOAppliesTo", &who.dn),
    ];
    let attributes = values.into_iter().map(|(name, value)| (name.to_owned(), one(value))).collect();
    samba.admin().await.unwrap().add(&dn, attributes).await.unwrap().success().unwrap();
}
