//! What can be seen of an OpenLDAP server with the rights that the service account should have. Its access rules can not: they stand in
//! cn=config, which an ordinary account may not read, so what they must say is printed instead.

use ldap3::Scope;

use super::{
    finding::{Code, Finding, Fix},
    grants::posix,
    ldap::Probe,
};
use crate::base::config;

const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const PAGED: &str = "1.2.840.113556.1.4.319";

pub(super) async fn check(probe: &mut Probe, settings: &config::Directory, at: &str) -> Result<Vec<Finding>, Finding> {
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
    let filter = "(objectClass=person)";
    let (people, more) = probe.search(&settings.users_dn, Scope::Subtree, filter, &["1.1"], 500).await?;
    if people.is_empty() {
        let text = "there is nobody in it whom the account can see.";
        found.push(
            Finding::new(Code::NobodyServed, &settings.users_dn, text)
                .say("Check agent.directory.users_dn, and that the account may read there."),
        );
    }
    let many = if more { "500 people and more" } else { "its people" };
    let text = format!("whether the passwords of {many} may be set cannot be told: access rules are not readable from here.");
    found.push(
        Finding::new(Code::RightUnknown, &settings.users_dn, text)
            .say("They must give the account `write` on userPassword: with `manage` no rule of the policy would hold, and every password would have to be changed again at once. Ask the server itself:")
            .run("on the server, as root", format!("slapacl -F /etc/ldap/slapd.d -D {} -b PERSON userPassword/write userPassword/manage", posix(&settings.bind_dn)))
            .say("The first must be ALLOWED, the second DENIED. Rules that do it, before any other about these attributes:")
            .with([Fix::Run { with: "ldapmodify -Y EXTERNAL -H ldapi:///", command: rules(settings) }]),
    );
    Ok(found)
}

/// The access rules, with names as slapd.access(5) quotes them.
fn rules(settings: &config::Directory) -> String {
    let quoted = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>().replace('"', "\\22");
    let (users, account) = (quoted(&settings.users_dn), quoted(&settings.bind_dn));
    format!(
        "dn: olcDatabase={{1}}mdb,cn=config\nchangetype: modify\nadd: olcAccess\n\
         olcAccess: {{0}}to dn.subtree=\"{users}\" attrs=userPassword by dn.exact=\"{account}\" write by self =xw by anonymous auth by * none\n\
         olcAccess: {{1}}to dn.subtree=\"{users}\" attrs=pwdAccountLockedTime,pwdReset by dn.exact=\"{account}\" write by * read"
    )
}
