//! Samba AD: 4.24, which answers as Windows does, and 4.17, which cannot enforce history and minimum age on resets.

use std::{
    collections::HashSet,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sspr::{
    agent::{directory::ad::Ad as Directory, time::Time},
    base::config,
    lab::samba::{Release, Samba, SambaOptions},
    wire::{
        message::{AccountState, JobResult, LeasedJob, PolicyFrom},
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};
use uuid::Uuid;

use super::{
    Ground, Seen,
    after::{After, Then},
    either, hold,
};
use crate::{
    agent::{Bench, add_outsider, directory_of, guid, times_set},
    support::Wire,
};

/// `~`: what comes instead where the domain controller has no policy-hints control. (Samba 4.17 lets nobody's password run out within a
/// second, whatever the policy says, so that it lets in whom 4.24 does not.)
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
moved within scope  | applied                 | applied                 | applied        | not_locked      | change_required   | change_waived     | verified         | inspected
may not change it   | applied                 | applied                 | change_not_allowed | -           | -                 | -                 | verified         | inspected
powerful by a group | account_protected       | account_protected       | account_protected | account_protected | account_protected | account_protected | account_protected | inspected
protected           | account_protected       | account_protected       | account_protected | account_protected | account_protected | account_protected | account_protected | inspected
no right            | no_right                | no_right                | applied        | no_unlock_right | no_flag_right     | no_flag_right     | verified         | inspected
no unlock right     | no_unlock_right         | no_unlock_right         | applied        | no_unlock_right | change_required   | change_waived     | verified         | inspected
no flag right       | applied                 | no_flag_right           | applied        | not_locked      | no_flag_right     | no_flag_right     | verified         | inspected
reset right only    | no_right                | no_right                | applied        | no_unlock_right | no_flag_right     | no_flag_right     | verified         | inspected
locked again        | locked_again            | locked_again            | locked_again   | locked_again    | change_required   | change_waived     | -                | -
not read back       | not_read_back           | not_read_back           | not_read_back  | not_read_back   | not_read_back     | not_read_back     | -                | -
password expired    | applied                 | applied                 | applied        | not_locked      | change_required   | change_waived     | password_expired~verified | inspected
PSO, unreadable     | policy_other            | policy_other            | policy_other   | not_locked      | change_required   | change_waived     | verified         | inspected
PSO, readable       | policy_length           | policy_length           | policy_length  | not_locked      | change_required   | change_waived     | verified         | inspected
control wanted      | applied~control_missing | applied                 | applied        | not_locked      | change_required   | change_waived     | verified         | inspected
unreachable         | directory_unreachable   | directory_unreachable   | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable | directory_unreachable
";

/// Longer than a password lives where it expires.
const EXPIRED: Duration = Duration::from_millis(2100);
const PEOPLE: usize = 230;

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
    let ground = Ad {
        plain: bench(|_| ()),
        whole: bench(|settings| settings.directory.users_dn = settings.directory.base_dn.clone()),
        strict: bench(|settings| settings.directory.require_policy_hints = true),
        nowhere: bench(|settings| settings.directory.url = "ldaps://127.0.0.1:1".into()),
        next: AtomicUsize::new(1),
        samba: &samba,
    };
    hold(&ground, &either(TABLE, hints)).await;
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
        if let Some(place) = beside(condition) {
            let name = format!("out{number:03}");
            let mut dn = add_outsider(self.samba, &name).await;
            if !place.is_empty() {
                let (rdn, to) = (format!("CN={name}"), format!("{place},{}", self.samba.base_dn));
                self.samba.admin().await.unwrap().modifydn(&dn, &rdn, true, Some(&to)).await.unwrap().success().unwrap();
                dn = format!("{rdn},{to}");
            }
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
            "password expired" => tokio::time::sleep(EXPIRED).await,
            "gone" => drop(samba.admin().await.unwrap().delete(&who.dn).await.unwrap().success().unwrap()),
            "moved out of scope" => {
                let to = format!("CN=Users,{}", samba.base_dn);
                let rdn = who.dn.split_once(",OU=").expect("in a unit").0.to_owned();
                samba.admin().await.unwrap().modifydn(&who.dn, &rdn, true, Some(&to)).await.unwrap().success().unwrap();
            }
            "powerful by a group" => {
                samba.add_member(&format!("CN=Backup Operators,CN=Builtin,{}", samba.base_dn), &who.dn).await.unwrap();
            }
            // As the tools of administrators set "user cannot change password": denied where the account's own list allows it.
            "may not change it" => {
                let denied = ["PS", "WD"].map(|whom| format!("(OD;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;{whom})"));
                grants(samba, &who.dn, &denied.concat());
            }
            "moved within scope" => {
                let rdn = who.dn.split_once(",OU=").expect("in a unit").0.to_owned();
                let to = format!("OU={condition},{}", samba.users_dn);
                samba.admin().await.unwrap().modifydn(&who.dn, &rdn, true, Some(&to)).await.unwrap().success().unwrap();
                who.dn = format!("{rdn},{to}");
            }
            "protected" => samba.set(&who.dn, "adminCount", "1").await.unwrap(),
            "PSO, unreadable" | "PSO, readable" => long_passwords(samba, who).await,
            _ => {}
        }
        new
    }

    fn bench(&self, condition: &str) -> &Bench {
        match condition {
            "no right" | "no unlock right" | "no flag right" | "reset right only" => &self.whole,
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
        let samba = self.samba;
        match (beside(condition), condition) {
            (Some(place), _) if on && !place.is_empty() => {
                let (unit, svc) = (format!("{place},{}", samba.base_dn), own_sid(samba).await);
                let class = HashSet::from(["organizationalUnit"]);
                samba.admin().await.unwrap().add(&unit, vec![("objectClass", class)]).await.unwrap().success().unwrap();
                let rights = [
                    ("CR", "00299570-246d-11d0-a768-00aa006e0529", true),
                    ("WP", "28630ebf-41d5-11d1-a9c1-0000f80367c1", condition == "no flag right"),
                    ("WP", "bf967a0a-0de6-11d0-a285-00aa003049e2", condition == "no unlock right"),
                ];
                let granted = rights.into_iter().filter(|(.., is)| *is);
                let list = granted.map(|(what, on, _)| format!("(OA;CIIO;{what};{on};bf967aba-0de6-11d0-a285-00aa003049e2;{svc})"));
                grants(samba, &unit, &list.collect::<String>());
            }
            (_, "moved within scope") if on => {
                let class = HashSet::from(["organizationalUnit"]);
                let inner = format!("OU={condition},{}", samba.users_dn);
                samba.admin().await.unwrap().add(&inner, vec![("objectClass", class)]).await.unwrap().success().unwrap();
            }
            (_, "PSO, readable") if on => {
                let container = format!("CN=Password Settings Container,CN=System,{}", samba.base_dn);
                grants(samba, &container, &format!("(A;CI;RPLCRC;;;{})", own_sid(samba).await));
            }
            // A second, and the 42 days that it was seeded with.
            (_, "password expired") => {
                let admin = format!("CN=Administrator,CN=Users,{}", samba.base_dn);
                // Not the administrator's: a password that never expires.
                samba.set(&admin, "userAccountControl", "66048").await.unwrap();
                let age = if on { "-10000000" } else { "-36288000000000" };
                samba.set(&samba.base_dn, "maxPwdAge", age).await.unwrap();
            }
            _ => {}
        }
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
        // An agent of its own, whose journal and audit nobody else writes.
        let own = ["locked again", "not read back"].contains(&condition).then(|| Bench::new(self.samba));
        let bench = own.as_ref().unwrap_or_else(|| self.bench(condition));
        if condition == "locked again" && kind == Kind::Unlock {
            self.put("locked", &mut who).await;
        }
        let order = bench.order(kind, who.guid, &who.password, &new);
        let result = match condition {
            "locked again" => runs(bench, After { real: bench.directory.clone(), then: Then::LocksAgain }, &order).await,
            "not read back" => {
                let wire = Wire::to(self.samba).await;
                let settings = config::Directory { url: wire.url(), ..directory_of(self.samba) };
                let real = Arc::new(Directory::new(&settings, Time::new(bench.clock.clone())).unwrap());
                runs(bench, After { real, then: Then::Leaves(wire) }, &order).await
            }
            _ => bench.run(&order).await,
        };
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

/// Where people of this condition are, who are outside of what is delegated: below the domain; empty for its own container.
fn beside(condition: &str) -> Option<&'static str> {
    Some(match condition {
        "no right" => "",
        "no unlock right" => "OU=No-Unlock",
        "no flag right" => "OU=No-Flag",
        "reset right only" => "OU=Reset-Only",
        _ => return None,
    })
}

async fn runs(bench: &Bench, directory: After, order: &LeasedJob) -> JobResult {
    bench.over(directory).run(order, tokio::time::Instant::now() + Duration::from_mins(1)).await
}

/// As an administrator does it.
fn grants(samba: &Samba, object: &str, list: &str) {
    let (url, ca) = (&samba.ldaps_url, samba.ca_file.display());
    let server = format!("-H '{url}' --option='tls cafile={ca}' --option='tls verify peer=ca_and_name_if_available'");
    crate::setup::runs(
        samba,
        &format!("samba-tool dsacl set --action=allow {server} -U Administrator --objectdn='{object}' --sddl='{list}'"),
    );
}

/// Of the service account, as access lists write it.
async fn own_sid(samba: &Samba) -> String {
    let filter = format!("(|(distinguishedName={0})(userPrincipalName={0}))", ldap3::ldap_escape(samba.bind_dn.as_str()));
    let found = samba.admin().await.unwrap().search(&samba.base_dn, ldap3::Scope::Subtree, &filter, vec!["objectSid"]).await.unwrap();
    let entry = ldap3::SearchEntry::construct(found.success().unwrap().0.into_iter().find(|entry| !entry.is_ref()).unwrap());
    let bytes = &entry.bin_attrs["objectSid"][0];
    let subs = bytes[8..].chunks_exact(4).map(|sub| format!("-{}", u32::from_le_bytes(sub.try_into().unwrap())));
    format!("S-{}-{}{}", bytes[0], bytes[7], subs.collect::<String>())
}

fn unlocks(kind: Kind) -> bool {
    matches!(kind, Kind::Reset | Kind::Temporary | Kind::Unlock)
}

/// What of an inspection is not as the condition has it.
fn misread(condition: &str, state: &AccountState, hints: bool) -> Option<String> {
    let is = |name: &str| condition == name;
    let may_unlock = !["no right", "no unlock right", "reset right only"].contains(&condition);
    let may_flag = !["no right", "no flag right", "reset right only"].contains(&condition);
    let (own, min_length) = (condition.starts_with("PSO"), if is("PSO, readable") { 16 } else { 8 });
    let holds = state.locked == is("locked")
        && !state.locked_for_good
        && state.disabled == is("disabled")
        && state.account_expired == is("account expired")
        && state.must_change == is("must change")
        && state.protected == (is("protected") || is("powerful by a group"))
        && state.allowed_at.is_some() == is("too young")
        && state.expires_at.is_none() == (is("must change") || is("never expires") || (is("password expired") && !hints))
        && (state.policy.is_none(), state.policy_from)
            == (is("PSO, unreadable"), Some(if own { PolicyFrom::Own } else { PolicyFrom::Domain }))
        && state
            .policy
            .as_ref()
            .is_none_or(|policy| policy.min_length == min_length && policy.complexity != own && policy.history == if own { 0 } else { 5 })
        && state.hints == hints
        && !state.names
        && state.may_reset == Some(!is("no right"))
        && (state.may_unlock, state.may_require_change) == (Some(may_unlock), Some(may_flag));
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
