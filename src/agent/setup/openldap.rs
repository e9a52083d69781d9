//! What can be seen of an OpenLDAP server with the rights that the service account should have. Its access rules can not: they stand in
//! cn=config, which an ordinary account may not read. So the rights are tried, by modifies that cannot succeed, and what the rules must
//! say is printed.

use ldap3::Scope;

use super::{
    finding::{Code, Finding, Fix},
    grants::posix,
    ldap::Probe,
    servers::named,
    tls,
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
    let fault = |error: anyhow::Error| Finding::new(Code::DirectoryFault, &settings.base_dn, format!("{error:#}."));
    let server = named(settings).map_err(fault)?.into_iter().next();
    let server = server.ok_or_else(|| Finding::new(Code::DirectoryFault, &settings.base_dn, "no server is named."))?;
    let trusted = tls::authorities(&settings.ca_file).and_then(|authorities| tls::trusting(&authorities)).map_err(fault)?;
    let mut probe = Probe::bind(&server, trusted, &settings.bind_dn, &settings.bind_password).await?;
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
    let mut found = Vec::new();
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

/// At so many people the rights are tried.
const TRIED: usize = 50;
/// And at so many by an agent that runs.
const FEW: usize = 5;

async fn rights(settings: &config::Directory, enough: usize, are_more: bool) -> Result<Vec<Finding>, Finding> {
    let fault = |error: String| Finding::new(Code::DirectoryFault, &settings.users_dn, format!("{error}."));
    let directory = OpenLdap::new(settings, Time::new(Clock::system())).map_err(|error| fault(format!("{error:#}")))?;
    let Tried { holds, people } = directory.tried(enough).await.map_err(|trouble| fault(trouble.to_string()))?;
    let mut found = Vec::new();
    if holds == Some(false) {
        let finding = Finding::new(Code::RightsTooMuch, &settings.bind_dn, format!("{NO_RULE_HOLDS}."));
        found.push(mend(finding.say("Give it less:"), settings));
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
