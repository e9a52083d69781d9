//! What is found of an OpenLDAP server: rights, and rights that are too many; and how an agent for one is set up.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt};

use ldap3::Mod;
use sspr::{
    agent::setup::finding::{Code, Severity},
    base::config::{self, Config, DirectoryKind},
    lab::slapd::{Granted, Slapd, SlapdOptions},
};

use super::{
    assistant::{setup, wrote_with_a_problem},
    complaints, looks, the,
};
use crate::{
    agent::both,
    openldap::{directory_of, slapd, uuid_of},
};

fn settings(slapd: &Slapd) -> config::Agent {
    let mut settings = Config::from(None, []).unwrap().agent;
    settings.directory = directory_of(slapd);
    settings.cloud_url = "http://127.0.0.1:9".into();
    settings.directory.dns_server = "127.0.0.1:9".into();
    settings
}

#[tokio::test]
async fn an_openldap_server_is_looked_at_by_trying_in_vain() {
    let slapd = slapd(SlapdOptions::default()).await;
    let settings = settings(&slapd);
    let report = looks(&settings).await;
    assert_eq!(complaints(&report), Vec::<&str>::new(), "{}", report.text());
    assert!(the(&report, Code::RightsOk).text.starts_with("20 of 20"), "{}", report.text());
    for (passwords, states, wrong) in [
        ("none", "write", vec!["right_missing_reset"]),
        ("=xw", "read", vec!["right_missing_unlock", "right_missing_must_change"]),
        ("manage", "write", vec!["rights_too_much"]),
    ] {
        slapd.grant(Granted { passwords, states }).await.unwrap();
        let report = looks(&settings).await;
        assert_eq!(complaints(&report), wrong, "{passwords} {states}\n{}", report.text());
    }
    // Without a policy that says something, what holds cannot be told.
    slapd.grant(Granted { passwords: "=xw", states: "write" }).await.unwrap();
    slapd.set(&slapd.policy_dn, "pwdMinLength", None).await.unwrap();
    assert_eq!(complaints(&looks(&settings).await), ["right_unknown"]);
}

#[tokio::test]
async fn what_the_settings_name_and_is_not_there_is_a_problem() {
    let slapd = slapd(SlapdOptions { min_age_days: 1, ..SlapdOptions::default() }).await;
    let right = settings(&slapd);
    let told = the(&looks(&right).await, Code::PolicyOk).text.clone();
    assert_eq!(
        told,
        "policy: 8 characters or more, looked at by a module, 5 remembered, minimum age 1 d, maximum age none, locks after 5 tries."
    );
    type Change = fn(&mut config::Agent);
    let person = slapd.dn("user01");
    let wrong: [(&str, Change); 6] = [
        ("base_missing", |agent| {
            agent.directory.base_dn = "dc=other,dc=example".into();
            agent.directory.users_dn = "ou=people,dc=other,dc=example".into();
        }),
        ("users_missing", |agent| agent.directory.users_dn = "ou=nobody,dc=corp,dc=example".into()),
        ("policy_missing", |agent| agent.directory.openldap.policy_dn = "cn=nothing,ou=policies,dc=corp,dc=example".into()),
        ("policy_missing", |agent| agent.directory.openldap.policy_dn = "ou=policies,dc=corp,dc=example".into()),
        ("group_missing", |agent| agent.deny_groups = vec!["cn=nobody,ou=groups,dc=corp,dc=example".into()]),
        ("settings_incomplete", |agent| agent.directory.users_dn = "people".into()),
    ];
    for (code, change) in wrong {
        let mut settings = right.clone();
        change(&mut settings);
        let report = looks(&settings).await;
        let finding =
            report.findings.iter().find(|finding| finding.code.as_str() == code).unwrap_or_else(|| panic!("{code}: {}", report.text()));
        assert!(finding.code.severity() == Severity::Problem && !finding.fix.is_empty(), "{}", report.text());
        assert!(!report.has(Code::NobodyServed), "{}", report.text());
    }
    // The canary is looked for by its entryUUID.
    let mut settings = right.clone();
    settings.canary = uuid_of(&slapd, &person).await.to_string();
    assert!(the(&looks(&settings).await, Code::CanaryUnusable).text.contains("may be somebody's"));
}

#[tokio::test]
async fn a_directory_of_the_other_kind_is_told_as_that() {
    let (slapd, samba) = (slapd(SlapdOptions::default()).await, &both()[0].samba);
    let mut one = settings(&slapd);
    one.directory.kind = DirectoryKind::Ad;
    one.directory.bind_dn = "svc@corp.example".into();
    let mut other = super::settings(samba);
    other.directory.kind = DirectoryKind::Openldap;
    for (settings, kind) in [(one, "openldap"), (other, "ad")] {
        let report = looks(&settings).await;
        assert_eq!(complaints(&report), ["wrong_kind"], "{}", report.text());
        assert!(report.text().contains(&format!("set agent.directory.kind = \"{kind}\"")), "{}", report.text());
    }
}

#[tokio::test]
async fn what_an_account_may_beyond_its_rights_is_told() {
    let slapd = slapd(SlapdOptions::default()).await;
    let mut settings = settings(&slapd);
    let rule = format!("{{0}}to dn.subtree=\"{}\" attrs=mail by dn.exact=\"{}\" write by * read", slapd.users_dn, slapd.bind_dn);
    let rule = Mod::Add(b"olcAccess".to_vec(), HashSet::from([rule.into_bytes()]));
    slapd.modify("olcDatabase={1}mdb,cn=config", vec![rule]).await.unwrap();
    let report = looks(&settings).await;
    assert_eq!(complaints(&report), ["rights_too_much"], "{}", report.text());
    assert!(the(&report, Code::RightsTooMuch).text.ends_with("for one: mail."), "{}", report.text());
    // The rootdn is bound by no rule, so none is printed.
    settings.directory.bind_dn.clone_from(&slapd.admin_dn);
    settings.directory.bind_password = fs::read_to_string(&slapd.admin_password_file).unwrap().trim().to_owned().into();
    let report = looks(&settings).await;
    assert!(the(&report, Code::RightsTooMuch).fix.len() == 1 && report.text().contains("an account of its own"), "{}", report.text());
    // A name in Active Directory's manner.
    settings.directory.bind_dn = "svc@corp.example".into();
    assert_eq!(complaints(&looks(&settings).await), ["settings_incomplete"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sets_up_an_agent_without_a_domain_and_its_policy_is_found() {
    let slapd = slapd(SlapdOptions::default()).await;
    let dir = tempfile::tempdir().unwrap();
    fs::copy(&slapd.ca_file, dir.path().join("own-ca.pem")).unwrap();
    let password = slapd.bind_password_file.display().to_string();
    let flags = [
        ["--yes", "--kind=openldap", "--cloud-url", "http://127.0.0.1:9"],
        ["--url", &slapd.ldaps_url, "--ca-file", "own-ca.pem"],
        ["--base-dn", &slapd.base_dn, "--users-dn", &slapd.users_dn],
        ["--bind-dn", &slapd.bind_dn, "--password-file", &password],
        ["--state-dir", "state", "--out", "a.toml"],
    ];
    let done = setup(dir.path(), &flags.concat(), "");
    wrote_with_a_problem(&done);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("[rights_ok]") && !said.contains("[right_unknown]") && !said.contains("[dns_"), "{said}");
    let file = dir.path().join("a.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let config = Config::load(Some(&file)).unwrap();
    let (agent, directory) = (&config.agent, &config.agent.directory);
    assert_eq!(directory.openldap.policy_dn.to_lowercase(), slapd.policy_dn);
    assert_eq!((directory.openldap.user_name.as_str(), directory.kind), ("uid", config::DirectoryKind::Openldap));
    // Whoever starts the agent does it from elsewhere.
    let here = dir.path().canonicalize().unwrap();
    assert_eq!((directory.ca_file.as_path(), agent.state_dir.as_path()), (here.join("own-ca.pem").as_path(), here.join("state").as_path()));

    // Where there are several, somebody has to say which.
    slapd.copy(&slapd.policy_dn, "cn=strict,ou=policies,dc=corp,dc=example").await.unwrap();
    let done = setup(dir.path(), &flags.concat(), "");
    assert!(String::from_utf8_lossy(&done.stderr).contains("--policy-dn is missing"), "{done:?}");
    let done = setup(dir.path(), &[flags.concat().as_slice(), &["--policy-dn", &slapd.policy_dn]].concat(), "");
    wrote_with_a_problem(&done);
    // What is OpenLDAP's own is not taken for Active Directory.
    let done = setup(dir.path(), &["--yes", "--out=b.toml", "--cloud-url=http://127.0.0.1:9", "--user-name=cn"], "");
    assert!(String::from_utf8_lossy(&done.stderr).contains("user_name is only for openldap"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_mistypes_a_file_is_asked_again_and_loses_nothing() {
    let slapd = slapd(SlapdOptions::default()).await;
    let dir = tempfile::tempdir().unwrap();
    slapd.copy(&slapd.policy_dn, "cn=strict,ou=policies,dc=corp,dc=example").await.unwrap();
    let (ca, password) = (slapd.ca_file.display().to_string(), slapd.bind_password_file.display().to_string());
    let state = dir.path().join("state").display().to_string();
    let (cloud, own) = (["http://127.0.0.1:9", "openldap", ""], ["", &slapd.policy_dn, &state]);
    let server = [&slapd.ldaps_url, &ca, &slapd.base_dn, &slapd.users_dn, &slapd.bind_dn, "/nowhere/password", &password];
    let typed = [cloud.as_slice(), &server, &own].concat().join("\n") + "\n";
    let done = setup(dir.path(), &["--ca-file", "nothing.pem"], &typed);
    wrote_with_a_problem(&done);
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(said.matches("That will not do").count(), 2, "{said}");
    let strict = "Password policies that the account sees: cn=default,ou=policies,dc=corp,dc=example; cn=strict,ou=policies";
    assert!(said.contains(strict) && said.contains("[rights_ok]"), "{said}");
    let config = Config::load(Some(&dir.path().join("agent.toml"))).unwrap();
    assert_eq!(config.agent.directory.openldap.policy_dn, slapd.policy_dn);
    assert_eq!(config.agent.directory.ca_file, slapd.ca_file);
}

/// What `setup` and `doctor` print is what the manual says, and what the tests' own servers have.
#[tokio::test]
async fn the_access_rules_that_are_printed_are_those_of_the_manual() {
    let slapd = slapd(SlapdOptions::default()).await;
    slapd.grant(Granted { passwords: "none", states: "write" }).await.unwrap();
    let report = looks(&settings(&slapd)).await;
    let manual = include_str!("../../../docs/operations.md").replace("\n  by ", " by ");
    let printed = super::command(the(&report, Code::RightMissingReset), "ldapmodify");
    let rules = printed.lines().filter(|line| line.starts_with("olcAccess: ")).collect::<Vec<_>>();
    assert_eq!(rules.len(), 2, "{printed}");
    for rule in rules {
        assert!(manual.contains(rule), "{rule}");
    }
}
