//! Names and passwords with everything in them that LDAP, DNs and filters give a meaning to.

use std::collections::HashSet;

use ldap3::dn_escape;
use sspr::{
    agent::directory::{Directory, dn},
    lab::samba::Samba,
    wire::outcome::Code,
};

use super::{Bench, Someone, accepts, both, guid};

pub const NAMES: [&str; 9] = [
    r#"O'Neil, "Jo" <jo@x> = 1+1; #2"#,
    r"C:\back\slash, CN=Administrator",
    "*)(objectClass=*",
    " leading and trailing ",
    "#hash",
    "日本語 Ünïcödé ß",
    "🗝️ key 👩‍👩‍👧",
    "مريم \u{202e}gnal\u{202c} עברית",
    "a,OU=Service,DC=corp,DC=example",
];

/// Somebody of that name below `parent`.
async fn person(samba: &Samba, name: &str, sam: &str, parent: &str) -> Someone {
    let dn = format!("CN={},{parent}", dn_escape(name));
    let one = |value: &str| HashSet::from([value.to_owned()]);
    let mut admin = samba.admin().await.unwrap();
    let attributes =
        vec![("objectClass".to_owned(), one("user")), ("sAMAccountName".to_owned(), one(sam)), ("displayName".to_owned(), one(name))];
    admin.add(&dn, attributes).await.unwrap().success().unwrap_or_else(|error| panic!("{name}: {error}"));
    samba.set_password(&dn, "First-Passw0rd").await.unwrap();
    samba.set(&dn, "userAccountControl", "512").await.unwrap();
    Someone { guid: guid(samba, sam).await, dn: samba.dn(sam).await.unwrap(), name: sam.to_owned(), password: "First-Passw0rd".into() }
}

#[tokio::test]
async fn people_may_be_called_anything() {
    for (at, domain) in both().into_iter().enumerate() {
        let samba = &domain.samba;
        let bench = Bench::new(samba);
        // A unit of such a name, too, and one that is not served whose name ends like one that is.
        let unit = format!("OU={},{}", dn_escape("Müller, Söhne + Co. = \"MS\""), samba.users_dn);
        let mut admin = samba.admin().await.unwrap();
        admin.add(&unit, vec![("objectClass", HashSet::from(["organizationalUnit"]))]).await.unwrap().success().unwrap();
        for (number, name) in NAMES.into_iter().enumerate() {
            for (place, parent) in [("s", samba.users_dn.clone()), ("u", unit.clone())] {
                let odd = person(samba, name, &format!("odd{at}{number}{place}"), &parent).await;
                let account = bench.account(odd.guid).await;
                assert!(dn::is_below(&account.dn, &samba.users_dn), "{name}: {}", account.dn);
                assert_eq!(account.display_name, name);
                assert_eq!(bench.reset(odd.guid, "Quite-New-1").await, Code::Applied, "{name}");
                assert!(accepts(samba, &odd, "Quite-New-1").await, "{name}");
            }
            let outside = person(samba, name, &format!("odd{at}{number}x"), &format!("CN=Users,{}", samba.base_dn)).await;
            assert_eq!(bench.reset(outside.guid, "Quite-New-1").await, Code::OutOfScope, "{name}");
        }
    }
}

#[tokio::test]
async fn groups_may_be_called_anything_and_let_in_only_their_members() {
    let domain = both()[1];
    let samba = &domain.samba;
    let (ann, ben) = (domain.somebody().await, domain.somebody().await);
    for (number, name) in NAMES.into_iter().enumerate() {
        let group = format!("CN={},CN=Users,{}", dn_escape(format!("{name} g")), samba.base_dn);
        let mut admin = samba.admin().await.unwrap();
        let one = |value: &str| HashSet::from([value.to_owned()]);
        let attributes = vec![
            ("objectClass".to_owned(), one("group")),
            ("sAMAccountName".to_owned(), one(&format!("odd-group-{number}"))),
            ("member".to_owned(), one(&ann.dn)),
        ];
        admin.add(&group, attributes).await.unwrap().success().unwrap_or_else(|error| panic!("{name}: {error}"));
        let bench = Bench::with(samba, |settings| settings.allow_groups = vec![group.clone()]);
        bench.directory.check_groups().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (ann, ben) = (bench.account(ann.guid).await, bench.account(ben.guid).await);
        assert!(bench.directory.serves(&ann).await.unwrap(), "{name}");
        assert!(!bench.directory.serves(&ben).await.unwrap(), "{name}");
        let bench = Bench::with(samba, |settings| settings.deny_groups = vec![group.clone()]);
        assert!(!bench.directory.serves(&ann).await.unwrap() && bench.directory.serves(&ben).await.unwrap(), "{name}");
    }
    // What only looks like the name of a group is none.
    for no_group in ["CN=*,CN=Users,DC=corp,DC=example", "*)(objectClass=*", "CN=a\\,CN=Users", "", "\u{0}"] {
        let bench = Bench::with(samba, |settings| settings.allow_groups = vec![no_group.to_owned()]);
        assert!(bench.directory.check_groups().await.is_err(), "{no_group:?}");
    }
}

/// Everything that a password may hold, up to as long as it may be.
pub fn passwords() -> Vec<String> {
    let short = [
        r#""Quoted-1""#,
        r#"'"\"Mixed-1'"#,
        "  Leading-and-trailing-1  ",
        "\tTab\nand-newline-1\r\n",
        r"C:\New\Passw0rd",
        "*)(uid=*))(|(uid=A1",
        "Ünïcödé-ß-1",
        "مريم-Abc-1\u{202e}",
        "👩‍👩‍👧-Family-1",
    ];
    let long = format!("Aa1-{}", "x".repeat(252));
    let wide = format!("Aa1-{}", "\u{1F5DD}".repeat(126));
    short.map(str::to_owned).into_iter().chain([long, wide]).collect()
}

#[tokio::test]
async fn passwords_may_be_anything_that_fits() {
    for domain in both() {
        let (samba, ann) = (&domain.samba, domain.somebody().await);
        let bench = Bench::with(samba, |settings| settings.directory.max_per_user_per_hour = 0);
        for password in &passwords() {
            assert_eq!(bench.reset(ann.guid, password).await, Code::Applied, "{password:?}");
            assert!(accepts(samba, &ann, password).await, "{password:?}");
            // What looks the same is not.
            assert!(!accepts(samba, &ann, &format!("{password} ")).await, "{password:?}");
        }
        for password in ["", "\0", "Aa1-\0-Passw0rd"] {
            assert_eq!(bench.reset(ann.guid, password).await, Code::PasswordUnusable, "{password:?}");
        }
        // 257 units are not even sealed (src/wire/seal.rs), and half a pair is no text here; browsers refuse both (tests/browser/vectors.rs).
        assert!(accepts(samba, &ann, passwords().last().unwrap()).await);
    }
}
