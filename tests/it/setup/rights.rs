//! Rights: too few, too many, and whom nobody may touch.

use std::{collections::HashSet, process::Command};

use ldap3::{Mod, Scope, SearchEntry, controls::RawControl};
use sspr::{
    agent::{
        directory::{ad::Ad, people::People},
        setup::finding::{Code, Severity},
        time::Time,
    },
    base::clock::Clock,
    lab::samba::{BindOutcome, Release, Samba, SambaOptions},
    wire,
};

use super::{command, complaints, looks, runs, settings, the};
use crate::agent::{Bench, add_outsider, guid};

const PASSWORD: &str = "Service-Passw0rd-1";

fn domain(release: Release) -> Samba {
    Samba::start(&SambaOptions { release, ..SambaOptions::default() }).unwrap()
}

/// An account without any right; who it is.
async fn bare_account(samba: &Samba) -> String {
    let dn = add_outsider(samba, "svc-bare").await;
    samba.set_password(&dn, PASSWORD).await.unwrap();
    dn
}

/// Its permissions are not inherited any more.
pub(super) async fn cut(samba: &Samba, dn: &str) {
    let list_only = || RawControl { ctype: "1.2.840.113556.1.4.801".into(), crit: true, val: Some(vec![0x30, 3, 2, 1, 4]) };
    let mut admin = samba.admin().await.unwrap();
    admin.with_controls(list_only());
    let (mut found, _) = admin.search(dn, Scope::Base, "(objectClass=*)", vec!["nTSecurityDescriptor"]).await.unwrap().success().unwrap();
    let entry = SearchEntry::construct(found.pop().unwrap());
    let before = &entry.bin_attrs["nTSecurityDescriptor"][0];
    let at = usize::try_from(u32::from_le_bytes(before[16..20].try_into().unwrap())).unwrap();
    let (mut list, mut rest, mut count) = (Vec::<u8>::new(), &before[at + 8..], 0_u16);
    for _ in 0..u16::from_le_bytes([before[at + 4], before[at + 5]]) {
        let (ace, more) = rest.split_at(usize::from(u16::from_le_bytes([rest[2], rest[3]])));
        // As "remove inherited permissions" does.
        if ace[1] & 0x10 == 0 {
            list.extend(ace);
            count += 1;
        }
        rest = more;
    }
    let mut bytes = before[..4].to_vec();
    bytes[3] |= 0x10;
    for offset in [0_u32, 0, 0, 20] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend([before[at], 0]);
    bytes.extend(u16::try_from(list.len() + 8).unwrap().to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(list);
    let change = vec![Mod::Replace(b"nTSecurityDescriptor".to_vec(), HashSet::from([bytes]))];
    admin.with_controls(list_only());
    admin.modify(dn, change).await.unwrap().success().unwrap();
}

#[tokio::test]
async fn a_delegated_account_lacks_nothing_and_has_nothing_too_much() {
    for release in [Release::Backports, Release::System] {
        let samba = domain(release);
        let report = looks(&settings(&samba)).await;
        let lacks: &[&str] = if samba.policy_hints { &[] } else { &["hints_missing"] };
        assert_eq!(complaints(&report), lacks, "{}", report.text());
        assert!(the(&report, Code::RightsOk).text.starts_with("20 of 20 people"), "{}", report.text());
        assert!(the(&report, Code::PolicyOk).text.contains("8 characters or more, complex, 5 remembered"), "{}", report.text());
    }
}

#[tokio::test]
async fn what_is_missing_is_granted_by_the_printed_command() {
    for release in [Release::Backports, Release::System] {
        let samba = domain(release);
        let mut settings = settings(&samba);
        settings.directory.bind_dn = bare_account(&samba).await;
        settings.directory.bind_password = PASSWORD.to_owned().into();
        let report = looks(&settings).await;
        let missing = ["right_missing_reset", "right_missing_unlock", "right_missing_must_change"];
        let found = complaints(&report);
        assert!(missing.iter().all(|code| found.contains(code)) && report.worst() == Severity::Problem, "{}", report.text());
        let finding = the(&report, Code::RightMissingReset);
        assert_eq!(finding.about, samba.users_dn);
        assert!(finding.text.contains("on 20 people: user01, user02"), "{}", finding.text);
        assert!(command(finding, "dsacls").contains("\"svc-bare@corp.example:CA;Reset Password;user\""));
        assert!(command(finding, "PowerShell").contains("[guid]'00299570-246d-11d0-a768-00aa006e0529'"));

        runs(&samba, command(finding, "samba-tool"));
        let report = looks(&settings).await;
        assert!(!complaints(&report).iter().any(|code| code.starts_with("right")), "{}", report.text());
        // And so it is: the agent may do it now.
        let bench = Bench::with(&samba, |bench| bench.directory = settings.directory.clone());
        assert_eq!(bench.reset(guid(&samba, "user01").await, "Quite-New-1").await, wire::outcome::Code::Applied);
        assert_eq!(samba.bind_as("user01@corp.example", "Quite-New-1").await.unwrap(), BindOutcome::Accepted);
    }
}

#[tokio::test]
async fn whom_it_cannot_serve_is_named_with_the_reason() {
    let samba = domain(Release::Backports);
    samba.set(&samba.dn("user03").await.unwrap(), "adminCount", "1").await.unwrap();
    // Nothing in their own entry says so.
    let operators = format!("CN=Backup Operators,CN=Builtin,{}", samba.base_dn);
    samba.add_member(&operators, &samba.dn("user06").await.unwrap()).await.unwrap();
    let cut_off = samba.dn("user04").await.unwrap();
    cut(&samba, &cut_off).await;
    // A unit of its own that inherits nothing, and somebody in it.
    let unit = format!("OU=Closed,{}", samba.users_dn);
    let mut admin = samba.admin().await.unwrap();
    admin.add(&unit, vec![("objectClass", HashSet::from(["organizationalUnit"]))]).await.unwrap().success().unwrap();
    cut(&samba, &unit).await;
    let name = samba.dn("user05").await.unwrap().split(',').next().unwrap().to_owned();
    let before = samba.dn("user05").await.unwrap();
    admin.modifydn(&before, &name, true, Some(&unit)).await.unwrap().success().unwrap();

    let settings = settings(&samba);
    let report = looks(&settings).await;
    let protected = the(&report, Code::AccountProtected);
    assert!(protected.text.contains("2 accounts are protected"), "{}", protected.text);
    assert!(protected.text.contains("user03") && protected.text.contains("user06"), "{}", protected.text);
    let inherits_nothing = the(&report, Code::InheritanceOff);
    assert!(inherits_nothing.text.contains(&cut_off) && !inherits_nothing.text.contains("user05"), "{}", report.text());
    let closed = the(&report, Code::RightMissingReset);
    assert_eq!(closed.about, unit, "{}", report.text());
    assert!(closed.text.contains("on 1 people: user05"), "{}", closed.text);
    assert!(report.text().contains("Inheritance is switched off on this unit"), "{}", report.text());
    assert!(the(&report, Code::RightsOk).text.starts_with("16 of 18 people"), "{}", report.text());

    runs(&samba, command(closed, "samba-tool"));
    let report = looks(&settings).await;
    assert!(!report.has(Code::RightMissingReset) && the(&report, Code::RightsOk).text.starts_with("17 of 18"), "{}", report.text());
}

#[tokio::test]
async fn an_account_that_may_too_much_is_told_how_to_lose_it() {
    let samba = domain(Release::Backports);
    let settings = settings(&samba);
    let mut admin = samba.admin().await.unwrap();
    // Directly, and through another group.
    let admins = format!("CN=Domain Admins,CN=Users,{}", samba.base_dn);
    let helpers = format!("CN=Helpers,CN=Users,{}", samba.base_dn);
    let group = vec![("objectClass", HashSet::from(["group"])), ("sAMAccountName", HashSet::from(["Helpers"]))];
    admin.add(&helpers, group).await.unwrap().success().unwrap();
    let add = |group: String, member: String| (group, vec![Mod::Add("member".to_owned(), HashSet::from([member]))]);
    for (group, change) in [add(helpers.clone(), samba.bind_dn.clone()), add(admins.clone(), helpers.clone())] {
        admin.modify(&group, change).await.unwrap().success().unwrap();
    }
    let report = looks(&settings).await;
    let finding = the(&report, Code::RightsAdmin);
    assert!(finding.text.contains("Domain Admins"), "{}", finding.text);
    let leave = command(finding, "samba-tool");
    assert!(leave.ends_with("'Helpers' 'svc-writeback'"), "{leave}");
    assert!(command(finding, "PowerShell").starts_with("Remove-ADGroupMember -Identity 'Helpers' -Members 'svc-writeback'"));
    runs(&samba, leave);
    let report = looks(&settings).await;
    assert_eq!(complaints(&report), [""; 0], "{}", report.text());

    // Full control of the unit.
    let sid = report.json().to_string();
    assert!(!sid.contains("rights_too_much"));
    let ours = sid_of(&samba, "svc-writeback").await;
    let all = format!("(A;CI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{ours})");
    let set = format!(
        "samba-tool dsacl set -H '{}' --option='tls cafile={}' --option='tls verify peer=ca_and_name_if_available' -U Administrator --objectdn='{}' --action=allow --sddl='{all}'",
        samba.ldaps_url,
        samba.ca_file.display(),
        samba.users_dn
    );
    runs(&samba, &set);
    let report = looks(&settings).await;
    let finding = the(&report, Code::RightsTooMuch);
    assert!(finding.text.contains(&all) && finding.about == samba.users_dn, "{}", report.text());
    assert!(finding.text.contains("everything (full control)"), "{}", finding.text);
    assert!(command(finding, "samba-tool").contains(&format!("dsacl delete -H '{}'", samba.ldaps_url)), "{}", report.text());
    assert_eq!(report.worst(), Severity::Problem);
}

async fn sid_of(samba: &Samba, name: &str) -> String {
    let entry = samba.entry(name, &["objectSid"]).await.unwrap();
    let text = entry.attrs.get("objectSid").map(|values| values[0].clone().into_bytes());
    let bytes = entry.bin_attrs.get("objectSid").map(|values| values[0].clone()).or(text).unwrap();
    let part = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    format!("S-1-5-{}", [8, 12, 16, 20, 24].map(|at| part(at).to_string()).join("-"))
}

#[tokio::test]
async fn a_policy_that_may_not_be_read_is_made_readable_by_the_printed_command() {
    let samba = domain(Release::Backports);
    let settings = settings(&samba);
    let container = format!("CN=Password Settings Container,CN=System,{}", samba.base_dn);
    let user = samba.dn("user01").await.unwrap();
    let one = |value: &str| HashSet::from([value.to_owned()]);
    let strict = vec![
        ("objectClass".to_owned(), one("msDS-PasswordSettings")),
        ("msDS-PasswordSettingsPrecedence".to_owned(), one("1")),
        ("msDS-PasswordReversibleEncryptionEnabled".to_owned(), one("FALSE")),
        ("msDS-PasswordHistoryLength".to_owned(), one("24")),
        ("msDS-PasswordComplexityEnabled".to_owned(), one("TRUE")),
        ("msDS-MinimumPasswordLength".to_owned(), one("16")),
        ("msDS-MinimumPasswordAge".to_owned(), one("0")),
        ("msDS-MaximumPasswordAge".to_owned(), one("-9223372036854775808")),
        ("msDS-LockoutThreshold".to_owned(), one("5")),
        ("msDS-LockoutObservationWindow".to_owned(), one("-18000000000")),
        ("msDS-LockoutDuration".to_owned(), one("-18000000000")),
        ("msDS-PSOAppliesTo".to_owned(), one(&user)),
    ];
    let mut admin = samba.admin().await.unwrap();
    admin.add(&format!("CN=Strict,{container}"), strict).await.unwrap().success().unwrap();
    let report = looks(&settings).await;
    let finding = the(&report, Code::PsoUnreadable);
    assert!(finding.text.contains("(1 of them hold for people who are served)"), "{}", finding.text);
    runs(&samba, command(finding, "samba-tool"));
    let report = looks(&settings).await;
    assert!(report.has(Code::PsoOk) && !report.has(Code::PsoUnreadable), "{}", report.text());
}

#[tokio::test]
async fn an_entry_that_denies_is_named_and_not_granted_against() {
    let samba = domain(Release::Backports);
    let settings = settings(&samba);
    let ours = sid_of(&samba, "svc-writeback").await;
    let denies = format!("(OD;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;{ours})");
    let set = format!(
        "samba-tool dsacl set -H '{}' --option='tls cafile={}' --option='tls verify peer=ca_and_name_if_available' -U Administrator --objectdn='{}' --action=deny --sddl='{denies}'",
        samba.ldaps_url,
        samba.ca_file.display(),
        samba.users_dn
    );
    runs(&samba, &set);
    let report = looks(&settings).await;
    assert_eq!(complaints(&report), ["right_missing_reset"], "{}", report.text());
    let finding = the(&report, Code::RightMissingReset);
    assert_eq!(finding.about, samba.users_dn);
    assert!(
        finding.text.contains("on 20 people: user01") && finding.text.contains("denies the account itself the right Reset Password"),
        "{}",
        finding.text
    );
    assert!(finding.text.contains(&denies) && !report.text().contains("Grant it"), "{}", report.text());
    assert!(command(finding, "samba-tool").contains(&format!("dsacl delete -H '{}'", samba.ldaps_url)));
    assert!(command(finding, "PowerShell").contains("-eq 'Deny'"));
}

#[tokio::test]
async fn a_refused_account_is_told_why_and_what_to_do() {
    let samba = domain(Release::Backports);
    let settings = settings(&samba);
    for (attribute, wrong, right, why, mend) in [
        ("userAccountControl", "514", "512", "it is disabled", "Enable the account"),
        ("accountExpires", "130000000000000000", "0", "the account has expired", "Let it last longer"),
        ("pwdLastSet", "0", "-1", "it must change its password first", "at next logon"),
    ] {
        samba.set(&samba.bind_dn, attribute, wrong).await.unwrap();
        let report = looks(&settings).await;
        let finding = the(&report, Code::BindRefused);
        let at = samba.ldaps_url.trim_start_matches("ldaps://");
        assert_eq!(finding.text, format!("{at} refuses this account: {why}."));
        assert!(report.text().contains(mend) && !report.text().contains("Check agent.directory.bind_dn"), "{}", report.text());
        samba.set(&samba.bind_dn, attribute, right).await.unwrap();
        let report = looks(&settings).await;
        assert!(report.has(Code::BindOk), "{attribute}: {}", report.text());
    }
}

#[tokio::test]
async fn with_the_printed_right_deletions_arrive_with_the_changes() {
    // The printed command is run with this machine's own Samba.
    let samba = domain(Release::System);
    let settings = settings(&samba);
    let directory = Ad::new(&settings.directory, Time::new(Clock::system())).unwrap();
    let gone = async |name: &str| {
        let (mark, user, dn) = (directory.mark().await.unwrap(), guid(&samba, name).await, samba.dn(name).await.unwrap());
        samba.admin().await.unwrap().delete(&dn).await.unwrap().success().unwrap();
        directory.page(Some(&mark), Vec::new()).await.unwrap().gone.contains(&user)
    };
    assert!(!gone("user01").await);
    let report = looks(&settings).await;
    let finding = the(&report, Code::DeletionsHidden);
    assert_eq!(
        command(finding, "dsacls"),
        "dsacls \"CN=Deleted Objects,DC=corp,DC=example\" /takeownership\ndsacls \"CN=Deleted Objects,DC=corp,DC=example\" /G \"svc-writeback@corp.example:LCRP\""
    );
    let done =
        Command::new("sh").args(["-c", command(finding, "Python")]).env("SMB_CONF_PATH", samba.dir().join("smb.conf")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report = looks(&settings).await;
    assert!(!report.has(Code::DeletionsHidden), "{}", report.text());
    assert!(gone("user02").await);
}
