//! What the service account may do to the people it is to serve, compared with what it needs: for whom something is missing and why,
//! whom it must not touch, and where it may do more than it should.
//!
//! Two sources, because neither tells all: the server's own word on attributes (allowedAttributesEffective), and the access list,
//! which alone tells about the right to reset a password.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ldap3::Scope;

use super::{
    account::{Own, own},
    denied::Denials,
    excess,
    finding::{Code, Finding},
    grants::Right,
    ldap::{Found, Probe},
    powerful::powerful,
};
use crate::{
    agent::directory::{
        dn,
        sd::{ACCOUNT_RESTRICTIONS, CONTROL_ACCESS, Descriptor, LOCKOUT_TIME, PWD_LAST_SET, RESET_PASSWORD, WRITE_PROPERTY},
    },
    base::config,
};

/// People that are looked at unless everybody is asked for.
const ENOUGH: usize = 5000;
/// More than any directory has.
const UNITS: usize = 100_000;
/// Names that are listed before it is "and so many more".
const NAMED: usize = 10;

const PERSON: [&str; 7] = [
    "sAMAccountName",
    "adminCount",
    "isCriticalSystemObject",
    "allowedAttributesEffective",
    "nTSecurityDescriptor",
    "msDS-ResultantPSO",
    "userAccountControl",
];

/// The units, by their names as the directory writes them.
pub(super) type Units = BTreeMap<String, Option<Descriptor>>;

/// What came of it.
pub struct Checked {
    pub findings: Vec<Finding>,
    pub own: Own,
    /// Fine-grained policies that hold for somebody.
    pub policies: BTreeSet<String>,
}

#[derive(Default)]
struct People {
    /// By a group, whatever their own entry says.
    powerful: HashSet<String>,
    served: usize,
    protected: Vec<String>,
    /// Nothing is inherited, and something is missing.
    cut: Vec<String>,
    /// By the unit where it would have to be granted: the rights, and who lacks them.
    missing: BTreeMap<String, BTreeMap<Right, Vec<String>>>,
    denied: Denials,
    /// Whose access list may not be read.
    unknown: Vec<String>,
    /// Attributes that may be written and need not be, and of whom first.
    extra: BTreeMap<String, String>,
    policies: BTreeSet<String>,
}

/// Ask for everybody, or for the first [`ENOUGH`].
pub async fn check(probe: &mut Probe, settings: &config::Directory, url: &str, everybody: bool) -> Result<Checked, Finding> {
    let own = own(probe, settings, url).await?;
    let units = units(probe, settings).await?;
    if !units.keys().any(|unit| dn::is_same(unit, &settings.users_dn)) {
        let text = "agent.directory.users_dn cannot be read: there is no such object, or the account may not see it.";
        return Err(
            Finding::new(Code::UsersMissing, &settings.users_dn, text).say("Set it to the unit whose people are served (OU=…,DC=…).")
        );
    }
    let enough = if everybody { usize::MAX } else { ENOUGH };
    let filter = "(&(objectCategory=person)(objectClass=user))";
    let (found, more) = probe.search(&settings.users_dn, Scope::Subtree, filter, &PERSON, enough).await?;
    let mut people = People { powerful: powerful(probe, settings).await?, ..People::default() };
    for person in found.iter().filter(|person| !dn::is_same(person.dn(), &own.dn)) {
        people.judge(person, &own, &units, &settings.users_dn);
    }
    let mut findings = excess::check(probe, &own, &units, &people.extra).await?;
    findings.extend(people.tell(&own, &units, &settings.users_dn, more));
    Ok(Checked { findings, own, policies: people.policies })
}

/// Everything that people may lie in, from the domain down to the served part and below.
async fn units(probe: &mut Probe, settings: &config::Directory) -> Result<Units, Finding> {
    let names = ["nTSecurityDescriptor"];
    let list = |entry: &Found| entry.bytes("nTSecurityDescriptor").first().and_then(|bytes| Descriptor::read(bytes));
    let mut units = Units::new();
    let mut at = settings.users_dn.as_str();
    while !at.is_empty() && (dn::is_same(at, &settings.base_dn) || dn::is_below(at, &settings.base_dn)) {
        if let Some(entry) = probe.read(at, &names).await? {
            units.insert(entry.dn().to_owned(), list(&entry));
        }
        at = dn::above(at);
    }
    let filter = "(|(objectClass=organizationalUnit)(objectClass=container))";
    let (below, _) = probe.search(&settings.users_dn, Scope::Subtree, filter, &names, UNITS).await?;
    units.extend(below.iter().map(|entry| (entry.dn().to_owned(), list(entry))));
    Ok(units)
}

/// Where a right for this account would have to be granted: the nearest unit that inherits nothing, or the top of what is served.
fn granting_unit<'a>(account: &'a str, units: &Units, top: &'a str) -> &'a str {
    let mut at = dn::above(account);
    while !at.is_empty() && !dn::is_same(at, top) {
        if units.get(at).and_then(Option::as_ref).is_some_and(|list| list.is_protected) {
            return at;
        }
        at = dn::above(at);
    }
    top
}

impl People {
    fn judge(&mut self, person: &Found, own: &Own, units: &Units, top: &str) {
        let name = person.text("sAMAccountName").unwrap_or_else(|| person.dn()).to_owned();
        if let Some(policy) = person.text("msDS-ResultantPSO") {
            self.policies.insert(policy.to_owned());
        }
        let critical = person.text("isCriticalSystemObject").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if person.number("adminCount") != 0 || critical || self.powerful.contains(person.dn()) {
            self.protected.push(name);
            return;
        }
        let writable = person.texts("allowedAttributesEffective");
        let may_write = |attribute: &str| writable.iter().any(|name| name.eq_ignore_ascii_case(attribute));
        let list = person.bytes("nTSecurityDescriptor").first().and_then(|bytes| Descriptor::read(bytes));
        let may_reset = list.as_ref().map(|list| list.allows(&own.token, CONTROL_ACCESS, &[RESET_PASSWORD]));
        let by_list = |object| list.as_ref().is_some_and(|list| list.allows(&own.token, WRITE_PROPERTY, &[object, ACCOUNT_RESTRICTIONS]));
        for attribute in writable.iter().filter(|name| !["lockouttime", "pwdlastset"].contains(&name.to_ascii_lowercase().as_str())) {
            self.extra.entry(attribute.clone()).or_insert_with(|| name.clone());
        }
        // A server that does not tell its word is read by the list alone.
        let told = !writable.is_empty() || list.is_none();
        let mut missing = Vec::new();
        if may_reset == Some(false) {
            missing.push(Right::Reset);
        }
        if !(may_write("lockoutTime") || (!told && by_list(LOCKOUT_TIME))) {
            missing.push(Right::Unlock);
        }
        if !(may_write("pwdLastSet") || (!told && by_list(PWD_LAST_SET))) {
            missing.push(Right::MustChange);
        }
        if missing.is_empty() {
            match may_reset {
                Some(_) => self.served += 1,
                None => self.unknown.push(name),
            }
            return;
        }
        missing.retain(|right| !self.denied.note(list.as_ref(), (person.dn(), &name), *right, own, units));
        if missing.is_empty() {
            return;
        }
        if list.as_ref().is_some_and(|list| list.is_protected) {
            self.cut.push(person.dn().to_owned());
        } else {
            let by_right = self.missing.entry(granting_unit(person.dn(), units, top).to_owned()).or_default();
            for right in missing {
                by_right.entry(right).or_default().push(name.clone());
            }
        }
    }

    fn tell(&self, own: &Own, units: &Units, top: &str, more: bool) -> Vec<Finding> {
        let mut found = Vec::new();
        let lacking = self.missing.values().flat_map(BTreeMap::values).flatten().chain(self.denied.people());
        let lacking = lacking.collect::<BTreeSet<_>>().len();
        let seen = self.served + self.unknown.len() + self.cut.len() + lacking;
        if seen == 0 {
            let text = "there is nobody in it whom the agent could serve.";
            found.push(Finding::new(Code::NobodyServed, top, text).say("Check agent.directory.users_dn."));
        } else if self.served > 0 {
            let text = format!(
                "{} of {seen} people can be served: their password may be reset, they may be unlocked and be made to change it.",
                self.served
            );
            found.push(Finding::new(Code::RightsOk, top, text));
        }
        found.extend(self.denied.tell(own));
        for (unit, rights) in &self.missing {
            found.extend(missing_at(unit, rights, own, units));
        }
        if !self.cut.is_empty() {
            let text = format!(
                "{} accounts inherit nothing from their unit (inheritance is switched off on the account itself), so what is granted there does not reach them: {}.",
                self.cut.len(),
                listed(&self.cut)
            );
            let mut finding = Finding::new(Code::InheritanceOff, top, text)
                .say("Find out first who switched it off and why: it is also how administrators are protected. Then let them inherit again, for instance:");
            if let Some(first) = self.cut.first() {
                finding = finding.with(own.grantee.inherit(first));
            }
            found.push(finding);
        }
        if !self.unknown.is_empty() {
            let text = format!(
                "whether the passwords of {} people may be reset cannot be told, because their access list may not be read: {}.",
                self.unknown.len(),
                listed(&self.unknown)
            );
            found.push(
                Finding::new(Code::RightUnknown, top, text)
                    .say("As a domain administrator look for \"Reset Password\" and the account's name in:")
                    .run("dsacls", format!("dsacls \"{}\"", top.replace('"', "")))
                    .say("Or let it read permissions there (Authenticated Users may by default)."),
            );
        }
        if !self.protected.is_empty() {
            let text = format!(
                "{} accounts are protected (adminCount, a group that administers, or of the system itself) and are never served: {}.",
                self.protected.len(),
                listed(&self.protected)
            );
            found.push(
                Finding::new(Code::AccountProtected, top, text)
                    .say("This is meant so: whoever could reset an administrator's password would be one. If somebody is none any more, take them out of such groups, clear adminCount and let the account inherit again."),
            );
        }
        if more {
            let text = format!("only the first {ENOUGH} people were looked at.");
            found.push(Finding::new(Code::NotEverybodySeen, top, text).say("To look at everybody: --everybody"));
        }
        found
    }
}

/// One finding for each right that is missing there; the first has the commands for all.
fn missing_at(unit: &str, rights: &BTreeMap<Right, Vec<String>>, own: &Own, units: &Units) -> Vec<Finding> {
    let all = rights.keys().copied().collect::<Vec<_>>();
    let is_cut = units.get(unit).and_then(Option::as_ref).is_some_and(|list| list.is_protected);
    let mut found = Vec::new();
    for (right, people) in rights {
        let text = format!("the account lacks {:?} on {} people: {}.", right.name(), people.len(), listed(people));
        let finding = Finding::new(right.missing(), unit, text);
        found.push(if found.is_empty() {
            let finding = finding.say("Grant it, on the unit and inherited by its people:").with(own.grantee.grant(unit, &all));
            if is_cut {
                finding.say("Inheritance is switched off on this unit: what is granted above it does not come here.")
            } else {
                finding
            }
        } else {
            finding.say("The commands above grant it, too.")
        });
    }
    found
}

/// The first of them, and how many more.
pub(super) fn listed(names: &[String]) -> String {
    let mut names = names.iter().map(String::as_str).collect::<Vec<_>>();
    names.sort_unstable();
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_granted_where_inheritance_begins() {
        let cut = Descriptor { is_protected: true, ..Descriptor::default() };
        let units = Units::from([
            ("OU=Staff,DC=x".to_owned(), Some(Descriptor::default())),
            ("OU=Secret,OU=Staff,DC=x".to_owned(), Some(cut)),
            ("OU=Deep,OU=Secret,OU=Staff,DC=x".to_owned(), None),
        ]);
        let at = |account| granting_unit(account, &units, "OU=Staff,DC=x");
        assert_eq!(at("CN=a,OU=Staff,DC=x"), "OU=Staff,DC=x");
        assert_eq!(at("CN=a,OU=Deep,OU=Secret,OU=Staff,DC=x"), "OU=Secret,OU=Staff,DC=x");
        assert_eq!(at("CN=a,OU=Elsewhere,DC=x"), "OU=Staff,DC=x");
    }
}
