//! Entries of an access list in words, as far as administrators know them by name.

use uuid::{Uuid, uuid};

use crate::agent::directory::sd::{
    ACCOUNT_RESTRICTIONS, Ace, CHANGE_PASSWORD, CONTROL_ACCESS, CREATE_CHILD, DELETE, DELETE_CHILD, DELETE_TREE, GENERIC_ALL,
    GENERIC_WRITE, LOCKOUT_TIME, PWD_LAST_SET, RESET_PASSWORD, Sid, WRITE_DAC, WRITE_OWNER, WRITE_PROPERTY,
};

/// Properties, sets of properties and extended rights, by their GUIDs in the schema (MS-ADA, MS-ADTS 5.1.3.2.1).
const NAMES: [(Uuid, &str); 19] = [
    (RESET_PASSWORD, "Reset Password"),
    (CHANGE_PASSWORD, "Change Password"),
    (LOCKOUT_TIME, "lockoutTime"),
    (PWD_LAST_SET, "pwdLastSet"),
    (ACCOUNT_RESTRICTIONS, "Account Restrictions (userAccountControl, pwdLastSet and more)"),
    (uuid!("bf967a68-0de6-11d0-a285-00aa003049e2"), "userAccountControl"),
    (uuid!("bf9679c0-0de6-11d0-a285-00aa003049e2"), "member"),
    (uuid!("f3a64788-5306-11d1-a9c5-0000f80367c1"), "servicePrincipalName"),
    (uuid!("bf967961-0de6-11d0-a285-00aa003049e2"), "mail"),
    (uuid!("bf967950-0de6-11d0-a285-00aa003049e2"), "description"),
    (uuid!("bf967953-0de6-11d0-a285-00aa003049e2"), "displayName"),
    (uuid!("bf967a49-0de6-11d0-a285-00aa003049e2"), "telephoneNumber"),
    (uuid!("59ba2f42-79a2-11d0-9020-00c04fc2d3cf"), "General Information"),
    (uuid!("77b5b886-944a-11d1-aebd-0000f80367c1"), "Personal Information"),
    (uuid!("e48d0154-bcf8-11d1-8702-00c04fb96050"), "Public Information"),
    (uuid!("5f202010-79a5-11d0-9020-00c04fc2d4cf"), "Logon Information"),
    (uuid!("bc0ac240-79a9-11d0-9020-00c04fc2d4cf"), "Group Membership"),
    (uuid!("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"), "Replicating Directory Changes"),
    (uuid!("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"), "Replicating Directory Changes All"),
];

/// What it allows or denies.
pub(super) fn rights(ace: &Ace) -> String {
    const ALL: [u32; 5] = [WRITE_PROPERTY, CONTROL_ACCESS, WRITE_DAC, WRITE_OWNER, DELETE];
    let object = ace.object().map(|object| {
        NAMES.iter().find(|(guid, _)| *guid == object).map_or_else(|| format!("what has the GUID {object}"), |(_, name)| (*name).to_owned())
    });
    if object.is_none() && (ace.has(GENERIC_ALL) || ALL.iter().all(|mask| ace.has(*mask))) {
        return "everything (full control)".to_owned();
    }
    let of = |all: &str| object.clone().unwrap_or_else(|| all.to_owned());
    let parts = [
        (WRITE_PROPERTY | GENERIC_WRITE, format!("write {}", of("every attribute"))),
        (CONTROL_ACCESS, format!("the right {}", of("to everything that is asked for by name, Reset Password and others"))),
        (CREATE_CHILD, "create entries below".to_owned()),
        (DELETE_CHILD | DELETE_TREE, "delete entries below".to_owned()),
        (DELETE, "delete it".to_owned()),
        (WRITE_DAC, "change its access list".to_owned()),
        (WRITE_OWNER, "take it over".to_owned()),
    ];
    parts.into_iter().filter(|(mask, _)| ace.has(*mask)).map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

/// Whose entry it is.
pub(super) fn whose(sid: &Sid, own: &Sid) -> String {
    match sid.to_string().as_str() {
        _ if sid == own => "the account itself".to_owned(),
        "S-1-1-0" => "Everyone".to_owned(),
        "S-1-5-11" => "Authenticated Users".to_owned(),
        other => format!("the group {other}, which the account is in"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once() {
        let guids = NAMES.iter().map(|(guid, _)| guid).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(guids.len(), NAMES.len());
        let [own, other] = [18, 32].map(|rid| Sid::read(&[1, 1, 0, 0, 0, 0, 0, 5, rid, 0, 0, 0]).unwrap());
        assert_eq!(whose(&own, &own), "the account itself");
        assert!(whose(&other, &own).contains("S-1-5-32"));
    }
}
