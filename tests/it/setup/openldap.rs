//! What is found of an OpenLDAP server: rights, and rights that are too many.

use sspr::{
    agent::setup::finding::Code,
    base::config::{self, Config},
    lab::slapd::{Granted, Slapd, SlapdOptions},
};

use super::{complaints, looks, the};
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
