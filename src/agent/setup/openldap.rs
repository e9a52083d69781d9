//! What can be seen of an OpenLDAP server with the rights that the service account should have. Its access rules can not: they stand in
//! cn=config, which an ordinary account may not read. So the rights are tried, by modifies that cannot succeed, and what the rules must
//! say is printed.

use std::collections::BTreeSet;

use ldap3::Scope;

use super::{
    finding::{Code, Finding, Fix},
    grants::posix,
    ldap::Probe,
    policy::lasting,
    rights::listed,
    servers::first,
};
use crate::{
    agent::{
        directory::{
            Standing, dn,
            openldap::{NO_RULE_HOLDS, OpenLdap, Tried},
        },
        time::Time,
    },
    base::{clock::Clock, config},
};

const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const PAGED: &str = "1.2.840.113556.1.4.319";

/// What one server can do.
pub(super) async fn root(probe: &mut Probe, at: &str) -> Result<Vec<Finding>, Finding> {
    let mut found = Vec::new();
    let root = probe.read("", &["supportedControl", "supportedExtension"]).await?;
    let root = root.ok_or_else(|| Finding::new(Code::DirectoryFault, at, "it shows no rootDSE."))?;
    let has = |attribute: &str, oid: &str| root.texts(attribute).iter().any(|value| value == oid);
    if !has("supportedControl", PASSWORD_POLICY) {
        let text = "it has no password policies (overlay ppolicy): no rule holds for passwords, and nobody is ever locked.";
        found.push(Finding::new(Code::PpolicyMissing, at, text).say("Load the overlay and give it a default policy (slapo-ppolicy(5))."));
    }
    if !has("supportedControl", PAGED) {
        found.push(Finding::new(Code::PagingMissing, at, "it cannot page through its people.").say("Use a server that can."));
    }
    if !has("supportedExtension", PASSWORD_MODIFY) {
        found.push(Finding::new(Code::DirectoryFault, at, "it does not set passwords by RFC 3062.").say("Use a server that does."));
    }
    if found.is_empty() {
        found.push(Finding::new(Code::ControlsOk, at, "has what is needed: password policies, paging, RFC 3062."));
    }
    Ok(found)
}

/// Password policies, by name.
#[derive(Debug, Default)]
pub struct Policies {
    /// As far as the account sees them.
    pub all: Vec<String>,
    /// The one that holds for whoever has none of their own: where the account may read the overlay's settings, or there is only one.
    pub default: Option<String>,
}

/// Those of the directory, for who sets an agent up. Most accounts may not read which is the default: that stands in cn=config.
pub async fn policies(settings: &config::Directory) -> Result<Policies, Finding> {
    const MOST: usize = 50;
    let mut probe = Probe::bind(&first(settings).await?, settings).await?;
    let (found, _) = probe.search(&settings.base_dn, Scope::Subtree, "(objectClass=pwdPolicy)", &["1.1"], MOST).await?;
    let mut all = found.iter().map(|entry| entry.dn().to_owned()).collect::<Vec<_>>();
    all.sort();
    let overlays = probe.search("cn=config", Scope::Subtree, "(objectClass=olcPPolicyConfig)", &["olcPPolicyDefault"], MOST).await;
    let (overlays, _) = overlays.unwrap_or_default();
    let mut defaults = overlays.iter().filter_map(|overlay| overlay.text("olcPPolicyDefault"));
    let named = defaults.find(|default| dn::is_below(default, &settings.base_dn)).map(str::to_owned);
    let default = named.or_else(|| all.first().filter(|_| all.len() == 1).cloned());
    Ok(Policies { all, default })
}

/// What holds at all servers: its people, and what our account may do to them.
pub(super) async fn check(probe: &mut Probe, settings: &config::Directory, brief: bool) -> Result<Vec<Finding>, Finding> {
    let gone = |code, setting: &str, dn: &str| {
        let text = format!("there is no such entry, or the account may not see it ({setting}).");
        Finding::new(code, dn, text)
    };
    let (base, users) = (&settings.base_dn, &settings.users_dn);
    if probe.read(base, &["1.1"]).await?.is_none() {
        let finding = gone(Code::BaseMissing, "agent.directory.base_dn", base);
        return Err(finding.say("Set it to the name that the directory begins with (dc=…,dc=…), and let the account read below it."));
    }
    if probe.read(users, &["1.1"]).await?.is_none() {
        let finding = gone(Code::UsersMissing, "agent.directory.users_dn", users);
        return Err(finding.say("Set it to the unit whose people are served (ou=…,dc=…), and let the account read there."));
    }
    let mut found = vec![policy(probe, settings).await?];
    let enough = if brief { FEW } else { TRIED };
    let filter = "(objectClass=person)";
    let (people, more) = probe.search(&settings.users_dn, Scope::Subtree, filter, &["1.1"], enough + 1).await?;
    if people.is_empty() {
        let text = "there is nobody in it whom the account can see.";
        found.push(
            Finding::new(Code::NobodyServed, &settings.users_dn, text)
                .say("Check agent.directory.users_dn, and that the account may read there."),
        );
    }
    found.extend(rights(settings, enough, more || people.len() > enough).await?);
    Ok(found)
}

/// That of whoever has none of their own, as the agent will read it.
async fn policy(probe: &mut Probe, settings: &config::Directory) -> Result<Finding, Finding> {
    const NAMES: [&str; 9] = [
        "pwdAttribute",
        "pwdCheckQuality",
        "pwdCheckModule",
        "pwdMinLength",
        "pwdInHistory",
        "pwdMinAge",
        "pwdMaxAge",
        "pwdLockout",
        "pwdMaxFailure",
    ];
    const REMEDY: &str = "Set agent.directory.openldap.policy_dn to what the server's olcPPolicyDefault names; on the server, as root: slapcat -n0 | grep olcPPolicyDefault";
    let dn = &settings.openldap.policy_dn;
    if dn.is_empty() {
        let text = "agent.directory.openldap.policy_dn names no policy, so people are not shown the rules, and whoever was ever locked counts as locked.";
        return Ok(
            Finding::new(Code::PolicyUnreadable, &settings.base_dn, text).say(format!("If the server has a default policy: {REMEDY}"))
        );
    }
    let missing = |text: &str| Finding::new(Code::PolicyMissing, dn, format!("{text} (agent.directory.openldap.policy_dn).")).say(REMEDY);
    let Some(entry) = probe.read(dn, &NAMES).await? else {
        return Ok(missing("this policy does not exist, or the account may not see it"));
    };
    if entry.text("pwdAttribute").is_none() {
        return Ok(missing("this entry is no password policy, or the account may not read it"));
    }
    let number = |name: &str| entry.number(name).unsigned_abs();
    let is_true = |name: &str| entry.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let length = if number("pwdCheckQuality") == 0 { 0 } else { number("pwdMinLength") };
    let text = format!(
        "policy: {length} characters or more{}, {} remembered, minimum age {}, maximum age {}, locks after {}.",
        if length > 0 && entry.text("pwdCheckModule").is_some() { ", looked at by a module" } else { "" },
        number("pwdInHistory"),
        lasting(number("pwdMinAge")),
        lasting(number("pwdMaxAge")),
        match number("pwdMaxFailure") {
            tries @ 1.. if is_true("pwdLockout") => format!("{tries} tries"),
            _ => "no number of tries".to_owned(),
        },
    );
    Ok(Finding::new(Code::PolicyOk, dn, text))
}

/// At so many people the rights are tried.
const TRIED: usize = 50;
/// And at so many by an agent that runs.
const FEW: usize = 5;

async fn rights(settings: &config::Directory, enough: usize, are_more: bool) -> Result<Vec<Finding>, Finding> {
    let fault = |error: String| Finding::new(Code::DirectoryFault, &settings.users_dn, format!("{error}."));
    let directory = OpenLdap::new(settings, Time::new(Clock::system())).map_err(|error| fault(format!("{error:#}")))?;
    let Tried { holds, is_manager, extra, people } = directory.tried(enough).await.map_err(|trouble| fault(trouble.to_string()))?;
    let mut found = Vec::new();
    if holds == Some(false) {
        let finding = Finding::new(Code::RightsTooMuch, &settings.bind_dn, format!("{NO_RULE_HOLDS}."));
        found.push(if is_manager {
            finding.say("It may write at the top of the directory as well, as the rootdn (olcRootDN) may, whom no access rule binds: give the agent an account of its own, with the rights that docs/operations.md, \"OpenLDAP\", lists.")
        } else {
            mend(finding.say("Give it less:"), settings)
        });
    } else if let Some(first) = extra.first() {
        let names = extra.iter().map(|(_, name)| name.clone()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        let text = format!("the account may write attributes of people that it does not need, of {} for one: {}.", first.0, listed(&names));
        found.push(
            Finding::new(Code::RightsTooMuch, &settings.bind_dn, text)
                .say("Look at olcAccess for the rule that lets it write there: of people it needs to write userPassword, pwdAccountLockedTime and pwdReset only."),
        );
    }
    type May = fn(&Standing) -> Option<bool>;
    let kinds: [(Code, &str, May); 3] = [
        (Code::RightMissingReset, "write userPassword", |standing| standing.may_reset),
        (Code::RightMissingUnlock, "write pwdAccountLockedTime", |standing| standing.may_unlock),
        (Code::RightMissingMustChange, "write pwdReset", |standing| standing.may_require_change),
    ];
    let all = people.len();
    let mut whole = all > 0;
    for (code, right, of) in kinds {
        let count = |told| people.iter().filter(|(_, standing)| of(standing) == told).count();
        let (without, unknown) = (count(Some(false)), count(None));
        whole &= without == 0 && unknown == 0;
        if let Some((first, _)) = people.iter().find(|(_, standing)| of(standing) == Some(false)) {
            let text = format!("the account may not {right} of {without} of {all} people, {first} for one.");
            found.push(mend(Finding::new(code, &settings.users_dn, text), settings));
        }
        if unknown > 0 {
            let text = format!("whether the account may {right} cannot be told of {unknown} of {all} people.");
            found.push(mend(Finding::new(Code::RightUnknown, &settings.users_dn, text), settings));
        }
    }
    if whole {
        let text = format!("{all} of {all} people may be reset, unlocked, and made to change their password.");
        found.push(Finding::new(Code::RightsOk, &settings.users_dn, text));
    }
    if holds.is_none() && all > 0 {
        let text = "whether the rules hold for what the account does cannot be told: the policy has no minimum length that is checked, or is not known (agent.directory.openldap.policy_dn).";
        found.push(mend(Finding::new(Code::RightUnknown, &settings.bind_dn, text), settings));
    }
    if are_more {
        found.push(Finding::new(Code::NotEverybodySeen, &settings.users_dn, format!("only {all} of its people were tried.")));
    }
    Ok(found)
}

fn mend(finding: Finding, settings: &config::Directory) -> Finding {
    finding
        .run(
            "on the server, as root",
            format!("slapacl -F /etc/ldap/slapd.d -D {} -b PERSON userPassword/write userPassword/manage", posix(&settings.bind_dn)),
        )
        .say("The first must be ALLOWED, the second DENIED. Rules that do it, before any other about these attributes:")
        .with([Fix::Run { with: "ldapmodify -Y EXTERNAL -H ldapi:///", command: rules(settings) }])
}

/// The access rules, with names as slapd.access(5) quotes them.
fn rules(settings: &config::Directory) -> String {
    let quoted = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>().replace('"', "\\22");
    let (users, account) = (quoted(&settings.users_dn), quoted(&settings.bind_dn));
    format!(
        "dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nadd: olcAccess\n\
         olcAccess: {{0}}to dn.subtree=\"{users}\" attrs=userPassword by dn.exact=\"{account}\" =xw by self =xw by anonymous auth by * none\n\
         olcAccess: {{1}}to dn.subtree=\"{users}\" attrs=pwdAccountLockedTime,pwdReset by dn.exact=\"{account}\" write by * none"
    )
}
