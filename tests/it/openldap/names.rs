//! Names and passwords with everything in them that LDAP, DNs and filters give a meaning to.

use sspr::{
    lab::slapd::SlapdOptions,
    wire::{outcome::Code, ticket::Kind},
};

use super::{Desk, slapd, uuid_of};
use crate::agent::names::{NAMES, passwords};

#[tokio::test]
async fn people_may_be_called_anything_and_passwords_be_anything_that_fits() {
    let slapd = slapd(SlapdOptions::default()).await;
    let desk = Desk::at(&slapd);
    for name in NAMES {
        let dn = slapd.add_person(name, "First-Passw0rd").await.unwrap();
        let user = uuid_of(&slapd, &dn).await;
        assert_eq!(desk.account(user).await.display_name.trim(), name.trim());
        assert_eq!(desk.code(user, Kind::Reset, "Quite-New-1", "").await, Code::Applied, "{name}");
        assert_eq!(desk.code(user, Kind::Change, "Quite-New-2", "Quite-New-1").await, Code::Applied, "{name}");
        assert!(slapd.accepts(&dn, "Quite-New-2").await.unwrap(), "{name}");
        assert_eq!(desk.code(user, Kind::Unlock, "", "").await, Code::NotLocked, "{name}");
    }
    // Nobody else was meant by any of them.
    for user in slapd.users.iter().filter(|user| !user.disabled).take(3) {
        assert!(slapd.accepts(&slapd.dn(&user.sign_in_name), &user.password).await.unwrap(), "{}", user.sign_in_name);
    }
    let dn = slapd.dn("user01");
    let user = uuid_of(&slapd, &dn).await;
    for password in &passwords() {
        assert_eq!(desk.code(user, Kind::Reset, password, "").await, Code::Applied, "{password:?}");
        assert!(slapd.accepts(&dn, password).await.unwrap(), "{password:?}");
        // What looks the same is not.
        assert!(!slapd.accepts(&dn, &format!("{password} ")).await.unwrap(), "{password:?}");
    }
    for password in ["\0", "Aa1-\0-Passw0rd"] {
        assert_eq!(desk.code(user, Kind::Reset, password, "").await, Code::PasswordUnusable, "{password:?}");
    }
}
