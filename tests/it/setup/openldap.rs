//! What is found of an OpenLDAP server: rights, and rights that are too many; and how an agent for one is set up.

use std::{fs, os::unix::fs::PermissionsExt};

use sspr::{
    agent::setup::finding::Code,
    base::config::{self, Config},
    lab::slapd::{Granted, Slapd, SlapdOptions},
};

use super::{assistant::setup, complaints, looks, the};
use crate::openldap::{directory_of, slapd};

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
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
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
    assert!(done.status.success(), "{done:?}");
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
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
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
