//! What the directory can do (rootDSE), whether its clock is ours, and its rules: the domain's policy and the fine-grained ones.

use std::collections::BTreeSet;

use ldap3::Scope;

use super::{
    finding::{Code, Finding},
    grants::Grantee,
    ldap::{Found, Probe},
};
use crate::base::config;

/// Best first (MS-ADTS 3.1.1.3.4.1.27).
const POLICY_HINTS: [&str; 2] = ["1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"];
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Seconds. Kerberos allows 300; our own decisions about age are made by the directory's clock.
const CLOCK: i64 = 120;

/// Controls and clock.
pub async fn root(probe: &mut Probe, settings: &config::Directory, at: &str, now: i64) -> Result<Vec<Finding>, Finding> {
    let names = ["dnsHostName", "supportedControl", "defaultNamingContext", "currentTime", "vendorName"];
    let Some(root) = probe.read("", &names).await? else {
        return Err(Finding::new(Code::DirectoryFault, at, "it shows no rootDSE."));
    };
    let mut found = Vec::new();
    let has = |oid: &str| root.texts("supportedControl").iter().any(|control| control == oid);
    let server = root.text("dnsHostName").unwrap_or(at).to_owned();
    let hints = POLICY_HINTS.into_iter().find(|oid| has(oid));
    if hints.is_none() {
        let what = if settings.require_policy_hints {
            "and agent.directory.require_policy_hints is on, so every reset will be refused (control_missing)."
        } else {
            "so a reset can bring back an old password, and the minimum age does not hold for resets."
        };
        let text = format!("it has no policy-hints control ({} or {}), {what}", POLICY_HINTS[0], POLICY_HINTS[1]);
        found.push(
            Finding::new(Code::HintsMissing, &server, text)
                .say("Windows Server 2008 R2 with KB2386717 or later has it, Samba from 4.24 on. Until then an administrator decides: agent.directory.require_policy_hints = true refuses resets instead."),
        );
    }
    if !has(PAGED) {
        found.push(
            Finding::new(Code::PagingMissing, &server, "it cannot page through its people.").say("Use a domain controller that can."),
        );
    }
    if found.is_empty() {
        let text = format!("has what is needed: policy hints ({}), paging.", hints.unwrap_or_default());
        found.push(Finding::new(Code::ControlsOk, &server, text));
    }
    if let Some(its) = root.text("currentTime").and_then(generalized).filter(|its| (its - now).abs() > CLOCK) {
        let text = format!("its clock is {} s {} this machine's.", (its - now).abs(), if its > now { "ahead of" } else { "behind" });
        found.push(Finding::new(Code::DirectoryClock, &server, text).say("Synchronise both with the same time servers."));
    }
    let naming = root.text("defaultNamingContext").unwrap_or_default();
    if !super::super::directory::dn::is_same(naming, &settings.base_dn) {
        let text = format!("agent.directory.base_dn = {:?} is not its domain, which is {naming:?}.", settings.base_dn);
        found.push(Finding::new(Code::BaseMissing, &server, text).say(format!("Set agent.directory.base_dn = {naming:?}.")));
    }
    Ok(found)
}

/// Seconds since 1970 of `20261122213456.0Z`.
fn generalized(text: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]");
    let at = time::PrimitiveDateTime::parse(text.get(..14)?, format).ok()?;
    text.ends_with('Z').then(|| at.assume_utc().unix_timestamp())
}

/// The domain's rules.
pub async fn domain(probe: &mut Probe, base: &str) -> Result<Finding, Finding> {
    let names = ["minPwdLength", "pwdProperties", "pwdHistoryLength", "minPwdAge", "maxPwdAge", "lockoutThreshold"];
    let unreadable = "agent.directory.base_dn cannot be read: there is no such object, or the account may not see it.";
    let Some(entry) = probe.read(base, &names).await? else {
        return Err(
            Finding::new(Code::BaseMissing, base, unreadable).say("Set agent.directory.base_dn to the domain's own name (DC=…,DC=…).")
        );
    };
    if entry.text("minPwdLength").is_none() {
        let text = "its password policy may not be read, so people are not shown the rules beforehand.";
        return Ok(Finding::new(Code::PolicyUnreadable, base, text)
            .say("Give the account read access to the domain object (Authenticated Users have it by default)."));
    }
    let text = format!(
        "policy: {} characters or more{}, {} remembered, minimum age {}, maximum age {}, locks after {}.",
        entry.number("minPwdLength"),
        if entry.number("pwdProperties") & 1 == 0 { "" } else { ", complex" },
        entry.number("pwdHistoryLength"),
        span(entry.number("minPwdAge")),
        span(entry.number("maxPwdAge")),
        match entry.number("lockoutThreshold") {
            0 => "no number of tries".to_owned(),
            tries => format!("{tries} tries"),
        },
    );
    Ok(Finding::new(Code::PolicyOk, base, text))
}

/// A negative number of 100 ns; the most negative is "never".
fn span(value: i64) -> String {
    lasting(if value == i64::MIN { 0 } else { value.unsigned_abs() / 10_000_000 })
}

/// Of seconds.
pub(super) fn lasting(seconds: u64) -> String {
    match seconds {
        0 => "none".to_owned(),
        seconds if seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        seconds => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// The fine-grained policies. `used`: those that hold for somebody who is served.
pub async fn fine_grained(probe: &mut Probe, base: &str, used: &BTreeSet<String>, grantee: &Grantee) -> Result<Option<Finding>, Finding> {
    let container = format!("CN=Password Settings Container,CN=System,{base}");
    let names = ["msDS-MinimumPasswordLength"];
    let (listed, _) = probe.search(&container, Scope::OneLevel, "(objectClass=msDS-PasswordSettings)", &names, 500).await?;
    let readable = |entry: &Found| entry.text("msDS-MinimumPasswordLength").is_some();
    let seen = listed.iter().filter(|entry| readable(entry)).count();
    let mut hidden = listed.iter().filter(|entry| !readable(entry)).map(|entry| entry.dn().to_owned()).collect::<BTreeSet<_>>();
    for policy in used {
        if !probe.read(policy, &names).await?.is_some_and(|entry| readable(&entry)) {
            hidden.insert(policy.clone());
        }
    }
    if hidden.is_empty() {
        let text = format!("{seen} fine-grained policies, all of them readable.");
        return Ok((seen > 0).then(|| Finding::new(Code::PsoOk, container, text)));
    }
    let holds = used.iter().filter(|policy| hidden.contains(*policy)).count();
    let text = format!(
        "{} fine-grained policies may not be read ({} of them hold for people who are served): those people are shown no rules, and a refusal cannot say which rule it was.",
        hidden.len(),
        holds
    );
    Ok(Some(Finding::new(Code::PsoUnreadable, &container, text).with(grantee.read(&container))))
}

/// Whether who is deleted shows among what changed.
pub async fn deletions(probe: &mut Probe, base: &str, grantee: &Grantee) -> Result<Option<Finding>, Finding> {
    let container = format!("CN=Deleted Objects,{base}");
    if probe.sees_deleted(&container).await? {
        return Ok(None);
    }
    let text = "the account may not read what is deleted, so who is deleted is found by counting who is left: where counting everybody takes a second, within twenty.";
    Ok(Some(
        Finding::new(Code::DeletionsHidden, &container, text)
            .say("Nothing has to be done. To have deletions arrive with the changes, let it list and read them:")
            .with(grantee.read_deleted(&container)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_read_as_directories_write_them() {
        assert_eq!(
            (generalized("20261122213456.0Z"), generalized("2026"), generalized("20261322213456.0Z")),
            (Some(1_795_383_296), None, None)
        );
        assert_eq!(
            (span(-864_000_000_000), span(i64::MIN), span(0), span(-36_000_000_001)),
            ("1 d".into(), "none".into(), "none".into(), "1 h".into())
        );
    }
}
