//! What the mirror reads: everybody, what changed since, who is there, who is in which group.

use sspr::{
    agent::directory::{
        Trouble,
        people::{Mark, Page, People},
    },
    lab::slapd::SlapdOptions,
};

use super::{Desk, slapd, uuid_of};

/// Much later than any change is late.
const BEFORE: &str = "20200101000000.000000Z#000000#000#000000";

#[tokio::test]
async fn everybody_is_told_once_and_changes_are_found() {
    let slapd = slapd(SlapdOptions { max_age_days: 42, ..SlapdOptions::default() }).await;
    let desk = Desk::with(&slapd, |settings| settings.directory.openldap.protected_filter = "(uid=user07)".into());
    let directory = &*desk.directory;
    slapd.set(&slapd.dn("user01"), "manager", Some(&slapd.dn("user02"))).await.unwrap();
    let mark = directory.mark().await.unwrap();
    let Page { people, cookie, .. } = directory.page(None, Vec::new()).await.unwrap();
    assert!(cookie.is_empty());
    assert_eq!(people.len(), 20);
    let of = |name: &str| people.iter().find(|person| person.sign_in_name == name).unwrap();
    let first = of("user01");
    assert_eq!((first.guid, first.display_name.as_str()), (uuid_of(&slapd, &slapd.dn("user01")).await, "User Number 01"));
    assert_eq!((first.mail.as_deref(), first.mobile.as_deref()), (Some("user01@corp.example"), Some("+15550100001")));
    assert_eq!(first.manager, Some(of("user02").guid));
    // 42 days after it was set, a moment ago.
    let hours = (first.password_expires_at.unwrap() - std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed()) / 3600;
    assert!((41 * 24..=42 * 24).contains(&hours), "{hours}");
    assert!(first.enabled && !first.protected && of("user07").protected && !of("user20").enabled);
    assert_eq!(directory.census(Vec::new()).await.unwrap().guids.len(), 20);
    let asked = directory.people(&[of("user03").guid, uuid_of(&slapd, &slapd.bind_dn).await]).await.unwrap();
    assert_eq!(asked.iter().map(|person| person.sign_in_name.as_str()).collect::<Vec<_>>(), ["user03"]);

    // Nothing happened: the history stands where it stood.
    assert_eq!(directory.mark().await.unwrap(), mark);
    slapd.set(&slapd.dn("user03"), "mail", Some("new@corp.example")).await.unwrap();
    slapd.rename(&slapd.dn("user04"), "uid=user04", &slapd.groups_dn).await.unwrap();
    let then = directory.mark().await.unwrap();
    assert!(then != mark && then.follows(&mark));
    let page = directory.page(Some(&mark), Vec::new()).await.unwrap();
    assert!(page.people.iter().any(|person| person.mail.as_deref() == Some("new@corp.example")));
    assert_eq!(page.gone, [of("user04").guid]);
    // A group is told apart from people, and what nothing shows was a deletion.
    let since = directory.mark().await.unwrap();
    assert!(!page.shifted || page.people.is_empty());
    slapd.delete(&slapd.dn("user05")).await.unwrap();
    assert!(directory.mark().await.unwrap().follows(&since));
    assert!(directory.page(Some(&since), Vec::new()).await.unwrap().shifted);
    assert_eq!(directory.census(Vec::new()).await.unwrap().guids.len(), 18);
    let since = directory.mark().await.unwrap();
    slapd.add_group("new", &[&slapd.dn("user01")]).await.unwrap();
    assert!(directory.page(Some(&since), Vec::new()).await.unwrap().shifted);
    let all = directory.page(Some(&Mark { at: BEFORE.into(), ..since }), Vec::new()).await.unwrap();
    assert_eq!((all.people.len(), all.gone.len()), (18, 1));
}

#[tokio::test]
async fn whom_the_settings_protect_by_group_is_known_to_the_mirror() {
    let slapd = slapd(SlapdOptions::default()).await;
    let protecting = |group: &str| {
        let group = format!("cn={group},{}", slapd.groups_dn);
        Desk::with(&slapd, |settings| settings.directory.openldap.protected_groups = vec![group])
    };
    let directory = protecting("finance").directory.clone();
    let members = directory.powerful().await.unwrap();
    assert!(
        members.contains(&uuid_of(&slapd, &slapd.dn("user04")).await) && !members.contains(&uuid_of(&slapd, &slapd.dn("user01")).await)
    );
    // Not known who is protected: nobody is told as if they were not.
    assert!(matches!(protecting("gone").directory.powerful().await, Err(Trouble::Unfit { .. })));
}

#[tokio::test]
async fn a_place_in_one_servers_history_means_nothing_at_another() {
    let (one, two) = (slapd(SlapdOptions::default()).await, slapd(SlapdOptions::default()).await);
    // Two servers of one directory, as far as the agent can see.
    two.set(&two.bind_dn, "userPassword", Some(&one.bind_password().unwrap())).await.unwrap();
    two.set(&two.bind_dn, "pwdReset", None).await.unwrap();
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [&one, &two].map(|slapd| std::fs::read_to_string(&slapd.ca_file).unwrap()).join("\n");
    std::fs::write(both.path(), pem).unwrap();
    let desk = Desk::with(&one, |settings| {
        both.path().clone_into(&mut settings.directory.ca_file);
        settings.directory.fallback_urls = vec![two.ldaps_url.clone()];
    });
    let directory = &*desk.directory;
    let is_unreachable = |page: Result<Page, Trouble>| matches!(page, Err(Trouble::Unreachable(_)));
    let mark = directory.mark().await.unwrap();
    assert!(one.ldaps_url.ends_with(&mark.server), "{mark:?}");
    assert_eq!(directory.page(None, Vec::new()).await.unwrap().people.len(), 20);
    assert!(directory.page(Some(&mark), Vec::new()).await.is_ok());
    one.stop().unwrap();
    // The other one answers, but neither to what changed since a mark of the first, nor in the middle of its pages.
    let between = [mark.server.as_bytes(), b"\0cookie"].concat();
    assert!(is_unreachable(directory.page(Some(&mark), Vec::new()).await));
    assert!(is_unreachable(directory.page(None, between.clone()).await));
    assert!(matches!(directory.census(between).await, Err(Trouble::Unreachable(_))));
    // Nor with the pass that was begun for that mark.
    assert!(is_unreachable(directory.page(None, Vec::new()).await));
    let other = directory.mark().await.unwrap();
    assert!(two.ldaps_url.ends_with(&other.server) && !other.follows(&mark), "{other:?}: everybody is told anew");
    assert_eq!(directory.page(None, Vec::new()).await.unwrap().people.len(), 20);
    assert!(directory.page(Some(&other), Vec::new()).await.is_ok());
}

#[tokio::test]
async fn groups_hold_people_through_groups() {
    let slapd = slapd(SlapdOptions::default()).await;
    let desk = Desk::at(&slapd);
    let directory = &*desk.directory;
    let group = |name: &str| format!("cn={name},{}", slapd.groups_dn);
    slapd.add_group("outer", &[&group("finance"), &group("ring"), &slapd.dn("user01"), "cn=nobody,dc=corp,dc=example"]).await.unwrap();
    slapd.add_group("ring", &[&group("outer"), &slapd.bind_dn]).await.unwrap();
    let mut names = directory.groups(&slapd.groups_dn).await.unwrap().into_iter().map(|group| group.name).collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["all-staff", "finance", "outer", "ring"]);
    for none in [slapd.dn("user01"), group("none"), "no name".to_owned()] {
        assert!(directory.groups(&none).await.unwrap().is_empty(), "{none}");
    }
    for (name, expected) in [("finance", 5), ("outer", 6), ("ring", 6), ("all-staff", 20)] {
        let found = directory.groups(&group(name)).await.unwrap();
        let members = directory.members(&found[0], Vec::new()).await.unwrap();
        assert_eq!((members.guids.len(), members.cookie.len()), (expected, 0), "{name}");
    }
}
