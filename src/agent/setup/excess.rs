//! Where the service account may do more than it should. An agent needs three rights on the people it serves; whoever steals its
//! password gets whatever else the account may do.

use std::collections::BTreeMap;

use ldap3::Scope;

use super::{
    account::{Own, sids},
    finding::{Code, Finding},
    ldap::Probe,
    rights::{Units, listed},
    words,
};
use crate::agent::directory::sd::{IN_CHAIN, Sid};

/// Groups that everybody of a domain is in.
const EVERYBODY: [u32; 2] = [513, 514];

/// `extra`: attributes of people that may be written without need, and whose.
pub(super) async fn check(probe: &mut Probe, own: &Own, units: &Units, extra: &BTreeMap<String, String>) -> Result<Vec<Finding>, Finding> {
    let mut found = Vec::new();
    for sid in own.token.iter().filter(|sid| sid.administers()) {
        found.push(member(probe, own, sid).await?);
    }
    if !found.is_empty() {
        // What the rest of the token may do follows from that.
        return Ok(found);
    }
    for (unit, list) in units {
        let Some(list) = list else { continue };
        let of_ours =
            |sid: &Sid| *sid == own.grantee.sid || (sid.is_domain() && !EVERYBODY.contains(&sid.rid()) && own.token.contains(sid));
        for ace in list.aces.iter().filter(|ace| !ace.is_inherited() && ace.is_too_much() && of_ours(&ace.sid)) {
            let text = format!("the account may do more here than it needs: {} ({}).", words::rights(ace), ace.sddl());
            let finding = Finding::new(Code::RightsTooMuch, unit, text);
            found.push(if ace.sid == own.grantee.sid {
                finding
                    .say("Take it away, then run sspr agent doctor again: it says what has to be granted instead.")
                    .with(own.grantee.revoke(unit, &ace.sddl()))
            } else {
                finding.say(format!(
                    "The entry belongs to the group {}: take the account out of it, or the entry away from the group.",
                    ace.sid
                ))
            });
        }
    }
    if found.is_empty()
        && let Some(whose) = extra.values().next()
    {
        let names = extra.keys().cloned().collect::<Vec<_>>();
        let text = format!("the account may write attributes that it does not need: {}.", listed(&names));
        found.push(
            Finding::new(Code::RightsTooMuch, whose, text)
                .say("Look at this account's access list, and take away what names the service account or one of its groups, but for the three rights."),
        );
    }
    Ok(found)
}

/// In a group of administrators, and how to get out.
async fn member(probe: &mut Probe, own: &Own, sid: &Sid) -> Result<Finding, Finding> {
    let admins = probe.read(&format!("<SID={sid}>"), &["sAMAccountName"]).await?;
    let name = admins.as_ref().and_then(|group| group.text("sAMAccountName")).map_or_else(|| sid.to_string(), str::to_owned);
    let text = format!("the account is a member of {name}: whoever has its password has the domain.");
    let mut finding =
        Finding::new(Code::RightsAdmin, &own.name, text).say("Take it out, then grant the three rights only (sspr agent doctor says how):");
    for group in &own.groups {
        let Some(direct) = probe.read(group, &["objectSid", "sAMAccountName"]).await? else { continue };
        let leads_there = sids(&direct, "objectSid").contains(sid)
            || match &admins {
                Some(admins) => {
                    let filter = format!("(memberOf:{IN_CHAIN}:={})", ldap3::ldap_escape(admins.dn()));
                    !probe.search(group, Scope::Base, &filter, &["1.1"], 1).await?.0.is_empty()
                }
                None => false,
            };
        if leads_there {
            finding = finding.with(own.grantee.leave(direct.text("sAMAccountName").unwrap_or(group), &own.name));
        }
    }
    Ok(finding)
}
